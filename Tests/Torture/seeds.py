#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs simulated migrations by their seeds, a range of seeds to a process; what a seed finds is in SimulationTests.

A seed takes the same course each time: a failure prints the command that runs it again.
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
TEST = "SimulationTests.*(lose nothing|same course)"
#: A seed takes a fifth of a second; on a busy machine some times that.
SECONDS_MAX_PER_SEED = 5
SUMMARY = re.compile(r"^(\d+) seeds: (\d+) sessions, (\d+) steps, (\d+) ends, (\d+) failed calls$", re.MULTILINE)
FAILED = re.compile(
    r"Expectation failed: \(report\.findings → (.*)\)\.isEmpty.*\n.*?scripts/torture --seeds 1 --seed (\d+)")
TRAPPED = re.compile(r"seed \d+: every task waits for another one")


def start(binary: pathlib.Path, first: int, count: int) -> subprocess.Popen:
    environment = os.environ | {
        "MIGRATEZ_SEED": str(first), "MIGRATEZ_SEEDS": str(count), "NO_COLOR": "1", "SWIFT_BACKTRACE": "enable=no",
        # Sets and dictionaries have their order from the process otherwise.
        "SWIFT_DETERMINISTIC_HASHING": "1",
    }
    command = [str(binary), "--testing-library", "swift-testing", "--no-parallel", "--filter", TEST]
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, encoding="utf-8", errors="replace")


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/torture", description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, required=True, help="how many")
    parser.add_argument("--seed", type=int, default=1, help="the first one")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes at once")
    options = parser.parse_args()
    if options.seeds < 1 or options.jobs < 1:
        parser.error("both numbers are at least 1")
    subprocess.run(["swift", "build", "--build-tests", "--package-path", str(ROOT)], check=True,
                   stdout=subprocess.DEVNULL)
    binary = next((ROOT / ".build" / "debug").glob("*PackageTests.xctest"))
    jobs = min(options.jobs, options.seeds)
    bounds = [options.seed + options.seeds * job // jobs for job in range(jobs + 1)]
    running = [start(binary, first, last - first) for first, last in zip(bounds, bounds[1:])]
    totals, failures = [0] * 5, []
    for process in running:
        try:
            output, _ = process.communicate(timeout=60 + SECONDS_MAX_PER_SEED * options.seeds)
        except subprocess.TimeoutExpired:
            process.kill()
            output, _ = process.communicate()
            failures.append("a process did not end")
        found = [f"seed {seed}: {findings}\n  scripts/torture --seeds 1 --seed {seed}"
                 for findings, seed in FAILED.findall(output)]
        failures += found
        summary = SUMMARY.search(output)
        if summary and (found or process.returncode == 0):
            totals = [total + int(count) for total, count in zip(totals, summary.groups())]
        else:
            trap = TRAPPED.search(output)
            failures.append(trap[0] if trap else f"a process ended with {process.returncode}:\n{output[-2000:]}")
    print("\n".join(failures + ["{} seeds: {} sessions, {} steps, {} ends, {} failed calls".format(*totals)]))
    print(f"{options.seeds - len(failures)} passed, {len(failures)} failed")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
