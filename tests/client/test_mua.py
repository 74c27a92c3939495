"""The mail program against servers that say what a script has them say."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from labkit.client import Client, ClientError
from labkit.mua import Outcome, hand_over

Talk = Callable[..., None]
MESSAGE = b"Subject: x\r\n\r\n.dotted\r\n"
TWO = ("bob@receiver.example", "carol@receiver.example")


class Scripted:
    """Answers each command by its verb, DATA's text too (``.``); what the script does not name gets a 250."""

    def __init__(self, greeting: str = "220 mail.example", **script: str) -> None:
        self.greeting = greeting
        self.script = {"DATA": "354 go on", "QUIT": "221 bye", **script}
        self.heard: list[str] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(f"{self.greeting}\r\n".encode())
        text = False
        while octets := await reader.readline():
            line = octets.decode().rstrip("\r\n")
            if text and line != ".":
                continue
            self.heard.append(line)
            who = line.partition("<")[2].partition("@")[0]
            answer = self.script.get(who) or self.script.get(line[:4].upper(), "250 ok")
            text = line == "DATA" and answer.startswith("354")
            writer.write(f"{answer}\r\n".encode())


def hand(talk: Talk, server: Scripted, recipients: tuple[str, ...] = TWO) -> Outcome:
    outcomes: list[Outcome] = []

    async def use(client: Client) -> None:
        outcomes.append(
            await hand_over(client, "sender.example", "alice@sender.example", recipients, MESSAGE)
        )
        assert client.closed
        decided = outcomes[0].decided
        assert client.transcript[decided.line - 1].data.decode().startswith(str(decided.reply.code))

    talk(server, use)
    return outcomes[0]


def test_everybody_is_taken(talk: Talk) -> None:
    server = Scripted()
    outcome = hand(talk, server)
    assert (outcome.delivered, outcome.accepted, outcome.refused) == (True, TWO, {})
    assert server.heard[-2:] == [".", "QUIT"]


@pytest.mark.parametrize("code", [500, 502])
def test_a_server_without_ehlo_gets_helo(talk: Talk, code: int) -> None:
    server = Scripted(EHLO=f"{code} what is that")
    assert hand(talk, server).delivered
    assert server.heard[:2] == ["EHLO sender.example", "HELO sender.example"]


@pytest.mark.parametrize("code", [421, 550])
def test_any_other_refusal_of_ehlo_ends_it(talk: Talk, code: int) -> None:
    server = Scripted(EHLO=f"{code} not you")
    outcome = hand(talk, server)
    assert (outcome.delivered, outcome.decided.reply.code) == (False, code)
    assert "HELO sender.example" not in server.heard


def test_a_greeting_of_554(talk: Talk) -> None:
    server = Scripted("554 no service")
    outcome = hand(talk, server)
    assert (outcome.delivered, outcome.decided.line, outcome.decided.reply.code) == (False, 1, 554)
    assert server.heard == ["QUIT"]


@pytest.mark.parametrize("answer", ["451 later", "550 no", "354 more"])
def test_only_2yz_after_the_dot_is_a_delivery(talk: Talk, answer: str) -> None:
    outcome = hand(talk, Scripted(**{".": answer}))
    assert not outcome.delivered
    assert outcome.text_sent
    assert outcome.decided.reply.code == int(answer[:3])


def test_one_recipient_of_two_and_then_the_text_is_refused(talk: Talk) -> None:
    outcome = hand(talk, Scripted(bob="550 no bob", **{".": "554 no such text"}))
    assert not outcome.delivered
    assert outcome.decided.reply.code == 554
    assert list(outcome.refused) == ["bob@receiver.example"]
    assert outcome.refused["bob@receiver.example"].reply.code == 550


def test_one_recipient_of_two(talk: Talk) -> None:
    outcome = hand(talk, Scripted(bob="550 no bob"))
    assert (outcome.delivered, outcome.accepted) == (True, TWO[1:])


def test_nobody_is_left(talk: Talk) -> None:
    server = Scripted(RCPT="450 later")
    outcome = hand(talk, server)
    assert (outcome.delivered, outcome.text_sent, list(outcome.refused)) == (False, False, list(TWO))
    assert server.heard[-1] == "QUIT"
    assert "DATA" not in server.heard


@pytest.mark.parametrize("code", [451, 503, 250])
def test_anything_but_354_to_data(talk: Talk, code: int) -> None:
    server = Scripted(DATA=f"{code} hm")
    outcome = hand(talk, server)
    assert (outcome.delivered, outcome.text_sent, outcome.decided.reply.code) == (False, False, code)
    assert "." not in server.heard


def test_a_connection_lost_after_the_dot_is_no_outcome(talk: Talk) -> None:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example\r\n")
        for answer in (b"250 ok", b"250 ok", b"250 ok", b"354 go on"):
            await reader.readline()
            writer.write(answer + b"\r\n")
        await reader.readuntil(b"\r\n.\r\n")
        writer.close()

    async def use(client: Client) -> None:
        with pytest.raises(ClientError):
            await hand_over(client, "sender.example", "alice@sender.example", TWO[:1], MESSAGE)

    talk(behave, use)


def test_a_connection_lost_at_quit_changes_nothing(talk: Talk) -> None:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example\r\n")
        for answer in (b"250 ok", b"250 ok", b"250 ok", b"354 go on"):
            await reader.readline()
            writer.write(answer + b"\r\n")
        await reader.readuntil(b"\r\n.\r\n")
        writer.write(b"250 taken\r\n")
        await reader.readline()
        writer.close()

    async def use(client: Client) -> None:
        assert (await hand_over(client, "sender.example", "alice@sender.example", TWO[:1], MESSAGE)).delivered

    talk(behave, use)
