"""The console's own ways in a page: its menu, a paste, a session gone through again, a cell that runs again, two views."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, expect

from .lab_page import LabPage

OpenLab = Callable[..., LabPage]

CONSOLE = 'import labkit; lab = labkit.open_lesson("01_session")\nlab.console()'
PASTED = "S: 250 OK\nC: EHLO sender.example\nS: 250-mail.receiver.example\nS: 250 HELP\nC: QUIT\n(server closed the connection)\n"


@pytest.fixture
def lab(open_lab: OpenLab) -> LabPage:
    """A page with the console of lesson 01, connected, the keyboard where commands are typed."""
    lab = open_lab(CONSOLE)
    lab.run_all()
    lab.output(0).get_by_role("button", name="Connect to").click()
    expect(rows(lab).filter(has_text="220")).to_be_visible()
    return lab


def rows(lab: LabPage) -> Locator:
    return lab.output(0).locator(".lks-row")


def paste(lab: LabPage, text: str) -> None:
    lab.page.evaluate(
        "(text) => { const data = new DataTransfer(); data.setData('text', text); document.activeElement"
        ".dispatchEvent(new ClipboardEvent('paste', {clipboardData: data, bubbles: true, cancelable: true})); }",
        text,
    )


def test_before_connect_nothing_is_lit(open_lab: OpenLab) -> None:
    lab = open_lab(CONSOLE)
    lab.run_all()
    expect(lab.output(0).get_by_text("Not connected yet.")).to_be_visible()
    expect(lab.output(0).locator("[aria-current=step]")).to_have_count(0)


def test_the_menu_by_keyboard(lab: LabPage) -> None:
    output = lab.output(0)
    output.get_by_role("button", name="More").focus()
    lab.keys("{Enter}")
    assert lab.focused().startswith('menuitemcheckbox "Show line ends')
    lab.keys("{ArrowUp}")
    assert lab.focused().startswith('menuitem "Save this session as JSON')
    lab.keys("{Escape}")
    assert lab.focused().startswith('button "More"')
    expect(output.get_by_role("menu")).to_be_hidden()
    lab.keys("{ArrowDown}{Enter}")
    expect(rows(lab).first.locator(".lks-eol")).to_be_visible()
    assert lab.focused().startswith('button "More"')
    lab.keys("{Enter}{Tab}")
    expect(output.get_by_role("menu")).to_be_hidden()
    with lab.page.expect_download() as saved:
        output.get_by_role("button", name="More").focus()
        lab.keys("{Enter}{End}{ArrowUp}{Enter}")
    assert saved.value.path().read_text().splitlines()[-1].startswith("S: 220 ")


def test_a_session_pasted_then_gone_through_again(lab: LabPage) -> None:
    output = lab.output(0)
    paste(lab, PASTED)
    expect(output.get_by_role("textbox")).to_have_value("EHLO sender.example")
    expect(output).to_contain_text("4 lines of the server left out. The C: in front is not sent.")
    lab.keys("{Enter}{Enter}")
    expect(rows(lab).filter(has_text="221")).to_be_visible()
    everything = rows(lab).count()

    output.get_by_role("button", name="Step through", exact=True).focus()
    lab.keys("{Enter}")
    expect(rows(lab).locator("visible=true")).to_have_count(1)
    expect(output.locator("[aria-current=step]")).to_have_text("connected")
    lab.keys("{Space}")
    expect(output.locator(".lks-why")).to_contain_text("Line 2")
    expect(output.locator(".lks-why")).not_to_contain_text("answers it")  # not told ahead
    output.get_by_role("button", name="Next line").focus()
    lab.keys("{Enter}{Tab}")
    expect(rows(lab).locator("visible=true")).to_have_count(3)
    assert lab.focused().startswith('button "Show the whole session"'), lab.focused()
    lab.keys("{Enter}")
    expect(rows(lab).locator("visible=true")).to_have_count(everything)
    assert lab.focused().startswith('button "Step through"')


def test_a_cell_that_runs_again_shows_the_same_connection(lab: LabPage) -> None:
    output = lab.output(0)
    lab.keys("EHLO sender.example{Enter}")
    expect(rows(lab).filter(has_text="HELP")).to_be_visible()
    said = rows(lab).count()
    lab.run_cell(0)
    expect(output.locator(".lk-console")).to_have_count(1)
    expect(rows(lab)).to_have_count(said)
    output.get_by_role("textbox").focus()
    lab.keys("{ArrowUp}")
    expect(output.get_by_role("textbox")).to_have_value("EHLO sender.example")
    lab.keys("{Control+a}NOOP{Enter}")
    expect(rows(lab)).to_have_count(said + 2)


def test_a_second_view_leaves_the_first_as_it_is(lab: LabPage) -> None:
    lab.keys("EHLO sender.example{Enter}")
    expect(rows(lab).filter(has_text="HELP")).to_be_visible()
    rows(lab).nth(1).click()
    expect(rows(lab).nth(1)).to_have_attribute("aria-selected", "true")
    lab.select(0)
    lab.in_page("await app.commands.execute('notebook:create-output-view');")
    second = lab.page.locator(".jp-LinkedOutputView .lk-console")
    expect(second.locator(".lks-row")).to_have_count(rows(lab).count())
    expect(second.locator("[aria-selected=true]")).to_have_count(1)  # what it asked for has come
    expect(rows(lab).nth(1)).to_have_attribute("aria-selected", "true")
    expect(second.locator(".lks-row").nth(1)).to_have_attribute("aria-selected", "false")
    lab.in_page("app.shell.currentWidget.close();")


def test_a_session_pasted_into_an_exercise_fills_its_boxes(open_lab: OpenLab) -> None:
    lab = open_lab('import labkit; lab = labkit.open_lesson("01_session")\nq1 = lab.q1\nq1')
    lab.run_all()
    boxes = lab.output(0).locator("input.lk-line-input")
    mine = [
        "MAIL FROM:<alice@sender.example>",
        "RCPT TO:<bob@receiver.example>",
        "RCPT TO:<carol@receiver.example>",
    ]
    said = "".join(f"C: {line}\nS: 250 OK\n" for line in ["EHLO sender.example", *mine, "QUIT"])
    boxes.first.focus()
    paste(lab, said)
    for number, line in enumerate(mine):
        expect(boxes.nth(number)).to_have_value(line)
    boxes.nth(1).select_text()
    paste(lab, "RSET")
    expect(boxes.nth(1)).to_have_value(mine[1])  # a single line is left to the browser
