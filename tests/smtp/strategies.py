"""Random octets, lines and sessions for the tests of the pure floor."""

from __future__ import annotations

from hypothesis import strategies as st

from labkit.smtp import Segment, Transcript, WireEvent
from labkit.smtp.wire import SENDERS, VIEWS, Sender

octets = st.binary(max_size=60)
"""Any octets whatever."""

paths = st.sampled_from(
    [
        "<alice@sender.example>", "<>", "<bob@receiver.example>", "<Postmaster>", "<@a.example:u@d.example>",
        '<"a b"@c.example>', "<u@[192.0.2.1]>", "bob@receiver.example", " <a@b.example>", "<a@b", "<a@@b>",
        "<\u00e4@b.example>",
    ]
)  # fmt: skip
words = st.sampled_from(
    [
        "EHLO a.example", "HELO a.example", "DATA", "RSET", "NOOP", "QUIT", "VRFY bob", "EXPN staff", "HELP",
        "STARTTLS", "AUTH PLAIN AGEAYg==", "AUTH LOGIN", "BDAT 4", "BDAT 3 LAST", "ETRN a.example", "TURN",
        "FOO", "ehlo", "*", "YWxpY2U=", "Subject: x", "", ".", "..", ".x", " folded",
    ]
)  # fmt: skip
ends = st.sampled_from([b"\r\n", b"\r\n", b"\r\n", b"\r\n", b"\r\n", b"\n", b""])


@st.composite
def client_lines(draw: st.DrawFn) -> bytes:
    """A line that a client might send: right, slightly wrong, or nonsense."""
    kind = draw(st.integers(0, 9))
    if kind == 0:
        return draw(octets) or b"\r\n"
    paths_too = kind < 5
    text = draw(st.sampled_from(["MAIL FROM:", "RCPT TO:"])) + draw(paths) if paths_too else draw(words)
    return text.encode() + draw(ends) or b"\n"


codes = st.sampled_from(
    [
        220, 221, 235, 250, 251, 252, 334, 354, 421, 450, 451, 452, 454, 500, 501, 502, 503, 504, 530, 535,
        550, 551, 552, 553, 554, 555, 299, 399, 422, 577, 650, 199, 0,
    ]
)  # fmt: skip


@st.composite
def server_lines(draw: st.DrawFn) -> bytes:
    """A line that a server might send: right, slightly wrong, or nonsense."""
    if draw(st.integers(0, 9)) == 0:
        return draw(octets) or b"\n"
    code = draw(codes)
    mark = draw(st.sampled_from([" ", " ", " ", " ", "-", ""]))
    text = draw(st.sampled_from(["", "OK", "5.1.1 no", "2.0.0 yes", "5.7.26 no", "9.9.9", "SIZE 10", "VXNl"]))
    return f"{code:03}{mark}{text if mark else ''}".encode() + draw(ends) or b"\n"


_SCRIPT: list[tuple[bytes, bytes]] = [
    (b"EHLO a.example\r\n", b"250-b\r\n250-STARTTLS\r\n250-CHUNKING\r\n250 AUTH PLAIN LOGIN\r\n"),
    (b"MAIL FROM:<alice@sender.example>\r\n", b"250 2.1.0 ok\r\n"),
    (b"RCPT TO:<bob@receiver.example>\r\n", b"250 2.1.5 ok\r\n"),
    (b"RCPT TO:<gone@receiver.example>\r\n", b"550 5.1.1 no\r\n"),
    (b"DATA\r\n", b"354 go\r\n"),
    (b"Subject: x\r\n", b""),
    (b"\r\n", b""),
    (b"..\r\n", b""),
    (b".\r\n", b"250 2.0.0 queued\r\n"),
    (b"AUTH LOGIN\r\n", b"334 VXNlcm5hbWU6\r\n"),
    (b"YWxpY2U=\r\n", b"334 UGFzc3dvcmQ6\r\n"),
    (b"c2VjcmV0\r\n", b"235 2.7.0 ok\r\n"),
    (b"MAIL FROM:<>\r\n", b"250 ok\r\n"),
    (b"RCPT TO:<bob@receiver.example>\r\n", b"250 ok\r\n"),
    (b"BDAT 5\r\n", b"250 ok\r\n"),
    (b"abcde", b""),
    (b"BDAT 3 LAST\r\n", b"250 ok\r\n"),
    (b"a\r\n", b""),
    (b"STARTTLS\r\n", b"220 go\r\n"),
    (b"QUIT\r\n", b"221 bye\r\n"),
]
"""Client lines and the usual answers, for sessions that come somewhere."""


@st.composite
def sessions(draw: st.DrawFn, connections: int = 2) -> list[WireEvent]:
    """Lines from both sides, on one or two connections: mostly in order and pipelined or not, with noise."""
    events: list[WireEvent] = []
    places = dict.fromkeys(range(1, connections + 1), 0)
    encrypted = dict.fromkeys(places, False)
    late: dict[int, list[bytes]] = {connection: [] for connection in places}
    noise = draw(st.sampled_from([0, 1, 3, 10]))

    def add(connection: int, sender: Sender, data: bytes) -> None:
        seq = len(events) + 1
        events.append(WireEvent(seq, 0.0, connection, sender, "server", data, encrypted[connection]))

    def reply(connection: int, data: bytes) -> None:
        for line in data.splitlines(keepends=True):
            add(connection, "S", line)
        if data.startswith(b"220") and events[-1].seq > 3:
            encrypted[connection] = True

    for connection in places:
        if draw(st.integers(0, 9)):
            reply(connection, b"220 a\r\n")
        places[connection] = draw(st.sampled_from([0, 0, 0, 9, 12, 18]))
    for _ in range(draw(st.integers(0, 30))):
        connection = draw(st.sampled_from(sorted(places)))
        kind = draw(st.integers(0, 9))
        if kind < noise:
            sender: Sender = draw(st.sampled_from(SENDERS))
            close = draw(st.integers(0, 20)) == 0
            add(
                connection,
                sender,
                b"" if close else draw(client_lines() if sender == "C" else server_lines()),
            )
        elif kind == 9 and late[connection]:
            reply(connection, late[connection].pop(0))
        else:
            line, answer = _SCRIPT[places[connection] % len(_SCRIPT)]
            places[connection] += 1
            add(connection, "C", line)
            if answer:
                late[connection].append(answer)
            if kind != 8:
                while late[connection]:
                    reply(connection, late[connection].pop(0))
    return events


times = st.floats(allow_nan=False, allow_infinity=False)


@st.composite
def transcripts(draw: st.DrawFn) -> Transcript:
    """Any transcript at all, also one that no session could give."""
    data = st.one_of(octets, client_lines(), server_lines())
    events = draw(
        st.lists(
            st.builds(
                WireEvent,
                seq=st.integers(-5, 2**70),
                time=times,
                connection=st.integers(-3, 2**70),
                sender=st.sampled_from(SENDERS),
                view=st.sampled_from(VIEWS),
                data=data,
                encrypted=st.booleans(),
            ),
            max_size=12,
        )
    )
    segments = draw(
        st.lists(
            st.builds(
                Segment,
                time=times,
                connection=st.integers(-3, 2**70),
                sender=st.sampled_from(SENDERS),
                first=st.integers(-5, 2**70),
                octets=st.integers(-5, 2**70),
            ),
            max_size=5,
        )
    )
    return Transcript(tuple(events), tuple(segments))
