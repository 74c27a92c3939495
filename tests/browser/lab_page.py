"""One notebook open in JupyterLab (or Notebook 7), driven as a learner does, through Playwright.

Cells are counted from 0 over all cells, Markdown too, as in `notebook["cells"]`. They run by JupyterLab's own
commands, not by clicks: a click on a fresh page loses the first keys. What a learner presses goes through the
real keyboard (`keys`).
"""

from __future__ import annotations

import math
import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page

from .jupyter import THEMES, Jupyter
from .watch import HANDLER_ERROR, Watch

WIDTHS = (720, 900, 1280, 1680)
_UNGUARDED = """
const focusable = 'button, input, select, textarea, summary, a[href], [tabindex], [contenteditable]';
return [...document.querySelectorAll('.lk')].flatMap((widget) => [...widget.querySelectorAll(focusable)])
  .filter((one) => one.tabIndex >= 0 && !one.hasAttribute('data-lm-suppress-shortcuts'))
  .map((one) => 'shortcuts reach the notebook from ' + one.outerHTML.slice(0, 160));
"""
_COLOUR_RULES = ["color-contrast", "link-in-text-block"]
"""The rules of axe-core, among those that are on, that look at colours."""

_NAMES = """
const app = window.jupyterapp, panel = app.shell.currentWidget, nb = panel?.content;
const context = panel?.sessionContext;
const kernel = () => context.session.kernel;
const until = async (test) => { while (!test()) await new Promise((go) => setTimeout(go, 20)); };
const idle = async () => {
  await until(() => kernel()?.connectionStatus === 'connected');
  await kernel().info;
  await kernel().requestKernelInfo();
  await until(() => kernel().status === 'idle');
};
"""

# A page is at rest when every widget has been built, and nothing changed for a moment.
_AT_REST = """
const any = (selector, test) => [...nb.node.querySelectorAll(selector)].some(test);
const loading = () => any('.jupyter-widgets-view', (view) => !view.childElementCount)
  || any('.jp-OutputArea-output', (out) => out.textContent === 'Loading widget...');
await until(() => !loading());
await document.fonts.ready;
let last = performance.now();
const first = last;
const observer = new MutationObserver(() => { last = performance.now(); });
observer.observe(nb.node, {subtree: true, childList: true, attributes: true, characterData: true});
await until(() => performance.now() - last > arg.quiet || performance.now() - first > arg.limit);
observer.disconnect();
await new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)));
"""

_STOPS = """
const controls = 'a[href], button, input, select, textarea, summary, [tabindex], [contenteditable="true"]';
const stops = (n) => [...nb.widgets[n].node.querySelectorAll('.jp-OutputArea-output')]
  .flatMap((out) => [...out.querySelectorAll(controls)])
  .filter((one) => one.tabIndex >= 0 && !one.disabled && one.checkVisibility());
"""

_FIRST_STOP = (
    _STOPS
    + """
const [found] = stops(arg);
if (!found) throw new Error(`cell ${arg} has nothing to focus in its output`);
found.focus();
"""
)

_FOCUS = """
const active = document.activeElement;
const cell = nb.widgets.findIndex((one) => one.node.contains(active));
const output = active.closest('.jp-OutputArea-output') !== null;
return {cell: cell < 0 ? null : cell, output, tag: active.tagName.toLowerCase()};
"""


# Two kinds of errors are shown nowhere: Python's, in the handler of a widget's message, and the page's, in a
# handler of `model.on(...)`, which JupyterLab drops. Said aloud, `Watch` finds them. "No such comm" is what a
# new kernel says about the widgets of the former one.
_TELL_SILENT_ERRORS = """
session.iopubMessage.connect((_, {header, parent_header, content}) => {
  if (parent_header.msg_type === 'execute_request') return;
  const text = header.msg_type === 'error' ? content.traceback.join('\\n')
    : header.msg_type === 'stream' && content.name === 'stderr' ? content.text : 'No such comm';
  if (!text.startsWith('No such comm')) console.error(arg + text.replace(/\\x1b\\[[0-9;]*m/g, ''));
});
const connection = Object.getPrototypeOf(session.session.kernel), handle = connection._handleMessage;
connection._handleMessage = function (message) {
  return handle.call(this, message).catch((error) => {
    if (!error.message?.startsWith('Canceled future')) console.error(String(error.stack));
    throw error;
  });
};
"""


@dataclass(frozen=True)
class Cell:
    """What must not change when a learner presses keys in a widget."""

    id: str
    type: str
    source: str


@dataclass(frozen=True)
class Focus:
    """Where the keyboard is: in which cell (None: in none), in its output or not, on which element."""

    cell: int | None
    output: bool
    tag: str


class LabPage:
    """A notebook in a page, opened and ready after construction. `name` is what `Jupyter.place` returned."""

    def __init__(
        self, page: Page, server: Jupyter, name: str, *, theme: str = "light", width: int = 1280
    ) -> None:
        self.page = page
        self.server = server
        self.name = name
        self.watch = Watch(page)
        # Leaving a page with unsaved changes asks first; unanswered, the reload would hang.
        page.on("dialog", lambda dialog: dialog.accept())
        page.set_default_timeout(60_000)
        self.set_width(width)
        server.wait()
        page.goto(server.url(name, f"test-{uuid.uuid4().hex[:12]}"))
        self._wait_ready()
        self.set_theme(theme)

    # Kernel and cells.

    def run_all(self, timeout: float = 120.0) -> None:
        """Run every cell and wait until the last has finished and the widgets are drawn."""
        self._do("await app.commands.execute('notebook:run-all-cells'); await idle();", timeout=timeout)
        self.settle()

    def run_cell(self, n: int, timeout: float = 60.0, *, wait: bool = True) -> None:
        """Run cell `n`; without `wait`, return once it has been sent (a cell that is busy on purpose)."""
        self.select(n)
        run = "app.commands.execute('notebook:run-cell')"
        self._do(f"await {run}; await idle();" if wait else f"void {run};", timeout=timeout)
        if wait:
            self.settle()

    def wait_idle(self, timeout: float = 60.0) -> None:
        """Wait until the kernel has worked off what it was sent before this call."""
        self._do("await idle();", timeout=timeout)

    def interrupt(self) -> None:
        """Interrupt the kernel, as the stop button does."""
        self._do("await kernel().interrupt();")

    def restart_kernel(self) -> None:
        """Restart the kernel, as after the confirmation; variables are gone, outputs stay."""
        self._do("await context.restartKernel(); await idle();")

    def kill_kernel(self, timeout: float = 60.0) -> None:
        """SIGKILL the kernel, wait until Jupyter has restarted it, close Jupyter's message about it."""
        self._do(
            "window.labKernelDied = new Promise((go) => context.statusChanged.connect("
            "(_, status) => { if (status === 'autorestarting') go(true); }));"
        )
        self.server.kill_kernel(self.kernel_id())
        self._do("await window.labKernelDied; await idle();", timeout=timeout)
        dialog = self.page.locator(".jp-Dialog")
        if dialog.count():
            dialog.locator(".jp-mod-accept").click()
            dialog.wait_for(state="detached")

    def shutdown_kernel(self) -> None:
        """Shut the kernel down for good: the page stays open without one."""
        self._do("await context.shutdown();")

    def start_kernel(self) -> None:
        """Start a kernel again after `shutdown_kernel`."""
        self._do("await context.startKernel(); await until(() => context.session?.kernel); await idle();")

    def kernel_id(self) -> str:
        """The id by which the server knows the kernel."""
        return str(self._do("return kernel().id;"))

    def outputs(self, n: int) -> list[dict[str, Any]]:
        """The outputs of code cell `n` as the notebook would store them."""
        found: list[dict[str, Any]] = self._do("return nb.model.cells.get(arg).outputs?.toJSON() ?? [];", n)
        return found

    def cells(self) -> list[Cell]:
        """All cells, to prove that no key press inserted, deleted, converted or edited one."""
        found = self._do(
            "return [...nb.model.cells].map((one) => "
            "({id: one.id, type: one.type, source: one.sharedModel.getSource()}));"
        )
        return [Cell(**one) for one in found]

    def save(self) -> None:
        """Save the notebook."""
        self._do("await panel.context.save();")

    def reload(self, *, save: bool = True) -> None:
        """Reload the page, as a learner would (F5). The kernel goes on."""
        if save:
            self.save()
        self.page.reload()
        self._wait_ready()
        self.settle()

    def close(self) -> None:
        """End the kernel and close the page."""
        if not self.page.is_closed():
            self._do("await context?.shutdown();")
            self.page.close()

    # Keyboard.

    def select(self, n: int) -> None:
        """Make cell `n` the current one, in command mode."""
        self._do("nb.deselectAll(); nb.activeCellIndex = arg; nb.mode = 'command';", n)

    def focus_widget(self, n: int) -> None:
        """Put the keyboard on the first control in the output of cell `n`."""
        self._do(_FIRST_STOP, n)

    def tab_into(self, n: int, limit: int = 30) -> int:
        """From cell `n` in command mode Tab into its output; how many presses it took."""
        self.select(n)
        self._do("nb.activeCell.node.focus();")
        for presses in range(1, limit + 1):
            self.page.keyboard.press("Tab")
            focus = self.focus()
            if focus.cell == n and focus.output:
                return presses
        raise AssertionError(f"{limit} times Tab did not lead into the output of cell {n}")

    def keys(self, text: str) -> None:
        """Type `text`; `{Enter}`, `{Tab 3}`, `{Control+Home}` are keys, by Playwright's names."""
        for number, part in enumerate(re.split(r"\{([^{}]+)\}", text)):
            if number % 2 == 0:
                self.page.keyboard.type(part)
                continue
            key, _, times = part.partition(" ")
            for _ in range(int(times or 1)):
                self.page.keyboard.press(key)

    def focus(self) -> Focus:
        """Where the keyboard is now."""
        return Focus(**self._do(_FOCUS))

    def focused(self) -> str:
        """The focused element as assistive technology has it: role, name, value."""
        return self.page.locator("*:focus").aria_snapshot().strip().splitlines()[0].removeprefix("- ")

    def tab_order(self, n: int, limit: int = 100) -> list[str]:
        """Press Tab through the output of cell `n`: role and name of each stop.

        Fails if more than `limit` presses do not lead out of it.
        """
        self.focus_widget(n)
        stops = []
        while (focus := self.focus()).cell == n and focus.output:
            stops.append(self.focused())
            if len(stops) > limit:
                raise AssertionError(f"Tab does not leave the output of cell {n}: {stops[-5:]}")
            self.page.keyboard.press("Tab")
        return stops

    def has_stop(self, n: int) -> bool:
        """Whether the output of cell `n` has any control that Tab reaches."""
        return bool(self._do(_STOPS + "return stops(arg).length > 0;", n))

    # What is seen.

    def open_sections(self) -> None:
        """Unfold the sections that are stored folded (*More*)."""
        self._do("await app.commands.execute('notebook:expand-all-headings');")
        self.settle()

    def cell(self, n: int) -> Locator:
        """Cell `n` with its input and output."""
        return self.page.locator(".jp-Notebook .jp-Cell").nth(n)

    def output(self, n: int) -> Locator:
        """The output area of cell `n`."""
        return self.cell(n).locator(".jp-Cell-outputArea")

    def settle(self, quiet: float = 0.15, limit: float = 3.0) -> None:
        """Wait until all widgets are built and the page rests for `quiet` seconds (at most `limit`)."""
        self._do(_AT_REST, {"quiet": quiet * 1000, "limit": limit * 1000})

    def set_theme(self, theme: str) -> None:
        """Switch to "light" or "dark", as the Settings menu does."""
        name = THEMES[theme]
        self._do(
            "if (document.body.dataset.jpThemeName !== arg) {"
            " await app.commands.execute('apputils:change-theme', {theme: arg});"
            " await until(() => document.body.dataset.jpThemeName === arg); }",
            name,
        )

    def set_projector(self, on: bool = True) -> None:
        """The lab's own projector mode, for all widgets of the page."""
        self.page.evaluate("(on) => document.documentElement.toggleAttribute('data-lk-projector', on)", on)

    def set_width(self, width: int, height: int = 800) -> None:
        """The size of the window in CSS pixels."""
        self.page.set_viewport_size({"width": width, "height": height})

    def widget_width(self, n: int, selector: str = ".lk") -> int | None:
        """The width that the first `selector` in the output of cell `n` has: what its breakpoints go by."""
        box = (
            self.output(n).locator(selector).first.bounding_box()
            if self.output(n).locator(selector).count()
            else None
        )
        return round(box["width"]) if box else None

    def picture(self, n: int, path: Path, *, whole_cell: bool = False) -> Path:
        """A PNG of the output of cell `n` (or of the whole cell). The window grows for it if it has to."""
        return self._shoot(self.cell(n) if whole_cell else self.output(n), path)

    def picture_notebook(self, path: Path) -> Path:
        """A PNG of all cells, without JupyterLab around them."""
        return self._shoot(self.page.locator(".jp-WindowedPanel-viewport").first, path)

    def axe(self, selector: str = ".lk", *, themes: Sequence[str] = ()) -> list[str]:
        """What axe-core finds inside `selector`, one line for each element; an empty list is what we want.

        Controls of our widgets that let JupyterLab's one-key shortcuts through (`unguarded`) stand in the list too.

        Checks the theme that is on, or one after the other those named; the last of them stays on. What does not depend
        on colours is checked in the first of them alone.

        The window grows until all cells are in it, and JupyterLab's body, which has no height, lets its content
        show: what axe takes for hidden or scrolled away it passes over without measuring any contrast.
        """
        if not self.page.locator(selector).count():
            raise AssertionError(f"nothing to check: no {selector} in the page")
        cells = self.page.locator(".jp-WindowedPanel-viewport").first.bounding_box()
        size = self.page.viewport_size
        if size is None or cells is None:
            raise AssertionError("nothing to check: no notebook is displayed")
        self.page.set_viewport_size({"width": size["width"], "height": math.ceil(cells["height"]) + 300})
        self.page.evaluate("document.body.style.overflow = 'visible'")
        try:
            found = [
                line
                for number, theme in enumerate(themes or [None])
                for line in self._axe(selector, theme, colours_alone=number > 0)
            ]
            return self.unguarded() + found
        finally:
            self.page.evaluate("document.body.style.overflow = ''")
            self.page.set_viewport_size(size)

    def unguarded(self) -> list[str]:
        """Controls inside our widgets on which `b` would insert a cell and `dd` delete one: without Lumino's mark."""
        return list(self._do(_UNGUARDED))

    def in_page(self, body: str, arg: Any = None) -> Any:
        """Run a function body of JavaScript in the page; `nb` is the notebook, `app` JupyterLab."""
        return self._do(body, arg)

    # Inner parts.

    def _do(self, body: str, arg: Any = None, timeout: float = 60.0) -> Any:
        """Run JavaScript with `_NAMES` in the page; what it returns, or an error after `timeout`."""
        script = (
            "async ([arg, ms]) => { const work = async () => {" + _NAMES + body + "};"
            "const late = new Promise((_, no) => setTimeout(() => no(`not done in ${ms} ms`), ms));"
            "return await Promise.race([work(), late]); }"
        )
        return self.page.evaluate(script, [arg, timeout * 1000])

    def _axe(self, selector: str, theme: str | None, *, colours_alone: bool) -> list[str]:
        if theme:
            self.set_theme(theme)
        self.settle()
        options: dict[str, Any] = {"resultTypes": ["violations"]}
        if colours_alone:
            options["runOnly"] = {"type": "rule", "values": _COLOUR_RULES}
        found = Axe().run(self.page, context=selector, options=options)
        return [
            f"{violation['id']} ({violation['impact']}): {violation['help']}: {node['html'][:200]}"
            for violation in found.response["violations"]
            for node in violation["nodes"]
        ]

    def _wait_ready(self) -> None:
        self.page.wait_for_function("() => window.jupyterapp")
        self._do(
            "await app.restored; await until(() => app.shell.currentWidget?.sessionContext);"
            "const shown = app.shell.currentWidget, session = shown.sessionContext;"
            "await shown.context.ready; await session.ready;"
            "await until(() => session.session?.kernel); await session.session.kernel.info;"
            "app.shell.collapseLeft(); app.shell.collapseRight();" + _TELL_SILENT_ERRORS,
            HANDLER_ERROR,
        )

    def _shoot(self, target: Locator, path: Path) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        size, box = self.page.viewport_size, target.bounding_box()
        if size is None or box is None:
            raise AssertionError(f"nothing to picture for {path.name}: it is not displayed")
        tall = math.ceil(box["height"]) + 200
        if tall > size["height"]:
            self.page.set_viewport_size({"width": size["width"], "height": tall})
            self.settle()
        try:
            target.screenshot(path=path, animations="disabled", caret="initial")
        finally:
            self.page.set_viewport_size(size)
        return path
