# SPDX-License-Identifier: Apache-2.0
"""The program at work between two simulators, with everything that it writes in folders of its own."""

import contextlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time

import canaries

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
COUNTS = "contacts=1500,companies=300,deals=300,notes=400"
#: Slow enough for a run to be killed on its way, and with failures whose messages might say too much.
FAULTS = ("latency:40ms=0.5,status:503=0.02,status:429:1s=0.01,status:401=0.002,reset-mid-body=0.01,bad-json=0.01,"
          "drop=0.01")
TOKEN, SECRET = "canary-token-7d1f93b2", "canary-secret-e05c4a68"
DONE = (0, 3)  # 3: some records rejected, as the synthetic account is made to have them


class Job:
    """The program with a disk of its own for the pipeline, its staging, temporary files, and what it said.

    `state`, where the root key is, lies in `folder` and may be on another disk, as it should be.
    """

    def __init__(self, program: str, folder: pathlib.Path, disk: pathlib.Path | None = None):
        self.program, self.folder, self.disk = program, folder, disk or folder
        shutil.copytree(ROOT / "pipelines", self.disk / "pipeline")
        self.file = self.disk / "pipeline/hubspot-to-salesforce.yaml"
        # The simulators allow more than a real account does.
        self.file.write_text(self.file.read_text().replace("requests: 150/10s", "requests: 1000000/10s"))
        self.own_words = canaries.words_of(self.disk / "pipeline")
        for path in (self.disk / "home", self.disk / "temporary", self.disk / "said", folder / "state"):
            path.mkdir()
        self.environment = dict(
            os.environ,
            HOME=str(self.disk / "home"), XDG_STATE_HOME=str(folder / "state"), TMPDIR=str(self.disk / "temporary"),
            # What a crash would print if the program let it.
            SWIFT_BACKTRACE="enable=yes,registers=all,threads=all,interactive=no,color=no",
            HUBSPOT_TOKEN=TOKEN, SALESFORCE_CLIENT_ID="client", SALESFORCE_CLIENT_SECRET=SECRET)
        self.commands = 0
        self._process: subprocess.Popen | None = None

    @property
    def written(self) -> list[pathlib.Path]:
        return [*(self.disk / name for name in ("pipeline", "home", "temporary", "said")), self.folder / "state"]

    @property
    def staging(self) -> pathlib.Path:
        return self.disk / "pipeline/staging"

    def said(self, command: str) -> pathlib.Path:
        """What the last command said is in files of this name."""
        return self.disk / "said" / f"{self.commands:02}-{command}"

    def start(self, *arguments: str) -> subprocess.Popen:
        """Starts a command in the pipeline's folder; what it says and logs is kept as part of what is searched."""
        self.commands += 1
        said = self.said(arguments[0])
        with open(f"{said}.out", "wb") as out, open(f"{said}.err", "wb") as err:
            self._process = subprocess.Popen(
                [self.program, *arguments, "--debug", "--no-input", "--log-file", f"{said}.log", "-vv"],
                cwd=self.file.parent, env=self.environment, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        return self._process

    def close(self) -> None:
        """Ends what a check that was broken off has left running."""
        if self._process and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def do(self, *arguments: str) -> None:
        code = self.start(*arguments).wait()
        if code not in DONE:
            said = pathlib.Path(f"{self.said(arguments[0])}.err").read_text()
            raise SystemExit(f"{' '.join(arguments)} ended with {code}:\n{said[-2000:]}")

    def runs(self) -> list[str]:
        return sorted(path.parent.name for path in self.staging.glob("*/manifest.sqlite"))


@contextlib.contextmanager
def simulators(program: str, folder: pathlib.Path):
    """Both vendors, as the environment that the program finds them by."""
    processes, environment = [], {}
    try:
        for vendor, arguments in {
            "hubspot": ("--counts", COUNTS, "--seed", "3", "--faults", FAULTS),
            "salesforce": ("--database", str(folder / "org.sqlite")),
        }.items():
            process, environment[f"{vendor.upper()}_BASE_URL"] = _simulate(program, folder, vendor, *arguments)
            processes.append(process)
        yield environment
    finally:
        for process in processes:
            process.terminate()
            process.wait()


def _simulate(program: str, folder: pathlib.Path, vendor: str, *options: str) -> tuple[subprocess.Popen, str]:
    """A simulator in a process of its own, and its address."""
    log = folder / f"{vendor}.log"
    with open(log, "wb") as out:
        process = subprocess.Popen([program, "simulate", vendor, *options], stdout=out, stderr=out)
    while not (address := re.search(r"http://[\d.:]+", log.read_text())):
        if process.poll() is not None:
            raise SystemExit(f"the {vendor} simulator ended: {log.read_text()}")
        time.sleep(0.05)
    return process, address.group()


def act_on_its_way(job: Job, process: subprocess.Popen, chunks: str, act) -> None:
    """Does something once the process has staged such chunks in a run; their names are matched as by a shell."""
    before = set(job.staging.glob(chunks))
    while process.poll() is None:
        if set(job.staging.glob(chunks)) - before:
            return act(process)
        time.sleep(0.002)
    raise SystemExit("the run had ended before anything could be done beside it: make it slower")


def end_on_its_way(job: Job, number: int, act=lambda process: None) -> None:
    """Starts a run, and once it has staged contacts, does something beside it and ends it with a signal."""
    process = job.start("run", str(job.file))
    act_on_its_way(job, process, "*/chunks/contact-*", act)
    process.send_signal(number)
    if process.wait() != -number:
        raise SystemExit("the run had ended before it could be ended: make it slower")
