"""What a trace view works on: texts that can be edited, who connects, and what is evaluated again after each edit."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from labkit.auth.spf import Review, check_mail_from, lint
from labkit.smtp.transcript import Transcript
from labkit.verdict import Evidence, Verdict
from labkit.view.papers import TEXT_LIMIT, Paper, SessionPaper, ZonePaper
from labkit.zones import Zones

__all__ = ["Case", "Person", "spf_case"]

PAUSE = 3.0
"""Seconds without an edit after which the next one is a new edit: changes are marked against the run before it."""
FIELD_LIMIT = 1000

Judge = Callable[["Case", Mapping[str, str]], "Verdict | Sequence[Verdict]"]


class Person(NamedTuple):
    """Somebody who sends, to be chosen with one click: a name, and what differs from the fields of the case."""

    name: str
    fields: Mapping[str, str]


class Case:
    """Texts, fields and the verdicts on them. It outlives the widgets that show it, so nothing typed is lost.

    judge   makes the verdicts from the case and its fields; it reads `zones` and `paper(...)`
    fields  what is told about the session, by the name of the evidence: ``ip``, ``mail_from``, ``helo``
    labels  how the fields are called on the page
    review  looks at a record as a whole, if there is something to look at
    next_edit  the words on a button, and what it makes of the zones: one step that need not be typed
    """

    def __init__(
        self,
        judge: Judge,
        papers: Sequence[Paper],
        *,
        fields: Mapping[str, str] | None = None,
        labels: Mapping[str, str] | None = None,
        people: Sequence[Person] = (),
        review: Callable[[Case], Review] | None = None,
        next_edit: tuple[str, Callable[[str], str]] | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.papers, self.people = tuple(papers), tuple(people)
        self.fields = dict(fields or {})
        self._first_fields = dict(self.fields)
        self.labels = dict(labels or {})
        self._judge, self._review, self._now = judge, review, now
        self.next_edit = next_edit
        self._edited = float("-inf")
        self._listeners: list[Callable[[], object]] = []
        self.verdicts = self._verdicts(self.fields)
        self.before: tuple[Verdict, ...] = self.verdicts
        """The verdicts that changes are marked against."""
        self._texts_before = self._texts()

    # ---- what there is

    def paper(self, name: str) -> Paper:
        """One of the texts. Raises ``KeyError``."""
        for paper in self.papers:
            if paper.name == name:
                return paper
        raise KeyError(name)

    @property
    def zones(self) -> Zones:
        """The zones as they were last readable; empty ones if the case has none."""
        return next((paper.zones for paper in self.papers if isinstance(paper, ZonePaper)), _NO_ZONES)

    @property
    def readable(self) -> bool:
        """Whether the verdicts are about the text as it stands."""
        return all(paper.readable for paper in self.papers if isinstance(paper, ZonePaper))

    @property
    def text(self) -> str:
        """The zones as they stand, readable or not."""
        return self.paper("zone").text

    @property
    def edited(self) -> bool:
        """Whether a text differs from what it was first."""
        return any(paper.text != paper.original for paper in self.papers)

    def review(self) -> Review | None:
        """The record as a whole."""
        return self._review(self) if self._review is not None else None

    def result_of(self, person: Person) -> str:
        """What becomes of somebody's mail: the last verdict's result."""
        return self._verdicts({**self.fields, **person.fields})[-1].result

    def locate(self, evidence: Evidence) -> dict[str, Any] | None:
        """Where evidence is shown: a place in a paper, or in a field."""
        for paper in self.papers:
            found = paper.find(evidence)
            if found is not None:
                return {
                    "paper": paper.name,
                    "start": _units(paper.text, found[0]),
                    "end": _units(paper.text, found[1]),
                    "label": paper.where(found[0]),
                }
        if evidence.source in self.fields:
            label = self.labels.get(evidence.source, evidence.source)
            start, end = (len(self.fields[evidence.source].encode()[:at].decode("utf-8", "ignore")) for at in (evidence.start, evidence.end))  # fmt: skip
            return {"field": evidence.source, "start": start, "end": end, "label": label}
        return None

    # ---- what changes

    def on_change(self, listener: Callable[[], object]) -> None:
        """Have ``listener()`` called after each edit."""
        self._listeners.append(listener)

    def edit(self, name: str, text: str) -> None:
        """Somebody has typed. Edits in quick succession count as one: what they change is marked against the verdicts
        from before the first of them."""
        paper = self.paper(name)
        if not paper.editable or len(text) > TEXT_LIMIT or text == paper.text:
            return
        self._begin()
        paper.write(text)
        self._run()

    def set(self, fields: Mapping[str, str]) -> None:
        """Another session: a field was changed, or somebody else sends."""
        known = {name: value[:FIELD_LIMIT] for name, value in fields.items() if name in self.fields}
        self.fields.update(known)
        self._edited = float("-inf")
        self._run()
        self.before = self.verdicts  # another question, not another answer

    def advance(self) -> None:
        """Make the edit that is offered."""
        if self.next_edit is not None:
            self._edited = float("-inf")
            self.edit("zone", self.next_edit[1](self.text))

    def undo(self) -> None:
        """Back to the texts before the last edit; once more, and the edit is there again."""
        texts = self._texts_before
        self._edited = float("-inf")
        self._begin()
        self._write(texts)

    def reset(self) -> None:
        """Texts and fields as they were first."""
        self.fields = dict(self._first_fields)
        self._edited = float("-inf")
        self._begin()
        self._write({paper.name: paper.original for paper in self.papers})

    def _begin(self) -> None:
        if self._now() - self._edited > PAUSE and self.readable:
            self.before, self._texts_before = self.verdicts, self._texts()
        self._edited = self._now()

    def _write(self, texts: Mapping[str, str]) -> None:
        for paper in self.papers:
            if paper.editable:
                paper.write(texts[paper.name])
        self._run()

    def _run(self) -> None:
        if self.readable:
            self.verdicts = self._verdicts(self.fields)
        for listener in tuple(self._listeners):
            listener()

    def _texts(self) -> dict[str, str]:
        return {paper.name: paper.text for paper in self.papers}

    def _verdicts(self, fields: Mapping[str, str]) -> tuple[Verdict, ...]:
        made = self._judge(self, fields)
        return (made,) if isinstance(made, Verdict) else tuple(made)


_NO_ZONES = Zones()


def spf_case(
    zone: str,
    *,
    ip: str,
    domain: str = "",
    mail_from: str = "",
    helo: str = "",
    people: Mapping[str, str | Mapping[str, str]] | None = None,
    transcript: Transcript | None = None,
    editable: bool = True,
    next_edit: tuple[str, Callable[[str], str]] | None = None,
) -> Case:
    """A case about SPF: may the client at `ip` send for the domain of `mail_from`?

    domain      whose record is looked at as a whole; that of MAIL FROM, unless it is said
    mail_from   news@ the domain, unless it is said
    people      who sends, by name, with the address each has, or with all fields that differ
    transcript  the session in which MAIL FROM and EHLO were said; then they are no fields to fill in
    """
    mail_from = mail_from or f"news@{domain}"
    fields = {"ip": ip, "mail_from": mail_from, "helo": helo or f"mail.{mail_from.rpartition('@')[2]}"}
    papers: list[Paper] = [ZonePaper(zone, editable=editable)]
    if transcript is not None:
        papers.insert(0, SessionPaper(transcript))

    def judge(case: Case, given: Mapping[str, str]) -> Verdict:
        path = given["mail_from"].strip().removeprefix("<").removesuffix(">")
        try:
            return check_mail_from(given["ip"].strip(), path, helo=given["helo"].strip(), dns=case.zones)
        except ValueError:
            said = (
                f"{given['ip'].strip()[:60] or 'Nothing'} is no IP address, so there is no client to check."
            )
            return Verdict("spf", "none", said, {"lookups": 0, "void_lookups": 0, "explanation": None})

    return Case(
        judge,
        papers,
        fields=fields,
        labels={"ip": "client", "mail_from": "MAIL FROM", "helo": "EHLO"},
        people=[
            Person(name, {"ip": given} if isinstance(given, str) else given)
            for name, given in (people or {}).items()
        ],
        review=lambda case: lint(
            domain or case.fields["mail_from"].strip("<> ").rpartition("@")[2], case.zones
        ),
        next_edit=next_edit,
    )


def _units(text: str, place: int) -> int:
    """A place as the page counts it, in units of UTF-16."""
    return place if text.isascii() else len(text[:place].encode("utf-16-le", "surrogatepass")) // 2
