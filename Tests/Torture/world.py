# SPDX-License-Identifier: Apache-2.0
"""A folder in which migrations happen: the pipeline, its staging, its keys and the destination, all disposable."""

import dataclasses
import json
import os
import pathlib
import shutil
import signal
import subprocess

from points import NETWORK_CALLS, Profile, Strike, CALLS

PIPELINE = "hubspot-to-salesforce.yaml"
#: A command that takes longer is stuck.
SECONDS_MAX = 180


@dataclasses.dataclass(frozen=True)
class Result:
    """How a command ended: its exit code, negative = the signal that ended it."""

    code: int
    out: str
    err: str
    #: Whether the strike took place.
    is_struck: bool = False

    def __str__(self) -> str:
        last = self.err.strip().splitlines()
        return f"{self.code} ({last[-1] if last else 'it said nothing'})"


class Stuck(Exception):
    """A command did not end."""


class Simulator:
    """A simulated CRM in a process of its own."""

    def __init__(self, binary: str, *arguments: str):
        self._process = subprocess.Popen(
            [binary, "simulate", *arguments], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            start_new_session=True)
        line = self._process.stdout.readline()
        if "http://" not in line:
            raise SystemExit(f"simulate {arguments[0]} did not start")
        self.url = line[line.index("http://"):].strip()

    @property
    def pid(self) -> int:
        return self._process.pid

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(timeout=SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise Stuck(f"a simulator did not end within {SECONDS_MAX} s") from None
        finally:
            self._process.stdout.close()


class World:
    """Goes back to a named state as often as wanted, and runs the program in it, struck or not."""

    def __init__(self, folder: pathlib.Path, binary: str, account: str, pipelines: pathlib.Path):
        self.folder = folder.resolve()
        self.work, self._states = self.folder / "work", self.folder / "states"
        self._binary, self._trace, self._simulator = binary, self.folder / "trace", None
        self._environment = {
            "PATH": os.environ["PATH"], "HOME": str(self.work), "XDG_STATE_HOME": str(self.work / "state"),
            "HUBSPOT_BASE_URL": account, "HUBSPOT_TOKEN": "token", "SALESFORCE_CLIENT_ID": "client",
            "SALESFORCE_CLIENT_SECRET": "secret", "SWIFT_BACKTRACE": "enable=no",
        }
        shutil.copytree(pipelines, self._states / "fresh")
        file = self._states / "fresh" / PIPELINE
        # The simulators allow more than a real account does; what is tried here is the program, not a rate limit.
        file.write_text(file.read_text().replace("requests: 150/10s", "requests: 1000000/10s"))

    # States

    def reset(self, state: str, has_destination: bool) -> None:
        """Everything as it was when the state was kept; the destination answers if it is asked for."""
        self.leave()
        shutil.rmtree(self.work, ignore_errors=True)
        shutil.copytree(self._states / state, self.work)
        if has_destination:
            self._simulator = Simulator(self._binary, "salesforce", "--database", str(self.org))
            self._environment["SALESFORCE_BASE_URL"] = self._simulator.url

    def keep(self, state: str) -> None:
        self.leave()
        shutil.copytree(self.work, self._states / state)

    def leave(self) -> None:
        if self._simulator:
            self._simulator.stop()
            self._simulator = None

    # What lies there

    @property
    def org(self) -> pathlib.Path:
        return self.work / "org.sqlite"

    @property
    def staging(self) -> pathlib.Path:
        return self.work / "staging"

    @property
    def keys(self) -> pathlib.Path:
        return self.work / "state" / "migratez" / "keys"

    @property
    def run(self) -> str:
        """The id of the newest run; there must be one."""
        return self.runs()[-1]["run"]

    def runs(self) -> list[dict]:
        """What `status` says of all runs, the oldest first."""
        status = self.do("status", "--json")
        if status.code != 0:
            raise SystemExit(f"status ended with {status}")
        return sorted(json.loads(status.out)["runs"], key=lambda run: run["started"])

    # The program

    def do(self, *arguments: str, strike: Strike | None = None, under: tuple[str, ...] = ()) -> Result:
        """Runs it to its end: struck, or by way of another program, which comes before it on the command line."""
        if strike is None:
            return self._do(list(under), arguments)
        count = f"{strike.number}+" if strike.fault.endswith("+") else str(strike.number)
        what = "signal=KILL" if strike.is_kill else f"error={strike.fault.rstrip('+')}"
        result = self._do(
            self._traced(f"trace={strike.call}", "-e", f"inject={strike.call}:{what}:when={count}",
                         *self._paths(strike)), arguments)
        struck = result.code == -signal.SIGKILL if strike.is_kill else "(INJECTED)" in self._trace.read_text()
        return dataclasses.replace(result, is_struck=struck)

    def profile(self, *arguments: str) -> Profile:
        """Does it undisturbed, and tells by which calls."""
        result = self._do(self._traced(f"trace={','.join(CALLS)}", "-y", "-s", "0"), arguments)
        if result.code not in (0, 3):
            raise SystemExit(f"{arguments[0]} ended with {result}")
        return Profile(self._trace.read_text(), str(self.work), self.run)

    def expects(self, files: list[str]) -> None:
        """Which files the program will touch: what `*` stands for once a run has its id."""
        self._files = files

    def _paths(self, strike: Strike) -> list[str]:
        if strike.call in NETWORK_CALLS:
            return []
        files = [strike.file]
        if strike.file == "*":
            # A run that has not begun has no id yet: then every call of the program counts.
            files = self._files if self.staging.exists() else []
        run = next((path.name for path in (self.keys.parent / "runs").glob("*")), "RUN")
        return [word for file in files for word in ("-P", f"{self.work}/{file.replace('RUN', run)}")]

    def start(self, *arguments: str, preload: pathlib.Path | None = None) -> subprocess.Popen:
        """Starts it and does not wait for its end."""
        extra = {"LD_PRELOAD": str(preload)} if preload else {}
        return subprocess.Popen(
            [self._binary, *arguments], cwd=self.work, env=self._environment | extra, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)

    def _traced(self, what: str, *options: str) -> list[str]:
        return ["strace", "-f", "-qqq", "-o", str(self._trace), "-e", what, *options]

    def _do(self, under: list[str], arguments: tuple[str, ...]) -> Result:
        process = subprocess.Popen(
            [*under, self._binary, *arguments], cwd=self.work, env=self._environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, start_new_session=True)
        try:
            out, err = process.communicate(timeout=SECONDS_MAX)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            raise Stuck(f"{arguments[0]} did not end within {SECONDS_MAX} s") from None
        return Result(process.returncode, out, err)
