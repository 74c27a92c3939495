"""Lesson 01 as a learner goes through it who has nothing but a keyboard."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect

from .lab_page import LabPage
from .learner import NOTEBOOKS, Learner

OpenLab = Callable[..., LabPage]

MAIN, ORDER, DOT, PRACTICE = (f"lab.console({name})" for name in ("", '"order"', '"lone_dot"', '"practice"'))
FIRST_WORD, SKIPPED = 'lab.predict("first_word")', 'lab.predict("skipped_mail")'
DOTS, MAILBOX = 'lab.predict("dots")', "lab.mailbox()"
PROMISE, DECIDED = 'lab.observe("responsibility")', 'lab.observe("order")'
ONE, TWO, THREE, QUIZ = "q1 = lab.q1", "q2 = lab.q2", "q3 = lab.q3", "lab.quiz()"

FROM, BOB, CAROL = (
    "MAIL FROM:<alice@sender.example>",
    "RCPT TO:<bob@receiver.example>",
    "RCPT TO:<carol@receiver.example>",
)
IN_ORDER = ["EHLO sender.example", FROM, BOB, "DATA", "Subject: The key is under the mat", ".", "QUIT"]


def test_the_whole_lesson_by_keyboard(open_lab: OpenLab) -> None:
    lab = open_lab(NOTEBOOKS / "01_session.ipynb")
    lab.run_all()
    learner, before = Learner(lab), lab.cells()

    a_guess_is_kept(learner)
    a_message_by_hand(learner)
    a_refusal_for_the_wrong_order(learner)
    lines_pointed_at(learner)
    a_dot_in_the_wrong_place(learner)
    three_exercises(learner)
    quiz(learner)
    assert lab.cells() == before

    lab.open_sections()
    assert lab.axe(themes=("light", "dark")) == []


def test_work_outlasts_page_and_kernel(open_lab: OpenLab) -> None:
    lab = open_lab(NOTEBOOKS / "01_session.ipynb")
    lab.run_all()
    learner, before = Learner(lab), lab.cells()
    a_guess_is_kept(learner)
    learner.connect(MAIN)
    learner.say(MAIN, "EHLO sender.example", "250")
    fails_and_reads_why(learner)
    first_question(learner)

    said = learner.wire(MAIN)
    lab.reload()
    everything_is_there(learner, said)
    lab.restart_kernel()
    comes_back_after_its_kernel(learner)
    lab.kill_kernel()
    comes_back_after_its_kernel(learner)
    assert lab.cells() == before


def a_guess_is_kept(learner: Learner) -> None:
    for cell, guess in ((FIRST_WORD, "My program says EHLO."), (SKIPPED, "503: wrong order.")):
        learner.go(cell, "radio")
        learner.choose(guess)
        learner.tab_to('button "Keep my guess"')
        learner.lab.keys("{Enter}")
        expect(learner.output(cell)).to_contain_text("guess kept")
        expect(learner.output(cell)).not_to_contain_text("What happened")


def a_message_by_hand(learner: Learner) -> None:
    learner.connect(MAIN)
    revealed = learner.output(FIRST_WORD)
    expect(revealed).to_contain_text("Worth a second look")
    expect(revealed.locator("[data-kind=guess]")).to_contain_text("My program says EHLO.")
    expect(revealed.locator("[data-kind=actual]")).to_contain_text("The server greets.")

    learner.say(MAIN, "EHLO sender.example", "250")
    learner.lab.keys("mail{ArrowRight}")  # completed by the composer
    expect(learner.output(MAIN).get_by_role("textbox")).to_have_value(FROM.replace("MAIL", "mail"))
    learner.say(MAIN, "", "250")
    learner.say(MAIN, BOB, "250")
    learner.say(MAIN, "DATA", "354")
    expect(learner.output(MAIN).get_by_role("textbox")).to_have_accessible_name("A line of the message text")
    learner.say(MAIN, "Subject: By hand", None)
    learner.say(MAIN, "", None)
    learner.say(MAIN, "Hello Bob.", None)
    learner.say(MAIN, ".", "queued")
    expect(learner.happened(MAIN)).to_contain_text("RFC 5321")
    learner.say(MAIN, "QUIT", "221")
    # The line to type into is gone; the keyboard is on the session, not on a button that one Enter too many would press.
    assert learner.focused().startswith("listbox")
    expect(learner.output(MAIN).locator("[aria-current=step]")).to_have_text("closed")


def a_refusal_for_the_wrong_order(learner: Learner) -> None:
    expect(learner.output(SKIPPED)).not_to_contain_text("What happened")
    learner.connect(ORDER)
    expect(learner.rows(ORDER).filter(has_text="EHLO sender.example")).to_be_visible()  # said by the lab
    learner.say(ORDER, BOB, "503")
    happened = learner.happened(ORDER)
    expect(happened).to_contain_text("503")
    expect(happened).to_contain_text("MAIL has to come before RCPT.")
    expect(happened).to_contain_text("RFC 5321 §3.3")
    expect(learner.output(ORDER).locator("[aria-current=step]")).to_have_text("greeted")
    expect(learner.output(SKIPPED)).to_contain_text("As you expected")

    learner.say(ORDER, FROM, "250")
    learner.lab.keys("{ArrowUp 2}")  # the line that was refused, recalled
    expect(learner.output(ORDER).get_by_role("textbox")).to_have_value(BOB)
    learner.say(ORDER, "", "250")


def lines_pointed_at(learner: Learner) -> None:
    """The learner's own sessions are there to point into; a wrong line gets words about it."""
    lab = learner.lab
    for cell, wrong, words, right in (
        (PROMISE, "354", "The server has promised nothing so far.", "queued"),
        (DECIDED, "503", "Which line was it an answer to?", "line 9, client: RCPT"),
    ):
        learner.go(cell, "radio")
        learner.choose(wrong)
        lab.keys("{Enter}")
        expect(learner.output(cell)).to_contain_text(words)
        learner.go(cell, 'radio "line')
        learner.choose(right)
        learner.tab_to('button "Point at line')
        lab.keys("{Enter}")
        expect(learner.output(cell)).to_contain_text("decided this")


def a_dot_in_the_wrong_place(learner: Learner) -> None:
    learner.connect(DOT)
    expect(learner.rows(DOT).filter(has_text="Subject: Shopping")).to_be_visible()  # said by the lab
    learner.say(DOT, "..bread", None)
    learner.say(DOT, ".", "queued")
    learner.say(DOT, "milk", "500")
    expect(learner.happened(DOT)).to_contain_text(
        "The message ended at its dot, so this line is read as a command."
    )
    # Bob has it, without one dot, and without what came after the dot alone.
    bob = learner.output(MAILBOX).locator("details").first
    expect(bob).to_contain_text("Subject: Shopping")
    assert bob.locator("li").all_inner_texts()[-2:] == ["Two things to buy:", ".bread"]
    expect(learner.output(DOTS)).to_contain_text("What happened")
    # Any line of the session can be asked about, with the arrows.
    learner.tab_to('listbox "The session, line by line"', back=True)
    learner.lab.keys("{Home}")
    expect(learner.output(DOT).locator("[aria-selected=true][data-n='1']")).to_have_count(1)
    expect(learner.output(DOT).locator(".lks-why")).to_contain_text("220")


def three_exercises(learner: Learner) -> None:
    lab = learner.lab
    fails_and_reads_why(learner)

    learner.go(TWO, 'listbox "Lines to put in order"')
    learner.put_in_order(TWO, IN_ORDER)
    learner.tab_to('button "Check"')
    lab.keys("{Enter}")
    expect(learner.output(TWO)).to_contain_text("The server took the message and said goodbye.")

    learner.go(THREE, 'button "Check"')
    lab.keys("{Enter}")
    expect(learner.output(THREE)).to_contain_text("Not attempted yet")
    learner.connect(PRACTICE)
    learner.say(PRACTICE, "EHLO sender.example", "250")
    learner.say(PRACTICE, "DATA", "503")
    learner.go(THREE, 'button "Check"')
    lab.keys("{Enter}")
    expect(learner.output(THREE)).to_contain_text("is a 503, and there is no 500")


def fails_and_reads_why(learner: Learner) -> None:
    """Exercise 1 with the lines in a wrong order first; the message says what to mend."""
    lab, card = learner.lab, learner.output(ONE)
    learner.go(ONE, 'textbox "Missing line 1"')
    lab.keys(f"{BOB}{{Enter}}{CAROL}{{Enter}}{FROM}{{Enter}}")  # Enter moves on, and checks at the end
    expect(card).to_contain_text("Not yet")
    expect(card).to_contain_text("503")
    for part in ("What happened", "The rule", "Where to look"):
        expect(card.get_by_role("term").filter(has_text=part)).to_be_visible()
    assert FROM not in card.locator(".lk-feedback").inner_text()  # it does not give the answer away

    learner.tab_to('button "Hint (1 of 3)"')
    lab.keys("{Enter}")
    expect(card.get_by_role("list", name="Hints")).to_contain_text("Which of these stand there already?")

    learner.tab_to('textbox "Missing line 1"', back=True)
    for text in (FROM, BOB, CAROL):
        lab.keys("{Control+a}" + text + "{Tab}")
    learner.tab_to('button "Check"')
    lab.keys("{Enter}")
    expect(card).to_contain_text("Both have it, in one transaction.")


def quiz(learner: Learner) -> None:
    lab, card = learner.lab, learner.output(QUIZ)
    question = card.locator(".lk-question")
    first_question(learner)
    learner.tab_to("checkbox")
    for _ in range(5):
        if any(f'"{command}"' in learner.focused() for command in ("NOOP", "RSET", "VRFY bob")):
            lab.keys("{Space}")
        lab.keys("{Tab}")
    learner.tab_to('button "Answer"')
    lab.keys("{Enter}")
    expect(question.nth(1)).to_contain_text("right, your answer")
    for number, answer in ((2, "All of it"), (3, "..hidden")):
        learner.tab_to("radio")
        learner.choose(answer)
        lab.keys("{Enter}")
        expect(question.nth(number)).to_contain_text("right, your answer")
    expect(card).to_contain_text("Through. Worth meeting again: question 1.")


def first_question(learner: Learner) -> None:
    question = learner.output(QUIZ).locator(".lk-question").first
    learner.go(QUIZ, "radio")
    learner.choose("The client, with EHLO.")
    learner.lab.keys("{Enter}")
    expect(question).to_contain_text("Not yet")
    learner.choose("The server, with 220.")
    learner.lab.keys("{Enter}")
    expect(question).to_contain_text("right, your answer")


def everything_is_there(learner: Learner, said: list[str]) -> None:
    """After a reload: every line of the session, every card as it stood; and the console goes on."""
    expect(learner.rows(MAIN)).to_have_count(len(said))
    assert learner.wire(MAIN) == said
    expect(learner.output(FIRST_WORD)).to_contain_text("Worth a second look")
    expect(learner.output(SKIPPED)).to_contain_text("guess kept")
    expect(learner.output(ONE)).to_contain_text("Both have it, in one transaction.")
    expect(learner.output(QUIZ)).to_contain_text("right, your answer")
    learner.go(MAIN, 'textbox "A line to send to the server"')
    learner.say(MAIN, "NOOP", "250")


def comes_back_after_its_kernel(learner: Learner) -> None:
    """The widget notices by itself that its kernel is gone; running the cells again finds the progress."""
    lab = learner.lab
    learner.go(MAIN)
    life = learner.output(MAIN).locator(".lk-life")
    expect(life).to_contain_text("The kernel behind this picture was restarted or has ended")
    expect(life).to_contain_text("Choose Run > Run All Cells")
    expect(life).to_be_visible()
    lab.keys("b")  # no shortcut, also now
    lab.run_all()
    expect(life).to_be_hidden()
    expect(learner.output(ONE).locator(".lk-tag", has_text="done")).to_be_visible()
    for prediction in (FIRST_WORD, SKIPPED):
        expect(learner.output(prediction)).to_contain_text("guess kept")
    expect(learner.output(QUIZ).locator(".lk-question").first).to_contain_text("right before")
    learner.connect(MAIN)
    learner.say(MAIN, "EHLO sender.example", "250")
