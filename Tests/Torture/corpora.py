#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Moves data that others wrote to break readers through every stage of the real program: extract, transform, load, verify.

Whatever a file holds, the program comes to an end and names what it cannot move: each rejected record by its file, its
line and a code, each file that cannot be read by its name and a code. What it does move must have arrived unchanged, by
this script's own reading of the file. The corpora are public ones and lie beside the project, one folder each: csv
(csv-spectrum), json (JSONTestSuite), strings (naughty strings), zstd (golden frames), dedupe (FEBRL).
"""

import argparse
import csv
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile

from builds import ROOT

SECONDS_MAX = 120
#: How a run may end: all moved, some rejected, or one of the named errors of a file or its content.
ENDINGS = {0, 3, 1, 65, 74, 78}
#: Where a rejected line stands, as `issues show` names it.
PLACE = re.compile(r"^(.+), line \d+$")
TARGETS = ("ndjson", "csv", "sqlite")


class Outcome:
    """How one run ended, and what it said of the records that did not arrive."""

    def __init__(self, name: str):
        self.name, self.faults = name, []
        self.code, self.error = 0, ""
        self.read = self.loaded = self.merged = 0
        self.rejected: list[dict] = []

    def __str__(self) -> str:
        ending = f"exit {self.code}, {self.read} read, {self.loaded} loaded, {len(self.rejected)} rejected"
        return ending + (f", {self.error}" if self.error else "")


class Bench:
    """A folder in which one pipeline after the other is run."""

    def __init__(self, folder: pathlib.Path, binary: str):
        self.folder, self._binary, self._count = folder, binary, 0
        self.outcomes: list[Outcome] = []

    def move(self, name: str, source: str, thing: str, target: str = "ndjson", gate: str = "100%") -> Outcome:
        """Runs a pipeline: `source` and the object `thing` are the parts of the file that differ."""
        self._count += 1
        work = self.folder / f"{self._count:03}"
        work.mkdir()
        outcome = Outcome(f"{name} → {target}")
        outcome.target = work / "out"
        where = "file: ./out/things.sqlite" if target == "sqlite" else "dir: ./out"
        outcome.target.mkdir()
        (work / "pipeline.yaml").write_text(
            f"migratez: 1\nname: corpus\nsource: {source}\n"
            f"target: {{ connector: {target}, {where} }}\nobjects: {{ thing: {{ to: things, {thing} }} }}\n"
            f"gates: {{ quarantine: \"<= {gate}\" }}\n")
        result = self.do(work, "run", "pipeline.yaml", "--json")
        outcome.code = result.returncode
        if result.returncode not in ENDINGS or "MZ-BUG" in result.stderr:
            outcome.faults.append(f"ended with {result.returncode}: {result.stderr.strip()[-300:]}")
        elif result.returncode in (0, 3):
            self._settle(work, outcome, result.stdout)
        else:
            found = re.search(r"error: (MZ-[A-Z]+-\d+): (.*)", result.stderr)
            outcome.error = f"{found[1]} {found[2].replace(str(self.folder), '')}" if found else ""
            if not found:
                outcome.faults.append(f"ended with {result.returncode} and no code: {result.stderr.strip()[-300:]}")
        self.outcomes.append(outcome)
        return outcome

    def _settle(self, work: pathlib.Path, outcome: Outcome, events: str) -> None:
        """Counts what became of the records, and lets the program compare both sides."""
        summary = next(event for event in map(json.loads, reversed(events.splitlines())) if event["type"] == "summary")
        outcome.read, outcome.loaded, outcome.merged = (summary[key] for key in ("read", "loaded", "merged"))
        shown = self.do(work, "issues", "show", summary["run"], "thing", "--limit", "1000000", "--json")
        outcome.rejected = json.loads(shown.stdout)["issues"] if shown.returncode == 0 else []
        if len(outcome.rejected) != summary["rejected"]:
            outcome.faults.append(f"{summary['rejected']} rejected, {len(outcome.rejected)} named")
        if outcome.read != outcome.loaded + outcome.merged + summary["rejected"] + summary["skipped"]:
            outcome.faults.append(f"the account does not close: {summary}")
        for issue in outcome.rejected:
            if not re.fullmatch(r"MZ-[A-Z]+-\d\d", issue["code"]) or not issue["id"]:
                outcome.faults.append(f"a rejected record has no name or code: {issue}")
        verified = self.do(work, "verify")
        if verified.returncode != 0:
            outcome.faults.append(f"verify ended with {verified.returncode}: {verified.stdout.strip()[-200:]}")

    def do(self, work: pathlib.Path, *arguments: str) -> subprocess.CompletedProcess:
        environment = {
            "PATH": os.environ["PATH"], "HOME": str(work), "XDG_STATE_HOME": str(work / "state"),
            "SWIFT_BACKTRACE": "enable=no"}
        try:
            return subprocess.run(
                [self._binary, *arguments], cwd=work, env=environment, stdin=subprocess.DEVNULL, capture_output=True,
                encoding="utf-8", errors="replace", timeout=SECONDS_MAX)
        except subprocess.TimeoutExpired:
            return subprocess.CompletedProcess(arguments, -signal.SIGALRM, "", f"did not end within {SECONDS_MAX} s")


# What arrived


def arrived(outcome: Outcome, target: str) -> list[dict[str, str]]:
    """The records in the target by our own reading, without the key and without what has no value."""
    if target == "ndjson":
        path = outcome.target / "things.ndjson"
        rows = [json.loads(line) for line in path.read_bytes().split(b"\n") if line] if path.exists() else []
    elif target == "csv":
        path = outcome.target / "things.csv"
        rows = []
        if path.exists():
            with path.open(encoding="utf-8-sig", newline="") as file:
                rows = list(csv.DictReader(file))
    else:
        import sqlite3
        database = sqlite3.connect(f"file:{outcome.target / 'things.sqlite'}?mode=ro", uri=True)
        try:
            cursor = database.execute("SELECT * FROM things")
            rows = [dict(zip([column[0] for column in cursor.description], row)) for row in cursor]
        finally:
            database.close()
    return [{key: value for key, value in row.items() if key != "migratez_id" and value not in (None, "")}
            for row in rows]


def expect(outcome: Outcome, target: str, wanted: list[dict[str, str]]) -> None:
    found = arrived(outcome, target)
    key = lambda row: json.dumps(row, sort_keys=True)  # noqa: E731
    missing = sorted(set(map(key, wanted)) - set(map(key, found)))
    if len(found) != len(wanted) or missing:
        outcome.faults.append(f"{len(found)} arrived, {len(wanted)} expected; not there: {missing[:2]}")


# The corpora

#: Where the corpus' own reading has another telephone number than the file.
CONTRADICTORY = {"location_coordinates"}


def unified(reading: list[dict[str, str]]) -> list[dict[str, str]]:
    """Rows with line breaks of one kind."""
    return [{key: value.replace("\r\n", "\n") for key, value in row.items()} for row in reading]


def of_csv(bench: Bench, folder: pathlib.Path) -> None:
    """Each file as it is into each kind of target, and cut off at some places, where it is damaged."""
    for path in sorted((folder / "csvs").glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            columns, rows = list(reader.fieldnames), list(reader)
        reading = json.loads((folder / "json" / f"{path.stem}.json").read_text())
        if path.stem not in CONTRADICTORY and unified(reading) != unified(rows):
            raise SystemExit(f"{path.name} is not what the corpus reads in it")
        wanted = [{key: value for key, value in row.items() if value != ""} for row in rows]
        text = path.read_bytes()
        fields = "fields: { " + ", ".join(f"{json.dumps(c)}: {{ from: {json.dumps(c)} }}" for c in columns) + " }"
        source = f"{{ connector: csv, objects: {{ thing: {{ file: {json.dumps(str(path))} }} }} }}"
        for target in TARGETS:
            outcome = bench.move(f"csv/{path.name}", source, fields, target)
            expect(outcome, target, wanted)
        head = text.index(b"\n") + 1
        for cut in sorted({head + (len(text) - head) * part // 4 for part in (1, 2, 3)}):
            damaged = bench.folder / f"{path.stem}-{cut}.csv"
            damaged.write_bytes(text[:cut])
            outcome = bench.move(
                f"csv/{path.name} cut off after {cut} bytes", source.replace(str(path), str(damaged)), fields)
            places_of(outcome, damaged.name)


def of_json(bench: Bench, folder: pathlib.Path) -> None:
    """Each document as the value of a field, and as a file of its own."""
    copies, wrapped, kinds = bench.folder / "documents", bench.folder / "documents.ndjson", []
    copies.mkdir()
    with wrapped.open("wb") as file:
        for path in sorted(folder.glob("*.json")):
            shutil.copyfile(path, copies / path.name)
            document = path.read_bytes()
            # A line feed ends a record of such a file.
            if document and b"\n" not in document:
                file.write(b'{"id":"d%d","n":"%d","value":' % (len(kinds), len(kinds)) + document + b"}\n")
                kinds.append(path.name[0])
    outcome = bench.move(
        "json, each document in a field", f"{{ connector: ndjson, objects: {{ thing: {{ file: {wrapped}, id: id }} }} }}",
        "fields: { N: n, Value: value }")
    there = {int(row["N"]) for row in arrived(outcome, "ndjson")}
    lost = [number for number, kind in enumerate(kinds) if kind == "y" and number not in there]
    wrong = [number for number, kind in enumerate(kinds) if kind == "n" and number in there]
    if lost or wrong or len(kinds) < 250:
        outcome.faults.append(f"of {len(kinds)} documents {lost} are missing and {wrong} should be")
    for issue in outcome.rejected:
        if not (PLACE.match(issue["id"]) or re.fullmatch(r"d\d+", issue["id"])):
            outcome.faults.append(f"a rejected document has no place: {issue['id']}")
    outcome = bench.move(
        "json, each document a file", f"{{ connector: ndjson, objects: {{ thing: {{ file: \"{copies}/*.json\" }} }} }}",
        "fields: { Value: value }")
    places = [PLACE.match(issue["id"]) for issue in outcome.rejected]
    if not all(places):
        outcome.faults.append("a rejected line has no file and line")
    objects = sum(is_object(line) for path in copies.iterdir() for line in path.read_bytes().split(b"\n"))
    if outcome.loaded < objects:
        outcome.faults.append(f"{outcome.loaded} loaded, {objects} lines are objects")


def is_object(line: bytes) -> bool:
    """Whether any reader must take the line for a JSON object."""
    def refuse(word: str) -> None:
        raise ValueError(word)
    try:
        text = line.decode("utf-8")
        return isinstance(json.loads(text, parse_constant=refuse), dict) and "\\ud" not in text.lower()
    except (ValueError, RecursionError):
        return False


def of_strings(bench: Bench, folder: pathlib.Path) -> None:
    """Each string in a record of its own, into each kind of target."""
    strings = json.loads((folder / "blns.json").read_text(encoding="utf-8"))
    path = bench.folder / "strings.ndjson"
    path.write_text("".join(
        json.dumps({"id": f"s{number}", "n": str(number), "text": text}) + "\n"
        for number, text in enumerate(strings)), encoding="utf-8")
    source = f"{{ connector: ndjson, objects: {{ thing: {{ file: {path}, id: id }} }} }}"
    for target in TARGETS:
        outcome = bench.move("strings", source, "fields: { N: n, Text: text }", target)
        wanted = [{"N": str(number), **({"Text": text} if text else {})} for number, text in enumerate(strings)]
        if target == "csv":
            # What a spreadsheet would run is guarded by an apostrophe.
            wanted = [row | ({"Text": guarded(row["Text"])} if "Text" in row else {}) for row in wanted]
        expect(outcome, target, wanted)


def guarded(text: str) -> str:
    return "'" + text if re.match(r"[=+\-@\t\r]", text) else text


def of_zstd(bench: Bench, folder: pathlib.Path) -> None:
    """Each frame as a packed file: what comes out of it is not JSON."""
    for path in sorted(folder.glob("*/*.zst")):
        outcome = bench.move(
            f"zstd/{path.parent.name}/{path.name}",
            f"{{ connector: ndjson, objects: {{ thing: {{ file: {json.dumps(str(path))} }} }} }}",
            "fields: { Value: value }")
        places_of(outcome, path.name)


def of_dedupe(bench: Bench, folder: pathlib.Path) -> None:
    """A thousand people, each with an id, as a spreadsheet has them."""
    path = next(folder.glob("*.csv"))
    outcome = bench.move(
        f"dedupe/{path.name}",
        f"{{ connector: csv, objects: {{ thing: {{ file: {json.dumps(str(path))}, id: rec_id, trim: true }} }} }}",
        "fields: { id: rec_id, name: given_name, surname: surname, born: { from: date_of_birth, type: date, "
        "on_error: \"null\" } }, dedupe: { within: [ { keys: [soc_sec_id], keep: most_complete } ] }")
    if outcome.read != 1000 or outcome.loaded + outcome.merged != 1000 or not outcome.merged:
        outcome.faults.append(f"{outcome.read} people became {outcome.loaded} and {outcome.merged} merged")


def places_of(outcome: Outcome, name: str) -> None:
    """What was refused names the file."""
    for issue in outcome.rejected:
        if not issue["id"].startswith(f"{name}, line "):
            outcome.faults.append(f"a rejected line is called '{issue['id']}'")
    if outcome.error and name not in outcome.error:
        outcome.faults.append(f"the error does not name {name}: {outcome.error}")


CORPORA = {"csv": of_csv, "json": of_json, "strings": of_strings, "zstd": of_zstd, "dedupe": of_dedupe}


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/torture", description=__doc__.splitlines()[0])
    parser.add_argument("--corpora", type=pathlib.Path, required=True, help="the folder with a folder for each corpus")
    parser.add_argument("--only", choices=sorted(CORPORA), help="this corpus alone")
    parser.add_argument("--binary", default=str(ROOT / ".build" / "release" / "migratez"), help="another build")
    options = parser.parse_args()
    names = [options.only] if options.only else list(CORPORA)
    missing = [name for name in names if not (options.corpora / name).is_dir()]
    if missing:
        print(f"torture: {options.corpora} has no {', '.join(missing)}", file=sys.stderr)
        sys.exit(78)
    with tempfile.TemporaryDirectory() as temporary:
        bench = Bench(pathlib.Path(temporary), options.binary)
        for name in names:
            CORPORA[name](bench, (options.corpora / name).resolve())
    for outcome in bench.outcomes:
        print(f"{'FAILED' if outcome.faults else 'passed'}  {outcome.name}: {outcome}")
        for fault in outcome.faults[:4]:
            print(f"        {fault}")
    failed = sum(bool(outcome.faults) for outcome in bench.outcomes)
    rejected = sum(len(outcome.rejected) for outcome in bench.outcomes)
    loaded = sum(outcome.loaded for outcome in bench.outcomes)
    refused = sum(bool(outcome.error) for outcome in bench.outcomes)
    print(f"{loaded} records loaded, {rejected} rejected by name, {refused} files refused by name")
    print(f"{len(bench.outcomes) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
