"""Replies: the three digits, the enhanced code, and the lines that belong together (RFC 5321 section 4.2)."""

from __future__ import annotations

import re

from labkit.frozen import dataclass
from labkit.smtp.malformed import Malformed
from labkit.smtp.rule import Rule

__all__ = ["REPLY_LIMIT", "Malformed", "Reply", "ReplyParser", "parse_reply"]

REPLY_LIMIT = 1 << 20
"""Octets of one reply that are kept. What is longer is read to its end and then refused."""

_HEAD = re.compile(rb"([0-9]{3})(?:([ -])|(?=\r?\n|\Z))")
_ENHANCED = re.compile(r"([245]\.[0-9]{1,3}\.[0-9]{1,3})(?:\s+|\Z)")

_SHAPE = Rule(
    "RFC 5321 section 4.2",
    "A reply line is three digits, then a space (last line) or a hyphen (more lines follow), then text.",
)
_SAME_CODE = Rule("RFC 5321 section 4.2.1", "Every line of one reply carries the same code.")
_FIRST_DIGIT = Rule(
    "RFC 5321 section 4.2", "The first digit of a reply is 2, 3, 4 or 5; no other may be sent."
)
_LENGTH = Rule("RFC 5321 section 4.5.3.1.5", "A reply line has at most 512 octets, CR LF included.")


@dataclass(frozen=True, slots=True)
class Reply:
    """One whole reply, of one line or several.

    ``code`` is the number, 200 to 599. ``enhanced_code`` is for example ``"5.1.1"`` (RFC 3463), or None.
    ``lines`` holds each line's text without code, separator, enhanced code and line end.
    """

    code: int
    enhanced_code: str | None
    lines: tuple[str, ...]

    @property
    def severity(self) -> int:
        """The first digit: 2 done, 3 go on, 4 not now, 5 no."""
        return self.code // 100

    @property
    def text(self) -> str:
        """The lines' text, joined by LF. It is for people; no program may decide by it."""
        return "\n".join(self.lines)

    def __str__(self) -> str:
        head = f"{self.code} {self.enhanced_code}" if self.enhanced_code else str(self.code)
        return f"{head} {self.text}".rstrip()


class ReplyParser:
    """Collects reply lines until the reply is whole.

    Its memory is bounded, and it never loses count: a reply with something wrong in it is read to its last
    line before it is refused.
    """

    def __init__(self) -> None:
        self._octets: list[bytes] = []
        self._size = 0
        self._code = 0
        self._enhanced: str | None = None
        self._lines: list[str] = []
        self._wrong: tuple[str, Rule] | None = None
        self._open = False

    @property
    def pending(self) -> bool:
        """Whether a reply has begun and its last line is still to come."""
        return self._open

    def feed(self, line: bytes) -> Reply | Malformed | None:
        """Take one line, with or without its line end. Returns the reply once it is whole, else None."""
        self._size += len(line)
        if self._size <= REPLY_LIMIT:
            self._octets.append(line)
        else:
            self._note(f"the reply is longer than {REPLY_LIMIT} octets", _LENGTH)
        head = _HEAD.match(line)
        if head is None:
            self._note(_what_is_wrong(line), _SHAPE)
            return None if self._open else self._finish()
        code = int(head[1])
        if not self._open:
            self._code = code
            if not 200 <= code <= 599:
                self._note(f"no reply begins with {head[1][:1].decode()}", _FIRST_DIGIT)
        elif code != self._code:
            self._note(f"the reply began with {self._code:03} and goes on with {code:03}", _SAME_CODE)
        if self._size <= REPLY_LIMIT:
            self._text(line[head.end() :])
        self._open = head[2] == b"-"
        return None if self._open else self._finish()

    def _text(self, raw: bytes) -> None:
        text = raw.removesuffix(b"\n").removesuffix(b"\r").decode("utf-8", "backslashreplace")
        found = _ENHANCED.match(text)
        if found and not self._lines:
            self._enhanced = found[1]
        if found and found[1] == self._enhanced:
            text = text[found.end() :]
        self._lines.append(text)

    def _note(self, reason: str, rule: Rule) -> None:
        if self._wrong is None:
            self._wrong = (reason, rule)

    def _finish(self) -> Reply | Malformed:
        result: Reply | Malformed
        if self._wrong is None:
            result = Reply(self._code, self._enhanced, tuple(self._lines))
        else:
            result = Malformed(b"".join(self._octets), *self._wrong)
        self.__init__()  # type: ignore[misc]
        return result


def _what_is_wrong(line: bytes) -> str:
    if not line.strip():
        return "the line is empty"
    if not line[:3].isdigit():
        return "the line does not begin with three digits"
    if line[3:4].isdigit():
        return "the code has more than three digits"
    return "after the three digits comes neither a space nor a hyphen"


def parse_reply(data: bytes) -> Reply | Malformed:
    """Read one whole reply of one line or several. Never raises."""
    parser = ReplyParser()
    result: Reply | Malformed | None = None
    lines = data.split(b"\n")
    rest = lines.pop()
    for line in [*(line + b"\n" for line in lines), *([rest] if rest or not lines else [])]:
        if result is not None:
            return Malformed(data, "more lines follow after the last line of the reply", _SHAPE)
        result = parser.feed(line)
    if result is None:
        return Malformed(data, "the last line is missing: the one with a space after the code", _SHAPE)
    return result
