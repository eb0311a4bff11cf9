# SPDX-License-Identifier: Apache-2.0
"""How each kind of point is carried out: the strike, what its operator does then, and what must hold in the end."""

import dataclasses
import re

import verdict
from points import Point, Strike
from verdict import Judge
from world import PIPELINE, Result, Stuck, World

#: Some records of the account cannot be moved, on purpose.
DONE = 3
#: What a command may say when a call failed under it: the other side is out of reach, or the local disk failed.
FAILED = {69: "MZ-NET", 74: "MZ-(DISK|STAGE)"}
#: The same for a file that its user wrote: the pipeline, a map.
FAILED_TO_READ = {65: "MZ-CFG", 78: "MZ-CFG"}
#: In which state of the world each attack begins, and whether the destination is asked for anything.
STATES = {"begin": ("fresh", True), "move": ("begun", True), "recover": ("begun", True), "fail": ("begun", True),
          "confirm": ("moved", False), "shred": ("confirmed", False)}


@dataclasses.dataclass
class Outcome:
    """What became of one point."""

    is_reached: bool = False
    is_killed: bool = False
    failures: list[str] = dataclasses.field(default_factory=list)


def carry_out(point: Point, world: World, judge: Judge, id_map_lines: int, damage=None) -> Outcome:
    """One point from its state to the verdict. `damage` spoils the world before the verdict, as controls do."""
    outcome = Outcome()
    try:
        world.reset(*STATES[point.attack])
        run = None if point.attack == "begin" else world.run
        _strike(point, world, run, outcome)
        if outcome.failures or not outcome.is_reached:
            return outcome
        if point.attack in ("confirm", "shred"):
            outcome.failures += verdict.certified_too_early(world, run)
            outcome.failures += _end(world, run)
            if damage:
                damage(world)
            outcome.failures += verdict.of_shredding(world, run, id_map_lines)
        else:
            outcome.failures += go_on(world)
            if outcome.failures:
                return outcome
            outcome.failures += judge.of_verification(world)
            if damage:
                damage(world)
            outcome.failures += judge.of_migration(world)
    except Stuck as stuck:
        outcome.failures.append(str(stuck))
    finally:
        world.leave()
    return outcome


def _strike(point: Point, world: World, run: str | None, outcome: Outcome) -> None:
    for strike in point.strikes:
        result = world.do(*_command(point.attack, run), strike=strike)
        # A point is reached with its last strike.
        outcome.is_reached, outcome.is_killed = result.is_struck, result.is_struck and strike.is_kill
        if not outcome.is_killed:
            outcome.failures += _ending(result, strike, DONE if point.attack not in ("confirm", "shred") else 0)
        if not result.is_struck:
            return


def _command(attack: str, run: str | None) -> list[str]:
    match attack:
        case "begin": return ["run", PIPELINE]
        case "confirm": return ["confirm", run, "--by", "torture"]
        case "shred": return ["shred", run, "--yes-shred", run]
        case _: return ["resume"]


def _ending(result: Result, strike: Strike, done: int) -> list[str]:
    """A command that was not killed either went on to its end or said by name what failed, with the right exit code."""
    if result.code == done:
        return []
    allowed = FAILED if strike.file.startswith(("staging/", "state/", "*")) else FAILED_TO_READ
    code = allowed.get(result.code) if result.is_struck and not strike.is_kill else None
    if code is None:
        return [f"the command ended with {result}"]
    return [] if re.search(code + r"-\d\d", result.err) else [f"it gave no code of {code}: {result}"]


def go_on(world: World) -> list[str]:
    """What an operator does: `resume`; and if there is no run yet, begin it again."""
    resumed = world.do("resume")
    if resumed.code == 1 and "MZ-CFG-06" in resumed.err:
        resumed = world.do("run", PIPELINE)
    return [] if resumed.code == DONE else [f"going on ended with {resumed}"]


def _end(world: World, run: str) -> list[str]:
    """Both steps again, whichever was cut off."""
    found = []
    for command in (_command("confirm", run), _command("shred", run)):
        phase = next(entry["phase"] for entry in world.runs() if entry["run"] == run)
        # Confirming is over once the shredding has begun.
        if command[0] == "confirm" and phase not in ("verified", "confirmed"):
            continue
        result = world.do(*command)
        if result.code != 0:
            found.append(f"{command[0]} ended with {result}")
    return found
