#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs simulated migrations by their seeds, a range of seeds to a process; what a seed finds is in SimulationTests.

A seed takes the same course each time: a failure prints the command that runs it again.
"""

import argparse
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
TEST, TEST_OF_COURSE = "SimulationTests.*lose nothing", "SimulationTests.*(lose nothing|same course)"
#: A process takes so many seeds at most: some twenty seconds, which no busy machine stretches to the tests' own limit.
PORTION = 100
PORTION_SECONDS_MAX = 1800
SUMMARY = re.compile(r"^(\d+) seeds: (\d+) sessions, (\d+) steps, (\d+) ends, (\d+) failed calls$", re.MULTILINE)
FAILED = re.compile(
    r"Expectation failed: \(report\.findings → (.*)\)\.isEmpty.*\n.*?scripts/torture --seeds 1 --seed (\d+)")
TRAPPED = re.compile(r"seed \d+: every task waits for another one")


def run(binary: pathlib.Path, seeds: range, test: str) -> tuple[list[int], list[str]]:
    """The counts that the process told, and what failed."""
    environment = os.environ | {
        "MIGRATEZ_SEED": str(seeds.start), "MIGRATEZ_SEEDS": str(len(seeds)), "NO_COLOR": "1",
        "SWIFT_BACKTRACE": "enable=no",
        # Sets and dictionaries have their order from the process otherwise.
        "SWIFT_DETERMINISTIC_HASHING": "1",
    }
    command = [str(binary), "--testing-library", "swift-testing", "--no-parallel", "--filter", test]
    name = f"seeds {seeds.start} to {seeds.stop - 1}"
    try:
        process = subprocess.run(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT, encoding="utf-8", errors="replace",
                                 timeout=PORTION_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        return [0] * 5, [f"{name} did not end within {PORTION_SECONDS_MAX} s"]
    failures = [f"seed {seed}: {findings}\n  scripts/torture --seeds 1 --seed {seed}"
                for findings, seed in FAILED.findall(process.stdout)]
    summary = SUMMARY.search(process.stdout)
    if summary and (failures or process.returncode == 0):
        return [int(count) for count in summary.groups()], failures
    trap = TRAPPED.search(process.stdout)
    return [0] * 5, failures + [trap[0] if trap else f"{name} ended with {process.returncode}:\n{process.stdout[-2000:]}"]


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
    end, portion = options.seed + options.seeds, min(PORTION, -(-options.seeds // options.jobs))
    portions = [range(first, min(first + portion, end)) for first in range(options.seed, end, portion)]
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        outcomes = list(pool.map(
            lambda seeds: run(binary, seeds, TEST_OF_COURSE if seeds is portions[0] else TEST), portions))
    totals = [sum(column) for column in zip(*(counts for counts, _ in outcomes))]
    failures = [failure for _, failures in outcomes for failure in failures]
    print("\n".join(failures + ["{} seeds: {} sessions, {} steps, {} ends, {} failed calls".format(*totals)]))
    print(f"{options.seeds - len(failures)} passed, {len(failures)} failed")
    sys.exit(1 if failures or totals[0] != options.seeds else 0)


if __name__ == "__main__":
    main()
