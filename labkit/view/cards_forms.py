"""The forms of exercises on the way to the page and back: what is drawn, and what may come from the page."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from labkit.learn import (
    ChoiceForm,
    Form,
    LinesForm,
    Number,
    NumbersForm,
    OrderForm,
    PickLineForm,
    Setting,
    SettingsForm,
    SortForm,
)  # fmt: skip
from labkit.learn.forms import ZoneForm
from labkit.smtp.transcript import Transcript
from labkit.view.cards_base import as_index, as_indices, text_lines, visible, wire_lines
from labkit.view.cards_static import Html, bullet_lines, el, items, kids, plain_lines, prose, session_table

__all__ = [
    "answer_of",
    "draft_of_record",
    "form_html",
    "form_state",
    "form_text",
    "read_draft",
    "solution_lines",
]

ANSWER_LIMIT = 70_000
"""Characters of one typed line that are taken from the page."""
ZONE_TASK = "Edit the zones further up, then come back and check. The check reads them as they stand there."
LIVE_TASK = "Do it further up, as the task says, then come back and check. The check reads the session that you had there."


def form_state(form: Form) -> dict[str, Any]:
    """What the page draws; never more than the task."""
    if isinstance(form, LinesForm):
        labels = [form.label(number) for number in range(1, form.blanks + 1)]
        return {
            "kind": "lines",
            "before": text_lines(form.before),
            "after": text_lines(form.after),
            "labels": labels,
            "speaker": form.speaker,
        }
    if isinstance(form, NumbersForm):
        return {"kind": "numbers", "numbers": [asdict(one) for one in form.numbers]}
    if isinstance(form, OrderForm):
        return {"kind": "order", "items": [visible(item) for item in form.items]}
    if isinstance(form, ChoiceForm):
        return {"kind": "choice", "options": list(form.options), "many": form.many}
    if isinstance(form, PickLineForm):
        return {"kind": "pick", "lines": wire_lines(form.transcript)}
    if isinstance(form, SortForm):
        given = [{"item": visible(item), "bin": bin, "why": why} for item, bin, why in form.given]
        return {
            "kind": "sort",
            "items": [visible(item) for item in form.items],
            "bins": list(form.bins),
            "given": given,
        }
    if isinstance(form, SettingsForm):
        cases = [
            {"title": title, "settings": [asdict(one) for one in settings]} for title, settings in form.cases
        ]
        return {"kind": "settings", "cases": cases}
    return {"kind": "live", "text": _live_task(form)}


def read_draft(form: Form, value: object) -> Any:
    """A draft from the page in the form's own shape, or None: the page can send anything.

    Lines, numbers: a list of texts. Order: places of the items, from 0. Choice: places of the options. A line: its
    number. Sorted items: the place of each one's bin, None for an item that lies in none; settings likewise.
    """
    if isinstance(form, (LinesForm, NumbersForm)):
        blanks = form.blanks if isinstance(form, LinesForm) else len(form.numbers)
        if not isinstance(value, list) or len(value) != blanks:
            return None
        if not all(isinstance(text, str) and len(text) <= ANSWER_LIMIT for text in value):
            return None
        return list(value)
    if isinstance(form, OrderForm):
        order = as_indices(value, len(form.items))
        return order if order is not None and len(order) == len(form.items) else None
    if isinstance(form, ChoiceForm):
        chosen = as_indices(value, len(form.options))
        return chosen if chosen is not None and (form.many or len(chosen) <= 1) else None
    if isinstance(form, PickLineForm):
        lines = {event.seq for event in form.transcript}
        return value if isinstance(value, int) and not isinstance(value, bool) and value in lines else None
    if isinstance(form, SortForm):
        if not isinstance(value, list) or len(value) != len(form.items):
            return None
        return [as_index(place, len(form.bins)) for place in value]
    if isinstance(form, SettingsForm):
        if not isinstance(value, list) or len(value) != len(form.asked):
            return None
        return [as_index(place, len(one.options)) for place, one in zip(value, form.asked, strict=True)]
    return None


def answer_of(form: Form, draft: Any) -> tuple[object, ...]:
    """The arguments of `check` for a draft that `read_draft` gave."""
    if draft is None:
        return ()
    if isinstance(form, (OrderForm, ChoiceForm)):
        # By text, because a text may itself be a number. An empty line is named by a space.
        texts = form.items if isinstance(form, OrderForm) else form.options
        return tuple(texts[place] or " " for place in draft)
    if isinstance(form, SortForm):
        return tuple("" if place is None else form.bins[place] for place in draft)
    if isinstance(form, SettingsForm):
        chosen = zip(draft, form.asked, strict=True)
        return tuple("" if place is None else one.options[place] for place, one in chosen)
    return tuple(draft) if isinstance(draft, list) else (draft,)


def draft_of_record(form: Form, answer: object) -> Any:
    """The draft for an answer that progress has kept (`ItemProgress.answer`); or None."""
    if isinstance(form, OrderForm) and isinstance(answer, list):
        free = list(range(len(form.items)))
        order: list[int] = []
        for text in answer:
            place = next((place for place in free if form.items[place] == text), None)
            if place is None:
                return None
            free.remove(place)
            order.append(place)
        return read_draft(form, order)
    if isinstance(form, ChoiceForm):
        texts = answer if isinstance(answer, list) else [answer]
        return read_draft(form, [form.options.index(text) for text in texts if text in form.options])
    if isinstance(form, SortForm) and isinstance(answer, list):
        return read_draft(form, [form.bins.index(bin) if bin in form.bins else None for bin in answer])
    if isinstance(form, NumbersForm) and isinstance(answer, list):
        return read_draft(form, [f"{one:g}" for one in answer if isinstance(one, (int, float))])
    if isinstance(form, SettingsForm) and isinstance(answer, list):
        kept = [value for values in answer if isinstance(values, list) for value in values]
        every = [one for _, settings in form.cases for one in settings]
        if len(kept) != len(every):
            return None
        pairs = [(value, one) for value, one in zip(kept, every, strict=True) if len(one.options) > 1]
        return read_draft(form, [one.options.index(v) if v in one.options else None for v, one in pairs])
    return read_draft(form, answer)


def solution_lines(form: Form, answer: object) -> list[dict[str, Any]]:
    """A right answer as lines to read, each like those of `wire_lines`."""
    value: Any = form.read(answer if isinstance(answer, tuple) else (answer,))
    if isinstance(form, LinesForm):
        mine = [{"who": form.speaker, "text": visible(line), "mine": True} for line in value]
        return [*text_lines(form.before), *mine, *text_lines(form.after)]
    if isinstance(form, NumbersForm):
        filled = zip(form.numbers, value, strict=True)
        return [{"who": "", "text": f"{one.label}: {number:g} {one.unit}"} for one, number in filled]
    if isinstance(form, PickLineForm):
        return [line for line in wire_lines(form.transcript) if line["n"] == value]
    if isinstance(value, Transcript):
        return wire_lines(value)
    if isinstance(form, ZoneForm):
        return text_lines(tuple(value.strip("\n").split("\n")))
    if isinstance(form, SortForm):
        sorted_items = zip(form.items, value, strict=True)
        return [{"who": "", "text": f"{visible(item)}  →  {bin}"} for item, bin in sorted_items]
    if isinstance(form, SettingsForm):
        return [
            {"who": "", "text": f"{title}: {', '.join(values)}" if title else ", ".join(values)}
            for (title, _), values in zip(form.cases, value, strict=True)
        ]
    texts = (
        [option for option in form.options if option in value]
        if isinstance(form, ChoiceForm) and form.many
        else value
    )
    return [{"who": "", "text": visible(text)} for text in ([texts] if isinstance(texts, str) else texts)]


def form_text(form: Form) -> list[str]:
    """The form in plain text, for a stored notebook."""
    if isinstance(form, LinesForm):
        who = f"{form.speaker}: " if form.speaker else ""
        blanks = [f"  {who}______  ({form.label(number)})" for number in range(1, form.blanks + 1)]
        return [*plain_lines(text_lines(form.before)), *blanks, *plain_lines(text_lines(form.after))]
    if isinstance(form, NumbersForm):
        return bullet_lines(map(_asked, form.numbers))
    if isinstance(form, OrderForm):
        return [f"  {number}. {visible(item)}" for number, item in enumerate(form.items, start=1)]
    if isinstance(form, ChoiceForm):
        return bullet_lines(form.options)
    if isinstance(form, PickLineForm):
        return plain_lines(wire_lines(form.transcript))
    if isinstance(form, SortForm):
        given = [f"{visible(item)}  →  {bin}. {why}" for item, bin, why in form.given]
        return [*bullet_lines((*given, *map(visible, form.items))), f"  Bins: {' | '.join(form.bins)}"]
    if isinstance(form, SettingsForm):
        return [line for title, settings in form.cases for line in _case_lines(title, settings)]
    return [f"  {_live_task(form)}"]


def form_html(form: Form) -> Html:
    """The form in static HTML, for a stored notebook."""
    if isinstance(form, LinesForm):
        blanks = [
            {"who": form.speaker, "text": f"______ ({form.label(number)})"}
            for number in range(1, form.blanks + 1)
        ]
        return session_table([*text_lines(form.before), *blanks, *text_lines(form.after)])
    if isinstance(form, NumbersForm):
        return items(map(_asked, form.numbers))
    if isinstance(form, OrderForm):
        return items((el("code", visible(item)) for item in form.items), ordered=True)
    if isinstance(form, ChoiceForm):
        return kids(items(prose(option) for option in form.options))
    if isinstance(form, PickLineForm):
        return session_table(wire_lines(form.transcript))
    if isinstance(form, SortForm):
        given = [kids((el("code", visible(item)), f" → {bin}. {why}")) for item, bin, why in form.given]
        return kids(
            (
                items((*given, *(el("code", visible(item)) for item in form.items))),
                el("p", f"Bins: {' | '.join(form.bins)}"),
            )
        )
    if isinstance(form, SettingsForm):
        return kids(*(
            kids(el("p", el("strong", title)) if title else None, items(map(_offered, settings)))
            for title, settings in form.cases
        ))  # fmt: skip
    return el("p", _live_task(form))


def _live_task(form: Form) -> str:
    return ZONE_TASK if isinstance(form, ZoneForm) else LIVE_TASK


def _asked(number: Number) -> str:
    blank = f"______ {number.unit}".rstrip()
    return f"{number.label}: {blank} ({number.least:g} to {number.most:g})"


def _offered(setting: Setting) -> str:
    given = len(setting.options) == 1
    return f"{setting.label}: {setting.options[0] if given else ' | '.join(setting.options)}"


def _case_lines(title: str, settings: tuple[Setting, ...]) -> list[str]:
    return [*([f"  {title}"] if title else []), *bullet_lines(map(_offered, settings))]
