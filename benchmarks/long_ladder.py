"""A ladder with 10, 100, 1,000 and 10,000 lines: ``python benchmarks/long_ladder.py``.

Python, in processor time: making the rows of a recorded run and the message that draws it, and feeding a watched
session line by line. Page (JupyterLab in Chromium): from Python's sending that message to the painted ladder; one
arrow key, and End, each from the key press to the painted frame; one more line in a watched session of that length.
Milliseconds: median, and the smallest in brackets. The peer is the ladder of 100 lines in the same run. Goal: growth
at most linear, and at 10,000 lines still usable.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from typing import TYPE_CHECKING

from shared import cells, machine, notebook_page, shown

from labkit.smtp.transcript import Transcript
from labkit.view.session_widget import SessionWidget, replay

if TYPE_CHECKING:
    from browser.lab_page import LabPage

SIZES = (10, 100, 1_000, 10_000)
LESSON = """
from labkit.smtp.transcript import Transcript
from labkit.view.session_widget import SessionWidget, replay
from labkit.view.kernel_loop import remember_main_loop
from labkit.world import play

remember_main_loop()
letter = ("MAIL FROM:<alice@sender.example>", "RCPT TO:<bob@receiver.example>", "DATA", "Subject: Hello", "",
          "Hello Bob,", "this is a line of text.", ".", "NOOP")
whole = play(("EHLO sender.example", *letter * 800)).events
ends = {"client": "sender.example", "server": "mail.receiver.example"}
"""
RECORDED = "recorded = replay(Transcript(whole[:{size}]), **ends); recorded"
WATCHED = """watched = SessionWidget("watch", **ends)
visit = watched.add_session("Visit 1", own=False)
for event in whole[:{size}]:
    watched.feed(visit, event)
watched"""

PAINTED = """
const painted = () => new Promise((done) => requestAnimationFrame(() => {
  const channel = new MessageChannel();  // its turn comes when the frame has been painted
  channel.port1.onmessage = () => done(performance.now());
  channel.port2.postMessage(0);
}));
"""
# Run code in the kernel; from the moment at which Python made the message `op` until its frame has been painted.
MESSAGE = (
    PAINTED
    + """
const connection = kernel();
const lapse = new Promise((done) => {
  const hear = async (_, message) => {
    if (message.header.msg_type !== 'comm_msg' || message.content.data.content?.op !== arg.op) return;
    connection.iopubMessage.disconnect(hear);  // it comes when the widget has dealt with the message
    done(performance.timeOrigin + await painted() - Date.parse(message.header.date));
  };
  connection.iopubMessage.connect(hear);
});
await connection.requestExecute({code: arg.code}).done;
return await lapse;
"""
)
KEY = (
    PAINTED
    + """
window.lapse = new Promise((done) => {
  document.addEventListener('keydown', async () => {
    const pressed = performance.now();
    await new Promise((go) => setTimeout(go));  // all handlers of the key have run
    done(await painted() - pressed);
  }, {once: true, capture: true});
});
"""
)


def in_python(transcript: Transcript) -> dict[str, float]:
    """Milliseconds of processor time of the steps in Python."""
    ends = {"client": "sender.example", "server": "mail.receiver.example"}
    begin = time.process_time()
    widget = replay(transcript, **ends)
    made = time.process_time()
    json.dumps(widget.snapshot())
    written = time.process_time()
    watch = SessionWidget("watch", **ends)
    watch.send = lambda content, buffers=None: None  # type: ignore[method-assign]
    visit = watch.add_session("Visit 1", own=False)
    feeding = time.process_time()
    for event in transcript:
        watch.feed(visit, event)
    fed = time.process_time()
    return {
        "rows made": 1000 * (made - begin),
        "message made, as JSON": 1000 * (written - made),
        "watched session fed, a message a line": 1000 * (fed - feeding),
    }


def in_the_page(lab: LabPage, size: int, rounds: int) -> dict[str, list[float]]:
    """Milliseconds of the steps in the page; each cell holds one widget."""
    found: dict[str, list[float]] = {}
    lab.in_page("nb.widgets[1].model.sharedModel.setSource(arg)", RECORDED.format(size=size))
    lab.in_page("nb.widgets[2].model.sharedModel.setSource(arg)", WATCHED.format(size=size))
    lab.run_cell(1)
    lab.output(1).locator(".lks-row").first.wait_for()
    ask = {"op": "snapshot", "code": "recorded.on_hello({})"}
    found["ladder painted"] = [lab.in_page(MESSAGE, ask) for _ in range(rounds)]
    rows = lab.output(1).locator(".lks-rows")
    rows.focus()
    for key, times in (("ArrowDown", 10), ("End", 1), ("ArrowUp", 10), ("Home", 1)):
        for _ in range(times):
            lab.in_page(KEY)
            lab.page.keyboard.press(key)
            found.setdefault("one arrow key" if key.startswith("Arrow") else "to the other end", []).append(
                lab.page.evaluate("window.lapse")
            )
    lab.run_cell(2)
    lab.output(2).locator(".lks-row").first.wait_for()
    lines = [f"watched.feed(visit, whole[{size + number}])" for number in range(rounds)]
    found["one more watched line"] = [lab.in_page(MESSAGE, {"op": "rows", "code": code}) for code in lines]
    return found


def main(rounds: int) -> None:
    """Print medians, and how each grew since 100 lines."""
    names: dict[str, object] = {}
    exec(LESSON, names)
    whole = names["whole"]
    assert isinstance(whole, tuple)
    found: dict[int, dict[str, list[float]]] = {}
    with notebook_page(cells(LESSON, "1", "1")) as lab:
        lab.run_cell(0)
        for size in SIZES:
            runs = [in_python(Transcript(whole[:size])) for _ in range(rounds)]
            found[size] = {name: [run[name] for run in runs] for name in runs[0]}
            found[size] |= in_the_page(lab, size, rounds)
    for name in found[SIZES[0]]:
        middle = {size: statistics.median(found[size][name]) for size in SIZES}
        figures = ", ".join(f"{size:,} lines {shown(found[size][name], 1)} ms" for size in SIZES)
        print(
            f"{name}: {figures}; 10,000 lines are {middle[10_000] / middle[100]:.1f} times 100 lines (linear: 100)"
        )
    print(machine())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    main(parser.parse_args().rounds)
