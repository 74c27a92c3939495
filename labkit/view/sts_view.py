"""The trace of MTA-STS: how a sending host found a domain's policy, and how it judged a server by it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from labkit.auth.mta_sts import Policy
from labkit.verdict import Evidence, Step, Verdict
from labkit.view.cards_static import Html, chip, el, items, kids
from labkit.view.printable import printable, printable_text, shortened
from labkit.view.tls_desk import CHIPS, Desk, Picture, headline, headline_html

__all__ = ["StsView", "sts_picture"]

_GOOD = {"found", "fetched", "kept", "match", "pass", "enforce", "testing", "none"}
_LATER = {"changed", "wait", "temperror"}


def sts_picture(
    verdicts: Sequence[Verdict], policy_file: str, *, outcome: tuple[str, str], told: str
) -> dict[str, Any]:
    """``outcome`` is what became of the letter, with the kind of its chip."""
    return {
        "verdict": [list(outcome)],
        "told": told,
        "traces": [_trace(one) for one in verdicts],
        "file": printable_text(policy_file.replace("\r\n", "\n")) if policy_file.isascii() else printable_text(policy_file),
    }  # fmt: skip


def _trace(verdict: Verdict) -> dict[str, Any]:
    judged = "host" in (verdict.trace[0].inputs if verdict.trace else {})
    host = verdict.trace[0].inputs["host"] if judged else ""
    title = f"May the letter go to {host}?" if judged else "Is there a policy?"
    policy: Policy | None = verdict.properties.get("policy")
    steps = [step for _, step in verdict.steps()]
    return {"title": f"{title} {verdict.result}", "steps": [_step(one, policy, one is steps[-1], verdict.result) for one in steps]}  # fmt: skip


def _step(step: Step, policy: Policy | None, decides: bool, result: str) -> dict[str, Any]:
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


def _excerpt(evidence: Evidence, step: Step, policy: Policy | None) -> str:
    """The octets that a step rests on."""
    if evidence.source == "policy" and policy is not None:
        octets = policy.text[evidence.start : evidence.end]
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
                    chip(step["outcome"], CHIPS[step["kind"]]),
                    f" {step['text']} ",
                    *(kids(el("code", line), " ") for line in step["evidence"]),
                    el("br"),
                    step["rule"],
                )
                for step in trace["steps"]
            )
            parts.append(kids(el("p", el("b", trace["title"])), items(steps, ordered=True)))
        return kids(headline_html(picture), *parts)
