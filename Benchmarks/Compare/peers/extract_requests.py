# SPDX-License-Identifier: Apache-2.0
"""The script as most would write it: extract_requests.py URL FOLDER reads all contacts into sealed files."""

import json
import sys

import requests
from sealed import SealedFiles

url, folder = sys.argv[1:]
session = requests.Session()
session.headers["Authorization"] = "Bearer token"
files, records, after = SealedFiles(folder), 0, None
while True:
    parameters = {"limit": "100"} | ({"after": after} if after else {})
    answer = session.get(f"{url}/crm/v3/objects/contacts", params=parameters)
    answer.raise_for_status()
    page = answer.json()
    files.append("".join(json.dumps(record) + "\n" for record in page["results"]).encode())
    records += len(page["results"])
    after = page.get("paging", {}).get("next", {}).get("after")
    if not after:
        break
files.close()
print(json.dumps({"records": records}))
