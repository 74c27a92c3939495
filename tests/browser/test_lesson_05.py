"""Lesson 05 as a learner goes through it who has nothing but a keyboard."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect

from .lab_page import LabPage
from .learner import NOTEBOOKS, Learner

OpenLab = Callable[..., LabPage]

PUT_OFF, DOWN, LOST = (f'lab.timeline("{name}")' for name in ("greylisting", "down", "lost"))
HOME, NULL_PATH, NOTICE = 'lab.observe("responsibility")', 'lab.observe("null_path")', "lab.notice()"
MAILBOX, RULE = "lab.mailbox()", "lab.your_rule()"
ONE, TWO, THREE, QUIZ = "q1 = lab.q1", "q2 = lab.q2", "q3 = lab.q3", "lab.quiz()"
MAIL = "MAIL FROM:<alice@sender.example>"


def test_the_whole_lesson_by_keyboard(open_lab: OpenLab) -> None:
    lab = open_lab(NOTEBOOKS / "05_queue_and_bounces.ipynb")
    lab.run_all()
    learner, before = Learner(lab), lab.cells()

    put_off_and_let_in(learner)
    five_days_and_a_notice(learner)
    the_answer_is_lost(learner)
    three_exercises(learner)
    lab.reload()
    all_is_there(learner)
    quiz(learner)
    lab.open_sections()
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


def send(learner: Learner, cell: str, then: str) -> None:
    """Press the button of an experiment; the axis shows what came of it, and the keyboard is still there."""
    learner.go(cell, 'button "Send Alice')
    learner.lab.keys("{Enter}")
    expect(learner.output(cell).get_by_role("group", name="Tries on an axis of time")).to_contain_text(then)
    assert learner.focused().startswith('button "Send another')


def point(learner: Learner, cell: str, line: str, words: str) -> None:
    learner.go(cell, 'radio "line')
    learner.choose(line)
    learner.lab.keys("{Enter}")
    expect(learner.output(cell)).to_contain_text(words)


def put_off_and_let_in(learner: Learner) -> None:
    """Who answers for it is said all the time; a try opens its session and gives the keyboard back."""
    lab, drawn = learner.lab, learner.output(PUT_OFF)
    asked, owner = guess(learner, "greylisting", "In her program."), drawn.locator(".lkr-owner")
    expect(learner.output(HOME)).to_contain_text("no session of yours yet")
    send(learner, PUT_OFF, "451")
    expect(owner).to_contain_text("relay.sender.example It waits in the queue there. Next try: 09:30:00")
    expect(learner.output(asked)).to_contain_text("Worth a second look")

    learner.tab_to('button "3')  # the mark on the axis
    lab.keys("{Enter}")
    session = drawn.get_by_role("region", name="The try that you opened")
    expect(session.locator(".lks-row[aria-selected=true]")).to_contain_text("451")
    learner.tab_to('button "Close"')
    lab.keys("{Enter}")
    expect(session).to_be_hidden()
    assert learner.focused().startswith('button "3')

    learner.tab_to('button "Next event"')
    lab.keys("{Enter}")
    expect(owner).to_contain_text("It lies in the mailbox of bob@receiver.example.")
    assert learner.focused() == 'button "Next event"'
    point(learner, HOME, "354", "Not yet")
    point(learner, HOME, "queued as", "decided this")


def five_days_and_a_notice(learner: Learner) -> None:
    lab, drawn = learner.lab, learner.output(DOWN)
    asked = guess(learner, "down", "A failure notice after five days.")
    expect(learner.output(NOTICE)).to_contain_text("Nothing yet.")
    send(learner, DOWN, "no answer")
    learner.tab_to('button "Next event"')
    for tries in (2, 3):
        lab.keys("{Enter}")
        expect(drawn.locator(".lkr-dot")).to_have_count(tries)
    assert "What happened" not in learner.output(asked).inner_text()
    learner.tab_to('button "+5 days"')
    lab.keys("{Enter}")
    expect(drawn.locator(".lkr-owner")).to_contain_text("gave up, and alice@sender.example has a notice.")
    expect(drawn.locator(".lkr-mark", has_text="too old")).to_be_visible()
    expect(drawn.locator(".lkr-mark", has_text="notice filed")).to_be_visible()
    expect(learner.output(asked)).to_contain_text("As you expected")

    notice = learner.output(NOTICE)
    expect(notice.get_by_role("group", name="Part 2")).to_contain_text("the time for delivery was over")
    lab.set_projector()
    code = notice.locator(
        "code"
    ).first  # as large as the words around it, though JupyterLab has a size of its own
    assert code.evaluate("(one) => getComputedStyle(one).fontSize") == "19.5px"
    lab.set_projector(False)
    expect(notice.locator("pre").last).to_be_hidden()
    learner.go(NOTICE)
    lab.keys("{Enter}")
    expect(notice.locator("pre").last).to_contain_text("Subject: Lunch")
    point(learner, NULL_PATH, "EHLO relay", "where failures are reported to?")
    point(learner, NULL_PATH, "MAIL FROM:<>", "decided this")


def the_answer_is_lost(learner: Learner) -> None:
    asked = guess(learner, "lost", "Nothing: the message is lost.")
    send(learner, LOST, "cut off")
    owner = learner.output(LOST).locator(".lkr-owner")
    expect(owner).to_contain_text("A copy has reached a mailbox already; this queue does not know.")
    learner.tab_to('button "Next event"')
    learner.lab.keys("{Enter}")
    expect(owner).to_contain_text("2 copies of it lie in the mailbox")
    expect(learner.output(asked)).to_contain_text("Worth a second look")
    expect(learner.output(MAILBOX)).to_contain_text("2 messages")


def three_exercises(learner: Learner) -> None:
    lab = learner.lab
    learner.go(ONE, 'textbox "Action"')
    lab.keys("failed{Enter}550{Enter}dns; mx1.receiver.example{Enter}")
    expect(learner.output(ONE)).to_contain_text("Which of them has dots?")
    learner.go(ONE, 'textbox "Status"')
    lab.keys("{Control+a}5.1.1{Enter}{Enter}")
    expect(learner.output(ONE)).to_contain_text("A program reads in it just what happened.")

    expect(learner.output(RULE)).to_contain_text("Check exercise 2, and its messages appear here.")
    learner.go(TWO, 'textbox "First wait')
    lines = [line.bounding_box() for line in learner.output(TWO).locator(".lk-hintline").all()]
    assert all(box and box["width"] > box["height"] for box in lines)  # a range stands on one line
    lab.keys("30{Enter}2{Enter}3{Enter}2{Enter}")
    expect(learner.output(TWO)).to_contain_text("The message into the outage came back")
    expect(learner.output(RULE).get_by_role("combobox").get_by_role("option")).to_have_count(3)
    learner.go(TWO, 'textbox "Give up after')
    lab.keys("{Control+a}5{Enter}")
    expect(learner.output(TWO)).to_contain_text("Nothing lost, nothing returned in vain")

    learner.go(THREE, 'textbox "Missing line 1"')
    lab.keys(
        f"{MAIL}{{Enter}}RCPT TO:<bob@receiver.example>{{Enter}}RCPT TO:<carol@receiver.example>{{Enter}}"
    )
    expect(learner.output(THREE)).to_contain_text("Alice hears more than she wants")
    learner.go(THREE, 'textbox "Missing line 2"')
    lab.keys("{End} NOTIFY=DELAY{Enter}{End} NOTIFY=FAILURE{Enter}")
    expect(learner.output(THREE)).to_contain_text("She hears what she wants, and no more.")


def all_is_there(learner: Learner) -> None:
    """What the learner made of three worlds, after the page was reloaded."""
    for cell, words in (
        (PUT_OFF, "It lies in the mailbox of bob@receiver.example."),
        (DOWN, "gave up, and alice@sender.example has a notice."),
        (LOST, "2 copies of it lie in the mailbox"),
        (NOTICE, "Part 2: for programs"),
        (RULE, "Three messages under your rule"),
        (TWO, "Nothing lost, nothing returned in vain"),
    ):
        expect(learner.output(cell)).to_contain_text(words)


def quiz(learner: Learner) -> None:
    lab, question = learner.lab, learner.output(QUIZ).locator(".lk-question")
    learner.go(QUIZ, "radio")
    for number, answer in enumerate(("It keeps it", "Bob's server.")):
        learner.tab_to("radio")
        learner.choose(answer)
        lab.keys("{Enter}")
        expect(question.nth(number)).to_contain_text("right, your answer")
    learner.tab_to("checkbox")
    for _ in range(4):
        if any(words in learner.focused() for words in ("may refuse it with 550", "Nobody gets a notice")):
            lab.keys("{Space}")
        lab.keys("{Tab}")
    learner.tab_to('button "Answer"')
    lab.keys("{Enter}")
    expect(question.nth(2)).to_contain_text("right, your answer")
    learner.tab_to("radio")
    learner.choose("its 250 got lost")
    lab.keys("{Enter}")
    expect(question.nth(3)).to_contain_text("right, your answer")
