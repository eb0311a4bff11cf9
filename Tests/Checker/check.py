#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks a finished run of `pipelines/hubspot-to-salesforce.yaml` without any code of Migratez.

    check.py --account URL --org org.sqlite --manifest manifest.sqlite --maps FOLDER [--day YYYY-MM-DD]

The account is read again over its own interface, the pipeline's meaning is worked out a second time, and what must have
come out is compared with the organisation's database, record by record and field by field, and with the manifest,
outcome by outcome. Prints what differs (ids and field names, at most a few of each kind) and exits with 1; else 0.
"""

import argparse
import contextlib
import datetime
import pathlib
import sqlite3
import sys
from collections import Counter

from account import Account
from controls import blind_spots
from expectation import Expectation
from organisation import Organisation
from values import same

OUTCOMES = {1: "created", 2: "updated", 3: "merged", 4: "filtered", 5: "skipped", 6: "rejected"}
#: object of the pipeline, table of the organisation, prefix of its ids
TABLES = [("company", "Account", "001"), ("contact", "Contact", "003"), ("deal", "Opportunity", "006"),
          ("note", "ContentVersion", "068")]
EXAMPLES = 5


class Findings:
    def __init__(self):
        self._counts, self._examples = Counter(), {}

    def add(self, kind: str, example: str) -> None:
        self._counts[kind] += 1
        if self._counts[kind] <= EXAMPLES:
            self._examples.setdefault(kind, []).append(example)

    def __bool__(self) -> bool:
        return bool(self._counts)

    def lines(self) -> list[str]:
        return [f"{count} × {kind}: {', '.join(self._examples[kind])}" for kind, count in sorted(self._counts.items())]


def check(expected: Expectation, org_path: str, manifest_path: str, say=print) -> Findings:
    """Everything that is wrong."""
    findings, org = Findings(), Organisation(org_path)
    sources = check_records(expected, org, findings, say)
    check_links(expected, org, sources, findings, say)
    check_manifest(manifest_path, expected, findings, say)
    return findings


def check_records(expected: Expectation, org: Organisation, findings: Findings, say) -> dict:
    """Each survivor once with every field right, and nothing else; gives back the source id of every id."""
    sources, people = {}, {id[:15]: email for email, id in org.users.items()}
    for name, table, prefix in TABLES:
        stream = getattr(expected, {"company": "companies"}.get(name, name + "s"))
        seen: set[int] = set()
        held = []
        for key, id, fields in org.records(table, prefix):
            source = int(key.rsplit("-", 1)[1]) if key and key.startswith(f"hubspot-{name}-") else None
            if source is None or source not in stream.fields:
                findings.add(f"{table} that nobody asked for", str(key))
            elif source in seen:
                findings.add(f"{table} doubled", key)
            else:
                seen.add(source)
                sources[id] = source
                document = fields.get("ContentDocumentId")
                if document:
                    sources[document[:15]] = source
                held.append((source, fields))
        for source in stream.fields.keys() - seen:
            findings.add(f"{table} missing", f"hubspot-{name}-{source}")
        for source, fields in held:
            for field, value in stream.fields[source].items():
                found = fields[field]
                if field == "AccountId":
                    found = sources.get(found[:15]) if found else None
                elif field == "OwnerId":
                    found = people.get(found[:15]) if value is not None else None
                if not same(value, found) if field != "AccountId" else value != found:
                    findings.add(f"{table}.{field} differs", f"hubspot-{name}-{source}")
        say(f"{table}: {len(held)} records with {len(next(iter(stream.fields.values()), ()))} fields each compared")
    return sources


def check_links(expected: Expectation, org: Organisation, sources: dict, findings: Findings, say) -> None:
    roles = Counter((sources.get(deal), sources.get(contact), role or None)
                    for deal, contact, role in org.pairs("OpportunityContactRole", ["OpportunityId", "ContactId", "Role"]))
    compare_links("OpportunityContactRole", Counter(expected.links["deal-to-contact"]), roles, findings, say)
    wanted: Counter = Counter()
    for name, prefix in (("company", "001"), ("contact", "003"), ("deal", "006")):
        wanted.update((note, prefix, to) for note, to, _ in expected.links[f"note-to-{name}"])
    found = Counter((sources.get(note), to[:3], sources.get(to))
                    for note, to in org.pairs("ContentDocumentLink", ["ContentDocumentId", "LinkedEntityId"])
                    if not to.startswith("005"))
    compare_links("ContentDocumentLink", wanted, found, findings, say)


def compare_links(name: str, wanted: Counter, found: Counter, findings: Findings, say) -> None:
    for link in (wanted - found).elements():
        findings.add(f"{name} missing", "-".join(map(str, link)))
    for link in (found - wanted).elements():
        findings.add(f"{name} that nobody asked for", "-".join(map(str, link)))
    say(f"{name}: {sum(found.values())} links compared")


def check_manifest(path: str, expected: Expectation, findings: Findings, say) -> None:
    """Every record has the outcome that it must have, every link type as many of each; no chunk is left half-way."""
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as manifest:
        streams = dict(manifest.execute("SELECT name, number FROM streams"))
        for name, _, _ in TABLES:
            stream = getattr(expected, {"company": "companies"}.get(name, name + "s"))
            rows = manifest.execute("SELECT source_id, outcome FROM records WHERE stream = ?", (streams[name],))
            found = Counter()
            for source, outcome in rows:
                word = OUTCOMES[outcome]
                found[source] += 1
                wanted = stream.outcome.get(int(source))
                # A write that was cut off may have arrived: then the record was there already when it was sent again.
                if word != wanted and (wanted, word) != ("created", "updated"):
                    findings.add(f"{name} is {word} instead of {wanted}", source)
            for source in stream.outcome:
                if found[str(source)] != 1:
                    findings.add(f"{name} with {found[str(source)]} outcomes", str(source))
            say(f"{name}: {sum(found.values())} outcomes compared")
        for name, wanted in expected.edges.items():
            rows = manifest.execute("SELECT outcome, count(*) FROM records WHERE stream = ? GROUP BY 1", (streams[name],))
            found = Counter({OUTCOMES[outcome]: count for outcome, count in rows})
            found["created"] += found.pop("updated", 0)
            for word in set(wanted) | set(found):
                if wanted[word] != found[word]:
                    findings.add(f"{name} {word} differ", f"{found[word]} instead of {wanted[word]}")
        for state, count in manifest.execute("SELECT state, count(*) FROM chunks GROUP BY 1"):
            if state in ("writing", "leased", "failed"):
                findings.add(f"chunks left {state}", str(count))
        for state, count in manifest.execute("SELECT state, count(*) FROM batches WHERE state <> 'settled' GROUP BY 1"):
            findings.add(f"batches left {state}", str(count))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--account", required=True, help="the base URL of the simulated HubSpot account")
    parser.add_argument("--org", required=True, help="the database file of the simulated Salesforce organisation")
    parser.add_argument("--manifest", required=True, help="the manifest of the run, not yet shredded")
    parser.add_argument("--maps", required=True, type=pathlib.Path, help="the folder with the pipeline's map files")
    parser.add_argument("--day", default=None, help="the day on which the run began; without it, the manifest's")
    parser.add_argument("--controls", action="store_true", help="also damage copies, and fail unless each is noticed")
    options = parser.parse_args()
    manifest = sqlite3.connect(f"file:{options.manifest}?mode=ro", uri=True)
    (began,) = manifest.execute("SELECT created_at FROM run").fetchone()
    day = options.day or datetime.datetime.fromtimestamp(began / 1000, datetime.timezone.utc).date().isoformat()
    users = set(Organisation(options.org).users)
    expected = Expectation(Account(options.account), options.maps, users, day)
    lines = check(expected, options.org, options.manifest).lines()
    if options.controls:
        quietly = lambda org, manifest: check(expected, org, manifest, lambda _: None)
        lines += blind_spots(options.org, options.manifest, quietly)
    for line in lines:
        print(line)
    sys.exit(1 if lines else 0)


if __name__ == "__main__":
    main()
