#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.
"""Drives Zoho's own client, unmodified, against a simulated organisation.

usage: check.py BASE_URL

Prints `ok N checks`, or every check that failed, and then exits with status 1.
"""
import json
import logging
import sys
import tempfile
import urllib.request

from zohocrmsdk.src.com.zoho.api.authenticator.oauth_token import OAuthToken
from zohocrmsdk.src.com.zoho.api.authenticator.store import FileStore
from zohocrmsdk.src.com.zoho.api.logger import Logger
from zohocrmsdk.src.com.zoho.crm.api import Initializer, ParameterMap
from zohocrmsdk.src.com.zoho.crm.api.coql import BodyWrapper as Query, CoqlOperations
from zohocrmsdk.src.com.zoho.crm.api.dc import DataCenter
from zohocrmsdk.src.com.zoho.crm.api.fields import (
    BodyWrapper as FieldBody, CreateFieldParam, Fields, FieldsOperations, GetFieldsParam, Unique,
)
from zohocrmsdk.src.com.zoho.crm.api.record import (
    BodyWrapper, DeleteRecordsParam, Field, GetRecordsParam, Record, RecordOperations,
)
from zohocrmsdk.src.com.zoho.crm.api.users import GetUsersParam, UsersOperations

base = sys.argv[1]
checks = 0
failures = []


def check(name, holds):
    """Counts one check; `holds` is a truth value."""
    global checks
    checks += 1
    if not holds:
        failures.append(name)


def control(method, path, body=b""):
    """Speaks to the simulator itself, not to the organisation."""
    request = urllib.request.Request(base + "/_simulator/" + path, data=body or None, method=method)
    with urllib.request.urlopen(request) as answer:
        text = answer.read()
    return json.loads(text) if text else None


def parameters(**values):
    """Parameters by their objects: pairs of a parameter and its value."""
    found = ParameterMap()
    for parameter, value in values.values():
        found.add(parameter, value)
    return found


def record(id=None, **values):
    made = Record()
    if id is not None:
        made.set_id(id)
    for name, value in values.items():
        made.add_key_value(name, value)
    return made


def body(records, duplicate_check_fields=None):
    wrapper = BodyWrapper()
    wrapper.set_data(records)
    wrapper.set_trigger([])
    if duplicate_check_fields:
        wrapper.set_duplicate_check_fields(duplicate_check_fields)
    return wrapper


def rows(answer):
    """Status code, code, action and details of each row."""
    return [
        (
            row.get_code().get_value(),
            row.get_action().get_value() if hasattr(row, "get_action") and row.get_action() else None,
            row.get_details() or {},
        )
        for row in answer.get_object().get_data()
    ]


folder = tempfile.mkdtemp()
environment = DataCenter.Environment(base, base + "/oauth/v2/token", base)
environment.name = "simulated"
Initializer.initialize(
    environment=environment,
    token=OAuthToken(client_id="witness", client_secret="secret", refresh_token="refresh"),
    store=FileStore(folder + "/tokens"),
    resource_path=folder,
    logger=Logger.get_instance(level=Logger.Levels.OFF) if hasattr(Logger.Levels, "OFF") else None,
)
logging.disable(logging.CRITICAL)
contacts = RecordOperations("Contacts")

# Pages: 200 by number up to 2,000, then by token.
state = control("GET", "state")
ids, token, pages = [], None, 0
while True:
    wanted = dict(
        fields=(GetRecordsParam.fields, "Last_Name,Email,Account_Name"), size=(GetRecordsParam.per_page, 200),
        by=(GetRecordsParam.sort_by, "id"), order=(GetRecordsParam.sort_order, "asc"),
    )
    if token:
        wanted["token"] = (GetRecordsParam.page_token, token)
    page = contacts.get_records(parameters(**wanted)).get_object()
    ids += [contact.get_id() for contact in page.get_data()]
    pages += 1
    if not page.get_info().get_more_records():
        break
    token = page.get_info().get_next_page_token()
check("there are several pages", pages > 10)
check("every contact comes once", len(ids) == len(set(ids)) == state["Contacts"])
check("ids are 18 digits", all(len(str(id)) == 18 for id in ids))
named = [contact for contact in page.get_data() if contact.get_key_value("Account_Name")]
check("a lookup is a record with an id", named and named[0].get_key_value("Account_Name").get_id() > 10**17)
refused = contacts.get_records(parameters(size=(GetRecordsParam.per_page, 200)))
check("fields must be named", refused.get_status_code() == 400)

# Create, read, change.
answer = contacts.create_records(body([record(Last_Name="Wítness \"quoted\" 👩‍👩‍👧", Email="w@example.test"), record(Title="no name")]))
check("some rows of each is 207", answer.get_status_code() == 207)
good, bad = rows(answer)
check("the good one is created", good[0] == "SUCCESS")
check("the bad one names its field", bad[0] == "MANDATORY_NOT_FOUND" and bad[2]["api_name"] == "Last_Name")
new = int(good[2]["id"])
read = contacts.get_record(new).get_object().get_data()[0]
check("text comes back as it was sent", read.get_key_value("Last_Name") == "Wítness \"quoted\" 👩‍👩‍👧")
check("times are times", read.get_created_time().year >= 2026)
check("a change is kept", rows(contacts.update_records(body([record(id=new, Title="Checker")])))[0][0] == "SUCCESS")
check("an empty title was filled", contacts.get_record(new).get_object().get_data()[0].get_key_value("Title") == "Checker")

# Upsert, first by the system's own field, then by one of ours.
upserted = rows(contacts.upsert_records(body([record(Last_Name="W", Email="W@Example.test")], ["Email"])))[0]
check("an address is met again whatever its case", upserted[1] == "update" and int(upserted[2]["id"]) == new)
field = Fields()
field.set_field_label("Witness Key")
field.set_data_type("text")
unique = Unique()
unique.set_casesensitive("true")
field.set_unique(unique)
wrapper = FieldBody()
wrapper.set_fields([field])
made = FieldsOperations().create_field(wrapper, parameters(module=(CreateFieldParam.module, "Contacts")))
check("a field can be created", made.get_status_code() == 201)
fields = FieldsOperations().get_fields(parameters(module=(GetFieldsParam.module, "Contacts"))).get_object().get_fields()
names = {f.get_api_name(): f for f in fields}
check("its name comes of its label", "Witness_Key" in names and names["Witness_Key"].get_unique() is not None)
check("a mandatory field says so", names["Last_Name"].get_system_mandatory())

# Rows within a record.
def send(method, path, content):
    """A request of our own: the client is asked to read what it made."""
    request = urllib.request.Request(
        base + "/crm/v8" + path, data=json.dumps(content).encode(), method=method,
        headers={"Authorization": "Zoho-oauthtoken " + access_token(), "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:
        return json.loads(answer.read())["data"][0]["details"]["id"]


def access_token():
    form = b"grant_type=refresh_token&client_id=witness&client_secret=secret&refresh_token=refresh"
    with urllib.request.urlopen(base + "/oauth/v2/token", data=form) as answer:
        return json.loads(answer.read())["access_token"]


product = send("POST", "/Products", {"data": [{"Product_Name": "Plan", "Unit_Price": 9.5}]})
lines = [{"Product_Name": {"id": product}, "Quantity": 2}, {"Product_Name": {"id": product}, "Quantity": 3}]
quote = send("POST", "/Quotes", {"data": [{"Subject": "Renewal", "Quoted_Items": lines}]})
rows_read = RecordOperations("Quotes").get_record(int(quote)).get_object().get_data()[0].get_key_value("Quoted_Items")
check("a quote has its lines", [float(row.get_key_value("Quantity")) for row in rows_read] == [2.0, 3.0])
check("each with an id of its own", len({row.get_id() for row in rows_read}) == 2)
check("and a product", all(row.get_key_value("Product_Name")["id"] == product for row in rows_read))

# Queries.
query = Query()
query.set_select_query(f"select Last_Name, Account_Name from Contacts where id > '{ids[0]}' order by id asc limit 300")
found = CoqlOperations().get_records(query).get_object()
check("a query goes on behind an id", [r.get_id() for r in found.get_data()] == ids[1:301])
check("and says that there is more", found.get_info().get_more_records())
query.set_select_query("select Last_Name from Contacts where id is not null and Email is null and Title is null limit 1")
check("more than two criteria need brackets", CoqlOperations().get_records(query).get_status_code() == 400)

# Users.
users = UsersOperations().get_users(parameters(type=(GetUsersParam.type, "AllUsers"))).get_object().get_users()
check("there are users", users and all("@" in user.get_email() for user in users))

# Deleting.
gone = rows(contacts.delete_records(parameters(ids=(DeleteRecordsParam.ids, f"{new},{new + 1_000_000}"))))
check("a record is deleted, and one that is not there is refused", [row[0] for row in gone] == ["SUCCESS", "INVALID_DATA"])
check("the journal has counted", control("GET", "journal")["writes"] >= 4)

for failure in failures:
    print("failed:", failure)
if failures:
    sys.exit(1)
print(f"ok {checks} checks")
