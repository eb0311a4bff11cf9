# SPDX-License-Identifier: Apache-2.0
"""The links that every contestant leads to new ids: as records with lists of ids, and as plain tables of two columns.

For N contacts: 0.6 N companies, and two links from each contact to companies. A peer gets the new ids as a table;
Migratez makes its own.
"""

import json
import pathlib
import random

LINKS_EACH = 2
COMPANIES_PER_CONTACT = 0.6


def write(folder: pathlib.Path, count: int, seed: int) -> dict:
    """Kept for the next run of the same size; `data.json` is written last."""
    summary = folder / "data.json"
    if summary.exists():
        return json.loads(summary.read_text())
    folder.mkdir(parents=True, exist_ok=True)
    draw = random.Random(seed)
    companies = int(count * COMPANIES_PER_CONTACT)
    with (
        open(folder / "contacts.ndjson", "w") as contact_lines, open(folder / "companies.ndjson", "w") as company_lines,
        open(folder / "links.csv", "w") as links, open(folder / "ids.csv", "w") as ids,
    ):
        links.write("contact,company\n")
        ids.write("source,target\n")
        for number in range(companies):
            company_lines.write(f'{{"id":"c{number}","name":"Company {number}"}}\n')
            ids.write(f"c{number},001{draw.getrandbits(48):012x}\n")
        for number in range(count):
            linked = draw.sample(range(companies), LINKS_EACH)
            text = ",".join(f'"c{company}"' for company in linked)
            contact_lines.write(f'{{"id":"p{number}","name":"Person {number}","companies":[{text}]}}\n')
            ids.write(f"p{number},003{draw.getrandbits(48):012x}\n")
            for company in linked:
                links.write(f"p{number},c{company}\n")
    data = {"records": count + companies, "links": count * LINKS_EACH, "seed": seed}
    summary.write_text(json.dumps(data))
    return data
