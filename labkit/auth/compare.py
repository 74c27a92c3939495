"""What an edit changed in a trace: which steps are the same, changed, new or gone.

Two steps are the same when they decided the same by the same rule: rule, sentence, outcome, what went in, and what
the DNS said. Where their octets stand does not count: a record that moved is no other decision.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import Literal

from labkit.frozen import dataclass
from labkit.verdict import Step, Verdict

__all__ = ["Row", "compare", "compare_steps"]

Change = Literal["same", "changed", "new", "gone"]


@dataclass(frozen=True, slots=True)
class Row:
    """One place in both traces. Rows stand in the order of the new trace, with what is gone where it stood."""

    change: Change
    before: Step | None
    """None for a new step."""
    after: Step | None
    """None for a step that is gone."""
    children: tuple[Row, ...] = ()

    @property
    def step(self) -> Step:
        """The step to show: the new one, or the one that is gone."""
        found = self.after or self.before
        assert found is not None
        return found

    @property
    def differs(self) -> bool:
        """Whether anything changed here or below."""
        return self.change != "same" or any(child.differs for child in self.children)

    def walk(self) -> Iterator[tuple[int, Row]]:
        """This row and all below it, each with its depth from 0."""
        waiting = [(0, self)]
        while waiting:
            depth, row = waiting.pop()
            yield depth, row
            waiting.extend((depth + 1, child) for child in reversed(row.children))


def compare(before: Verdict, after: Verdict) -> tuple[Row, ...]:
    """The rows of two verdicts' traces."""
    return compare_steps(before.trace, after.trace)


def compare_steps(before: Sequence[Step], after: Sequence[Step]) -> tuple[Row, ...]:
    """The rows of two lists of steps, all levels."""
    return tuple(_rows(before, after))


def _rows(before: Sequence[Step], after: Sequence[Step]) -> Iterator[Row]:
    matcher = SequenceMatcher(
        None, [_whole(step) for step in before], [_whole(step) for step in after], False
    )
    for _, old, old_end, new, new_end in matcher.get_opcodes():
        if before[old:old_end] and after[new:new_end] and _whole(before[old]) == _whole(after[new]):
            pairs = zip(before[old:old_end], after[new:new_end], strict=True)
            yield from (
                Row("same", *pair, compare_steps(pair[0].children, pair[1].children)) for pair in pairs
            )
        else:
            yield from _block(before[old:old_end], after[new:new_end])


def _block(before: Sequence[Step], after: Sequence[Step]) -> Iterator[Row]:
    """Steps between two that are the same: those by the same rule about the same thing are one step that changed."""
    matcher = SequenceMatcher(
        None, [_topic(step) for step in before], [_topic(step) for step in after], False
    )
    for kind, old, old_end, new, new_end in matcher.get_opcodes():
        if kind == "equal":
            for one, other in zip(before[old:old_end], after[new:new_end], strict=True):
                yield Row("changed", one, other, compare_steps(one.children, other.children))
        elif (
            kind == "replace"
            and old_end - old == 1 == new_end - new
            and before[old].lookup is after[new].lookup is None
        ):
            yield Row(
                "changed", before[old], after[new], compare_steps(before[old].children, after[new].children)
            )
        else:
            yield from (
                Row("gone", step, None, compare_steps(step.children, ())) for step in before[old:old_end]
            )
            yield from (
                Row("new", None, step, compare_steps((), step.children)) for step in after[new:new_end]
            )


def _whole(step: Step) -> tuple[object, ...]:
    lookup = step.lookup
    found = lookup and (
        lookup.name,
        lookup.rdtype,
        lookup.outcome,
        tuple(str(record) for record in lookup.records),
    )
    return step.rule.ref, step.text, step.outcome, tuple(sorted(step.inputs.items())), found


def _topic(step: Step) -> tuple[str, ...]:
    """What a step is about: the question it asked, or its rule."""
    if step.lookup is not None:
        return step.lookup.name, step.lookup.rdtype
    return (step.rule.ref,)
