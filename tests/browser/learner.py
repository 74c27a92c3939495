"""A learner who has nothing but a keyboard, in one of the lessons.

Cells are named by a line of their code (``lab.console()``), controls by the words that a screen reader says.
"""

from __future__ import annotations

from playwright.sync_api import Locator, expect

from .jupyter import ROOT
from .lab_page import LabPage

NOTEBOOKS = ROOT / "notebooks"


class Learner:
    """Drives the lesson that is open in `lab`. Every key goes to the control that has the focus."""

    def __init__(self, lab: LabPage) -> None:
        self.lab = lab
        self._sources = [cell.source.splitlines() if cell.type == "code" else [] for cell in lab.cells()]

    def cell(self, line: str) -> int:
        """The number of the one code cell that holds this line."""
        found = [number for number, lines in enumerate(self._sources) if line in lines]
        if len(found) != 1:
            raise AssertionError(f"{len(found)} cells hold the line {line!r}")
        return found[0]

    def output(self, line: str) -> Locator:
        """What that cell shows."""
        return self.lab.output(self.cell(line))

    def widget_cells(self) -> dict[int, str]:
        """Every cell that shows a widget of ours, with the first line of its code."""
        return {
            number: lines[0]
            for number, lines in enumerate(self._sources)
            if lines and self.lab.output(number).locator(".lk").count()
        }

    # Keyboard.

    def go(self, line: str, control: str = "") -> None:
        """Tab from the cell into its output, and there on to `control`."""
        self.output(line).scroll_into_view_if_needed()
        expect(self.output(line).locator("button, input, summary").first).to_be_attached()
        self.lab.tab_into(self.cell(line))
        if control:
            self.tab_to(control)

    def tab_to(self, control: str, *, back: bool = False) -> None:
        """Tab (or Shift+Tab) until a control is reached whose role and name begin with `control`.

        It must be in the output where the keyboard is now.
        """
        start, passed = self.lab.focus().cell, []
        while not (now := self.focused()).startswith(control):
            passed.append(now)
            self.lab.keys("{Shift+Tab}" if back else "{Tab}")
            focus = self.lab.focus()
            if focus.cell != start or not focus.output or len(passed) > 60:
                raise AssertionError(f"Tab does not lead to {control!r}; it passes {passed}")

    def focused(self) -> str:
        """Role and name of the control that has the focus; YAML's quotes around them left out."""
        return self.lab.focused().strip("'").replace("''", "'")

    def choose(self, option: str, group_size: int = 60) -> None:
        """From any radio button of a group, arrow to the one whose name holds `option`, and choose it."""
        for _ in range(group_size):
            if option in self.focused():
                self.lab.keys("{Space}")
                return
            self.lab.keys("{ArrowDown}")
        raise AssertionError(f"no radio button {option!r} here; the last was {self.focused()}")

    def put_in_order(self, line: str, wanted: list[str]) -> None:
        """Move the items of the order form, which has the focus, with Alt and the arrows."""
        items = self.output(line).locator("[role=option] .lk-item-text")
        for place, text in enumerate(wanted):
            now = items.all_inner_texts().index(text, place)  # a line may be there twice
            self.lab.keys("{Home}" + "{ArrowDown}" * now + "{Alt+ArrowUp}" * (now - place))
        assert items.all_inner_texts() == wanted

    # Sessions.

    def connect(self, line: str) -> None:
        """Press the console's own button for it, and see the keyboard end up where commands are typed."""
        self.go(line, 'button "Connect')
        self.lab.keys("{Enter}")
        expect(self.rows(line).filter(has_text="220").first).to_be_visible()
        expect(self.output(line).get_by_role("textbox")).to_be_focused()

    def say(self, line: str, text: str, answer: str | None) -> None:
        """Type one line and press Enter; wait for the reply, or (None) for the line itself to be shown."""
        before = self.rows(line).count()
        self.lab.keys(text + "{Enter}")
        expect(self.rows(line).nth(before)).to_contain_text(text)
        if answer is not None:
            expect(self.rows(line).last).to_contain_text(answer)

    def rows(self, line: str) -> Locator:
        """The lines of the session shown, without the one that tells of the end."""
        return self.output(line).locator(".lks-row:not([data-role=closed])")

    def wire(self, line: str) -> list[str]:
        """The same as text: number, who, and what was said."""
        return [row.get_attribute("aria-label") or "" for row in self.rows(line).all()]

    def happened(self, line: str) -> Locator:
        """The panel *What just happened*."""
        return self.output(line).get_by_role("group", name="What just happened")
