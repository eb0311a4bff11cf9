# SPDX-License-Identifier: Apache-2.0
"""What the pipeline file asks for, value by value, written down a second time with other means."""

import datetime
import html.parser
import re

SPACES = " \t\n\r\v\f\u200b\ufeff\u2060\u00a0\u2028\u2029\x85\x1c\x1d\x1e\x1f"


def blank(value) -> bool:
    return value is None or value == ""


def trimmed(text: str) -> str:
    return text.strip(SPACES)


def same(expected, held) -> bool:
    """Whether a CRM holds what it was given: it trims, writes line ends its own way, and has no empty text."""
    if expected is None or held is None:
        return (expected or "") == (held or "")
    if isinstance(expected, (int, float)):
        return float(held) == float(expected)
    return normal(expected) == normal(str(held))


def normal(text: str) -> str:
    return trimmed(text.replace("\r\n", "\n").replace("\r", "\n"))


def cut(text: str, limit: int) -> str:
    """At most so many UTF-16 code units; nothing in the synthetic CRM is cut inside a grapheme."""
    return text.encode("utf-16-le")[: 2 * limit].decode("utf-16-le", "ignore")


def email_key(value) -> str | None:
    return None if blank(value) else trimmed(value).lower() or None


def domain_key(value) -> str | None:
    if blank(value):
        return None
    host = re.sub(r"^[a-z]+://", "", trimmed(value).lower())
    return re.sub(r"^www\.", "", re.split(r"[/?#:]", host)[0]).rstrip(".") or None


def email(value) -> str | None:
    """Trimmed, in lower case, and nothing at all if it is no address."""
    if blank(value):
        return None
    text = trimmed(value).lower()
    return text if re.fullmatch(r"[^\s@,;<>]+@[^\s@.,;<>]+(\.[^\s@.,;<>]+)+", text) else None


def american_phone(value) -> str | None:
    """+1 and ten digits for a number of the NANP, E.164 for one with its own country code, else as it is."""
    if blank(value):
        return None
    if not re.fullmatch(r"[+0-9()./\-\s]+", value):
        return value
    digits = re.sub(r"\D", "", value)
    if value.strip().startswith("+"):
        return "+" + digits
    if len(digits) == 10:
        return "+1" + digits
    return "+" + digits if len(digits) == 11 and digits[0] == "1" else value


def number(value) -> float | None:
    """None for what is no number."""
    if blank(value) or not re.fullmatch(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?", value):
        return None
    return float(value)


def day(value) -> str | None:
    """The day in UTC of an instant or a day."""
    return None if blank(value) else datetime.datetime.fromisoformat(value.replace("Z", "+00:00")).date().isoformat()


class _Tokens(html.parser.HTMLParser):
    """Markup as a list of what a reader sees of it: harmless tags, link targets, and text with entities decoded."""

    HARMLESS = {"a", "b", "br", "em", "i", "li", "ol", "p", "strong", "u", "ul"}

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.tokens: list = []
        self._open: list[str] = []
        self._dropped = 0

    def handle_starttag(self, tag, attributes):
        if tag in ("script", "style"):
            self._dropped += 1
        elif tag in self.HARMLESS and not self._dropped:
            target = dict(attributes).get("href") if tag == "a" else None
            self.tokens.append((tag, target))
            self._open.append(tag)

    def handle_endtag(self, tag):
        if tag in ("script", "style"):
            self._dropped -= 1
        elif tag in self._open and not self._dropped:
            while True:
                last = self._open.pop()
                self.tokens.append(("/" + last, None))
                if last == tag:
                    return

    def handle_data(self, data):
        if self._dropped or not data:
            return
        if self.tokens and self.tokens[-1][0] == "":
            self.tokens[-1] = ("", self.tokens[-1][1] + data)
        else:
            self.tokens.append(("", data))

    def finish(self) -> tuple:
        self.close()
        while self._open:
            self.tokens.append(("/" + self._open.pop(), None))
        return tuple((tag, normal(text) if tag == "" else text) for tag, text in self.tokens)


def reading(markup: str) -> tuple:
    """What a reader sees of markup once it is harmless; equal for markup that means the same."""
    parser = _Tokens()
    parser.feed(markup)
    return parser.finish()
