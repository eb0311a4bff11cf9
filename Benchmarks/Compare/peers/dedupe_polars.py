# SPDX-License-Identifier: Apache-2.0
"""dedupe_polars.py CONTACTS.ndjson OUT.csv: each record's first of the same person, by e-mail or phone."""

import json
import sys

import polars

source, target = sys.argv[1:]
schema = {"id": polars.String, "properties": polars.Struct({"email": polars.String, "phone": polars.String})}
table = polars.scan_ndjson(source, schema=schema).select(
    "id",
    email=polars.col("properties").struct.field("email").str.strip_chars().str.to_lowercase(),
    phone=polars.col("properties").struct.field("phone"),
).collect().with_row_index("number")
# Keys become numbers once; then the lowest number travels along both keys until nothing moves.
table = table.with_columns(
    email=polars.col("number").min().over("email"), phone=polars.col("number").min().over("phone"),
    first=polars.col("number"))
while True:
    moved = table.with_columns(first=polars.col("first").min().over("email")).with_columns(
        first=polars.col("first").min().over("phone"))
    if moved["first"].equals(table["first"]):
        break
    table = moved
table.select("id", first=polars.col("id").gather(polars.col("first"))).write_csv(target, include_header=False)
print(json.dumps({"people": table["first"].n_unique()}))
