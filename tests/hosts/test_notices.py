"""What a notice says about who said what."""

from __future__ import annotations

import pytest

from labkit.hosts import dsn
from labkit.world import World, chain

ALICE, BOB = "alice@sender.example", "bob@receiver.example"
MXS = ("mx1.receiver.example", "mx2.receiver.example")


def notice(world: World) -> dsn.Report:
    assert world.submit("Hello\n", sender=ALICE, recipients=[BOB]).delivered
    world.settle()
    world.clock.advance(days=6)
    report = dsn.read(world.mailbox(ALICE)[0].raw)
    assert report is not None
    return report


def test_a_host_that_never_answered_is_not_quoted() -> None:
    """A Diagnostic-Code of type smtp is a reply (RFC 3464 section 2.3.6); without one there is only what we saw."""
    with World.open(chain(), transport="memory") as world:
        for host in MXS:
            world.stop(host)
        report = notice(world)
    assert report.fates[0].diagnostic == ""
    assert report.fates[0].remote == MXS[-1]
    assert "said:" not in report.text
    assert "It has been tried for 5 days, and nobody took it. The last time: no connection to" in report.text


@pytest.mark.parametrize(("fault", "code"), [("mailbox_full", "452 4.2.2"), ("no_such_user", "550 5.1.1")])
def test_a_host_that_answered_is_quoted(fault: str, code: str) -> None:
    with World.open(chain(), transport="memory") as world:
        for host in MXS:
            world.switch_on(fault, host=host)
        report = notice(world)
    assert report.fates[0].diagnostic.startswith(code)
    assert f"said: {code}" in report.text
    assert "The last time" not in report.text
