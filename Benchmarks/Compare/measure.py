# SPDX-License-Identifier: Apache-2.0
"""Runs contestants in turn, each several times, and keeps what each run cost."""

import dataclasses
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable


class Wrong(Exception):
    """A contestant ended without having done the work; what it cost means nothing."""


@dataclasses.dataclass
class Variant:
    """One contestant of a stage.

    `prepare` fills the empty folder that each run gets and is not measured. `check` looks at what came out (the folder
    and the standard output) and returns details to keep; it raises `Wrong` where the work was not done.
    """
    name: str
    kind: str  # migratez | peer | limit
    command: Callable[[pathlib.Path], list[str]]
    check: Callable[[pathlib.Path, str], dict]
    prepare: Callable[[pathlib.Path], None] = lambda folder: None
    environment: dict[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class Run:
    wall: float
    cpu: float
    peak_bytes: int
    details: dict


@dataclasses.dataclass
class Result:
    variant: Variant
    runs: list[Run]
    failure: str | None = None

    def median(self, value: Callable[[Run], float]) -> float:
        return statistics.median(value(run) for run in self.runs)

    @property
    def wall(self) -> float:
        return self.median(lambda run: run.wall)

    @property
    def cpu(self) -> float:
        return self.median(lambda run: run.cpu)

    @property
    def peak_bytes(self) -> float:
        return self.median(lambda run: run.peak_bytes)

    def less(self, part: "Result", name: str) -> "Result":
        """What this one does that `part` does not, turn by turn; the peak is the whole's."""
        runs = [
            Run(whole.wall - less.wall, whole.cpu - less.cpu, whole.peak_bytes, {})
            for whole, less in zip(self.runs, part.runs)]
        return Result(dataclasses.replace(self.variant, name=name, kind="difference"), runs)


def alternate(variants: list[Variant], repeat: int, folder: pathlib.Path) -> list[Result]:
    """Every variant once, then every variant again: what else the machine does meets all of them alike.

    A peer that fails is left out from then on, with its reason; anything else that fails ends the measurement.
    """
    results = [Result(variant, []) for variant in variants]
    for turn in range(repeat):
        for result in results:
            if result.failure:
                continue
            try:
                result.runs.append(_run(result.variant, folder))
            except Wrong as error:
                if result.variant.kind != "peer":
                    raise
                result.failure = str(error)
                print(f"bench: {result.variant.name} is left out: {error}", file=sys.stderr)
                continue
            run = result.runs[-1]
            print(
                f"bench: {turn + 1}/{repeat} {result.variant.name}: wall {run.wall:.2f} s, CPU {run.cpu:.2f} s,"
                f" peak {run.peak_bytes / 2**20:.0f} MiB", file=sys.stderr)
    return results


def _run(variant: Variant, base: pathlib.Path) -> Run:
    folder = base / "run"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    variant.prepare(folder)
    with open(base / "stdout", "w+") as output, open(base / "stderr", "w+") as errors:
        start = time.monotonic()
        process = subprocess.Popen(
            # time(1) tells the peak: seen from here it would be at least that of this interpreter, which forks.
            ["/usr/bin/time", "--format", "%M", "--output", str(base / "peak"), *variant.command(folder)],
            cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=errors,
            env=dict(os.environ, **variant.environment), start_new_session=True)
        try:
            # wait4 counts this process and those that it waited for itself, and nothing else on the machine.
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            # Interrupted: the contestant goes, too, and so does what it started.
            os.killpg(process.pid, signal.SIGKILL)
            raise
        wall = time.monotonic() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        if process.returncode:
            raise Wrong(f"exit {process.returncode}: {errors.read()[-2000:].strip()}")
        details = variant.check(folder, output.read())
    shutil.rmtree(folder)
    peak_bytes = int((base / "peak").read_text()) * 1024
    return Run(wall, usage.ru_utime + usage.ru_stime, peak_bytes, details)
