"""What a learner has done, kept outside the notebooks: one JSON-lines file in LABKIT_HOME or ~/.labkit.

Nothing here ever breaks a lesson: when the file cannot be written, what happens now is kept in memory,
written as soon as that works again, and `ProgressSummary.troubles` says so. How the file stays whole:
`labkit.learn.journal`. What a record holds: `labkit.learn.history`.
"""

from __future__ import annotations

import json
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from labkit.frozen import dataclass
from labkit.learn.history import (
    ID,
    LESSON_ID,
    History,
    ItemProgress,
    LessonTimes,
    Record,
    is_record,
    lesson_of,
)
from labkit.learn.journal import Batch, Cursor, Journal
from labkit.smtp.transcript import Transcript

FILE_NAME = "progress.jsonl"
_ANSWER_LIMIT = 16_384  # octets of an answer that are kept
_UNSAVED_LIMIT = 10_000  # records


def home_folder() -> Path | None:
    """LABKIT_HOME, or ~/.labkit; None where there is neither.

    A relative LABKIT_HOME counts from the home folder, because each notebook's kernel works in a folder of its own.
    """
    named = Path(os.environ.get("LABKIT_HOME") or "~/.labkit")
    if named.is_absolute():
        return named
    try:
        return Path.home() / named.expanduser()
    except RuntimeError:  # neither HOME nor an entry for this user
        return None


@dataclass(frozen=True, slots=True)
class LessonProgress:
    """What has been done in one lesson: what was touched, and what `Progress.lesson` was told to expect."""

    lesson: str
    times: LessonTimes
    exercises: tuple[ItemProgress, ...]
    predictions: tuple[ItemProgress, ...]
    observations: tuple[ItemProgress, ...]
    questions: tuple[ItemProgress, ...]

    @property
    def solved(self) -> int:
        """How many exercises were right once, themselves or as a twin."""
        return sum(item.solved for item in self.exercises)

    @property
    def answered(self) -> int:
        """How many quiz questions were right once."""
        return sum(bool(item.passed) for item in self.questions)


@dataclass(frozen=True, slots=True)
class ProgressSummary:
    """All lessons with something in them, in order; `troubles` are sentences for the learner, mostly none."""

    path: str
    lessons: tuple[LessonProgress, ...]
    records: int
    troubles: tuple[str, ...] = ()


class _Snapshot(NamedTuple):
    """The file as far as it has been read. Replaced as a whole, so that threads need no lock.

    `history` and `skipped` count up to the cursor; `tail` is what the unfinished last line holds: a record
    that lacks only its line end, or a torn one, then `torn`. The next reading looks at it again.
    """

    cursor: Cursor
    history: History
    skipped: int
    tail: tuple[Record, ...]
    torn: int


_NOTHING = _Snapshot(Cursor(), History(), 0, (), 0)


class Progress:
    """The progress of one learner. Any number of these, in any number of programs, may use one file at once.

    home  the folder; None means LABKIT_HOME or ~/.labkit
    now   the wall clock, for tests

    No method raises for what the disk does. ValueError: an id that no record may have.
    """

    def __init__(
        self, home: str | Path | None = None, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ):
        folder = Path(home).absolute() if home is not None else home_folder()
        self._journal = Journal(folder / FILE_NAME) if folder is not None else None
        self._now = now
        self._snapshot = _NOTHING
        self._unsaved: deque[Record] = deque(maxlen=_UNSAVED_LIMIT)
        self._not_saved_because = ""
        self._not_read_because = ""

    def __repr__(self) -> str:
        return f"Progress({str(self.path) if self.path is not None else 'nowhere'!r})"

    @property
    def path(self) -> Path | None:
        """The file; None when there is no home folder to keep it in."""
        return self._journal.path if self._journal is not None else None

    # Writing

    def attempt(self, id: str, outcome: str, answer: object = None, *, twin_of: str = "") -> None:
        """An exercise was checked."""
        self._add("attempt", id, outcome=outcome, answer=_plain(answer), **_of(twin_of))

    def hint(self, id: str, step: int, *, twin_of: str = "") -> None:
        """Step `step` (from 1) of the hints was opened."""
        self._add("hint", id, step=step, **_of(twin_of))

    def solution(self, id: str, *, twin_of: str = "") -> None:
        """The solution was shown."""
        self._add("solution", id, **_of(twin_of))

    def prediction(self, id: str, guess: str) -> None:
        """A guess was made or changed."""
        self._add("prediction", id, guess=guess)

    def reveal(self, id: str, actual: str, agreed: bool) -> None:
        """What really happened was shown beside the guess."""
        self._add("reveal", id, actual=actual, agreed=agreed)

    def observation(self, id: str, outcome: str, line: int | None) -> None:
        """The learner pointed at a line."""
        self._add("observation", id, outcome=outcome, line=line)

    def quiz(self, id: str, outcome: str, picks: object = None, *, where: str = "") -> None:
        """A quiz question was answered, in its own lesson or (`where`) in a later one."""
        self._add(
            "quiz", id, outcome=outcome, picks=_plain(picks), **({"where": lesson_of(where)} if where else {})
        )

    def opened(self, lesson: str) -> None:
        """A lesson was opened ("01" or "01_session")."""
        self._add("opened", lesson_of(lesson))

    def finished(self, lesson: str) -> None:
        """A lesson was gone through to its end."""
        self._add("finished", lesson_of(lesson))

    # Reading

    def history(self) -> History:
        """Everything known, also by other programs; reads only what was added since the last time."""
        self._catch_up()
        snapshot = self._snapshot
        late = (*snapshot.tail, *self._unsaved.copy())
        return snapshot.history.with_records(late) if late else snapshot.history

    def item(self, id: str) -> ItemProgress:
        """What is known about one exercise, prediction, observation or question; all empty when nothing."""
        return self.history().items.get(id) or ItemProgress(id)

    def lesson(self, lesson: str, expected: Iterable[ItemProgress] = ()) -> LessonProgress:
        """What has been done in one lesson; `expected` items (id and kind set) stand there untouched too."""
        return _lesson_progress(lesson_of(lesson), self.history(), expected)

    def summary(self) -> ProgressSummary:
        """What has been done in all lessons, and what is wrong with keeping it, if anything."""
        history = self.history()
        lessons = sorted({item.lesson for item in history.items.values()} | set(history.lessons))
        return ProgressSummary(
            path=str(self.path or ""),
            lessons=tuple(_lesson_progress(lesson, history, ()) for lesson in lessons),
            records=history.records,
            troubles=self._troubles(),
        )

    def records(self) -> tuple[Record, ...]:
        """All records from the start, for an export."""
        if self._journal is None:
            return tuple(self._unsaved)
        try:
            lines = [line for batch in self._journal.read_all(Cursor()) for line in _lines_of(batch)]
        except OSError:
            lines = []
        return (*_records_in(lines, []), *self._unsaved)

    def merge(self, records: Iterable[Record]) -> int:
        """Adds the records (of another machine's export) that are not here yet; says how many.

        They come behind what is here, so the last outcome of an item may be the older one.
        """
        here = {_line(record) for record in self.records()}
        new = {_line(record): record for record in records if is_record(record)}
        new = {line: record for line, record in new.items() if line not in here}
        if new and self._journal is not None:
            with suppress(OSError):
                self._journal.append(b"\n".join(new))
                return len(new)
            here = {_line(record) for record in self.records()}  # some of them may have gone through
        for line, record in new.items():
            if line not in here:
                self._keep(record)
        return len(new)

    # Inside

    def _add(self, kind: str, id: str, **fields: Any) -> None:
        if not (LESSON_ID if kind in ("opened", "finished") else ID).fullmatch(id):
            raise ValueError(f"{id!r} is no id that progress can be kept under (like '01.q1')")
        time = self._now().astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self._keep({"t": time, "kind": kind, "id": id, **fields})

    def _keep(self, record: Record) -> None:
        """Writes the record, and first whatever could not be written before."""
        self._unsaved.append(record)
        if self._journal is None:
            self._not_saved_because = "there is no home folder here; set LABKIT_HOME to a folder of yours"
            return
        while self._unsaved:
            try:
                oldest = self._unsaved.popleft()
            except IndexError:  # another thread was faster
                return
            try:
                self._journal.append(_line(oldest))
            except OSError as error:
                self._unsaved.appendleft(oldest)
                self._not_saved_because = error.strerror or type(error).__name__
                return
        self._not_saved_because = ""

    def _catch_up(self) -> None:
        if self._journal is None:
            return
        known = self._snapshot
        try:
            for batch in self._journal.read_all(known.cursor):
                known = _snapshot_after(_NOTHING if batch.anew else known, batch)
        except OSError as error:
            self._not_read_because = error.strerror or type(error).__name__
        else:
            self._not_read_because = ""
        self._snapshot = known

    def _troubles(self) -> tuple[str, ...]:
        troubles = []
        if self._not_saved_because:
            where = self.path or "there is no place for it"
            troubles.append(
                f"Your progress is not being saved ({where}): {self._not_saved_because}. "
                "The lab goes on. What you do now is kept until this kernel ends; an export still holds it."
            )
        if self._not_read_because:
            troubles.append(f"Earlier progress cannot be read ({self.path}): {self._not_read_because}.")
        if skipped := self._snapshot.skipped + self._snapshot.torn:
            what = "1 damaged line was" if skipped == 1 else f"{skipped} damaged lines were"
            troubles.append(f"{what} skipped in {self.path}. Everything else was read.")
        return tuple(troubles)


_progress: dict[Path | None, Progress] = {}


def current_progress() -> Progress:
    """This learner's own progress, by LABKIT_HOME or ~/.labkit as they are now; one object per folder."""
    folder = home_folder()
    if folder not in _progress:
        _progress[folder] = Progress()
    return _progress[folder]


def _lesson_progress(lesson: str, history: History, expected: Iterable[ItemProgress]) -> LessonProgress:
    items = {item.id: item for item in expected}
    items |= {id: item for id, item in history.items.items() if item.lesson == lesson}
    listed = [items[id] for id in sorted(items) if not items[id].twin_of]

    def of_kind(kind: str) -> tuple[ItemProgress, ...]:
        return tuple(item for item in listed if item.kind == kind)

    return LessonProgress(
        lesson,
        history.lessons.get(lesson, LessonTimes()),
        exercises=of_kind("exercise"),
        predictions=of_kind("prediction"),
        observations=of_kind("observation"),
        questions=of_kind("quiz"),
    )


def _lines_of(batch: Batch) -> tuple[bytes, ...]:
    """The lines of a batch and, of the last one, its unfinished tail."""
    return batch.lines if batch.more else (*batch.lines, batch.tail)


def _snapshot_after(before: _Snapshot, batch: Batch) -> _Snapshot:
    bad: list[bytes] = []
    torn: list[bytes] = []
    history = before.history
    if batch.lines:
        history = history.with_records(_records_in(batch.lines, bad))
    tail = () if batch.more else tuple(_records_in((batch.tail,), torn))
    return _Snapshot(batch.cursor, history, before.skipped + len(bad), tail, len(torn))


def _records_in(lines: Iterable[bytes], bad: list[bytes]) -> Iterator[Record]:
    """The records in these lines, one by one; lines that hold none are put into `bad`."""
    read = json.JSONDecoder().raw_decode
    for line in lines:
        text = line.decode("utf-8", "replace").strip()
        if not text:
            continue
        try:
            value, end = read(text)
        except (ValueError, RecursionError):
            value, end = None, 0
        if end == len(text) and is_record(value):
            yield value
        else:
            bad.append(line)


def _line(record: Record) -> bytes:
    return json.dumps(record, separators=(",", ":")).encode("ascii")


def _of(task: str) -> dict[str, str]:
    return {"of": task} if task else {}


def _plain(value: object) -> Any:
    """The value in JSON types; long or foreign ones only named, so that a line of the file stays short."""
    if isinstance(value, Transcript):
        size = sum(len(event.data) for event in value)
        return value.to_text() if size <= _ANSWER_LIMIT else f"(a session of {size} octets)"
    if isinstance(value, (set, frozenset)):
        value = sorted(map(str, value))
    try:
        text = json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return f"({type(value).__name__})"
    return json.loads(text) if len(text) <= _ANSWER_LIMIT else f"({len(text)} characters)"
