#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A second reader of staged chunks: read_chunk.py --root-key FILE --slot FILE RUN_FOLDER [CHUNK …] [--keys]

Written from the articles "Chunk format" and "Key hierarchy" alone; shares no code with the program. Given the run's folder,
its slot file and the root key, it prints the lines of chunks, or with --keys every unwrapped key of the run as JSON.
"""

import argparse
import base64
import contextlib
import hashlib
import hmac
import json
import pathlib
import re
import sqlite3
import sys
from dataclasses import dataclass

import zstandard
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

FRAME, TAG = 65536, 16
WINDOW_MAX = 8 << 20
PLAINTEXT_MAX = 256 << 20
HEADER_MAX = 64 << 10
STANZA = "migratez.dev/kek-v1"
CHUNK_FILE = re.compile(r"([A-Za-z0-9_][A-Za-z0-9_-]*)-(raw|ready|rejects|before)-(\d{6,})\.ndjson\.zst\.age")


class Refused(Exception):
    """What was asked for cannot be opened, or is not what was asked for."""


def hkdf(key: bytes, salt: bytes, info: str, length: int = 32) -> bytes:
    """RFC 5869 with SHA-256."""
    extracted = hmac.digest(salt or bytes(32), key, "sha256")
    output, block, counter = b"", b"", 0
    while len(output) < length:
        counter += 1
        block = hmac.digest(extracted, block + info.encode() + bytes([counter]), "sha256")
        output += block
    return output[:length]


def opened(key: bytes, nonce: bytes, sealed: bytes, data: bytes | None, what: str) -> bytes:
    try:
        return ChaCha20Poly1305(key).decrypt(nonce, sealed, data)
    except InvalidTag:
        raise Refused(f"{what} does not open") from None


# The key hierarchy


def root_key(text: str) -> bytes | str:
    """A text of 64 hexadecimal digits is a key, any other a passphrase; the line's end is not part of it."""
    text = text.removesuffix("\n")
    return bytes.fromhex(text) if re.fullmatch(r"[0-9A-Fa-f]{64}", text) else text


def run_key(slot: bytes, run: str, root: bytes | str) -> bytes:
    if len(slot) != 96 or not slot.startswith(b"migratez slot 1\n"):
        raise Refused("this is no slot file, or it was destroyed")
    is_passphrase, work_factor, salt, nonce = slot[16], slot[17], slot[20:36], slot[36:48]
    if bool(is_passphrase) != isinstance(root, str):
        raise Refused("the slot needs the other kind of root key")
    if isinstance(root, str):
        if not 10 <= work_factor <= 18:
            raise Refused("the slot's work factor is out of range")
        n = 1 << work_factor
        wrapping = hashlib.scrypt(root.encode(), salt=salt, n=n, r=8, p=1, maxmem=256 * n * 8, dklen=32)
    else:
        wrapping = hkdf(root, salt, "migratez.dev/slot-v1")
    return opened(wrapping, nonce, slot[48:], slot[:36] + run.encode(), "the slot")


def chunk_key(ring: bytes, number: int, run: str, wrapping: bytes) -> bytes:
    if ring[:64] != b"migratez ring 1\n" + run.encode() + bytes(40):
        raise Refused("this is no key ring of the run")
    slot = ring[64 * number : 64 * number + 64]
    if len(slot) != 64 or slot[0] != 1:
        raise Refused(f"the key of chunk {number} was destroyed or never made")
    return opened(wrapping, slot[4:16], slot[16:], f"migratez.dev/ring-v1:{run}:{number}".encode(), f"slot {number}")


# The chunk


def unpadded(text: str) -> bytes:
    data = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    if base64.b64encode(data).rstrip(b"=").decode() != text:
        raise Refused("base64 in the header is not canonical")
    return data


@dataclass
class Header:
    """The lines of an age file before its payload."""

    stanzas: list[tuple[list[str], bytes]]
    code: bytes
    #: What the code is over.
    covered: bytes
    payload: bytes

    @staticmethod
    def parse(file: bytes) -> "Header":
        start, stanzas = b"age-encryption.org/v1\n", []
        if not file.startswith(start):
            raise Refused("this is no age file")
        position = len(start)

        def line() -> str:
            nonlocal position
            end = file.find(b"\n", position, HEADER_MAX)
            if end < 0:
                raise Refused("the header has no end")
            text, position = file[position:end], end + 1
            if not all(32 <= byte < 127 for byte in text):
                raise Refused("the header has characters that it must not have")
            return text.decode()

        while True:
            begin = position
            first = line()
            if first.startswith("--- "):
                return Header(stanzas, unpadded(first[4:]), file[: begin + 3], file[position:])
            if not first.startswith("-> "):
                raise Refused("the header is malformed")
            body = ""
            while True:
                part = line()
                body += part
                if len(part) < 64:
                    break
                if len(part) > 64:
                    raise Refused("a line of a stanza is too long")
            stanzas.append((first[3:].split(" "), unpadded(body)))


def file_key(header: Header, key: bytes, key_id: str, context: str) -> bytes:
    """The key in the one stanza of ours, if it is for this chunk."""
    ours = [(arguments, body) for arguments, body in header.stanzas if arguments[0] == STANZA]
    if len(ours) != 1 or len(ours[0][0]) != 4:
        raise Refused("there is not exactly one stanza of this program")
    (_, found_id, found_context, salt), body = ours[0]
    if (found_id, found_context) != (key_id, context):
        raise Refused(f"this is chunk {found_context}, not {context}")
    wrapping = hkdf(key, unpadded(salt), STANZA)
    return opened(wrapping, bytes(12), body, context.encode(), "the file key")


def plaintext(file: bytes, key: bytes, key_id: str, context: str) -> bytes:
    header = Header.parse(file)
    secret = file_key(header, key, key_id, context)
    if not hmac.compare_digest(hmac.digest(hkdf(secret, b"", "header"), header.covered, "sha256"), header.code):
        raise Refused("the header was altered")
    salt, frames = header.payload[:16], header.payload[16:]
    payload_key = hkdf(secret, salt, "payload")
    packed, position, number = b"", 0, 0
    while True:
        sealed = frames[position : position + FRAME + TAG]
        position += len(sealed)
        is_last = position == len(frames)
        nonce = number.to_bytes(11, "big") + bytes([is_last])
        frame = opened(payload_key, nonce, sealed, None, f"frame {number}")
        if not frame and number > 0:
            raise Refused("the last frame is empty")
        packed, number = packed + frame, number + 1
        if is_last:
            return unpacked(packed)


def unpacked(packed: bytes) -> bytes:
    """The lines in one zstd frame with nothing after it."""
    decompressor = zstandard.ZstdDecompressor(max_window_size=WINDOW_MAX).decompressobj()
    text = bytearray()
    for start in range(0, len(packed), FRAME):
        if decompressor.eof:
            raise Refused("something comes after the zstd frame")
        text += decompressor.decompress(packed[start : start + FRAME])
        if len(text) > PLAINTEXT_MAX:
            raise Refused("the chunk holds more plaintext than is allowed")
    if not decompressor.eof or decompressor.unused_data:
        raise Refused("the payload is not one zstd frame")
    if text and not text.endswith(b"\n"):
        raise Refused("the last line is cut")
    return bytes(text)


# A run


class Run:
    """The folder of a run with the keys to it."""

    def __init__(self, folder: pathlib.Path, slot: pathlib.Path, root: bytes | str):
        self.folder, self.name = folder, folder.name
        if not slot.exists():
            raise Refused("the slot file is gone")
        self.key = run_key(slot.read_bytes(), self.name, root)
        self.ring_key = hkdf(self.key, b"", "ring")
        self._ring = (folder / "ring/keys").read_bytes()

    def rows(self) -> dict[tuple[str, str, int], tuple[int, int]]:
        """(slot, attempt) of each chunk that has a file, by stream, kind and sequence, as the manifest says."""
        with contextlib.closing(sqlite3.connect(f"file:{self.folder}/manifest.sqlite?mode=ro", uri=True)) as database:
            return {
                (stream, kind, sequence): (slot, attempt)
                for stream, kind, sequence, slot, attempt in database.execute(
                    "SELECT name, chunks.kind, sequence, id, attempt FROM chunks JOIN streams ON number = stream"
                    " WHERE state IN ('sealed', 'leased', 'spent')")
            }

    def files(self) -> list[pathlib.Path]:
        return sorted((self.folder / "chunks").glob("*.age"))

    def address(self, file: pathlib.Path) -> tuple[int, str]:
        """The slot and the context of the chunk that the file's name says it is."""
        match = CHUNK_FILE.fullmatch(file.name)
        if not match:
            raise Refused(f"{file.name} is not the name of a chunk")
        stream, kind, sequence = match[1], match[2], int(match[3])
        if (stream, kind, sequence) not in (rows := self.rows()):
            raise Refused(f"the manifest has no chunk {file.name}")
        slot, attempt = rows[stream, kind, sequence]
        return slot, f"1.zstd.{self.name}.{stream}.{kind}.{sequence}.{attempt}"

    def read(self, file: pathlib.Path) -> bytes:
        slot, context = self.address(file)
        key = chunk_key(self._ring, slot, self.name, self.ring_key)
        return plaintext(file.read_bytes(), key, f"{self.name}:{slot}", context)

    def keys(self) -> dict[str, str]:
        """Every key that is in use, in hexadecimal, with what it is."""
        found = {"run key": self.key, "ring key": self.ring_key}
        for purpose in ("pseudonym", "spill", "baseline"):
            found[f"{purpose} key"] = hkdf(self.key, b"", purpose)
        for file in self.files():
            with contextlib.suppress(Refused):
                slot, context = self.address(file)
                key = chunk_key(self._ring, slot, self.name, self.ring_key)
                found[f"chunk key {slot}"] = key
                header = Header.parse(file.read_bytes())
                found[f"file key of {file.name}"] = file_key(header, key, f"{self.name}:{slot}", context)
        return {what: key.hex() for what, key in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--root-key", type=pathlib.Path, required=True, help="a file: 64 hexadecimal digits, or a passphrase")
    parser.add_argument("--slot", type=pathlib.Path, required=True, help="the run's slot file")
    parser.add_argument("--keys", action="store_true", help="print all unwrapped keys as JSON")
    parser.add_argument("run", type=pathlib.Path, help="the run's folder")
    parser.add_argument("chunks", nargs="*", help="names of chunk files; none = all")
    options = parser.parse_args()
    try:
        run = Run(options.run.resolve(), options.slot, root_key(options.root_key.read_text()))
        if options.keys:
            json.dump(run.keys(), sys.stdout)
            return
        for file in [run.folder / "chunks" / name for name in options.chunks] or run.files():
            sys.stdout.buffer.write(run.read(file))
    except (Refused, OSError, ValueError, sqlite3.Error, zstandard.ZstdError) as error:
        raise SystemExit(f"read_chunk: {error}") from None


if __name__ == "__main__":
    main()
