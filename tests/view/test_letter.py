"""Messages as their reader sees them; what their header claims about charset and encoding may be wrong."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.view.letter import Letter, read_letter


def letter(head: str, body: bytes) -> bytes:
    return head.encode().replace(b"\n", b"\r\n") + b"\r\n\r\n" + body


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (
            letter("From: a@a.example\nSubject: Hi", b"one\r\ntwo\r\n"),
            Letter("Hi", "a@a.example", "one\ntwo"),
        ),
        (
            letter("Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\n =?utf-8?b?IQ==?= Bob", b""),
            Letter("Grüße! Bob", "", ""),
        ),
        (
            letter(
                'Content-Type: text/plain; charset="utf-8"\nContent-Transfer-Encoding: base64',
                b"R3LDvMOfZQ==\r\n",
            ),
            Letter("", "", "Grüße"),
        ),
        (
            letter(
                "Content-Type: text/plain; charset=latin-1\nContent-Transfer-Encoding: 8bit", b"Gr\xfc\xdfe"
            ),
            Letter("", "", "Grüße"),
        ),
        (letter("Content-Type: text/plain; charset=utf-8", b"Gr\xfc"), Letter("", "", "Gr\\xfc")),
        (
            letter("Content-Type: multipart/alternative; boundary=x", b"--x\r\n\r\nplain\r\n--x--\r\n"),
            Letter("", "", "plain"),
        ),
        (letter("Subject: a\x1b[2J", b"\x07"), Letter("a\\x1b[2J", "", "\\x07")),
        (b"no header at all", Letter("", "", "no header at all")),
    ],
)
def test_letters(raw: bytes, shown: Letter) -> None:
    assert read_letter(raw) == shown


@pytest.mark.parametrize(
    "charset", ["none-such", "hex", "rot13", "idna", "utf-7", "utf-16", "punycode", '"', "x\x00"]
)
def test_a_wrong_charset_never_crashes(charset: str) -> None:
    head = f"Subject: =?{charset}?b?/+8=?=\nContent-Type: text/plain; charset={charset}"
    assert read_letter(letter(head, b"abc \xff\xef")).text is not None


@given(st.binary(max_size=200), st.sampled_from(["utf-8", "ascii", "idna", "utf-16", "unicode_escape", "x"]))
def test_nothing_crashes(body: bytes, charset: str) -> None:
    for encoding in ("base64", "quoted-printable", "x-uuencode", "7bit"):
        head = (
            f"Content-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: {encoding}\nSubject: "
        )
        shown = read_letter(head.encode() + body)
        assert shown.subject.isprintable()
        assert shown.text.replace("\n", "").isprintable()
    read_letter(body)


def test_parts_a_thousand_deep_do_not_crash() -> None:
    deep = b"".join(
        b"Content-Type: multipart/mixed; boundary=%d\r\n\r\n--%d\r\n" % (n, n) for n in range(2000)
    )
    assert "no plain text" in read_letter(deep).text
