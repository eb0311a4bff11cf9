# SPDX-License-Identifier: Apache-2.0
"""load_requests.py CONTACTS.ndjson URL: all contacts by PATCH, 100 a call, 8 threads. Records nothing."""

import concurrent.futures
import itertools
import json
import sys
import threading

import requests
from contact_rows import row

source, url = sys.argv[1:]
BATCH, IN_FLIGHT = 100, 8
own = threading.local()


def send(batch: list[bytes]) -> int:
    if not hasattr(own, "session"):
        own.session = requests.Session()
        own.session.headers["Authorization"] = "Bearer token"
    answer = own.session.patch(
        url, json={"allOrNone": False, "records": [row(json.loads(line)) for line in batch]})
    answer.raise_for_status()
    return sum(result["success"] for result in answer.json())


loaded = 0
with open(source, "rb") as lines, concurrent.futures.ThreadPoolExecutor(IN_FLIGHT) as pool:
    waiting = set()
    for batch in iter(lambda: list(itertools.islice(lines, BATCH)), []):
        waiting.add(pool.submit(send, batch))
        if len(waiting) == IN_FLIGHT:
            done, waiting = concurrent.futures.wait(waiting, return_when=concurrent.futures.FIRST_COMPLETED)
            loaded += sum(each.result() for each in done)
    loaded += sum(each.result() for each in waiting)
print(json.dumps({"records": loaded}))
