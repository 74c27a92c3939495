"""The lab's SMTP server: aiosmtpd, with every trap that a curious learner falls into closed here and
nowhere else.

What aiosmtpd 1.4.6 does, and what is done about it:

- The fifth unknown command ends the session: unknown commands have an answer of their own here, without a
  limit.
- A slip in an address shows ``500 Error: (IndexError)``: MAIL and RCPT are read by `labkit.smtp.command`,
  and what still goes wrong inside is answered 451 and handed to :meth:`MailPolicy.fault`.
- Limits of command lines live in a dictionary of the class, cleared by any connection and raised by each
  EHLO: here each connection has its own, and a command line holds 512 octets with its CR LF (RFC 5321
  section 4.5.3.1.4).
- A text line of 999 octets passes: 998 plus CR LF is the limit here (section 4.5.3.1.6).
- ``MAIL FROM:a@b.example`` gets 250: brackets are required here, and the 501 names the slip. A space after
  the colon is refused too, unless the host is ``lenient``, as many real servers are (section 3.3).
- The null reverse-path arrives as ``'<>'``: here it is the empty string, and a transaction is open when the
  reverse-path is not None.
- AUTH takes its mechanism in capitals only, does not count a socket with implicit TLS as encrypted, runs
  inside a transaction, breaks at lines above 1,001 octets, and says nothing at all after a failure reported
  as handled: all mended (RFC 4954 section 4).
- STARTTLS may be given twice, TLS inside TLS: 503 here.
- The idle timeout closes without a word: 421 first here (section 3.8). It runs on real time.
- A client that half-closes loses the answers to what it sent before: they are given first here.
- Enhanced status codes stand on some replies and not on others: on all that RFC 2034 names from an EHLO on that
  offered ENHANCEDSTATUSCODES, else on none.
- Logger ``mail.log`` writes into notebook cells: silenced.

A bare LF ends a command line, as in aiosmtpd (so ``nc`` without ``-C`` works); inside message text it ends
nothing. EHLO and HELO take any single printable word as the client's name, as real servers do (section
4.1.4).
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from aiosmtpd.smtp import TLSSetupException

from labkit.hosts import answers
from labkit.hosts.answers import Answer
from labkit.hosts.authentication import AUTH_LINE, Authentication
from labkit.hosts.bare_lf import BareLineFeeds
from labkit.hosts.bdat import BINARY_WANTS_BDAT, NO_MIX, Chunking
from labkit.hosts.interruptible import Interruptible
from labkit.hosts.policy import LabEnvelope, MailPolicy
from labkit.hosts.tap import peer_of
from labkit.smtp.command import COMMANDS, Command, parse_command
from labkit.smtp.parameters import PARAMETERS
from labkit.smtp.path import Path

logging.getLogger("mail.log").addHandler(logging.NullHandler())
logging.getLogger("mail.log").propagate = False

COMMAND_LINE = 510  # octets without CR LF
TEXT_LINE = 998

_EXTRA = [(info.verb, info.extension, info.extra) for info in PARAMETERS.values()]


class _Verbs(dict[str, Any]):
    """aiosmtpd's table of methods, which also has an answer for verbs that are not in it."""

    def __init__(self, known: Mapping[str, Any], server: LabSMTP) -> None:
        super().__init__(known)
        self._server = server

    def get(self, verb: str, default: Any = None) -> Any:
        method = super().get(verb)
        if method is None:
            return self._server.interruptible(verb, lambda _argument: self._server.unknown(verb))
        return self._server.interruptible(verb, method)


class _Hooks:
    """The handler object of aiosmtpd: only its hook for a finished message is needed."""

    async def handle_DATA(self, server: LabSMTP, _session: Any, envelope: LabEnvelope) -> Answer:
        """Take the message, or say why not."""
        text = envelope.original_content or b""
        binary = (envelope.parameters.get("BODY") or "").upper() == "BINARYMIME"  # it has no lines
        if not binary and len(text) > TEXT_LINE and max(map(len, text.split(b"\r\n"))) > TEXT_LINE:
            return answers.LONG_TEXT_LINE
        if not binary and server.bare_lf_refused(text):
            return answers.BARE_LF
        return await server.finish(envelope, text)

    def __dir__(self) -> list[str]:
        return ["handle_DATA"]


_HOOKS = _Hooks()


class LabSMTP(Interruptible, Authentication, Chunking, BareLineFeeds):
    """One connection of a lab host. What a host decides comes from its :class:`MailPolicy`."""

    command_size_limit = COMMAND_LINE
    line_length_limit = AUTH_LINE

    def __init__(self, policy: MailPolicy) -> None:
        self.policy = policy
        self.command_size_limits = defaultdict(lambda: COMMAND_LINE)  # the base class clears what it finds
        self._last_heard = 0.0
        self._half_closed = False
        self._mails = 0
        self._domains: set[str] = set()
        super().__init__(
            _HOOKS,
            hostname=policy.name,
            ident=policy.banner,
            data_size_limit=policy.size_limit,
            enable_SMTPUTF8="SMTPUTF8" in policy.keywords,
            auth_require_tls=not policy.auth_before_tls,
            authenticator=self._check_password,
            timeout=policy.timeout,
            loop=asyncio.get_running_loop(),
        )
        self._smtp_methods = _Verbs(self._smtp_methods, self)
        self.command_size_limits["AUTH"] = AUTH_LINE
        for verb, extension, extra in _EXTRA:
            if extension in policy.keywords:
                self.command_size_limits[verb] += extra

    @property
    def _enhanced(self) -> bool:
        """An extension is in force once EHLO has offered it: never before, and never after HELO."""
        return self.session.extended_smtp and "ENHANCEDSTATUSCODES" in self.policy.keywords

    def __dir__(self) -> list[str]:
        # The base class goes through dir(self) for every connection; these names are all that it looks for.
        return _NAMES

    # the connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client is here; or the same one again, now under TLS."""
        in_clear = b""
        if self._original_transport is None:
            self.tapped = self.policy.connected(self, peer_of(transport))
        elif self.policy.keeps_plaintext:
            in_clear = bytes(self._reader._buffer)  # type: ignore[attr-defined]
        super().connection_made(transport)  # throws away what came in clear (RFC 3207 section 4.2)
        self._reader._buffer += in_clear  # type: ignore[attr-defined]
        ssl_object = transport.get_extra_info("ssl_object")
        if ssl_object is not None and self._tls_protocol is None:  # TLS from the first octet on
            self._tls_protocol = ssl_object
            self.session.ssl = {"ssl_object": ssl_object}
        self._encrypted = ssl_object is not None

    def data_received(self, data: bytes) -> None:
        """Octets from the client, decrypted."""
        self._last_heard = self.loop.time()
        super().data_received(data)

    def eof_received(self) -> bool:
        """The client sends no more. What it sent before is answered first; then the session ends."""
        self.tapped._hang_up("C")
        self._half_closed = True
        self._reader.feed_eof()
        return self.session.ssl is None

    def connection_lost(self, error: Exception | None) -> None:
        """The connection is gone."""
        super().connection_lost(error)
        self.policy.disconnected(self)

    async def _handle_client(self) -> None:
        try:
            await super()._handle_client()
        except ConnectionError:
            self.hang_up()  # the client is gone, nobody is left to be told

    async def handle_exception(self, error: Exception) -> Answer:  # type: ignore[override]
        """The answer to something unforeseen; also where the end of the client's octets arrives."""
        if isinstance(error, asyncio.IncompleteReadError):
            self.hang_up()
            raise asyncio.CancelledError
        if not isinstance(error, TLSSetupException):
            self.policy.fault(error)
        return answers.INTERNAL

    def hang_up(self, last_words: Answer | None = None) -> None:
        """Close the connection from this side, with a last reply if there is one."""
        if self._tls_protocol is not None and not self._encrypted:
            self.break_off()  # in the middle of the handshake nothing can be said
        else:
            super().hang_up(last_words)

    def break_off(self) -> None:
        """Drop the connection at once, without waiting for anything to be sent."""
        for transport in (self.transport, self._original_transport):
            if isinstance(transport, asyncio.WriteTransport):
                transport.abort()
        if self._tls_protocol is not None and not self._encrypted:
            # asyncio's TLS does not say that the connection is lost before its handshake is done
            self.loop.call_soon(self.connection_lost, None)

    def _reset_timeout(self, duration: float | None = None) -> None:
        # One timer that looks at the clock, instead of a new timer for every command.
        self._last_heard = self.loop.time()
        if self._timeout_handle is None:
            self._timeout_handle = self.loop.call_later(self._timeout_duration, self._timeout_cb)

    def _timeout_cb(self) -> None:
        left = self._last_heard + self._timeout_duration - self.loop.time()
        if left > 0:
            self._timeout_handle = self.loop.call_later(left, self._timeout_cb)
        else:
            self.hang_up(answers.IDLE)

    def _create_envelope(self) -> LabEnvelope:
        return LabEnvelope()

    @property
    def protocol_name(self) -> str:
        """How the message came, for the Received field (RFC 3848)."""
        if not self.session.extended_smtp:
            return "SMTP"
        return f"ESMTP{'S' if self._encrypted else ''}{'A' if self.session.authenticated else ''}"

    # what may be asked at any time

    async def unknown(self, verb: str) -> None:
        """Answer a verb that no method serves."""
        if verb in COMMANDS:
            await self.push(answers.NOT_IMPLEMENTED)
        elif not verb:
            await self.push(answers.NO_COMMAND)
        else:
            await self.push(Answer(500, "5.5.2", f'Command "{verb[:40]}" not recognized'))

    async def smtp_HELP(self, arg: str | None) -> None:
        """RFC 5321 section 4.1.1.8."""
        verb = (arg or "").upper()
        served = [name for name in self._smtp_methods if self._serves(name)]
        if not verb:
            await self.push(Answer(214, "2.0.0", "Commands: " + " ".join(sorted(served))))
        elif verb in served:
            await self.push(Answer(214, "2.0.0", COMMANDS[verb].syntax))
        else:
            await self.push(Answer(504, "5.5.4", "No help on this"))

    def _serves(self, verb: str) -> bool:
        if verb == "STARTTLS":
            return self.policy.starttls and not self._encrypted
        if verb == "AUTH":
            return self._accounts is not None
        needed = {"EXPN": "EXPN", "BDAT": "CHUNKING"}.get(verb)
        return needed is None or needed in self.policy.keywords

    async def smtp_VRFY(self, arg: str | None) -> None:
        """RFC 5321 section 3.5.3: a server that will not tell answers 252, not 550 and not 502."""
        if arg and arg.isprintable():
            await self.push(answers.CANNOT_VERIFY)
        else:
            await self.push(Answer(501, "5.5.4", "VRFY needs a user name or an address"))

    async def smtp_EXPN(self, arg: str | None) -> None:
        """RFC 5321 section 3.5.2; not offered unless the host has lists."""
        await self.push(self.policy.expand(arg) if arg else Answer(501, "5.5.4", "EXPN needs a list's name"))

    # greeting

    async def smtp_EHLO(self, arg: str | None) -> None:
        """RFC 5321 section 4.1.1.1."""
        if await self._greeted_by(arg, "EHLO"):
            self.session.extended_smtp = True
            await self.push(Answer(250, "", self.policy.name, tuple(self._keyword_lines())))

    async def smtp_HELO(self, arg: str | None) -> None:
        """RFC 5321 section 4.1.1.1: never the extended reply."""
        if await self._greeted_by(arg, "HELO"):
            self.session.extended_smtp = False
            await self.push(Answer(250, "", self.policy.name))

    async def _greeted_by(self, name: str | None, verb: str) -> bool:
        if not name or not name.isprintable() or " " in name:
            await self.push(Answer(501, "", f"{verb} takes the client's own name, one word"))
            return False
        self._set_rset_state()  # type: ignore[no-untyped-call]
        self.session.host_name = self.tapped.helo = name
        return True

    def _keyword_lines(self) -> list[str]:
        limits = [f"{name}={most}" for name, most in self.policy.limits.items() if most]
        filled = {"SIZE": f"SIZE {self.policy.size_limit}", "LIMITS": " ".join(["LIMITS", *limits])}
        lines = [filled.get(line, line) for line in self.policy.offers if line != "LIMITS" or limits]
        if self.policy.starttls and not self._encrypted:
            lines.append("STARTTLS")
        if self._accounts is not None and (self._encrypted or self.policy.auth_before_tls):
            lines.append("AUTH PLAIN LOGIN")
        return lines

    async def check_helo_needed(self, helo: str = "EHLO") -> bool:
        """Answer 503 and return True if the client has not greeted yet."""
        if self.session.host_name:
            return False
        await self.push(answers.EHLO_FIRST)
        return True

    # the transaction

    async def smtp_MAIL(self, arg: str | None) -> None:
        """RFC 5321 section 4.1.1.2."""
        if await self.check_helo_needed():
            return
        self._mails += 1
        if 0 < self.policy.limits["MAILMAX"] < self._mails:
            await self.push(answers.TOO_MANY_MESSAGES)
            return
        if self.envelope.mail_from is not None:
            await self.push(answers.NESTED)
            return
        answer, path, parameters = self._read_path("MAIL", arg)
        if path is not None:
            answer = self.policy.sender(self, path)
            if answer.code // 100 == 2:
                self.envelope.mail_from = str(path)
                self.envelope.parameters = parameters
        await self.push(answer)

    async def smtp_RCPT(self, arg: str | None) -> None:
        """RFC 5321 section 4.1.1.3."""
        if await self.check_helo_needed():
            return
        if self.envelope.mail_from is None:
            await self.push(answers.NEED_MAIL)
            return
        if self.envelope.chunks is not None:
            await self.push(NO_MIX)
            return
        limits = self.policy.limits
        answer, path, parameters = self._read_path("RCPT", arg)
        if path is not None and 0 < limits["RCPTMAX"] <= len(self.envelope.rcpt_tos):
            answer = answers.TOO_MANY_RECIPIENTS  # RFC 5321 section 4.5.3.1.10, RFC 9422 section 4.2
        elif path is not None and 0 < limits["RCPTDOMAINMAX"] < len(self._domains | {path.domain.lower()}):
            answer = answers.TOO_MANY_DOMAINS
        elif path is not None and not path.ascii and "SMTPUTF8" not in self.envelope.parameters:
            answer = answers.NEEDS_UTF8  # RFC 6531 section 3.5
        elif path is not None:
            answer = self.policy.recipient(self, path)
            if answer.code // 100 == 2:
                self.envelope.rcpt_tos.append(str(path))
                self.envelope.paths.append(path)
                self._domains.add(path.domain.lower())
                self.envelope.recipient_parameters.append(parameters)
            else:
                self.envelope.refused += 1
        await self.push(answer)

    def _read_path(self, verb: str, arg: str | None) -> tuple[Answer, Path | None, dict[str, str | None]]:
        """The path and the parameters; if there is no path, the answer says why."""
        command = parse_command(f"{verb} {arg or ''}".encode("utf-8", "surrogateescape"))
        if not isinstance(command, Command):
            tolerated = command.tolerable or (self.policy.lenient and _keyword_stands(verb, arg))
            if tolerated and command.path is not None:
                return answers.OK, command.path, {}
            reason = command.reason[:1].upper() + command.reason[1:]
            return Answer(501, "5.5.4", f"{reason} ({command.rule.ref})"), None, {}
        for keyword, value in command.parameters:
            info = PARAMETERS.get(keyword)
            if (
                info is None
                or info.verb != verb
                or info.extension not in self.policy.keywords
                or not self.session.extended_smtp
                or (
                    keyword == "BODY"
                    and (value or "").upper() == "BINARYMIME"
                    and "BINARYMIME" not in self.policy.keywords
                )
            ):
                return Answer(555, "5.5.4", f"{verb} parameter {keyword[:40]} is not offered"), None, {}
            if keyword == "SIZE" and int(value or 0) > self.policy.size_limit:
                return answers.TOO_LARGE, None, {}
        return answers.OK, command.path, dict(command.parameters)

    async def smtp_QUIT(self, arg: str | None) -> None:
        """RFC 5321 section 4.1.1.10."""
        if arg:
            await self.push(Answer(501, "5.5.4", "QUIT stands alone; nothing follows it"))
            return
        self.hang_up(answers.BYE)
        raise asyncio.CancelledError  # nothing that the client sent after QUIT is read

    async def smtp_DATA(self, arg: str | None) -> None:
        """RFC 5321 section 4.1.1.4: 503 or 554 without a recipient; both are named there."""
        if await self.check_helo_needed():
            return
        if self.envelope.mail_from is None:
            await self.push(answers.NEED_MAIL)
        elif not self.envelope.rcpt_tos:
            await self.push(answers.NO_RECIPIENT if self.envelope.refused else answers.NEED_RCPT)
        elif self.envelope.chunks is not None:
            await self.push(NO_MIX)
        elif (self.envelope.parameters.get("BODY") or "").upper() == "BINARYMIME":
            await self.push(BINARY_WANTS_BDAT)
        else:
            await super().smtp_DATA(arg)

    # TLS and authentication

    async def smtp_STARTTLS(self, arg: str | None) -> None:
        """RFC 3207 section 4."""
        if not self.policy.starttls:
            await self.push(answers.NOT_IMPLEMENTED)
        elif self._encrypted:
            await self.push(answers.TLS_ALREADY)
        elif not self.session.host_name or not self.session.extended_smtp:
            await self.push(answers.EHLO_FIRST)
        elif self._half_closed:
            await self.push(answers.NO_HANDSHAKE)  # it would be waited for in vain
        else:
            self.tls_context = self.policy.tls_context()
            await super().smtp_STARTTLS(arg)


def _keyword_stands(verb: str, arg: str | None) -> bool:
    return (arg or "").upper().startswith("FROM:" if verb == "MAIL" else "TO:")


_NAMES = [name for name in dir(LabSMTP) if name.startswith(("smtp_", "auth_"))]
