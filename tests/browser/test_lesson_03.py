"""Lesson 03 as a learner goes through it who has nothing but a keyboard."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import expect

from .lab_page import LabPage
from .learner import NOTEBOOKS, Learner

OpenLab = Callable[..., LabPage]

WAITS, BIG, HELO = (f'lab.predict("{name}")' for name in ("waits", "too_big", "helo"))
IN_TURN, IN_GROUPS, TOO_BIG = 'lab.round_trips("in_turn")', 'lab.round_trips("in_groups")', "lab.too_big()"
OFFER, ANNOUNCED = 'lab.observe("offer")', 'lab.observe("announced")'
BREAK, PRACTICE, MAILBOX = 'lab.console("helo")', 'lab.console("practice")', "lab.mailbox()"
ONE, TWO, THREE, QUIZ = "q1 = lab.q1", "q2 = lab.q2", "q3 = lab.q3", "lab.quiz()"
MAIL = "MAIL FROM:<alice@sender.example>"


def test_the_whole_lesson_by_keyboard(open_lab: OpenLab) -> None:
    lab = open_lab(NOTEBOOKS / "03_extensions.ipynb")
    lab.run_all()
    learner, before = Learner(lab), lab.cells()

    guesses(learner)
    nine_waits_then_four(learner)
    too_big_for_both(learner)
    helo_and_what_is_lost(learner)
    three_exercises(learner)
    quiz(learner)
    assert lab.cells() == before

    lab.open_sections()
    assert lab.axe(themes=("light", "dark")) == []


def guesses(learner: Learner) -> None:
    for cell, guess in ((WAITS, "5 times"), (BIG, "At MAIL"), (HELO, "250")):
        learner.go(cell, "radio")
        learner.choose(guess)
        learner.tab_to('button "Keep my guess"')
        learner.lab.keys("{Enter}")
        expect(learner.output(cell)).to_contain_text("guess kept")


def send(learner: Learner, line: str, button: str, figure: str) -> None:
    """Press the button of one way; the picture shows the figure, and the keyboard is still on that button."""
    learner.go(line, f'button "{button}"')
    learner.lab.keys("{Enter}")
    expect(learner.output(line).locator(".lkrt-figure", has_text=figure)).to_be_visible()
    assert learner.focused().startswith('button "Send it again"')


def nine_waits_then_four(learner: Learner) -> None:
    lab, picture = learner.lab, learner.output(IN_TURN)
    expect(picture).to_contain_text("Nothing sent yet.")
    send(learner, IN_TURN, "Send it", "The client waited 9 times")
    expect(picture.get_by_role("list", name="Each wait of the client").get_by_role("listitem")).to_have_count(
        9
    )
    expect(learner.output(WAITS).locator("[data-kind=actual]")).to_contain_text("9 times")

    learner.tab_to('slider "How long one round trip takes"', back=True)
    expect(picture.locator(".lkrt-time")).to_have_text(re.compile("9 . 100 ms = 900 ms"))
    lab.keys("{ArrowRight}")
    expect(picture.locator(".lkrt-time")).to_have_text(re.compile("9 . 300 ms = 2.7 s"))
    expect(picture.get_by_role("slider")).to_have_attribute("aria-valuetext", "300 ms, around the world")

    point(learner, OFFER, "CHUNKING", "Near", "PIPELINING", "before it reads the answers")
    # What was sent above stands in the second picture already.
    expect(learner.output(IN_GROUPS).locator(".lkrt-figure")).to_have_text(
        "The client waited 9 times", ignore_case=True
    )
    send(learner, IN_GROUPS, "Send it in groups", "The client waited 4 times")
    group = learner.output(IN_GROUPS).get_by_role("group", name="In groups").get_by_role("listitem").nth(2)
    expect(group.locator(".lkrt-answered .lk-chip")).to_have_text(["250", "250", "250", "250", "354"])


def point(learner: Learner, cell: str, wrong: str, words: str, right: str, why: str) -> None:
    """A wrong line gets words about it, the right one a flag."""
    learner.go(cell, "radio")
    learner.choose(wrong)
    learner.lab.keys("{Enter}")
    expect(learner.output(cell)).to_contain_text(words)
    learner.go(cell, 'radio "line')
    learner.choose(right)
    learner.tab_to('button "Point at line')
    learner.lab.keys("{Enter}")
    expect(learner.output(cell)).to_contain_text("decided this")
    expect(learner.output(cell)).to_contain_text(why)


def too_big_for_both(learner: Learner) -> None:
    send(learner, TOO_BIG, "Send it to mx1", "The client sent 72 octets")
    send(learner, TOO_BIG, "Send it to mx2", "The client sent 30,102 octets")
    expect(learner.output(TOO_BIG).locator(".lk-chip", has_text="552")).to_have_count(2)
    expect(learner.output(TOO_BIG).get_by_role("slider")).to_be_hidden()
    expect(learner.output(BIG)).to_contain_text("As you expected")
    point(learner, ANNOUNCED, "552", "the refusal itself", "SIZE=30000", "needs no text to say no")


def helo_and_what_is_lost(learner: Learner) -> None:
    learner.connect(BREAK)
    learner.say(BREAK, "HELO sender.example", "250")
    learner.say(BREAK, f"{MAIL} BODY=8BITMIME", "555")
    expect(learner.happened(BREAK)).to_contain_text("did not announce 8BITMIME")
    expect(learner.output(HELO).locator("[data-kind=actual]")).to_contain_text("555")
    learner.say(BREAK, "EHLO sender.example", "ENHANCEDSTATUSCODES")
    learner.lab.keys("{ArrowUp 2}")
    expect(learner.output(BREAK).get_by_role("textbox")).to_have_value(f"{MAIL} BODY=8BITMIME")
    learner.say(BREAK, "", "250")


def three_exercises(learner: Learner) -> None:
    lab, card = learner.lab, learner.output(ONE)
    learner.go(ONE, 'textbox "Missing line"')
    for line, words in (
        (f"{MAIL} SIZE=1840 8BITMIME", "the keyword of the offer"),
        (f"{MAIL} SIZE=1840", "octets above 127 will come"),
        (f"{MAIL} SIZE=1840 BODY=8BITMIME", "knew what would come"),
    ):
        lab.keys("{Control+a}" + line + "{Enter}")
        expect(card).to_contain_text(words)
        learner.tab_to('textbox "Missing line"', back=True)

    learner.go(TWO, 'textbox "Waits as it is"')
    lab.keys("7{Enter}4{Enter}")
    expect(learner.output(TWO)).to_contain_text("One wait is missing.")
    learner.go(TWO, 'textbox "Waits as it is"')
    lab.keys("{Control+a}8{Tab}")
    learner.tab_to('button "Check"')
    lab.keys("{Enter}")
    expect(learner.output(TWO)).to_contain_text("8 waits as it is, 4 in groups.")

    learner.connect(PRACTICE)
    learner.say(PRACTICE, "EHLO sender.example", "250")
    learner.say(PRACTICE, f"{MAIL} SMTPUTF8", "250")
    learner.say(PRACTICE, "RCPT TO:<zoë@receiver.example>", "250")
    learner.say(PRACTICE, "DATA", "354")
    learner.say(PRACTICE, "Subject: Hello", None)
    learner.say(PRACTICE, "", None)
    learner.say(PRACTICE, "Grüße an Zoë", None)
    learner.say(PRACTICE, ".", "queued")
    expect(learner.output(MAILBOX)).to_contain_text("Hello")
    learner.go(THREE, 'button "Check"')
    lab.keys("{Enter}")
    expect(learner.output(THREE)).to_contain_text("Zoë has it.")


def quiz(learner: Learner) -> None:
    lab, question = learner.lab, learner.output(QUIZ).locator(".lk-question")
    learner.go(QUIZ, "radio")
    learner.choose("555: it takes no such parameter.")
    lab.keys("{Enter}")
    expect(question.nth(0)).to_contain_text("right, your answer")
    learner.tab_to("checkbox")
    for _ in range(4):
        if "DATA" in learner.focused() or "EHLO" in learner.focused():
            lab.keys("{Space}")
        lab.keys("{Tab}")
    learner.tab_to('button "Answer"')
    lab.keys("{Enter}")
    expect(question.nth(1)).to_contain_text("right, your answer")
    for number, answer in ((2, "The size alone is no reason"), (3, "back to Alice")):
        learner.tab_to("radio")
        learner.choose(answer)
        lab.keys("{Enter}")
        expect(question.nth(number)).to_contain_text("right, your answer")
