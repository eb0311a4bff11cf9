# SPDX-License-Identifier: Apache-2.0
"""What the stages share: the data, the program, and how each kind of contestant is started and checked."""

import dataclasses
import json
import os
import pathlib
import shutil
import subprocess
import sys

from measure import Variant, Wrong

HERE = pathlib.Path(__file__).resolve().parent


@dataclasses.dataclass(frozen=True)
class Bench:
    program: pathlib.Path
    #: What is kept from one measurement to the next: data, compiled parts.
    built: pathlib.Path
    data: pathlib.Path
    records: int
    bytes: int
    people: int
    peers: bool
    compressed: bool
    #: This stage's own folder, gone afterwards.
    folder: pathlib.Path
    #: Of the records, where they are not contacts.
    shape: str

    def python(self, environment: str) -> pathlib.Path:
        return self.built.parent / environment / "bin/python"


@dataclasses.dataclass(frozen=True)
class Stage:
    """What a stage's table needs to know beside its results."""
    title: str
    #: The row that the others are compared with, and what the column calls it.
    own: str
    own_label: str
    #: What there is a million of in "CPU s/M", and how many bytes of it (`None`: no sensible number).
    units: int
    bytes: int | None
    #: The row that stands for what the parts cost at least.
    limit: str | None = None
    #: Rows that are one row less another: name, whole, part.
    differences: list[tuple[str, str, str]] = dataclasses.field(default_factory=list)


def compiled(bench: Bench, name: str, sources: list[str], libraries: list[str]) -> pathlib.Path:
    """A C program of Benchmarks/Components, compiled when a source has changed."""
    components = HERE.parent / "Components"
    program = bench.built / name
    newest = max(path.stat().st_mtime for path in components.iterdir())
    if not program.exists() or program.stat().st_mtime < newest:
        subprocess.run(
            ["cc", "-O3", "-std=gnu17", "-Wall", "-Wextra", "-Werror", "-o", str(program)]
            + [str(components / source) for source in sources] + [f"-l{library}" for library in libraries], check=True)
    return program


def expect(what: str, found, wanted) -> None:
    if found != wanted:
        raise Wrong(f"{what}: {found}, not {wanted}")


def last_line(output: str) -> dict:
    """The last line of what a contestant printed, JSON."""
    lines = output.strip().splitlines()
    if not lines:
        raise Wrong("it printed nothing")
    try:
        return json.loads(lines[-1])
    except ValueError:
        raise Wrong("its last line is not JSON") from None


class Migratez:
    """The program in a folder that each of its runs finds as it was left by the stage before."""

    def __init__(self, bench: Bench, pipeline: pathlib.Path, environment: dict[str, str]):
        self.bench, self.pipeline, self.environment = bench, pipeline, environment

    def variant(self, name: str, verb: str, counts: dict[str, int], after: tuple[str, ...] = ()) -> Variant:
        """`verb` is measured, after the stages `after`; its summary has to hold `counts`."""
        def prepare(folder: pathlib.Path) -> None:
            shutil.copy(self.pipeline, folder / "pipeline.yaml")
            for stage in after:
                done = subprocess.run(
                    self._command(stage), cwd=folder, env=dict(os.environ, **self._own(folder)),
                    stdin=subprocess.DEVNULL, capture_output=True, text=True)
                if done.returncode:
                    raise Wrong(f"{stage}: exit {done.returncode}: {done.stderr.strip()}")

        def check(folder: pathlib.Path, output: str) -> dict:
            summary = last_line(output)
            for key, wanted in counts.items():
                expect(f"migratez {verb}: {key}", summary.get(key), wanted)
            return {}

        own = self._own(self.bench.folder / "run")
        return Variant(name, "migratez", lambda folder: self._command(verb), check, prepare, own)

    def _command(self, verb: str) -> list[str]:
        target = ["pipeline.yaml"] if verb == "extract" else []
        return [str(self.bench.program), verb, *target, "--json", "--progress", "none"]

    def _own(self, folder: pathlib.Path) -> dict[str, str]:
        return {"XDG_STATE_HOME": str(folder / "state"), "EXPORT_DIR": str(folder / "export"), **self.environment}


def peer(
    bench: Bench, name: str, script: str, modules: list[str], arguments: list[str], counts: dict,
    environment: str = "bench-venv",
) -> list[Variant]:
    """A script of `peers/` as a contestant; none where a module that it needs is not installed, which is said."""
    python = bench.python(environment)
    for module in modules:
        if not python.exists() or subprocess.run([str(python), "-c", f"import {module}"], capture_output=True).returncode:
            return _left_out(name, module)
    return [_peer(name, [str(python), str(HERE / "peers" / script), *arguments], counts)]


def shell_peer(name: str, script: str, programs: list[str], arguments: list[str], counts: dict) -> list[Variant]:
    """The same for a shell script."""
    for program in programs:
        if not shutil.which(program):
            return _left_out(name, program)
    return [_peer(name, [str(HERE / "peers" / script), *arguments], counts)]


def _left_out(name: str, missing: str) -> list[Variant]:
    print(f"bench: {name} is left out: {missing} is not installed", file=sys.stderr)
    return []


def _peer(name: str, command: list[str], counts: dict) -> Variant:
    def check(folder: pathlib.Path, output: str) -> dict:
        details = last_line(output)
        for key, wanted in counts.items():
            expect(f"{name}: {key}", details.get(key), wanted)
        return details

    return Variant(name, "peer", lambda folder: command, check)
