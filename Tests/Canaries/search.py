# SPDX-License-Identifier: Apache-2.0
"""Searches folders for canaries, through what could hide them: compression, and SQLite's pages and write-ahead log."""

import gzip
import pathlib
import shutil
import sqlite3
import tempfile
import zlib

from canaries import Patterns, encodings

SQLITE, GZIP, ZSTD = b"SQLite format 3\0", b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
AGE = b"age-encryption.org/v1\n"


def leaks(patterns: Patterns, folders: list[pathlib.Path]) -> tuple[list[str], int, int]:
    """What lies in the clear below the folders, one finding a line; how many files were searched; and their bytes."""
    findings, files, size = [], 0, 0
    for path in sorted(path for folder in folders for path in folder.rglob("*")):
        findings += [f"{path}: its name has the {found}" for found in patterns.found_in(path.name.encode())]
        if not path.is_file():
            continue
        data = path.read_bytes()
        files, size = files + 1, size + len(data)
        findings += [f"{path}: {found}" for found in patterns.found_in(data)]
        findings += [f"{path}, {how}: {found}" for how, inner in _inside(path, data) for found in patterns.found_in(inner)]
        if path.name.endswith(".age") and not data.startswith(AGE):
            findings.append(f"{path}: is no age file")
        if data.startswith(ZSTD):
            findings.append(f"{path}: is compressed and not encrypted")
    return findings, files, size


def _inside(path: pathlib.Path, data: bytes):
    """(what it is, the bytes) of everything that a file's own bytes do not show as they are."""
    if data.startswith(GZIP):
        yield "unpacked", zlib.decompressobj(wbits=31).decompress(data)
    if data.startswith(SQLITE):
        # A value may be cut by a page's end, or be in the log only: the rows as a reader of a copied database gets them.
        with tempfile.TemporaryDirectory() as folder:
            copy = pathlib.Path(folder, "copy.sqlite")
            for suffix in ("", "-wal", "-shm"):
                if (part := path.with_name(path.name + suffix)).exists():
                    shutil.copy(part, f"{copy}{suffix}")
            database = sqlite3.connect(copy)
            try:
                yield "as rows", "\n".join(database.iterdump()).encode("utf-8", "surrogatepass")
            finally:
                database.close()


def blind_spots(canaries: dict[str, str], folder: pathlib.Path) -> list[str]:
    """Plants a canary into copies of a folder in each way that could happen; what the search did not notice."""
    value = max(canaries, key=len)
    patterns = Patterns({value: "planted canary"})
    plants = [(name, lambda file, bytes=bytes: file.write_bytes(b"...." + bytes + b"....")) for name, bytes in encodings(value)]
    plants.append(("gzip", lambda file: file.write_bytes(gzip.compress(value.encode()))))
    plants.append(("SQLite's log", lambda file: _plant_in_log(file, value)))
    missed = []
    for name, plant in plants:
        with tempfile.TemporaryDirectory() as scratch:
            copy = pathlib.Path(scratch, "copy")
            shutil.copytree(folder, copy)
            clean = leaks(patterns, [copy])[0]
            plant(copy / "planted")
            if clean or not leaks(patterns, [copy])[0]:
                missed.append(f"control: a canary planted as {name} was not noticed")
    return missed


def _plant_in_log(file: pathlib.Path, value: str) -> None:
    """A value that is in the write-ahead log only, in two rows that no page shows in one piece."""
    with tempfile.TemporaryDirectory() as scratch:
        origin = pathlib.Path(scratch, "planted")
        database = sqlite3.connect(origin, isolation_level=None)
        database.execute("PRAGMA page_size = 512")
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("CREATE TABLE t (a)")
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        database.execute("INSERT INTO t VALUES (?)", ("." * 1001 + value + "." * 100,))
        for suffix in ("", "-wal", "-shm"):
            shutil.copy(f"{origin}{suffix}", f"{file}{suffix}")
        database.close()
