"""Lesson 02 as a learner goes through it who has nothing but a keyboard."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect

from .lab_page import LabPage
from .learner import NOTEBOOKS, Learner

OpenLab = Callable[..., LabPage]

BLIND, THREE, BOSS = (f'lab.predict("{name}")' for name in ("blind", "three", "boss"))
LETTER, CONSOLE, BREAK, MAILING = 'lab.letter("blind")', 'lab.console("three")', 'lab.letter("boss")', 'lab.console("mailing")'  # fmt: skip
COPY, TOGETHER = 'lab.observe("copy")', 'lab.observe("together")'
ONE, TWO, LAST, QUIZ = "q1 = lab.q1", "q2 = lab.q2", "q3 = lab.q3", "lab.quiz()"
THOUSAND = "lab.mailing()"

MAIL = "MAIL FROM:<alice@sender.example>"
TO = {name: f"RCPT TO:<{name}@receiver.example>" for name in ("bob", "carol", "dave", "crol")}


def test_the_whole_lesson_by_keyboard(open_lab: OpenLab) -> None:
    lab = open_lab(NOTEBOOKS / "02_envelope.ipynb")
    lab.run_all()
    learner, before = Learner(lab), lab.cells()

    guesses(learner)
    a_letter_with_a_blind_copy(learner)
    three_recipients(learner)
    a_letter_from_the_boss(learner)
    three_exercises(learner)
    quiz(learner)
    assert lab.cells() == before

    lab.open_sections()
    eleven_hundred(learner)
    assert lab.axe(themes=("light", "dark")) == []


def guesses(learner: Learner) -> None:
    for cell, guess in (
        (BLIND, "In a Bcc field, which Bob's program hides."),
        (THREE, "Bob and Dave."),
        (BOSS, "submit.sender.example: she has no such account."),
    ):
        learner.go(cell, "radio")
        learner.choose(guess)
        learner.tab_to('button "Keep my guess"')
        learner.lab.keys("{Enter}")
        expect(learner.output(cell)).to_contain_text("guess kept")
        expect(learner.output(cell)).not_to_contain_text("What happened")


def a_letter_with_a_blind_copy(learner: Learner) -> None:
    lab, letter = learner.lab, learner.output(LETTER)
    learner.go(LETTER, 'button "Send"')
    lab.keys("{Enter}")
    expect(letter).to_contain_text("took it for 2 recipients")
    expect(letter.get_by_role("button", name="Carol's copy")).to_be_visible()
    line = letter.get_by_label("Envelope", exact=True).get_by_role("button", name="RCPT TO:<carol@")
    expect(line).to_contain_text("only in the envelope")
    expect(learner.output(BLIND)).to_contain_text("What happened")

    learner.tab_to('button "Carol')
    lab.keys("{Enter}")
    expect(letter).to_contain_text("Nothing in this header names Carol.")
    learner.tab_to('button "mx1"', back=True)
    lab.keys("{Enter}")
    expect(letter).to_contain_text("relay.sender.example speaks to mx1.receiver.example")
    learner.tab_to('button "15 RCPT TO:<carol@')
    lab.keys("{Enter}")
    session = letter.get_by_label("The session you opened")
    expect(session.locator("[aria-selected=true]")).to_contain_text("RCPT TO:<carol@receiver.example>")
    learner.tab_to('button "Close"')
    lab.keys("{Enter}")
    expect(session).to_be_hidden()
    assert "RCPT TO:<carol@" in learner.focused()  # back where it was opened

    learner.go(COPY, "radio")
    learner.choose("To: bob@receiver.example")
    lab.keys("{Enter}")
    expect(learner.output(COPY)).to_contain_text("Would Carol have got her copy without it?")
    learner.go(COPY, 'radio "line')
    learner.choose("RCPT TO:<carol@")
    learner.tab_to('button "Point at line')
    lab.keys("{Enter}")
    expect(learner.output(COPY)).to_contain_text("decided this")


def three_recipients(learner: Learner) -> None:
    lab = learner.lab
    learner.connect(CONSOLE)
    expect(learner.rows(CONSOLE).filter(has_text=TO["bob"])).to_be_visible()  # said by the lab
    learner.say(CONSOLE, TO["crol"], "550")
    learner.say(CONSOLE, TO["dave"], "250")
    learner.say(CONSOLE, "DATA", "354")
    learner.say(CONSOLE, "To: crol@receiver.example", None)
    learner.say(CONSOLE, ".", "queued")
    expect(learner.output(THREE)).to_contain_text("As you expected")
    learner.go(TOGETHER, "radio")
    learner.choose("queued")
    lab.keys("{Enter}")
    expect(learner.output(TOGETHER)).to_contain_text("decided this")


def a_letter_from_the_boss(learner: Learner) -> None:
    lab, letter = learner.lab, learner.output(BREAK)
    learner.go(BREAK, 'textbox "From"')
    lab.keys("{Control+a}boss@receiver.example")
    learner.tab_to('button "Send"')
    lab.keys("{Enter}")
    expect(letter).to_contain_text("took it for 1 recipient")
    expect(letter.get_by_label("Header", exact=True)).to_contain_text("only in the header")
    expect(letter.get_by_label("Envelope", exact=True)).to_contain_text("only in the envelope")
    expect(learner.output(BOSS)).to_contain_text("Worth a second look")


def three_exercises(learner: Learner) -> None:
    lab = learner.lab
    learner.go(ONE, 'textbox "Missing line 1"')
    lab.keys(f"MAIL FROM:<club@sender.example>{{Enter}}{TO['carol']}{{Enter}}{TO['dave']}{{Enter}}")
    expect(learner.output(ONE)).to_contain_text("Failure notices would go to")
    learner.go(ONE, 'textbox "Missing line 1"')
    lab.keys(f"{{Control+a}}{MAIL}{{Enter}}{{Enter}}{{Enter}}")
    expect(learner.output(ONE)).to_contain_text("failures go where they should")

    learner.go(TWO, "radio")
    learner.choose("erin@receiver.example")
    learner.tab_to('button "Check"')
    lab.keys("{Enter}")
    expect(learner.output(TWO)).to_contain_text("This recipient was refused")
    learner.go(TWO, "radio")
    learner.choose("dave@receiver.example")
    learner.tab_to('button "Check"')
    lab.keys("{Enter}")
    expect(learner.output(TWO)).to_contain_text("in no field of the header")

    learner.connect(MAILING)
    for line, answer in (
        ("EHLO relay.sender.example", "250"),
        (MAIL, "250"),
        (TO["bob"], "250"),
        (TO["carol"], "250"),
        (TO["dave"], "452"),
        ("DATA", "354"),
        (".", "queued"),
    ):
        learner.say(MAILING, line, answer)
    learner.go(LAST, 'button "Check"')
    lab.keys("{Enter}")
    expect(learner.output(LAST)).to_contain_text("Dave got 452, and no copy yet.")
    learner.go(MAILING, "textbox")
    for line, answer in ((MAIL, "250"), (TO["dave"], "250"), ("DATA", "354"), (".", "queued")):
        learner.say(MAILING, line, answer)
    learner.go(LAST, 'button "Check"')
    lab.keys("{Enter}")
    expect(learner.output(LAST)).to_contain_text("One copy each.")


def quiz(learner: Learner) -> None:
    learner.go(QUIZ, "radio")
    learner.choose("Whoever was named in MAIL.")
    learner.tab_to('button "Answer"')
    learner.lab.keys("{Enter}")
    expect(learner.output(QUIZ)).to_contain_text("Failure notices go there.")


def eleven_hundred(learner: Learner) -> None:
    learner.go(THOUSAND, 'button "Send it to 1,100 people"')
    learner.lab.keys("{Enter}")
    expect(learner.output(THOUSAND)).to_contain_text("1,100 copies in", timeout=30_000)
    expect(learner.output(THOUSAND).get_by_role("row", name="mx1.receiver.example")).to_contain_text("403")
