# SPDX-License-Identifier: Apache-2.0
"""Pages of contacts from nginx to compressed and encrypted files."""

import contextlib
import pathlib

import servers
from contest import HERE, Bench, Migratez, Stage, compiled, expect, last_line, peer, shell_peer
from measure import Variant

OWN = "Migratez"
LIMIT = "limit (C), zstd 1, checked"


def stage(bench: Bench) -> Stage:
    return Stage(
        title="Extract: pages of 100 contacts from nginx to compressed and encrypted files", own=OWN, own_label=OWN,
        limit=LIMIT, units=bench.records, bytes=bench.bytes)


@contextlib.contextmanager
def variants(bench: Bench):
    with servers.pages(bench.data, bench.folder / "nginx", bench.compressed) as server:
        account = {"HUBSPOT_BASE_URL": server.url, "HUBSPOT_TOKEN": "token"}
        migratez = Migratez(bench, HERE / "contacts.yaml", account)
        found = [
            _limit(bench, server.url, LIMIT, ["--validate"]),
            _limit(bench, server.url, "limit (C), zstd 1, nothing checked", []),
            migratez.variant(OWN, "extract", {"read": bench.records, "rejected": 0}),
        ]
        if bench.peers:
            found += _peers(bench, server.url)
        yield found


def _limit(bench: Bench, url: str, name: str, arguments: list[str]) -> Variant:
    program = compiled(bench, "limit", ["limit.c", "scan.c"], ["curl", "zstd", "crypto"])

    def check(folder: pathlib.Path, output: str) -> dict:
        details = last_line(output)
        expect(f"{name}: records", details["records"], bench.records)
        return details

    first = f"{url}/crm/v3/objects/contacts?limit=100"
    gzip = ["--gzip"] if bench.compressed else []
    return Variant(name, "limit", lambda folder: [str(program), first, str(folder), *gzip, *arguments], check)


def _peers(bench: Bench, url: str) -> list[Variant]:
    counts = {"records": bench.records}
    arguments = [url, "extracted"]
    return [
        *peer(bench, "Python: urllib3, orjson, zstandard, AES-GCM", "extract_urllib3.py",
              ["urllib3", "orjson", "zstandard", "cryptography"], arguments, counts),
        *peer(bench, "Python: requests, json, zstandard, AES-GCM", "extract_requests.py",
              ["requests", "zstandard", "cryptography"], arguments, counts),
        *shell_peer(
            "shell: curl, jq, zstd, age (cursors known beforehand)", "extract_shell.sh", ["curl", "jq", "zstd", "age"],
            [*arguments, str(bench.records)], counts),
        *peer(bench, "dlt (gzip, not encrypted)", "extract_dlt.py", ["dlt"], arguments, counts),
        *peer(bench, "Airbyte CDK, low-code source (plain messages)", "extract_airbyte.py", ["airbyte_cdk"], arguments,
              counts, environment="bench-venv-airbyte"),
        *peer(bench, "Singer SDK tap, target-jsonl (plain)", "extract_singer.py", ["singer_sdk"], arguments, counts,
              environment="bench-venv-singer"),
    ]
