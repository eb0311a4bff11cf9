# SPDX-License-Identifier: Apache-2.0
"""The tables and the JSON document of a measurement."""

import os
import pathlib
import platform

from contest import Bench
from measure import Result


def machine() -> dict:
    """What was measured on, and how busy it was before: nothing is comparable without it."""
    processor = next(
        (line.split(":")[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
         if line.startswith("model name")), platform.machine())
    return {
        "processor": processor, "cores": len(os.sched_getaffinity(0)), "kernel": platform.release(),
        "load_before": round(os.getloadavg()[0], 2),
    }


def markdown(bench: Bench, machine: dict, repeat: int, results: dict[str, list[Result]], stages: dict) -> str:
    lines = [
        f"{bench.records:,} contacts, {bench.bytes / bench.records:.0f} bytes each on the wire; medians of {repeat};"
        f" {machine['cores']} cores ({machine['processor']}), load {machine['load_before']} before.",
        "",
        "CPU is user and system time of the contestant alone, in seconds for a million records. The last two columns say"
        " how many times Migratez's CPU and that of the component limit it takes.",
    ]
    for name, found in results.items():
        stage = stages[name]
        lines += ["", f"## {stage.TITLE}", ""] + _table(bench, stage, found)
        if any("seconds" in run.details for result in found for run in result.runs):
            lines += ["", "What the parts of the limit cost:", ""] + _parts(bench, found)
    return "\n".join(lines) + "\n"


def _table(bench: Bench, stage, found: list[Result]) -> list[str]:
    measured = [result for result in found if result.runs and not result.failure]
    own = next((result.cpu for result in measured if result.variant.kind == "migratez"), None)
    limit = next((result.cpu for result in measured if result.variant.name == stage.LIMIT), None)
    lines = [
        "| | CPU s/M | wall s | records/s | MB/s | peak MiB | × Migratez | × limit |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for result in found:
        if result not in measured:
            lines.append(f"| {result.variant.name} | failed | | | | | | |")
            continue
        lines.append(
            f"| {result.variant.name} | {per_million(result.cpu, bench):.2f} | {result.wall:.2f}"
            f" | {bench.records / result.wall:,.0f} | {bench.bytes / result.wall / 1e6:,.0f}"
            f" | {result.peak_bytes / 2**20:.0f} | {_ratio(result.cpu, own)} | {_ratio(result.cpu, limit)} |")
    return lines


def _parts(bench: Bench, found: list[Result]) -> list[str]:
    limits = [result for result in found if result.runs and "seconds" in result.runs[0].details]
    parts = list(limits[0].runs[0].details["seconds"])
    lines = ["| CPU s/M | " + " | ".join(parts) + " | sum |", "|---" * (len(parts) + 2) + "|"]
    for result in limits:
        seconds = [per_million(result.median(lambda run: run.details["seconds"][part]), bench) for part in parts]
        lines.append(f"| {result.variant.name} | " + " | ".join(f"{s:.2f}" for s in [*seconds, sum(seconds)]) + " |")
    return lines


def document(bench: Bench, machine: dict, repeat: int, results: dict[str, list[Result]]) -> dict:
    return {
        "records": bench.records, "bytes": bench.bytes, "repeat": repeat, "machine": machine,
        "stages": {
            name: [
                {
                    "name": result.variant.name, "kind": result.variant.kind, "failure": result.failure,
                    "runs": [
                        {"wall": run.wall, "cpu": run.cpu, "peak_bytes": run.peak_bytes, **run.details}
                        for run in result.runs],
                }
                for result in found]
            for name, found in results.items()},
    }


def per_million(seconds: float, bench: Bench) -> float:
    return seconds * 1e6 / bench.records


def _ratio(value: float, to: float | None) -> str:
    return f"{value / to:.2f}" if to else ""
