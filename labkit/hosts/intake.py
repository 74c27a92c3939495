"""The incoming half of a host: whom it takes mail for and from, and what it does with a message it has taken.

RFC 5321 section 4.4 (Received at every hop, Return-Path at final delivery only), section 6.3 (loops), section 7.9 and
RFC 6409 (who may have mail carried on).
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from labkit.hosts import answers
from labkit.hosts.answers import Answer
from labkit.hosts.mailbox import Mailbox, Message, return_path, trace_fields
from labkit.hosts.notices import Notices
from labkit.hosts.queue import QueuedEnvelope, QueueItem, Recipient
from labkit.hosts.routing import takes_no_mail
from labkit.hosts.submission import complete
from labkit.smtp.note import Envelope
from labkit.smtp.path import Path

if TYPE_CHECKING:
    from labkit.hosts.mail_host import MailHost
    from labkit.hosts.policy import LabEnvelope
    from labkit.hosts.smtpd import LabSMTP
    from labkit.hosts.tap import ServerSession

_QUOTED_PAIR = re.compile(r"\\(.)")
_RECEIVED = re.compile(rb"^received[ \t]*:", re.IGNORECASE | re.MULTILINE)
_MESSAGE_ID = re.compile(rb"^message-id[ \t]*:[ \t\r\n]*([^\r\n]*)", re.IGNORECASE | re.MULTILINE)

AUTH_REQUIRED = Answer(530, "5.7.0", "Authentication required")


class Intake:
    """The incoming half of one host."""

    def __init__(self, host: MailHost) -> None:
        self._host = host
        spec = host.spec
        self._domains = spec.all_domains()
        self._relay_domains = spec.relay_domains()
        self._known = frozenset(address.lower() for address in spec.knows)
        self._trusts = frozenset(name.lower() for name in spec.trusts)
        self._mailboxes: dict[str, Mailbox] = {}
        for address in (*spec.mailboxes, "postmaster"):
            full = address if "@" in address else f"{address}@{self._domains[0]}"
            self._mailboxes.setdefault(full.lower(), Mailbox(full))
        self._notices = Notices(host)
        self._taken = 0

    # who and for whom

    @property
    def mailboxes(self) -> tuple[Mailbox, ...]:
        """All mailboxes."""
        return tuple(self._mailboxes.values())

    def mailbox(self, address: str) -> Mailbox | None:
        """One mailbox, by address or by local part."""
        full = address if "@" in address else f"{address}@{self._domains[0]}"
        return self._mailboxes.get(full.lower())

    def find(self, path: Path) -> Mailbox | None:
        """The mailbox behind a path; case is no difference here, though a local part's case could be one
        elsewhere."""
        local = path.local_part
        if local.startswith('"'):
            local = _QUOTED_PAIR.sub(r"\1", local[1:-1])
        local = local.lower()
        domain = path.domain.lower() or self._domains[0]
        if local == "postmaster" and domain in self._domains:
            return self._mailboxes.get(f"{local}@{domain}") or self._mailboxes[f"{local}@{self._domains[0]}"]
        return self._mailboxes.get(f"{local}@{domain}")

    def serves(self, domain: str) -> bool:
        """Whether mail for this domain is taken from anybody: it stays here, or is carried on."""
        return not domain or domain.lower() in self._domains or domain.lower() in self._relay_domains

    def knows_client(self, server: LabSMTP) -> bool:
        """Whether this client may have mail carried to anywhere."""
        spec = self._host.spec
        if spec.open_relay or server.session.authenticated:
            return True
        if "submission" in spec.roles and spec.trusted:
            return True
        caller = self._host.caller(server) if self._trusts else None
        return caller is not None and caller.lower() in self._trusts

    def sender(self, server: LabSMTP, path: Path) -> Answer:
        """Any reverse-path is accepted: nothing in SMTP says whose it is. A host for submission alone first wants to
        know who speaks (RFC 6409 section 4.3), and some take nothing in clear."""
        if self._host.spec.tls_required and not server.encrypted:
            return answers.TLS_FIRST
        alone = self._host.spec.roles == ("submission",) or server.port in self._host.spec.submission_ports
        if alone and not self.knows_client(server):
            return AUTH_REQUIRED
        if self._host.spec.refuse_null_mx and path.domain:
            dns = self._host.around.zones.as_asked_by(
                self._host.name, f"to see whether {path.domain} takes mail"
            )
            if takes_no_mail(dns.lookup(path.domain, "MX")):
                return Answer(
                    550, "5.7.27", f"{path.domain} takes no mail (null MX), so none is taken from it"
                )
        return answers.SENDER_OK

    def recipient(self, server: LabSMTP, path: Path) -> Answer:
        """Mailboxes here are accepted, others refused: 550 5.1.1 in our domains; elsewhere 550 5.7.1, unless mail is
        carried on for this domain or for this client."""
        spec = self._host.spec
        helo = server.tapped.helo or ""
        if spec.refuse_bare_names and "." not in helo and not helo.startswith("["):
            return answers.BARE_NAME
        if self.find(path) is not None:
            return answers.RECIPIENT_OK
        domain = path.domain.lower()
        if domain in self._domains:
            return Answer(550, "5.1.1", f"No mailbox <{path}> here")
        if domain in self._relay_domains:
            if (
                self._known
                and str(path).lower() not in self._known
                and path.local_part.lower() != "postmaster"
            ):
                return Answer(550, "5.1.1", f"No mailbox <{path}> here")
            return answers.RECIPIENT_OK
        if self.knows_client(server):
            return answers.RECIPIENT_OK
        return Answer(550, "5.7.1", f"Relaying denied: {path.domain} is not served here")

    # taking a message

    def take(self, server: LabSMTP, envelope: LabEnvelope, text: bytes) -> Answer:
        """The message has come; the answer says whether this host is responsible for it now."""
        host = self._host
        hops = len(_RECEIVED.findall(_header(text)))
        if hops >= host.spec.hop_limit:
            return Answer(554, "5.4.6", f"This message has passed {hops} hosts already: it goes in circles")
        queue_id = self.next_queue_id()
        if host.spec.submission_at(server.port):
            text = self._complete(server, envelope, text, queue_id)
        session = server.tapped
        caller = host.caller(server)
        address = host.around.address_of(caller) if caller else None
        kept = Envelope(envelope.mail_from or "", tuple(envelope.rcpt_tos))
        trace = trace_fields(
            by=host.name,
            helo=session.helo or "unknown",
            address=address or (session.peer[0] if session.peer else None),
            protocol=server.protocol_name,
            queue_id=queue_id,
            recipients=kept.forward_paths,
            date=host.clock.datetime(),
        )
        asked = envelope.parameters
        queued = QueuedEnvelope(
            kept.reverse_path or "",
            tuple(
                Recipient(str(path), asked_too.get("NOTIFY") or "", asked_too.get("ORCPT") or "")
                for path, asked_too in zip(envelope.paths, envelope.recipient_parameters, strict=True)
            ),
            asked.get("RET") or "",
            asked.get("ENVID") or "",
            (asked.get("BODY") or "").upper(),
            "SMTPUTF8" in asked,
        )
        message_id = message_id_of(text)
        answer = Answer(250, "2.0.0", f"OK: queued as {queue_id}")
        who = caller or session.helo or "unknown"
        host.around.movements.add(
            "accepted" if caller else "submitted", who, host.name, session.port, queue_id, message_id,
            kept.forward_paths, connection=session.connection, reply=f"250 2.0.0 {answer.text}",
            why="The host is responsible for it now.", about=host.around.about(message_id),
        )  # fmt: skip
        count = len(kept.forward_paths)
        host.note(
            queue_id,
            f"taken from {who} for {kept.forward_paths[0] if count == 1 else f'{count} recipients'}: "
            f"250 2.0.0 {answer.text}",
        )
        self._keep(queue_id, trace, text, kept, queued, envelope.paths, session, message_id)
        return answer

    def _complete(self, server: LabSMTP, envelope: LabEnvelope, text: bytes, queue_id: str) -> bytes:
        """The message with what its program left out (RFC 6409 section 8)."""
        given: Any = server.session.auth_data if server.session.authenticated else None
        login = given.login.decode("utf-8", "replace") if given is not None else ""
        domain = self._host.spec.house
        completed, changes = complete(
            text,
            now=self._host.clock.datetime(),
            host=self._host.name,
            seed=queue_id,
            domain=domain,
            sender=envelope.mail_from or "",
            login=f"{login}@{domain}" if login and "@" not in login else login,
        )
        for change in changes:
            self._host.note(queue_id, f"{change.text} {change.rule.ref}")
        return completed

    def take_notice(self, queue_id: str, recipient: str, text: bytes, message_id: str) -> None:
        """A notice that this host has written, with the null reverse-path."""
        local, _, domain = recipient.rpartition("@")
        queued = QueuedEnvelope("", (Recipient(recipient, "NEVER"),))
        self._keep(
            queue_id, b"", text, Envelope("", (recipient,)), queued, [Path(local, domain)], None, message_id
        )

    def _keep(
        self,
        queue_id: str,
        trace: bytes,
        text: bytes,
        envelope: Envelope,
        queued: QueuedEnvelope,
        paths: Sequence[Path],
        session: ServerSession | None,
        message_id: str,
    ) -> None:
        """What is for here goes into mailboxes, one copy each; the rest into the queue."""
        host = self._host
        now = host.clock.now()
        about = host.around.about(message_id)
        connection, port = (session.connection, session.port) if session is not None else (0, None)
        away: list[Recipient] = []
        goals: dict[Mailbox, tuple[Path, Recipient]] = {}
        for path, recipient in zip(paths, queued.recipients, strict=True):
            box = self.find(path)
            if box is None:
                away.append(recipient)
            else:
                goals.setdefault(box, (path, recipient))
        stored = return_path(envelope.reverse_path or "") + trace + text if goals else b""
        for box, (path, recipient) in goals.items():
            box.store(Message(stored, text, envelope, str(path), connection, queue_id, now))
            recipient.status = "delivered"
            host.around.movements.add(
                "stored", host.name, host.name, port, queue_id, message_id, (str(path),),
                connection=connection or None, why=f"It lies in the mailbox {box.address}.",
                about=about,
            )  # fmt: skip
            host.note(queue_id, f"stored in the mailbox {box.address}")
        item = QueueItem(
            queue_id, trace + text,
            QueuedEnvelope(queued.reverse_path, tuple(away), queued.ret, queued.envid, queued.body, queued.smtputf8),
            now, host.around.next_seq(), message_id, about,
        )  # fmt: skip
        self._notices.delivered(item, [recipient for _, recipient in goals.values()])
        if away:
            host.queue.add(item)
            host.around.wake()

    def next_queue_id(self) -> str:
        """A name for a message, new at this host and the same in every run."""
        self._taken += 1
        seed = f"{self._host.spec.id_seed}/{self._host.name}/{self._taken}"
        return base64.b32encode(hashlib.sha256(seed.encode()).digest()[:7])[:10].decode()


def message_id_of(text: bytes) -> str:
    """The Message-ID field, with its brackets; empty if there is none."""
    found = _MESSAGE_ID.search(_header(text))
    return found[1].strip().decode("utf-8", "replace") if found else ""


def _header(text: bytes) -> bytes:
    end = text.find(b"\r\n\r\n")
    return text if end < 0 else text[:end]
