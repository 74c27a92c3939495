"""The harness itself, with a widget of a dozen lines: what the tests of the lessons rely on does happen."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import expect

from .lab_page import Focus, LabPage

OpenLab = Callable[..., LabPage]

ECHO = '''
import anywidget, traitlets

class Echo(anywidget.AnyWidget):
    """Answers every line. On purpose `fail` goes wrong in Python and page, and so does the second button."""

    _esm = """
    function render({model, el}) {
      el.innerHTML = `<div class="lk"><label>Line <input data-lm-suppress-shortcuts="true"></label>
        <button data-lm-suppress-shortcuts="true">Send</button> <button>Break</button>
        <output></output></div>`;
      const [input, send, broken, output] = el.querySelectorAll("input, button, output");
      const show = () => { output.textContent = model.get("reply"); };
      const submit = () => model.send({line: input.value});
      model.on("change:reply", show);
      model.on("msg:custom", () => { throw new Error("thrown on purpose"); });
      show();
      input.addEventListener("keydown", (event) => { if (event.key === "Enter") submit(); });
      send.addEventListener("click", submit);
      broken.addEventListener("click", () => { throw new Error("broken on purpose"); });
    }
    export default {render};
    """
    reply = traitlets.Unicode("220 ready").tag(sync=True)

    def __init__(self):
        super().__init__()
        self.count = 0
        self.on_msg(self.answer)

    def answer(self, _, message, buffers):
        if message["line"] == "fail":
            self.send({})
            raise RuntimeError("failed on purpose")
        self.count += 1
        self.reply = f"250 number {self.count}: {message['line']}"

Echo()
'''

STORED = """
<table class="story"><tr><td style="color: #0a7">220 ready</td></tr></table>
<script>document.documentElement.dataset.ran = "yes"</script>
<svg role="img" aria-label="ladder"><text>drawn</text></svg>
<img alt="a session of two lines" src="data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg'/%3E">
"""


def stored_notebook() -> nbformat.NotebookNode:
    """A notebook with one stored HTML output, as it comes from a fresh clone."""
    v4 = nbformat.v4
    output = v4.new_output("execute_result", {"text/html": STORED, "text/plain": "story"}, execution_count=1)
    return v4.new_notebook(cells=[v4.new_code_cell("story", execution_count=1, outputs=[output])])


def test_keyboard_reaches_python_and_back(open_lab: OpenLab) -> None:
    lab = open_lab(ECHO)
    lab.run_all()
    before = lab.cells()
    assert lab.tab_order(0) == ['textbox "Line"', 'button "Send"', 'button "Break"']
    assert lab.tab_into(0) >= 1
    assert lab.focused() == 'textbox "Line"'
    lab.keys("EHLO a.example{Enter}")
    expect(lab.output(0)).to_contain_text("250 number 1: EHLO a.example")
    lab.keys("{Tab}b{Enter}")  # on the button: `b` would insert a cell, were it not for the attribute
    expect(lab.output(0)).to_contain_text("250 number 2: EHLO a.example")
    assert lab.cells() == before
    assert lab.focus() == Focus(0, True, "button")
    lab.keys("{Tab}b")  # and without the attribute it does: the check above can fail
    assert len(lab.cells()) == len(before) + 1


def test_kernel_restarted_killed_and_gone(open_lab: OpenLab) -> None:
    lab = open_lab(ECHO)
    lab.run_all()
    first = lab.kernel_id()
    pid = lab.server.kernel_process(first).pid
    lab.restart_kernel()
    lab.run_cell(0)
    lab.focus_widget(0)
    lab.keys("again{Enter}")
    expect(lab.output(0)).to_contain_text("250 number 1: again")
    lab.kill_kernel()
    assert lab.server.kernel_process(first).pid != pid
    lab.run_cell(0)
    expect(lab.output(0)).to_contain_text("220 ready")
    lab.shutdown_kernel()
    lab.start_kernel()
    assert lab.kernel_id() != first
    lab.run_cell(0)
    expect(lab.output(0)).to_contain_text("220 ready")


def test_busy_cell_interrupted(open_lab: OpenLab) -> None:
    lab = open_lab("import time; print('working'); time.sleep(600)")
    lab.run_cell(0, wait=False)
    expect(lab.output(0)).to_contain_text("working")
    lab.interrupt()
    lab.wait_idle()
    assert [output.get("ename") for output in lab.outputs(0)] == [None, "KeyboardInterrupt"]


def test_page_reloaded(open_lab: OpenLab) -> None:
    lab = open_lab(ECHO)
    lab.run_all()
    lab.focus_widget(0)
    lab.keys("kept{Enter}")
    expect(lab.output(0)).to_contain_text("number 1: kept")
    lab.reload()
    expect(lab.output(0)).to_contain_text("number 1: kept")
    lab.focus_widget(0)
    lab.keys("more{Enter}")
    expect(lab.output(0)).to_contain_text("number 2: more")


@pytest.mark.parametrize("trusted", [False, True])
def test_stored_output_is_sanitized_unless_trusted(open_lab: OpenLab, trusted: bool) -> None:
    lab = open_lab(stored_notebook(), trusted=trusted)
    output = lab.output(0).locator(".jp-OutputArea-output")
    expect(output.locator("table.story td")).to_have_css("color", "rgb(0, 170, 119)")
    expect(output.get_by_alt_text("a session of two lines")).to_have_count(1)
    assert output.locator("svg").count() == (1 if trusted else 0)
    ran = lab.page.evaluate("document.documentElement.dataset.ran ?? 'no'")
    assert ran == ("yes" if trusted else "no")


def brightness(lab: LabPage) -> int:
    """The sum of red, green and blue behind the cells, 0 to 765."""
    colour = lab.page.evaluate("getComputedStyle(document.querySelector('.jp-Notebook')).backgroundColor")
    return sum(int(part) for part in re.findall(r"\d+", colour)[:3])


def test_theme_width_and_pictures(open_lab: OpenLab, pictures: Path) -> None:
    lab = open_lab(ECHO, theme="dark", width=900)
    lab.run_all()
    assert brightness(lab) < 150
    dark = lab.picture(0, pictures / "smoke-dark.png").read_bytes()
    lab.set_theme("light")
    assert brightness(lab) > 600
    light = lab.picture(0, pictures / "smoke-light.png").read_bytes()
    assert light[:4] == dark[:4] == b"\x89PNG"
    assert light != dark
    narrow = lab.widget_width(0)
    lab.set_width(1280)
    assert narrow is not None
    assert lab.widget_width(0) == narrow + 380
    assert "shortcuts reach the notebook" in lab.axe()[0]
    lab.page.evaluate("document.querySelector('.lk button + button').dataset.lmSuppressShortcuts = 'true'")
    assert lab.axe() == []
    lab.page.evaluate("document.querySelector('.lk button').textContent = ''")
    assert "button-name" in lab.axe()[0]  # and it would say so
    lab.page.evaluate("document.querySelector('.lk button').textContent = 'Send'")
    lab.page.evaluate("document.querySelector('.lk label').style.color = '#ddd'")
    assert "color-contrast" in lab.axe()[0]


def test_errors_of_widgets_are_noticed(open_lab: OpenLab) -> None:
    lab = open_lab(ECHO)
    lab.run_all()
    lab.focus_widget(0)
    lab.keys("fail{Enter}")
    lab.wait_idle()
    lab.output(0).get_by_role("button", name="Break").click()
    found = "\n".join(lab.watch.complaints)
    for reason in ("failed on purpose", "thrown on purpose", "broken on purpose"):
        assert reason in found
    lab.watch.ours.clear()
