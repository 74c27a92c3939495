"""Lesson 00 as a newcomer meets it: a message delivered in three actions, a typo, three tasks, a quiz."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect

from .lab_page import LabPage
from .learner import NOTEBOOKS, Learner

OpenLab = Callable[..., LabPage]

FIRST, TYPO = "lab.mail_program()", 'lab.mail_program("typo")'
GUESS, ONE, TWO, THREE = 'lab.predict("typo")', "q1 = lab.q1", "q2 = lab.q2", "q3 = lab.q3"
QUIZ, PROGRESS = "lab.quiz()", "lab.progress()"
STATIONS = [
    "MUA: Alice writes and presses Send.",
    "MSA: takes the message from people it knows.",
    "MTA: carries it from server to server.",
    "MDA: puts it into the mailbox.",
    "MUA: Bob opens and reads.",
]
ANSWERS = (
    "The MSA: it takes in mail",
    "The server of receiver.example.",
    "To deliver the message, or to tell the sender",
    "It went out at Alice",
)


def test_three_actions_then_the_rest_of_the_lesson(open_lab: OpenLab) -> None:
    lab = open_lab(NOTEBOOKS / "00_start_here.ipynb")  # 1: the lesson is opened
    lab.run_all()  # 2: Run All Cells
    learner, before = Learner(lab), lab.cells()
    first = learner.output(FIRST)
    expect(first).to_contain_text("The mailbox is empty.")
    first.get_by_role("button", name="Send").click()  # 3: Send
    expect(first.locator(".lkm-verdict")).to_contain_text("Sent.")
    bob = first.get_by_role("group", name="Bob reads")
    bob.locator("summary").click()
    expect(bob.get_by_text("at one, as always?").first).to_be_visible()
    expect(bob.locator("pre")).to_be_hidden()
    bob.get_by_role("button", name="Show source").click()
    expect(bob.locator("pre")).to_be_visible()
    expect(bob.locator("pre")).to_contain_text("Received: from client.sender.example")

    a_typo_is_refused_and_the_guess_revealed(learner)
    a_message_for_carol(learner)
    the_line_and_the_stations(learner)
    the_quiz(learner)
    progress(learner)
    lab.open_sections()
    assert lab.axe(themes=("light", "dark")) == []
    assert lab.cells() == before


def a_typo_is_refused_and_the_guess_revealed(learner: Learner) -> None:
    learner.go(GUESS, "radio")
    learner.choose("Bob's server: it refuses")
    learner.tab_to('button "Keep my guess"')
    learner.lab.keys("{Enter}")
    expect(learner.output(GUESS)).to_contain_text("guess kept")

    typo = learner.output(TYPO)
    learner.go(TYPO, 'textbox "To"')
    learner.lab.keys("{Home}{ArrowRight}{Delete}p")
    expect(typo.get_by_label("To")).to_have_value("bpb@receiver.example")
    learner.tab_to('button "Send"')
    learner.lab.keys("{Enter}")
    verdict = typo.locator(".lkm-verdict")
    expect(verdict).to_contain_text("Not sent.")
    expect(verdict).to_contain_text("550")
    # The line that decided is marked, and it is the one that the verdict names.
    deciding = typo.locator("li[data-deciding]")
    expect(deciding).to_contain_text("550")
    assert f"on line {deciding.get_attribute('data-n')}" in verdict.inner_text()
    expect(learner.output(GUESS)).to_contain_text("As you expected")


def a_message_for_carol(learner: Learner) -> None:
    """Exercise 1, wrong first: the latest session is the one with the typo."""
    task = learner.output(ONE)
    learner.go(ONE, 'button "Check"')
    learner.lab.keys("{Enter}")
    expect(task).to_contain_text("Not yet")
    expect(task).to_contain_text("550")
    learner.go(FIRST, 'textbox "To"')
    learner.lab.keys("{Control+a}carol@receiver.example")
    learner.tab_to('button "Send"')
    learner.lab.keys("{Enter}")
    expect(learner.output(FIRST).locator(".lkm-verdict")).to_contain_text("Sent.")
    learner.go(ONE, 'button "Check"')
    learner.lab.keys("{Enter}")
    expect(task).to_contain_text("Carol has it.")


def the_line_and_the_stations(learner: Learner) -> None:
    learner.go(TWO, "radio")
    learner.choose("550")
    learner.lab.keys("{Enter}")
    expect(learner.output(TWO)).to_contain_text("That line is the refusal itself.")
    learner.go(TWO, "radio")
    learner.lab.keys("{ArrowUp}{Enter}")
    expect(learner.output(TWO)).to_contain_text("names an address that the server will not take mail for")

    learner.go(THREE, 'listbox "Lines to put in order"')
    learner.put_in_order(THREE, STATIONS)
    learner.tab_to('button "Check"')
    learner.lab.keys("{Enter}")
    expect(learner.output(THREE)).to_contain_text("That is the way of every message.")


def the_quiz(learner: Learner) -> None:
    learner.go(QUIZ)
    for number, answer in enumerate(ANSWERS):
        learner.tab_to("radio")
        learner.choose(answer)
        learner.lab.keys("{Enter}")
        expect(learner.output(QUIZ).locator(".lk-question").nth(number)).to_contain_text("right, your answer")
    expect(learner.output(QUIZ)).to_contain_text("All right at the first go.")


def progress(learner: Learner) -> None:
    """The card shows what was done, and gives it as a file."""
    card = learner.output(PROGRESS)
    card.scroll_into_view_if_needed()
    here = card.get_by_role("list", name="Lessons").get_by_role("listitem").first
    for meter in ("guesses1 of 1", "exercises3 of 3", "quiz4"):
        expect(here.locator(".lk-meter").filter(has_text=meter)).to_be_visible()
    learner.go(PROGRESS, 'button "Download my progress"')
    with learner.lab.page.expect_download() as download:
        learner.lab.keys("{Enter}")
    assert '"00.q1"' in download.value.path().read_text()
