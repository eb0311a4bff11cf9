# SPDX-License-Identifier: Apache-2.0
"""A contact as a row for the org: the fields of contacts-salesforce.yaml, by the shortest rules that give the same."""

FIELDS = [
    ("LastName", "lastname"), ("FirstName", "firstname"), ("Email", "email"), ("Phone", "phone"), ("Title", "jobtitle"),
    ("MailingStreet", "address"), ("MailingCity", "city"), ("MailingState", "state"), ("MailingPostalCode", "zip"),
    ("MailingCountry", "country"), ("Description", "notes"),
]


def row(contact: dict) -> dict:
    properties = contact["properties"]
    fields = {name: properties[source] for name, source in FIELDS}
    fields["HasOptedOutOfEmail"] = properties["hs_email_optout"] == "true"
    return {"attributes": {"type": "Contact"}, "Migratez_Id__c": f"hubspot-contact-{contact['id']}", **fields}
