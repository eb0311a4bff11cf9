# SPDX-License-Identifier: Apache-2.0
"""Moves a whole CRM from each of the six to each other one, by the pipeline file that `init` proposes, as it stands.

    pairs.py MIGRATEZ FOLDER [--records N] [--counts LIST] [--seed S] [--only FROM-TO] [--keep]

Every vendor is a simulator of its own, filled from the same seed; Salesforce, whose org begins empty, is filled from
HubSpot first. Each pair gets an empty account at its other end. Of a pair are asked: every record and every link has its
end, what was loaded is there and agrees (`verify`), the usual kinds of records arrived, links were made. What was left
out stands in the table by its reason.
"""

import argparse
import collections
import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

VENDORS = ["hubspot", "salesforce", "pipedrive", "dynamics", "odoo", "zoho"]
# 20,000 records, and files beside them.
COUNTS = ("contacts=8800,companies=1600,deals=2200,notes=3600,tasks=1200,calls=1200,meetings=1000,emails=400,"
          "files=120,owners=12")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", type=pathlib.Path)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--counts", default=COUNTS, help="how many of each, such as contacts=1000,files=50,owners=12")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", action="append", default=[], metavar="FROM-TO", help="may be repeated")
    parser.add_argument("--keep", action="store_true", help="leave the staged data of each run")
    return parser.parse_args()


class Simulator:
    """One account, filled or empty, for as long as the block lasts."""

    def __init__(self, work: "Work", vendor: str, filled: bool):
        counts = work.options.counts if filled else f"owners={work.owners}"
        self.vendor = vendor
        self.process = subprocess.Popen(
            [work.program, "simulate", vendor, "--json", "--seed", str(work.options.seed), "--counts", counts],
            stdout=subprocess.PIPE, text=True, cwd=work.folder, env=work.environment)
        for line in self.process.stdout:
            if line.startswith("{"):
                self.url = json.loads(line)["url"]
                return
        raise RuntimeError(f"the simulator of {vendor} did not start")

    def __enter__(self) -> "Simulator":
        return self

    def __exit__(self, *_) -> None:
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def settings(self, side: str) -> list[str]:
        """How a pipeline file reaches the account, which answers as fast as it can."""
        settings = {"base_url": self.url, "rate.requests": "100000/10s"}
        client = {"auth.client_id": "migratez", "auth.client_secret": "${env:SECRET}"}
        match self.vendor:
            case "hubspot" | "odoo":
                settings |= {"auth.token": "${env:SECRET}"}
            case "pipedrive":
                settings |= {"auth.api_token": "${env:SECRET}"}
            case "salesforce":
                settings |= {"auth.kind": "client_credentials", **client}
            case "dynamics":
                settings |= {"login_url": self.url, "auth.tenant": "acme.test", **client}
            case "zoho":
                settings |= {"auth.refresh_token": "${env:SECRET}", **client}
                if side == "target":
                    settings["load.contact_role"] = "Evaluator"
                else:
                    settings["attachments_of"] = "Accounts,Contacts,Deals"
        return [part for path, value in settings.items() for part in (f"--{side}-setting", f"{path}={value}")]


class Work:
    """The folder and what every call of the program has in common."""

    def __init__(self, options: argparse.Namespace):
        self.options, self.program, self.folder = options, options.program.resolve(), options.folder.resolve()
        self.owners = int(dict(item.split("=") for item in options.counts.split(","))["owners"])
        self.folder.mkdir(parents=True, exist_ok=True)
        self.environment = {
            "PATH": os.environ["PATH"], "HOME": str(self.folder), "SECRET": "planted-secret-8675309",
            "XDG_STATE_HOME": str(self.folder / "state")}

    def call(self, folder: pathlib.Path, *arguments: str, codes: tuple[int, ...] = (0,)) -> str:
        done = subprocess.run(
            [self.program, *arguments], cwd=folder, env=self.environment, capture_output=True, text=True)
        (folder / f"{arguments[0]}.txt").write_text(done.stdout + done.stderr)
        if done.returncode not in codes:
            lines = done.stderr.strip().splitlines()
            raise RuntimeError(f"migratez {arguments[0]} ended with {done.returncode}: {' | '.join(lines[-3:])[:500]}")
        return done.stdout

    def move(self, source: Simulator, target: Simulator) -> "Outcome":
        folder = self.folder / f"{source.vendor}-{target.vendor}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        self.call(
            folder, "init", "--from", source.vendor, "--to", target.vendor, *source.settings("source"),
            *target.settings("target"), "-o", "pipeline.yaml")
        begun = time.monotonic()
        # 3: some records were rejected, which the outcome tells.
        self.call(folder, "run", "pipeline.yaml", "--yes", codes=(0, 3))
        seconds = time.monotonic() - begun
        run = json.loads(self.call(folder, "status", "--json"))["runs"][0]["run"]
        balance = json.loads(self.call(folder, "status", run, "--json"))["balance"]
        verified = json.loads(self.call(folder, "verify", run, "--all", "--json", codes=(0, 2, 3)))
        reasons = json.loads(self.call(folder, "issues", "ls", run, "--json"))["issues"]
        if not self.options.keep:
            shutil.rmtree(folder / "staging", ignore_errors=True)
        return Outcome(balance, verified, reasons, seconds)


class Outcome:
    """What a migration says of itself."""

    def __init__(self, balance: list[dict], verified: dict, reasons: list[dict], seconds: float):
        self.links = [entry for entry in balance if "-to-" in entry["stream"]]
        self.objects = [entry for entry in balance if "-to-" not in entry["stream"]]
        self.verification, self.contents = verified["verification"], verified.get("contents", [])
        self.reasons, self.seconds = reasons, seconds

    @property
    def faults(self) -> list[str]:
        faults = [f"{entry['stream']} is not closed" for entry in self.objects + self.links if not entry["closed"]]
        for entry in self.verification:
            if not entry["agrees"]:
                faults.append(f"{entry['stream']}: {entry['missing']} missing, different: {entry['different']}")
        for entry in self.objects:
            arrived = entry["created"] + entry["updated"] + entry["merged"]
            taken = entry["read"] - entry["filtered"] - self.undecided(entry["stream"])
            # A CRM that takes no note about nothing refuses some, and those of records that it refused.
            if arrived < taken / 3:
                faults.append(f"{entry['stream']}: {arrived} of {taken} arrived")
        if not any(entry["created"] for entry in self.links):
            faults.append("no links")
        return faults

    def undecided(self, stream: str) -> int:
        """Records with values of which only a person can say what they become."""
        return sum(reason["records"] for reason in self.reasons
                   if reason["object"] == stream and reason["code"] == "MZ-PICK-02")

    def total(self, entries: list[dict], key: str) -> int:
        return sum(entry[key] for entry in entries)

    @property
    def files(self) -> str:
        names = {"file", "ContentVersion", "Attachments"}
        entries = [entry for entry in self.objects if entry["stream"] in names]
        if not entries:
            return "–"
        return (f"{self.total(entries, 'created')} of {self.total(entries, 'read')}, "
                f"{self.total(self.contents, 'equal')} equal")

    @property
    def row(self) -> str:
        codes = collections.Counter()
        for reason in self.reasons:
            codes[reason["code"]] += reason["records"]
        left_out = ", ".join(f"{count} {code}" for code, count in codes.most_common(4)) or "–"
        return (f"{self.total(self.objects, 'read'):,} | {self.total(self.objects, 'created'):,} | {self.files} | "
                f"{self.total(self.links, 'created'):,} of {self.total(self.links, 'read'):,} | {left_out} | "
                f"{self.seconds:.0f}")


def main() -> None:
    options = arguments()
    work = Work(options)
    wanted = [(a, b) for a in VENDORS for b in VENDORS if a != b and (not options.only or f"{a}-{b}" in options.only)]
    failures = 0
    print("| pair | read | created | files, read back | links | rejected, by reason | s |\n|---|---|---|---|---|---|---|", flush=True)
    for vendor in VENDORS:
        pairs = [pair for pair in wanted if pair[0] == vendor]
        if not pairs:
            continue
        with contextlib.ExitStack() as stack:
            source = stack.enter_context(Simulator(work, vendor, filled=vendor != "salesforce"))
            if vendor == "salesforce":
                with Simulator(work, "hubspot", filled=True) as filler:
                    work.move(filler, source)
            for _, other in pairs:
                try:
                    with Simulator(work, other, filled=False) as target:
                        outcome = work.move(source, target)
                except RuntimeError as failure:
                    print(f"| {vendor} → {other} | FAILED: {failure} |", flush=True)
                    failures += 1
                    continue
                print(f"| {vendor} → {other} | {outcome.row} |", flush=True)
                for fault in outcome.faults:
                    print(f"FAILED {vendor} → {other}: {fault}", flush=True)
                failures += bool(outcome.faults)
    print(f"{len(wanted)} pairs, {failures} failed", flush=True)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
