# SPDX-License-Identifier: Apache-2.0
"""The contacts that every contestant reads: HubSpot-shaped, of one seed, as pages for a server and as lines in a file.

About 790 bytes a record. One in eight shares its e-mail with an earlier record and one in sixteen its phone, so that
duplicates join transitively; the number of people is written beside the data, computed here by union of both keys.
"""

import gzip
import json
import pathlib
import random

PAGE_RECORDS = 100

#: Name, type and field type as the properties API gives them: what a pipeline may read.
PROPERTIES = [
    ("address", "string", "text"), ("city", "string", "text"), ("company", "string", "text"),
    ("country", "string", "text"), ("createdate", "datetime", "date"), ("email", "string", "text"),
    ("firstname", "string", "text"), ("hs_email_optout", "bool", "booleancheckbox"),
    ("hs_lead_status", "enumeration", "select"), ("hs_object_id", "number", "number"),
    ("hubspot_owner_id", "string", "text"), ("jobtitle", "string", "text"),
    ("lastmodifieddate", "datetime", "date"), ("lastname", "string", "text"),
    ("lifecyclestage", "enumeration", "select"), ("notes", "string", "textarea"),
    ("phone", "string", "phonenumber"), ("state", "string", "text"), ("website", "string", "text"),
    ("zip", "string", "text"),
]

FIRST_NAMES = [
    "Ada", "Grace", "Edsger", "Barbara", "José", "Zoë", "Haruki", "Ngozi", "Søren", "Chloé", "Dmitri", "Mei",
]
LAST_NAMES = ["Lovelace", "Hopper", "Dijkstra", "Liskov", "García", "Müller", "村上", "Okafor", "Kierkegaard", "Dubois"]
STREETS = ["Main St", "5th Avenue", "Königsallee", "Rue de Rivoli", "High Street", "Calle Mayor"]
CITIES = ["Berlin", "San Francisco", "København", "London", "São Paulo", "大阪", "Lagos", "Paris"]
COUNTRIES = ["Germany", "USA", "Denmark", "GB", "Brasil", "Japan", "Nigeria", "France"]
COMPANIES = ["globex", "initech", "umbrella", "wayne", "acme", "stark", "hooli", "tyrell"]
STAGES = ["lead", "opportunity", "customer", "evangelist", "subscriber"]
STATUSES = ["NEW", "OPEN", "IN_PROGRESS", "CONNECTED"]
TITLES = ["Software Engineer", "Head of Sales", "Managing Director", "Buyer", r"VP Operations, \"Growth\""]
WORDS = (
    "asked whether data can stay in the region price is fine support hours are concern wants demo with security – team "
    "quote for seats renewal call back after holiday sent brochure fair").split()


class People:
    """Which records are one person: union of those that share an e-mail or a phone."""

    def __init__(self, count: int):
        self.parent = list(range(count))
        self.groups = count

    def root(self, record: int) -> int:
        while self.parent[record] != record:
            self.parent[record] = self.parent[self.parent[record]]
            record = self.parent[record]
        return record

    def join(self, one: int, other: int) -> None:
        one, other = self.root(one), self.root(other)
        if one != other:
            self.parent[other] = one
            self.groups -= 1


class Contacts:
    def __init__(self, count: int, seed: int):
        self.draw = random.Random(seed)
        self.people = People(count)
        # Whose e-mail and phone each record carries; a record that copies one carries what that one carries.
        self.email_of, self.phone_of = [], []

    def record(self, number: int) -> str:
        self.email_of.append(self._owner(self.email_of, number, 8))
        self.phone_of.append(self._owner(self.phone_of, number, 16))
        email, phone = self.email_of[number], self.phone_of[number]
        bits = self.draw.getrandbits(512)

        def below(bound: int) -> int:
            nonlocal bits
            bits, value = divmod(bits, bound)
            return value

        place = below(len(CITIES))
        domain = f"{COMPANIES[email % len(COMPANIES)]}{email % 9973}"
        # Another order of days than that of the numbers, so that no survivor is just the first.
        month = f"20{15 + below(10)}-{1 + below(12):02}"
        clock = f"T{below(24):02}:{below(60):02}:{below(60):02}.{below(1000):03}Z"
        created, changed = f"{month}-{1 + below(14):02}{clock}", f"{month}-{15 + below(14):02}{clock}"
        state = "null" if below(4) else '"CA"'
        notes = " ".join(WORDS[below(len(WORDS))] for _ in range(18 + below(8)))
        return (
            f'{{"id":"{number + 1}","properties":{{"address":"{1 + below(9000)} {STREETS[below(len(STREETS))]}",'
            f'"city":"{CITIES[place]}","company":"{domain} Group","country":"{COUNTRIES[place]}",'
            f'"createdate":"{created}","email":"person.{email * 2654435761 % 2**32:x}@{domain}.example",'
            f'"firstname":"{FIRST_NAMES[below(len(FIRST_NAMES))]}",'
            f'"hs_email_optout":"{"false" if below(8) else "true"}",'
            f'"hs_lead_status":"{STATUSES[below(len(STATUSES))]}",'
            f'"hs_object_id":"{number + 1}","hubspot_owner_id":"{70000000 + below(400)}",'
            f'"jobtitle":"{TITLES[below(len(TITLES))]}","lastmodifieddate":"{changed}",'
            f'"lastname":"{LAST_NAMES[below(len(LAST_NAMES))]}","lifecyclestage":"{STAGES[below(len(STAGES))]}",'
            f'"notes":"{notes}","phone":"+1415{2000000 + phone:07}","state":{state},'
            f'"website":"https://{domain}.example","zip":"{10000 + below(89999)}"}},'
            f'"createdAt":"{created}","updatedAt":"{changed}","archived":false}}')

    def _owner(self, owners: list[int], number: int, one_in: int) -> int:
        if number == 0 or self.draw.randrange(one_in):
            return number
        earlier = self.draw.randrange(number)
        self.people.join(earlier, number)
        return owners[earlier]


def write(folder: pathlib.Path, count: int, seed: int) -> dict:
    """Pages as `pages/<after>.json`, the same records as `contacts.ndjson`; kept for the next run of the same size.

    `after` is the number of the page. `data.json` is written last: without it the folder is not whole.
    """
    summary = folder / "data.json"
    if summary.exists():
        return json.loads(summary.read_text())
    pages = folder / "pages"
    pages.mkdir(parents=True, exist_ok=True)
    contacts = Contacts(count, seed)
    page_count = (count + PAGE_RECORDS - 1) // PAGE_RECORDS
    page_bytes = 0
    with open(folder / "contacts.ndjson", "w", encoding="utf-8") as lines:
        for page in range(page_count):
            numbers = range(page * PAGE_RECORDS, min(count, (page + 1) * PAGE_RECORDS))
            records = [contacts.record(number) for number in numbers]
            lines.write("\n".join(records) + "\n")
            paging = f',"paging":{{"next":{{"after":"{page + 1}"}}}}' if page + 1 < page_count else ""
            text = f'{{"results":[{",".join(records)}]{paging}}}'.encode()
            (pages / f"{page}.json").write_bytes(text)
            page_bytes += len(text)
    data = {"records": count, "pages": page_count, "bytes": page_bytes, "people": contacts.people.groups, "seed": seed}
    summary.write_text(json.dumps(data))
    return data


def compress(folder: pathlib.Path) -> None:
    """Beside each page the same compressed, as a server would send it; `pages.gz` is written last."""
    done = folder / "pages.gz"
    if done.exists():
        return
    for page in (folder / "pages").glob("*.json"):
        page.with_suffix(".json.gz").write_bytes(gzip.compress(page.read_bytes(), compresslevel=1, mtime=0))
    done.touch()
