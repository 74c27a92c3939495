"""Lesson 08: what it predicts really happens, what it asks can be answered, its exercises grade what they should."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from labkit.learn.samples import check_samples
from labkit.lessons import ports
from labkit.lessons.ports import PRESETS, PortsLesson
from labkit.lessons.ports_situations import (
    FIRST,
    FIRST_TWIN,
    SECOND,
    SECOND_TWIN,
    THIRD,
    THIRD_TWIN,
    tried,
)
from labkit.lessons.ports_tasks import exercises
from labkit.lessons.ports_world import BOB, DOORS, PROVIDERS
from labkit.smtp.transcript import Transcript


@pytest.fixture
def lesson() -> Iterator[PortsLesson]:
    opened = ports.open()
    yield opened
    opened.close()


def until(true: Callable[[], object], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)


def knock(lesson: PortsLesson) -> None:
    explorer = lesson.doors()
    explorer._receive(None, {"op": "knock"}, None)
    until(lambda: len(explorer.found) == 4 and not explorer._busy)


def send(lesson: PortsLesson, kind: str, preset: int) -> str:
    """What the learner does: a preset from the menu, then the button."""
    view = lesson.settings(kind)
    message = {"op": "send", "preset": preset, "values": view.facts["presets"][preset]["values"]}
    view._receive(None, message, None)
    until(lambda: view._tried is not None and not view._busy)
    return view.as_text()


def line_with(transcript: Transcript, text: str) -> int:
    return next(event.seq for event in transcript if text in event.data.decode())


def told(lesson: PortsLesson, name: str) -> str:
    return lesson.predict(name).prediction.state.actual


# ---- the doors


def test_the_same_message_over_four_doors(lesson: PortsLesson) -> None:
    assert not told(lesson, "stranger")
    knock(lesson)
    found = lesson.doors().found
    assert [found[port].stranger.delivered for port in DOORS] == [True, False, False, False]
    assert [found[port].own.delivered for port in DOORS] == [False, True, True, True]
    assert told(lesson, "stranger") == "Port 25."
    assert len(lesson.world.mailbox(BOB)) == 3
    assert [found[port].speaker for port in DOORS] == ["S", "C", "S", "S"]
    assert found[465].first[:2] == b"\x16\x03"
    assert not found[465].clear
    for port in DOORS:
        assert "AUTH PLAIN LOGIN" not in found[port].clear
        assert ("AUTH PLAIN LOGIN" in found[port].secured) == (port != 25)
        assert not found[port].own.exposed


def test_the_line_that_turns_the_stranger_away(lesson: PortsLesson) -> None:
    observation = lesson.observe("turned_away").observation
    assert observation.point(1).outcome == "not_attempted"
    knock(lesson)
    assert observation.transcript is not None
    assert "Which one says no?" in observation.point(line_with(observation.transcript, "250-SIZE")).message
    assert observation.point(line_with(observation.transcript, "530")).passed


def test_the_recorded_doors_are_the_real_ones(lesson: PortsLesson) -> None:
    knock(lesson)
    assert lesson.played_doors().as_text() == lesson.doors().as_text()
    assert lesson.recording("stranger_587").to_text().count("530") == 1


# ---- the settings


@pytest.mark.parametrize("number", range(len(PROVIDERS)))
def test_what_a_provider_documents_gets_a_message_through(lesson: PortsLesson, number: int) -> None:
    provider = PROVIDERS[number]
    assert "Delivered. The server took the message" in send(lesson, "providers", number)
    assert len(lesson.world.mailbox(BOB)) == 1
    assert provider.stand_in.endswith(".example.net")  # never the real one
    assert lesson.world.host(provider.stand_in).spec.listeners == provider.ports
    by_starttls = 465 not in provider.ports
    assert bool(told(lesson, "readable")) == by_starttls
    observation = lesson.observe("first_secret").observation
    if by_starttls:
        session = observation.transcript
        assert session is not None
        asked = next(event.seq for event in session if event.data == b"STARTTLS\r\n")
        assert "It is itself in clear." in observation.point(asked).message
        greetings = [event.seq for event in session if event.data.startswith(b"EHLO")]
        assert observation.point(greetings[0]).outcome == "incorrect"
        assert observation.point(greetings[1]).passed


def test_each_wrong_setting_fails_as_it_says(lesson: PortsLesson) -> None:
    text = send(lesson, "wrong", 0)
    assert told(lesson, "secure") == "The handshake fails at once."
    assert "S: 32 32 30 20 …  <- No TLS: this is 220, a greeting in clear." in text
    assert "C: 16 03 01 …  <- No command" in text
    text = send(lesson, "wrong", 1)
    assert "port 25, the connection is refused" in text
    text = send(lesson, "wrong", 2)
    assert "538" in text
    assert "Anybody on the way reads:" in text
    assert len(lesson.world.mailbox(BOB)) == 0
    for number in (1, 2, 3):
        assert "Not delivered" in lesson.played_settings("wrong", number).as_text()


def test_any_mix_of_settings_is_tried_and_nonsense_is_not(lesson: PortsLesson) -> None:
    view = lesson.settings("wrong")
    before = dict(view._chosen)
    for nonsense in ({"port": "22"}, {**before, "encryption": "rot13"}, "587", None):
        view._receive(None, {"op": "choose", "preset": 99, "values": nonsense}, None)
        assert view._chosen == before
    view._receive(None, {"op": "send", "values": {**before, "encryption": "STARTTLS"}}, None)
    until(lambda: view._tried is not None)
    assert view._tried is not None
    assert view._tried.delivered


# ---- the exercises


@pytest.mark.parametrize("exercise", exercises(), ids=lambda one: one.id)
def test_samples(exercise: object) -> None:
    check_samples(exercise)  # type: ignore[arg-type]


def test_eight_situations_each_proved_by_a_message() -> None:
    assert len(FIRST + SECOND + THIRD) == len(FIRST_TWIN + SECOND_TWIN + THIRD_TWIN) == 8
    for exercise in exercises():
        for task, situations in (
            (exercise, {"08.q1": FIRST, "08.q2": SECOND, "08.q3": THIRD}[exercise.id]),
            (exercise.twin, {"08.q1": FIRST_TWIN, "08.q2": SECOND_TWIN, "08.q3": THIRD_TWIN}[exercise.id]),
        ):
            assert task is not None
            chosen = task.form.read(task._solution.answer)
            assert len(chosen) == len(situations)
            for situation, values in zip(situations, chosen, strict=True):
                came, arrived = tried(situation, values)
                assert came.delivered
                assert arrived
                assert not came.exposed


def test_the_presets_are_what_their_names_say() -> None:
    assert [one.title for one in PRESETS["wrong"]] == [
        "secure: true on port 587",
        "Port 25 from a café",
        "The password before TLS",
    ]
    assert PRESETS["wrong"][1].blocked
