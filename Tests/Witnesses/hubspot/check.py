#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.
"""Drives HubSpot's own client, unmodified, against a simulated account.

usage: check.py BASE_URL

Prints `ok N checks`, or every check that failed, and then exits with status 1.
"""
import json
import sys
import urllib.request

from hubspot import HubSpot
from hubspot.crm import companies, contacts, deals, properties
from hubspot.crm.associations.v4 import (
    AssociationSpec,
    BatchInputPublicAssociationMultiPost,
    BatchInputPublicFetchAssociationsBatchRequest,
    PublicAssociationMultiPost,
    PublicFetchAssociationsBatchRequest,
)
from hubspot.crm.contacts import (
    BatchInputSimplePublicObjectBatchInputForCreate,
    BatchInputSimplePublicObjectBatchInputUpsert,
    BatchReadInputSimplePublicObjectId,
    PublicObjectSearchRequest,
    SimplePublicObjectBatchInputForCreate,
    SimplePublicObjectBatchInputUpsert,
    SimplePublicObjectId,
    SimplePublicObjectInput,
    SimplePublicObjectInputForCreate,
)
from hubspot.crm.properties import PropertyCreate, PropertyGroupCreate
from urllib3.util.retry import Retry

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
    """The status and body with which the call was refused; (None, {}) if it was not."""
    try:
        call()
    except error as refusal:
        return refusal.status, json.loads(refusal.body or "{}")
    return None, {}


def control(method, path, body=b""):
    """Speaks to the simulator itself, not to the account."""
    request = urllib.request.Request(base + "/_simulator/" + path, data=body or None, method=method)
    with urllib.request.urlopen(request) as answer:
        text = answer.read()
    return json.loads(text) if text else None


def writable(**values):
    return SimplePublicObjectInputForCreate(properties=values, associations=[])


client = HubSpot(access_token="witness", host=base)
crm = client.crm
state = control("GET", "state")

# Create, read, change, archive.
new = crm.contacts.basic_api.create(
    writable(email="Witness@Example.test", firstname="Wít", lastname="Ness\n\"quoted\" 👩‍👩‍👧")
)
check("a created contact has an id", new.id.isdigit())
read = crm.contacts.basic_api.get_by_id(new.id, properties=["email", "lastname", "phone"])
check("text comes back as it was sent", read.properties["lastname"] == "Ness\n\"quoted\" 👩‍👩‍👧")
check("addresses are lower case", read.properties["email"] == "witness@example.test")
check("a value that is not there is null", read.properties["phone"] is None)
check("times are times", read.created_at.year >= 2026 and read.created_at <= read.updated_at)
crm.contacts.basic_api.update(new.id, SimplePublicObjectInput(properties={"jobtitle": "Checker"}))
read = crm.contacts.basic_api.get_by_id("witness@example.test", id_property="email", properties=["jobtitle"])
check("a change is kept, and an address finds its contact", (read.id, read.properties["jobtitle"]) == (new.id, "Checker"))
status, body = refused(contacts.ApiException, lambda: crm.contacts.basic_api.create(writable(email="witness@example.test")))
check("a known address is a conflict", status == 409 and body["message"].endswith("Existing ID: " + new.id))
status, body = refused(contacts.ApiException, lambda: crm.contacts.basic_api.create(writable(nosuchproperty="1")))
check("an unknown property is refused", status == 400 and "PROPERTY_DOESNT_EXIST" in body["message"])
other = crm.companies.basic_api.create(
    companies.SimplePublicObjectInputForCreate(properties={"name": "Witness Ltd"}, associations=[])
)
crm.companies.basic_api.archive(other.id)
status, _ = refused(companies.ApiException, lambda: crm.companies.basic_api.get_by_id(other.id))
check("an archived company is gone", status == 404)
check("who asks for archived ones finds it", crm.companies.basic_api.get_by_id(other.id, archived=True).archived)

# Pages.
ids, after, pages = [], None, 0
while True:
    page = crm.companies.basic_api.get_page(limit=100, after=after, properties=["name", "domain"])
    ids += [company.id for company in page.results]
    pages += 1
    if page.paging is None:
        break
    after = page.paging.next.after
check("there are more than three pages", pages > 3)
check("every live company comes once", len(ids) == len(set(ids)) == state["companies"]["live"])
check("the client's own paging agrees", [c.id for c in crm.companies.get_all(properties=["name"])] == ids)
archived = crm.companies.basic_api.get_page(limit=100, archived=True)
check("archived companies are listed apart", not set(c.id for c in archived.results) & set(ids))

# Batches.
def rows(*emails, traced):
    return BatchInputSimplePublicObjectBatchInputForCreate(
        inputs=[
            SimplePublicObjectBatchInputForCreate(
                properties={"email": email}, associations=[], object_write_trace_id=f"row-{n}" if traced else None
            )
            for n, email in enumerate(emails)
        ]
    )


partial = crm.contacts.batch_api.create(rows("b1@example.test", "no address", "b3@example.test", traced=True))
check("one bad row of three leaves two", partial.num_errors == 1 and len(partial.results) == 2)
check("the error names its row", partial.errors[0].context["objectWriteTraceId"] == ["row-1"])
check("results name theirs", {r.object_write_trace_id for r in partial.results} == {"row-0", "row-2"})
status, _ = refused(
    contacts.ApiException, lambda: crm.contacts.batch_api.create(rows("b4@example.test", "no address", traced=False))
)
check("without trace ids the batch is refused as a whole", status == 400)
status, _ = refused(
    contacts.ApiException, lambda: crm.contacts.basic_api.get_by_id("b4@example.test", id_property="email")
)
check("and nothing of it was applied", status == 404)
found = crm.contacts.batch_api.read(
    BatchReadInputSimplePublicObjectId(
        inputs=[SimplePublicObjectId(id=new.id), SimplePublicObjectId(id="1")], properties=["email"],
        properties_with_history=[],
    )
)
check("a batch read gives what is there", [r.id for r in found.results] == [new.id])
check("and says what is not", found.num_errors == 1)


def upsert(email, title):
    return crm.contacts.batch_api.upsert(
        BatchInputSimplePublicObjectBatchInputUpsert(
            inputs=[
                SimplePublicObjectBatchInputUpsert(
                    id=email, id_property="email", properties={"jobtitle": title}, object_write_trace_id="u"
                )
            ]
        )
    ).results[0]


first, second = upsert("u1@example.test", "one"), upsert("u1@example.test", "two")
check("an upsert creates once", first.new and not second.new and first.id == second.id)

# Associations.
company = ids[0]
labels = crm.associations.v4.schema.definitions_api.get_all("contacts", "companies").results
primary = next(label for label in labels if label.label == "Primary")
named = next(label for label in labels if label.category == "USER_DEFINED")
crm.associations.v4.batch_api.create(
    "contacts", "companies",
    BatchInputPublicAssociationMultiPost(
        inputs=[
            PublicAssociationMultiPost(
                _from={"id": new.id}, to={"id": company},
                types=[
                    AssociationSpec(association_category="HUBSPOT_DEFINED", association_type_id=primary.type_id),
                    AssociationSpec(association_category="USER_DEFINED", association_type_id=named.type_id),
                ],
            )
        ]
    ),
)
links = crm.associations.v4.basic_api.get_page("contacts", new.id, "companies").results
check("the link is there", [str(link.to_object_id) for link in links] == [company])
check("with its labels", {t.label for t in links[0].association_types} == {None, "Primary", named.label})
several = crm.contacts.basic_api.get_page(limit=100).results
linked = crm.associations.v4.batch_api.get_page(
    "contacts", "companies",
    BatchInputPublicFetchAssociationsBatchRequest(
        inputs=[PublicFetchAssociationsBatchRequest(id=contact.id) for contact in several]
    ),
)
check("most contacts have a company", len(linked.results) > 60)
check("the others are named", len(linked.results) + linked.num_errors == len(several))
most, after, seen = ids[0], None, []
while True:
    page = crm.associations.v4.basic_api.get_page("companies", most, "contacts", limit=100, after=after)
    seen += [str(link.to_object_id) for link in page.results]
    if page.paging is None:
        break
    after = page.paging.next.after
check("all links of a company come in pages", len(seen) == len(set(seen)) > 200)
crm.associations.v4.basic_api.archive("contacts", new.id, "companies", company)
check("a link can be taken away", not crm.associations.v4.basic_api.get_page("contacts", new.id, "companies").results)

# Labels and custom objects.
from hubspot.crm import schemas
from hubspot.crm.associations.v4.schema import PublicAssociationDefinitionCreateRequest
from hubspot.crm.schemas import ObjectSchemaEgg, ObjectTypeDefinitionLabels, ObjectTypePropertyCreate

made = crm.associations.v4.schema.definitions_api.create(
    "contacts", "companies",
    PublicAssociationDefinitionCreateRequest(label="Witness of", name="witness_of", inverse_label="Witnessed by"),
)
check("a label is made in both directions", [d.label for d in made.results] == ["Witness of", "Witnessed by"])
crm.associations.v4.basic_api.create(
    "contacts", new.id, "companies", ids[-1],
    [AssociationSpec(association_category="USER_DEFINED", association_type_id=made.results[0].type_id)],
)
links = crm.associations.v4.basic_api.get_page("companies", ids[-1], "contacts").results
check("and seen from both ends", any(t.label == "Witnessed by" for link in links for t in link.association_types))


def egg(name):
    return ObjectSchemaEgg(
        name=name, labels=ObjectTypeDefinitionLabels(singular="Vehicle", plural="Vehicles"),
        required_properties=["plate"], searchable_properties=["plate"], primary_display_property="plate",
        associated_objects=["CONTACT"],
        properties=[ObjectTypePropertyCreate(name="plate", label="Plate", type="string", field_type="text")],
    )


vehicle = crm.schemas.core_api.create(egg("vehicle"))
check("a custom object has two names", (vehicle.object_type_id[:2], vehicle.fully_qualified_name[-8:]) == ("2-", "_vehicle"))
check("its properties are there", "plate" in {p.name for p in vehicle.properties})
check("it can be linked with contacts", any(a.to_object_type_id == "0-1" for a in vehicle.associations))
check("it is listed", vehicle.object_type_id in {s.object_type_id for s in crm.schemas.core_api.get_all().results})
check("it is found by its name", crm.schemas.core_api.get_by_id(vehicle.fully_qualified_name).id == vehicle.id)
status, _ = refused(schemas.ApiException, lambda: crm.schemas.core_api.create(egg("1st")))
check("a name begins with a letter", status == 400)
car = crm.objects.basic_api.create(vehicle.object_type_id, writable(plate="W-1"))
read = crm.objects.basic_api.get_by_id(vehicle.fully_qualified_name, car.id, properties=["plate"])
check("its records are written and read", read.properties["plate"] == "W-1")
from hubspot.crm.objects import ApiException as ObjectsApiException

status, _ = refused(ObjectsApiException, lambda: crm.objects.basic_api.create(vehicle.object_type_id, writable()))
check("a required property must be given", status == 400)

# What describes the account.
definitions = crm.properties.core_api.get_all("contacts").results
check("properties have their types", {"email", "lastname", "hubspot_owner_id"} <= {p.name for p in definitions})
created = crm.properties.core_api.create(
    "contacts",
    PropertyCreate(
        name="witness_id", label="Witness id", type="string", field_type="text", group_name="contactinformation",
        has_unique_value=True,
    ),
)
check("a property can be added", created.has_unique_value)
status, _ = refused(
    properties.ApiException,
    lambda: crm.properties.core_api.create(
        "contacts",
        PropertyCreate(name="witness_id", label="x", type="string", field_type="text", group_name="contactinformation"),
    ),
)
check("but not twice", status == 409)
group = crm.properties.groups_api.create("companies", PropertyGroupCreate(name="witness", label="Witness"))
check("a group of properties can be added", group.name == "witness")
check("and is listed", "witness" in {g.name for g in crm.properties.groups_api.get_all("companies").results})
status, _ = refused(
    properties.ApiException,
    lambda: crm.properties.groups_api.create("companies", PropertyGroupCreate(name="witness", label="x")),
)
check("but not twice", status == 409)
crm.properties.core_api.create(
    "companies",
    PropertyCreate(
        name="witness_id", label="Witness id", type="string", field_type="text", group_name="witness",
        has_unique_value=True,
    ),
)
status, _ = refused(
    properties.ApiException,
    lambda: crm.properties.core_api.create(
        "companies", PropertyCreate(name="other", label="x", type="string", field_type="text", group_name="nowhere")
    ),
)
check("a property needs a group that is there", status == 400)


def keyed(*rows):
    return crm.companies.batch_api.upsert(
        companies.BatchInputSimplePublicObjectBatchInputUpsert(
            inputs=[
                companies.SimplePublicObjectBatchInputUpsert(
                    id=key, id_property="witness_id", properties=values, object_write_trace_id=key
                )
                for key, values in rows
            ]
        )
    )


made = keyed(("w-1", {"name": "One"}), ("w-2", {"annualrevenue": "many"}), ("w-3", {"name": "Three"}))
check("a batch by a property of one's own creates", {r.object_write_trace_id for r in made.results} == {"w-1", "w-3"})
check("and names the row that it refuses", made.errors[0].context["objectWriteTraceId"] == ["w-2"])
again = keyed(("w-3", {"name": "Drei"}), ("w-1", {"name": "Eins"}))
check("a second one meets the same records", {r.id for r in again.results} == {r.id for r in made.results})
check("and creates none", not any(r.new for r in again.results))
found = crm.companies.batch_api.read(
    companies.BatchReadInputSimplePublicObjectId(
        inputs=[companies.SimplePublicObjectId(id=key) for key in ("w-1", "w-3", "w-9")], id_property="witness_id",
        properties=["name"], properties_with_history=[],
    )
)
check("they are read by it", {r.properties["name"] for r in found.results} == {"Eins", "Drei"} and found.num_errors == 1)
pipelines = crm.pipelines.pipelines_api.get_all("deals").results
stages = {stage.id: stage.metadata for pipeline in pipelines for stage in pipeline.stages}
check("stages have a probability", stages["closedwon"]["probability"] == "1.0" and len(pipelines) == 2)
owners = crm.owners.owners_api.get_page(limit=100).results
gone = crm.owners.owners_api.get_page(limit=100, archived=True).results
check("owners who left are listed apart", gone and not {o.id for o in owners} & {o.id for o in gone})

# Search.
hits = crm.contacts.search_api.do_search(
    PublicObjectSearchRequest(
        filter_groups=[{"filters": [{"propertyName": "email", "operator": "EQ", "value": "u1@example.test"}]}],
        sorts=[], properties=["email"], limit=10, after="0",
    )
)
check("a search finds", hits.total == 1 and hits.results[0].id == first.id)


def page_at(after):
    return crm.contacts.search_api.do_search(
        PublicObjectSearchRequest(filter_groups=[], sorts=[], properties=["email"], limit=100, after=after)
    )


check("a search tells how many there are", page_at("9900").total > 10_000)
status, _ = refused(contacts.ApiException, lambda: page_at("10000"))
check("but shows ten thousand at most", status == 400)

# Files.
import tempfile

from hubspot.files import ApiException as FilesApiException

with tempfile.NamedTemporaryFile(suffix=".pdf") as upload:
    upload.write(b"%PDF \x00\xff\r\n--boundary\r\n" * 2000)
    upload.flush()
    options = json.dumps({"access": "PRIVATE", "overwrite": True})
    sent = client.files.files_api.upload(
        file=upload.name, file_name="Witness ü.pdf", folder_path="/witness/one", options=options
    )
    again = client.files.files_api.upload(
        file=upload.name, file_name="Witness ü.pdf", folder_path="/witness/one", options=options
    )
    upload.seek(0)
    content = upload.read()
check("a file is described", (sent.name, sent.extension, sent.size) == ("Witness ü", "pdf", len(content)))
check("a file that is overwritten keeps its id", sent.id == again.id)
check("it is found by its path", client.files.files_api.get_metadata("witness/one/Witness ü.pdf").file.id == sent.id)
signed = client.files.files_api.get_signed_url(sent.id)
with urllib.request.urlopen(signed.url) as answer:
    check("and read by a signed address", answer.read() == content)
client.files.files_api.archive(sent.id)
status, _ = refused(FilesApiException, lambda: client.files.files_api.get_by_id(sent.id))
check("an archived file is gone", status == 404)

# E-mails.
mail = crm.objects.emails.basic_api.create(
    writable(
        hs_timestamp="2024-05-01T10:00:00.000Z", hs_email_direction="EMAIL", hs_email_subject="Offer",
        hs_email_headers=json.dumps({"from": {"email": "a@x.test"}, "to": [{"email": "b@x.test"}], "cc": [], "bcc": []}),
    )
)
read = crm.objects.emails.basic_api.get_by_id(mail.id, properties=["hs_email_from_email", "hs_email_to_email", "hs_timestamp"])
check("headers tell who wrote to whom", (read.properties["hs_email_from_email"], read.properties["hs_email_to_email"]) == ("a@x.test", "b@x.test"))
check("an e-mail keeps its time", read.properties["hs_timestamp"] == "2024-05-01T10:00:00.000Z")

# Limits and faults.
control("POST", "faults", b"status:429*2@/crm/v3/objects/deals")
status, body = refused(deals.ApiException, lambda: crm.deals.basic_api.get_page(limit=1))
check("too many requests are refused as documented", status == 429 and body["policyName"] == "TEN_SECONDLY_ROLLING")
patient = HubSpot(
    access_token="witness", host=base,
    retry=Retry(total=3, status=3, backoff_factor=0.01, status_forcelist=(429,), allowed_methods=None),
)
check("who tries again succeeds", len(patient.crm.deals.basic_api.get_page(limit=1).results) == 1)
control("POST", "faults")
check("the journal has counted", control("GET", "journal")["statuses"]["429"] == 2)

for failure in failures:
    print("failed:", failure)
if failures:
    sys.exit(1)
print(f"ok {checks} checks")
