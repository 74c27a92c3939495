"""What the lab adds to a kernel when it starts: one kind sentence for a cell that runs before the set-up cell, and an
interrupted cell that shows itself and not the inside of the lab.

Loaded by ``etc/ipython/ipython_kernel_config.py``, which the package installs. Imports nothing, because every kernel pays for it.
"""

from __future__ import annotations

from types import MethodType, TracebackType
from typing import Any

MADE_BY_SETUP = {"lab", "labkit", "q1", "q2", "q3"}
SENTENCE = (
    "The lab is not running yet, so there is no `{name}` here.\n"
    "Run the set-up cell at the top of this notebook (select it, press Shift+Enter), or choose Run > Run All Cells.\n"
    "Then run this cell again. Nothing is lost."
)
TASK_SENTENCE = (
    "There is no `{name}` yet. Run the cell `{name} = lab.{name}` above this one first, then this cell again."
)


def load_ipython_extension(shell: Any) -> None:
    """Called by IPython."""
    _explain_errors(shell)
    shell.events.register("pre_run_cell", MethodType(_explain_errors, shell))


def unload_ipython_extension(shell: Any) -> None:
    """Called by IPython."""
    shell.events.unregister("pre_run_cell", MethodType(_explain_errors, shell))
    shell.set_custom_exc((), None)


def _explain_errors(shell: Any, _info: object = None) -> None:
    """Once more for each cell: an interrupt at a bad moment makes IPython drop the handler for good."""
    shell.set_custom_exc((NameError, KeyboardInterrupt), show_error)


def show_error(
    shell: Any,
    kind: type[BaseException],
    error: BaseException,
    trace: TracebackType | None,
    tb_offset: int | None = None,
) -> list[str]:
    """Say what to do when a lesson's cell runs before its set-up; every other NameError is shown as always.

    Of an interrupt, the frames below the lab's first are left out: where it struck there is of no use to anybody.
    """
    try:
        return _show(shell, kind, error, trace, tb_offset)
    except (
        KeyboardInterrupt
    ):  # it struck while this was being shown; passed on, it would make IPython unregister us
        return _show(shell, kind, error, trace, tb_offset)


def _show(
    shell: Any,
    kind: type[BaseException],
    error: BaseException,
    trace: TracebackType | None,
    tb_offset: int | None,
) -> list[str]:
    if issubclass(kind, KeyboardInterrupt):
        _cut_below_the_lab(trace)
        error.__suppress_context__ = True
        shell.showtraceback((kind, error, trace), tb_offset=tb_offset)
        return []
    name = getattr(error, "name", None)
    if name not in MADE_BY_SETUP:
        shell.showtraceback((kind, error, trace), tb_offset=tb_offset)
        return []
    sentence = (TASK_SENTENCE if name.startswith("q") and "lab" in shell.user_ns else SENTENCE).format(
        name=name
    )
    shell._showtraceback(kind, error, [sentence])
    return [sentence]


def _cut_below_the_lab(trace: TracebackType | None) -> None:
    while trace is not None:
        if str(trace.tb_frame.f_globals.get("__name__")).partition(".")[0] == "labkit":
            trace.tb_next = None
        trace = trace.tb_next
