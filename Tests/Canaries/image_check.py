# SPDX-License-Identifier: Apache-2.0
"""What somebody finds who has the whole disk, its free blocks, journals and snapshots: neither a value nor a key."""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess

import account
import canaries
from disk_image import MAKERS, DiskImage, RawSearch
from job import ROOT, SECRET, TOKEN, Job, act_on_its_way, end_on_its_way, simulators

READER = ROOT / "Tests/SecondReader/run"


def missing() -> str | None:
    """Why images cannot be made here; `None` if they can."""
    if os.geteuid() != 0:
        return "mounting an image needs root"
    absent = [program for program in ("losetup", "mount", "btrfs", *(maker[0] for maker in MAKERS.values()))
              if not shutil.which(program)]
    if absent:
        return f"not installed: {', '.join(absent)} (packages mount, e2fsprogs, xfsprogs, btrfs-progs)"
    if subprocess.run(["losetup", "-f"], capture_output=True).returncode != 0:
        return "there is no loop device"
    return None


def all(program: str, folder: pathlib.Path) -> list[str]:
    """The check on each file system; what was found."""
    failures = []
    for kind in MAKERS:
        place = folder / kind
        place.mkdir()
        image = DiskImage(place, kind)
        with simulators(program, place) as environment:
            failures += [f"{kind}: {failure}" for failure in ImageCheck(image, program, place, environment).all()]
    return failures


class ImageCheck:
    def __init__(self, image: DiskImage, program: str, folder: pathlib.Path, environment: dict[str, str]):
        self.image, self.program, self.folder, self.environment = image, program, folder, environment
        self.failures: list[str] = []

    def all(self) -> list[str]:
        image = self.image
        with image, contextlib.closing(self.job()) as job:
            self.migrate(job)
            patterns, keys = self.patterns(job)
            search = RawSearch(patterns)
            image.sync()
            self.look(search, "before the shredding")
            self.control(search, keys)
            backup = self.backup(job)
            for run in job.runs():
                job.do("confirm", run)
                job.do("shred", run, "--yes-shred", run)
            self.open_backup(job, backup)
        self.look(search, "after the shredding")
        return self.failures

    def job(self) -> Job:
        disk, own = self.image.mount / "job", self.folder / "own"
        disk.mkdir()
        own.mkdir()
        job = Job(self.program, own, disk)
        job.environment |= self.environment
        return job

    def migrate(self, job: Job) -> None:
        """A run that crashes on its way and is resumed, each time with a snapshot while it goes on."""
        end_on_its_way(job, signal.SIGSEGV, self.beside)
        cores = [path for path in job.disk.rglob("core*") if path.is_file()]
        self.failures += [f"a crash left {path.name}" for path in cores]
        process = job.start("resume")
        act_on_its_way(job, process, "*/chunks/*-ready-*", self.beside)
        if process.wait() not in (0, 3):
            raise SystemExit(f"resume ended with {process.returncode}")
        for run in job.runs():
            job.do("verify", run)
            job.do("report", run)

    def beside(self, process: subprocess.Popen) -> None:
        """What is done while the run goes on."""
        self.image.snapshot()
        self.command_line(process)

    def command_line(self, process: subprocess.Popen) -> None:
        """Every user of the machine can read the arguments of every process (proc(5))."""
        with contextlib.suppress(FileNotFoundError):
            line = pathlib.Path(f"/proc/{process.pid}/cmdline").read_bytes()
            if any(secret.encode() in line for secret in (TOKEN, SECRET)):
                self.failures.append("a secret is among the arguments")

    def patterns(self, job: Job) -> tuple[canaries.Patterns, dict[bytes, str]]:
        found = canaries.of_account(account.Account(self.environment["HUBSPOT_BASE_URL"], TOKEN), job.own_words)
        found |= {TOKEN: "source's token", SECRET: "destination's secret"}
        keys: dict[bytes, str] = {bytes.fromhex(self.root_key(job).read_text()): "root key"}
        for run in job.runs():
            out = subprocess.run(
                [READER, "--keys", "--root-key", self.root_key(job), "--slot", self.slot(job, run), job.staging / run],
                check=True, stdout=subprocess.PIPE).stdout
            keys |= {bytes.fromhex(key): f"{run}: {what}" for what, key in json.loads(out).items()}
        print(f"{self.image.kind}: {len(found):,} canaries, {len(keys)} keys")
        if len(found) < 200 or len(keys) < 20:
            self.failures.append("control: there are too few canaries or keys")
        return canaries.Patterns(found | keys), keys

    def look(self, search: RawSearch, moment: str) -> None:
        for file in self.image.files:
            found, size = search.found_in(file)
            print(f"{file.name} {moment}: {size:,} bytes that are not empty, {len(found)} findings")
            self.failures += [f"{moment}: {finding}" for finding in found]

    def control(self, search: RawSearch, keys: dict[bytes, str]) -> None:
        """A token and a key on a copy of the disk, across the border of what is searched at once, must be found."""
        copy = self.image.file.with_suffix(".control")
        subprocess.run(["cp", "--sparse=always", self.image.file, copy], check=True)
        with open(copy, "r+b") as image:
            os.pwrite(image.fileno(), TOKEN.encode("utf-16-le"), (3 << 16) - 9)
            os.pwrite(image.fileno(), next(iter(keys)), (5 << 16) - 9)
        found = " ".join(search.found_in(copy)[0])
        if "source's token" not in found or "root key" not in found:
            self.failures.append("control: what was planted into the image was not found")
        copy.unlink()

    def backup(self, job: Job) -> pathlib.Path:
        """All that lies on the disk, as a backup of it would have it."""
        return pathlib.Path(shutil.copytree(job.staging, self.folder / "backup"))

    def open_backup(self, job: Job, backup: pathlib.Path) -> None:
        """With the backup, what a btrfs snapshot holds and the root key, a reader of its own opens nothing."""
        tried = 0
        snapshots = [path.parent for path in self.image.mount.glob("snapshot-*/job/pipeline/staging/*/chunks")]
        for run in [path.parent for path in backup.glob("*/chunks")] + snapshots:
            for chunk in (run / "chunks").glob("*.age"):
                tried += 1
                command = [READER, "--root-key", self.root_key(job), "--slot", self.slot(job, run.name), run, chunk.name]
                done = subprocess.run(command, capture_output=True)
                if done.returncode != 1 or done.stdout:
                    self.failures.append(f"{chunk} opens after the shredding")
        print(f"{self.image.kind}: {tried} copied chunks tried with the root key after the shredding")
        if not tried:
            self.failures.append("control: there was no copied chunk to try")

    @staticmethod
    def root_key(job: Job) -> pathlib.Path:
        return job.folder / "state/migratez/keys/root-key"

    @staticmethod
    def slot(job: Job, run: str) -> pathlib.Path:
        return job.folder / f"state/migratez/keys/{run}.slot"
