"""Message text after 354, line by line: where its header ends, and where it ends itself."""

from __future__ import annotations

import re

__all__ = ["TextReader"]

_FIELD = re.compile(rb"[!-9;-~]{1,998}[ \t]*:")
_PIECE = 1000  # octets kept of a line that comes in pieces: enough for a dot, a fold, and a field's name


class TextReader:
    """Reads one message's text as it stands on the wire.

    ``ended`` becomes true at the line with the dot alone, which counts only between CR LF and CR LF (RFC 5321
    section 4.1.1.4). ``odd_end`` is true if the last line was such a dot between other line ends.
    """

    def __init__(self) -> None:
        self.ended = False
        self.odd_end = False
        self._in_header = True
        self._after_crlf = True
        self._piece = b""
        self._piece_cr = False

    def read(self, data: bytes) -> str:
        """Take one event. Returns ``header``, ``folded``, ``blank`` or ``body``; at the end ``""``."""
        whole = self._piece + data if self._piece else data
        self.odd_end = False
        if not data.endswith(b"\n"):
            self._piece = whole[:_PIECE]
            self._piece_cr = data.endswith(b"\r")
            return "header" if self._in_header else "body"
        crlf = data.endswith(b"\r\n") or (data == b"\n" and bool(self._piece) and self._piece_cr)
        self._piece = b""
        if whole == b".\r\n" and self._after_crlf:
            self.ended = True
            return ""
        self.odd_end = whole in (b".\n", b".\r\n")
        self._after_crlf = crlf
        return self._detail(whole)

    def _detail(self, line: bytes) -> str:
        if not self._in_header:
            return "body"
        if line in (b"\r\n", b"\n"):
            self._in_header = False
            return "blank"
        if line[:1] in (b" ", b"\t"):
            return "folded"
        if _FIELD.match(line):
            return "header"
        self._in_header = False
        return "body"
