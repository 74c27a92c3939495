"""A short session as lines to read: codes apart, the message folded, where TLS begins, and what no server can read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from labkit.explainers.sasl import response_parts
from labkit.smtp.session import observe
from labkit.smtp.transcript import Transcript
from labkit.view.cards_static import Html, el, items, kids
from labkit.view.printable import printable, shortened
from labkit.view.session_rows import reply_parts, split_line_end
from labkit.view.static_form import chip as code_chip

Line = dict[str, Any]
LIMIT = 120
HELLO = b"\x16\x03"


def exchange_lines(session: Transcript) -> list[Line]:
    """``who`` (C, S or empty), ``t``, and as there is: ``code``, ``more``, ``enc``, ``note``."""
    return list(_lines(session))


def _lines(session: Transcript) -> Iterator[Line]:
    events = {event.seq: event for event in session}
    text, encrypted = 0, False
    for note in observe(session):
        event = events[note.seq]
        if event.sender == "C" and event.data.startswith(HELLO) and not event.encrypted:
            yield {
                "who": "C",
                "t": f"{event.data[:3].hex(' ')} …",
                "note": "No command: octets of a TLS handshake.",
            }
            return  # what follows is random, and makes no line
        if note.role == "text":
            text += 1
            continue
        if text:
            yield {"who": "C", "t": f"(the message, {text} lines)", "enc": encrypted}
            text = 0
        if event.encrypted and not encrypted:
            encrypted = True
            yield {"who": "", "t": "From here on encrypted", "enc": True}
        yield _line(event.sender, event.data, note.role, event.encrypted)
        if note.role == "closed":
            return


def misread_greeting(server: Transcript) -> list[Line]:
    """What a program has on its side that speaks TLS at once and is greeted in clear: octets that make no TLS record."""
    lines = exchange_lines(server)
    greeting = next((event.data for event in server if event.sender == "S"), b"")
    octets = {
        "who": "S",
        "t": f"{greeting[:4].hex(' ')} …",
        "note": f"No TLS: this is {greeting[:3].decode()}, a greeting in clear.",
    }
    return [*(line for line in lines if line["t"].startswith(HELLO.hex(" "))), octets]


def _line(sender: str, data: bytes, role: str, encrypted: bool) -> Line:
    if role == "closed":
        return {
            "who": "",
            "t": f"The {'server' if sender == 'S' else 'client'} closed the connection.",
            "enc": encrypted,
        }
    line, _ = split_line_end(data)
    code, more, rest = reply_parts(line) if sender == "S" else (None, False, line)
    shown, cut = shortened(printable(rest), LIMIT)
    found: Line = {"who": sender, "t": f"{shown} …" if cut else shown, "enc": encrypted}
    if code:
        found |= {"code": code, "more": more}
    if rest[:11].upper() == b"AUTH PLAIN " and not encrypted:
        parts, _ = response_parts("PLAIN", 0, rest[11:].decode("ascii", "replace"))
        found["note"] = f"Anybody on the way reads: {', '.join(read for read, _ in parts[2:])}"
    return found


def exchange_text(lines: list[Line]) -> list[str]:
    """The lines in plain text."""
    return [_plain(line) for line in lines] or ["(nothing)"]


def _plain(line: Line) -> str:
    lock = " [TLS]" if line.get("enc") and line["who"] else ""
    code = f"{line['code']}{'-' if line['more'] else ' '}" if line.get("code") else ""
    words = f"{line['who']}: {code}{line['t']}" if line["who"] else f"({line['t']})"
    return f"{words}{lock}" + (f"  <- {line['note']}" if line.get("note") else "")


def exchange_html(lines: list[Line]) -> Html:
    """The same as a list without scripts."""
    if not lines:
        return el("p", el("em", "Nothing."))
    return items(map(_html, lines))


def _html(line: Line) -> Html:
    if not line["who"]:
        return el("em", line["t"])
    chip = Html(code_chip(line["code"], line["more"]) + " ") if line.get("code") else None
    lock = " (under TLS)" if line.get("enc") else None
    note = el("em", f" {line['note']}") if line.get("note") else None
    return kids(f"{line['who']}: ", chip, el("code", line["t"]), lock, note)
