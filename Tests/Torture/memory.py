# SPDX-License-Identifier: Apache-2.0
"""A limit on the memory that a program and its children may use together: a control group of version 1 or 2."""

import pathlib
import time

MOUNT = pathlib.Path("/sys/fs/cgroup")
#: The file with the limit, the one with the most that was used, and what turns swap off; by version.
FILES = {
    1: ("memory.limit_in_bytes", "memory.max_usage_in_bytes", "memory.memsw.limit_in_bytes"),
    2: ("memory.max", "memory.peak", "memory.swap.max"),
}


class MemoryCap:
    """Exists for the time of a `with`; what is started `under` it lives within the limit."""

    def __init__(self, mebibytes: int):
        self._version, parent = _own_group()
        self._group, self._bytes = parent / f"migratez-torture-{mebibytes}", mebibytes << 20

    def __enter__(self) -> "MemoryCap":
        limit, _, swap = FILES[self._version]
        self._group.mkdir()
        (self._group / limit).write_text(str(self._bytes))
        if (self._group / swap).exists():
            (self._group / swap).write_text(str(self._bytes if self._version == 1 else 0))
        return self

    def __exit__(self, *_) -> None:
        # A process that was killed a moment ago may not be gone yet.
        for _ in range(40):
            try:
                return self._group.rmdir()
            except OSError:
                time.sleep(0.25)
        raise SystemExit(f"{self._group} cannot be removed: somebody lives there")

    @property
    def under(self) -> tuple[str, ...]:
        """What comes before a command line, so that the program begins its life within the limit."""
        return ("sh", "-c", f'echo $$ >"{self._group}/cgroup.procs" && exec "$@"', "sh")

    @property
    def peak_mebibytes(self) -> int:
        file = self._group / FILES[self._version][1]
        return int(file.read_text()) >> 20 if file.exists() else 0


def unable() -> str | None:
    """Why no limit can be set here."""
    try:
        _, parent = _own_group()
        probe = parent / "migratez-torture-probe"
        probe.mkdir()
        probe.rmdir()
    except (OSError, StopIteration) as error:
        return f"no memory control group can be made: {error!r}"
    return None


def _own_group() -> tuple[int, pathlib.Path]:
    """The version, and the group that this process is in."""
    groups = [line.split(":", 2) for line in pathlib.Path("/proc/self/cgroup").read_text().splitlines()]
    for _, controllers, path in groups:
        if "memory" in controllers.split(","):
            return 1, MOUNT / "memory" / path.lstrip("/")
    path = next(path for _, controllers, path in groups if controllers == "")
    return 2, MOUNT / path.lstrip("/")
