#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.
"""Drives odoorpc, unmodified, against a simulated database, and JSON-2 with nothing but the standard library.

usage: check.py BASE_URL

Prints `ok N checks`, or every check that failed, and then exits with status 1.
"""
import base64
import json
import sys
import urllib.error
import urllib.request
from urllib.parse import urlsplit

import odoorpc

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
    """The exception that the server names; None if it carried the call out."""
    try:
        call()
    except odoorpc.error.RPCError as error:
        return error.info["data"]["name"] if error.info else str(error)
    return None


def control(path):
    """Speaks to the simulator itself, not to the database."""
    with urllib.request.urlopen(base + "/_simulator/" + path) as answer:
        return json.loads(answer.read())


address = urlsplit(base)
odoo = odoorpc.ODOO(address.hostname, protocol="jsonrpc", port=address.port)
check("the version is told before the login", odoo.version.startswith("19"))
check("a wrong database is no login", refused(lambda: odoo.login("other", "admin", "key")) is not None)
odoo.login("acme", "admin", "key")
check("the login tells the user", odoo.env.uid == 2)
check("a model that is there is found", "crm.lead" in odoo.env and "no.such" not in odoo.env)

# Create, read, change, delete, through the client's own records.
Partner = odoo.env["res.partner"]
check("fields are described", {"name", "email", "parent_id", "category_id"} <= set(Partner.fields_get()))
acme = Partner.create({"name": "Acme", "is_company": True})
ada = Partner.create({"name": "Ada \"Lovelace\" 👩‍👩‍👧", "parent_id": acme, "email": False})
check("a single record gives a single id", isinstance(ada, int))
record = Partner.browse(ada)
check("text comes back as it was sent", record.name == "Ada \"Lovelace\" 👩‍👩‍👧")
check("nothing is false", record.email is False)
check("a relation leads to its record", record.parent_id.id == acme and record.parent_id.name == "Acme")
record.email = "ada@example.test"
check("a change is kept", Partner.read([ada], ["email"])[0]["email"] == "ada@example.test")
check("several are made at once, in order", len(Partner.create([{"name": "A"}, {"name": "B"}])) == 2)
before = Partner.search_count([])
check(
    "one bad record undoes them all",
    refused(lambda: Partner.create([{"name": "C"}, {"name": False}])) == "odoo.exceptions.ValidationError",
)
check("and nothing of it is there", Partner.search_count([]) == before)
check("an unknown field is refused", refused(lambda: Partner.create({"nonsense": 1})) == "builtins.ValueError")
check("reading what was deleted gives nothing", Partner.unlink([ada]) and Partner.read([ada], ["name"]) == [])
check("deleting it again is refused", refused(lambda: Partner.unlink([ada])) == "odoo.exceptions.MissingError")
created = Partner.read([acme], ["create_date"])[0]["create_date"]
Partner.write([acme], {"create_date": "2001-01-01 00:00:00"})
check("who writes the time of creation is ignored", Partner.read([acme], ["create_date"])[0]["create_date"] == created)

# Searching.
Partner.create([{"name": f"Row {n}", "ref": f"r{n % 3}"} for n in range(30)])
rows = Partner.search([["name", "ilike", "row "]], order="id asc")
check("a search finds its records in order", len(rows) == 30 and rows == sorted(rows))
check("the next page begins behind an id", Partner.search([["id", ">", rows[9]], ["name", "ilike", "row "]], order="id asc", limit=5) == rows[10:15])
check("either or", Partner.search_count(["|", ["ref", "=", "r0"], ["ref", "=", "r1"]]) == 20)
check("not", Partner.search_count(["!", ["ref", "=", "r0"], ["ref", "!=", False]]) == 20)
check("wildcards can be written as they are", Partner.search_count([["ref", "=ilike", "R\\_"]]) == 0)
Partner.write([rows[0]], {"active": False})
check("archived records are hidden", Partner.search_count([["name", "ilike", "row "]]) == 29)
check("but not from who asks", Partner.with_context(active_test=False).search_count([["name", "ilike", "row "]]) == 30)

# External ids.
fields = ["id", "name", "parent_id/.id", "type"]
first = Partner.load(fields, [["witness.one", "One", str(acme), "contact"], ["witness.two", "Two", "", "Invoice"]])
check("rows are loaded", len(first["ids"]) == 2 and first["messages"] == [])
again = Partner.load(fields, [["witness.two", "Zwei", "", "invoice"], ["witness.one", "Eins", str(acme), "contact"]])
check("a second time they meet the same records", sorted(again["ids"]) == sorted(first["ids"]))
check("by label or by value", Partner.read(first["ids"], ["type"])[1]["type"] == "invoice")
bad = Partner.load(fields, [["witness.three", "Three", "", ""], ["witness.four", "Four", "99999", "odd"], ["witness.five", "", "", "contact"]])
check("one bad row undoes them all", bad["ids"] is False)
check("and every one of them is named", {m["record"] for m in bad["messages"] if m["type"] == "error"} == {1, 2})
check("with its field", {m["field"] for m in bad["messages"] if m["record"] == 1} == {"parent_id", "type"})
many = Partner.load(["id", "name", "type"], [[f"witness.m{n}", "", "contact"] for n in range(50)])
check("after ten it stops", len(many["messages"]) == 11 and many["messages"][-1]["type"] == "warning")
known = odoo.env["ir.model.data"].search_read([["module", "=", "witness"]], ["name", "res_id", "model"])
check("they are told of", {row["name"] for row in known} == {"one", "two"})
Partner.unlink(first["ids"])
check("and go with their records", odoo.env["ir.model.data"].search_count([["module", "=", "witness"]]) == 0)

# Deals and notes.
Lead = odoo.env["crm.lead"]
deal = Lead.create({"name": "Deal", "type": "opportunity", "partner_id": acme, "expected_revenue": 12.345})
check("money has two places", Lead.read([deal], ["expected_revenue"])[0]["expected_revenue"] == 12.35)
check("a new deal has the first stage", Lead.browse(deal).stage_id.name == "New")
Message = odoo.env["mail.message"]
note = Message.create({"body": "<p>Hi<script>x()</script></p>", "model": "crm.lead", "res_id": deal, "date": "2020-02-03 04:05:06"})
read = Message.read([note], ["body", "date"])[0]
check("a note keeps its time", read["date"] == "2020-02-03 04:05:06")
check("and loses its scripts", read["body"] == "<p>Hi</p>")
check("a user's own partner stays", refused(lambda: Partner.unlink([odoo.env.user.partner_id.id])) == "odoo.exceptions.UserError")
file = odoo.env["ir.attachment"].create({
    "name": "ä b.pdf", "datas": base64.b64encode(bytes(range(256))).decode(), "res_model": "crm.lead", "res_id": deal})
read = odoo.env["ir.attachment"].read([file], ["datas", "file_size", "name"])[0]
check("a file is held as it was sent", base64.b64decode(read["datas"]) == bytes(range(256)) and read["name"] == "ä b.pdf")
check("and its size is told", read["file_size"] == 256)
email = Message.create({"message_type": "email_outgoing", "model": "crm.lead", "res_id": deal, "email_from": "a@x.test", "date": "2020-02-03 04:05:06"})
check("an e-mail has a direction", Message.search_count([["message_type", "=", "email_outgoing"], ["res_id", "=", deal]]) == 1)
Lead.unlink([deal])
check("notes go with their record", Message.search_count([["model", "=", "crm.lead"]]) == 0)


def json2(path, body, key="key"):
    """Status and body of a call by JSON-2."""
    request = urllib.request.Request(
        base + "/json/2/" + path, data=json.dumps(body).encode(),
        headers={"Authorization": "bearer " + key, "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


check("JSON-2 gives the bare value", json2("res.partner/search_count", {"domain": [["id", "=", acme]]}) == (200, 1))
check("records stand beside the arguments", json2("res.partner/read", {"ids": [acme], "fields": ["name"]}) == (200, [{"id": acme, "name": "Acme"}]))
check("a wrong argument is 422", json2("res.partner/search", {"domains": []})[0] == 422)
check("ids of a method of the model are 422", json2("res.partner/search", {"domain": [], "ids": [1]})[0] == 422)
check("an unknown model is 404", json2("no.such/search", {"domain": []})[0] == 404)
status, body = json2("res.partner/search_read", {"fields": ["nonsense"]})
check("an unknown field is 500", status == 500 and body["name"] == "builtins.ValueError" and "Traceback" in body["debug"])
check("the journal has counted every write", control("journal")["writes"] == 22)

for failure in failures:
    print("failed:", failure)
if failures:
    sys.exit(1)
print(f"ok {checks} checks")
