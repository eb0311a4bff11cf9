#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Builds the tests with a sanitizer, in a build folder of its own, and runs them; every report is a failure.

What is reported and is none of ours, and why, stands in thread-suppressions.txt and leak-suppressions.txt. The program's
own processes (CLITests) are started from the ordinary build and are left out, as are the rules of the repository
(TidyTests).
"""

import argparse
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

from builds import FAILED_TEST, ROOT, errors_of, run, share_packages

HERE = pathlib.Path(__file__).resolve().parent
LEFT_OUT = ("CLITests", "TidyTests")
LARGEST = "PipelineTests"
BUILD_SECONDS_MAX, TESTS_SECONDS_MAX = 5400, 7200
#: Simulated migrations take some ten times as long as elsewhere; what they do is the same from the first seeds on.
SEEDS = 50
#: A simulator under a sanitizer does not answer within the two seconds that some tests wait for it.
PATIENCE = 5
SUMMARY = re.compile(r"^SUMMARY: (.*)$", re.MULTILINE)
COUNT = re.compile(r"Test run with (\d+) tests?")
#: The environment of the tests; the reports' place is added to the first one.
OPTIONS = {
    "thread": {"TSAN_OPTIONS": f"suppressions={HERE / 'thread-suppressions.txt'} second_deadlock_stack=1"},
    # Allocation failures are answered with null, as without the sanitizer: a page that is too large is an error.
    # Stacks are kept to the frames that the suppressed leaks are told by, and little of the freed memory is held back: a
    # test measures that memory does not grow.
    "address": {"ASAN_OPTIONS": "allocator_may_return_null=1 detect_stack_use_after_return=0 malloc_context_size=64 "
                                "quarantine_size_mb=8 thread_local_quarantine_size_kb=64",
                "LSAN_OPTIONS": f"suppressions={HERE / 'leak-suppressions.txt'} print_suppressions=0"},
}


def build(kind: str, folder: pathlib.Path) -> pathlib.Path:
    """The test binary."""
    folder.mkdir(parents=True, exist_ok=True)
    share_packages(folder)
    # Not optimised: whether a buffer has one owner only is told by Swift's own library, which the thread sanitizer does not
    # see, so that it would report every copy on write of a specialised collection.
    command = ["swift", "build", "--build-tests", f"--sanitize={kind}", "--scratch-path", str(folder)]
    if kind == "thread":
        mutex = folder / "swift_mutex.o"
        subprocess.run(["clang", "-c", "-O1", "-o", mutex, HERE / "swift_mutex.c"], check=True)
        command += ["-Xlinker", str(mutex)]
    code, output = run(command, BUILD_SECONDS_MAX)
    if code != 0:
        raise SystemExit(f"the tests do not build with --sanitize={kind}:\n{errors_of(output)}")
    return next((folder / "debug").glob("*PackageTests.xctest"))


def reports(folder: pathlib.Path) -> list[str]:
    """The summaries of all reports that lie there, each with how often it came."""
    found: dict[str, int] = {}
    for path in sorted(folder.glob("report.*")):
        text = path.read_text(errors="replace")
        for summary in SUMMARY.findall(text) or [text[:200]]:
            found[summary] = found.get(summary, 0) + 1
    return [f"{summary} ({count}x)" for summary, count in sorted(found.items(), key=lambda entry: -entry[1])]


def run_target(binary: pathlib.Path, kind: str, target: str, folder: pathlib.Path) -> tuple[int, list[str]]:
    """The number of its tests and all that failed; the reports and the output stay in the folder."""
    folder.mkdir(parents=True)
    began = time.monotonic()
    variable, values = next(iter(OPTIONS[kind].items()))
    code, output = run(
        [str(binary), "--testing-library", "swift-testing", "--no-parallel", "--filter", f"^{target}\\."],
        TESTS_SECONDS_MAX,
        environment={**OPTIONS[kind], variable: f"{values} log_path={folder / 'report'}",
                     "MIGRATEZ_SEEDS": str(SEEDS), "MIGRATEZ_PATIENCE": str(PATIENCE)})
    (folder / "output.txt").write_text(output)
    found = reports(folder)
    failed = sorted(set(FAILED_TEST.findall(output)))
    count = int(match[1]) if (match := COUNT.search(output)) else 0
    failures = [f"{target}: {report}" for report in found] + [f"{target}: {name} failed" for name in failed]
    if code is None:
        failures.append(f"{target}: the tests did not end")
    elif not count:
        failures.append(f"{target}: ended with {code} and no count of its tests")
    elif code and not failures:
        failures.append(f"{target}: ended with {code}")
    print(f"{target}: {count} tests, {len(found)} kinds of reports, {len(failed)} failed, "
          f"{time.monotonic() - began:.0f} s", flush=True)
    return count, failures


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/torture", description=__doc__.splitlines()[0])
    parser.add_argument("--sanitize", choices=sorted(OPTIONS), required=True)
    parser.add_argument("--only", help="the test targets whose name holds this")
    parser.add_argument("--dir", type=pathlib.Path, help="keep the reports here")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="targets at once")
    options = parser.parse_args()
    targets = sorted(path.name for path in (ROOT / "Tests").glob("*Tests")
                     if path.name not in LEFT_OUT and (options.only or "") in path.name)
    if not targets or options.jobs < 1:
        parser.error(f"no test target's name holds '{options.only}'" if not targets else "--jobs is at least 1")
    # The largest one takes as long as all the others.
    targets.sort(key=lambda name: name != LARGEST)
    binary = build(options.sanitize, ROOT / ".build" / f"sanitize-{options.sanitize}")
    with tempfile.TemporaryDirectory() as temporary, concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        outcomes = list(pool.map(
            lambda target: run_target(
                binary, options.sanitize, target, (options.dir or pathlib.Path(temporary)) / target), targets))
    tests, failures = sum(count for count, _ in outcomes), [text for _, found in outcomes for text in found]
    print("\n".join(failures) if failures else f"{tests} tests and no report")
    print(f"{len(targets)} targets, {len(failures)} failed")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
