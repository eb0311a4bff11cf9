# SPDX-License-Identifier: Apache-2.0
# Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.
"""Drives the Dynamics simulator with Microsoft's PowerPlatform-Dataverse-Client, unmodified: check.py BASE_URL

The client takes https addresses only; the adapter of requests below turns them back into http on the way to loopback.
The access token `witness` must be one that the simulator accepts without a login.
"""

import base64
import sys
import time

from azure.core.credentials import AccessToken
from requests.adapters import HTTPAdapter
from PowerPlatform.Dataverse.client import DataverseClient
from PowerPlatform.Dataverse.core.errors import HttpError
from PowerPlatform.Dataverse.models import UpsertItem

checks = 0


def check(condition, what):
    global checks
    if not condition:
        print(f"FAILED: {what}", file=sys.stderr)
        sys.exit(1)
    checks += 1


def refused(status, code, body, what):
    try:
        body()
    except HttpError as error:
        found = error.details.get("service_error_code")
        check(error.status_code == status and found == code, f"{what}: {error.status_code} {found}")
        return
    check(False, f"{what}: was not refused")


class Credential:
    def get_token(self, *scopes, **options):
        check(scopes[0].endswith("/.default"), "the scope is the environment's own")
        return AccessToken("witness", int(time.time()) + 3600)


def to_loopback():
    """Sends what is meant for https://HOST to http://HOST."""
    send, connect = HTTPAdapter.send, HTTPAdapter.get_connection_with_tls_context

    def plain(request):
        request.url = request.url.replace("https://", "http://", 1)
        return request

    HTTPAdapter.send = lambda self, request, *a, **n: send(self, plain(request), *a, **n)
    HTTPAdapter.get_connection_with_tls_context = lambda self, request, *a, **n: connect(self, plain(request), *a, **n)


def check_metadata(client):
    table = client.tables.get("contact")
    check(table["entity_set_name"] == "contacts" and table["logical_name"] == "contact", f"a table: {table}")
    names = {t["LogicalName"] for t in client.tables.list()}
    check({"account", "contact", "opportunity", "annotation", "connection"} <= names, "the list of tables")
    columns = {c["LogicalName"]: c for c in client.tables.list_columns("contact")}
    check(columns["emailaddress1"]["AttributeType"] == "String", "the columns of a table")
    client.tables.add_columns("contact", {"new_WitnessId": "string"})
    columns = {c["LogicalName"]: c for c in client.tables.list_columns("contact")}
    check("new_witnessid" in columns, "a column is created and listed")
    client.tables.create_alternate_key("contact", "new_witness_key", ["new_witnessid"])
    keys = client.tables.get_alternate_keys("contact")
    for _ in range(20):
        if keys[0].status == "Active":
            break
        keys = client.tables.get_alternate_keys("contact")
    check(keys[0].key_attributes == ["new_witnessid"] and keys[0].status == "Active", f"its index becomes active: {keys}")


def check_rows(client):
    account = client.records.create("account", {"name": "Ačme 🚀 GmbH"})
    contact = client.records.create(
        "contact", {"lastname": "Lovelace", "parentcustomerid_account@odata.bind": f"/accounts({account})"})
    read = client.records.retrieve("contact", contact)
    check(read["lastname"] == "Lovelace" and read["_parentcustomerid_value"] == account, "created, linked and read")
    client.records.update("contact", contact, {"jobtitle": "Countess"})
    check(client.records.retrieve("contact", contact)["jobtitle"] == "Countess", "updated")
    refused(400, "0x80044331", lambda: client.records.create("contact", {"lastname": "x" * 51}), "a name of 51")
    refused(400, "0x80048d19", lambda: client.records.create("contact", {"nothing": 1}), "an unknown property")
    refused(400, "0x8004431a", lambda: client.records.create("contact", {"leadsourcecode": 77}), "an unknown choice")
    labelled = client.records.create("contact", {"lastname": "Web", "leadsourcecode": "Web"})
    check(client.records.retrieve("contact", labelled)["leadsourcecode"] == 2, "a choice by its label")
    client.records.delete("contact", contact)
    check(client.records.retrieve("contact", contact) is None, "deleted")
    return account


def check_many(client):
    ids = client.records.create("contact", [{"lastname": f"C{n}", "jobtitle": "many"} for n in range(250)])
    check(len(set(ids)) == 250, "CreateMultiple answers an id for each")
    found = client.records.list("contact", filter="jobtitle eq 'many'", select=["lastname"], page_size=60)
    check([r["lastname"] for r in found] == [f"C{n}" for n in range(250)], "five pages, each record once")
    rows = [{"lastname": "good"}, {"lastname": "x" * 51}, {"lastname": "good"}]
    refused(400, "0x80044331", lambda: client.records.create("contact", rows), "one bad row of many")
    found = client.records.list("contact", filter="lastname eq 'good'", select=["lastname"])
    check(len(list(found)) == 0, "and none was made")
    client.records.update("contact", ids[:3], {"jobtitle": "few"})
    check(len(list(client.records.list("contact", filter="jobtitle eq 'few'", select=["lastname"]))) == 3, "UpdateMultiple")


def check_upsert(client):
    items = [UpsertItem(alternate_key={"new_witnessid": f"w-{n}"}, record={"lastname": f"W{n}"}) for n in range(5)]
    client.records.upsert("contact", items)
    items = [UpsertItem(alternate_key={"new_witnessid": f"w-{n}"}, record={"lastname": f"V{n}"}) for n in range(3, 8)]
    client.records.upsert("contact", items)
    client.records.upsert("contact", [UpsertItem(alternate_key={"new_witnessid": "w-0"}, record={"lastname": "O'Neil"})])
    found = client.records.list("contact", filter="startswith(new_witnessid,'w-')", select=["lastname", "new_witnessid"])
    names = {r["new_witnessid"]: r["lastname"] for r in found}
    check(len(names) == 8 and names["w-4"] == "V4" and names["w-0"] == "O'Neil", f"upserts by an alternate key: {names}")
    refused(412, "0x80060892", lambda: client.records.create("contact", {"lastname": "x", "new_witnessid": "w-1"}),
            "the same key twice")


def check_batch(client, account):
    batch = client.batch.new()
    batch.records.create("contact", {"lastname": "batched"})
    batch.records.create("contact", {"lastname": "x" * 51})
    batch.records.retrieve("account", account, select=["name"])
    result = batch.execute(continue_on_error=True)
    check([r.status_code for r in result.responses] == [204, 400, 200], f"{[r.status_code for r in result.responses]}")
    check(result.responses[0].entity_id is not None, "a new row's id")
    check(result.responses[1].error_code == "0x80044331", "a bad row's code")
    check(result.responses[2].data["name"] == "Ačme 🚀 GmbH", "a read within a batch")
    batch = client.batch.new()
    batch.records.create("contact", {"lastname": "x" * 51})
    batch.records.create("contact", {"lastname": "not reached"})
    check(len(batch.execute().responses) == 1, "without the preference it stops at the first error")
    batch = client.batch.new()
    with batch.changeset() as changes:
        changes.records.create("contact", {"lastname": "atomic"})
        changes.records.create("contact", {"lastname": "x" * 51})
    batch.execute(continue_on_error=True)
    found = client.records.list("contact", filter="lastname eq 'atomic'", select=["lastname"])
    check(len(list(found)) == 0, "a change set is all or nothing")


def check_files_and_parties(client, account):
    body = base64.b64encode(bytes(range(256)) * 40).decode()
    note = client.records.create("annotation", {
        "filename": "ä b.pdf", "mimetype": "application/pdf", "documentbody": body,
        "objectid_account@odata.bind": f"/accounts({account})"})
    read = client.records.retrieve("annotation", note)
    check(read["documentbody"] == body and read["filesize"] == 10240, "a document is held as it was sent")
    check(read["isdocument"] is True and read["_objectid_value"] == account, "the note says that it is one")
    long = "A" * (6 << 20)
    refused(400, "0x80043e09", lambda: client.records.create("annotation", {"documentbody": long}), "6 MB")
    contact = client.records.create("contact", {"lastname": "Recipient"})
    email = client.records.create("email", {"subject": "Offer", "email_activity_parties": [
        {"participationtypemask": 1, "addressused": "a@x.test"},
        {"participationtypemask": 2, "addressused": "b@x.test", "partyid_contact@odata.bind": f"/contacts({contact})"}]})
    found = list(client.records.list(
        "activityparty", filter=f"_activityid_value eq {email}", select=["addressused", "participationtypemask", "_partyid_value"]))
    check([p["addressused"] for p in found] == ["a@x.test", "b@x.test"], f"those who take part: {found}")
    check(found[1]["_partyid_value"] == contact, "one of them is a contact")
    client.records.update("email", email, {"statecode": 1, "statuscode": 3})
    refused(400, "0x80040203", lambda: client.records.update("email", email, {"subject": "x"}), "a sent e-mail")
    client.records.delete("email", email)
    found = client.records.list("activityparty", filter=f"_activityid_value eq {email}", select=["addressused"])
    check(len(list(found)) == 0, "they go with it")


def main():
    to_loopback()
    with DataverseClient(sys.argv[1].rstrip("/").replace("http://", "https://", 1), Credential()) as client:
        check_metadata(client)
        account = check_rows(client)
        check_many(client)
        check_upsert(client)
        check_batch(client, account)
        check_files_and_parties(client, account)
    print(f"ok {checks} checks")


if __name__ == "__main__":
    main()
