# SPDX-License-Identifier: Apache-2.0
"""Each stage with records of one shape, file to file: run with several `--records`, it shows how cost and memory grow."""

import contextlib

import shapes
from contest import Bench, Migratez, Stage

PIPELINE = """migratez: 1
name: bench-growth
source:
  connector: ndjson
  dir: "${env:RECORDS_DIR}"
  objects:
    record: { file: records.ndjson, id: id }
target:
  connector: ndjson
  dir: "${env:EXPORT_DIR}"
staging: { dir: ./staging }
objects:
  record:
    to: records
    fields:
"""


def stage(bench: Bench) -> Stage:
    return Stage(
        title=f"Growth: {bench.records:,} records, {bench.shape}", own="extract", own_label="extract",
        units=bench.records, bytes=bench.bytes)


@contextlib.contextmanager
def variants(bench: Bench):
    pipeline = bench.folder / "growth.yaml"
    pipeline.write_text(PIPELINE + "".join(f"      {name}: {name}\n" for name in shapes.fields(bench.shape)))
    migratez = Migratez(bench, pipeline, {"RECORDS_DIR": str(bench.data)})
    yield [
        migratez.variant("extract", "extract", {"read": bench.records, "rejected": 0}),
        migratez.variant("transform", "transform", {"read": bench.records, "rejected": 0}, after=("extract",)),
        migratez.variant("load", "load", {"loaded": bench.records, "rejected": 0}, after=("extract", "transform")),
    ]
