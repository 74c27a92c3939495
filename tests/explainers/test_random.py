"""No line of any session is beyond explanation."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

from hypothesis import given

from labkit.explainers.line import explain_line
from labkit.smtp import WireEvent, observe

# The random sessions of the pure floor's own tests.
_SPEC = importlib.util.spec_from_file_location(
    "smtp_strategies", Path(__file__).parent.parent / "smtp" / "strategies.py"
)
assert _SPEC is not None
assert _SPEC.loader is not None
strategies = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(strategies)


@given(strategies.sessions())
def test_every_line_of_any_session_is_explained(events: list[WireEvent]) -> None:
    notes = observe(events)
    for note in notes:
        one = explain_line(notes, note.seq)
        assert one.seq == note.seq
        assert one.headline
        assert one.happened
        assert one.rules
        assert all(rule.ref and rule.text for rule in one.rules)
        assert all(token and meaning for token, meaning in one.parts)
        assert bool(one.who_acts) <= bool(one.next_step)
        assert json.loads(json.dumps(one.to_dict())) == one.to_dict()
        assert one.headline in str(one)
