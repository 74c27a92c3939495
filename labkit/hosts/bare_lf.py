"""A server that takes LF alone for a line end inside message text, as those do that SMTP smuggling works on.

RFC 5321 section 2.3.8: only CR LF ends a line. The record of the session keeps the octets as they came; what is changed
is what this server reads.
"""

from __future__ import annotations

import re

from labkit.hosts.policy import MailPolicy
from labkit.hosts.tap import Tap

_BARE = re.compile(rb"(?<!\r)\n")


class BareLineFeeds(Tap):
    """Reads the text of DATA with mended line ends, if the host is lenient; a part of `labkit.hosts.smtpd.LabSMTP`."""

    policy: MailPolicy
    _mending = False
    _after_cr = False

    async def smtp_DATA(self, arg: str | None) -> None:
        """RFC 5321 section 4.1.1.4."""
        if self.policy.bare_lf != "lenient":
            await super().smtp_DATA(arg)
            return
        waiting = self._reader._buffer  # type: ignore[attr-defined]  # pipelined behind DATA
        self._after_cr = False
        waiting[:] = self._mended(bytes(waiting))
        self._mending = True
        try:
            await super().smtp_DATA(arg)
        finally:
            self._mending = False

    def bare_lf_refused(self, text: bytes) -> bool:
        """Whether this host refuses the text because a LF stands alone in it."""
        return self.policy.bare_lf == "refuse" and _BARE.search(text) is not None

    def _as_read(self, data: bytes) -> bytes:
        return self._mended(data) if self._mending else data

    def _mended(self, data: bytes) -> bytes:
        after_cr, self._after_cr = self._after_cr, data.endswith(b"\r")
        mended = _BARE.sub(b"\r\n", data)
        return mended[1:] if after_cr and data.startswith(b"\n") else mended
