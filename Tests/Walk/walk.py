# SPDX-License-Identifier: Apache-2.0
"""Walks through a migration as its operator would, from an empty folder to the certificate, wrong turns included.

    walk.py MIGRATEZ FOLDER

The accounts are two simulators. What a step's exit code means is looked up in the table that the program itself prints,
and every event of `--json` is held against the schema that it prints. Each step's output lies in FOLDER/steps for a
person to read.
"""

import csv
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time
import urllib.request

import jsonschema

from reprocess import reprocess

PROGRAM, FOLDER = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
STEPS = FOLDER / "steps"
TOKEN = "planted-token-8675309"
passed = 0
failures: list[str] = []


def output(*arguments: str) -> str:
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, check=True).stdout


def exit_codes() -> dict[int, str]:
    """The table below EXIT CODES of `--help`: two columns of a number and its meaning."""
    table = output("--help").split("EXIT CODES\n")[1].split("\n\n")[0]
    return {int(code): meaning for code, meaning in re.findall(r"(\d+)  (\S.*?)(?=\s{2,}\d+  |\n|$)", table + "\n")}


CODES = exit_codes()
EVENTS = jsonschema.Draft202012Validator(
    json.loads(output("schema", "events")), format_checker=jsonschema.FormatChecker())


def check(holds: bool, what: str) -> None:
    global passed
    if holds:
        passed += 1
    else:
        failures.append(what)
        print(f"FAILED  {what}", flush=True)


class Walk:
    """One operator: an environment, and steps that are numbered in their order, whoever takes them."""

    number = 0

    def __init__(self, environment: dict[str, str]):
        self.environment = environment

    def step(self, arguments: str, meaning: str, says: tuple[str, ...] = (), changes: dict[str, str | None] = {},
             typed: str | None = None, interrupt: bool = False) -> str:
        """Runs `migratez ARGUMENTS`; its exit code must be one whose documented meaning begins with `meaning`."""
        Walk.number += 1
        environment = {name: value for name, value in {**self.environment, **changes}.items() if value is not None}
        process = subprocess.Popen(
            [PROGRAM, *arguments.split()], cwd=FOLDER, env=environment, text=True, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, stdin=subprocess.PIPE if typed is not None else subprocess.DEVNULL)
        if interrupt:
            text = ""
            for line in process.stdout:
                text += line
                if '"type":"stage"' in line:
                    process.send_signal(signal.SIGINT)
                    break
            text += process.stdout.read()
            process.wait()
        else:
            text, _ = process.communicate(typed)
        name = f"{Walk.number:02} migratez {arguments}"
        (STEPS / f"{Walk.number:02}-{re.sub('[^a-z0-9]+', '-', arguments.lower())[:60]}.txt").write_text(
            f"$ migratez {arguments}\n{text}[exit {process.returncode}]\n")
        found = CODES.get(process.returncode)
        check(found is not None and found.startswith(meaning),
              f"{name}: exit {process.returncode} ({found}), wanted '{meaning}': …{text[-300:]}")
        for words in says:
            check(words in text, f"{name}: does not say '{words}'")
        check(TOKEN not in text, f"{name}: the token is in the output")
        check("\x1b" not in text, f"{name}: colour codes in a pipe")
        if process.returncode not in (0, 2, 3) and not interrupt:
            check(any(words in text for words in ("hint:", "Did you mean", "esume", "Usage", "is not set", "lacks", "fix:")),
                  f"{name}: an error without a way out")
        if "--json" in arguments and arguments.split()[0] in ("run", "resume", "logs"):
            self.check_events(name, text)
        return text

    def check_events(self, name: str, text: str) -> None:
        lines = [line for line in text.splitlines() if line.startswith("{")]
        check(bool(lines), f"{name}: no events")
        for line in lines:
            problem = next(iter(EVENTS.iter_errors(json.loads(line))), None)
            check(problem is None, f"{name}: {line[:120]}: {problem and problem.message[:200]}")


def simulate(vendor: str, *arguments: str) -> tuple[subprocess.Popen, str]:
    process = subprocess.Popen(
        [PROGRAM, "simulate", vendor, "--json", *arguments], stdout=subprocess.PIPE, text=True, cwd=FOLDER)
    for line in process.stdout:
        if line.startswith("{"):
            return process, json.loads(line)["url"]
    raise SystemExit(f"the simulator of {vendor} did not start")


def ask(url: str, path: str, body=None, method: str | None = None) -> dict:
    request = urllib.request.Request(
        url + path, body if body is None or isinstance(body, bytes) else json.dumps(body).encode(),
        {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}, method=method)
    with urllib.request.urlopen(request) as answer:
        text = answer.read()
        return json.loads(text) if text else {}


def latest(walk: Walk) -> str:
    runs = json.loads(subprocess.run(
        [PROGRAM, "status", "--json"], cwd=FOLDER, env=walk.environment, capture_output=True, text=True).stdout)["runs"]
    return runs[0]["run"]


def main() -> None:
    STEPS.mkdir(parents=True)
    accounts = [
        simulate("hubspot", "--records", "4000", "--seed", "11"),
        simulate("hubspot", "--records", "400", "--faults", "status:401=1"),
        simulate("salesforce"),
        simulate("hubspot", "--records", "600", "--seed", "5"),
        simulate("salesforce"),
    ]
    hubspot, closed, salesforce, small, empty = (url for _, url in accounts)
    try:
        migrate(hubspot, closed, salesforce)
        bring_back(small, empty)
    finally:
        for process, _ in accounts:
            process.send_signal(signal.SIGINT)
            process.wait()
    print(f"{passed} passed, {len(failures)} failed")
    sys.exit(1 if failures else 0)


def operator(state: str, hubspot: str, salesforce: str) -> Walk:
    """Somebody with these accounts, and with runs of their own."""
    return Walk({
        "PATH": os.environ["PATH"], "HOME": str(FOLDER), "XDG_STATE_HOME": str(FOLDER / state),
        "HUBSPOT_BASE_URL": hubspot, "HUBSPOT_TOKEN": TOKEN, "SALESFORCE_BASE_URL": salesforce,
        "SALESFORCE_CLIENT_ID": "client", "SALESFORCE_CLIENT_SECRET": "secret",
    })


def bring_back(hubspot: str, salesforce: str) -> None:
    walk = operator("state-again", hubspot, salesforce)
    reprocess(walk.step, check, lambda: latest(walk), FOLDER, hubspot, salesforce)


def migrate(hubspot: str, closed: str, salesforce: str) -> None:
    walk = operator("state", hubspot, salesforce)
    step, file = walk.step, FOLDER / "move.yaml"

    # Before: a file, both sides, the mapping.
    step("status", "all done", ("no runs",))
    step("init --from hubspot --to salesforce", "setting or secret missing", changes={"HUBSPOT_TOKEN": None})
    settings = ("--source-setting base_url=${env:HUBSPOT_BASE_URL} --source-setting auth.token=${env:HUBSPOT_TOKEN}"
                " --target-setting base_url=${env:SALESFORCE_BASE_URL} --target-setting auth.kind=client_credentials"
                " --target-setting auth.client_id=${env:SALESFORCE_CLIENT_ID}"
                " --target-setting auth.client_secret=${env:SALESFORCE_CLIENT_SECRET}")
    step(f"init --from hubspot --to salesforce {settings} -o move.yaml", "all done")
    step(f"init --from hubspot --to salesforce {settings} -o move.yaml", "setting or secret missing", ("move.yaml",))
    check(TOKEN not in file.read_text(), "the token is in the pipeline file")
    step("doctor", "all done")
    step("connect list move.yaml", "all done", ("${env:HUBSPOT_TOKEN}",))
    step("connect test move.yaml", "all done", ("hubspot", "salesforce"))
    step("connect test move.yaml", "credentials refused", changes={"HUBSPOT_BASE_URL": closed})
    step("connect test move.yaml", "setting or secret missing", ("HUBSPOT_TOKEN",), changes={"HUBSPOT_TOKEN": None})
    step("connect test move.yaml", "source or target unreachable", changes={"HUBSPOT_BASE_URL": "http://127.0.0.1:9"})
    step("discover move.yaml source", "all done", ("contact",))
    step("discover move.yaml source contact --sample 200", "all done", ("email",))
    step("discover move.yaml target Contact", "all done", ("LastName",))
    step("discover move.yaml target Contatc", "failed", ("Contatc",))
    step("map suggest move.yaml", "all done")
    step("map export move.yaml -o mapping.csv", "all done")
    step("map import move.yaml mapping.csv", "all done")
    step("lint move.yaml --connect", "all done")
    step("lint nothing.yaml", "setting or secret missing", ("nothing.yaml",))
    text = file.read_text()
    file.write_text(text.replace("from: email", "from: emial").replace("Email: email", "Email: emial"))
    step("lint move.yaml --connect", "pipeline file not valid", ("emial", "Did you mean 'email'"))
    file.write_text(text.replace("objects:", "objcts:"))
    step("lint move.yaml", "pipeline file not valid", ("objcts", "objects"))
    # What a person would settle in the draft: stages that have other names there.
    file.write_text(settled(text))
    step("lint move.yaml --connect", "all done")
    step("test move.yaml", "all done")
    step("explain move.yaml:contact.Email", "all done", ("email",))
    step("plan move.yaml --json", "all done")
    step("plan move.yaml --detailed-exitcode -o move.plan", "done, differences exist")
    step("bench move.yaml --records 400 --repeat 1 --synthetic --plot bench.svg", "all done", ("CPU S/M", "keeps nothing"))
    check((FOLDER / "bench.svg").read_text().endswith("</svg>\n"), "the plot of bench is no picture")
    step("status", "all done", ("no runs",))
    step("sample move.yaml --records 3 --values", "all done")
    step(f"sample --remove {latest(walk)}", "all done")

    # The run, with what goes wrong on the way.
    step("rnu move.yaml", "wrong usage", ("did you mean 'run'",))
    step("run move.yaml --max-duration 1ms --json", "allowance used up", ("MZ-QUOTA-03",))
    step("resume --json --rate 20/1s", "interrupted", interrupt=True)
    ask(hubspot, "/_simulator/faults", b"status:503=0.02")
    step("status", "all done", ("interrupted",))
    step("resume --max-quarantine 0.01% --json", "stopped by a gate")
    step("issues ls", "all done", ("fix:",))
    step("resume --json", "done, some records quarantined")
    step("logs --json", "all done")
    run = latest(walk)
    step(f"chunks ls {run}", "all done")

    # Issues: out to a sheet, one row corrected, back.
    step("issues ls", "all done", ("fix:",))
    step(f"issues show {run} contact --limit 5", "all done", ("MZ-",))
    step(f"issues export {run} -o issues.csv", "all done")
    correct(FOLDER / "issues.csv")
    step(f"issues import {run} issues.csv --json", "done, some records quarantined")
    step(f"issues import {run} nothing.csv", "setting or secret missing", ("nothing.csv",))
    step(f"issues retry {run} --code MZ-NONE-99", "pipeline file not valid", ("MZ-NONE-99",))
    step(f"issues retry {run} --code MZ-REQ-01", "done, some records quarantined", ("issues export",))
    step("verify", "all done", ("agrees",))
    report = step("report", "all done")
    folder = pathlib.Path(re.search(r"/\S*-report", report)[0])
    check({"report.html", "report.csv", "report.json", "report.md"} <= {path.name for path in folder.iterdir()},
          "a form of the report is missing")
    check(TOKEN not in (folder / "report.html").read_text(), "the token is in the report")

    # A second run after changes in the source, taken back, and once more.
    contacts = ask(hubspot, "/crm/v3/objects/contacts?limit=40")["results"]
    for contact in contacts[:20]:
        ask(hubspot, f"/crm/v3/objects/contacts/{contact['id']}", {"properties": {"jobtitle": "Chair"}}, "PATCH")
    ask(hubspot, f"/crm/v3/objects/contacts/{contacts[30]['id']}", method="DELETE")
    step("run move.yaml --since-last --json", "done, some records quarantined")
    second = latest(walk)
    step("verify", "all done", ("from earlier runs",))
    step(f"undo {run}", "failed", (second,))
    step(f"undo {second} --dry-run", "all done")
    step(f"undo {second} --yes-undo {second}", "all done")
    step("run move.yaml --since-last", "done, some records quarantined")
    third = latest(walk)
    step("verify", "all done")

    # The end.
    step(f"shred {third} --yes-shred {third}", "failed", ("confirm",))
    step(f"confirm {third} --by Ada", "all done")
    step(f"shred {third} --yes-shred {second}", "wrong usage")
    step(f"shred {third} --yes-shred {third}", "all done", ("certificate",))
    step(f"certificate verify staging/{third}/certificate", "all done")
    step(f"chunks cat {third} contact-ready-000000", "local disk or staging error", ("shredded",))
    step("run move.yaml --since-last", "failed", ("baseline",))

    # No room.
    file.write_text(file.read_text().replace("dir: ./staging }", "dir: ./staging, disk_limit: 1MiB }"))
    step("run move.yaml", "local disk or staging error", ("disk_limit",))


def settled(text: str) -> str:
    """What a person settles in the draft: who gets the records of those who left."""
    return text.replace(
        "  # unmatched: { assign: somebody@example.com, tag: owner-unmatched }",
        "  unmatched: { assign: etl@acme.test, tag: owner-unmatched }")


def correct(path: pathlib.Path) -> None:
    """Gives the first record that lacks a last name one, as in a spreadsheet."""
    with open(path, newline="", encoding="utf-8-sig") as sheet:
        rows = list(csv.reader(sheet))
    place = rows[0].index("contact.LastName")
    row = next(row for row in rows[1:] if row[0] == "contact")
    row[place] = "Corrected"
    with open(path, "w", newline="", encoding="utf-8") as sheet:
        csv.writer(sheet).writerows(rows)


main()
