#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Takes away from the running program what it lives on: its run, its memory, its disk. Each time the run is then gone on
with, and its end is judged as in the sweep.
"""

import argparse
import os
import pathlib
import re
import signal
import sys
import tempfile
import time
import urllib.request

import memory
from attacks import DONE, go_on
from disk import command, unmount
from memory import MemoryCap
from sweep import ACCOUNT_SEED, ROOT
from verdict import Judge
from world import PIPELINE, Simulator, Stuck, World

COUNTS = "contacts=3000,companies=400,deals=600,notes=600"
#: A second owner is refused within this time, in seconds.
REFUSED_SECONDS_MAX = 1.0
#: A run of these records must pass below the first of these limits, in MiB; below the others it may be killed.
MEMORY_MIB, MEMORY_MIB_TIGHT = 96, (40, 28, 20)
#: Limits on addresses, in MiB, which count what threads and the allocator reserve and never touch: a run must pass with
#: the first ones, and is refused before it begins with the others.
ADDRESSES_MIB, ADDRESSES_MIB_TIGHT = (4096, 800), (400, 200)
#: Disks that are too small, in KiB, and the one that is not.
DISKS_KIB, DISK_KIB_ENOUGH = (128, 256, 384, 512, 640, 768, 896, 1024), 65536


class Limits:
    """The cases, each on a fresh world; what failed is collected."""

    def __init__(self, world: World, judge: Judge, account: Simulator):
        self._world, self._judge, self._account = world, judge, account
        self.failures: list[str] = []
        self.passed = 0

    def case(self, name: str, body, disk_kibibytes: int | None = None) -> None:
        """One case; with a staging disk of its own of that size, if one is given."""
        world, told, found = self._world, "", []
        world.reset("fresh", has_destination=True)
        if disk_kibibytes:
            world.staging.mkdir()
            command("mount", "-t", "tmpfs", "-o", f"size={disk_kibibytes}k", "tmpfs", world.staging)
        try:
            told, found = body(world)
            found = found or self._judge.of_verification(world) + self._judge.of_migration(world)
        except Stuck as stuck:
            found = [str(stuck)]
        finally:
            world.leave()
            self._faults("")
            if disk_kibibytes:
                unmount(world.staging)
        self.passed += not found
        self.failures += [f"{name}: {failure}" for failure in found]
        print(f"{'FAILED' if found else 'passed'}  {name}{': ' if told else ''}{told}", flush=True)

    def _faults(self, rules: str) -> None:
        urllib.request.urlopen(f"{self._account.url}/_simulator/faults", rules.encode(), timeout=30).close()

    # One owner

    def second_owner(self, world: World) -> tuple[str, list[str]]:
        """While one process works on a run, others are refused at once; after it was killed, the next one takes over."""
        self._faults("latency:200ms=1")
        owner, found, times = world.start("run", PIPELINE), [], []
        try:
            deadline = time.monotonic() + 60
            while not list(world.staging.glob("*/manifest.sqlite")) and time.monotonic() < deadline:
                time.sleep(0.02)
            for arguments in (("resume",), ("chunks", "retry"), ("issues", "retry", world.run)):
                began = time.monotonic()
                result = world.do(*arguments)
                times.append(time.monotonic() - began)
                if result.code != 74 or "MZ-STAGE-05" not in result.err or str(owner.pid) not in result.err:
                    found.append(f"a second '{' '.join(arguments)}' ended with {result}")
            if owner.poll() is not None:
                found.append("the first process ended before the others were tried")
        finally:
            owner.send_signal(signal.SIGKILL)
            owner.wait()
        self._faults("")
        if max(times) >= REFUSED_SECONDS_MAX:
            found.append(f"a second owner was refused after {max(times):.2f} s")
        taken = world.do("resume")
        if taken.code != DONE or f"process {owner.pid} left the run" not in taken.err:
            found.append(f"the run of a killed process was not taken over: {taken}")
        return f"refused in {', '.join(f'{seconds:.2f} s' for seconds in times)}; taken over from a killed one", found

    # Memory

    def memory(self, mebibytes: int, must_pass: bool):
        def body(world: World) -> tuple[str, list[str]]:
            with MemoryCap(mebibytes) as cap:
                result = world.do("run", PIPELINE, under=cap.under)
                peak = cap.peak_mebibytes
            return self._after(world, result, must_pass, f"at most {peak} MiB with its files in memory")
        return body

    def addresses(self, mebibytes: int, must_pass: bool):
        def body(world: World) -> tuple[str, list[str]]:
            result = world.do("run", PIPELINE, under=("prlimit", f"--as={mebibytes << 20}"))
            if must_pass:
                return self._after(world, result, must_pass, "")
            if result.code != 78 or "MZ-CFG-02" not in result.err or world.staging.exists():
                return "", [f"too few addresses ended with {result}"]
            return "refused before anything was begun", go_on(world)
        return body

    @staticmethod
    def _after(world: World, result, must_pass: bool, told: str) -> tuple[str, list[str]]:
        if result.code == DONE:
            return told, []
        how = f"killed by signal {-result.code}" if result.code < 0 else f"ended with {result.code}"
        return how, [f"the run {how}: {result}"] if must_pass else go_on(world)

    # Disk

    @staticmethod
    def full_disk(world: World) -> tuple[str, list[str]]:
        """The disk is too small, and grows: the run says so, and goes on."""
        full = world.do("run", PIPELINE)
        if full.code == DONE:
            return "was enough", []
        found = []
        if full.code != 74 or not re.search("MZ-(DISK|STAGE)", full.err):
            found.append(f"a full disk ended with {full}")
        command("mount", "-o", f"remount,size={DISK_KIB_ENOUGH}k", world.staging)
        return "full, then larger", found + go_on(world)


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/torture --limits", description=__doc__.splitlines()[0])
    parser.add_argument("--dir", type=pathlib.Path, help="work here; it must not exist")
    parser.add_argument("--binary", default=str(ROOT / ".build" / "release" / "migratez"), help="another build")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.dir or pathlib.Path(temporary)
        account = Simulator(options.binary, "hubspot", "--counts", COUNTS, "--seed", str(ACCOUNT_SEED))
        try:
            world = World(folder / "world", options.binary, account.url, ROOT / "pipelines")
            limits = Limits(world, Judge(account.url), account)
            skipped = attack(limits)
        finally:
            account.stop()
    print("\n".join(limits.failures))
    print(f"{limits.passed} passed, {len(limits.failures)} failed, {skipped} skipped")
    sys.exit(1 if limits.failures else 0)


def attack(limits: Limits) -> int:
    """All cases; how many could not be tried here."""
    skipped = 0
    limits.case("a second owner", limits.second_owner)
    for mebibytes in (*ADDRESSES_MIB, *ADDRESSES_MIB_TIGHT):
        limits.case(f"{mebibytes} MiB of addresses", limits.addresses(mebibytes, mebibytes in ADDRESSES_MIB))
    if why := memory.unable():
        print(f"skipped: {why}", flush=True)
        skipped += 1 + len(MEMORY_MIB_TIGHT)
    else:
        for mebibytes in (MEMORY_MIB, *MEMORY_MIB_TIGHT):
            limits.case(f"{mebibytes} MiB of memory", limits.memory(mebibytes, mebibytes == MEMORY_MIB))
    if os.geteuid() != 0:
        print("skipped: a disk of its own needs root", flush=True)
        skipped += len(DISKS_KIB)
    else:
        for kibibytes in DISKS_KIB:
            limits.case(f"a disk of {kibibytes} KiB", limits.full_disk, kibibytes)
    return skipped


if __name__ == "__main__":
    main()
