"""Lesson 09 as a learner goes through it who has nothing but a keyboard."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect

from labkit.lessons.tls_order import session
from labkit.lessons.tls_policy import ALWAYS, ANY, CHECKED, SETTINGS
from labkit.lessons.tls_repair import FIRST, STOP

from .lab_page import LabPage
from .learner import NOTEBOOKS, Learner

OpenLab = Callable[..., LabPage]

LISTEN, STRIP, CERTIFICATE, STS = "lab.wire()", 'lab.wire("strip")', "lab.certificate()", "lab.sts()"
AGAIN = 'lab.observe("again")'
ONE, TWO, THREE, QUIZ = "q1 = lab.q1", "q2 = lab.q2", "q3 = lab.q3", "lab.quiz()"


def test_the_whole_lesson_by_keyboard(open_lab: OpenLab) -> None:
    lab = open_lab(NOTEBOOKS / "09_tls.ipynb")
    lab.run_all()
    learner, before = Learner(lab), lab.cells()

    somebody_listens(learner)
    the_offer_is_stripped(learner)
    wrong_certificates(learner)
    a_session_in_order(learner)
    a_program_is_set(learner)
    a_policy_is_obeyed(learner)
    four_repairs(learner)
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


def press(learner: Learner, button: str) -> None:
    """On to the button of a desk, and press it."""
    learner.tab_to(f'button "{button}')
    learner.lab.keys("{Enter}")


def somebody_listens(learner: Learner) -> None:
    asked = guess(learner, "listen", "Nothing at all")
    wire = learner.output(LISTEN)
    expect(wire).to_contain_text("Nothing has passed yet")
    learner.go(LISTEN)
    press(learner, "Send Alice")
    expect(wire).to_contain_text("password not read on the way")
    rows = wire.locator(".lke-wire tbody tr")
    expect(rows.filter(has_text="Ready to start TLS").locator("td").first).to_contain_text("220 2.0.0")
    hidden = rows.filter(has_text="The key is under the mat.")
    expect(hidden.locator("td").last).to_contain_text("The key is under the mat.")
    expect(hidden.locator("td").first).not_to_contain_text("The key")
    expect(hidden.locator("td").first).to_contain_text("17 03 03")
    expect(learner.output(asked)).to_contain_text("Worth a second look")
    for place, words in (("{Home}{ArrowDown}", "for the first time"), ("{ArrowDown}" * 9, "decided this")):
        learner.go(AGAIN, "radio")
        learner.lab.keys(place + "{Space}{Enter}")
        expect(learner.output(AGAIN)).to_contain_text(words)


def the_offer_is_stripped(learner: Learner) -> None:
    asked = guess(learner, "strip", "All can be read")
    wire = learner.output(STRIP)
    learner.go(STRIP, "radio")
    press(learner, "Send Alice")
    expect(wire).to_contain_text("password read on the way")
    expect(wire.locator(".lke-changed")).to_contain_text("250-XXXXXXXX")
    expect(wire).to_contain_text("password 'wonderland'")
    expect(learner.output(asked)).to_contain_text("As you expected")
    for setting, option, words in (
        ("TLS if", "always TLS", "The program insists on TLS"),
        ("587", "465", "letter not read on the way"),
    ):
        learner.go(STRIP, f'radio "{setting}')
        learner.choose(option)
        press(learner, "Send Alice")
        expect(wire).to_contain_text(words)


def wrong_certificates(learner: Learner) -> None:
    view = learner.output(CERTIFICATE)
    for option, words in (
        ("one from 2020", "has expired"),
        ("one from an unknown", "an authority that this client does not trust"),
    ):
        learner.go(CERTIFICATE, "radio")
        learner.choose(option)
        press(learner, "Shake hands")
        expect(view.locator(".lke-result")).to_contain_text(words)
        expect(view.locator(".lke-checks li[data-bad]")).to_have_count(1)


def a_session_in_order(learner: Learner) -> None:
    lab, right = learner.lab, session("alice", "wonderland", "sender.example")
    learner.go(ONE, 'listbox "Lines to put in order"')
    learner.put_in_order(ONE, [right[0], right[2], *right[1:2], *right[3:]])
    learner.tab_to('button "Check"')
    lab.keys("{Enter}")
    expect(learner.output(ONE)).to_contain_text("did not know who speaks")
    learner.go(ONE, 'listbox "Lines to put in order"')
    lab.keys("{Home}{ArrowDown}{ArrowDown}{Alt+ArrowUp}")  # STARTTLS goes between the two greetings
    learner.tab_to('button "Check"')
    lab.keys("{Enter}")
    expect(learner.output(ONE)).to_contain_text("Encrypted, introduced again, logged in.")


def a_program_is_set(learner: Learner) -> None:
    lab = learner.lab
    for certificate, words in ((ANY, "speaks TLS itself"), (CHECKED, "On none of the three days")):
        learner.go(TWO, 'combobox "Port"')
        for setting, value in zip(SETTINGS, ("587", ALWAYS, certificate), strict=True):
            learner.tab_to(f'combobox "{setting.label}"')
            lab.keys("{Home}" + "{ArrowDown}" * (setting.options.index(value) + 1))
        learner.tab_to('button "Check"')
        lab.keys("{Enter}")
        expect(learner.output(TWO)).to_contain_text(words)


def a_policy_is_obeyed(learner: Learner) -> None:
    trace = learner.output(STS)
    learner.go(STS, "radio")
    press(learner, "Send Alice")
    expect(trace).to_contain_text("May the letter go to mx1.receiver.example? Yes.")
    learner.go(STS, 'radio "it only listens')
    learner.choose("it strips STARTTLS")
    press(learner, "Send Alice")
    expect(trace).to_contain_text("the letter waits at the relay")
    expect(trace.locator("li[data-decides]")).to_contain_text("not delivered to this host")


def four_repairs(learner: Learner) -> None:
    right = [trouble.repair for trouble in FIRST]
    learner.go(THREE, "radio")
    for place, repair in enumerate([*right[:3], STOP]):
        if place:
            learner.lab.keys("{Tab}")
        learner.choose(repair)
    learner.tab_to('button "Check"')
    learner.lab.keys("{Enter}")
    expect(learner.output(THREE)).to_contain_text("takes the check away")
    learner.tab_to("radio", back=True)  # the last of the four groups
    learner.choose(right[3])
    learner.tab_to('button "Check"')
    learner.lab.keys("{Enter}")
    expect(learner.output(THREE)).to_contain_text("arrives now, under TLS")


def quiz(learner: Learner) -> None:
    lab, question = learner.lab, learner.output(QUIZ).locator(".lk-question")
    learner.go(QUIZ, "checkbox")
    for _ in range(5):
        if any(word in learner.focused() for word in ("name of her server", "first EHLO", "How long")):
            lab.keys("{Space}")
        lab.keys("{Tab}")
    learner.tab_to('button "Answer"')
    lab.keys("{Enter}")
    expect(question.first).to_contain_text("right, your answer")
    for number, answer in ((1, "They differ in how TLS begins"), (2, "Stop"), (3, "It waits")):
        learner.tab_to("radio")
        learner.choose(answer)
        lab.keys("{Enter}")
        expect(question.nth(number)).to_contain_text("right, your answer")
