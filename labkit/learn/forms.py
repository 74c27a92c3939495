"""What an exercise asks the learner to hand in, as plain data, and how an answer is read.

Each form's `read(answer)` takes the arguments of `check(...)`, from the widget or from code, and returns
the one value that the grader gets. It raises `Untouched` when there is nothing to check yet and
`Unreadable` when the answer is of a kind that the form cannot take; both carry a sentence for the learner.
Numbers of items and options count from 1, as they are shown; numbers of transcript lines are the `seq` of
its events.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TypeAlias

from labkit.frozen import dataclass
from labkit.smtp.transcript import Transcript, TranscriptError

_SERVER = re.compile(r"\s*S: ?\d{3}(?:[ -]|$)")
_CLIENT = re.compile(r"^\s*C:(?: |(?=\S)|$)")  # copied with the mark of who speaks
_LINE_END = re.compile(r"[\r\n]")


class Untouched(Exception):
    """There is nothing to check yet."""


class Unreadable(Exception):
    """The answer is of a kind that this form cannot take."""


@dataclass(frozen=True, slots=True)
class LinesForm:
    """Lines to type. The grader gets a tuple of `blanks` strings; blanks left open are empty strings.

    `before` and `after` are the given lines around the blanks. `labels` name the blanks, if "Missing line
    2" is not good enough. `speaker` stands before each blank; empty where nobody says the lines.
    """

    blanks: int
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    speaker: str = "C"

    def __post_init__(self) -> None:
        if self.blanks < 1:
            raise ValueError("a LinesForm needs at least one blank")
        if self.labels and len(self.labels) != self.blanks:
            raise ValueError(f"{self.blanks} blanks need {self.blanks} labels, got {len(self.labels)}")

    def label(self, number: int) -> str:
        """The name of blank `number` (from 1)."""
        if self.labels:
            return self.labels[number - 1]
        return "Missing line" if self.blanks == 1 else f"Missing line {number}"

    def usage(self, name: str) -> str:
        """The call that checks this form in code."""
        shown = [f'"line {number}"' for number in range(1, min(self.blanks, 3) + 1)]
        return f"{name}.check({', '.join(shown)}{', ...' if self.blanks > 3 else ''})"

    def read(self, answer: tuple[object, ...]) -> tuple[str, ...]:
        """The typed lines without their line ends; one text of several lines counts as several lines."""
        given = _flatten(answer)
        lines: list[str] = []
        for item in given:
            text = _text(item)
            lines += text.splitlines() if len(given) == 1 and text.strip() else [text.rstrip("\r\n")]
        if self.speaker == "C" and len(given) == 1 < len(
            lines
        ):  # of a whole session, what the server said is left out
            lines = [line for line in lines if not _SERVER.match(line)] or [""]
        lines = [_CLIENT.sub("", line) for line in lines]
        if broken := next((place for place, line in enumerate(lines, 1) if _LINE_END.search(line)), 0):
            raise Unreadable(f"{self.label(min(broken, self.blanks))} holds a line end. Each takes one line.")
        if not any(line.strip() for line in lines):
            what = (
                "The line is still empty."
                if self.blanks == 1
                else f"All {self.blanks} lines are still empty."
            )
            raise Untouched(f"{what} Type what you would send, then check.")
        while len(lines) > self.blanks and not lines[-1].strip():
            lines.pop()
        if len(lines) > self.blanks:
            raise Unreadable(
                f"{_count(self.blanks, 'line is', 'lines are')} missing here, and {len(lines)} came."
            )
        return tuple(lines) + ("",) * (self.blanks - len(lines))


@dataclass(frozen=True, slots=True)
class OrderForm:
    """Items to put in order, given as they are shown first. The grader gets them in the learner's order."""

    items: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(self.items) < 2:
            raise ValueError("an OrderForm needs at least two items")

    def usage(self, name: str) -> str:
        """The call that checks this form in code."""
        return f"{name}.check(2, 1, 3, ...) with the numbers of the items as shown, in your order"

    def read(self, answer: tuple[object, ...]) -> tuple[str, ...]:
        """The items in the learner's order, from their numbers or from their texts."""
        given = _chosen(answer)
        if len(given) == 1 and isinstance(given[0], str):
            text = given[0]
            numbers = text.replace(",", " ").split()
            given = list(numbers) if all(map(str.isdecimal, numbers)) else list(text.splitlines())
        if not given:
            raise Untouched("The items stand as they came. Move them into your order, then check.")
        order = tuple(_pick(item, self.items, "item") for item in given)
        if sorted(order) != sorted(self.items):
            raise Unreadable(f"Each of the {len(self.items)} items is needed, and each once.")
        if order == self.items:
            raise Untouched("The items stand as they came. Move them into your order, then check.")
        return order


@dataclass(frozen=True, slots=True)
class ChoiceForm:
    """Options to choose from. The grader gets the chosen text, or, with `many`, a frozenset of texts."""

    options: tuple[str, ...]
    many: bool = False

    def __post_init__(self) -> None:
        if len(self.options) < 2 or len(set(self.options)) != len(self.options):
            raise ValueError("a ChoiceForm needs at least two options, all different")

    def usage(self, name: str) -> str:
        """The call that checks this form in code."""
        return f"{name}.check(2)" if not self.many else f"{name}.check(1, 3)"

    def read(self, answer: tuple[object, ...]) -> str | frozenset[str]:
        """The chosen option or options, from their numbers or from their texts."""
        given = _chosen(answer)
        if not given:
            raise Untouched("Nothing is chosen yet. Choose, then check.")
        chosen = frozenset(_pick(item, self.options, "option") for item in given)
        if self.many:
            return chosen
        if len(chosen) > 1:
            raise Unreadable(f"One option is asked for, and {len(chosen)} came.")
        return next(iter(chosen))


@dataclass(frozen=True, slots=True)
class PickLineForm:
    """A line of a transcript to point at. The grader gets its number (`seq`)."""

    transcript: Transcript

    def usage(self, name: str) -> str:
        """The call that checks this form in code."""
        return f"{name}.check(5) with the number of the line"

    def read(self, answer: tuple[object, ...]) -> int:
        """The number of the line."""
        return read_line_number(answer, self.transcript)


@dataclass(frozen=True, slots=True)
class LiveForm:
    """The learner's own session. The grader gets its `Transcript`, with at least one line from the client."""

    def usage(self, name: str) -> str:
        """The call that checks this form in code."""
        return f"{name}.check(), after you have sent something in the console"

    def read(self, answer: tuple[object, ...]) -> Transcript:
        """The transcript: as such, as its text form, or of anything that has a `transcript`."""
        given: object = answer[0] if answer else None
        if len(answer) > 1:
            raise Unreadable(f"One session is asked for, and {len(answer)} came.")
        if not isinstance(given, (str, Transcript)):
            given = getattr(given, "transcript", given)
        if given is None or given == "":
            raise Untouched(
                "There is no session of yours yet. Open one in the console, try the task there, then check."
            )
        if isinstance(given, str):
            try:
                given = Transcript.from_text(given)
            except TranscriptError as error:
                raise Unreadable(f"This does not read as a transcript: {str(error).rstrip('.')}.") from None
        if not isinstance(given, Transcript):
            raise Unreadable(f"A session is asked for, and {a_kind(given)} came.")
        if not any(event.sender == "C" and event.data for event in given):
            raise Untouched("You have not sent a line in this session yet. Try the task there, then check.")
        return given


@dataclass(frozen=True, slots=True)
class ZoneForm(LiveForm):
    """Zones that the learner edits elsewhere in the page; `given` is what they were first. The grader gets the text."""

    given: str

    def usage(self, name: str) -> str:
        """The call that checks this form in code."""
        return (
            f'{name}.check(), after you have edited the zones; or {name}.check("""the text of the zones""")'
        )

    def read(self, answer: tuple[object, ...]) -> str:  # type: ignore[override]
        """The text of the zones."""
        text = "\n".join(_text(item) for item in _flatten(answer))
        if not text.strip() or text.split() == self.given.split():
            raise Untouched("The zones stand as they came. Edit them further up, then check.")
        return text


@dataclass(frozen=True, slots=True)
class SortForm:
    """Items to sort into bins. The grader gets a tuple: the bin of each item, in the order in which the items are shown.

    `given` are worked cases: an item, the bin that it lies in already, and why.
    """

    items: tuple[str, ...]
    bins: tuple[str, ...]
    given: tuple[tuple[str, str, str], ...] = ()

    def __post_init__(self) -> None:
        if len(self.items) < 2 or len(self.bins) < 2 or len(set(self.bins)) != len(self.bins):
            raise ValueError("a SortForm needs at least two items, and two bins that differ")
        if any(bin not in self.bins for _, bin, _ in self.given):
            raise ValueError("a given item lies in a bin that is not there")

    def usage(self, name: str) -> str:
        """The call that checks this form in code."""
        return f"{name}.check(2, 1, ...) with the number of a bin for each of the {len(self.items)} items, in their order"

    def read(self, answer: tuple[object, ...]) -> tuple[str, ...]:
        """The bin of each item, from the bins' numbers or texts; an empty place is an item not sorted yet."""
        given = _flatten(answer)
        if len(given) == 1 and isinstance(given[0], str) and len(given[0].splitlines()) > 1:
            given = list(given[0].splitlines())
        open_ones = sum(item in (None, "") for item in given)
        if open_ones == len(given):
            raise Untouched("Nothing is sorted yet. Choose for each, then check.")
        if len(given) != len(self.items):
            raise Unreadable(f"There are {len(self.items)} items to sort, and {len(given)} answers came.")
        if open_ones:
            raise Untouched(f"{_count(open_ones, 'item is', 'items are')} not sorted yet.")
        return tuple(_pick(item, self.bins, "bin") for item in given)


@dataclass(frozen=True, slots=True)
class Number:
    """One number that is asked for."""

    label: str
    unit: str
    least: float
    most: float


@dataclass(frozen=True, slots=True)
class NumbersForm:
    """Numbers to fill in, each with its unit and its range. The grader gets a tuple of floats."""

    numbers: tuple[Number, ...]

    def __post_init__(self) -> None:
        if not self.numbers or any(one.least > one.most for one in self.numbers):
            raise ValueError("a NumbersForm needs at least one number, each with a range that is not empty")

    def usage(self, name: str) -> str:
        """The call that checks this form in code."""
        return f"{name}.check({', '.join(one.label.lower() for one in self.numbers)}), {_count(len(self.numbers), 'number', 'numbers')}"

    def read(self, answer: tuple[object, ...]) -> tuple[float, ...]:
        """The numbers; `30`, "30", "1.5" and "30 min" (with the unit that is asked for) are all read."""
        given = _flatten(answer)
        if not _chosen(given):
            raise Untouched("No number is filled in yet. Fill them in, then check.")
        if len(given) > len(self.numbers):
            raise Unreadable(
                f"{_count(len(self.numbers), 'number is', 'numbers are')} asked for, and {len(given)} came."
            )
        given += [None] * (len(self.numbers) - len(given))
        return tuple(_number(item, asked) for item, asked in zip(given, self.numbers, strict=True))


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting of a program; with a single option it is given, and not asked for."""

    label: str
    options: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SettingsForm:
    """Programs to set up: what each is for, and its settings. The grader gets a tuple of values for each of them."""

    cases: tuple[tuple[str, tuple[Setting, ...]], ...]

    def __post_init__(self) -> None:
        if not self.asked or any(len(set(one.options)) != len(one.options) for one in self.asked):
            raise ValueError("a SettingsForm needs a setting with options, all different")

    @property
    def asked(self) -> tuple[Setting, ...]:
        """The settings to choose, case by case."""
        return tuple(one for _, settings in self.cases for one in settings if len(one.options) > 1)

    def usage(self, name: str) -> str:
        """The call that checks this form in code."""
        labels = ", ".join(one.label.lower() for one in self.asked[:4])
        more = ", ..." if len(self.asked) > 4 else ""
        return f"{name}.check({labels}{more}) with the number or the text of an option for each"

    def read(self, answer: tuple[object, ...]) -> tuple[tuple[str, ...], ...]:
        """The values of each case, the given ones too; an empty place is a setting not chosen yet."""
        given = _flatten(answer)
        open_ones = sum(item in (None, "") for item in given)
        if open_ones == len(given):
            raise Untouched("Nothing is chosen yet. Choose each setting, then check.")
        if len(given) != len(self.asked):
            wanted = _count(len(self.asked), "setting is", "settings are")
            raise Unreadable(f"{wanted} asked for, and {len(given)} came.")
        if open_ones:
            raise Untouched(f"{_count(open_ones, 'setting is', 'settings are')} not chosen yet.")
        chosen = iter(
            [_pick(item, one.options, "option") for item, one in zip(given, self.asked, strict=True)]
        )
        return tuple(
            tuple(one.options[0] if len(one.options) == 1 else next(chosen) for one in settings)
            for _, settings in self.cases
        )


Form: TypeAlias = (
    NumbersForm | LinesForm | OrderForm | ChoiceForm | PickLineForm | SortForm | SettingsForm | LiveForm
)


def read_line_number(answer: tuple[object, ...], transcript: Transcript) -> int:
    """The number of the one line that `answer` points at: `5`, "5" or "line 5". Raises as a form's `read`."""
    given = _chosen(answer)
    if not given:
        raise Untouched("No line is chosen yet. Point at a line, then check.")
    if len(given) > 1:
        raise Unreadable(f"One line is asked for, and {len(given)} came.")
    item = given[0]
    if isinstance(item, str) and item.strip().lower().removeprefix("line").strip().isdecimal():
        item = int(item.strip().lower().removeprefix("line"))
    if not isinstance(item, int) or isinstance(item, bool):
        raise Unreadable(f"The number of a line is asked for, and {a_kind(item)} came.")
    numbers = {event.seq for event in transcript}
    if item not in numbers:
        if not numbers:
            raise Untouched("There is no line to point at yet: the session is empty.")
        raise Unreadable(
            f"The lines are numbered {min(numbers)} to {max(numbers)}, and {item} is not among them."
        )
    return item


def a_kind(value: object) -> str:
    """What kind of thing `value` is, in words that need no Python; never touches the value itself."""
    known = {
        bool: "yes or no",
        int: "a number",
        float: "a number",
        str: "text",
        bytes: "octets",
        type(None): "nothing",
        list: "a list",
        tuple: "a list",
        dict: "a table",
    }
    return known.get(type(value), f"something of the type {type(value).__name__}")


def _flatten(answer: Iterable[object]) -> list[object]:
    """The arguments with the lists among them opened: `check([1, 2])` says the same as `check(1, 2)`."""
    flat: list[object] = []
    for item in answer:
        flat += _flatten(item) if isinstance(item, (list, tuple, set, frozenset)) else [item]
    return flat


def _chosen(answer: Iterable[object]) -> list[object]:
    """What was chosen: the arguments opened, without the empty ones."""
    return [item for item in _flatten(answer) if item is not None and item != ""]


def _text(item: object) -> str:
    if item is None:
        return ""
    if isinstance(item, bytes):
        return item.decode("utf-8", "surrogateescape")
    if not isinstance(item, str):
        raise Unreadable(f"Lines of text are asked for, and {a_kind(item)} came.")
    return item


def _number(item: object, asked: Number) -> float:
    if item is None or (isinstance(item, str) and not item.strip()):
        raise Untouched(f"{asked.label} is not filled in yet.")
    if isinstance(item, str):
        try:
            item = float(item.strip().removesuffix(asked.unit).strip().replace(",", "."))
        except ValueError:
            raise Unreadable(f"{asked.label}: a number is asked for, like {asked.least:g}.") from None
    if not isinstance(item, (int, float)) or isinstance(item, bool):
        raise Unreadable(f"{asked.label}: a number is asked for, and {a_kind(item)} came.")
    if not asked.least <= item <= asked.most:
        raise Unreadable(
            f"{asked.label} can be {asked.least:g} to {asked.most:g} {asked.unit}".rstrip()
            + f" here, not {item:g}."
        )
    return float(item)


def _pick(item: object, choices: tuple[str, ...], noun: str) -> str:
    """The choice that `item` names, by its text (which may be a reply code) or by its number, from 1."""
    if isinstance(item, (str, int)):
        for choice in choices:
            if str(item).strip() == choice.strip():
                return choice
    if isinstance(item, str) and item.strip().isdecimal():
        item = int(item)
    if isinstance(item, int) and not isinstance(item, bool):
        if 1 <= item <= len(choices):
            return choices[item - 1]
        raise Unreadable(f"The {noun}s are numbered 1 to {len(choices)}, and {item} is not among them.")
    what = "this text" if isinstance(item, str) else a_kind(item)
    raise Unreadable(f"Give {noun}s by their number or their exact text; {what} is neither.")


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
