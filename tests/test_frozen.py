"""The lab's light frozen dataclasses mean what the standard ones mean."""

from __future__ import annotations

import copy
import dataclasses
import pickle

import pytest

from labkit.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Point:
    """With every kind of default."""

    x: int
    y: int = 2
    tags: list[str] = dataclasses.field(default_factory=list)
    note: str = dataclasses.field(default="", compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.x < 0:
            raise ValueError("negative")


@dataclass(frozen=True)
class Named(Point):
    """Inherits fields, and may keep a cache because it has no slots."""

    name: str = "?"


def test_objects_are_made_compared_and_shown_as_by_the_standard_decorator() -> None:
    one = Point(1, tags=["a"])
    assert (one.x, one.y, one.tags, one.note) == (1, 2, ["a"], "")
    assert Point(1).tags is not Point(1).tags
    assert repr(one) == "Point(x=1, y=2, tags=['a'])"
    assert one == Point(1, 2, ["a"], "a note is not compared")
    assert one != Point(2, tags=["a"])
    assert one != Named(1, tags=["a"])
    assert repr(Named(1)) == "Named(x=1, y=2, tags=[], name='?')"
    assert dataclasses.replace(one, y=5).y == 5
    assert dataclasses.asdict(Named(3))["name"] == "?"
    match one:
        case Point(x, y):
            assert (x, y) == (1, 2)


def test_the_first_object_and_every_later_one_are_checked() -> None:
    for _ in range(2):
        with pytest.raises(TypeError, match="missing 1 required positional argument: 'x'"):
            Point()  # type: ignore[call-arg]
        with pytest.raises(ValueError, match="negative"):
            Point(-1)


def test_nothing_can_be_changed_but_copies_are_free() -> None:
    one = Point(1)
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot assign to field 'x'"):
        one.x = 2  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        del one.x
    assert copy.deepcopy(one) == one == pickle.loads(pickle.dumps(one))


def test_equal_objects_have_equal_hashes() -> None:
    @dataclass(frozen=True, slots=True)
    class Single:
        """One field."""

        value: str

    assert hash(Single("a")) == hash(Single("a"))
    assert len({Single("a"), Single("a"), Single("b")}) == 2
