# SPDX-License-Identifier: Apache-2.0
"""dedupe_duckdb.py CONTACTS.ndjson OUT.csv: each record's first of the same person, by e-mail or phone, in 256 MB."""

import json
import sys

import duckdb

source, target = sys.argv[1:]
database = duckdb.connect("dedupe.duckdb")
database.execute("SET memory_limit = '256MB'; SET temp_directory = 'spill'")
database.execute("""
    CREATE TABLE keyed AS
    SELECT row_number() OVER () AS number, id, lower(trim(properties.email)) AS email, properties.phone AS phone
    FROM read_json(?, format = 'newline_delimited',
        columns = {id: 'VARCHAR', properties: 'STRUCT(email VARCHAR, phone VARCHAR)'})""", [source])
# Only records that share a key can belong to another: the lowest number travels along both keys among those.
database.execute("""
    CREATE TABLE shared AS SELECT number, email, phone, number AS first FROM keyed
    WHERE email IN (SELECT email FROM keyed GROUP BY email HAVING count(*) > 1)
       OR phone IN (SELECT phone FROM keyed GROUP BY phone HAVING count(*) > 1)""")
while True:
    database.execute("""
        CREATE TABLE moved AS
        SELECT number, email, phone, min(first) OVER (PARTITION BY phone) AS first
        FROM (SELECT number, email, phone, min(first) OVER (PARTITION BY email) AS first FROM shared)""")
    changed = database.execute(
        "SELECT count(*) FROM shared JOIN moved USING (number) WHERE shared.first <> moved.first").fetchone()[0]
    database.execute("DROP TABLE shared; ALTER TABLE moved RENAME TO shared")
    if not changed:
        break
database.execute("""
    CREATE TABLE people AS SELECT keyed.id, coalesce(shared.first, keyed.number) AS first
    FROM keyed LEFT JOIN shared USING (number)""")
database.execute(f"""
    COPY (SELECT people.id, keyed.id AS first FROM people JOIN keyed ON keyed.number = people.first)
    TO '{target}' (HEADER false)""")
print(json.dumps({"people": database.execute("SELECT count(DISTINCT first) FROM people").fetchone()[0]}))
