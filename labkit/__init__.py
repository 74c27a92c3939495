"""SMTP Lab: a small mail Internet that lives inside one notebook kernel.

Importing this package loads nothing beyond the standard library. The names a lesson uses stand in
`_LAZY` and are loaded when first asked for.

This file and `__main__.py` keep to syntax that old Pythons can read, so that those get a sentence and not a
traceback.
"""

__version__ = "0.1.0"

# What `from labkit import NAME` finds, and the module that NAME comes from.
_LAZY: "dict[str, str]" = {"open_lesson": "labkit.lessons.opening", "explain": "labkit.explainers.explain"}


def __getattr__(name: str) -> object:
    if name not in _LAZY:
        raise AttributeError(f"module 'labkit' has no attribute {name!r}")
    import gc
    from importlib import import_module

    # Many thousand objects come to stay, and none of them goes: looking through all that a kernel holds for some to
    # collect, in the middle of it, took as long as half of the imports.
    collecting = gc.isenabled()
    gc.disable()
    try:
        value = getattr(import_module(_LAZY[name]), name)
    finally:
        if collecting:
            gc.enable()
    globals()[name] = value
    return value


def __dir__() -> "list[str]":
    return sorted([*globals(), *_LAZY])
