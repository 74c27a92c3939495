"""CHUNKING: the message in counted pieces (RFC 3030), instead of DATA and a dot."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace

from labkit.hosts import answers
from labkit.hosts.answers import Answer
from labkit.hosts.policy import LabEnvelope, MailPolicy
from labkit.hosts.tap import Tap

PIECE = 64 * 1024  # octets read at a time, so that a chunk that is thrown away takes no room

_SIZE = re.compile(r"([0-9]{1,20})(?: +(LAST))?", re.IGNORECASE)

SYNTAX = Answer(501, "5.5.4", "BDAT is followed by the number of octets, and by LAST on the last chunk")
SPOILT = Answer(503, "5.5.1", "An earlier chunk was refused; RSET begins anew")
NO_MIX = Answer(503, "5.5.1", "This message has begun with BDAT and has to end with it")
BINARY_WANTS_BDAT = Answer(503, "5.5.1", "BODY=BINARYMIME needs BDAT, not DATA")


class Chunking(Tap):
    """BDAT; a part of `labkit.hosts.smtpd.LabSMTP`."""

    policy: MailPolicy
    envelope: LabEnvelope

    async def smtp_BDAT(self, arg: str | None) -> None:
        """RFC 3030 section 2. The octets behind the command are read even when they are not wanted."""
        if "CHUNKING" not in self.policy.keywords:
            await self.push(answers.NOT_IMPLEMENTED)
            return
        parts = _SIZE.fullmatch(arg or "")
        if parts is None:
            await self.push(SYNTAX)
            return
        octets, last = int(parts[1]), parts[2] is not None
        envelope = self.envelope
        refusal = self._no_chunk_now()
        if refusal is None and len(envelope.chunks or b"") + octets > self.policy.size_limit:
            refusal = answers.TOO_LARGE
        kept = await self._read_chunk(octets, keep=refusal is None)
        if refusal is not None:
            envelope.spoilt = envelope.spoilt or envelope.chunks is not None or refusal is answers.TOO_LARGE
            await self.push(refusal)
        elif not last:
            envelope.chunks = (envelope.chunks or b"") + kept
            await self.push(Answer(250, "2.0.0", f"{octets} octets received"))
        else:
            envelope.content = envelope.original_content = (envelope.chunks or b"") + kept
            answer = await self._call_handler_hook("DATA")
            if (
                answer.code == 500
            ):  # to a client that means: BDAT is not known here, and the chunk was read as lines
                answer = replace(answer, code=554)
            self._set_post_data_state()  # type: ignore[no-untyped-call]
            await self.push(answer)

    def _no_chunk_now(self) -> Answer | None:
        if not self.session.host_name or not self.session.extended_smtp:
            return answers.EHLO_FIRST
        if self.envelope.mail_from is None:
            return answers.NEED_MAIL
        if not self.envelope.rcpt_tos:
            return answers.NO_RECIPIENT if self.envelope.refused else answers.NEED_RCPT
        return SPOILT if self.envelope.spoilt else None

    async def _read_chunk(self, octets: int, *, keep: bool) -> bytes:
        kept = bytearray()
        while octets:
            piece = await self._reader.read(min(octets, PIECE))
            if not piece:
                raise asyncio.IncompleteReadError(bytes(kept), octets)
            octets -= len(piece)
            if keep:
                kept += piece
        return bytes(kept)
