"""`labkit.explain`: anything of a mail system in, what it is and what to do out.

Each kind has a module with `looks_like(text)`, how sure it is (0 to 1), and `explain_it(text)`. The surest explains;
the answer also says what else the text could be, and says so where nobody knows.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from importlib import import_module
from typing import cast

from labkit.explainers.answer import Explanation, Kind, plain, shown

__all__ = ["KINDS", "LONGEST", "explain"]

KINDS: tuple[tuple[str, str], ...] = (
    ("reply_text", ""),
    ("bounce_text", ""),
    ("arf_report", ""),
    ("session_log", ""),
    ("program_error", ""),
    ("command_text", ""),
    ("port_setting", ""),
    ("message_text", ""),
    ("header_text", ""),
    ("spf_record", ""),
    ("dkim_key_record", ""),
    ("dmarc_record", ""),
    ("small_records", "MTA_STS"),
    ("small_records", "TLS_RPT"),
    ("small_records", "BIMI"),
    ("zone_lines", ""),
    ("policy_file", ""),
    ("dmarc_report", ""),
    ("tls_report", ""),
)
"""The modules of all kinds, or objects in them; between equally sure ones the first is taken."""

LONGEST = 1_000_000
"""Characters that are read of a text."""
_SURE = 0.5
_NEARLY = 0.3


def explain(anything: str | bytes) -> Explanation:
    """What `anything` is, line by line, what is wrong with it, who must act and what they do next.

    It takes replies, bounces, logs of sessions, commands, ports and settings, header fields, messages, the DNS records
    of mail and reports about it; octets may be packed (gz, zip). Nothing is asked from any network. Raises nothing.
    """
    if isinstance(anything, bytes):
        packed = import_module("labkit.explainers.packed").explain_packed(anything)
        if packed is not None:
            return shown(cast("Explanation", packed))
        text = anything.decode("utf-8", "backslashreplace")
    else:
        text = str(anything).encode("utf-8", "backslashreplace").decode()  # a bare number, too
    text = text.removeprefix("\ufeff")[:LONGEST].replace("\r\n", "\n")
    if not text.strip():
        return Explanation("unknown", "Nothing to explain", "The text is empty.", certain=False)
    asked = sorted(((kind.looks_like(text), -place, kind) for place, kind in enumerate(_kinds())), key=lambda one: one[:2], reverse=True)  # fmt: skip
    sure, _, best = asked[0]
    if sure < _NEARLY:
        return _unknown(text)
    answer: Explanation = best.explain_it(text)
    others = tuple(kind.KIND for worth, _, kind in asked[1:3] if worth >= max(_NEARLY, sure - 0.25))
    return replace(shown(answer), certain=answer.certain and sure >= _SURE, others=others)


@cache
def _kinds() -> tuple[Kind, ...]:
    modules = [(import_module(f"labkit.explainers.{module}"), name) for module, name in KINDS]
    return tuple(cast("Kind", getattr(module, name) if name else module) for module, name in modules)


def _unknown(text: str) -> Explanation:
    return Explanation(
        "unknown",
        "The lab does not know what this is",
        f"It begins with: {plain(text.strip(), 80)}",
        next_steps=(
            "Paste more of it: the whole line, the whole bounce, or the record with its name.",
            f"What can be explained: {', '.join(kind.KIND for kind in _kinds())}.",
        ),
        certain=False,
    )
