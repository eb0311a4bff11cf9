# SPDX-License-Identifier: Apache-2.0
"""What must hold of a world after all that was done to it, found out without the program's own word alone."""

import datetime
import pathlib
import sqlite3
import sys
import threading

from world import World

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "Checker"))
from account import Account  # noqa: E402
from check import check  # noqa: E402
from expectation import Expectation  # noqa: E402
from organisation import Organisation  # noqa: E402

#: Names that a finished command leaves nowhere.
TEMPORARY = (".writing", ".new", ".tmp", "-journal")
#: What a chunk may be when its run has ended; `rejects` wait for a person.
FINAL_STATES = {"raw": {"shredded"}, "ready": {"spent", "shredded"}, "rejects": {"sealed", "shredded"},
                "before": {"sealed", "shredded"}}


class Judge:
    """Knows what the account holds, and so what every migration of it must come to."""

    def __init__(self, account: str):
        self._account, self._expected, self._lock = account, {}, threading.Lock()

    def of_migration(self, world: World) -> list[str]:
        """What is wrong with a run that ended: nothing lost, nothing doubled, every field right, nothing left over."""
        run = world.run
        manifest = world.staging / run / "manifest.sqlite"
        findings = check(self._expectation(world, manifest), str(world.org), str(manifest), lambda _: None).lines()
        return findings + _chunks(world, run, manifest) + leftovers(world, run)

    def of_verification(self, world: World) -> list[str]:
        verified = world.do("verify")
        return [] if verified.code == 0 else [f"verify ended with {verified}"]

    def _expectation(self, world: World, manifest: pathlib.Path) -> Expectation:
        with _open(manifest) as database:
            (began,) = database.execute("SELECT created_at FROM run").fetchone()
        day = datetime.datetime.fromtimestamp(began / 1000, datetime.timezone.utc).date().isoformat()
        with self._lock:
            if day not in self._expected:
                users = set(Organisation(str(world.org)).users)
                self._expected[day] = Expectation(Account(self._account), world.work / "maps", users, day)
            return self._expected[day]


def leftovers(world: World, run: str) -> list[str]:
    """Files that no finished command leaves, and a run that somebody seems to work on."""
    found = []
    for path in sorted([*world.staging.rglob("*"), *world.keys.parent.rglob("*")]):
        if path.name.endswith(TEMPORARY):
            found.append(f"left over: {path.relative_to(world.work)}")
        # A run that never began has no end either.
        if path == world.staging / run / "lock" and path.stat().st_size:
            found.append("the lock still names an owner")
        if path.parent.name == "spill":
            found.append(f"left over: a spill file, {path.name}")
    return found


def _chunks(world: World, run: str, manifest: pathlib.Path) -> list[str]:
    """Every chunk has come to its end, and each file is that of a chunk."""
    found, files = [], {}
    with _open(manifest) as database:
        rows = database.execute("""
            SELECT streams.name, chunks.kind, sequence, state, stored_bytes FROM chunks
            JOIN streams ON streams.number = chunks.stream""").fetchall()
    for stream, kind, sequence, state, length in rows:
        name = f"{stream}-{kind}-{sequence:06}.ndjson.zst.age"
        if state not in FINAL_STATES.get(kind, set()):
            found.append(f"{name} is left {state}")
        if state in ("sealed", "spent"):
            files[name] = length
    present = {path.name: path.stat().st_size for path in (world.staging / run / "chunks").iterdir()}
    found += [f"{name} is a file of no chunk" for name in sorted(present.keys() - files.keys())]
    found += [f"{name} has no file" for name in sorted(files.keys() - present.keys())]
    found += [f"{name} has another length" for name in sorted(files.keys() & present.keys())
              if files[name] != present[name]]
    return found


def certified_too_early(world: World, run: str) -> list[str]:
    """A certificate may not lie there while a key does."""
    if not (world.staging / run / "certificate" / "certificate.sig").exists():
        return []
    return [f"a certificate while {path.relative_to(world.work)} exists" for path in _keys(world, run) if path.exists()]


def of_shredding(world: World, run: str, id_map_lines: int) -> list[str]:
    """What is wrong with a run that was shredded: certified, no key, no chunk, no log, and the id map is whole."""
    folder = world.staging / run
    found = [f"still there: {path.relative_to(world.work)}"
             for path in [*_keys(world, run), folder / "ring", folder / "chunks", folder / "spill"] if path.exists()]
    log = folder / "manifest.sqlite-wal"
    if log.exists() and log.stat().st_size:
        found.append("the manifest's log is not empty")
    phase = next(entry["phase"] for entry in world.runs() if entry["run"] == run)
    if phase != "certified":
        found.append(f"the run is {phase}")
    verified = world.do("certificate", "verify", str(folder / "certificate"))
    if verified.code != 0:
        found.append(f"certificate verify ended with {verified}")
    lines = count_lines(id_map(world, run))
    if lines != id_map_lines:
        found.append(f"the id map has {lines} lines instead of {id_map_lines}")
    return found + leftovers(world, run)


def id_map(world: World, run: str) -> pathlib.Path:
    return world.staging / f"{run}-report" / "id-map.csv"


def count_lines(path: pathlib.Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


def _keys(world: World, run: str) -> list[pathlib.Path]:
    return [world.keys / f"{run}.slot", world.staging / run / "ring" / "keys"]


class _open:
    """A database for reading, closed at the end."""

    def __init__(self, path: pathlib.Path):
        self._database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)

    def __enter__(self) -> sqlite3.Connection:
        return self._database

    def __exit__(self, *_) -> None:
        self._database.close()
