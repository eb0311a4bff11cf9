# SPDX-License-Identifier: Apache-2.0
"""Canaries: values of the source account that must lie nowhere in the clear, and how they would look if they did."""

import base64
import pathlib
import re

#: Shorter values occur by chance: in hashes, in ids, in words of the program.
SHORTEST = 6
#: How much of a note is looked for: enough to be unmistakable, little enough to be found in a cut-off copy.
NOTE_START = 24


def of_account(account, own_words: str) -> dict[str, str]:
    """Each canary with what it is. Values that occur in `own_words` (the files that the run began with) prove nothing."""
    found = {}

    def add(kind: str, value: str | None) -> None:
        value = (value or "").strip()
        for form in (value, value.lower()):
            if len(form) >= SHORTEST and form.lower() not in own_words.lower():
                found.setdefault(form, kind)

    for id, (email, phone, name) in account.records("contacts", ["email", "phone", "lastname"]):
        add(f"e-mail of contact {id}", email)
        add(f"phone of contact {id}", phone)
        # As the pipeline writes it: digits with the country in front.
        digits = re.sub(r"\D", "", phone or "")
        add(f"phone of contact {id}", digits if len(digits) >= 10 else None)
        add(f"last name of contact {id}", name)
    for id, (body,) in account.records("notes", ["hs_note_body"]):
        add(f"note {id}", (body or "")[:NOTE_START])
        add(f"note {id} without markup", re.sub(r"<[^>]*>", "", body or "")[:NOTE_START])
    return found


def encodings(value: str | bytes) -> list[tuple[str, bytes]]:
    """The byte patterns that give a text or a key away, with what they are called."""
    plain = value.encode("utf-8") if isinstance(value, str) else value
    return [
        ("plain", plain),
        *([("UTF-16", value.encode("utf-16-le"))] if isinstance(value, str) else []),
        ("hex", plain.hex().encode()),
        ("hex in capitals", plain.hex().upper().encode()),
        *((f"base64 at {offset}", _base64(plain, offset)) for offset in range(3)),
    ]


def _base64(plain: bytes, offset: int) -> bytes:
    """The digits that stand for `plain` alone when `offset` (mod 3) unknown bytes come before and any come after."""
    digits = base64.b64encode(bytes(offset) + plain + bytes(2))
    return digits[-(-8 * offset // 6) : 8 * (offset + len(plain)) // 6]


class Patterns:
    """All patterns of all canaries, found in one pass over the data."""

    #: Every pattern is at least this long, as every canary has at least this many bytes and no encoding is shorter.
    _KEY = SHORTEST

    def __init__(self, canaries: dict[str | bytes, str]):
        self._by_start: dict[bytes, list[tuple[bytes, str]]] = {}
        self.longest = 0
        for value, kind in canaries.items():
            for encoding, pattern in encodings(value):
                self.longest = max(self.longest, len(pattern))
                self._by_start.setdefault(pattern[: self._KEY], []).append((pattern, f"{kind}, {encoding}"))

    def found_in(self, data: bytes) -> list[str]:
        """What was found, without the values themselves: a log of this check must not be a leak of its own."""
        starts, width, found = self._by_start, self._KEY, {}
        for position in range(len(data) - width + 1):
            for pattern, description in starts.get(data[position : position + width], ()):
                if data.startswith(pattern, position):
                    found.setdefault(description, position)
        return [f"{description}, at byte {position}" for description, position in found.items()]


def words_of(folder: pathlib.Path) -> str:
    """The text of the files that a run begins with: the pipeline with its examples, the maps."""
    return "\n".join(path.read_text("utf-8") for path in sorted(folder.rglob("*")) if path.is_file())
