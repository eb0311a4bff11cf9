# SPDX-License-Identifier: Apache-2.0
"""What `pipelines/hubspot-to-salesforce.yaml` must make of an account, worked out in memory from the account alone."""

import csv
import pathlib
from collections import Counter, defaultdict

import values
from values import blank

COMPANY = ["name", "domain", "phone", "address", "city", "zip", "country", "annualrevenue", "numberofemployees",
           "description", "hubspot_owner_id", "hs_lastmodifieddate"]
CONTACT = ["lastname", "firstname", "email", "phone", "jobtitle", "city", "country", "birthday", "notes",
           "hs_email_optout", "hubspot_owner_id", "createdate", "lastmodifieddate"]
DEAL = ["dealname", "dealstage", "closedate", "amount", "hs_next_step", "hubspot_owner_id"]

CUTOFF = "2019-01-01T00:00:00"
STAGES = {
    "appointmentscheduled": "Prospecting", "qualifiedtobuy": "Qualification", "presentationscheduled": "Needs Analysis",
    "decisionmakerboughtin": "Id. Decision Makers", "contractsent": "Negotiation/Review", "closedwon": "Closed Won",
    "closedlost": "Closed Lost",
}
SUBSTITUTE = "etl@acme.test"


class Stream:
    """The outcome of every record of one object: `fields` of those that must be in the destination, by source id."""

    def __init__(self):
        self.outcome: dict[int, str] = {}
        self.survivor: dict[int, int] = {}
        self.fields: dict[int, dict] = {}

    def loaded(self, id: int) -> int | None:
        """The record that stands for this one in the destination."""
        id = self.survivor.get(id, id)
        return id if id in self.fields else None


class Expectation:
    """Streams by object, links that are records of their own as sets, and how many edges end how."""

    def __init__(self, account, maps: pathlib.Path, active_users: set[str], run_day: str):
        self._run_day = run_day
        self._countries = _table(maps / "country.csv")
        owners = _table(maps / "owners.csv")
        self._owners = {}
        for id, email in account.owners().items():
            wanted = owners.get(email, email)
            self._owners[id] = wanted if wanted in active_users else SUBSTITUTE
        self.links: dict[str, set] = {}
        self.edges: dict[str, Counter] = {}
        self.companies = self._read_companies(account)
        self.contacts = self._read_contacts(account)
        self.deals = self._read_deals(account)
        self.notes = self._read_notes(account)
        self._join(account, "deal", "contact", ("deals", self.deals), ("contacts", self.contacts))
        for name, plural, stream in (("company", "companies", self.companies), ("contact", "contacts", self.contacts),
                                     ("deal", "deals", self.deals)):
            self._join(account, "note", name, ("notes", self.notes), (plural, stream))

    # Records

    def _read_companies(self, account) -> Stream:
        stream, records = Stream(), dict(account.records("companies", COMPANY))
        modified = COMPANY.index("hs_lastmodifieddate")
        groups = _groups(records, COMPANY.index("domain"), values.domain_key)
        for id, group in _survivors(stream, records, groups, lambda id: records[id][modified] or ""):
            record = _merged(COMPANY, records, id, group, modified, {})
            stream.fields[id] = {
                "Name": values.trimmed(record["name"] or "") or "(no name)",
                "Website": record["domain"],
                "Phone": values.american_phone(record["phone"]),
                "BillingStreet": record["address"],
                "BillingCity": record["city"],
                "BillingPostalCode": record["zip"],
                "BillingCountry": self._country(record["country"]),
                "AnnualRevenue": values.number(record["annualrevenue"]),
                "NumberOfEmployees": values.number(record["numberofemployees"]),
                "Description": record["description"],
                "OwnerId": self._owner(record["hubspot_owner_id"]),
            }
        return stream

    def _read_contacts(self, account) -> Stream:
        stream, records = Stream(), dict(account.records("contacts", CONTACT))
        created, modified = CONTACT.index("createdate"), CONTACT.index("lastmodifieddate")
        for id in [id for id, record in records.items() if record[created] < CUTOFF]:
            stream.outcome[id] = "filtered"
        kept = {id: record for id, record in records.items() if id not in stream.outcome}
        mapped = range(len(CONTACT) - 1)
        groups = _groups(kept, CONTACT.index("email"), values.email_key)
        fullness = lambda id: (sum(not blank(kept[id][i]) for i in mapped), kept[id][modified] or "")
        links = account.links("contacts", "companies", list(records))
        edges = self.edges["contact-to-company"] = Counter()
        for id in stream.outcome:
            edges["filtered"] += len(links.get(id, ()))
        for id, group in _survivors(stream, kept, groups, fullness):
            record = _merged(CONTACT, kept, id, group, modified, {"phone": "newest", "notes": "concat"})
            fields = self._contact(record)
            ends = [edge for member in group for edge in links.get(member, ())]
            chosen = _choose(ends, self.companies)
            if fields["LastName"] is None or (chosen is None and ends):
                stream.outcome[id] = "rejected"
                edges["rejected"] += len(ends)
                continue
            fields["AccountId"] = None if chosen is None else self.companies.loaded(ends[chosen][0])
            stream.fields[id] = fields
            for number, (company, _, _) in enumerate(ends):
                target = self.companies.loaded(company)
                edges["created" if number == chosen else "rejected" if target is None
                      else "merged" if target == fields["AccountId"] else "skipped"] += 1
        return stream

    def _contact(self, record: dict) -> dict:
        last = record["lastname"]
        if blank(last):
            address = record["email"] or ""
            # The pipeline's emailLocal() gives lower case, as its own description says.
            last = address.split("@")[0].lower() if "@" in address else None
        return {
            "LastName": values.trimmed(last or "") or None,
            "FirstName": None if blank(record["firstname"]) else values.cut(values.trimmed(record["firstname"]), 40),
            "Email": values.email(record["email"]),
            "Phone": values.american_phone(record["phone"]),
            "Title": record["jobtitle"],
            "MailingCity": record["city"],
            "MailingCountry": self._country(record["country"]),
            "Birthdate": values.day(record["birthday"]),
            "Description": record["notes"],
            "HasOptedOutOfEmail": record["hs_email_optout"] == "true",
            "OwnerId": self._owner(record["hubspot_owner_id"]),
        }

    def _read_deals(self, account) -> Stream:
        stream, records = Stream(), dict(account.records("deals", DEAL))
        links = account.links("deals", "companies", list(records))
        edges = self.edges["deal-to-company"] = Counter()
        for id, values_of in records.items():
            record, ends = dict(zip(DEAL, values_of)), links.get(id, [])
            if record["dealstage"] not in STAGES:
                stream.outcome[id] = "rejected"
                edges["rejected"] += len(ends)
                continue
            chosen = _choose(ends, self.companies)
            account_id = None if chosen is None else self.companies.loaded(ends[chosen][0])
            for number, (company, _, _) in enumerate(ends):
                target = self.companies.loaded(company)
                edges["created" if number == chosen
                      else "merged" if target is not None and target == account_id else "skipped"] += 1
            stream.outcome[id] = "created"
            stream.fields[id] = {
                "Name": values.cut(values.trimmed(record["dealname"] or ""), 120) or "(no name)",
                "StageName": STAGES[record["dealstage"]],
                "CloseDate": values.day(record["closedate"]) or self._run_day,
                "Amount": values.number(record["amount"]),
                "NextStep": record["hs_next_step"],
                "OwnerId": self._owner(record["hubspot_owner_id"]),
                "AccountId": account_id,
            }
        return stream

    def _read_notes(self, account) -> Stream:
        stream = Stream()
        for id, (body,) in account.records("notes", ["hs_note_body"]):
            if blank(body):
                # The organisation requires the content; it says so when the note is written.
                stream.outcome[id] = "rejected"
            else:
                stream.outcome[id] = "created"
                # The reading of a body is as large as the body: its hash is enough to compare.
                stream.fields[id] = {"Title": "HubSpot note", "VersionData": hash(values.reading(body))}
        return stream

    # Links that are records of their own

    def _join(self, account, start: str, end: str, starts, ends) -> None:
        name = f"{start}-to-{end}"
        found = account.links(starts[0], ends[0], list(starts[1].outcome))
        made, edges = set(), Counter()
        for id, links in found.items():
            for to, _, label in links:
                pair = starts[1].loaded(id), ends[1].loaded(to)
                if None in pair:
                    edges["rejected"] += 1
                    continue
                link = (*pair, label if start == "deal" else None)
                edges["merged" if link in made else "created"] += 1
                made.add(link)
        self.links[name], self.edges[name] = made, edges

    # Values that need the maps

    def _country(self, value):
        return None if blank(value) else self._countries.get(value, value)

    def _owner(self, value):
        """The address of whoever must own the record; None = the destination decides."""
        return None if blank(value) else self._owners.get(value, SUBSTITUTE)


def _table(path: pathlib.Path) -> dict[str, str]:
    with open(path, newline="", encoding="utf-8") as file:
        return {row["from"]: row["to"] for row in csv.DictReader(file)}


def _groups(records: dict, column: int, key) -> list[list[int]]:
    """Records with the same key together, in the order of the account; without a key each by itself."""
    groups: dict = defaultdict(list)
    for id, record in records.items():
        groups[key(record[column]) or ("", id)].append(id)
    return list(groups.values())


def _survivors(stream: Stream, records: dict, groups: list, rank):
    """Picks the member of each group with the highest rank, the first one of equals, and notes the others as merged."""
    for group in groups:
        kept = max(group, key=rank)
        for id in group:
            stream.outcome[id] = "created" if id == kept else "merged"
            if id != kept:
                stream.survivor[id] = kept
        yield kept, group


def _merged(names: list[str], records: dict, kept: int, group: list[int], modified: int, rules: dict) -> dict:
    """The record of a group: the survivor's values, another's where it has none, and what the rules say."""
    if len(group) == 1:
        return dict(zip(names, records[kept]))
    record = {}
    for column, name in enumerate(names):
        own = records[kept][column]
        offers = [id for id in group if not blank(records[id][column])]
        newest = max(offers, key=lambda id: records[id][modified] or "", default=None)
        rule = rules.get(name, "survivor")
        if rule == "concat" and len({records[id][column] for id in offers}) > 1:
            texts = [own] * (not blank(own)) + [records[id][column] for id in offers]
            record[name] = "\n".join(dict.fromkeys(texts))
        elif newest is not None and (rule == "newest" or blank(own)):
            record[name] = records[newest][column]
        else:
            record[name] = own
    return record


def _choose(edges: list, stream: Stream) -> int | None:
    """The place of the link that becomes the reference: primary ones first, then in order; dangling ones never."""
    usable = [n for n, edge in enumerate(edges) if stream.loaded(edge[0]) is not None]
    return min(usable, key=lambda n: (not edges[n][1], n), default=None)
