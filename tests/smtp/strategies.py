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
    if kind < 5:
        text = draw(st.sampled_from(["MAIL FROM:", "RCPT TO:"])) + draw(paths)
    else:
        text = draw(words)
    return text.encode() + draw(ends) or b"\n"


codes = st.sampled_from(
    [220, 221, 235, 250, 251, 252, 334, 354, 421, 450, 451, 452, 454, 500, 501, 502, 503, 504, 530, 535, 550]
    + [551, 552, 553, 554, 555, 299, 399, 422, 577, 650, 199, 0]
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


@st.composite
def sessions(draw: st.DrawFn, connections: int = 2) -> list[WireEvent]:
    """Any sequence of lines from both sides, on one or two connections, with an end or without."""
    events = []
    encrypted = dict.fromkeys(range(1, connections + 1), False)
    for seq in range(1, draw(st.integers(0, 40)) + 1):
        connection = draw(st.integers(1, connections))
        sender: Sender = draw(st.sampled_from(SENDERS))
        data = draw(client_lines() if sender == "C" else server_lines())
        if draw(st.integers(0, 40)) == 0:
            data = b""
        if draw(st.integers(0, 15)) == 0:
            encrypted[connection] = True
        events.append(WireEvent(seq, 0.0, connection, sender, "server", data, encrypted[connection]))
    return events


times = st.floats(allow_nan=False)


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
