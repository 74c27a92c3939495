"""Lesson 04 as a learner goes through it who has nothing but a keyboard."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect

from labkit.lessons.reply_codes_providers import FIRST
from labkit.lessons.reply_codes_triage import triage

from .lab_page import LabPage
from .learner import NOTEBOOKS, Learner

OpenLab = Callable[..., LabPage]

SAME, THREE_PEOPLE, ELSEWHERE = (
    f'lab.console("{name}")' for name in ("same_number", "three_people", "elsewhere")
)
ADDRESS, WAITING = 'lab.observe("address")', 'lab.observe("waiting")'
ONE, TWO, THREE, QUIZ, CODES = "q1 = lab.q1", "q2 = lab.q2", "q3 = lab.q3", "lab.quiz()", "lab.codes()"

BOB, CAROL, BBO = (f"RCPT TO:<{name}@receiver.example>" for name in ("bob", "carol", "bbo"))


def test_the_whole_lesson_by_keyboard(open_lab: OpenLab) -> None:
    lab = open_lab(NOTEBOOKS / "04_reply_codes.ipynb")
    lab.run_all()
    learner, before = Learner(lab), lab.cells()

    two_refusals(learner)
    three_people(learner)
    the_same_place(learner)
    who_acts(learner)
    sorted_at_once(learner, TWO, [str(bin) for bin in triage()._solution.answer])
    sorted_at_once(learner, THREE, [case.bin for case in FIRST])
    quiz(learner)
    lab.open_sections()
    a_code_is_provoked(learner)
    assert lab.cells() == before
    assert lab.axe(themes=("light", "dark")) == []


def guess(learner: Learner, name: str, text: str) -> str:
    cell = f'lab.predict("{name}")'
    learner.go(cell, "radio")
    learner.choose(text)
    learner.tab_to('button "Keep my guess"')
    learner.lab.keys("{Enter}")
    expect(learner.output(cell)).to_contain_text("guess kept")
    return cell


def point(learner: Learner, cell: str, line: str) -> None:
    learner.go(cell, "radio")
    learner.choose(line)
    learner.lab.keys("{Enter}")


def two_refusals(learner: Learner) -> None:
    asked = guess(learner, "same_number", "Both.")
    learner.connect(SAME)
    learner.say(SAME, BBO, "550")
    learner.say(SAME, BOB, "250")
    learner.say(SAME, "DATA", "354")
    learner.say(SAME, "Subject: Tea", None)
    expect(learner.output(asked)).not_to_contain_text("What happened")
    learner.say(SAME, ".", "550")
    expect(learner.happened(SAME)).to_contain_text("the sender's postmaster")
    expect(learner.output(asked)).to_contain_text("Worth a second look")
    point(learner, ADDRESS, "5.7.26")
    expect(learner.output(ADDRESS)).to_contain_text("Is it about an address")
    point(learner, ADDRESS, "5.1.1")
    expect(learner.output(ADDRESS)).to_contain_text("decided this")


def three_people(learner: Learner) -> None:
    asked = guess(learner, "three_people", "It tries Carol again later")
    learner.connect(THREE_PEOPLE)
    learner.say(THREE_PEOPLE, CAROL, "450")
    learner.say(THREE_PEOPLE, BBO, "550")
    learner.say(THREE_PEOPLE, "DATA", "354")
    learner.say(THREE_PEOPLE, "Subject: Tea", None)
    learner.say(THREE_PEOPLE, ".", "queued")
    expect(learner.output(asked)).to_contain_text("As you expected")
    learner.say(THREE_PEOPLE, "MAIL FROM:<alice@sender.example>", "421")
    point(learner, WAITING, "421")
    expect(learner.output(WAITING)).to_contain_text("With this line the server hung up")
    point(learner, WAITING, "450")
    expect(learner.output(WAITING)).to_contain_text("decided this")


def the_same_place(learner: Learner) -> None:
    asked = guess(learner, "elsewhere", "5.1.2")
    learner.connect(ELSEWHERE)
    learner.say(ELSEWHERE, "RCPT TO:<carol@elsewhere.example>", "5.7.1")
    expect(learner.output(asked)).to_contain_text("Worth a second look")


def who_acts(learner: Learner) -> None:
    """A wrong bin first: what would happen then; the choice stays, and one key mends it."""
    lab, card = learner.lab, learner.output(ONE)
    learner.go(ONE, "radio")
    learner.choose("my server, later")
    lab.keys("{Enter}")
    expect(card).to_contain_text("3 items are not sorted yet")
    for bin in ("me: how I send", "me: my list", "me: how I send"):
        lab.keys("{Tab}")
        learner.choose(bin)
    lab.keys("{Enter}")
    expect(card).to_contain_text("You would lose somebody whose address is good.")
    assert "my server, later" not in card.locator(".lk-feedback").inner_text()
    lab.keys("{Shift+Tab}")
    learner.choose("my server, later")
    lab.keys("{Enter}")
    expect(card).to_contain_text("All 4 lie right.")


def sorted_at_once(learner: Learner, cell: str, bins: list[str]) -> None:
    learner.go(cell, "radio")
    for place, bin in enumerate(bins):
        learner.choose(f'"{bin}"')
        if place + 1 < len(bins):
            learner.lab.keys("{Tab}")
    learner.lab.keys("{Enter}")
    expect(learner.output(cell)).to_contain_text(f"All {len(bins)} lie right.")


def quiz(learner: Learner) -> None:
    lab, card = learner.lab, learner.output(QUIZ)
    question = card.locator(".lk-question")
    learner.go(QUIZ, "radio")
    learner.choose("The mailbox is full, and may be emptied")
    lab.keys("{Enter}")
    expect(question.first).to_contain_text("right, your answer")
    learner.tab_to("checkbox")
    for _ in range(5):
        if any(code in learner.focused() for code in ("421", "450", "451")):
            lab.keys("{Space}")
        lab.keys("{Tab}")
    learner.tab_to('button "Answer"')
    lab.keys("{Enter}")
    expect(question.nth(1)).to_contain_text("right, your answer")
    for number, answer in ((2, "No recipient was accepted"), (3, "How many of them say 5.1.x")):
        learner.tab_to("radio")
        learner.choose(answer)
        lab.keys("{Enter}")
        expect(question.nth(number)).to_contain_text("right, your answer")


def a_code_is_provoked(learner: Learner) -> None:
    """By first digit, by who must act, a code, a button: the session opens at the line that decided."""
    lab, explorer = learner.lab, learner.output(CODES)
    learner.go(CODES, 'button "5 fix it"')
    lab.keys("{Enter}")
    expect(explorer.get_by_role("radio")).to_have_count(17)
    learner.tab_to("combobox")
    lab.keys("the sender's")
    expect(explorer.get_by_role("radio")).to_have_count(2)
    learner.tab_to("radio")
    learner.choose("550")
    learner.tab_to('button "Provoke 550 now: Write to a domain')
    lab.keys("{Enter}")
    expect(explorer).to_contain_text("Line 11 decided.")
    expect(explorer.locator(".lks-row[aria-selected=true]")).to_contain_text("5.7.1 Relaying denied")
    assert learner.focused().startswith('button "Provoke 550 now')  # nothing steals the focus
    learner.tab_to('button "First line"')
    lab.keys("{Enter}")
    expect(explorer.locator(".lks-row[aria-selected=true]")).to_contain_text("220")
