#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Takes images of the disk while the real program runs, as a power cut would leave it, and recovers each.

What the program had acknowledged when an image was taken, by its manifest as other processes saw it, must be in the
image: sealed chunks whole, outcomes noted. From each image the run is then resumed, against the destination as it was
at that moment, and the end is judged as in the sweep. As a control the same is done with a program whose fsync does
nothing: there something must be missing.
"""

import argparse
import dataclasses
import hashlib
import os
import pathlib
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

from attacks import DONE, go_on
from disk import DiskWorld, Store
from sweep import ACCOUNT_SEED, ROOT
from verdict import Judge
from world import PIPELINE, Simulator, Stuck

COUNTS = "contacts=300,companies=40,deals=60,notes=60"
#: Small chunks: many of them are sealed, loaded and shredded in the time of one run.
CHUNK_RECORDS = 20
#: How long the program runs between two images, in seconds.
PAUSE = (0.02, 0.5)
#: One run in five is cut off from its very beginning, the others from their first chunk on.
IMAGES_OF_A_RUN = 12
#: On a busy machine a run may be over before its first image; so often in succession that is no chance any more.
RUNS_WITHOUT_IMAGE_MAX = 10
#: The control is over when something was missing, or after so many images.
CONTROL_IMAGES = 24


@dataclasses.dataclass
class Acknowledged:
    """What a manifest says is durable."""

    chunks: dict[tuple, tuple[str, str]]
    outcomes: set[tuple]

    @staticmethod
    def read(manifest: pathlib.Path, patience: float = 20) -> "Acknowledged":
        """Nothing, if there is no manifest yet or it does not know its tables."""
        if not manifest.exists():
            return Acknowledged({}, set())
        database = sqlite3.connect(f"file:{manifest}?mode=ro", uri=True, timeout=patience)
        try:
            chunks = database.execute("""
                SELECT streams.name, chunks.kind, sequence, state, sha256 FROM chunks
                JOIN streams ON streams.number = chunks.stream WHERE state NOT IN ('writing', 'failed')""").fetchall()
            outcomes = set(database.execute("SELECT stream, ordinal, outcome, target_id FROM records"))
        except sqlite3.OperationalError as error:
            if "no such table" not in str(error):
                raise
            return Acknowledged({}, set())
        finally:
            database.close()
        return Acknowledged({row[:3]: row[3:] for row in chunks}, outcomes)


@dataclasses.dataclass
class Image:
    disk: pathlib.Path
    org: pathlib.Path
    acknowledged: Acknowledged


def manifest_of(world: DiskWorld) -> pathlib.Path:
    """The manifest of the only run; a path that does not exist if there is none."""
    return next(iter(sorted(world.staging.glob("*/manifest.sqlite"))), world.staging / "none")


class Camera:
    """Takes images of the disk of a world."""

    def __init__(self, world: DiskWorld, store: Store, draw: random.Random):
        self._world, self._store, self._draw, self._count = world, store, draw, 0

    def images_of_a_run(
            self, limit: int, preload: pathlib.Path | None = None, from_beginning: bool = False) -> list[Image]:
        """The images of one run, taken at random moments until it ends or there are enough: from its very beginning, or
        from its first acknowledged chunk on."""
        world, images = self._world, []
        world.begin()
        process = world.start("run", PIPELINE, preload=preload)
        try:
            while not from_beginning and process.poll() is None and not Acknowledged.read(manifest_of(world)).chunks:
                time.sleep(PAUSE[0])
            while len(images) < limit:
                time.sleep(self._draw.uniform(*PAUSE))
                if process.poll() is not None:
                    if process.returncode != DONE:
                        raise SystemExit(f"a run that nobody disturbed ended with {process.returncode}")
                    break
                image = self._take(process)
                if image:
                    images.append(image)
        finally:
            process.kill()
            process.wait()
        return images

    def _take(self, process: subprocess.Popen) -> Image | None:
        """Both sides stand still for the moment, so that the destination is not ahead of the disk. No image if the run
        stands still with the manifest locked: what it has acknowledged cannot be read then."""
        world, number = self._world, self._count
        self._count += 1
        pids = [process.pid, world.simulator.pid]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            try:
                acknowledged = Acknowledged.read(manifest_of(world), patience=0.5)
            except sqlite3.OperationalError as error:
                if "locked" not in str(error):
                    raise
                return None
            image = Image(
                self._store.path / f"cut-{number}.img", self._store.path / f"org-{number}.sqlite", acknowledged)
            for ending in ("", "-wal"):
                if pathlib.Path(f"{world.org}{ending}").exists():
                    shutil.copy(f"{world.org}{ending}", f"{image.org}{ending}")
            self._store.clone(world.image, image.disk)
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)
        return image


def missing(world: DiskWorld, acknowledged: Acknowledged) -> list[str]:
    """What was acknowledged and is not on the disk, which is mounted and not yet recovered."""
    found, manifest = [], manifest_of(world)
    with tempfile.TemporaryDirectory() as folder:
        # To read it where it lies would already recover it.
        for ending in ("", "-wal"):
            if pathlib.Path(f"{manifest}{ending}").exists():
                shutil.copy(f"{manifest}{ending}", pathlib.Path(folder) / f"manifest{ending}")
        try:
            there = Acknowledged.read(pathlib.Path(folder) / "manifest")
        except sqlite3.DatabaseError as error:
            return [f"the manifest cannot be read: {error}"]
    for name in sorted(acknowledged.chunks.keys() - there.chunks.keys()):
        found.append(f"acknowledged chunk {name} is not in the manifest")
    for (stream, kind, sequence), (state, digest) in sorted(there.chunks.items()):
        if state not in ("sealed", "leased"):
            continue
        file = manifest.parent / "chunks" / f"{stream}-{kind}-{sequence:06}.ndjson.zst.age"
        if not file.exists() or hashlib.sha256(file.read_bytes()).hexdigest() != digest:
            found.append(f"the file of chunk {stream}-{kind}-{sequence} is gone or not the one that was sealed")
    lost = acknowledged.outcomes - there.outcomes
    if lost:
        # A record may have got another outcome since, but not before, the image was taken.
        found.append(f"{len(lost)} acknowledged outcomes are not in the manifest")
    return found


def recover(world: DiskWorld, judge: Judge) -> list[str]:
    """Goes on from the disk as it is, as its operator would, and judges the end."""
    try:
        found = go_on(world)
        return found or judge.of_migration(world)
    except Stuck as stuck:
        return [str(stuck)]


def restore(world: DiskWorld, image: Image) -> list[str]:
    try:
        world.restore(image.disk, image.org)
        return []
    except subprocess.CalledProcessError as error:
        return [f"the image cannot be mounted: {error.stderr.decode().strip()}"]


def remove(image: Image) -> None:
    for path in [image.disk, *(pathlib.Path(f"{image.org}{ending}") for ending in ("", "-wal"))]:
        path.unlink(missing_ok=True)


def control(world: DiskWorld, camera: Camera, folder: pathlib.Path) -> list[str]:
    """A program whose fsync does nothing must be found to lose what it acknowledged."""
    library = folder / "no_sync.so"
    subprocess.run(["clang", "-shared", "-fPIC", "-O1", "-o", library, ROOT / "Tests" / "Torture" / "no_sync.c"],
                   check=True)
    tried = 0
    while tried < CONTROL_IMAGES:
        images = camera.images_of_a_run(CONTROL_IMAGES - tried, preload=library)
        tried += max(1, len(images))
        seen = 0
        for image in images:
            seen += bool(restore(world, image) or missing(world, image.acknowledged))
            remove(image)
        if seen:
            print(f"torture: the control lost something in {seen} of {len(images)} images", flush=True)
            return []
    return [f"control: a program without fsync lost nothing in {tried} images"]


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/torture", description=__doc__.splitlines()[0])
    parser.add_argument("--power-cut", type=int, required=True, help="how many images")
    parser.add_argument("--seed", type=int, default=1, help="decides the moments, as far as the machine lets it")
    parser.add_argument("--dir", type=pathlib.Path, help="work here; it must not exist")
    parser.add_argument("--binary", default=str(ROOT / ".build" / "release" / "migratez"), help="another build")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    why = unable()
    if why:
        print(f"torture: skipped: {why}", file=sys.stderr)
        sys.exit(78)
    with tempfile.TemporaryDirectory() as temporary:
        folder = (options.dir or pathlib.Path(temporary)) / "power-cut"
        folder.mkdir(parents=True)
        account = Simulator(options.binary, "hubspot", "--counts", COUNTS, "--seed", str(ACCOUNT_SEED))
        store = Store(folder)
        try:
            code = attack(options, folder, account.url, store)
        finally:
            account.stop()
            store.close()
    sys.exit(code)


def unable() -> str | None:
    """Why no disk can be cut off here."""
    if os.geteuid() != 0:
        return "loop devices need root"
    if subprocess.run(["losetup", "-f"], capture_output=True).returncode != 0:
        return "there is no free loop device"
    if "btrfs" not in pathlib.Path("/proc/filesystems").read_text():
        return "the kernel has no btrfs"
    return None


def attack(options, folder: pathlib.Path, account: str, store: Store) -> int:
    world = DiskWorld(folder / "world", options.binary, account, ROOT / "pipelines", store, CHUNK_RECORDS)
    camera, judge = Camera(world, store, random.Random(options.seed)), Judge(account)
    chunks = outcomes = done = begun = runs = empty = 0
    failures: list[str] = []
    try:
        failures += control(world, camera, folder)
        while done < options.power_cut:
            images = camera.images_of_a_run(
                min(IMAGES_OF_A_RUN, options.power_cut - done), from_beginning=runs % 5 == 4)
            runs += 1
            empty = 0 if images else empty + 1
            if empty > RUNS_WITHOUT_IMAGE_MAX:
                failures.append(f"{empty} runs ended before an image could be taken")
                break
            for image in images:
                found = restore(world, image) or missing(world, image.acknowledged) + recover(world, judge)
                chunks += len(image.acknowledged.chunks)
                outcomes += len(image.acknowledged.outcomes)
                begun += bool(image.acknowledged.chunks)
                done += 1
                if found:
                    failures.append(f"image {done}: {'; '.join(found[:6])}")
                    print(f"FAILED {failures[-1]}", flush=True)
                world.leave()
                remove(image)
                if done % 20 == 0:
                    print(f"torture: {done} of {options.power_cut} images", file=sys.stderr, flush=True)
    except KeyboardInterrupt:
        print("torture: interrupted; what follows is what was seen until then", file=sys.stderr, flush=True)
    finally:
        world.leave()
    print(f"{done} images, {begun} with chunks in them: {chunks} acknowledged chunks and {outcomes} outcomes held "
          f"against them")
    print("\n".join(failures) if failures else "nothing was missing")
    print(f"{done - len(failures)} passed, {len(failures)} failed")
    return 1 if failures or done < options.power_cut or begun * 2 < done else 0


if __name__ == "__main__":
    main()
