# SPDX-License-Identifier: Apache-2.0
"""remap_duckdb.py LINKS.csv IDS.csv OUT.csv: both ends of each link by their new ids, in 256 MB."""

import json
import sys

import duckdb

links, ids, target = sys.argv[1:]
database = duckdb.connect("remap.duckdb")
database.execute("SET memory_limit = '256MB'; SET temp_directory = 'spill'")
count = database.execute(f"""
    COPY (
        SELECT contacts.target, companies.target
        FROM read_csv('{links}', header = true, columns = {{contact: 'VARCHAR', company: 'VARCHAR'}}) AS links
        JOIN read_csv('{ids}', header = true, columns = {{source: 'VARCHAR', target: 'VARCHAR'}}) AS contacts
            ON contacts.source = links.contact
        JOIN read_csv('{ids}', header = true, columns = {{source: 'VARCHAR', target: 'VARCHAR'}}) AS companies
            ON companies.source = links.company
    ) TO '{target}' (HEADER false)""").fetchone()[0]
print(json.dumps({"links": count}))
