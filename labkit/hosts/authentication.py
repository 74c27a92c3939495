"""The AUTH half of the lab's server: PLAIN and LOGIN against the host's accounts (RFC 4954)."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Mapping
from typing import Any

from aiosmtpd.smtp import MISSING, AuthResult, LoginPassword

from labkit.hosts import answers
from labkit.hosts.policy import LabEnvelope, MailPolicy
from labkit.hosts.tap import Tap

AUTH_LINE = 12288
"""Octets of a line in an AUTH exchange, CR LF included (RFC 4954 section 4)."""


class Authentication(Tap):
    """AUTH with aiosmtpd's gaps closed; a part of `labkit.hosts.smtpd.LabSMTP`."""

    policy: MailPolicy
    envelope: LabEnvelope
    AuthLoginUsernameChallenge = "Username:"
    AuthLoginPasswordChallenge = "Password:"

    @property
    def _accounts(self) -> Mapping[str, str] | None:
        """Who may log in at this port; None where AUTH is not offered."""
        ports = self.policy.submission_ports
        return self.policy.accounts if not ports or self.port in ports else None

    async def smtp_AUTH(self, arg: str | None) -> None:
        """RFC 4954 section 4."""
        if self._accounts is None:
            await self.push(answers.NOT_IMPLEMENTED)
        elif self.envelope.mail_from is not None:
            await self.push(answers.AUTH_IN_TRANSACTION)
        else:
            mechanism, space, response = (arg or "").partition(" ")
            await super().smtp_AUTH(mechanism.upper() + space + response)

    async def challenge_auth(
        self, challenge: str | bytes, encode_to_b64: bool = True, log_client_response: bool = False
    ) -> Any:
        """Send a 334 challenge; the client's decoded response, or MISSING after an answer was sent."""
        octets = challenge.encode() if isinstance(challenge, str) else challenge
        await self.push(b"334 " + (base64.b64encode(octets) if encode_to_b64 else octets))
        try:
            line = await self._reader.readuntil(b"\n")
        except asyncio.LimitOverrunError as overrun:
            await self._skip_line(overrun.consumed)
            await self.push(answers.AUTH_LINE_LONG)
            return MISSING
        if line.strip() == b"*":
            await self.push("501 5.7.0 Authentication cancelled")
            return MISSING
        try:
            return base64.b64decode(line.strip(), validate=True)
        except binascii.Error:
            await self.push("501 5.5.2 The response is not base64")
            return MISSING

    async def _skip_line(self, consumed: int) -> None:
        while True:
            await self._reader.read(consumed)
            try:
                await self._reader.readuntil(b"\n")
                return
            except asyncio.LimitOverrunError as overrun:
                consumed = overrun.consumed

    def _check_password(
        self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, given: LoginPassword
    ) -> AuthResult:
        accounts = self._accounts or {}
        right = accounts.get(given.login.decode("utf-8", "replace"))
        # handled=False lets the base class answer 535; True would leave the client without a reply
        return AuthResult(
            success=right is not None and right.encode() == given.password, handled=False, auth_data=given
        )
