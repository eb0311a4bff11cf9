# SPDX-License-Identifier: Apache-2.0
"""Reads a simulated HubSpot account over its own HTTP interface: the truth that a migration started from.

Nothing here knows Migratez: the requests follow the vendor's documentation (list with paging, associations v4 batch read).
"""

import http.client
import json
import time
import urllib.parse

ASSOCIATION_BATCH = 1000
ATTEMPTS = 8


class Account:
    def __init__(self, base_url: str, token: str = "token"):
        parts = urllib.parse.urlsplit(base_url)
        self._address = (parts.hostname, parts.port or 80)
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self._connection = None

    def _call(self, method: str, path: str, body=None):
        """One request, repeated while the account throttles or fails, as its faults may make it do."""
        payload = None if body is None else json.dumps(body)
        for attempt in range(ATTEMPTS):
            try:
                if self._connection is None:
                    self._connection = http.client.HTTPConnection(*self._address, timeout=60)
                self._connection.request(method, path, payload, self._headers)
                answer = self._connection.getresponse()
                text = answer.read()
                if answer.status < 300:
                    return json.loads(text)
                if answer.status != 429 and answer.status < 500:
                    raise SystemExit(f"{method} {path.split('?')[0]}: status {answer.status}")
            except (http.client.HTTPException, OSError, ValueError):
                self._connection = None
            time.sleep(min(2.0, 0.05 * 2**attempt))
        raise SystemExit(f"{method} {path.split('?')[0]}: no answer after {ATTEMPTS} attempts")

    def _pages(self, path: str, parameters: dict):
        after = None
        while True:
            query = dict(parameters, limit=100, **({"after": after} if after else {}))
            page = self._call("GET", f"{path}?{urllib.parse.urlencode(query)}")
            yield page["results"]
            after = page.get("paging", {}).get("next", {}).get("after")
            if not after:
                return

    def records(self, name: str, properties: list[str]):
        """(id, property values in the order asked for; None = absent), in the order of the account."""
        for page in self._pages(f"/crm/v3/objects/{name}", {"properties": ",".join(properties)}):
            for record in page:
                values = record["properties"]
                yield int(record["id"]), tuple(values.get(name) for name in properties)

    def owners(self) -> dict[str, str]:
        """The address of each owner by id, inactive ones included."""
        found = {}
        for archived in ("false", "true"):
            for page in self._pages("/crm/v3/owners", {"archived": archived}):
                found.update({owner["id"]: owner["email"] for owner in page})
        return found

    def links(self, start: str, end: str, ids: list[int]) -> dict[int, list]:
        """For each record the links in the order of the account: (id there, is primary, user-defined label or None)."""
        found: dict[int, list] = {}
        for first in range(0, len(ids), ASSOCIATION_BATCH):
            inputs = [{"id": str(id)} for id in ids[first : first + ASSOCIATION_BATCH]]
            while inputs:
                path = f"/crm/v4/associations/{start}/{end}/batch/read"
                answer = self._call("POST", path, {"inputs": inputs})
                inputs = []
                for result in answer["results"]:
                    id = int(result["from"]["id"])
                    for to in result["to"]:
                        found.setdefault(id, []).extend(_edges(to))
                    after = result.get("paging", {}).get("next", {}).get("after")
                    if after:
                        inputs.append({"id": str(id), "after": after})
        return found


def _edges(to: dict):
    """One link is as many edges as users gave it labels, and one edge without label if they gave none."""
    types = to["associationTypes"]
    is_primary = any(t["category"] == "HUBSPOT_DEFINED" and t["label"] == "Primary" for t in types)
    labels = sorted({t["label"] for t in types if t["category"] == "USER_DEFINED" and t["label"]})
    return [(int(to["toObjectId"]), is_primary, label) for label in labels or [None]]
