#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Puts one bug at a time into a copy of the sources and asks whether the tests notice.

The copy has a build folder of its own, so that each bug costs an incremental build. What became of each is kept beside
the copy until the sources change. `--write` puts the table into Tests/README.md; there a bug that was not tried on
these sources keeps its row. `--check` builds nothing: it only asks whether each bug still has its place in the sources.
"""

import argparse
import hashlib
import json
import pathlib
import re
import shutil
import subprocess
import sys
import time

from builds import FAILED_TEST, ROOT, errors_of, run, share_packages
from mutations import MUTATIONS, Mutation

README = ROOT / "Tests" / "README.md"
MARKS = ("<!-- mutations: begin -->", "<!-- mutations: end -->")
UNTRIED, UNNOTICED = "not tried yet", "**nothing**"
#: How many of the bugs the tests may miss.
MISSED_MAX = 2
BUILD_SECONDS_MAX, TESTS_SECONDS_MAX = 3600, 1200


class Copy:
    """A copy of the checkout that can be built and tested."""

    def __init__(self, folder: pathlib.Path):
        self.root, self._shared = folder / "tree", folder / "shared"
        self.root.mkdir(parents=True, exist_ok=True)
        corpora = ROOT.parent / "shared"
        if corpora.exists() and not self._shared.exists():
            self._shared.symlink_to(corpora)
        names = subprocess.run(
            ["git", "-C", ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"], check=True,
            capture_output=True, text=True).stdout.split("\0")
        digest, wanted = hashlib.sha256(), set()
        for name in sorted(filter(None, names)):
            source, target = ROOT / name, self.root / name
            if not source.is_file():
                continue
            wanted.add(name)
            text = source.read_bytes()
            if name.startswith(("Sources/", "Tests/")) and name.endswith(".swift"):
                digest.update(name.encode() + b"\0" + text)
            # What did not change keeps its time, and need not be built again.
            if not target.exists() or target.read_bytes() != text:
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, target)
        for path in [*self.root.glob("Sources/**/*.swift"), *self.root.glob("Tests/**/*.swift")]:
            if str(path.relative_to(self.root)) not in wanted:
                path.unlink()
        self.digest = digest.hexdigest()
        share_packages(self.root / ".build")

    def build(self) -> str | None:
        """Builds the tests; the errors if that failed."""
        code, output = run(["swift", "build", "--build-tests", "--package-path", str(self.root)], BUILD_SECONDS_MAX,
                           self.root)
        return None if code == 0 else errors_of(output)

    def failure(self, targets: tuple[str, ...]) -> str | None:
        """Runs the tests of these targets, of all if none are given; the first that failed, or None."""
        binary = next((self.root / ".build" / "debug").glob("*PackageTests.xctest"))
        command = [str(binary), "--testing-library", "swift-testing", "--no-parallel"]
        for target in targets:
            command += ["--filter", f"^{target}\\."]
        code, output = run(command, TESTS_SECONDS_MAX, self.root)
        if code == 0:
            if "Test run with 0 tests" in output:
                raise SystemExit(f"there are no tests in {', '.join(targets)}")
            return None
        if code is None:
            return "the tests did not end"
        failed = FAILED_TEST.search(output)
        return failed[1] if failed else f"the tests ended with {code}"


def attempt(copy: Copy, mutation: Mutation) -> dict:
    """What becomes of one bug: by which test it was noticed, in how many seconds with its build."""
    began, file = time.monotonic(), copy.root / mutation.file
    text = file.read_text()
    try:
        file.write_text(text.replace(mutation.search, mutation.replace))
        errors = copy.build()
        if errors:
            raise SystemExit(f"'{mutation.name}' does not compile:\n{errors}")
        test = copy.failure(mutation.tests)
        scope = ", ".join(mutation.tests)
        if test is None:
            test, scope = copy.failure(()), "all tests"
    finally:
        file.write_text(text)
    return {"test": test, "scope": scope, "seconds": round(time.monotonic() - began)}


def displaced(mutations: list[Mutation]) -> list[str]:
    """The bugs whose place in the sources is gone, or is not the only one of its kind."""
    found = []
    for mutation in mutations:
        file = ROOT / mutation.file
        count = file.read_text().count(mutation.search) if file.exists() else 0
        if count != 1:
            found.append(f"'{mutation.name}': {mutation.file} holds its text {count} times")
    return found


def known() -> dict[str, str]:
    """What the table in Tests/README.md says of each bug."""
    rows = README.read_text().partition(MARKS[0])[2].partition(MARKS[1])[0]
    return dict(re.findall(r"^\| (.+?) \| `.+?` \| (.+) \|$", rows, re.MULTILINE))


def table(found: dict) -> list[str]:
    lines, before = ["| bug | in | noticed by |", "|---|---|---|"], known()
    tried = noticed = 0
    for mutation in MUTATIONS:
        by = before.get(mutation.name, UNTRIED)
        if result := found.get(mutation.name):
            by = f"{result['test']} ({result['scope']})" if result["test"] else UNNOTICED
        tried += by != UNTRIED
        noticed += by not in (UNTRIED, UNNOTICED)
        place = mutation.file.removeprefix("Sources/").removesuffix(".swift")
        lines.append(f"| {mutation.name} | `{place}` | {by} |")
    return lines + ["", f"{noticed} of {tried} bugs that were tried were noticed; there are {len(MUTATIONS)}."]


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/torture --mutations", description=__doc__.splitlines()[0])
    parser.add_argument("--only", action="append", default=[], help="the bugs whose name holds this; may be repeated")
    parser.add_argument("--dir", type=pathlib.Path, default=ROOT / ".build" / "mutations", help="where the copy lies")
    parser.add_argument("--again", action="store_true", help="also those that were tried on the same sources before")
    parser.add_argument("--write", action="store_true", help="put the table into Tests/README.md")
    parser.add_argument("--check", action="store_true", help="only whether each bug still has its place")
    options = parser.parse_args()
    chosen = [mutation for mutation in MUTATIONS
              if not options.only or any(word in mutation.name for word in options.only)]
    lost = displaced(chosen)
    if lost or options.check:
        print("\n".join([*lost, f"{len(chosen) - len(lost)} passed, {len(lost)} failed"]))
        sys.exit(1 if lost else 0)
    copy = Copy(options.dir.resolve())
    kept = options.dir / "results.json"
    book = json.loads(kept.read_text()) if kept.exists() else {}
    # A result counts for the sources that it was got from.
    found = book["results"] if book.get("sources") == copy.digest else {}
    due = [mutation for mutation in chosen if options.again or mutation.name not in found]
    if due:
        errors = copy.build()
        if errors:
            raise SystemExit(f"the sources do not compile as they are:\n{errors}")
        targets = tuple(sorted({target for mutation in due for target in mutation.tests}))
        failed = copy.failure(targets)
        if failed:
            raise SystemExit(f"a test fails without any bug: {failed}")
    for mutation in due:
        found[mutation.name] = attempt(copy, mutation)
        kept.write_text(json.dumps({"sources": copy.digest, "results": found}, indent=1))
        print(f"{mutation.name}: {found[mutation.name]['test'] or 'NOT NOTICED'} ({found[mutation.name]['seconds']} s)",
              flush=True)
    lines = table(found)
    print("\n".join(lines))
    if options.write:
        before, _, rest = README.read_text().partition(MARKS[0])
        README.write_text(before + "\n".join([MARKS[0], *lines]) + "\n" + MARKS[1] + rest.partition(MARKS[1])[2])
    missed = [mutation.name for mutation in chosen if not found[mutation.name]["test"]]
    noticed = len(chosen) - len(missed)
    print(f"{noticed} passed, {len(missed)} failed")
    sys.exit(1 if len(missed) > MISSED_MAX else 0)


if __name__ == "__main__":
    main()
