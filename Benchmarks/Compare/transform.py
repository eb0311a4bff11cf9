# SPDX-License-Identifier: Apache-2.0
"""Encrypted chunks in, encrypted chunks out; what finding duplicates costs is the difference to the same without it."""

import contextlib

import servers
from contest import HERE, Bench, Migratez, Stage, peer

WHOLE, MAPPING, DEDUPE = "Migratez: transform", "Migratez: the same without dedupe", "dedupe: Migratez, the difference"


def stage(bench: Bench) -> Stage:
    return Stage(
        title="Transform: 20 fields, two value maps, duplicates by e-mail or phone, joined transitively",
        own=DEDUPE, own_label="Migratez's dedupe", units=bench.records, bytes=bench.bytes,
        differences=[(DEDUPE, WHOLE, MAPPING)])


@contextlib.contextmanager
def variants(bench: Bench):
    mapping = bench.folder / "mapping.yaml"
    # `dedupe:` is the last key of the only object.
    mapping.write_text((HERE / "contacts.yaml").read_text().split("    dedupe:\n")[0])
    with servers.pages(bench.data, bench.folder / "nginx", compressed=False) as server:
        account = {"HUBSPOT_BASE_URL": server.url, "HUBSPOT_TOKEN": "token"}
        doubles = bench.records - bench.people
        found = [
            Migratez(bench, HERE / "contacts.yaml", account).variant(
                WHOLE, "transform", {"merged": doubles, "rejected": 0}, after=("extract",)),
            Migratez(bench, mapping, account).variant(
                MAPPING, "transform", {"merged": 0, "rejected": 0}, after=("extract",)),
        ]
        if bench.peers:
            arguments = [str(bench.data / "contacts.ndjson"), "people.csv"]
            for name, script, modules in [
                ("polars", "dedupe_polars.py", ["polars"]),
                ("DuckDB, 256 MB", "dedupe_duckdb.py", ["duckdb"]),
                ("Python dictionaries, orjson", "dedupe_dictionaries.py", ["orjson"]),
            ]:
                found += peer(
                    bench, f"dedupe: {name}, from plain NDJSON", script, modules, arguments, {"people": bench.people})
        yield found
