"""Lesson 06 as a learner goes through it who has nothing but a keyboard."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect

from labkit.lessons.delivery_chain_order import FIRST, called
from labkit.lessons.delivery_chain_world import FORGED

from .lab_page import LabPage
from .learner import NOTEBOOKS, Learner

OpenLab = Callable[..., LabPage]

WAY, AGAIN, HEADER, CAROLS = "lab.way()", 'lab.way("again")', "lab.header()", 'lab.header("forged")'
DOOR, FORGE, OPEN, SETTINGS = (
    'lab.observe("door")',
    'lab.console("forged")',
    'lab.console("open_relay")',
    "lab.open_relay()",
)
ONE, TWO, THREE, QUIZ = "q1 = lab.q1", "q2 = lab.q2", "q3 = lab.q3", "lab.quiz()"
ABUSE = "RCPT TO:<dave@elsewhere.example>"


def test_the_whole_lesson_by_keyboard(open_lab: OpenLab) -> None:
    lab = open_lab(NOTEBOOKS / "06_delivery_chain.ipynb")
    lab.run_all()
    learner, before = Learner(lab), lab.cells()

    the_dns_chooses(learner)
    nobody_answers(learner)
    who_wrote_the_header(learner)
    a_hop_that_never_was(learner)
    three_exercises(learner)
    quiz(learner)
    lab.open_sections()
    an_open_relay_is_closed(learner)
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


def the_dns_chooses(learner: Learner) -> None:
    asked = guess(learner, "order", "mx2: the higher number")
    drawn = learner.output(WAY)
    expect(drawn).to_contain_text("A host asks when it has mail to hand on.")
    learner.go(WAY, 'button "Send Alice')
    learner.lab.keys("{Enter}")
    expect(drawn).to_contain_text("relay.sender.example handed it to mx1.receiver.example")
    expect(drawn.locator(".lkd-log li").first).to_contain_text("receiver.example MX")
    expect(drawn.locator(".lkd-log li").first).to_contain_text("10 mx1.receiver.example.")
    expect(learner.output(asked)).to_contain_text("Worth a second look")


def nobody_answers(learner: Learner) -> None:
    asked = guess(learner, "fallback", "It goes to mx2 at once.")
    drawn = learner.output(AGAIN)
    learner.go(AGAIN, 'switch "mx1.receiver.example"')
    learner.lab.keys("{Space}")
    expect(drawn.get_by_role("switch", name="mx1")).to_have_attribute("aria-checked", "false")
    expect(drawn).to_contain_text("is down")  # on the map, before anything has moved
    learner.tab_to('button "Send Alice', back=True)
    learner.lab.keys("{Enter}")
    expect(drawn).to_contain_text("relay.sender.example handed it to mx2.receiver.example")
    expect(learner.output(asked)).to_contain_text("As you expected")


def who_wrote_the_header(learner: Learner) -> None:
    lab, trace = learner.lab, learner.output(HEADER)
    expect(trace.locator(".lkt-hops li")).to_have_count(4)
    learner.go(HEADER, 'button "from relay.sender.example')
    lab.keys("{Enter}")
    expect(trace).to_contain_text("The client said this name in its EHLO.")
    expect(trace.locator(".lks-row[aria-selected=true]")).to_contain_text("EHLO relay.sender.example")
    assert learner.focused().startswith('button "from relay')
    lab.keys("{Escape}")
    expect(trace.locator(".lkt-panel")).to_have_count(0)
    for line, words in (
        ("Received: from submit", "A host on Alice's side wrote that one"),
        ("Received: from relay", "decided this"),
    ):
        learner.go(DOOR, "radio")
        learner.choose(line)
        lab.keys("{Enter}")
        expect(learner.output(DOOR)).to_contain_text(words)


def a_hop_that_never_was(learner: Learner) -> None:
    asked = guess(learner, "forged", "Nothing of it")
    learner.connect(FORGE)
    for line, answer in ((FORGED, None), ("Subject: Payment", None), (".", "queued")):
        learner.say(FORGE, line, answer)
    expect(learner.output(asked)).to_contain_text("Yours, below those that her servers wrote.")
    trace = learner.output(CAROLS)
    expect(trace.locator(".lkt-border + .lkt-field")).to_contain_text(
        "from vault.bank.example by mx.bank.example"
    )
    expect(trace).to_contain_text("mx.bank.example is no host that is known here")
    learner.go(CAROLS, 'button "from vault.bank.example')
    learner.lab.keys("{Enter}")
    expect(trace.locator(".lks-row[aria-selected=true]")).to_contain_text(FORGED)


def three_exercises(learner: Learner) -> None:
    lab = learner.lab
    learner.go(ONE, 'listbox "Lines to put in order"')
    learner.put_in_order(ONE, list(reversed(called("news.example", FIRST))))
    learner.tab_to('button "Check"')
    lab.keys("{Enter}")
    expect(learner.output(ONE)).to_contain_text("Is the number a rank or a weight?")
    learner.go(ONE, 'listbox "Lines to put in order"')
    learner.put_in_order(ONE, list(called("news.example", FIRST)))
    learner.tab_to('button "Check"')
    lab.keys("{Enter}")
    expect(learner.output(ONE)).to_contain_text("That is the order.")

    learner.go(TWO, "textbox")
    lab.keys("mx1.receiver.example{Tab}30{Enter}")
    expect(learner.output(TWO)).to_contain_text("Who had it before?")
    learner.go(TWO, "textbox")
    lab.keys("{Control+a}relay.sender.example{Enter}")
    expect(learner.output(TWO)).to_contain_text("had it for 30 minutes")

    for line, words in (
        ("Received: from relay.bank", "when it was handed in"),
        ("Received: from mail.mallory", "wrote this field"),
    ):
        learner.go(THREE, "radio")
        learner.choose(line)
        lab.keys("{Enter}")
        expect(learner.output(THREE)).to_contain_text(words)


def quiz(learner: Learner) -> None:
    lab, question = learner.lab, learner.output(QUIZ).locator(".lk-question")
    learner.go(QUIZ, "radio")
    learner.choose("It keeps the message")
    lab.keys("{Enter}")
    expect(question.first).to_contain_text("right, your answer")
    learner.tab_to("checkbox")
    for _ in range(5):
        if any(word in learner.focused() for word in ("The address in the field", "The time in the field")):
            lab.keys("{Space}")
        lab.keys("{Tab}")
    learner.tab_to('button "Answer"')
    lab.keys("{Enter}")
    expect(question.nth(1)).to_contain_text("right, your answer")
    for number, answer in ((2, "The domain takes no mail"), (3, "A clock is wrong")):
        learner.tab_to("radio")
        learner.choose(answer)
        lab.keys("{Enter}")
        expect(question.nth(number)).to_contain_text("right, your answer")


def an_open_relay_is_closed(learner: Learner) -> None:
    lab = learner.lab
    learner.connect(OPEN)
    learner.say(OPEN, ABUSE, "250")
    learner.go(SETTINGS, 'switch "Open relay"')
    lab.keys("{Space}")
    expect(learner.output(SETTINGS).get_by_role("switch", name="Open relay")).to_have_attribute(
        "aria-checked", "false"
    )
    learner.go(OPEN, "textbox")
    lab.keys(ABUSE + "{Enter}")
    expect(learner.rows(OPEN).last).to_contain_text("5.7.1 Relaying denied")
