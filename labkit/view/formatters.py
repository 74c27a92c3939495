"""Teaches IPython to show what checks and `labkit.explain` return, without importing either: a console needs none."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from IPython.core.getipython import get_ipython

__all__ = ["register"]

# Module and name of what is shown, the module that shows it, and the first part of its two functions there.
_SHOWN = (
    ("labkit.learn.feedback", "Feedback", "cards_feedback", "feedback"),
    ("labkit.learn.exercise", "Solution", "cards_feedback", "solution"),
    ("labkit.learn.prediction", "PredictionState", "cards_feedback", "prediction"),
    ("labkit.explainers.answer", "Explanation", "explanation_card", "explanation"),
)


def register(formatters: Any = None) -> None:
    """Teach IPython to show what checks return; doing it again changes nothing.

    formatters  a shell's `display_formatter.formatters`; by default those of the running shell, if any
    """
    if formatters is None:
        shell = get_ipython()
        if shell is None or shell.display_formatter is None:
            return
        formatters = shell.display_formatter.formatters
    for module, name, view, stem in _SHOWN:
        _register(formatters, module, name, view, stem)


def _register(formatters: Any, module: str, name: str, view: str, stem: str) -> None:
    def told(value: object, form: str) -> str:
        return str(getattr(import_module(f"labkit.view.{view}"), f"{stem}_{form}")(value))

    formatters["text/html"].for_type_by_name(module, name, lambda value: told(value, "html"))
    formatters["text/plain"].for_type_by_name(
        module, name, lambda value, printer, cycle: printer.text(told(value, "text"))
    )
