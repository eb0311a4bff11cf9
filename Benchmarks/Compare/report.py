# SPDX-License-Identifier: Apache-2.0
"""The tables and the JSON document of a measurement."""

import os
import pathlib
import platform

from contest import Bench, Stage
from measure import Result

Measured = list[tuple[Stage, list[Result]]]


def machine() -> dict:
    """What was measured on, and how busy it was before: nothing is comparable without it."""
    processor = next(
        (line.split(":")[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
         if line.startswith("model name")), platform.machine())
    return {
        "processor": processor, "cores": len(os.sched_getaffinity(0)), "kernel": platform.release(),
        "load_before": round(os.getloadavg()[0], 2),
    }


def markdown(bench: Bench, machine: dict, repeat: int, measured: Measured) -> str:
    sent = ", sent with gzip" if bench.compressed else ""
    lines = [
        f"{bench.records:,} records of {bench.bytes / bench.records:.0f} bytes{sent}; medians of {repeat};"
        f" {machine['cores']} cores ({machine['processor']}), load {machine['load_before']} before.",
        "",
        "CPU is user and system time of the contestant alone, in seconds for a million. The last columns say how many"
        " times the CPU of Migratez, and of the component limit, a row takes.",
    ]
    for stage, results in measured:
        lines += ["", f"## {stage.title}", ""] + _table(stage, results)
        limits = [result for result in results if result.runs and "seconds" in result.runs[0].details]
        if limits:
            lines += ["", "What the parts of the limit cost:", ""] + _parts(stage, limits)
    return "\n".join(lines) + "\n"


def _table(stage: Stage, results: list[Result]) -> list[str]:
    done = {result.variant.name: result for result in results if not result.failure}
    for name, whole, part in stage.differences:
        done[name] = done[whole].less(done[part], name)
    own, limit = done[stage.own].cpu, done[stage.limit].cpu if stage.limit else None
    columns = ["", "CPU s/M", "wall s", "a second"]
    columns += ["MB/s"] if stage.bytes else []
    columns += ["peak MiB", f"× {stage.own_label}"] + (["× limit"] if limit else [])
    lines = [_row(columns), "|---" * len(columns) + "|"]
    for name, result in done.items():
        cells = [name, f"{result.cpu * 1e6 / stage.units:.2f}", f"{result.wall:.2f}"]
        cells += [f"{stage.units / result.wall:,.0f}"]
        cells += [f"{stage.bytes / result.wall / 1e6:,.0f}"] if stage.bytes else []
        cells += [f"{result.peak_bytes / 2**20:.0f}", f"{result.cpu / own:.2f}"]
        lines.append(_row(cells + ([f"{result.cpu / limit:.2f}"] if limit else [])))
    for result in results:
        if result.failure:
            lines.append(_row([result.variant.name, "failed"] + [""] * (len(columns) - 2)))
    return lines


def _parts(stage: Stage, limits: list[Result]) -> list[str]:
    parts = list(limits[0].runs[0].details["seconds"])
    lines = [_row(["CPU s/M", *parts, "sum"]), "|---" * (len(parts) + 2) + "|"]
    for result in limits:
        seconds = [result.median(lambda run: run.details["seconds"][part]) * 1e6 / stage.units for part in parts]
        lines.append(_row([result.variant.name, *(f"{value:.2f}" for value in [*seconds, sum(seconds)])]))
    return lines


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def document(bench: Bench, machine: dict, repeat: int, measured: Measured) -> dict:
    return {
        "records": bench.records, "bytes": bench.bytes, "gzip": bench.compressed, "repeat": repeat, "machine": machine,
        "stages": [
            {
                "title": stage.title, "units": stage.units,
                "results": [
                    {
                        "name": result.variant.name, "kind": result.variant.kind, "failure": result.failure,
                        "runs": [
                            {"wall": run.wall, "cpu": run.cpu, "peak_bytes": run.peak_bytes, **run.details}
                            for run in result.runs],
                    }
                    for result in results],
            }
            for stage, results in measured],
    }
