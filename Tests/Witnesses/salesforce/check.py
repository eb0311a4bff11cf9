# SPDX-License-Identifier: Apache-2.0
# Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.
"""Drives the Salesforce simulator with simple-salesforce, unmodified: check.py BASE_URL

The client forces https; a requests adapter turns it back into http on the way to loopback. The access token `witness`
must be one that the simulator accepts without a login: the client's login hosts are fixed.
"""

import base64
import csv
import io
import json
import os
import sys

import requests
from requests.adapters import HTTPAdapter
from simple_salesforce import Salesforce, SFType
from simple_salesforce.exceptions import SalesforceMalformedRequest, SalesforceResourceNotFound

checks = 0


def check(condition, what):
    global checks
    if not condition:
        print(f"FAILED: {what}", file=sys.stderr)
        sys.exit(1)
    checks += 1


def refused(kind, code, body, what):
    try:
        body()
    except kind as error:
        check(error.content[0]["errorCode"] == code, f"{what}: {error.content}")
        return
    check(False, f"{what}: was not refused")


class Loopback(HTTPAdapter):
    """Sends what is meant for https://HOST to http://HOST."""

    def send(self, request, **arguments):
        request.url = request.url.replace("https://", "http://", 1)
        return super().send(request, **arguments)

    def get_connection_with_tls_context(self, request, *arguments, **named):
        request.url = request.url.replace("https://", "http://", 1)
        return super().get_connection_with_tls_context(request, *arguments, **named)


def connect(base):
    session = requests.Session()
    session.mount("https://", Loopback())
    return Salesforce(
        instance_url=base.replace("http://", "https://", 1), session_id="witness", version="67.0", session=session)


def check_describe(sf):
    names = {s["name"] for s in sf.describe()["sobjects"]}
    check({"Account", "Contact", "Opportunity", "User", "ContentNote"} <= names, "the global describe names the objects")
    fields = {f["name"]: f for f in sf.Contact.describe()["fields"]}
    check(fields["LastName"]["length"] == 80 and not fields["LastName"]["nillable"], "LastName is required, 80 long")
    check(fields["AccountId"]["relationshipName"] == "Account", "AccountId belongs to the relationship Account")
    check(fields["LeadSource"]["restrictedPicklist"], "LeadSource is restricted")
    check("Contact" in sf.Contact.metadata()["objectDescribe"]["name"], "the basic description")


def check_custom_field(sf):
    field = {
        "FullName": "Contact.Witness_Id__c",
        "Metadata": {
            "type": "Text", "label": "Witness Id", "length": 255, "externalId": True, "unique": True,
            "caseSensitive": True},
    }
    made = sf.toolingexecute("sobjects/CustomField", method="POST", data=field)
    check(made["success"], "a custom field is created")
    described = {f["name"]: f for f in sf.Contact.describe()["fields"]}["Witness_Id__c"]
    check(described["externalId"] and described["unique"] and described["custom"], "and is described")
    try:
        sf.toolingexecute("sobjects/CustomField", method="POST", data=field)
        check(False, "a field cannot be created twice")
    except SalesforceMalformedRequest as error:
        check(error.content[0]["errorCode"] == "DUPLICATE_DEVELOPER_NAME", "a field cannot be created twice")


def check_rows(sf):
    account = sf.Account.create({"Name": "Ačme 🚀 GmbH"})
    check(account["success"] and len(account["id"]) == 18, "create answers an 18-character id")
    contact = sf.Contact.create({"LastName": "Lovelace", "FirstName": "Ada", "AccountId": account["id"][:15]})["id"]
    read = sf.Contact.get(contact)
    check(read["Name"] == "Ada Lovelace" and read["AccountId"] == account["id"], "get, with a 15-character reference")
    check(sf.Contact.update(contact, {"Title": "Countess"}) == 204, "update answers 204")
    check(sf.Contact.get(contact)["Title"] == "Countess", "and changes the field")
    check(sf.Contact.upsert("Witness_Id__c/w-1", {"LastName": "Hopper"}) == 201, "upsert creates with 201")
    check(sf.Contact.upsert("Witness_Id__c/w-1", {"FirstName": "Grace"}) == 200, "upsert updates with 200")
    check(sf.Contact.get_by_custom_id("Witness_Id__c", "w-1")["Name"] == "Grace Hopper", "get by external id")
    refused(SalesforceMalformedRequest, "REQUIRED_FIELD_MISSING", lambda: sf.Contact.create({"FirstName": "X"}),
            "a contact needs a last name")
    refused(SalesforceMalformedRequest, "STRING_TOO_LONG", lambda: sf.Contact.create({"LastName": "x" * 81}),
            "a last name of 81")
    refused(SalesforceMalformedRequest, "INVALID_FIELD", lambda: sf.Contact.create({"LastName": "x", "No__c": 1}),
            "an unknown field")
    check(sf.Contact.delete(contact) == 204, "delete answers 204")
    try:
        sf.Contact.get(contact)
        check(False, "a deleted record is gone")
    except SalesforceResourceNotFound:
        check(True, "a deleted record is gone")
    return account["id"]


def check_collections(sf, account):
    rows = [{"attributes": {"type": "Contact"}, "LastName": f"C{n}", "Witness_Id__c": f"c-{n}"} for n in range(200)]
    rows[7]["LastName"] = "x" * 81
    answer = sf.restful(
        "composite/sobjects/Contact/Witness_Id__c", method="PATCH", json={"allOrNone": False, "records": rows})
    check(len(answer) == 200, "a result for each row")
    check([n for n, r in enumerate(answer) if not r["success"]] == [7], "the bad row alone is refused, in its place")
    check(answer[7]["errors"][0]["statusCode"] == "STRING_TOO_LONG", "with its code")
    check(all(r["created"] for r in answer if r["success"]), "the others are created")
    again = sf.restful(
        "composite/sobjects/Contact/Witness_Id__c", method="PATCH",
        json={"allOrNone": False, "records": rows})
    check(not any(r.get("created") for r in again), "and updated the second time")
    ids = [r["id"] for r in answer if r["success"]][:3]
    read = sf.restful("composite/sobjects/Contact", method="POST", json={"ids": ids, "fields": ["LastName"]})
    check([r["LastName"] for r in read] == ["C0", "C1", "C2"], "retrieve keeps the order")


def check_queries(sf):
    total = sf.query("SELECT COUNT() FROM Contact WHERE Witness_Id__c LIKE 'q-%'")["totalSize"]
    check(total == 0, "nothing is counted before")
    for start in range(0, 2400, 200):
        rows = [
            {"attributes": {"type": "Contact"}, "LastName": f"Q{n:04}", "Witness_Id__c": f"q-{n:04}"}
            for n in range(start, start + 200)]
        sf.restful("composite/sobjects", method="POST", json={"records": rows})
    soql = "SELECT Id, Name, Account.Name FROM Contact WHERE Witness_Id__c LIKE 'q-%' ORDER BY Witness_Id__c"
    page = sf.query(soql)
    check(page["totalSize"] == 2400 and len(page["records"]) == 2000 and not page["done"], "the first page has 2,000")
    rest = sf.query_more(page["nextRecordsUrl"], identifier_is_url=True)
    check(len(rest["records"]) == 400 and rest["done"], "the second page has the rest")
    everything = sf.query_all(soql)["records"]
    check(len(everything) == 2400 and everything[2399]["Name"] == "Q2399", "query_all follows the pages")
    check(everything[0]["Account"] is None, "a relationship that leads nowhere is null")
    quoted = "SELECT Id FROM Contact WHERE LastName = 'O\\'Neil' OR (LastName IN ('Q0001','Q0002') AND FirstName = null)"
    check(sf.query(quoted)["totalSize"] == 2, "escapes, IN, null and parentheses")
    refused(SalesforceMalformedRequest, "MALFORMED_QUERY", lambda: sf.query("SELECT FROM Contact"), "a malformed query")
    refused(SalesforceMalformedRequest, "INVALID_FIELD", lambda: sf.query("SELECT Nope FROM Contact"), "an unknown field")


def check_bulk(sf, account):
    sf.toolingexecute("sobjects/CustomField", method="POST", data={
        "FullName": "Account.Witness_Id__c",
        "Metadata": {"type": "Text", "label": "Witness Id", "length": 255, "externalId": True, "unique": True}})
    sf.Account.update(account, {"Witness_Id__c": "parent"})
    rows = [{"LastName": f"B{n}", "Witness_Id__c": f"b-{n}", "Description": 'a "quoted",\nline', "Account.Witness_Id__c": "parent"}
            for n in range(1000)]
    rows[13]["LastName"] = "x" * 81
    rows[14]["Account.Witness_Id__c"] = "nobody"
    job = sf.bulk2.Contact.insert(records=rows, wait=1)[0]
    check(job["numberRecordsProcessed"] == 1000 and job["numberRecordsFailed"] == 2, f"bulk insert: {job}")
    good = list(csv.DictReader(io.StringIO(sf.bulk2.Contact.get_successful_records(job["job_id"]), newline="")))
    bad = list(csv.DictReader(io.StringIO(sf.bulk2.Contact.get_failed_records(job["job_id"]), newline="")))
    check(len(good) == 998 and all(r["sf__Created"] == "true" and len(r["sf__Id"]) == 18 for r in good), "successes")
    check({r["Witness_Id__c"] for r in bad} == {"b-13", "b-14"}, "failures carry our columns")
    check(any(r["sf__Error"].startswith("STRING_TOO_LONG:") for r in bad), "failures carry the code")
    check([r["Witness_Id__c"] for r in good] != [r["Witness_Id__c"] for r in rows if r not in bad], "the order is not ours")
    check(good[0]["Description"] == 'a "quoted",\nline', "values come back as they were")
    linked = sf.query("SELECT COUNT() FROM Contact WHERE Account.Name = 'Ačme 🚀 GmbH'")["totalSize"]
    check(linked == 998, f"relationships by external id: {linked}")
    upserts = [{"LastName": f"U{n}", "Witness_Id__c": f"b-{n}", "Description": "#N/A"} for n in range(990, 1010)]
    job = sf.bulk2.Contact.upsert(records=upserts, external_id_field="Witness_Id__c", wait=1)[0]
    check(job["numberRecordsFailed"] == 0, "bulk upsert")
    good = list(csv.DictReader(io.StringIO(sf.bulk2.Contact.get_successful_records(job["job_id"]), newline="")))
    check(sum(r["sf__Created"] == "true" for r in good) == 10, "half of it is new")
    read = sf.Contact.get_by_custom_id("Witness_Id__c", "b-995")
    check(read["LastName"] == "U995" and read["Description"] is None, "#N/A makes null")
    pieces = list(sf.bulk2.Contact.query(
        "SELECT Id, LastName, IsDeleted FROM Contact WHERE Witness_Id__c LIKE 'b-%'", max_records=400, wait=1))
    found = [r for piece in pieces for r in csv.DictReader(io.StringIO(piece, newline=""))]
    check(len(pieces) == 3 and len(found) == 1008, f"bulk query in pieces: {len(pieces)}, {len(found)}")
    job = sf.bulk2.Contact.delete(records=[{"Id": r["Id"]} for r in found], wait=1)[0]
    check(job["numberRecordsFailed"] == 0, "bulk delete")
    check(sf.query("SELECT COUNT() FROM Contact WHERE Witness_Id__c LIKE 'b-%'")["totalSize"] == 0, "and they are gone")
    pieces = list(sf.bulk2.Contact.query_all(
        "SELECT Id, IsDeleted FROM Contact WHERE Witness_Id__c LIKE 'b-%'", max_records=500, wait=1))
    gone = [r for piece in pieces for r in csv.DictReader(io.StringIO(piece, newline=""))]
    check(len(pieces) == 3 and len({r["Id"] for r in gone}) == 1008, f"queryAll in pieces: {len(pieces)}, {len(gone)}")
    check({r["IsDeleted"] for r in gone} == {"true"}, "queryAll finds what is in the recycle bin")
    relation = {"ContactId": sf.Contact.create({"LastName": "Related"})["id"], "AccountId": account}
    check(sf.AccountContactRelation.create({**relation, "Roles": "Evaluator"})["success"], "a second account")


def check_notes(sf, account):
    body = base64.b64encode("<p>Grüße 🚀</p>".encode()).decode()
    version = sf.ContentVersion.create({"Title": "Note", "PathOnClient": "Note.snote", "VersionData": body})["id"]
    document = sf.query(f"SELECT ContentDocumentId FROM ContentVersion WHERE Id = '{version}'")["records"][0]
    document = document["ContentDocumentId"]
    note = sf.query(f"SELECT Id, Title, TextPreview FROM ContentNote WHERE Id = '{document}'")["records"]
    check(len(note) == 1 and note[0]["Title"] == "Note", "a file ending in .snote is a note with the document's id")
    link = {"ContentDocumentId": document, "LinkedEntityId": account, "ShareType": "V"}
    check(sf.ContentDocumentLink.create(link)["success"], "it can be linked")
    refused(SalesforceMalformedRequest, "DUPLICATE_VALUE", lambda: sf.ContentDocumentLink.create(link), "once")
    refused(SalesforceMalformedRequest, "MALFORMED_QUERY", lambda: sf.query("SELECT Id FROM ContentDocumentLink"),
            "links are not queried without one end")
    content = SFType("ContentNote", sf.session_id, sf.sf_instance, sf.sf_version, session=sf.session).get(document)
    check(content["Content"].endswith("/Content"), "the content is fetched by itself")
    text = sf.session.get(sf.base_url.split("/services")[0] + content["Content"], headers=sf.headers).text
    check("Gr" in text, "and is what was written")


def check_files(sf, account):
    data = os.urandom(300_000) + b"\r\n--\x00"
    record = {"Title": "Angebot", "PathOnClient": "Angebot 1.bin", "FirstPublishLocationId": account}
    headers = {k: v for k, v in sf.headers.items() if k.lower() != "content-type"}
    answer = sf.session.post(sf.base_url + "sobjects/ContentVersion", headers=headers, files={
        "entity_content": (None, json.dumps(record), "application/json"),
        "VersionData": ("Angebot 1.bin", data, "application/octet-stream")})
    check(answer.status_code == 201, f"a file in two parts: {answer.text}")
    version = answer.json()["id"]
    check(sf.ContentVersion.get_base64(version, base64_field="VersionData") == data, "the bytes come back")
    row = sf.query("SELECT ContentDocumentId, ContentSize, FileExtension, IsLatest FROM ContentVersion "
                   f"WHERE Id = '{version}' AND FileType != 'SNOTE'")["records"][0]
    check(row["ContentSize"] == len(data) and row["FileExtension"] == "bin" and row["IsLatest"], "what is told of it")
    document = row["ContentDocumentId"]
    links = sf.query(f"SELECT LinkedEntityId FROM ContentDocumentLink WHERE ContentDocumentId = '{document}'")["records"]
    check([link["LinkedEntityId"] for link in links] == [account], "it is shown where it was published")
    second = {"PathOnClient": "b.txt", "VersionData": base64.b64encode(b"new").decode(), "ContentDocumentId": document}
    check(sf.ContentVersion.create(second)["success"], "a second version")
    latest = sf.query(f"SELECT Id FROM ContentVersion WHERE ContentDocumentId = '{document}' AND IsLatest = true")
    check(latest["totalSize"] == 1 and latest["records"][0]["Id"] != version, "the latest one is another")
    refused(SalesforceMalformedRequest, "REQUIRED_FIELD_MISSING", lambda: sf.ContentVersion.create({"Title": "x"}), "no bytes")
    old = sf.Attachment.create({"ParentId": account, "Name": "old.bin", "Body": base64.b64encode(data).decode()})["id"]
    check(sf.Attachment.get_base64(old) == data, "an attachment's body")
    sf.ContentDocument.delete(document)
    check(sf.query(f"SELECT COUNT() FROM ContentVersion WHERE ContentDocumentId = '{document}'")["totalSize"] == 0, "gone")


def check_emails(sf, account):
    contact = sf.Contact.create({"LastName": "Recipient"})["id"]
    mail = sf.EmailMessage.create({
        "Subject": "Angebot", "TextBody": "Grüße", "FromAddress": "a@acme.test", "ToAddress": "b@acme.test",
        "Incoming": False, "Status": "3", "MessageDate": "2019-05-06T07:08:09Z", "RelatedToId": account})["id"]
    relation = {"EmailMessageId": mail, "RelationId": contact, "RelationType": "ToAddress"}
    check(sf.EmailMessageRelation.create(relation)["success"], "whom it went to")
    row = sf.query(f"SELECT MessageDate, ActivityId FROM EmailMessage WHERE Id = '{mail}'")["records"][0]
    check(row["MessageDate"].startswith("2019-05-06T07:08:09"), "its own time")
    check(sf.Task.get(row["ActivityId"])["TaskSubtype"] == "Email", "a task shows it")
    try:
        sf.EmailMessage.update(mail, {"Subject": "Other"})
        check(False, "an e-mail that was sent is not changed")
    except SalesforceMalformedRequest:
        check(True, "an e-mail that was sent is not changed")


def check_products(sf):
    product = sf.Product2.create({"Name": "Anvil", "ProductCode": "A-1", "IsActive": True})["id"]
    standard = sf.query("SELECT Id FROM Pricebook2 WHERE IsStandard = true")["records"][0]["Id"]
    partners = sf.Pricebook2.create({"Name": "Partners", "IsActive": True})["id"]
    price = {"Pricebook2Id": partners, "Product2Id": product, "UnitPrice": 9, "IsActive": True}
    refused(SalesforceMalformedRequest, "STANDARD_PRICE_NOT_DEFINED", lambda: sf.PricebookEntry.create(price), "first")
    entry = sf.PricebookEntry.create({**price, "Pricebook2Id": standard})["id"]
    deal = sf.Opportunity.create({"Name": "D", "StageName": "Prospecting", "CloseDate": "2026-12-31"})["id"]
    line = {"OpportunityId": deal, "PricebookEntryId": entry, "Quantity": 3, "UnitPrice": 8.5}
    check(sf.OpportunityLineItem.create(line)["success"], "a product of an opportunity")
    read = sf.Opportunity.get(deal)
    check(read["Amount"] == 25.5 and read["Pricebook2Id"] == standard, "the amount and the book follow")
    row = sf.query(f"SELECT Product2Id, Product2.Name FROM OpportunityLineItem WHERE OpportunityId = '{deal}'")["records"][0]
    check(row["Product2Id"] == product and row["Product2"]["Name"] == "Anvil", "the line names its product")


def main():
    sf = connect(sys.argv[1].rstrip("/"))
    check_describe(sf)
    check_custom_field(sf)
    account = check_rows(sf)
    check_collections(sf, account)
    check_queries(sf)
    check_bulk(sf, account)
    check_notes(sf, account)
    check_files(sf, account)
    check_emails(sf, account)
    check_products(sf)
    check(sf.api_usage["api-usage"].used > 30, "the limit header is read")
    check(sf.limits()["DailyApiRequests"]["Remaining"] > 0, "limits")
    print(f"ok {checks} checks")


if __name__ == "__main__":
    main()
