#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A new user's way through the program, judged from outside.

Knows nothing of the program but its command line: what each exit code means is read from the table that `--help` prints,
and every line of JSON is held against the schema that the program prints. Each step leaves a file `NN-name.txt` with
what was typed and what was answered.
"""
import csv
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import urllib.request

import jsonschema

TOKEN = "walk-token-27182818"
SECRET = "walk-secret-31415926"


class Walk:
    def __init__(self, binary, folder):
        self.binary = binary
        self.folder = pathlib.Path(folder).resolve()
        self.place = self.folder / "work"
        shutil.rmtree(self.place, ignore_errors=True)
        self.place.mkdir(parents=True)
        for old in self.folder.glob("[0-9][0-9]-*.txt"):
            old.unlink()
        self.environment = {"HOME": str(self.folder / "home"), "PATH": os.environ["PATH"],
                            "XDG_STATE_HOME": str(self.folder / "work/state")}
        self.simulators = []
        self.step = 0
        self.problems = []
        self.events = 0
        self.codes = self.exit_codes(self.output("--help"))
        self.schema = jsonschema.Draft202012Validator(json.loads(self.output("schema", "events")))

    def output(self, *arguments):
        return subprocess.run([self.binary, *arguments], capture_output=True, text=True, check=True,
                              env=self.environment).stdout

    @staticmethod
    def exit_codes(text):
        """The program's own table, meaning to code."""
        codes = {}
        for line in text.split("EXIT CODES\n")[1].splitlines():
            found = re.findall(r"(?:^\s*|\s{2,})(\d{1,3})\s{2}(\S.*?)(?=\s{2,}\d|$)", line)
            if not found:
                break
            codes.update({meaning: int(code) for code, meaning in found})
        return codes

    def code(self, word):
        meanings = [code for meaning, code in self.codes.items() if word in meaning]
        if len(meanings) != 1:
            sys.exit(f"the table of exit codes has no single line about '{word}': {self.codes}")
        return meanings[0]

    def complain(self, text):
        self.problems.append(text)
        print("  PROBLEM:", text)

    # Simulated accounts

    def simulate(self, vendor, *options):
        process = subprocess.Popen([self.binary, "simulate", vendor, "--json", *options], text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=self.environment)
        self.simulators.append(process)
        return json.loads(process.stdout.readline())["url"]

    def faults(self, url, plan):
        request = urllib.request.Request(url + "/_simulator/faults", data=plan.encode(), method="POST")
        urllib.request.urlopen(request).close()

    def close(self):
        for process in self.simulators:
            process.send_signal(signal.SIGINT)
            process.wait()

    # Steps

    def go(self, name, *arguments, ends="all done", says=(), variables=None, interrupt=False):
        """One step: what was typed, how it has to end, and what it has to say."""
        arguments = [str(argument) for argument in arguments]
        environment = {key: value for key, value in {**self.environment, **(variables or {})}.items() if value}
        process = subprocess.Popen([self.binary, *arguments], cwd=self.place, env=environment, text=True,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        lines = []
        for line in process.stdout:
            lines.append(line)
            if interrupt and '"type":"stage"' in line:
                interrupt = False
                process.send_signal(signal.SIGINT)
        code = process.wait()
        text = "".join(lines)
        self.step += 1
        file = self.folder / f"{self.step:02}-{name}.txt"
        file.write_text(f"$ migratez {' '.join(arguments)}\n{text}(exit {code})\n")
        print(f"{self.step:02} {name}: exit {code}")
        allowed = [self.code(word) for word in ([ends] if isinstance(ends, str) else ends)]
        if code not in allowed:
            self.complain(f"{file.name}: ended with {code} instead of {allowed}")
        for word in says:
            if word not in text:
                self.complain(f"{file.name}: does not say '{word}'")
        for secret in (TOKEN, SECRET):
            if secret in text:
                self.complain(f"{file.name}: repeats a secret")
        if code not in (0, self.code("differences"), self.code("quarantined")) and code != self.code("interrupted"):
            if not any(way in text for way in ("hint:", "Usage:", "Resume:", "Did you mean")):
                self.complain(f"{file.name}: an error without a way out")
        if "--json" in arguments:
            self.check_json(file.name, lines)
        return text

    def check_json(self, name, lines):
        for line in lines:
            if not line.startswith("{"):
                continue
            value = json.loads(line)
            if "kind" in value:
                # A result, not an event.
                if value.get("v") != 1:
                    self.complain(f"{name}: a document without its version")
                continue
            self.events += 1
            for error in self.schema.iter_errors(value):
                self.complain(f"{name}: not as the schema says: {error.message}: {line.strip()[:200]}")

    def newest(self):
        return json.loads(self.output("status", "--json"))["runs"][0]["run"]


def before(walk, hubspot, salesforce):
    pipeline = "move.yaml"
    for wrong in ("hubspott", "hubspot"):
        walk.go(f"init-{wrong}", "init", "--from", wrong, "--to", "salesforce", "-o", pipeline,
                ends="pipeline file not valid" if wrong == "hubspott" else "setting or secret missing",
                says=["there are: csv"] if wrong == "hubspott" else ["--offline"])
    settings = ["--source-setting", "base_url=${env:HUBSPOT_BASE_URL}", "--source-setting",
                "auth.token=${env:HUBSPOT_TOKEN}", "--target-setting", "base_url=${env:SALESFORCE_BASE_URL}",
                "--target-setting", "auth.kind=client_credentials", "--target-setting",
                "auth.client_id=${env:SALESFORCE_CLIENT_ID}", "--target-setting",
                "auth.client_secret=${env:SALESFORCE_CLIENT_SECRET}"]
    walk.go("init-secret-missing", "init", "--from", "hubspot", "--to", "salesforce", "-o", pipeline, *settings,
            ends="setting or secret missing", says=["HUBSPOT_TOKEN"])
    walk.environment.update(HUBSPOT_BASE_URL=hubspot, HUBSPOT_TOKEN=TOKEN, SALESFORCE_BASE_URL=salesforce,
                            SALESFORCE_CLIENT_ID="walk", SALESFORCE_CLIENT_SECRET=SECRET)
    walk.go("init", "init", "--from", "hubspot", "--to", "salesforce", "-o", pipeline, *settings, says=["lint"])
    walk.go("connect-bad-token", "connect", "test", pipeline, variables={"HUBSPOT_TOKEN": "stale"},
            ends="credentials refused", says=["source"])
    walk.go("connect-nobody-there", "connect", "test", pipeline, variables={"HUBSPOT_BASE_URL": "http://127.0.0.1:9"},
            ends="unreachable")
    walk.go("connect", "connect", "test", pipeline)
    walk.go("discover-source", "discover", pipeline, "source", "contact", "--sample", "50")
    walk.go("discover-target", "discover", pipeline, "target", "Contact", "--sample", "50")
    walk.go("map-suggest", "map", "suggest", pipeline, "contact")
    walk.go("map-export", "map", "export", pipeline, "-o", "map.csv")
    table = walk.place / "map.csv"
    text = table.read_text()
    table.write_text(text.replace("contact,LastName", "contact,LastNaem", 1))
    walk.go("map-import-unknown-field", "map", "import", pipeline, "map.csv", ends="pipeline file not valid",
            says=["LastNaem"])
    table.write_text(text)
    walk.go("map-import", "map", "import", pipeline, "map.csv")
    file = walk.place / pipeline
    good = file.read_text()
    file.write_text(good.replace("from: email", "from: emial", 1).replace("Email: email", "Email: emial", 1))
    walk.go("lint-unknown-field", "lint", pipeline, "--connect", ends="pipeline file not valid", says=["emial", "Did you mean"])
    file.write_text(good)
    walk.go("lint", "lint", pipeline, "--connect")
    walk.go("lint-wrong-file", "lint", "moev.yaml", ends="setting or secret missing", says=["moev.yaml"])
    walk.go("test", "test", pipeline)
    return pipeline


def run(walk, pipeline, hubspot, salesforce):
    walk.go("plan", "plan", pipeline, "-o", "move.plan", "--detailed-exitcode", ends="differences")
    text = walk.go("sample", "sample", pipeline, "--records", "2",
                   ends=["all done", "quarantined", "differences"], says=["--remove"])
    walk.go("sample-remove", "sample", "--remove", re.search(r"sample --remove (\w+)", text)[1])
    walk.faults(hubspot, "status:503=0.02,latency:30ms=0.1,reset-mid-body=0.01")
    walk.faults(salesforce, "status:503=0.02,commit-then-drop=0.01")
    walk.go("run-interrupted", "run", "move.plan", "--json", "--rate", "20/1s", "--chunk-records", "100",
            interrupt=True, ends="interrupted", says=["migratez resume"])
    walk.go("status", "status")
    walk.go("resume", "resume", "--json", ends=["all done", "quarantined"])
    walk.faults(hubspot, "")
    walk.faults(salesforce, "")
    return walk.newest()


def fix(walk, pipeline, first):
    text = walk.go("issues-ls", "issues", "ls", first)
    rows = json.loads(walk.output_in("issues", "ls", first, "--json"))["issues"]
    if not rows:
        return walk.complain("nothing was rejected, so that nothing can be corrected")
    objects = sorted({row["object"] for row in rows})
    for name in objects[:3]:
        walk.go(f"issues-show-{name}", "issues", "show", first, name, "--limit", "3", says=["fix:"])
    walk.go("issues-export", "issues", "export", first, "-o", "issues.csv")
    sheet = walk.place / "issues.csv"
    walk.go("issues-import-unchanged", "issues", "import", first, "issues.csv")
    original = sheet.read_bytes()
    sheet.write_text("name,age\nAda,36\n")
    walk.go("issues-import-wrong-file", "issues", "import", first, "issues.csv", ends="pipeline file not valid",
            says=["issues.csv:1"])
    sheet.write_bytes(original)
    edited = correct(sheet)
    walk.go("issues-import-dry", "issues", "import", first, "issues.csv", "--dry-run")
    walk.go("issues-import", "issues", "import", first, "issues.csv", ends=["all done", "quarantined"])
    if not edited:
        walk.complain("no rejected record could be corrected in the sheet")
    # What `issues ls` advises for owners: the file that init wrote has the line, as a comment.
    file = walk.place / pipeline
    text = file.read_text()
    mended = text.replace("# unmatched: { assign: somebody@example.com", "unmatched: { assign: etl@acme.test")
    if mended == text:
        walk.complain("the file that init wrote does not show how owners are mended")
    file.write_text(mended)
    walk.go("lint-mended", "lint", pipeline, "--connect")
    walk.go("issues-retry", "issues", "retry", first, "--code", "MZ-REF-03", ends=["all done", "quarantined"])
    walk.go("issues-retry-links", "issues", "retry", first, ends=["all done", "quarantined"])
    walk.go("issues-retry-unknown-code", "issues", "retry", first, "--ids", "no-such-record",
            ends="pipeline file not valid", says=["no-such-record"])


def correct(sheet):
    """Gives empty notes a text, as somebody with a spreadsheet would."""
    with sheet.open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.reader(file))
    head, edited = rows[0], 0
    for row in rows[1:]:
        values = dict(zip(head, row))
        if values["stream"] == "note" and values["code"] == "MZ-REQ-01":
            row[head.index("note.Content")] = "There was no text."
            edited += 1
    with sheet.open("w", newline="", encoding="utf-8-sig") as file:
        csv.writer(file).writerows(rows)
    return edited


def prove(walk, pipeline, first):
    walk.go("verify", "verify", first, ends=["all done", "differences"])
    walk.go("report", "report", first, "--format", "html,csv,json,md", says=["report"])
    walk.go("confirm-unknown", "confirm", "ffffffff", ends="failed", says=["no run"])
    walk.go("run-limited", "run", pipeline, "--limit", "20", "--json", ends=["all done", "quarantined"],
            says=["limited: at most 20"])
    second = walk.newest()
    walk.go("undo-unasked", "undo", second, ends="wrong usage", says=["--yes-undo"])
    walk.go("undo-dry", "undo", second, "--dry-run")
    walk.go("undo", "undo", second, "--yes-undo", second)
    walk.go("verify-again", "verify", first, ends=["all done", "differences"])
    walk.go("confirm", "confirm", first, "--by", "A new user", says=["shred"])
    text = walk.go("shred", "shred", first, "--yes-shred", first, says=["certificate"])
    path = re.search(r"certificate: (\S+)", text)
    folder = pathlib.Path(path[1]).parent if path else pathlib.Path("staging") / first / "certificate"
    walk.go("certificate", "certificate", "verify", folder)
    walk.go("resume-shredded", "resume", first, ends=["failed", "staging error", "not valid"])


def wrong_turns(walk, pipeline):
    walk.go("unknown-command", "rnu", pipeline, ends="wrong usage", says=["did you mean"])
    file = walk.place / "small.yaml"
    text = (walk.place / pipeline).read_text()
    text = re.sub(r"(?m)^staging:.*\n(?:[ ]+.*\n)*", "", text)
    file.write_text(text + "\nstaging: { dir: ./small, disk_limit: 64KiB }\n")
    walk.go("disk-too-small", "run", "small.yaml", ends="staging error", says=["disk_limit"])
    walk.go("gate", "run", pipeline, "--max-duration", "1s", "--rate", "5/1s", ends="allowance used up",
            says=["migratez resume"])
    walk.go("cancel", "cancel", walk.newest(), "--yes")
    walk.go("retry-cancelled", "issues", "retry", walk.newest(), ends="failed", says=["cancelled"])


def main():
    walk = Walk(sys.argv[1], sys.argv[2])
    walk.output_in = lambda *arguments: subprocess.run(
        [walk.binary, *arguments], capture_output=True, text=True, env=walk.environment, cwd=walk.place).stdout
    try:
        hubspot = walk.simulate("hubspot", "--records", "1200", "--seed", "5", "--token", TOKEN)
        salesforce = walk.simulate("salesforce", "--seed", "5", "--token", SECRET)
        pipeline = before(walk, hubspot, salesforce)
        first = run(walk, pipeline, hubspot, salesforce)
        fix(walk, pipeline, first)
        prove(walk, pipeline, first)
        wrong_turns(walk, pipeline)
    finally:
        walk.close()
    print(f"{walk.step} steps, {walk.events} events; what was printed is in {walk.folder}")
    if not walk.events:
        walk.complain("no event was seen")
    for problem in walk.problems:
        print("PROBLEM:", problem)
    sys.exit(1 if walk.problems else 0)


main()
