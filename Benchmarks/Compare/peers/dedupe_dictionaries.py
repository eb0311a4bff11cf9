# SPDX-License-Identifier: Apache-2.0
"""dedupe_dictionaries.py CONTACTS.ndjson OUT.csv: each record's first of the same person, by e-mail or phone."""

import json
import sys

import orjson

source, target = sys.argv[1:]
ids, parent, first_with = [], [], ({}, {})


def root(record: int) -> int:
    while parent[record] != record:
        parent[record] = parent[parent[record]]
        record = parent[record]
    return record


with open(source, "rb") as lines:
    for number, line in enumerate(lines):
        record = orjson.loads(line)
        ids.append(record["id"])
        parent.append(number)
        properties = record["properties"]
        for keys, key in zip(first_with, (properties["email"].strip().lower(), properties["phone"])):
            one, other = root(keys.setdefault(key, number)), root(number)
            if one != other:
                parent[max(one, other)] = min(one, other)
people = 0
with open(target, "w") as out:
    for number, id in enumerate(ids):
        first = root(number)
        people += first == number
        out.write(f"{id},{ids[first]}\n")
print(json.dumps({"people": people}))
