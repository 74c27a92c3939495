"""Exercise 3 of lesson 04: the same number from two servers, one of which has a list of its own."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from labkit.explainers.enhanced import status_of
from labkit.explainers.providers import DATED, GMAIL, SOURCE
from labkit.frozen import dataclass
from labkit.learn.exercise import Exercise, Sample, Solution
from labkit.learn.feedback import Feedback
from labkit.learn.forms import SortForm
from labkit.smtp.rule import Rule
from labkit.view.tables import Table

SPF, DKIM, TLS, PTR, MX = "SPF", "DKIM", "TLS", "PTR name", "MX"
BINS = (SPF, DKIM, TLS, PTR, MX)
_REGISTRY_BIN = {"20": DKIM, "23": SPF, "24": SPF, "25": PTR, "27": MX, "30": TLS}
_GMAIL_BIN = {"23": PTR, "25": PTR, "27": SPF, "29": TLS, "30": DKIM}
_WHO = {True: "Gmail", False: "mx1.receiver.example"}


@dataclass(frozen=True, slots=True)
class Said:
    """A reply, and whether Gmail said it or a server that keeps to the registry."""

    gmail: bool
    reply: str

    @property
    def detail(self) -> str:
        """The last number."""
        return self.reply.rpartition(".")[2]

    @property
    def text(self) -> str:
        """As it stands in the task."""
        return f"{_WHO[self.gmail]}: {self.reply}"

    @property
    def bin(self) -> str:
        """What to look at first."""
        return (_GMAIL_BIN if self.gmail else _REGISTRY_BIN)[self.detail]


FIRST = (
    Said(True, "550 5.7.30"),
    Said(False, "550 5.7.23"),
    Said(True, "421 4.7.27"),
    Said(True, "451 4.7.23"),
    Said(False, "550 5.7.27"),
    Said(True, "421 4.7.29"),
)
SECOND = (
    Said(False, "550 5.7.25"),
    Said(True, "550 5.7.27"),
    Said(False, "550 5.7.20"),
    Said(True, "550 5.7.29"),
    Said(False, "550 5.7.24"),
    Said(True, "421 4.7.30"),
)


def provider_table() -> Table:
    """Each number of X.7.n by the registry and by Gmail."""
    numbers = sorted({*GMAIL, *_REGISTRY_BIN}, key=int)
    known = {n: status_of(f"5.7.{n}") for n in numbers}
    rows = [
        (
            f"x.7.{n}",
            known[n].meaning if known[n].known else "none in the list seen, which ends at 7.30",
            GMAIL.get(n, "not in its list"),
        )
        for n in numbers
    ]
    return Table(("number", "the IANA registry says", DATED), rows)


def providers() -> Exercise:
    """Six replies of two servers."""
    twin = _exercise(
        "04.q3b",
        SECOND,
        "From Gmail 7.27 is SPF, 7.29 is TLS and 7.30 is DKIM. By the registry 7.20 is DKIM, 7.24 is SPF, and 7.25 the PTR name; "
        "there both lists agree.",
        None,
    )
    return _exercise(
        "04.q3",
        FIRST,
        "7.23 and 7.27 came from both, and mean two things each. Gmail's 7.30 is DKIM, its 7.29 is TLS, its 7.27 is SPF, its 7.23 "
        "the PTR name. By the registry 7.23 is SPF, and 7.27 a sender domain whose null MX says that it takes no mail.",
        twin,
    )


def grade(title: str, cases: Sequence[Said], why: str, answer: Sequence[str]) -> Feedback:
    """The first reply that was read by the wrong list, or by none."""
    wrong = [(case, bin) for case, bin in zip(cases, answer, strict=True) if bin != case.bin]
    right = len(cases) - len(wrong)
    if not wrong:
        return Feedback("correct", f"All {right} lie right.", asked=title, happened=why, rule=_rule(cases[0]))
    case, bin = wrong[0]
    return Feedback(
        "incorrect",
        _slip(case, bin),
        asked=title,
        happened=f"`{case.text}` lies under `{bin}`. {right} of {len(cases)} lie right.",
        rule=_rule(case),
        look=f"The row x.7.{case.detail} of the table. First ask who said it.",
        further="The name before the colon chooses the column, the last number chooses the row.",
    )


def _slip(case: Said, bin: str) -> str:
    other = (_REGISTRY_BIN if case.gmail else _GMAIL_BIN).get(case.detail)
    if bin == other:
        return (
            "That is what the registry says. Gmail sent this reply, and Gmail has a list of its own."
            if case.gmail
            else "That is what Gmail means by it. This server keeps to the registry."
        )
    return (
        "Neither list gives this number that meaning. You would change it, and the reply would stay the same."
    )


def _rule(case: Said) -> Rule:
    if case.gmail:
        return Rule(f"{DATED} ({SOURCE})", "Gmail gives some numbers meanings of its own.")
    return Rule(status_of(f"5.7.{case.detail}").ref, "The registry names the document of each number.")


def _exercise(id: str, cases: tuple[Said, ...], why: str, twin: Exercise | None) -> Exercise:
    right = tuple(case.bin for case in cases)
    one_off = [
        ((*right[:place], bin, *right[place + 1 :]), _slip(case, bin))
        for place, case in enumerate(cases)
        for bin in BINS
        if bin != case.bin
    ]
    title = "One number, two lists"
    return Exercise(
        id,
        title,
        "Two servers refuse your mailing. Gmail has its own list, `mx1.receiver.example` keeps to the registry. Sort by "
        f"what you look at first: {', '.join(BINS)}. What these are is for later lessons; the table names them.",
        SortForm(tuple(case.text for case in cases), BINS),
        partial(grade, title, cases, why),
        (
            "Each reply has its row in the table above. Two of its columns give a meaning. Only one of them counts.",
            "Who sent the reply? That chooses the column.",
            "For Gmail read the last column, for the other server the middle one.",
        ),
        Solution(right, why),
        twin,
        (
            Sample(("",) * len(cases), "not_attempted", "Nothing is sorted yet"),
            Sample(right, "correct", "lie right"),
            Sample(tuple(BINS.index(bin) + 1 for bin in right), "correct", "lie right"),
            *(Sample(answer, "incorrect", says) for answer, says in one_off),
        ),
    )
