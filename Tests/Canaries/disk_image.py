# SPDX-License-Identifier: Apache-2.0
"""File systems in files of their own, and the search of their raw bytes: what a disk holds beside the files on it."""

import hashlib
import os
import pathlib
import subprocess

from canaries import Patterns

#: mkfs.xfs makes nothing smaller than 300 MiB.
IMAGE_BYTES = 512 << 20
MAKERS = {"ext4": ["mkfs.ext4", "-q", "-F"], "xfs": ["mkfs.xfs", "-q"], "btrfs": ["mkfs.btrfs", "-q"]}
BLOCK = 1 << 16


class DiskImage:
    """A file system in a file, mounted within `with`."""

    def __init__(self, folder: pathlib.Path, kind: str):
        self.kind, self.file, self.mount = kind, folder / f"{kind}.img", folder / kind
        self._copies: list[pathlib.Path] = []
        with open(self.file, "wb") as image:
            image.truncate(IMAGE_BYTES)
        subprocess.run([*MAKERS[kind], self.file], check=True, stdout=subprocess.DEVNULL)
        self.mount.mkdir()

    def __enter__(self) -> "DiskImage":
        subprocess.run(["mount", "-o", "loop", self.file, self.mount], check=True)
        return self

    def __exit__(self, *_) -> None:
        # Writes out what is on its way to the image.
        subprocess.run(["umount", self.mount], check=True)

    def snapshot(self) -> None:
        """As a backup takes it: within the file system where that can be, of the whole image where not."""
        if self.kind == "btrfs":
            target = self.mount / f"snapshot-{len(list(self.mount.glob('snapshot-*')))}"
            subprocess.run(
                ["btrfs", "subvolume", "snapshot", "-r", self.mount, target], check=True, stdout=subprocess.DEVNULL)
        else:
            self.sync()
            copy = self.file.with_suffix(f".{len(self._copies)}.img")
            subprocess.run(["cp", "--sparse=always", self.file, copy], check=True)
            self._copies.append(copy)

    def sync(self) -> None:
        subprocess.run(["sync", "-f", self.mount], check=True)

    @property
    def files(self) -> list[pathlib.Path]:
        """The image and its copies."""
        return [self.file, *self._copies]


class RawSearch:
    """Searches images; what was clean once is not searched again, since images of one disk differ little."""

    def __init__(self, patterns: Patterns):
        self._patterns = patterns
        self._clean: set[bytes] = set()

    def found_in(self, file: pathlib.Path) -> tuple[list[str], int]:
        """What is found, as `Patterns.found_in` says it, and how many bytes of the image are not empty."""
        found, size = [], 0
        with open(file, "rb") as image:
            for start in range(0, os.path.getsize(file), BLOCK):
                # A pattern may begin in one block and end in the next.
                data = os.pread(image.fileno(), BLOCK + self._patterns.longest, start)
                if not data.strip(b"\0"):
                    continue
                size += min(BLOCK, len(data))
                digest = hashlib.sha256(data).digest()
                if digest in self._clean:
                    continue
                here = self._patterns.found_in(data)
                found += [f"{file.name}, block at {start}: {what}" for what in here]
                if not here:
                    self._clean.add(digest)
        return found, size
