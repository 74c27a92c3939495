"""The card of `labkit.explain`: everything in it is escaped, and Jupyter shows it."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from IPython.core.formatters import DisplayFormatter

from labkit.explainers.explain import explain
from labkit.view.explanation_card import explanation_html
from labkit.view.formatters import register

_EVIL = "<script>alert(1)</script><img src=x onerror=alert(1)>"
_TAGS = {
    "div",
    "span",
    "strong",
    "p",
    "ol",
    "ul",
    "li",
    "br",
    "em",
    "table",
    "tbody",
    "tr",
    "td",
    "code",
    "details",
    "summary",
}


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.attributes |= {name for name, _ in attrs}


def test_what_is_explained_is_escaped() -> None:
    for text in (f"550 5.1.1 {_EVIL}", f"From: {_EVIL} <a@b.example>", f"v=spf1 include:{_EVIL} -all", f"MAIL FROM:<{_EVIL}>", _EVIL,
                 f"C: EHLO {_EVIL}\nS: 501 {_EVIL}", f"v=DMARC1; p=none; rua=mailto:{_EVIL}", f"smtplib.SMTPDataError: (554, b'{_EVIL}')",
                 f"version: STSv1\nmode: {_EVIL}", '{"organization-name":"' + _EVIL + '","policies":[]}', f"Feedback-Type: {_EVIL}\nVersion: 1"):  # fmt: skip
        tags = _Tags()
        tags.feed(explanation_html(explain(text)))
        assert tags.seen <= _TAGS, (text, tags.seen)
        assert tags.attributes <= {"style"}, text


def test_the_card_says_what_the_text_says() -> None:
    answer = explain("550 5.7.27 SPF didn't pass - gsmtp")
    shown = re.sub(r"<[^>]+>", " ", explanation_html(answer))
    for word in ("Gmail means", "By the registry", "Who must act", "the sender&#x27;s postmaster", "✗"):
        assert word.replace("&#x27;", "'") in shown.replace("&#x27;", "'")


def test_jupyter_shows_both_forms() -> None:
    shell = DisplayFormatter()
    register(shell.formatters)
    data, _ = shell.format(explain("587"))
    assert "submission" in data["text/html"].lower()
    assert data["text/plain"].startswith("Port 587")
