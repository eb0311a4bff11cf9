# SPDX-License-Identifier: Apache-2.0
"""Measures Migratez beside its peers and beside what its parts cost alone. `scripts/bench --help` tells how."""

import argparse
import dataclasses
import json
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

import contacts
import extract
import growth
import load
import measure
import remap
import report
import shapes
import transform
from contest import Bench

ROOT = pathlib.Path(__file__).resolve().parents[2]
STAGES = {"extract": extract, "transform": transform, "remap": remap, "load": load, "growth": growth}
#: Those that have peers or a limit to be compared with.
COMPARED = ["extract", "transform", "remap", "load"]


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--stage", choices=[*STAGES, "all"], default="all")
    parser.add_argument("--shape", choices=shapes.SHAPES, default="tiny", help="of the records of --stage growth")
    parser.add_argument("--records", type=int, default=100_000, help="records in all (default 100,000)")
    parser.add_argument("--repeat", type=int, default=3, help="how often each contestant runs (default 3)")
    parser.add_argument("--seed", type=int, default=7, help="the seed of the contacts (default 7)")
    parser.add_argument("--peers", action="store_true", help="also what people would use instead, from PyPI")
    parser.add_argument("--gzip", action="store_true", help="pages are sent compressed, to who accepts that")
    parser.add_argument("--output", type=pathlib.Path, help="write the tables to this file instead of printing them")
    parser.add_argument("--json", type=pathlib.Path, help="write every run to this file")
    given = parser.parse_args()
    least = 1 if given.stage == "growth" else contacts.PAGE_RECORDS
    if given.records < least or given.repeat < 1:
        parser.error(f"--records takes {least} or more, --repeat 1 or more")
    return given


def main() -> None:
    given = options()
    built = ROOT / ".build/bench"
    kind = given.shape if given.stage == "growth" else "contacts"
    data = built / f"{kind}-{given.records}-{given.seed}"
    # Ended from outside, it still ends its servers.
    for end in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(end, lambda number, _: sys.exit(128 + number))
    print(f"bench: {given.records:,} records, {kind}", file=sys.stderr)
    if given.stage == "growth":
        summary = shapes.write(data, given.shape, given.records, given.seed)
    else:
        summary = contacts.write(data, given.records, given.seed)
        if given.gzip:
            contacts.compress(data)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="migratez-bench-"))
    bench = Bench(
        program=ROOT / ".build/release/migratez", built=built, data=data, records=given.records,
        bytes=summary["bytes"], people=summary["people"], peers=given.peers, compressed=given.gzip, folder=folder,
        shape=given.shape)
    stages = COMPARED if given.stage == "all" else [given.stage]
    machine = report.machine()
    measured = []
    try:
        for name in stages:
            (folder / name).mkdir()
            own = dataclasses.replace(bench, folder=folder / name)
            with STAGES[name].variants(own) as variants:
                measured.append((STAGES[name].stage(own), measure.alternate(variants, given.repeat, folder / name)))
    except measure.Wrong as error:
        raise SystemExit(f"bench: {error}") from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    text = report.markdown(bench, machine, given.repeat, measured)
    if given.output:
        given.output.write_text(text)
    else:
        print(text)
    if given.json:
        given.json.write_text(json.dumps(report.document(bench, machine, given.repeat, measured), indent=1) + "\n")


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        raise SystemExit(f"bench: {error}") from None
