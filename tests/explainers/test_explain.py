"""`labkit.explain`: the written inputs, and no text beyond explanation."""

from __future__ import annotations

import importlib.util
import random
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import labkit
from labkit.explainers.answer import Explanation
from labkit.explainers.explain import KINDS, explain

_SPEC = importlib.util.spec_from_file_location("explain_inputs", Path(__file__).parent / "inputs.py")
assert _SPEC is not None
assert _SPEC.loader is not None
inputs = importlib.util.module_from_spec(_SPEC)
sys.modules[_SPEC.name] = inputs  # a dataclass looks its module up
_SPEC.loader.exec_module(inputs)
ALL = tuple(inputs.inputs())
KNOWN_MISSES: frozenset[str] = frozenset()
"""Places of inputs that are not explained right yet; the table lists them."""


def test_the_written_inputs_are_explained() -> None:
    assert len(ALL) >= 300
    wrong = {one.place: missed for one in ALL if (missed := one.misses())}
    assert set(wrong) == KNOWN_MISSES, wrong


def test_a_miss_is_seen() -> None:
    one = inputs.Input("here", "spf", ("softfail", "no such word"), "v=spf1 ~all")
    assert one.misses() == ("no such word",)
    assert inputs.Input("here", "dmarc", (), "v=spf1 ~all").misses() == ("kind spf",)


def test_each_kind_of_the_issue_is_among_the_inputs() -> None:
    kinds = {one.kind for one in ALL}
    assert kinds >= {
        "reply", "bounce", "session", "error", "command", "port", "header", "message", "spf", "dkim-key", "dmarc",
        "mta-sts", "tls-rpt", "bimi", "zone", "mta-sts-policy", "dmarc-report", "tls-report", "arf", "unknown",
    }  # fmt: skip


def test_no_text_raises(size: Callable[[int, int], int]) -> None:
    draw = random.Random(7)
    for _ in range(size(400, 100_000)):
        given = _anything(draw)
        _whole(given, explain(given))


@pytest.mark.parametrize(
    "text", ["Subject: =?UTF\xe4-8?Q?x?=", "Subject: =?utf-8?b?a?=", "Subject: =?nobody?q?x?="]
)
def test_an_encoded_word_that_cannot_be_decoded_is_told(text: str) -> None:
    answer = explain(text)
    assert answer.kind == "header"
    assert "decoded" in answer.problems[0].what


def _whole(given: str | bytes, answer: Explanation) -> None:
    said = str(answer)
    assert answer.title, given
    assert answer.kind, given
    assert all(len(line) <= 100 for line in said.split("\n")), given
    assert all(mark.isprintable() or mark == "\n" for mark in said), given
    assert all(line.mark in ("ok", "note", "wrong", "unknown") for line in answer.lines), given


_MARKS = "\x00\x1b\ud800\udcff\u202e\ufeff<>\"'(){}[];:=@%\\\r\n\t -+~?.,0123456789abcXYZ\xe4\u6f22"


def _anything(draw: random.Random) -> str | bytes:
    """Noise, or a written input that was cut, mixed with another, or changed in places."""
    way = draw.randrange(6)
    if way == 0:
        return "".join(draw.choice(_MARKS) for _ in range(draw.randrange(80)))
    if way == 1:
        return draw.choice((b"", b"\x1f\x8b", b"PK\x03\x04", b"{", b"<")) + draw.randbytes(draw.randrange(60))
    one = draw.choice(ALL).given
    if isinstance(one, bytes):
        at = draw.randrange(len(one))
        return one[:at] + draw.randbytes(3) + one[at + draw.randrange(5) :]
    if way == 2:
        start = draw.randrange(len(one) + 1)
        return one[start : start + draw.randrange(200)]
    if way == 3:
        lines = [line for text in (one, str(draw.choice(ALL).given)) for line in text.split("\n")]
        draw.shuffle(lines)
        return "\n".join(lines[: draw.randrange(1, 12)])
    marks = list(one)
    for _ in range(draw.randrange(1, 6)):
        marks.insert(draw.randrange(len(marks) + 1), draw.choice(_MARKS))
    return "".join(marks) if way == 4 else "".join(marks).encode("utf-8", "surrogatepass")


@pytest.mark.parametrize("text", ["9" * 100_000, "<" * 50_000, "a:" * 30_000, "v=spf1 " + "a " * 6_000, "x\n" * 40_000,
                                  "250-" * 20_000, "{" * 50_000, '"' * 30_000, "(" * 30_000, "said: 550 " * 8_000,
                                  "b@" * 20_000, "=?" * 20_000, "port " * 10_000, "http://a." * 9_000, "\n" * 90_000 + "x"])  # fmt: skip
def test_a_long_text_takes_no_long_time(text: str) -> None:
    _whole(text[:20], explain(text))


def test_the_answer_names_what_else_it_could_be() -> None:
    answer = explain("587")
    assert answer.kind == "port"
    assert explain('example.com. IN TXT "v=spf1 mx -all"').others == ("lines of a DNS zone",)


def test_provider_and_registry_are_told_apart() -> None:
    said = str(explain("550 5.7.27 blocked because SPF didn't pass - gsmtp"))
    assert "By the registry" in said
    assert "Gmail means" in said
    assert "By the registry" not in str(explain("550 5.7.27 null MX"))


def test_the_name_is_public() -> None:
    assert labkit.explain is explain
    assert len({module for module, _ in KINDS}) == len(KINDS) - 2  # three small records live in one module
