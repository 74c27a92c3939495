"""Lesson 07 as a learner goes through it who has nothing but a keyboard."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect

from .lab_page import LabPage
from .learner import NOTEBOOKS, Learner

OpenLab = Callable[..., LabPage]

ONE, TWO, BOTH = 'lab.devices("one")', 'lab.devices("pop3")', 'lab.devices("imap")'
GONE, FLAG = 'lab.observe("gone")', 'lab.observe("flag")'
Q1, Q2, Q3, QUIZ = "q1 = lab.q1", "q2 = lab.q2", "q3 = lab.q3", "lab.quiz()"


def test_the_whole_lesson_by_keyboard(open_lab: OpenLab) -> None:
    lab = open_lab(NOTEBOOKS / "07_mailbox.ipynb")
    lab.run_all()
    learner, before = Learner(lab), lab.cells()

    the_phone_calls(learner)
    the_second_device_finds_nothing(learner)
    both_show_the_same(learner)
    three_exercises(learner)
    quiz(learner)
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


def press(learner: Learner, cell: str, *buttons: tuple[str, str]) -> None:
    """Tab from button to button of the picture, press each, and see what came of it; the keyboard stays in the picture."""
    learner.go(cell)
    for button, answer in buttons:
        learner.tab_to(f'button "{button}')
        learner.lab.keys("{Enter}")
        expect(learner.output(cell)).to_contain_text(answer)


def point(learner: Learner, cell: str, *picks: tuple[str, str]) -> None:
    for line, words in picks:
        learner.go(cell, "radio")
        learner.choose(line)
        learner.lab.keys("{Enter}")
        expect(learner.output(cell)).to_contain_text(words)


def the_phone_calls(learner: Learner) -> None:
    asked = guess(learner, "caller", "The server calls the phone")
    press(
        learner,
        ONE,
        ("Alice sends", "mx1.receiver.example brought 1 message."),
        ("Phone: fetch mail", "The phone took 1 message."),
        ("Show the lines of session 2", "all of it under TLS"),
    )
    expect(learner.output(asked)).to_contain_text("Worth a second look")
    expect(learner.output(ONE).locator(".lkmb-row").filter(has_text="lines of the message")).to_have_count(1)
    point(learner, GONE, ("DELE 1", "A mark."), ("QUIT", "decided this"))


def the_second_device_finds_nothing(learner: Learner) -> None:
    asked = guess(learner, "second", "Nothing.")
    press(
        learner,
        TWO,
        ("Alice sends", "brought 1 message."),
        ("Phone: fetch mail", "The phone took 1 message."),
        ("Laptop: fetch mail", "The laptop found nothing new."),
    )
    expect(learner.output(asked)).to_contain_text("As you expected")


def both_show_the_same(learner: Learner) -> None:
    asked = guess(learner, "synced", "The tickets, read.")
    press(
        learner,
        BOTH,
        ("Alice sends", "brought 1 message."),
        ("Phone: fetch mail", "The phone looked: 1 message, 1 new here."),
        ("Phone: read", "The train leaves at nine."),
        ("Laptop: fetch mail", "The laptop looked"),
    )
    laptop = learner.output(BOTH).get_by_role("group", name="Laptop", exact=True)
    expect(laptop.locator(".lkmb-flag")).to_have_text("read")
    expect(learner.output(asked)).to_contain_text("As you expected")
    point(learner, FLAG, ("SELECT", "reads nothing"), ("UID FETCH", "decided this"))


def three_exercises(learner: Learner) -> None:
    lab = learner.lab
    for ways, words in (
        (("IMAP", "IMAP", "copy"), "at the server still lies 1 message"),
        (("takes away", "IMAP", "copy"), "All three got what they wished."),
    ):
        learner.go(Q1, "radio")
        for place, way in enumerate(ways):
            if place:
                lab.keys("{Tab}")
            learner.choose(way)
        learner.tab_to('button "Check"')
        lab.keys("{Enter}")
        expect(learner.output(Q1)).to_contain_text(words)

    point(learner, Q2, ("DELE 2", "never came to its end"), ("(1 message left)", "gone at QUIT"))

    learner.go(Q3, "textbox")
    lab.keys("RETR 2{Tab}DELE 2{Tab}{Enter}")
    expect(learner.output(Q3)).to_contain_text("your mark was never carried out")
    learner.go(Q3, 'textbox "Third line"')
    lab.keys("QUIT{Enter}")
    expect(learner.output(Q3)).to_contain_text("So it is.")


def quiz(learner: Learner) -> None:
    lab, question = learner.lab, learner.output(QUIZ).locator(".lk-question")
    learner.go(QUIZ, "radio")
    for number, answer in ((0, "The phone."), (1, "The message, unmarked.")):
        if number:
            learner.tab_to("radio")
        learner.choose(answer)
        lab.keys("{Enter}")
        expect(question.nth(number)).to_contain_text("right, your answer")
    learner.tab_to("checkbox")
    for _ in range(4):
        if any(word in learner.focused() for word in ("was read", "was answered")):
            lab.keys("{Space}")
        lab.keys("{Tab}")
    learner.tab_to('button "Answer"')
    lab.keys("{Enter}")
    expect(question.nth(2)).to_contain_text("right, your answer")
    learner.tab_to("radio")
    learner.choose("993")
    lab.keys("{Enter}")
    expect(question.nth(3)).to_contain_text("right, your answer")
