#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.
"""Drives a client that was generated from Attio's own OpenAPI document, unmodified, against a simulated workspace.

usage: check.py BASE_URL

The client validates every answer against the document. Prints `ok N checks`, or every check that failed, and then exits
with status 1.
"""
import json
import sys
import urllib.request

from attio import SDK

base = sys.argv[1]
checks = 0
failures = []


def check(name, holds):
    """Counts one check; `holds` is a truth value."""
    global checks
    checks += 1
    if not holds:
        failures.append(name)


def refused(call):
    """The status with which the call was refused; None if it was not."""
    try:
        call()
    except Exception as refusal:
        return getattr(refusal, "status_code", None) or getattr(getattr(refusal, "data", None), "status_code", None)
    return None


with urllib.request.urlopen(base + "/_simulator/state") as answer:
    state = json.load(answer)
client = SDK(oauth2="witness", server_url=base)

check("the workspace is told", client.meta.get_v2_self().workspace_name == "Acme")
members = client.workspace_members.get_v2_workspace_members().data
check("those who left are suspended", {m.access_level for m in members} == {"member", "suspended"})


def everything(object_, size):
    records, offset = [], 0
    while True:
        page = client.records.post_v2_objects_object_records_query(object=object_, limit=size, offset=offset).data
        records += page
        offset += len(page)
        if len(page) < size:
            return records


people = everything("people", 100)
ids = [person.id.record_id for person in people]
check("every person comes once", len(ids) == len(set(ids)) == state["people"])
check("people have addresses", any("email_addresses" in p.values and p.values["email_addresses"] for p in people))
check("a page has no more than 500", refused(lambda: client.records.post_v2_objects_object_records_query(object="people", limit=501)) == 400)
one = client.records.get_v2_objects_object_records_record_id_(object="people", record_id=ids[0]).data
check("a record is read by its id", one.id.record_id == ids[0])
missing = ids[0][:-12] + "9" * 12
check(
    "a record that is not there is a 404",
    refused(lambda: client.records.get_v2_objects_object_records_record_id_(object="people", record_id=missing)) == 404,
)
notes = client.notes.get_v2_notes(limit=50, offset=0).data
check("notes have parents", {note.parent_object for note in notes if note.parent_object} <= {"people", "companies", "deals"})
check("a page of notes has no more than 50", refused(lambda: client.notes.get_v2_notes(limit=51)) == 400)
tasks = client.tasks.get_v2_tasks(limit=500).data
check("tasks are linked", any(task.linked_records for task in tasks))
attributes = client.attributes.get_v2_target_identifier_attributes(target="objects", identifier="people").data
check("attributes are described", any(a.api_slug == "email_addresses" for a in attributes))

for failure in failures:
    print("failed:", failure)
if failures:
    sys.exit(1)
print(f"ok {checks} checks")
