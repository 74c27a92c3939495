"""IMAP (RFC 3501): Twisted's server on a mailbox of ours.

`Account` is a mailbox with its folders, `Selected` one folder as one session sees it, `Letter` one message.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import timedelta
from email import message_from_bytes
from email.message import Message
from email.policy import compat32
from email.utils import format_datetime
from functools import cached_property
from io import BytesIO
from typing import TYPE_CHECKING, Any, BinaryIO

from twisted.internet import defer
from twisted.mail import imap4
from twisted.mail.interfaces import (
    IAccountIMAP,
    IMailboxIMAP,
    IMessageIMAP,
    IMessageIMAPFile,
    INamespacePresenter,
)
from zope.interface import implementer

from labkit.hosts.folder import DELETED, FLAGS, SEEN, Entry, Folder
from labkit.hosts.reading.search import Search
from labkit.message import header_fields, header_of
from labkit.transport.twisted_wire import OnLoop, in_turns

if TYPE_CHECKING:
    from labkit.clock import VirtualClock
    from labkit.hosts.mail_host import MailHost
    from labkit.hosts.mailbox import Mailbox

RECENT = "\\Recent"
STATUS: Mapping[str, str] = {
    "MESSAGES": "getMessageCount",
    "RECENT": "getRecentCount",
    "UIDNEXT": "getUIDNext",
    "UIDVALIDITY": "getUIDValidity",
    "UNSEEN": "getUnseenCount",
}


class _Part:
    """A message or a part of one, as Twisted asks for it. Octets above 127 in a header are shown as ``?``: IMAP's own
    description of a message (ENVELOPE, BODYSTRUCTURE) has no place for them; the octets themselves are in BODY[]."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw

    @cached_property
    def _parsed(self) -> Message:
        return message_from_bytes(self.raw)

    def getHeaders(self, negate: bool, *names: bytes | str) -> dict[str, str]:
        """Fields by lower-case name: those named, or with ``negate`` all others. Of several alike the first."""
        wanted = {name.decode("ascii", "replace") if isinstance(name, bytes) else name for name in names}
        low = {name.lower() for name in wanted}
        fields: dict[str, str] = {}
        for name, value in self._parsed.items():
            if (name.lower() in low) != bool(negate):
                shown = str(value).encode("ascii", "replace").decode()
                fields.setdefault(name.lower(), " ".join(shown.split()))
        if low == {"content-type"} and not negate:
            fields.setdefault("content-type", "text/plain; charset=us-ascii")  # RFC 2045 section 5.2
        return fields

    def getBodyFile(self) -> BinaryIO:
        """What stands behind the header."""
        text = self.raw[len(header_of(self.raw)) :]
        return BytesIO(text.removeprefix(b"\r\n"))

    def getSize(self) -> int:
        """Octets."""
        return len(self.raw)

    def isMultipart(self) -> bool:
        """Whether it has parts."""
        return self._parsed.is_multipart()

    def getSubPart(self, number: int) -> _Part:
        """One of its parts, from 0. Raises ``IndexError``."""
        parts = self._parsed.get_payload()
        if not isinstance(parts, list):
            raise TypeError("this part has no parts")
        part = parts[number]
        assert isinstance(part, Message)
        return _Part(part.as_bytes(policy=compat32.clone(linesep="\r\n")))


@implementer(IMessageIMAP, IMessageIMAPFile)
class Letter(_Part):
    """A message in a folder."""

    def __init__(self, entry: Entry, date: str) -> None:
        super().__init__(entry.raw)
        self._entry, self._date = entry, date

    def getUID(self) -> int:
        """Its number in the folder."""
        return self._entry.uid

    def getFlags(self) -> list[str]:
        """Its flags."""
        return _in_order(self._entry)

    def getInternalDate(self) -> str:
        """When it came."""
        return self._date

    def open(self) -> BinaryIO:
        """All its octets."""
        return BytesIO(self.raw)


@implementer(IMailboxIMAP)
class Selected:
    """A folder as one session sees it: its numbers stay what the client knows until `news` tells it otherwise."""

    def __init__(self, folder: Folder, clock: VirtualClock, writable: bool = True) -> None:
        self.folder = folder
        self._clock, self._writable = clock, writable
        self._entries = list(folder.entries)
        self._told = [entry.flags for entry in self._entries]
        self._end: Callable[[], None] = lambda: None

    def watch(self, callback: Any) -> None:
        """Have ``callback()`` called when somebody changes the folder."""
        self._end = self.folder.on_change(callback)

    def news(self) -> list[bytes]:
        """What has changed since the client was told last, as untagged responses (RFC 3501 section 5.2)."""
        lines: list[bytes] = []
        there = {id(entry) for entry in self.folder.entries}
        for index in reversed(range(len(self._entries))):
            if id(self._entries[index]) not in there:
                del self._entries[index], self._told[index]
                lines.append(b"%d EXPUNGE" % (index + 1))
        for index, entry in enumerate(self._entries):
            if entry.flags != self._told[index]:
                self._told[index] = entry.flags
                flags = " ".join(_in_order(entry)).encode()
                lines.append(b"%d FETCH (FLAGS (%b))" % (index + 1, flags))
        known = {id(entry) for entry in self._entries}
        new = [entry for entry in self.folder.entries if id(entry) not in known]
        if new:
            self._entries += new
            self._told += [entry.flags for entry in new]
            lines.append(b"%d EXISTS" % len(self._entries))
        return lines

    # numbers and names

    def getFlags(self) -> list[str]:
        """The flags that there are."""
        return list(FLAGS)

    def getHierarchicalDelimiter(self) -> str:
        """What stands between a folder and one inside it."""
        return "/"

    def getUIDValidity(self) -> int:
        """Which folder of this name it is."""
        return self.folder.validity

    def getUIDNext(self) -> int:
        """The number that the next message will get."""
        return self.folder.next_uid

    def getUID(self, number: int) -> int:
        """The unique number of the message that is now ``number``."""
        return self._entries[number - 1].uid

    def getMessageCount(self) -> int:
        """How many messages."""
        return len(self._entries)

    def getRecentCount(self) -> int:
        """Messages that no session has been told of: IMAP4rev2 has dropped this (RFC 9051 appendix E)."""
        return 0

    def getUnseenCount(self) -> int:
        """Messages that nobody has read."""
        return sum(SEEN not in entry.flags for entry in self._entries)

    def isWriteable(self) -> bool:
        """Whether SELECT opened it, and not EXAMINE."""
        return self._writable

    def requestStatus(self, names: Iterable[str]) -> dict[str, int]:
        """STATUS; names that nobody knows are left out."""
        asked = [name.upper() for name in names if name.upper() in STATUS]
        return {name: getattr(self, STATUS[name])() for name in asked}

    def destroy(self) -> None:
        """Deleting a folder is the account's business."""

    def addListener(self, _listener: object) -> None:
        """Twisted's way of being told; `watch` and `news` do it here, because it knows no deletions by others."""

    def removeListener(self, _listener: object) -> None:
        """The session has done with this folder."""
        self._end()

    # what is done with messages

    def chosen(self, messages: Any, uid: bool) -> list[tuple[int, Entry]]:
        """The messages of a sequence set; numbers that there are not are left out."""
        if not self._entries:
            return []
        with suppress(ValueError):  # set already
            messages.last = self._entries[-1].uid if uid else len(self._entries)
        numbered = enumerate(self._entries, 1)
        return [(number, one) for number, one in numbered if (one.uid if uid else number) in messages]

    def letter(self, entry: Entry) -> Letter:
        """A message as Twisted asks for it."""
        return Letter(entry, format_datetime(self._clock.start + timedelta(seconds=entry.time)))

    def fetch(self, messages: Any, uid: bool) -> list[tuple[int, Letter]]:
        """Messages for FETCH and COPY."""
        return [(number, self.letter(entry)) for number, entry in self.chosen(messages, bool(uid))]

    def store(self, messages: Any, flags: Iterable[str], mode: int, uid: bool) -> dict[int, list[str]]:
        """Set (0), add (1) or take away (-1) flags. Raises ``ReadOnlyMailbox``."""
        if not self._writable:
            raise imap4.ReadOnlyMailbox
        known = {flag.lower(): flag for flag in FLAGS}
        wanted = frozenset(known.get(flag.lower(), flag) for flag in flags) - {RECENT}
        changed = {}
        for number, entry in self.chosen(messages, bool(uid)):
            new = wanted if not mode else entry.flags | wanted if mode > 0 else entry.flags - wanted
            self.mark(number, entry, new)
            changed[number] = _in_order(entry)
        return changed

    def mark(self, number: int, entry: Entry, flags: frozenset[str]) -> None:
        """Set flags, of which this session tells its client itself."""
        self._told[number - 1] = flags
        self.folder.mark(entry, flags)

    def expunge(self) -> list[int]:
        """Take out for good what is marked as deleted; the numbers, each as it is when the ones before are gone."""
        going = [(number, one) for number, one in enumerate(self._entries, 1) if DELETED in one.flags]
        numbers = [number - before for before, (number, _) in enumerate(going)]
        for number in numbers:
            del self._entries[number - 1], self._told[number - 1]
        self.folder.remove(one for _, one in going)
        return numbers

    def addMessage(self, message: BinaryIO, flags: Iterable[str] = (), _date: object = None) -> Any:
        """APPEND and COPY: another message."""
        entry = self.folder.add(message.read(), self._clock.now(), flags=set(flags) - {RECENT})
        return defer.succeed(entry.uid)


class _Name:
    """A folder in LIST."""

    def __init__(self, name: str) -> None:
        self._flags = ["\\Sent"] if name == "Sent" else []  # RFC 6154

    def getFlags(self) -> list[str]:
        """Its attributes."""
        return self._flags

    def getHierarchicalDelimiter(self) -> str:
        """What stands between a folder and one inside it."""
        return "/"


@implementer(IAccountIMAP, INamespacePresenter)
class Account:
    """A mailbox with its folders, for who has logged in."""

    def __init__(self, box: Mailbox, clock: VirtualClock) -> None:
        self._box, self._clock = box, clock

    def select(self, name: str, rw: bool = True) -> Selected | None:
        """Open a folder."""
        folder = self._box.folder(name)
        return None if folder is None else Selected(folder, self._clock, bool(rw))

    def create(self, name: str) -> bool:
        """CREATE. Raises ``MailboxCollision``."""
        name = name.rstrip("/")
        if not name or self._box.folder(name) is not None:
            raise imap4.MailboxCollision(name)
        self._box.make_folder(name)
        return True

    def delete(self, name: str) -> None:
        """DELETE. Raises ``NoSuchMailbox``."""
        if self._box.folders.pop(name, None) is None:
            raise imap4.NoSuchMailbox(name)

    def rename(self, old: str, new: str) -> None:
        """RENAME. Raises ``NoSuchMailbox`` and ``MailboxCollision``."""
        folders = self._box.folders
        if old not in folders:
            raise imap4.NoSuchMailbox(old)
        if self._box.folder(new) is not None:
            raise imap4.MailboxCollision(new)
        folders[new] = folders.pop(old)
        folders[new].name = new

    def isSubscribed(self, name: str) -> bool:
        """Whether LSUB shows it."""
        return name in self._box.subscribed

    def subscribe(self, name: str) -> None:
        """SUBSCRIBE."""
        self._box.subscribed.add(name)

    def unsubscribe(self, name: str) -> None:
        """UNSUBSCRIBE."""
        self._box.subscribed.discard(name)

    def listMailboxes(self, reference: str, wildcard: str) -> list[tuple[str, _Name]]:
        """The folders that a pattern means."""
        pattern = imap4.wildcardToRegexp(reference + wildcard, "/")
        return [(name, _Name(name)) for name in tuple(self._box.folders) if pattern.match(name)]

    def getPersonalNamespaces(self) -> list[list[bytes]]:
        """All folders are the owner's."""
        return [[b"", b"/"]]

    def getSharedNamespaces(self) -> None:
        """None."""

    def getUserNamespaces(self) -> None:
        """None."""


class ImapServer(Search, OnLoop, imap4.IMAP4Server):
    """One connection."""

    def __init__(self, host: MailHost) -> None:
        super().__init__({b"PLAIN": imap4.PLAINCredentials}, host.tls_context(), in_turns)
        self._host = host
        self.IDENT = f"{host.name} IMAP ready".encode()
        self.timeOut = self.POSTAUTH_TIMEOUT = int(host.spec.timeout)

    def capabilities(self) -> dict[bytes, list[bytes] | None]:
        """What is offered now; passwords only under TLS, unless the host is told otherwise."""
        offered: dict[bytes, list[bytes] | None] = {b"NAMESPACE": None, b"IDLE": None}
        if not self.transport.encrypted:
            offered[b"STARTTLS"] = None
        if self.transport.encrypted or self._host.auth_before_tls:
            offered[b"AUTH"] = [b"PLAIN"]
        else:
            offered[b"LOGINDISABLED"] = None
        return offered

    def do_AUTHENTICATE(self, tag: bytes, mechanism: bytes) -> None:
        """Only where LOGIN would do as well (RFC 3501 section 6.2.3)."""
        if b"LOGINDISABLED" in self.capabilities():
            self.sendNegativeResponse(tag, b"Begin TLS first")
        else:
            super().do_AUTHENTICATE(tag, mechanism)

    unauth_AUTHENTICATE = (do_AUTHENTICATE, imap4.IMAP4Server.arg_atom)

    def _respond(self, state: bytes, tag: bytes | None, message: Any) -> None:
        """Twisted words some refusals as text, which it then cannot send."""
        super()._respond(state, tag, message.encode() if isinstance(message, str) else message)

    def _stringLiteral(self, size: int) -> Any:
        return super()._stringLiteral(self._fitting(size))

    def _fileLiteral(self, size: int) -> Any:
        return super()._fileLiteral(self._fitting(size))

    def _fitting(self, size: int) -> int:
        if not 0 <= size <= self._host.size_limit:
            raise imap4.IllegalClientResponse(f"literals have 0 to {self._host.size_limit} octets")
        return size

    # what has changed

    def _cbSelectWork(self, mbox: Selected | None, command: bytes, tag: bytes) -> None:
        if mbox is not None:
            mbox.watch(self._something_changed)
            self.sendPositiveResponse(None, b"[UIDNEXT %d]" % mbox.getUIDNext())
            self.sendPositiveResponse(None, b"[PERMANENTFLAGS (%b \\*)]" % " ".join(FLAGS).encode())
        super()._cbSelectWork(mbox, command, tag)

    def connectionLost(self, reason: object) -> None:
        """The connection is gone."""
        if self.mbox is not None:
            self.mbox.removeListener(self)
        super().connectionLost(reason)

    def _something_changed(self) -> None:
        """Another session or a delivery: who idles is told at once (RFC 2177)."""
        if self.parseState == "idle":
            self._tell_news()

    def _tell_news(self) -> None:
        if self.mbox is not None:
            for line in self.mbox.news():
                self.sendUntaggedResponse(line)

    def do_NOOP(self, tag: bytes) -> None:
        """Is there any news?"""
        self._tell_news()
        super().do_NOOP(tag)

    unauth_NOOP = auth_NOOP = select_NOOP = logout_NOOP = (do_NOOP,)

    def do_IDLE(self, tag: bytes) -> None:
        """Tell me as it happens."""
        super().do_IDLE(tag)
        self._tell_news()

    select_IDLE = auth_IDLE = (do_IDLE,)

    def checkpoint(self) -> None:
        """CHECK."""
        self._tell_news()

    # reading

    def do_FETCH(self, tag: bytes, messages: Any, query: Any, uid: int = 0) -> None:
        """Messages, or parts of them. Reading the text marks it as seen (RFC 3501 section 6.4.5)."""
        if self.mbox.isWriteable() and any(_reads(part) for part in query):
            unseen = [pair for pair in self.mbox.chosen(messages, bool(uid)) if SEEN not in pair[1].flags]
            for number, entry in unseen:
                self.mbox.mark(number, entry, entry.flags | {SEEN})
            if unseen and not any(part.type == "flags" for part in query):
                flags = imap4._FetchParser.Flags()
                query = [flags, *query]
        super().do_FETCH(tag, messages, query, uid)

    select_FETCH = (do_FETCH, imap4.IMAP4Server.arg_seqset, imap4.IMAP4Server.arg_fetchatt)

    def spew_flags(self, id: int, msg: Letter, _w: Any = None, _f: Any = None) -> None:
        """FLAGS."""
        (_w or self.transport.write)(b"FLAGS (%b)" % " ".join(msg.getFlags()).encode())

    def spew_rfc822header(self, id: int, msg: Letter, _w: Any = None, _f: Any = None) -> None:
        """The header, octet by octet."""
        (_w or self.transport.write)(b"RFC822.HEADER " + _literal(header_of(msg.raw) + b"\r\n"))

    def spew_body(self, part: Any, id: int, msg: Letter, _w: Any = None, _f: Any = None) -> Any:
        """The message, its text or its header, or a piece of that, octet by octet: Twisted would send one field of each
        name, and all where a piece was asked for. Parts of parts and the structure are left to it."""
        octets = None if part.part else _section(part, msg)
        if octets is None:
            return super().spew_body(part, id, msg, _w, _f)
        whole, begin = copy.copy(part), part.partialBegin
        whole.partialBegin = None
        label = whole.__bytes__()
        if begin is not None:
            octets = octets[begin : begin + part.partialLength]
            label += b"<%d>" % begin
        (_w or self.transport.write)(label + b" " + _literal(octets))
        return None

    def do_SEARCH(self, tag: bytes, charset: object, query: Any, uid: int = 0) -> None:
        """The numbers of messages that fit. Twisted's own search of a folder goes by way of a reactor."""
        entries = list(enumerate(self.mbox._entries, 1))
        last = (entries[-1][0], entries[-1][1].uid) if entries else (0, 0)
        found = [
            b"%d" % (entry.uid if uid else number)
            for number, entry in entries
            if self._searchFilter(copy.deepcopy(query), number, self.mbox.letter(entry), *last)
        ]
        self.sendUntaggedResponse(b" ".join([b"SEARCH", *found]))
        self.sendPositiveResponse(tag, b"SEARCH completed")

    select_SEARCH = (do_SEARCH, imap4.IMAP4Server.opt_charset, imap4.IMAP4Server.arg_searchkeys)


def _reads(part: Any) -> bool:
    """Whether an item of FETCH gives the text to read, and not only a look at it."""
    if part.type == "body":
        return not part.peek and bool(part.empty or part.header or part.text or part.mime)
    return part.type in ("rfc822", "rfc822text")


def _section(part: Any, letter: Letter) -> bytes | None:
    """The octets of BODY[], BODY[TEXT], BODY[HEADER] and its fields; None for anything else."""
    if part.header:
        low = {_name(field).lower() for field in part.header.fields or ()}
        fields = (
            field.raw
            for field in header_fields(letter.raw)
            if not low or (field.name.lower() in low) != bool(part.header.negate)
        )
        return b"".join(fields) + b"\r\n"
    if part.text:
        return letter.getBodyFile().read()
    return letter.raw if part.empty else None


def _literal(octets: bytes) -> bytes:
    return b"{%d}\r\n%b" % (len(octets), octets)


def _name(field: bytes | str) -> str:
    return field.decode("ascii", "replace") if isinstance(field, bytes) else field


def _in_order(entry: Entry) -> list[str]:
    """Flags, the common ones first."""
    return [*(flag for flag in FLAGS if flag in entry.flags), *sorted(entry.flags.difference(FLAGS))]
