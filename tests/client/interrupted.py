"""Run by test_interrupts.py in a process of its own: steps interrupted by real SIGINT, at random moments.

The server answers each NOOP with the NOOP's own number, after a random delay. Whatever is interrupted,
each reply that a step returns must be the one to its own command. Prints one line of JSON.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import sys
import threading
import time
import traceback

from labkit.client import Client, DeadlinePassed, ReplyOverdue, SyncClient
from labkit.transport.loop_thread import loop_thread, run
from labkit.transport.loopback import Loopback

WANTED = int(sys.argv[1])
chance = random.Random(int(sys.argv[2]))


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 hi\r\n")
    while line := await reader.readline():
        await asyncio.sleep(chance.choice((0, 0, 0.001, 0.003, 0.01)))
        writer.write(b"250 " + line.split()[1] + b"\r\n")


async def set_up() -> Client:
    network = Loopback()
    await network.listen(
        "slow.example", 25, lambda: asyncio.StreamReaderProtocol(asyncio.StreamReader(), answer)
    )
    return Client(network, "slow.example", deadline=30)


def interrupter(stop: threading.Event) -> None:
    """Interrupt at moments spread over a step's time, a few of them between steps."""
    timing = random.Random(int(sys.argv[2]) + 1)
    while not stop.is_set():
        time.sleep(timing.uniform(0.0005, 0.012))
        os.kill(os.getpid(), signal.SIGINT)


def below_entry(error: BaseException) -> int:
    """Frames inside labkit below the first one."""
    files = [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
    ours = [index for index, name in enumerate(files) if "/labkit/" in name]
    return len(files) - 1 - ours[0] if ours else 0


client = SyncClient(run(set_up, 5), loop_thread())
client.connect()
stop = threading.Event()
thread = threading.Thread(target=interrupter, args=(stop,), daemon=True)
thread.start()
state = {"number": 0, "steps": 0}
interrupts: list[BaseException] = []
shifted: list[str] = []
other: list[str] = []


def steps() -> None:
    while len(interrupts) < WANTED:
        state["number"] += 1
        reply = client.send_line(f"NOOP {state['number']}")
        state["steps"] += 1
        if reply is None or reply.text != str(state["number"]):
            shifted.append(f"{state['number']}: {reply}")


def guarded() -> None:
    while len(interrupts) < WANTED:
        try:
            steps()
        except KeyboardInterrupt as error:
            interrupts.append(error)
        except (DeadlinePassed, ReplyOverdue) as error:
            other.append(str(error))


while not stop.is_set():
    with contextlib.suppress(KeyboardInterrupt):  # it may also hit the lines that deal with the one before
        guarded()
        stop.set()
        thread.join()
while thread.is_alive():
    with contextlib.suppress(KeyboardInterrupt):
        thread.join()
signal.signal(signal.SIGINT, signal.SIG_IGN)
time.sleep(0.1)
number = state["number"] + 1
last = client.send_line(f"NOOP {number}")
replies = [getattr(reply, "text", "?") for reply in client.replies[1:]]
sent = [event.data.split()[1].decode() for event in client.transcript if event.sender == "C"]
report = {
    "interrupts": len(interrupts),
    "steps": state["steps"],
    "shifted": shifted,
    "frames_below": max(below_entry(error) for error in interrupts),
    "other": other,
    "last": last is not None and last.text == str(number),
    "in order": replies == sent and sent == sorted(sent, key=int),
    "owed": client.owed,
    "errors": list(loop_thread().errors),
    "threads": threading.active_count(),
}
print(json.dumps(report))
