# SPDX-License-Identifier: Apache-2.0
"""Changes the job title of the first N contacts of a HubSpot-shaped account: change.py BASE_URL N."""

import json
import sys
import urllib.request


def call(path: str, body=None):
    request = urllib.request.Request(
        sys.argv[1] + path, None if body is None else json.dumps(body).encode(),
        {"Authorization": "Bearer token", "Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


left, after = int(sys.argv[2]), None
while left > 0:
    page = call("/crm/v3/objects/contacts?limit=100" + (f"&after={after}" if after else ""))
    records = page["results"][:left]
    call("/crm/v3/objects/contacts/batch/update", {
        "inputs": [{"id": record["id"], "properties": {"jobtitle": "Changed since"}} for record in records]})
    left -= len(records)
    after = page.get("paging", {}).get("next", {}).get("after")
    if after is None:
        break
