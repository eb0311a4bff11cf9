# SPDX-License-Identifier: Apache-2.0
"""What the tools share that build and run the tests for themselves."""

import os
import pathlib
import re
import shutil
import signal
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
FAILED_TEST = re.compile(r'^✘ Test "?(.+?)"? (?:with \d+ .+ )?(?:recorded an issue|failed after)', re.MULTILINE)


def share_packages(build: pathlib.Path) -> None:
    """Copies what the project depends on into another build folder, so that nothing is fetched again."""
    for name in ("checkouts", "repositories", "artifacts", "workspace-state.json"):
        source, target = ROOT / ".build" / name, build / name
        if source.is_dir() and not target.exists():
            shutil.copytree(source, target, symlinks=True)
        elif source.is_file() and not target.exists():
            shutil.copy(source, target)


def run(command: list[str], seconds: float, folder: pathlib.Path = ROOT,
        environment: dict[str, str] | None = None) -> tuple[int | None, str]:
    """The exit code, None if it did not end in time, and all that it printed."""
    process = subprocess.Popen(
        command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        encoding="utf-8", errors="replace",
        env={**os.environ, "SWIFT_BACKTRACE": "enable=no", "NO_COLOR": "1", **(environment or {})},
        start_new_session=True)
    try:
        output, _ = process.communicate(timeout=seconds)
        return process.returncode, output
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return None, process.communicate()[0]


def errors_of(output: str) -> str:
    """What a build that failed says."""
    return "\n".join([line for line in output.splitlines() if "error:" in line][:5]) or output[-500:]
