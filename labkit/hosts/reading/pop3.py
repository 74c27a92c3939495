"""POP3 (RFC 1939): Twisted's server on a mailbox of ours."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import TYPE_CHECKING, Any

from twisted.mail import pop3
from twisted.mail._except import POP3Error
from twisted.mail.interfaces import IMailboxPOP3
from zope.interface import implementer

from labkit.message import stuff_dots
from labkit.transport.twisted_wire import OnLoop

if TYPE_CHECKING:
    from labkit.hosts.folder import Entry
    from labkit.hosts.mail_host import MailHost
    from labkit.hosts.mailbox import Mailbox


class MaildropInUse(Exception):
    """Somebody else reads this mailbox by POP3 now (RFC 2449 section 8.1.2)."""


@implementer(IMailboxPOP3)
class Maildrop:
    """A mailbox as one POP3 session sees it: what lay there at log-in, in fixed numbers, and nobody else's meanwhile."""

    def __init__(self, box: Mailbox) -> None:
        self._box = box
        self._entries: list[Entry] = list(box.inbox.entries)
        self._going: set[int] = set()
        box.locked = True

    def unlock(self) -> None:
        """The session is over, however it ended."""
        self._box.locked = False

    def listMessages(self, index: int) -> int:
        """Octets of a message; 0 for one that is marked. Raises ``ValueError`` when there is no such message."""
        if not 0 <= index < len(self._entries):
            raise ValueError(index)
        return self._size(index)

    def _size(self, index: int) -> int:
        return 0 if index in self._going else len(self._entries[index].raw)

    @property
    def sizes(self) -> dict[int, int]:
        """Number, from 1, and octets of each message that is not marked."""
        every = range(len(self._entries))
        return {index + 1: self._size(index) for index in every if index not in self._going}

    def getMessage(self, index: int) -> BytesIO:
        """The octets of a message, dots stuffed (RFC 1939 section 3)."""
        return BytesIO(stuff_dots(self._entries[index].raw))

    def getUidl(self, index: int) -> bytes:
        """The unique-id of a message (RFC 1939 section 7)."""
        if not 0 <= index < len(self._entries) or index in self._going:
            raise ValueError(index)
        return b"%d.%d" % (self._box.inbox.validity, self._entries[index].uid)

    def deleteMessage(self, index: int) -> None:
        """Mark a message; it goes at QUIT. Raises ``ValueError`` when there is no such message."""
        if not 0 <= index < len(self._entries) or index in self._going:
            raise ValueError(index)
        self._going.add(index)

    def undeleteMessages(self) -> None:
        """RSET: nothing is marked any more."""
        self._going.clear()

    @property
    def left(self) -> int:
        """How many messages the mailbox has."""
        return len(self._box.inbox.entries)

    def sync(self) -> None:
        """QUIT: what is marked goes now (RFC 1939 section 6)."""
        self._box.inbox.remove(self._entries[index] for index in self._going)


class Pop3Server(OnLoop, pop3.POP3):
    """One connection."""

    AUTH_CMDS = (*pop3.POP3.AUTH_CMDS, b"STLS")
    """What may be said before log-in."""

    def __init__(self, host: MailHost) -> None:
        self._host = host
        self.magic = f"{host.name} POP3 ready".encode()  # without <...>, so that nobody tries APOP
        self.timeOut = int(host.spec.timeout)

    @property
    def _may_log_in(self) -> bool:
        return self.transport.encrypted or self._host.auth_before_tls

    def processCommand(self, command: bytes, *args: bytes) -> Any:
        """One command; whatever is wrong with it is answered, and the next one gets its turn."""
        try:
            return super().processCommand(command, *args)
        except POP3Error as error:
            return self.failResponse(error.args[0])
        except (ValueError, TypeError):
            return self.failResponse(b"Bad command or argument")

    def listCapabilities(self) -> list[bytes]:
        """CAPA (RFC 2449)."""
        offered = [b"TOP", b"UIDL", b"PIPELINING", b"RESP-CODES"]
        if not self.transport.encrypted:
            offered.append(b"STLS")
        return [*offered, b"USER"] if self._may_log_in else offered

    def do_STLS(self) -> None:
        """Go on encrypted (RFC 2595 section 4)."""
        if self.transport.encrypted or self.mbox is not None:
            self.failResponse(b"Not now")
            return
        self._userIs = None
        self.successResponse(b"Begin TLS")
        self.transport.startTLS(self._host.tls_context())

    def lineReceived(self, line: bytes) -> None:
        """A line; those that came in clear behind STLS are dropped."""
        if not self.transport.starting_tls:
            super().lineReceived(line)

    def do_USER(self, user: bytes) -> None:
        """A name."""
        if not self._may_log_in:
            self.failResponse(b"Begin TLS first: STLS")
        elif self.mbox is not None:
            self.failResponse(b"You are logged in")
        else:
            super().do_USER(user)

    def _ebMailbox(self, failure: Any) -> None:
        in_use = failure.check(MaildropInUse)
        self.failResponse(str(failure.value) if in_use else "Wrong name or password")

    def do_APOP(self, *_args: bytes) -> None:
        """Not offered: it needs passwords kept readable, and MD5."""
        self.failResponse(b"Not offered")

    def do_RPOP(self, *_args: bytes) -> None:
        """Not offered."""
        self.failResponse(b"Not offered")

    def do_LAST(self) -> None:
        """Left out of POP3 since RFC 1725."""
        self.failResponse(b"Not offered")

    def transformChunk(self, chunk: bytes) -> bytes:
        """Nothing: line ends and dots are as they must be already."""
        return chunk

    def do_STAT(self) -> None:
        """How many messages, and how many octets; what is marked does not count."""
        sizes = self.mbox.sizes.values()
        self.successResponse(b"%d %d" % (len(sizes), sum(sizes)))

    def do_LIST(self, i: bytes | None = None) -> None:
        """The octets of one message, or of each."""
        self._tell(i, {number: b"%d" % size for number, size in self.mbox.sizes.items()})

    def do_UIDL(self, i: bytes | None = None) -> None:
        """The unique-id of one message, or of each."""
        self._tell(i, {number: self.mbox.getUidl(number - 1) for number in self.mbox.sizes})

    def _tell(self, one: bytes | None, known: Mapping[int, bytes]) -> None:
        if one is None:
            lines = [b"%d %b\r\n" % pair for pair in known.items()]
            self.transport.write(b"+OK %b\r\n%b.\r\n" % (_count(len(lines)), b"".join(lines)))
        elif int(one) in known:
            self.successResponse(b"%d %b" % (int(one), known[int(one)]))
        else:
            self.failResponse(b"No such message")

    def do_TOP(self, i: bytes, size: bytes) -> Any:
        """The header and so many lines of the text. Raises ``ValueError`` for numbers that are none."""
        count = int(size)
        if count < 0:
            raise ValueError(size)
        return self._sendMessageContent(
            i, lambda file: BytesIO(_top(file.read(), count)), lambda _: "Top of message follows"
        )

    def do_DELE(self, i: bytes) -> None:
        """Mark a message. Raises ``ValueError`` for a number that there is not."""
        self.mbox.deleteMessage(int(i) - 1)
        self.successResponse(b"message %d deleted" % int(i))  # as in RFC 1939; it is not, yet

    def do_QUIT(self) -> None:
        """The end: what is marked goes now (RFC 1939 section 6)."""
        left = b""
        if self.mbox is not None:
            self.mbox.sync()
            left = b" (%b left)" % _count(self.mbox.left)
        self.successResponse(f"{self._host.name} signing off".encode() + left)
        self.transport.loseConnection()


def _top(message: bytes, count: int) -> bytes:
    header, blank, text = message.partition(b"\r\n\r\n")
    return header + blank + b"".join(text.splitlines(keepends=True)[:count])


def _count(number: int) -> bytes:
    return b"%d message%b" % (number, b"" if number == 1 else b"s")
