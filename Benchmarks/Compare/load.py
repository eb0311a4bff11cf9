# SPDX-License-Identifier: Apache-2.0
"""Encrypted chunks to a destination, with durable intents and receipts."""

import contextlib
import pathlib
import subprocess

import servers
from contest import HERE, Bench, Migratez, Stage, compiled, expect, last_line, peer
from measure import Variant

LIMIT = "limit (C), nothing mapped or checked"
OWN = "Migratez: to an org that answers at once, 8 calls of 100 in flight"


def stage(bench: Bench) -> Stage:
    return Stage(
        title="Load: to a server that answers at once and keeps nothing", own=OWN, own_label="Migratez",
        limit=LIMIT, units=bench.records, bytes=bench.bytes)


def _limit(bench: Bench, url: str) -> Variant:
    program = compiled(bench, "send", ["send.c", "sealed.c"], ["curl", "zstd", "crypto", "sqlite3"])

    def prepare(folder: pathlib.Path) -> None:
        subprocess.run([program, "seal", bench.data / "contacts.ndjson", folder / "sealed"], check=True)

    def check(folder: pathlib.Path, output: str) -> dict:
        details = last_line(output)
        expect(f"{LIMIT}: records", details["records"], bench.records)
        return details

    return Variant(
        LIMIT, "limit",
        lambda folder: [str(program), "rows", str(folder / "sealed"), url, str(folder / "manifest.sqlite")], check, prepare)


@contextlib.contextmanager
def variants(bench: Bench):
    sink = compiled(bench, "sink", ["sink.c"], [])
    with (
        servers.pages(bench.data, bench.folder / "nginx", compressed=False) as account,
        servers.org(bench.program, sink, bench.folder / "org") as org,
    ):
        environment = {
            "HUBSPOT_BASE_URL": account.url, "HUBSPOT_TOKEN": "token", "SALESFORCE_BASE_URL": org.url,
            "SALESFORCE_CLIENT_ID": "client", "SALESFORCE_CLIENT_SECRET": "secret",
        }
        mapping = bench.folder / "mapping.yaml"
        mapping.write_text((HERE / "contacts.yaml").read_text().split("    dedupe:\n")[0])
        rows = f"{org.url}/services/data/v67.0/composite/sobjects/Contact/Migratez_Id__c"
        counts = {"loaded": bench.records, "rejected": 0}
        before = ("extract", "transform")
        found = [
            _limit(bench, rows),
            Migratez(bench, HERE / "contacts-salesforce.yaml", environment).variant(OWN, "load", counts, before),
            Migratez(bench, mapping, environment).variant("Migratez: to an NDJSON file", "load", counts, before),
        ]
        if bench.peers:
            arguments = [str(bench.data / "contacts.ndjson"), rows]
            for name, modules in [("aiohttp", ["aiohttp", "orjson"]), ("requests", ["requests"])]:
                found += peer(
                    bench, f"Python: {name}, from plain NDJSON, nothing recorded", f"load_{name}.py", modules,
                    arguments, {"records": bench.records})
            found += peer(
                bench, "Python: hubspot-api-client, from plain NDJSON, nothing recorded", "load_hubspot.py", ["hubspot"],
                [arguments[0], org.url], {"records": bench.records})
        yield found
