# SPDX-License-Identifier: Apache-2.0
"""A disk whose image can be copied at any moment while programs use it, and a world that lies on it."""

import pathlib
import shutil
import subprocess
import time

from world import PIPELINE, Simulator, World

#: The disk that is cut off, and the one that its images lie on.
DISK_MIB, STORE_MIB = 384, 8192


def command(*words: object) -> None:
    subprocess.run([str(word) for word in words], check=True, stdin=subprocess.DEVNULL, capture_output=True)


def unmount(path: pathlib.Path) -> None:
    """Whoever was killed a moment ago may still hold a file."""
    for _ in range(40):
        if subprocess.run(["umount", str(path)], capture_output=True).returncode == 0:
            return
        time.sleep(0.25)
    raise SystemExit(f"{path} cannot be unmounted: somebody uses it")


class Store:
    """A btrfs file system, on which a file of any length is copied in an instant (FICLONE)."""

    def __init__(self, folder: pathlib.Path):
        self.path, self._image = folder / "store", folder / "store.img"
        self.path.mkdir(parents=True)
        with self._image.open("wb") as file:
            file.truncate(STORE_MIB << 20)
        command("mkfs.btrfs", "-q", self._image)
        command("mount", "-o", "loop,noatime", self._image, self.path)

    def clone(self, source: pathlib.Path, target: pathlib.Path) -> None:
        command("cp", "--reflink=always", source, target)

    def close(self) -> None:
        unmount(self.path)
        self._image.unlink()


class DiskWorld(World):
    """A world whose working folder is an ext4 file system in an image; the destination lies elsewhere, as it does in
    life, and is not cut off."""

    def __init__(
            self, folder: pathlib.Path, binary: str, account: str, pipelines: pathlib.Path, store: Store,
            chunk_records: int):
        super().__init__(folder, binary, account, pipelines)
        file = self._states / "fresh" / PIPELINE
        file.write_text(file.read_text().replace("records: 50k,", f"records: {chunk_records},"))
        self._store, self._is_mounted, self._disks = store, False, 0
        self.image, self._fresh = store.path / "disk-0.img", store.path / "fresh.img"
        self.work.mkdir()
        with self.image.open("wb") as file:
            file.truncate(DISK_MIB << 20)
        command("mkfs.ext4", "-q", "-E", "lazy_itable_init=0,lazy_journal_init=0", self.image)
        self._mount()
        shutil.copytree(self._states / "fresh", self.work, dirs_exist_ok=True)
        self.leave()
        store.clone(self.image, self._fresh)

    @property
    def org(self) -> pathlib.Path:
        return self.folder / "org.sqlite"

    @property
    def simulator(self) -> Simulator:
        return self._simulator

    def begin(self) -> None:
        """A fresh disk and an empty destination that answers."""
        self.restore(self._fresh, None)

    def restore(self, image: pathlib.Path, org: pathlib.Path | None) -> None:
        """The disk as an image has it, and the destination as it was at that moment; `None` = empty."""
        self.leave()
        # A file of its own each time: of one that was in use a moment ago the loop device may still know the old bytes.
        self.image.unlink()
        self._disks += 1
        self.image = self._store.path / f"disk-{self._disks}.img"
        self._store.clone(image, self.image)
        for ending in ("", "-wal", "-shm"):
            pathlib.Path(f"{self.org}{ending}").unlink(missing_ok=True)
            # The index of the log is made anew.
            if org and ending != "-shm" and pathlib.Path(f"{org}{ending}").exists():
                shutil.copy(f"{org}{ending}", f"{self.org}{ending}")
        self._mount()
        self._simulator = Simulator(self._binary, "salesforce", "--database", str(self.org))
        self._environment["SALESFORCE_BASE_URL"] = self._simulator.url

    def leave(self) -> None:
        super().leave()
        if self._is_mounted:
            unmount(self.work)
            self._is_mounted = False

    def _mount(self) -> None:
        # The journal is written when somebody asks for it, not every five seconds: what nobody asked for is lost.
        command("mount", "-o", "loop,noatime,commit=300", self.image, self.work)
        self._is_mounted = True
