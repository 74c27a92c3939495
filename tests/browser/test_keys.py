"""No key that a learner presses in a widget does anything to the notebook around it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable

from .lab_page import LabPage
from .learner import NOTEBOOKS, Learner

OpenLab = Callable[..., LabPage]

ONE_KEY_SHORTCUTS = "bddaxm{ArrowDown}{ArrowUp}{ArrowRight}{ArrowLeft}{Escape}"

# Where the keyboard is: what it is called and of what kind it is; whether it has had its keys already, and in which cell.
# `arg`: from now on it has.
WHERE = """
const at = document.activeElement, cell = nb.widgets.findIndex((one) => one.node.contains(at));
const fresh = !('pressed' in at.dataset);
if (arg) at.dataset.pressed = '';
const tag = at.tagName.toLowerCase(), name = `${tag} ${at.ariaLabel || at.innerText || at.value || ''}`.slice(0, 80);
return [name, `${tag} ${at.type} ${at.role} ${at.className}`, fresh, at.closest('.jp-OutputArea-output') ? cell : -1];
"""
OF_A_KIND = 2  # controls of one kind in one widget that get keys; that all carry Lumino's mark, every lesson's test asks


def test_no_key_on_any_control_touches_a_cell(open_lab: OpenLab) -> None:
    lab = open_lab(NOTEBOOKS / "01_session.ipynb")
    lab.run_all()
    lab.open_sections()
    before = lab.cells()
    reached = {}
    for number, line in Learner(lab).widget_cells().items():
        reached[line] = press_everything(lab, number)
        assert lab.cells() == before, f"a key in the output of {line!r} changed the notebook"
    assert sum(map(len, reached.values())) > 30, json.dumps(reached, indent=1)


def press_everything(lab: LabPage, number: int) -> list[str]:
    """Press JupyterLab's one-key shortcuts, then Enter, on controls of each kind in one widget; which they were.

    Where Enter leads to a control that was not there before, that one gets its keys too.
    """
    if not lab.has_stop(number):
        return []
    lab.focus_widget(number)
    pressed: list[str] = []
    kinds: Counter[str] = Counter()
    for _ in range(200):
        control, kind, fresh, cell = lab.in_page(WHERE, True)
        if cell != number:
            return pressed
        if not fresh or kinds[kind] >= OF_A_KIND:
            lab.keys("{Tab}")
            continue
        pressed.append(control)
        kinds[kind] += 1
        # (A link leads away, as it should.)
        lab.keys(ONE_KEY_SHORTCUTS + ("" if control.startswith("a ") else "{Enter}"))
        lab.page.wait_for_timeout(50)  # what Enter did to the widget has arrived
        assert lab.in_page(WHERE, False)[3] == number, f"the keyboard fell out of the widget: {control}"
    raise AssertionError(f"no end of controls in cell {number}: {pressed[-8:]}")
