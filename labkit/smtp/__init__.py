"""The pure floor: what SMTP lines are and what they do to a session. No sockets, threads or clock.

`transcript` records and reads sessions, `command` and `reply` read lines, `session` judges them.
"""

from __future__ import annotations

from labkit.smtp.command import COMMANDS, Command, CommandInfo, parse_command
from labkit.smtp.malformed import Malformed
from labkit.smtp.reply import Reply, ReplyParser, parse_reply
from labkit.smtp.rule import Rule
from labkit.smtp.session import (
    Envelope,
    Expectation,
    Note,
    Observer,
    State,
    allowed,
    diagram,
    expectation,
    observe,
)
from labkit.smtp.transcript import Recorder, Segment, Transcript, TranscriptError, WireEvent

__all__ = [
    "COMMANDS",
    "Command",
    "CommandInfo",
    "Envelope",
    "Expectation",
    "Malformed",
    "Note",
    "Observer",
    "Recorder",
    "Reply",
    "ReplyParser",
    "Rule",
    "Segment",
    "State",
    "Transcript",
    "TranscriptError",
    "WireEvent",
    "allowed",
    "diagram",
    "expectation",
    "observe",
    "parse_command",
    "parse_reply",
]
