# SPDX-License-Identifier: Apache-2.0
"""The part of the walk in which things fail and are brought back: a damaged chunk, an edited pipeline, rejected records.

Nothing that is tried again may be there twice, even where the answer to the second attempt is lost.
"""

import csv
import json
import pathlib
import shutil
import urllib.request
from collections.abc import Callable

PIPELINES = pathlib.Path(__file__).resolve().parent.parent.parent / "pipelines"
PIPELINE, SHEET = "again/hubspot-to-salesforce.yaml", "again.csv"
#: The objects whose records are counted in the destination.
COUNTED = ("Account", "Contact", "Opportunity", "ContentVersion", "OpportunityContactRole")


def reprocess(step: Callable, check: Callable, newest: Callable[[], str], folder: pathlib.Path, hubspot: str,
              salesforce: str) -> None:
    """Walks with the shipped pipeline, in a part of the folder; `hubspot` and `salesforce` are the addresses of both
    sides."""
    shutil.copytree(PIPELINES, folder / "again")
    # A staged chunk is altered behind the program's back: it is refused, read again alone, and the run ends as it would.
    step(f"extract {PIPELINE} --chunk-records 100", "all done")
    run = newest()
    chunk = "contact-raw-000002"
    alter(next((folder / "again" / "staging" / run / "chunks").glob(f"{chunk}.*")))
    step(f"chunks verify {run}", "local disk or staging error", (chunk,))
    step("resume", "local disk or staging error", ("MZ-STAGE-02", chunk, f"migratez chunks retry {run}"))
    request(f"{hubspot}/_simulator/journal", method="DELETE")
    step(f"chunks retry {run}", "all done", (f"{chunk}: remade",))
    routes = json.loads(request(f"{hubspot}/_simulator/journal"))["routes"]
    lists = {name: count for name, count in routes.items() if name.startswith("list ")}
    check(lists == {"list contacts": 1}, f"to make one chunk again these were read: {lists}")
    step(f"chunks verify {run}", "all done")

    # The pipeline is edited in the middle of a run, which says what it cannot keep, and goes on once that is undone.
    file = folder / PIPELINE
    text = file.read_text()
    file.write_text(text.replace("max: 128", "max: 100", 1))
    step("resume", "pipeline file not valid", ("MZ-CFG-09", "has changed since", "issues retry"))
    file.write_text(text)
    step("resume", "done, some records quarantined")
    step("verify", "all done", ("agrees",))
    first = counts(salesforce)

    # One record is corrected in a sheet. The answer to its write is lost: it is found by its key, not written twice.
    step(f"issues export {run} -o {SHEET}", "all done")
    complete(folder / SHEET)
    step(f"issues import {run} {SHEET} --dry-run", "all done")
    check(counts(salesforce) == first, "a dry import wrote something")
    fault(salesforce, "commit-then-drop*1@/services/data/v67.0/composite")
    step(f"issues import {run} {SHEET}", "done, some records quarantined")
    fault(salesforce, "")
    second = counts(salesforce)
    check(second == first | {"ContentVersion": first["ContentVersion"] + 1}, f"{first} became {second}")

    # The others by a change of the pipeline, which a retry takes; the second retry has nothing left to do.
    file.write_text(text.replace("as: Contact.AccountId, choose: primary, on_missing: quarantine",
                                 "as: Contact.AccountId, choose: primary, on_missing: empty"))
    step(f"issues retry {run} --code MZ-REF-01", "done, some records quarantined")
    third = counts(salesforce)
    check(third["Contact"] == second["Contact"] + 1, f"{second} became {third}")
    step(f"issues retry {run} --code MZ-REF-01", "all done", ("trying 0 records",))
    check(counts(salesforce) == third, f"a second retry made {counts(salesforce)} of {third}")
    step("verify", "all done", ("agrees",))


def alter(path: pathlib.Path) -> None:
    """Flips one bit of the last frame."""
    content = bytearray(path.read_bytes())
    content[-20] ^= 0x40
    path.write_bytes(content)


def complete(path: pathlib.Path) -> None:
    """Fills in what the first rejected note lacks, as in a spreadsheet."""
    with open(path, newline="", encoding="utf-8-sig") as sheet:
        rows = list(csv.reader(sheet))
    next(row for row in rows[1:] if row[0] == "note")[rows[0].index("note.Content")] = "Filled in"
    with open(path, "w", newline="", encoding="utf-8") as sheet:
        csv.writer(sheet).writerows(rows)


def counts(salesforce: str) -> dict[str, int]:
    """How many records the destination holds, by object."""
    records = json.loads(request(f"{salesforce}/_simulator/state"))["records"]
    return {name: records[name]["live"] for name in COUNTED}


def fault(salesforce: str, rules: str) -> None:
    request(f"{salesforce}/_simulator/faults", rules.encode(), "POST")


def request(url: str, body: bytes | None = None, method: str = "GET") -> bytes:
    with urllib.request.urlopen(urllib.request.Request(url, body, method=method), timeout=60) as answer:
        return answer.read()
