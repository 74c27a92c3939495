"""Lesson 00 as a newcomer meets it: a message delivered in three actions, a typo, three tasks, a quiz."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Locator, expect

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
    first.get_by_role("button", name="Send", exact=True).click()  # 3: Send
    expect(first.locator(".lkm-verdict")).to_contain_text("Sent.")
    the_way_is_shown_hop_by_hop(first)
    bob = first.get_by_role("group", name="Bob reads")
    bob.locator("summary").click()
    expect(bob.get_by_text("at one, as always?").first).to_be_visible()
    expect(bob.locator("pre")).to_be_hidden()
    bob.get_by_role("button", name="Show source").click()
    expect(bob.locator("pre")).to_be_visible()
    expect(bob.locator("pre")).to_contain_text("Received: from client.sender.example")

    a_typo_comes_back_and_the_guess_is_revealed(learner)
    a_message_for_carol(learner)
    the_line_and_the_stations(learner)
    the_quiz(learner)
    progress(learner)
    lab.open_sections()
    assert lab.axe(themes=("light", "dark")) == []
    assert lab.cells() == before


def the_way_is_shown_hop_by_hop(first: Locator) -> None:
    """Five steps, each a button that opens its session; names of the jobs only when asked for."""
    steps = first.get_by_role("list", name="What happened, in order").get_by_role("button")
    expect(steps).to_have_count(5)
    for number, words in enumerate(
        ("program handed it to submit", "to relay", "to mx1", "to store", "mailbox of bob")
    ):
        expect(steps.nth(number)).to_contain_text(words)
    expect(first.locator(".lkw-station", has_text="Bob")).to_contain_text("1 letter")
    steps.nth(2).click()
    session = first.get_by_role("region", name="What you opened")
    expect(session).to_contain_text("Session 1 of mx1")
    expect(session.locator("[aria-selected=true]")).to_contain_text("queued as")
    session.get_by_role("button", name="Close", exact=True).click()
    expect(session).to_be_hidden()
    submit = first.locator(".lkw-station", has_text="submit")
    expect(submit.get_by_text("MSA")).to_be_hidden()
    first.get_by_role("button", name="Names of the jobs").click()
    expect(submit.get_by_text("MSA")).to_be_visible()


def a_typo_comes_back_and_the_guess_is_revealed(learner: Learner) -> None:
    learner.go(GUESS, "radio")
    learner.choose("from a server on Alice's side")
    learner.tab_to('button "Keep my guess"')
    learner.lab.keys("{Enter}")
    expect(learner.output(GUESS)).to_contain_text("guess kept")

    typo = learner.output(TYPO)
    learner.go(TYPO, 'textbox "To"')
    learner.lab.keys("{Home}{ArrowRight}{Delete}p")
    expect(typo.get_by_label("To", exact=True)).to_have_value("bpb@receiver.example")
    learner.tab_to('button "Send"')
    learner.lab.keys("{Enter}")
    expect(typo.locator(".lkm-verdict")).to_contain_text("Sent.")
    # Every hop that took it said 250; mx1 said 550; the notice lies in Alice's mailbox.
    refused = typo.locator(".lkw-list li", has_text="mx1.receiver.example refused bpb@receiver.example")
    expect(refused).to_contain_text("550")
    notice = typo.get_by_role("group", name="Alice reads")
    notice.locator("summary").click()
    expect(notice).to_contain_text("mx1.receiver.example said: 550")
    expect(notice).to_contain_text("relay.sender.example")
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
