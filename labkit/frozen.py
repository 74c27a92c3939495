"""Frozen dataclasses that cost little until the first one is made: ``from labkit.frozen import dataclass``.

The standard decorator writes and compiles seven methods for a frozen class whenever its module is imported, which takes
about half a millisecond. The first console of a lesson brings some sixty such classes and makes objects of a third of
them, so that this was half of its start. Here the fields are the standard library's (`dataclasses.fields`, `replace`,
`asdict` and patterns work), ``__init__`` is compiled when the first object is made, and the other methods need no
compiler. To a type checker it is the standard decorator. Left out, because nothing here needs it: ``order``, ``kw_only``,
``init=False``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:
    import dataclasses
    from operator import attrgetter

    def dataclass(*, frozen, slots=False):
        """The class decorator ``dataclasses.dataclass(frozen=True, slots=slots)``."""
        assert frozen, "what can be changed is a matter for the standard decorator"
        return lambda cls: _finish(
            dataclasses.dataclass(init=False, repr=False, eq=False, slots=slots)(cls), set(vars(cls))
        )

    def _finish(cls, written):
        """Give `cls` its methods, except those whose names are in `written`."""
        fields = dataclasses.fields(cls)
        compared = [field.name for field in fields if field.compare]
        told = [field.name for field in fields if field.repr]
        # (Of one name alone attrgetter gives the bare value, and none it does not take.)
        values = (
            attrgetter(*compared) if len(compared) > 1 else lambda self: [getattr(self, n) for n in compared]
        )

        def __init__(self, *args, **named):
            cls.__init__ = _compiled_init(cls, fields)
            cls.__init__(self, *args, **named)

        def __repr__(self):
            inner = ", ".join(f"{name}={getattr(self, name)!r}" for name in told)
            return f"{type(self).__qualname__}({inner})"

        def __eq__(self, other):
            return values(self) == values(other) if other.__class__ is self.__class__ else NotImplemented

        def __hash__(self):
            return hash(tuple(values(self)))

        def __reduce__(self):  # for copy and pickle, which would set attributes one by one
            return type(self), tuple(getattr(self, field.name) for field in fields)

        for method in (__init__, __repr__, __eq__, __hash__, __reduce__, __setattr__, __delattr__):
            if method.__name__ not in written:
                setattr(cls, method.__name__, method)
        return cls

    def __setattr__(self, name, value):
        raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")

    def __delattr__(self, name):
        raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")

    def _compiled_init(cls, fields):
        known = {"_put_": object.__setattr__, "_missing_": dataclasses.MISSING}
        head, body = ["self"], []
        for number, field in enumerate(fields):
            name, value = field.name, field.name
            if field.default_factory is not dataclasses.MISSING:
                known[f"_make{number}_"] = field.default_factory
                head.append(f"{name}=_missing_")
                value = f"_make{number}_() if {name} is _missing_ else {name}"
            elif field.default is not dataclasses.MISSING:
                known[f"_default{number}_"] = field.default
                head.append(f"{name}=_default{number}_")
            else:
                head.append(name)
            body.append(f" _put_(self, {name!r}, {value})")
        if hasattr(cls, "__post_init__"):
            body.append(" self.__post_init__()")
        exec(f"def __init__({', '.join(head)}):\n" + "\n".join(body or [" pass"]), known)
        known["__init__"].__qualname__ = f"{cls.__qualname__}.__init__"
        return known["__init__"]
