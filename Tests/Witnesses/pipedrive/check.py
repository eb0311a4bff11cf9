#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.
"""Drives a third party's Pipedrive client, unmodified, against a simulated company.

usage: check.py BASE_URL

The client was written for version 1; what version 2 serves is asked for by its address. Prints `ok N checks`, or every
check that failed, and then exits with status 1.
"""
import json
import sys
import urllib.request

from pipedrive.client import Client
from pipedrive.exceptions import BadRequestError, NotFoundError, UnauthorizedError

base = sys.argv[1]
checks = 0
failures = []


def check(name, holds):
    """Counts one check; `holds` is a truth value."""
    global checks
    checks += 1
    if not holds:
        failures.append(name)


def refused(error, call):
    """Whether the call was refused with this error."""
    try:
        call()
    except error:
        return True
    return False


def state():
    """What the simulator itself counts."""
    with urllib.request.urlopen(base + "/_simulator/state") as answer:
        return json.loads(answer.read())


def pages(call, **params):
    """All entries of a list of version 2, and how many pages they took."""
    entries, count, cursor = [], 0, None
    while True:
        page = call(params={**params, **({"cursor": cursor} if cursor else {})})
        entries += page["data"]
        count += 1
        cursor = page["additional_data"]["next_cursor"]
        if cursor is None:
            return entries, count


former = Client(domain=base)
former.set_api_token("witness")
current = Client()
current.BASE_URL = base + "/api/v2/"
current.set_api_token("witness")

# Who is there.
me = former.users.get_me()["data"]
users = former.users.get_all_users()["data"]
check("the token has a user", any(user["id"] == me["id"] and user["is_you"] for user in users))
check("some have left", any(not user["active_flag"] for user in users))
check("without a token nothing is told", refused(UnauthorizedError, Client(domain=base).users.get_me))

# Version 2: pages, fields, records.
before = state()
persons, count = pages(current.persons.get_all_persons, limit=50)
check("there are more than three pages", count > 3)
check("every person comes once", len({p["id"] for p in persons}) == len(persons) == before["persons"])
check("ids rise", [p["id"] for p in persons] == sorted(p["id"] for p in persons))
fields, _ = pages(current.persons.get_person_fields, limit=500)
custom = {field["field_name"]: field for field in fields if field["is_custom_field"]}
check("custom fields have keys of 40 digits", all(len(field["field_code"]) == 40 for field in custom.values()))
stage = next(option for option in custom["Lifecycle stage"]["options"] if option["label"] == "lead")
person = current.persons.create_person(
    {
        "name": "Wít Ness \"quoted\" 👩‍👩‍👧", "emails": [{"value": "w@example.test", "primary": True, "label": "work"}],
        "custom_fields": {custom["Lifecycle stage"]["field_code"]: stage["id"]},
    }
)["data"]
read = current.persons.get_person(person["id"])["data"]
check("text comes back as it was sent", read["name"] == "Wít Ness \"quoted\" 👩‍👩‍👧")
check("an option is its id", read["custom_fields"][custom["Lifecycle stage"]["field_code"]] == stage["id"])
check("an address is a list of one", [e["value"] for e in read["emails"]] == ["w@example.test"])
check("an unknown parameter is refused", refused(BadRequestError, lambda: current.persons.create_person({"name": "x", "nosuch": 1})))
check("a record without its name is refused", refused(BadRequestError, lambda: current.persons.create_person({})))
check("a record that is not there is not found", refused(NotFoundError, lambda: current.persons.get_person(1)))
changed = current._patch(current.BASE_URL + f"persons/{person['id']}", json={"name": "Witness"})["data"]
check("a change keeps the rest", (changed["name"], changed["emails"]) == ("Witness", read["emails"]))
found = current.persons.search_persons(params={"term": "witness", "exact_match": "true"})["data"]["items"]
check("search does not look at case", [item["item"]["id"] for item in found] == [person["id"]])
deal = current.deals.create_deal({"title": "Witness deal", "person_id": person["id"]})["data"]
check("a deal is open and in a stage", deal["status"] == "open" and deal["stage_id"] is not None)

# Version 1: participants and notes.
participants = former.deals.get_deal_participants(deal["id"])["data"]
check("the contact person takes part", [p["person_id"]["value"] for p in participants] == [person["id"]])
other = former.deals.add_participants_to_deal(deal["id"], persons[0]["id"])["data"]
check("so does somebody who was added", len(former.deals.get_deal_participants(deal["id"])["data"]) == 2)
former.deals.delete_participant_to_deal(deal["id"], other["id"])
check("and then no longer", len(former.deals.get_deal_participants(deal["id"])["data"]) == 1)
note = former.notes.create_note(
    {"content": "<p>Hello</p>", "deal_id": deal["id"], "add_time": "2019-01-02 03:04:05"}
)["data"]
check("a note keeps its time", note["add_time"] == "2019-01-02 03:04:05")
check("a note is about something", refused(BadRequestError, lambda: former.notes.create_note({"content": "x"})))
former.notes.update_note(note["id"], {"content": "<p>Bye</p>"})
check("a note is changed", former.notes.get_note(note["id"])["data"]["content"] == "<p>Bye</p>")
first = former.notes.get_all_notes(params={"limit": 10})
paging = first["additional_data"]["pagination"]
check("notes come by position", len(first["data"]) == 10 and paging["next_start"] == 10)
former.notes.delete_note(note["id"])
check("a deleted note is not found", refused(NotFoundError, lambda: former.notes.get_note(note["id"])))
check("an empty list of version 1 is null", former.notes.get_all_notes(params={"deal_id": deal["id"]})["data"] is None)

# Delete.
current.deals.delete_deal(deal["id"])
current.persons.delete_person(person["id"])
check("a deleted person is not found", refused(NotFoundError, lambda: current.persons.get_person(person["id"])))
check("everything is as before", state()["persons"] == before["persons"])

if failures:
    print("\n".join("failed: " + name for name in failures))
    sys.exit(1)
print(f"ok {checks} checks")
