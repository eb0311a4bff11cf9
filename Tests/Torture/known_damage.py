# SPDX-License-Identifier: Apache-2.0
"""Controls that must fail: damage done just before the verdict, and points that cannot be reached."""

import contextlib
import pathlib
import sqlite3

from attacks import carry_out
from points import Point
from verdict import Judge
from world import World

#: A point that is always reached: the first fsync of the chunks' folder.
MOVE = "move:fsync:staging/RUN/chunks:1:KILL"
SHRED = "shred:fsync:staging/RUN/chunks:1:KILL"


def blind_spots(world: World, judge: Judge, id_map_lines: int) -> list[str]:
    """What the harness did not see although it was there; each control is a whole point, killed and resumed."""
    missed = []
    for title, point, damage, word in _CONTROLS:
        outcome = carry_out(Point.parse(point), world, judge, id_map_lines, damage)
        if not outcome.is_reached:
            missed.append(f"control '{title}' was not reached")
        elif not any(word in failure for failure in outcome.failures):
            missed.append(f"control '{title}' was not noticed: {outcome.failures or 'no failures'}")
    far = Point.parse("move:fsync:staging/RUN/chunks:1000000:KILL")
    if carry_out(far, world, judge, id_map_lines).is_reached:
        missed.append("a call that is never made counts as reached")
    return missed


def _destination(statement: str):
    return lambda world: _execute(world.org, statement)


def _manifest(statement: str):
    return lambda world: _execute(world.staging / world.run / "manifest.sqlite", statement)


def _execute(path: pathlib.Path, statement: str) -> None:
    """Changes one row, whatever the database's own guards say: they are taken away first."""
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        guards = database.execute("""
            SELECT type, name FROM sqlite_master WHERE type = 'trigger' OR type = 'index' AND sql LIKE '%UNIQUE%'""")
        for kind, name in guards.fetchall():
            database.execute(f'DROP {kind} "{name}"')
        if database.execute(statement).rowcount != 1:
            raise SystemExit(f"a control found nothing to damage in {path.name}")


def _plant(path: str):
    def damage(world: World) -> None:
        file = world.work / path.replace("RUN", world.run)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x")
    return damage


_CONTROLS = [
    ("a record is lost", MOVE, _destination("DELETE FROM Contact WHERE n = (SELECT max(n) FROM Contact)"), "missing"),
    ("a record is there twice", MOVE, _destination("""
        INSERT INTO Account (Name, IsDeleted, Migratez_Id__c)
        SELECT Name, 0, Migratez_Id__c FROM Account WHERE n = (SELECT min(n) FROM Account)"""), "doubled"),
    ("a chunk is left half-way", MOVE, _manifest("""
        UPDATE chunks SET state = 'leased' WHERE id = (SELECT max(id) FROM chunks WHERE state = 'spent')"""), "leased"),
    ("a temporary file is left", MOVE, _plant("staging/RUN/chunks/contact-raw-000009.ndjson.zst.age.1.writing"),
     "left over"),
    ("a chunk comes back", SHRED, _plant("staging/RUN/chunks/contact-raw-000009.ndjson.zst.age"), "still there"),
    ("a key comes back", SHRED, _plant("state/migratez/keys/RUN.slot"), "still there"),
]
