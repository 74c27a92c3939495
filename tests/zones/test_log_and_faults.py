"""Who asked what and why; DNS that fails on purpose; edits while the world runs."""

from __future__ import annotations

import pytest

from labkit.lookup import LookupRecord, Outcome
from labkit.zones import ZoneError, Zones

TEXT = """\
receiver.example. MX 10 mx.receiver.example.
mx.receiver.example. A 192.0.2.25
www.receiver.example. CNAME mx.receiver.example.
"""


@pytest.fixture
def zones() -> Zones:
    return Zones.from_text(TEXT)


def test_who_asked_what_and_why() -> None:
    time = 0.0
    zones = Zones.from_text(TEXT, now=lambda: time)
    mx1 = zones.as_asked_by("mx1", "where mail for bob@receiver.example goes")
    mx1.lookup("receiver.example", "MX")
    time = 60.5
    mx1.because("the address of mx.receiver.example").lookup("mx.receiver.example", "A")
    zones.lookup("a..b", "TXT")
    zones.lookup("receiver.example", "NOTYPE")
    assert [(record.seq, record.time, record.asker) for record in zones.log] == [
        (1, 0.0, "mx1"),
        (2, 60.5, "mx1"),
        (3, 60.5, ""),
        (4, 60.5, ""),
    ]
    assert str(zones.log).splitlines() == [
        "1. mx1 asked for receiver.example MX: 10 mx.receiver.example. (where mail for bob@receiver.example goes)",
        "2. mx1 asked for mx.receiver.example A: 192.0.2.25 (the address of mx.receiver.example)",
        "3. somebody asked for a..b TXT: nxdomain",
        "4. somebody asked for receiver.example NOTYPE: servfail",
    ]
    assert [record.seq for record in zones.log.by("mx1")] == [1, 2]
    assert zones.log[-1].lookup.outcome == "servfail"
    assert [record.seq for record in zones.log[1:3]] == [2, 3]
    assert repr(zones.log) == "<lookup log: 4 lookups>"
    assert repr(mx1) == "<resolver of mx1>"


def test_the_log_is_bounded_and_can_be_cleared() -> None:
    zones = Zones.from_text(TEXT, log_limit=10)
    for number in range(25):
        zones.lookup(f"n{number}.example", "A")
    assert [record.seq for record in zones.log] == list(range(16, 26))
    zones.log.clear()
    assert len(zones.log) == 0
    zones.lookup("receiver.example", "MX")
    assert zones.log[0].seq == 26


def test_listeners(zones: Zones) -> None:
    heard: list[LookupRecord] = []
    end = zones.log.on_lookup(heard.append)
    zones.as_asked_by("mx1").lookup("receiver.example", "MX")
    end()
    end()
    zones.lookup("receiver.example", "MX")
    assert [record.asker for record in heard] == ["mx1"]


def test_reading_the_log_while_it_grows(zones: Zones) -> None:
    zones.lookup("a", "A")
    for record in zones.log:
        zones.lookup("b", "A")
        assert record.seq == 1


@pytest.mark.parametrize("outcome", ["timeout", "servfail", "nxdomain", "nodata"])
def test_a_fault_for_one_type(zones: Zones, outcome: Outcome) -> None:
    fault = zones.fault("RECEIVER.example.", "mx", outcome)
    lookup = zones.lookup("receiver.example", "MX")
    assert (lookup.outcome, lookup.records) == (outcome, ())
    assert lookup.reason == f"a fault is switched on: receiver.example MX {outcome}"
    assert zones.lookup("receiver.example", "TXT").outcome == "nodata"
    assert zones.faults == (fault,)
    fault.off()
    fault.off()
    assert zones.lookup("receiver.example", "MX").outcome == "answer"
    fault.on()
    assert repr(fault) == f"<fault: receiver.example MX {outcome}, on>"
    zones.clear_faults()
    assert repr(fault) == f"<fault: receiver.example MX {outcome}, off>"
    assert zones.lookup("receiver.example", "MX").outcome == "answer"


def test_every_type_everything_below_and_which_one_counts(zones: Zones) -> None:
    with zones.fault("receiver.example", None, "timeout", below=True):
        for name in ("receiver.example", "mx.receiver.example", "not.there.receiver.example"):
            assert zones.lookup(name, "A").outcome == "timeout"
        assert zones.lookup("areceiver.example", "A").outcome == "nxdomain"
        with zones.fault("mx.receiver.example", None, "servfail"):
            assert zones.lookup("mx.receiver.example", "A").outcome == "servfail"
            with zones.fault("mx.receiver.example", "A", "nodata"):
                assert zones.lookup("mx.receiver.example", "A").outcome == "nodata"
                assert zones.lookup("mx.receiver.example", "AAAA").outcome == "servfail"
    assert zones.faults == ()
    with zones.fault(".", None, "timeout", below=True):
        assert zones.lookup("anything.test", "A").outcome == "timeout"


def test_a_fault_on_the_way(zones: Zones) -> None:
    zones.fault("mx.receiver.example", "A", "timeout")
    lookup = zones.lookup("www.receiver.example", "A")
    assert (lookup.outcome, lookup.aliases) == ("timeout", ("mx.receiver.example",))


def test_a_fault_that_replaces_another(zones: Zones) -> None:
    first = zones.fault("receiver.example", "MX", "timeout")
    second = zones.fault("receiver.example", "MX", "servfail")
    assert (first.active, second.active) == (False, True)
    first.off()
    assert zones.lookup("receiver.example", "MX").outcome == "servfail"


def test_what_is_no_fault(zones: Zones) -> None:
    with pytest.raises(ValueError, match="received 'answer'"):
        zones.fault("receiver.example", "MX", "answer")
    with pytest.raises(ValueError, match="two dots"):
        zones.fault("receiver..example", "MX", "timeout")
    with pytest.raises(ValueError, match="'NOTYPE'"):
        zones.fault("receiver.example", "NOTYPE", "timeout")
    assert zones.faults == ()


def test_edits(zones: Zones) -> None:
    fault = zones.fault("mx.receiver.example", "A", "timeout")
    zones.replace(TEXT.replace("10 mx.", "20 mx."))
    assert str(zones.lookup("receiver.example", "MX").records[0]) == "20 mx.receiver.example."
    assert fault.active
    with pytest.raises(ZoneError, match="line 1 "):
        zones.replace("receiver.example. MX")
    assert str(zones.lookup("receiver.example", "MX").records[0]) == "20 mx.receiver.example."
    assert zones.text.startswith("receiver.example. MX 20")


def test_added_lines() -> None:
    zones = Zones.from_text("    $ORIGIN a.example.\n    @ MX 5 mx", origin="b.example")
    zones.add("""
        k._domainkey TXT "v=DKIM1; p=MIIB"
    """)
    lookup = zones.lookup("k._domainkey.b.example", "TXT")
    assert lookup.outcome == "answer"
    assert lookup.lines == (5,)
    assert zones.text.splitlines()[4] == 'k._domainkey TXT "v=DKIM1; p=MIIB"'
    with pytest.raises(ZoneError) as caught:
        zones.add("x A y")
    assert caught.value.line == zones.text.count("\n") + 2
    assert zones.lookup("a.example", "MX").outcome == "answer"


def test_a_lookup_during_an_edit_sees_one_text_or_the_other(zones: Zones) -> None:
    def edit(_: LookupRecord) -> None:
        zones.replace("receiver.example. MX 99 other.")

    zones.log.on_lookup(edit)
    assert str(zones.lookup("www.receiver.example", "A").records[0]) == "192.0.2.25"
    assert zones.lookup("www.receiver.example", "A").outcome == "nxdomain"
