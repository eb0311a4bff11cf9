#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.
"""Drives Zendesk Sell's own client, unmodified, against a simulated account.

usage: check.py BASE_URL

Prints `ok N checks`, or every check that failed, and then exits with status 1.
"""
import json
import sys
import urllib.request

import basecrm
from basecrm.errors import RateLimitError, RequestError, ResourceError

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
        return refusal.http_status
    return None


with urllib.request.urlopen(base + "/_simulator/state") as answer:
    state = json.load(answer)
client = basecrm.Client(access_token="w" * 64, base_url=base)

check("the account is told", client.accounts.self().name == "Acme")
users = client.users.list(per_page=100)
check("those who left are among the users", {user.status for user in users} == {"active", "inactive"})

# Create, read, change, delete.
company = client.contacts.create(name="Witness Ltd", is_organization=True)
person = client.contacts.create(
    first_name="Wít", last_name="Ness\n\"quoted\" 👩‍👩‍👧", contact_id=company.id, custom_fields={"Lifecycle stage": "lead"}
)
read = client.contacts.retrieve(person.id)
check("text comes back as it was sent", read.last_name == "Ness\n\"quoted\" 👩‍👩‍👧")
check("a person belongs to a company", read.contact_id == company.id)
check("custom fields are kept by name", read.custom_fields["Lifecycle stage"] == "lead")
client.contacts.update(person.id, title="Checker")
check("a change is kept", client.contacts.retrieve(person.id).title == "Checker")
client.contacts.destroy(person.id)
check("a deleted contact is gone", refused((RequestError, ResourceError), lambda: client.contacts.retrieve(person.id)) == 404)
check("a contact needs a name", refused((RequestError, ResourceError), lambda: client.contacts.create(title="x")) == 422)

# Pages.
def everything(list_, **filters):
    records, page = [], 1
    while True:
        part = list_(page=page, per_page=100, **filters)
        records += part
        page += 1
        if len(part) < 100:
            return records


people = everything(client.contacts.list, is_organization="false", sort_by="created_at")
companies = everything(client.contacts.list, is_organization="true")
ids = [contact.id for contact in people + companies]
check("every contact comes once", len(ids) == len(set(ids)) == state["contacts"] + 1)
check("persons and companies are told apart", len(people) > 300 and len(companies) > 30)
check("contacts are sorted", [p.created_at for p in people] == sorted(p.created_at for p in people))
deals = everything(client.deals.list)
linked = [client.associated_contacts.list(deal.id) for deal in deals[:20]]
check("deals have contacts with roles", any(contact.role for contacts in linked for contact in contacts))
check("notes hang on something", {note.resource_type for note in everything(client.notes.list)} == {"contact", "deal"})

request = urllib.request.Request(base + "/_simulator/faults", data=b"status:429*1@/v2/deals", method="POST")
urllib.request.urlopen(request).close()
try:
    client.deals.list()
    check("a throttle is one to the client, too", False)
except RateLimitError:
    check("a throttle is one to the client, too", True)

for failure in failures:
    print("failed:", failure)
if failures:
    sys.exit(1)
print(f"ok {checks} checks")
