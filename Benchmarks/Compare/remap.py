# SPDX-License-Identifier: Apache-2.0
"""Links from records to records of new ids; what they cost is the difference to the same records without links."""

import contextlib
import pathlib
import subprocess

import links
from contest import HERE, Bench, Migratez, Stage, compiled, expect, last_line, peer
from measure import Variant

LIMIT = "limit (C), one table in memory, from sealed lines to sealed lines"
WHOLE, RECORDS, LINKS = "Migratez: transform", "Migratez: the same without links", "remap: Migratez, the difference"


def stage(bench: Bench) -> Stage:
    count = bench.records * links.LINKS_EACH
    return Stage(
        title=f"Remap: {count:,} links through {_data(bench)[1]['records']:,} ids", own=LINKS,
        own_label="Migratez's remap", limit=LIMIT, units=count, bytes=None, differences=[(LINKS, WHOLE, RECORDS)])


def _data(bench: Bench):
    folder = bench.built / f"links-{bench.records}"
    return folder, links.write(folder, bench.records, seed=7)


def _limit(bench: Bench, folder: pathlib.Path, count: int) -> Variant:
    program = compiled(bench, "remap", ["remap.c", "sealed.c"], ["zstd", "crypto"])

    def prepare(work: pathlib.Path) -> None:
        subprocess.run([program, "seal", folder / "links.csv", work / "sealed"], check=True)

    def check(work: pathlib.Path, output: str) -> dict:
        details = last_line(output)
        expect(f"{LIMIT}: links", details["records"], count)
        return details

    return Variant(
        LIMIT, "limit",
        lambda work: [str(program), "links", str(work / "sealed"), str(folder / "ids.csv"), str(work / "remapped")],
        check, prepare)


@contextlib.contextmanager
def variants(bench: Bench):
    folder, data = _data(bench)
    environment = {"LINKS_DIR": str(folder)}
    records = bench.folder / "records.yaml"
    # `links:` is the last part of the file; the source then reads the ids as any other member.
    records.write_text((HERE / "links.yaml").read_text().split("\nlinks:\n")[0] + "\n")
    found = [
        _limit(bench, folder, data["links"]),
        Migratez(bench, HERE / "links.yaml", environment).variant(
            WHOLE, "transform", {"read": data["records"] + data["links"], "rejected": 0}, after=("extract",)),
        Migratez(bench, records, environment).variant(
            RECORDS, "transform", {"read": data["records"], "rejected": 0}, after=("extract",)),
    ]
    if bench.peers:
        arguments = [str(folder / "links.csv"), str(folder / "ids.csv"), "remapped.csv"]
        for name, script in [("polars", "remap_polars.py"), ("DuckDB, 256 MB", "remap_duckdb.py")]:
            module = script.removeprefix("remap_").removesuffix(".py")
            found += peer(
                bench, f"remap: {name}, from plain CSV", script, [module], arguments, {"links": data["links"]})
    yield found
