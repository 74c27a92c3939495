"""The trace of MTA-STS: how a sending host found a domain's policy, and how it judged a server by it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from labkit.verdict import Evidence, Step, Verdict
from labkit.view.cards_static import Html, chip, el, items, kids
from labkit.view.printable import printable, printable_text, shortened
from labkit.view.tls_desk import BREAK, CHIPS, SHAPES, Desk, Picture, headline, headline_html

__all__ = ["StsView", "sts_picture"]

_GOOD = {"found", "fetched", "kept", "match", "pass", "enforce", "testing", "none"}
_LATER = {"changed", "wait", "temperror"}


def sts_picture(
    verdicts: Sequence[Verdict], policy_file: str, *, outcome: tuple[str, str], told: str
) -> dict[str, Any]:
    """``policy_file`` is what the web host gave; ``outcome`` is what became of the letter, with the kind of its chip."""
    return {
        "verdict": [list(outcome)],
        "told": told,
        "traces": [_trace(one, policy_file.encode(), one is verdicts[-1]) for one in verdicts],
        "file": "\n".join(map(printable_text, policy_file.splitlines())),
    }


def _trace(verdict: Verdict, policy: bytes, last: bool) -> dict[str, Any]:
    host = verdict.trace[0].inputs.get("host", "") if verdict.trace else ""
    steps = [step for _, step in verdict.steps()]
    asked = f"May the letter go to {host}?" if host else "Is there a policy?"
    answer = "yes" if verdict.result == "pass" or verdict.properties.get("action") == "deliver" else "no"
    if verdict.properties.get("action") == "deliver and report":
        answer = "it fails; it may go, and the failure is reported"
    return {
        "title": f"{asked} {answer[0].upper()}{answer[1:]}.",
        "steps": [_step(one, policy, last and one is steps[-1], verdict.result) for one in steps],
    }


def _step(step: Step, policy: bytes, decides: bool, result: str) -> dict[str, Any]:
    kind = "2" if step.outcome in _GOOD else "4" if step.outcome in _LATER else "5"
    if decides and result == "fail":
        kind = "5"
    return {
        "outcome": step.outcome,
        "kind": kind,
        "text": printable_text(step.text),
        "rule": str(step.rule),
        "decides": decides,
        "evidence": [line for one in step.evidence if (line := _excerpt(one, step, policy))],
    }


def _excerpt(evidence: Evidence, step: Step, policy: bytes) -> str:
    """The octets that a step rests on."""
    if evidence.source == "policy":
        octets = policy[evidence.start : evidence.end]
    elif evidence.source.startswith("record") and step.lookup is not None:
        record: Any = step.lookup.records[int(evidence.source.rpartition(" ")[2])]
        octets = b"".join(record.strings)[evidence.start : evidence.end]
    else:
        return ""
    return "" if b"\n" in octets.strip() else shortened(printable(octets), 200)[0]


class StsView(Desk):
    """Sends a letter from a relay that obeys MTA-STS. ``work`` gives `sts_picture`."""

    kind: ClassVar[str] = "sts"
    empty: ClassVar[str] = (
        "Nothing was sent yet. Here appears, step by step, how the relay found the policy and judged the server."
    )

    def told(self, picture: Picture) -> list[str]:
        """Each step with its outcome and its rule."""
        lines = [headline(picture)]
        for trace in picture["traces"]:
            lines.append(f"  {trace['title']}")
            for step in trace["steps"]:
                mark = "  <- this decided" if step["decides"] else ""
                lines.append(
                    f"    {step['outcome']}: {step['text']} ({step['rule'].partition(':')[0]}){mark}"
                )
        return lines

    def drawn(self, picture: Picture) -> Html:
        """The same as lists."""
        parts = []
        for trace in picture["traces"]:
            steps = (
                kids(
                    chip(f"{SHAPES[step['kind']]} {step['outcome']}", CHIPS[step["kind"]]),
                    f" {step['text']} ",
                    *(kids(el("code", line), " ") for line in step["evidence"]),
                    BREAK,
                    step["rule"],
                )
                for step in trace["steps"]
            )
            parts.append(kids(el("p", el("b", trace["title"])), items(steps, ordered=True)))
        return kids(headline_html(picture), *parts)
