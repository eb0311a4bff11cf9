# SPDX-License-Identifier: Apache-2.0
"""What a careful person would write by hand around zstandard and AES-GCM: a durable file for each 16 MiB of lines."""

import os
import pathlib

import zstandard
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

CHUNK_BYTES = 16 << 20
FRAME_BYTES = 64 << 10


class SealedFiles:
    def __init__(self, folder: str):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir()
        self.number = 0
        self.file = None

    def append(self, lines: bytes) -> None:
        if self.file is None:
            self.number += 1
            self.file = open(self.folder / f"{self.number:06}.ndjson.zst.aes", "xb")
            self.compressor = zstandard.ZstdCompressor(level=1).compressobj()
            self.cipher = AESGCM(AESGCM.generate_key(256))
            self.plain_bytes = self.frames = 0
            self.waiting = bytearray()
        self.plain_bytes += len(lines)
        self._take(self.compressor.compress(lines))
        if self.plain_bytes >= CHUNK_BYTES:
            self.close()

    def close(self) -> None:
        if self.file is None:
            return
        self._take(self.compressor.flush())
        self._seal(bytes(self.waiting))
        self.file.flush()
        os.fsync(self.file.fileno())
        self.file.close()
        self.file = None

    def _take(self, compressed: bytes) -> None:
        self.waiting += compressed
        while len(self.waiting) >= FRAME_BYTES:
            self._seal(bytes(self.waiting[:FRAME_BYTES]))
            del self.waiting[:FRAME_BYTES]

    def _seal(self, frame: bytes) -> None:
        # A key is used for one file only, so a counter is nonce enough.
        self.frames += 1
        self.file.write(self.cipher.encrypt(self.frames.to_bytes(12, "little"), frame, None))
