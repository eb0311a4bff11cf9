#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.
"""Drives Close's own client, unmodified, against a simulated account.

usage: check.py BASE_URL

Prints `ok N checks`, or every check that failed, and then exits with status 1.
"""
import json
import sys
import urllib.request

from closeio_api import API, APIError, ValidationError

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
    """The status with which the call was refused; None if it was not."""
    try:
        call()
    except error as refusal:
        return refusal.response.status_code
    return None


with urllib.request.urlopen(base + "/_simulator/state") as answer:
    state = json.load(answer)
api = API(base + "/api/v1/", api_key="witness")

check("the key's user is told", api.get("me")["email"].endswith("@acme.test"))
organization = api.get("organization/" + api.get("me")["organizations"][0]["id"])
check("those who left are listed apart", len(organization["inactive_memberships"]) > 0)

# Create, read, change, delete.
lead = api.post("lead", {"name": "Witness Ltd", "description": "Wít\n\"quoted\" 👩‍👩‍👧"})
check("a new lead has an id", lead["id"].startswith("lead_"))
check("text comes back as it was sent", api.get("lead/" + lead["id"])["description"] == "Wít\n\"quoted\" 👩‍👩‍👧")
api.put("lead/" + lead["id"], {"name": "Witness Inc."})
check("a change is kept", api.get("lead/" + lead["id"])["name"] == "Witness Inc.")
contact = api.post("contact", {"name": "Ada", "lead_id": lead["id"], "emails": [{"type": "office", "email": "a@x.test"}]})
check("a contact belongs to its lead", api.get("contact", {"lead_id": lead["id"]})["data"][0]["id"] == contact["id"])
check("a contact without a lead gets one", api.post("contact", {"name": "Bob"})["lead_id"].startswith("lead_"))
api.delete("lead/" + lead["id"])
check("a deleted lead is gone", refused(APIError, lambda: api.get("lead/" + lead["id"])) == 404)
check("an opportunity needs a lead", refused(ValidationError, lambda: api.post("opportunity", {"note": "x"})) == 400)
check("meetings cannot be made", refused(APIError, lambda: api.post("activity/meeting", {"title": "x"})) == 405)

# Pages.
ids, skip, pages = [], 0, 0
while True:
    page = api.get("contact", {"_limit": 100, "_skip": skip})
    ids += [contact["id"] for contact in page["data"]]
    skip += len(page["data"])
    pages += 1
    if not page["has_more"]:
        break
check("there are more than three pages", pages > 3)
check("every contact comes once", len(ids) == len(set(ids)) == state["contact"] + 2)
check("a page has no more than 100", refused(ValidationError, lambda: api.get("contact", {"_limit": 101})) == 400)
notes = api.get("activity/note", {"_limit": 50})["data"]
check("activities come newest first", [n["date_created"] for n in notes] == sorted((n["date_created"] for n in notes), reverse=True))
middle = notes[25]["date_created"]
older = api.get("activity/note", {"_limit": 50, "date_created__lte": middle})["data"]
check("activities are found by their date", older[0]["date_created"] == middle)
deals = api.get("opportunity", {"_limit": 50, "_order_by": "date_created"})["data"]
check("opportunities are sorted", [d["date_created"] for d in deals] == sorted(d["date_created"] for d in deals))
fields = api.get("custom_field_schema/lead")["fields"]
check("custom fields are described", any(field["id"] == "cf_industry" for field in fields))

# A throttle: the client itself reads the header and comes back.
request = urllib.request.Request(base + "/_simulator/faults", data=b"status:429:1s*1@/api/v1/lead", method="POST")
urllib.request.urlopen(request).close()
check("the client comes back after a throttle", len(api.get("lead", {"_limit": 1})["data"]) == 1)

for failure in failures:
    print("failed:", failure)
if failures:
    sys.exit(1)
print(f"ok {checks} checks")
