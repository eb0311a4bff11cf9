# SPDX-License-Identifier: Apache-2.0
"""Records of extreme shapes, as NDJSON: what is short, long, wide, or has one enormous field."""

import json
import pathlib
import random

#: By name: how many fields a record has beside its id, and about how many characters each of them.
SHAPES = {"tiny": (3, 80), "long": (1, 64 << 10), "wide": (1_000, 20), "huge": (1, 5_000_000)}

WORDS = (
    "account answer called customer delivery invoice later meeting number offer order price project quarter renewal"
    " sample signed support tomorrow travel update visit waiting").split()


def fields(shape: str) -> list[str]:
    return [f"f{number}" for number in range(SHAPES[shape][0])]


def write(folder: pathlib.Path, shape: str, count: int, seed: int) -> dict:
    """Kept for the next run of the same size; `data.json` is written last."""
    summary = folder / "data.json"
    if summary.exists():
        return json.loads(summary.read_text())
    folder.mkdir(parents=True, exist_ok=True)
    draw = random.Random(seed)
    names, length = fields(shape), SHAPES[shape][1]
    # Texts are cut out of one long one at random places: as fast as it gets, and no two are likely to be the same.
    pool = " ".join(draw.choice(WORDS) for _ in range(max(length, 1 << 20) // 4))
    size = 0
    with open(folder / "records.ndjson", "w") as lines:
        for number in range(count):
            starts = [draw.randrange(len(pool) - length) for _ in names]
            texts = ",".join(f'"{name}":"{pool[start:start + length]}"' for name, start in zip(names, starts))
            size += lines.write(f'{{"id":"r{number}",{texts}}}\n')
    data = {"records": count, "bytes": size, "people": count, "seed": seed}
    summary.write_text(json.dumps(data))
    return data
