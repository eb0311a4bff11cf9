# SPDX-License-Identifier: Apache-2.0
"""HubSpot's own client: load_hubspot.py CONTACTS.ndjson URL creates all contacts, 100 a call, 8 threads. Records nothing."""

import concurrent.futures
import itertools
import json
import sys

from hubspot import HubSpot
from hubspot.crm.contacts import BatchInputSimplePublicObjectBatchInputForCreate, SimplePublicObjectBatchInputForCreate

source, url = sys.argv[1:]
BATCH, IN_FLIGHT = 100, 8
batch_api = HubSpot(access_token="token", host=url).crm.contacts.batch_api


def send(lines: list[bytes]) -> int:
    inputs = [
        SimplePublicObjectBatchInputForCreate(properties=json.loads(line)["properties"], associations=[])
        for line in lines]
    answer = batch_api.create(BatchInputSimplePublicObjectBatchInputForCreate(inputs=inputs))
    return len(answer.results)


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
