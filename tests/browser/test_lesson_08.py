"""Lesson 08 as a learner goes through it who has nothing but a keyboard."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect

from .lab_page import LabPage
from .learner import NOTEBOOKS, Learner

OpenLab = Callable[..., LabPage]

DOORS, PROVIDERS, WRONG = "lab.doors()", 'lab.settings("providers")', 'lab.settings("wrong")'
TURNED_AWAY, FIRST_SECRET = 'lab.observe("turned_away")', 'lab.observe("first_secret")'
ONE, TWO, THREE, QUIZ = "q1 = lab.q1", "q2 = lab.q2", "q3 = lab.q3", "lab.quiz()"


def test_the_whole_lesson_by_keyboard(open_lab: OpenLab) -> None:
    lab = open_lab(NOTEBOOKS / "08_ports.ipynb")
    lab.run_all()
    learner, before = Learner(lab), lab.cells()

    four_doors(learner)
    two_providers(learner)
    the_wrong_door(learner)
    three_exercises(learner)
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


def menu(learner: Learner, label: str, option: str) -> None:
    """Tab to a menu and choose by its first letters, as a keyboard does."""
    learner.tab_to(f'combobox "{label}"')
    learner.lab.keys(option)


def send(learner: Learner, cell: str, outcome: str) -> None:
    learner.tab_to('button "Send a test message"')
    learner.lab.keys("{Enter}")
    expect(learner.output(cell).get_by_role("group", name="What came of it")).to_contain_text(outcome)
    assert learner.focused() == 'button "Send a test message"'


def point(learner: Learner, cell: str, line: str, words: str) -> None:
    learner.go(cell, 'radio "line')
    learner.choose(line)
    learner.lab.keys("{Enter}")
    expect(learner.output(cell)).to_contain_text(words)


def four_doors(learner: Learner) -> None:
    """Every answer opens its session, and the keyboard stays where it is."""
    asked, drawn = guess(learner, "stranger", "All four."), learner.output(DOORS)
    expect(learner.output(TURNED_AWAY)).to_contain_text("no session of yours yet")
    learner.go(DOORS, 'button "Knock at all four"')
    learner.lab.keys("{Enter}")
    expect(drawn.get_by_role("button", name="taken")).to_have_count(4)
    expect(drawn.get_by_role("button", name="refused")).to_have_count(4)
    expect(learner.output(asked)).to_contain_text("Worth a second look")
    learner.tab_to('button "530')
    here = learner.focused()
    learner.lab.keys("{Enter}")
    expect(drawn.get_by_role("region", name="Bob's server at port 465")).to_contain_text(
        "Authentication required"
    )
    assert learner.focused().startswith(here.partition(" [")[0])
    point(learner, TURNED_AWAY, "250-", "Which one says no?")
    point(learner, TURNED_AWAY, "530", "whoever the mail is for")


def two_providers(learner: Learner) -> None:
    asked = guess(learner, "readable", "Nothing.")
    learner.go(PROVIDERS)
    menu(learner, "Provider", "O")
    expect(learner.output(PROVIDERS)).to_contain_text("support.microsoft.com")
    send(learner, PROVIDERS, "Delivered")
    expect(learner.output(asked)).to_contain_text("Worth a second look")
    learner.go(PROVIDERS)
    menu(learner, "Provider", "Y")
    send(learner, PROVIDERS, "yahoo.example.net")
    point(learner, FIRST_SECRET, "client: STARTTLS", "It is itself in clear.")
    point(learner, FIRST_SECRET, "encrypted: EHLO", "so the program greets again")


def the_wrong_door(learner: Learner) -> None:
    asked = guess(learner, "secure", "The handshake fails at once.")
    learner.go(WRONG)
    send(learner, WRONG, "what mail.sender.example sent is no TLS")
    expect(learner.output(WRONG)).to_contain_text("No TLS: this is 220, a greeting in clear.")
    expect(learner.output(asked)).to_contain_text("As you expected")
    learner.go(WRONG)
    menu(learner, "Begin with", "P")
    send(learner, WRONG, "the connection is refused")
    learner.go(WRONG)
    menu(learner, "Begin with", "T")
    send(learner, WRONG, "The password went over the line in clear.")


def three_exercises(learner: Learner) -> None:
    """Menus by their places: 1 to 4 are 25, 465, 587, 2525; 1 to 3 are none, STARTTLS, TLS at once."""
    fill(learner, ONE, "33")
    expect(learner.output(ONE)).to_contain_text("port and encryption do not belong together")
    fill(learner, ONE, "32")
    expect(learner.output(ONE)).to_contain_text("The message arrived.")
    fill(learner, TWO, "32 32 23")
    expect(learner.output(TWO)).to_contain_text("In a hotel: nothing gets through to this port.")
    fill(learner, TWO, "32 23 23")
    expect(learner.output(TWO)).to_contain_text("All 3 messages arrived.")
    fill(learner, THREE, "2121 1422 1111 1232")
    expect(learner.output(THREE)).to_contain_text("nobody looked who took the password")
    fill(learner, THREE, "2121 1422 1111 2231")
    expect(learner.output(THREE)).to_contain_text("All 4 messages arrived.")


def fill(learner: Learner, cell: str, places: str) -> None:
    """Choose in each menu of an exercise, in turn; then check."""
    learner.go(cell)
    learner.tab_to("combobox")
    learner.lab.keys("".join(f"{{Home}}{{ArrowDown {place}}}{{Tab}}" for place in places.replace(" ", "")))
    learner.tab_to('button "Check"')
    learner.lab.keys("{Enter}")


def quiz(learner: Learner) -> None:
    lab, question = learner.lab, learner.output(QUIZ).locator(".lk-question")
    learner.go(QUIZ, "checkbox")
    for _ in range(4):
        if any(words in learner.focused() for words in ("insists on TLS", "prefers 465")):
            lab.keys("{Space}")
        lab.keys("{Tab}")
    learner.tab_to('button "Answer"')
    lab.keys("{Enter}")
    expect(question.nth(0)).to_contain_text("right, your answer")
    for number, answer in enumerate(("greets in clear", "or to start TLS", "with an account"), start=1):
        learner.tab_to("radio")
        learner.choose(answer)
        lab.keys("{Enter}")
        expect(question.nth(number)).to_contain_text("right, your answer")
