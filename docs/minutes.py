"""How long the core of a lesson takes somebody new: `python docs/minutes.py [NOTEBOOK ...]`, by default all.

Counted on what the learner really meets: every text, question, reply and explanation of the core is read, every line is
typed, every button pressed, every question thought about, and the exercise needs two tries. Folded sections do not count.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path

import nbformat

from labkit import learn
from labkit.explainers.line import explain_line
from labkit.learn.forms import LinesForm, NumbersForm, OrderForm, PickLineForm, SettingsForm, SortForm
from labkit.lessons.lesson import QUIZZES, Lesson
from labkit.smtp.session import observe
from labkit.smtp.transcript import Transcript
from labkit.view.console import Console
from labkit.view.envelope_view import EnvelopeView
from labkit.view.header_trace import HeaderTrace
from labkit.view.mail_program import MailProgram
from labkit.view.map_view import MapView
from labkit.view.round_trips_view import RoundTripsView
from labkit.view.route_desk import RouteDesk
from labkit.view.tls_desk import Desk
from labkit.world import play

ROOT = Path(__file__).resolve().parents[1]
WORDS_A_MINUTE, CHARACTERS_A_SECOND, CLICK, PAUSE = 200, 2.5, 6.0, 20.0
END_OF_CORE = re.compile(r"## (Practice|Four questions|More)\b")


@dataclass(frozen=True)
class Work:
    """What one cell asks of the learner."""

    words: int = 0
    clicks: int = 0
    characters: int = 0
    pauses: int = 0

    def __add__(self, other: Work) -> Work:
        return Work(
            self.words + other.words,
            self.clicks + other.clicks,
            self.characters + other.characters,
            self.pauses + other.pauses,
        )

    @property
    def minutes(self) -> float:
        """The time for all of it."""
        seconds = self.characters / CHARACTERS_A_SECOND + self.clicks * CLICK + self.pauses * PAUSE
        return self.words / WORDS_A_MINUTE + seconds / 60


def words(*texts: str) -> int:
    """The words of texts for people."""
    return sum(len(re.findall(r"\S*\w\S*", text)) for text in texts)


def core(path: Path) -> list[tuple[str, Work]]:
    """Each cell of the core with its work, in order. Folded sections are left out."""
    _read.clear()
    lesson: Lesson = import_module(f"labkit.lessons.{path.stem.partition('_')[2]}").open()
    try:
        return list(_core(lesson, path))
    finally:
        lesson.close()


def _core(lesson: Lesson, path: Path) -> Iterator[tuple[str, Work]]:
    folded = False
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "markdown":
            if END_OF_CORE.match(cell.source):
                return
            if cell.source.startswith("#"):
                folded = bool(cell.metadata.get("jp-MarkdownHeadingCollapsed"))
            work = Work(words(cell.source))
        else:
            work = of_code(lesson, cell.source)
        if not folded:
            yield cell.source.splitlines()[-1], work


def of_code(lesson: Lesson, source: str) -> Work:
    """The work with what a code cell shows."""
    call = re.search(r'lab\.(\w+)(?:\((?:"(\w+)")?\))?$', source, re.MULTILINE)
    if call is None:
        return Work(clicks=2)  # the set-up cell: Run > Run All Cells
    what, name = call[1], call[2] or ""
    if what == "predict":
        guess = lesson.predictions()[name]
        return Work(words(guess.question, *guess.options, guess.actual, guess.why), clicks=2, pauses=1)
    if what == "observe":
        asked = lesson.observations()[name]
        return Work(words(asked.question, asked.why), clicks=2, pauses=1)
    if what == "warm_up":
        return sum(
            map(of_question, learn.SpacedQuestions.from_folder(QUIZZES).pick(lesson.about.id, nobody())),
            Work(),
        )
    if re.fullmatch(r"q\d", what):
        return of_exercise(lesson.exercise(int(what[1:])))
    shown = getattr(lesson, what)(*([name] if name else []))
    played = getattr(lesson, {"timeline": "played"}.get(what, f"played_{what}"), None)
    if played is not None:  # what is empty until the learner acts is read in its recorded twin
        html = re.sub(
            r"<details>.*?</details>", "", played(*([name] if name else [])).as_html(), flags=re.DOTALL
        )
        texts = set(re.split(r"<[^>]*>", html))
        return Work(
            words(*texts), clicks={"timeline": 3, "devices": 3, "doors": 2, "settings": 4}.get(what, 0)
        )
    if isinstance(shown, Console):
        return of_console(shown)
    if isinstance(shown, MapView) and isinstance(shown.side, MailProgram):
        read = words(shown.as_text(), shown.side.draft["text"]) + 30
        return Work(read, clicks=5, characters=3 if name == "typo" else 0)
    if isinstance(shown, MapView) and isinstance(shown.side, RouteDesk):  # Send, a switch, what the DNS said
        return Work(words(shown.as_text()) + 40, clicks=2)
    if isinstance(shown, HeaderTrace):  # a piece is opened; a line that says the same again is not read again
        return Work(words(*set(shown.as_text().splitlines())), clicks=2)
    if isinstance(shown, Desk):  # for each recorded run a setting and the button
        fresh = set(map(str.strip, shown.as_text().splitlines())) - _read
        _read.update(fresh)
        return Work(words(*fresh), clicks=2 * len(shown._shown()[1]))
    if isinstance(shown, EnvelopeView):  # Send, a look at some stations and copies; for the boss a new From
        return Work(words(shown.as_text()), clicks=6, characters=22 if name == "boss" else 0)
    if isinstance(shown, RoundTripsView):
        return of_round_trips(shown)
    if what == "recorded":
        return replace(of_session(lesson.recording(name)), clicks=len(lesson.recording(name)) // 2)
    return Work(words(shown.as_text()))


def of_console(console: Console) -> Work:
    """The lines above the box are typed, the replies and what is said about them are read, one line is asked about."""
    steps, prelude = console.facts["steps"], console._prelude
    transcript = play((*prelude, *steps))
    said = [event.seq for event in transcript if event.sender == "C"]
    first = said[len(prelude)] if prelude else 1
    typed = sum(len(line) + 1 for line in steps)
    read = of_session(Transcript([event for event in transcript if event.seq >= first]), transcript)
    return read + Work(clicks=2, characters=typed)


def of_round_trips(picture: RoundTripsView) -> Work:
    """Sent, or sent and its slider moved; each line that was not there before is read."""
    if picture._world is None:  # recorded
        return Work(words(picture.as_text()))
    sent = {way.name: play(way.groups, picture._world.host(way.host).spec) for way in picture._ways}
    fresh = set(RoundTripsView(picture._ways, shown=sent, title="").as_text().splitlines()) - _read
    _read.update(fresh)
    return Work(words(*fresh), clicks=2)


def of_session(lines: Transcript, whole: Transcript | None = None) -> Work:
    """Every reply with the first sight of its explanation; a sentence that was there before is not read again."""
    notes = observe(whole or lines)
    read = 0
    for event in lines:
        if event.sender == "S" and event.data:
            read += words(event.data.decode())
            if event.data[3:4] != b"-":
                known = explain_line(notes, event.seq)
                fresh = {known.headline, known.happened, known.effect} - _read
                _read.update(fresh)
                read += words(*fresh)
    return Work(read)


_read: set[str] = set()


def of_question(question: learn.Question) -> Work:
    """One question: all of it is read, one answer chosen, and its reason read."""
    reasons = [words(option.feedback) for option in question.options] or [20]
    return Work(
        words(question.text, *(option.shown for option in question.options)) + sum(reasons) // len(reasons),
        clicks=2,
        pauses=1,
    )


def of_exercise(task: learn.Exercise) -> Work:
    """Two tries, the first of them wrong."""
    form, answer = task.form, task._solution.answer
    wrong = [task.judge(*one.answer).text for one in task.samples if one.outcome == "incorrect"]
    read = words(task.title, task.task, task.judge(*answer).text) + sum(map(words, wrong)) // len(wrong)
    work = Work(read, clicks=2, pauses=2)
    if isinstance(form, LinesForm):
        lines = words(*form.before, *form.after)
        return work + Work(
            lines, characters=sum(len(line) + 1 for line in answer) + 20, pauses=int(form.blanks > 1)
        )
    if isinstance(form, NumbersForm):
        return work + Work(characters=4 * len(form.numbers), pauses=len(form.numbers))
    if isinstance(form, OrderForm):
        return work + Work(words(*form.items), clicks=2 * len(form.items))
    if isinstance(form, PickLineForm):
        return work + Work(words(*(event.data.decode() for event in form.transcript)), clicks=2)
    if isinstance(form, SortForm):
        given = sum(words(*case) for case in form.given)
        return work + Work(words(*form.items, *form.bins) + given, clicks=len(form.items), pauses=2)
    if isinstance(form, SettingsForm):
        read = [
            (title, *(text for one in settings for text in (one.label, *one.options)))
            for title, settings in form.cases
        ]
        return work + Work(sum(words(*texts) for texts in read), clicks=2 * len(form.asked), pauses=1)
    return work + Work(clicks=2, characters=30)


def nobody() -> learn.Progress:
    """The progress of somebody new."""
    return learn.Progress(tempfile.mkdtemp())


def main() -> None:
    """Print the core of each notebook, cell by cell, and the sum."""
    for path in map(Path, sys.argv[1:] or sorted((ROOT / "notebooks").glob("*.ipynb"))):
        cells = core(path)
        for name, work in cells:
            print(
                f"{work.minutes:5.1f}  {work.words:4} words {work.clicks:2} clicks {work.characters:3} signs {work.pauses} pauses  {name[:50]}"
            )
        whole = sum((work for _, work in cells), Work())
        print(f"{path.stem}: {whole.minutes:.1f} minutes ({whole})\n")


if __name__ == "__main__":
    main()
