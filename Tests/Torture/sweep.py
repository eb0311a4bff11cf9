#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kills the real program at every k-th system call, fails its calls, and lets an independent checker look.

Prints one line for each point that failed, with the command that replays it alone, and a table; exits with 1 if any
did.
"""

import argparse
import collections
import contextlib
import itertools
import os
import pathlib
import queue
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time

import known_damage
import points
import verdict
from attacks import DONE, Outcome, carry_out
from points import Point, Strike
from verdict import Judge
from world import PIPELINE, Simulator, World

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
COUNTS = "contacts=200,companies=40,deals=60,notes=60"
ACCOUNT_SEED = 7


def prepare(world: World, judge: Judge) -> int:
    """Makes the states in which points begin; gives back how many lines the id map of an undisturbed run has."""
    # Keys and the audit log are renamed before there is a run.
    for number in itertools.count(1):
        world.reset("fresh", has_destination=True)
        begun = world.do("run", PIPELINE, strike=Strike("renameat", "*", number, "KILL"))
        if not begun.is_struck:
            raise SystemExit(f"the first run was not struck; it ended with {begun}")
        if world.runs():
            break
    world.keep("begun")
    world.reset("begun", has_destination=True)
    moved = world.do("resume")
    faults = [f"the run ended with {moved}"] if moved.code != DONE else []
    faults += judge.of_verification(world) + judge.of_migration(world)
    world.keep("moved")
    run = world.run
    confirmed = world.do("confirm", run, "--by", "torture")
    world.keep("confirmed")
    shredded = world.do("shred", run, "--yes-shred", run)
    lines = verdict.count_lines(verdict.id_map(world, run))
    faults += [f"a command ended with {result}" for result in (confirmed, shredded) if result.code != 0]
    faults += verdict.of_shredding(world, run, lines) + ([] if lines > 1 else ["the id map is empty"])
    if faults:
        raise SystemExit("what nobody disturbed is not right: " + "; ".join(faults))
    return lines


def profiles(world: World) -> dict[str, points.Profile]:
    """By which calls each attacked command does its work."""
    found = {}
    for attack, state, command in (
            ("begin", "fresh", ["run", PIPELINE]), ("move", "begun", ["resume"]),
            ("confirm", "moved", ["confirm", "RUN", "--by", "torture"]),
            ("shred", "confirmed", ["shred", "RUN", "--yes-shred", "RUN"])):
        world.reset(state, has_destination=attack in ("begin", "move"))
        run = world.run if "RUN" in command else ""
        found[attack] = world.profile(*[run if word == "RUN" else word for word in command])
    world.leave()
    return found


class Sweep:
    """Points spread over some worlds, each in a thread of its own."""

    def __init__(self, worlds: list[World], judge: Judge, id_map_lines: int):
        self._worlds, self._judge, self._lines = worlds, judge, id_map_lines
        self._lock, self._began = threading.Lock(), time.monotonic()
        self.outcomes: dict[Point, Outcome] = {}

    def run(self, chosen: list[Point]) -> None:
        waiting: queue.SimpleQueue = queue.SimpleQueue()
        for point in chosen:
            waiting.put(point)
        threads = [threading.Thread(target=self._work, args=(world, waiting, len(chosen))) for world in self._worlds]
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                thread.join()
        except KeyboardInterrupt:
            with contextlib.suppress(queue.Empty):
                while True:
                    waiting.get_nowait()
            print("torture: interrupted; what is under way is finished", file=sys.stderr, flush=True)
            for thread in threads:
                thread.join()

    def _work(self, world: World, waiting: queue.SimpleQueue, count: int) -> None:
        while True:
            try:
                point = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                outcome = carry_out(point, world, self._judge, self._lines)
            except (Exception, SystemExit) as error:
                outcome = Outcome(is_reached=True, failures=[f"the harness gave up: {error!r}"])
            with self._lock:
                self.outcomes[point] = outcome
                if outcome.failures:
                    print(f"FAILED {point}: {'; '.join(outcome.failures[:6])}\n"
                          f"       replay: scripts/torture --sweep --only '{point}'", flush=True)
                if len(self.outcomes) % 100 == 0:
                    print(f"torture: {len(self.outcomes)} of {count} points, "
                          f"{time.monotonic() - self._began:.0f} s", file=sys.stderr, flush=True)


def table(outcomes: dict[Point, Outcome]) -> list[str]:
    rows: dict[tuple[str, str], collections.Counter] = collections.defaultdict(collections.Counter)
    for point, outcome in outcomes.items():
        for key in ((point.attack, point.strikes[-1].call), ("all", "")):
            rows[key].update(
                points=1, reached=outcome.is_reached, killed=outcome.is_killed,
                recovered=outcome.is_reached and not outcome.failures, failures=bool(outcome.failures))
    columns = ["points", "reached", "killed", "recovered", "failures"]
    lines = [f"{'attack':<9}{'call':<11}" + "".join(f"{column:>11}" for column in columns)]
    for (attack, call), row in sorted(rows.items(), key=lambda item: (item[0][0] == "all", item[0])):
        lines.append(f"{attack:<9}{call:<11}" + "".join(f"{row[column]:>11}" for column in columns))
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/torture --sweep", description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, help="so many points, drawn from the seed; without it, all of them")
    parser.add_argument("--calls", help="only strikes at these calls, such as fsync,renameat")
    parser.add_argument("--attacks", help=f"only these of {','.join(points.SHARES)}")
    parser.add_argument("--seed", type=int, default=1, help="which points are drawn (default: 1)")
    parser.add_argument("--only", help="this point alone, as a failure names it")
    parser.add_argument("--dir", type=pathlib.Path, help="work here and leave the worlds as they are")
    parser.add_argument("--binary", default=str(ROOT / ".build" / "release" / "migratez"), help="another build")
    parser.add_argument("--jobs", type=int, default=3, help="worlds at once; most of a point is waiting (default: 3)")
    options = parser.parse_args()
    calls = set(options.calls.split(",")) if options.calls else set(points.CALLS)
    if calls - set(points.CALLS):
        parser.error(f"--calls are some of {','.join(points.CALLS)}")
    attacks = set(options.attacks.split(",")) if options.attacks else set(points.SHARES)
    if attacks - set(points.SHARES):
        parser.error(f"--attacks are some of {','.join(points.SHARES)}")
    only = Point.parse(options.only) if options.only else None
    # Ended from outside, the sweep still finishes its points and stops what it started.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # The program makes itself unreadable for others, its files in /proc with it: strace sees them as root only.
    if os.geteuid() != 0 or subprocess.run(["strace", "-qqq", "-o", "/dev/null", "true"]).returncode != 0:
        print("torture: needs root and the right to trace processes", file=sys.stderr)
        sys.exit(78)
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.dir or pathlib.Path(temporary)
        account = Simulator(options.binary, "hubspot", "--counts", COUNTS, "--seed", str(ACCOUNT_SEED))
        worlds = [World(folder / f"world-{number}", options.binary, account.url, ROOT / "pipelines")
                  for number in range(1 if only else options.jobs)]
        try:
            sys.exit(_sweep(options, calls, attacks, only, worlds, Judge(account.url)))
        finally:
            for world in worlds:
                world.leave()
            account.stop()


def _sweep(options, calls: set[str], attacks: set[str], only: Point | None, worlds: list[World], judge: Judge) -> int:
    lines = 0
    for world in worlds:
        lines = prepare(world, judge)
    found = profiles(worlds[0])
    for world in worlds:
        world.expects(found["move"].files())
    print(f"torture: seed {options.seed}, {COUNTS}", flush=True)
    missed = known_damage.blind_spots(worlds[0], judge, lines)
    chosen = [only] if only else [
        point for point in points.every_point(found, options.seed)
        if point.attack in attacks and point.strikes[-1].call in calls]
    if options.points and not only:
        chosen = points.sample(chosen, options.points, options.seed)
    # In no order, so that what was seen of a sweep that is ended early is a fair part of it.
    random.Random(options.seed).shuffle(chosen)
    sweep = Sweep(worlds, judge, lines)
    sweep.run(chosen)
    print("\n".join(table(sweep.outcomes) + missed))
    done = len(sweep.outcomes)
    reached = sum(outcome.is_reached for outcome in sweep.outcomes.values())
    failed = sum(bool(outcome.failures) for outcome in sweep.outcomes.values())
    # Strikes that do not strike prove nothing.
    if reached * 2 < done or not done:
        missed.append("fewer than half of the points were reached")
        print(missed[-1])
    print(f"{reached - failed} passed, {failed + len(missed)} failed, {len(chosen) - reached} skipped")
    return 1 if failed or missed else 0


if __name__ == "__main__":
    main()
