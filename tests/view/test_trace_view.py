"""The trace view: evidence in the text it came from, what is counted, what an edit changed, and hostile records."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from labkit.auth.spf import check_host
from labkit.smtp.transcript import Transcript
from labkit.verdict import Evidence
from labkit.view.papers import MessagePaper, SessionPaper, ZonePaper
from labkit.view.trace_case import Case, spf_case
from labkit.view.trace_story import term_numbers
from labkit.view.trace_view import TraceView, case_state
from labkit.view.zone_text import find_record, read_zone
from labkit.zones import Zones

sys.path.insert(0, str(Path(__file__).parents[1]))
from auth.spf_suite import PUBLIC, read_suite

ZONE = r"""
$ORIGIN shop.example.
@    TXT ( "v=spf1 a m" "x include:_spf.esp.ex\097mple"
     " include:crm.example -all" )
@    A   192.0.2.5
@    MX  10 mx
mx   300 IN A 192.0.2.10
txt  TXT  TXT
     A   192.0.2.9
$ORIGIN esp.example.
_spf TXT "v=spf1 ip4:198.51.100.0/24 -all"
$ORIGIN crm.example.
@    TXT "v=spf1 ip4:203.0.113.0/24 ~all"
"""


def case(**changes: Any) -> Case:
    settings = {"domain": "shop.example", "ip": "203.0.113.9", **changes}
    return spf_case(settings.pop("zone", ZONE), **settings)


def rows(shown: Case) -> list[dict[str, Any]]:
    state = json.loads(json.dumps(case_state(shown)))
    found: list[dict[str, Any]] = state["verdicts"][0]["rows"]
    return found


# ---- where the octets stand


def test_octets_of_a_record_are_found_in_the_text_through_quotes_escapes_and_parentheses() -> None:
    zones = Zones.from_text(ZONE)

    def text(source: str, start: int, end: int) -> str:
        place = find_record(zones, Evidence(source, start, end))
        assert place is not None
        return ZONE[slice(*place)]

    spf = "record shop.example TXT 0"
    assert text(spf, 7, 8) == "a"
    assert text(spf, 9, 11) == 'm" "x'
    assert text(spf, 12, 12 + len("include:_spf.esp.example")) == r"include:_spf.esp.ex\097mple"
    assert text("record shop.example MX 0", 3, 18) == "mx"
    assert text("record mx.shop.example A 0", 0, 10) == "192.0.2.10"
    assert text("record txt.shop.example A 0", 0, 9) == "192.0.2.9"
    assert text("record txt.shop.example TXT 0", 0, 3) == "TXT"
    assert find_record(zones, Evidence("record nobody.example TXT 0", 0, 3)) is None
    assert find_record(zones, Evidence(spf, 0, 5000)) is None


def test_the_text_may_be_indented_and_hold_a_type_as_a_name() -> None:
    text = "   mx.shop.example. MX 10 a.shop.example.\n   a.shop.example. A 192.0.2.1\n   a.a. A 192.0.2.3\n"
    zones = Zones.from_text(text)
    place = find_record(zones, Evidence("record mx.shop.example MX 0", 3, 17))
    assert place is not None
    assert text[slice(*place)] == "a.shop.example."


def test_a_text_that_cannot_be_read_says_the_line_and_a_doubled_domain_is_shown() -> None:
    (error,) = read_zone("$ORIGIN shop.example.\n@ MX\n").notes
    assert (error.line, error.level) == (2, "error")
    (doubled,) = read_zone('$ORIGIN shop.example.\nsel._domainkey.shop.example TXT "v=DKIM1"\n').notes
    assert "shop.example twice" in doubled.text
    hidden = read_zone('shop.example. TXT "v=spf1 \u202e -all"\n').notes
    assert "U+202E (right-to-left override)" in hidden[0].text


def test_evidence_in_a_session_and_in_a_message() -> None:
    session = Transcript.from_text(
        "S: 220 hi\nC: EHLO out.shop.example\nS: 250 hi\nC: MAIL FROM:<news@shop.example>\n"
    )
    paper = SessionPaper(session)
    place = paper.find(Evidence("mail_from", 5, 17))
    assert place is not None
    assert paper.text[slice(*place)] == "shop.example"
    assert paper.where(place[0]) == "session, line 4"
    message = b"From: \xff\x00 <a@shop.example>\r\nSubject: x\r\n\r\nHi\r\n"
    start = message.index(b"shop")
    shown = MessagePaper(message)
    place = shown.find(Evidence("message", start, start + 12))
    assert place is not None
    assert shown.text[slice(*place)] == "shop.example"
    edited = MessagePaper(b"A: b\r\n\r\nHi\r\n", editable=True)
    edited.write("A: bc\n\nHi\n")
    assert edited.octets == b"A: bc\r\n\r\nHi\r\n"
    place = edited.find(Evidence("message", 9, 11))
    assert place is not None
    assert edited.text[slice(*place)] == "Hi"


# ---- what is told


def test_each_step_leads_to_its_octets_and_the_last_one_decides() -> None:
    shown = rows(case())
    decided = next(row for row in shown if row["decides"])
    assert decided["text"].startswith("`ip4:203.0.113.0/24` matches")
    (mark,) = decided["marks"]
    assert ZONE.strip("\n")[mark["start"] : mark["end"]] == "ip4:203.0.113.0/24"
    assert [row["at"] for row in shown if row["depth"] == 0] == ["", "", "1", "2", "3", "4"]
    assert [row["depth"] for row in shown if row["on_path"]] == [0, 1]
    assert shown[0]["marks"] == [{"field": "mail_from", "start": 5, "end": 17, "label": "MAIL FROM"}]


@pytest.mark.parametrize("suite_case", read_suite(PUBLIC), ids=lambda one: one.name)
def test_the_numbers_of_the_terms_are_those_that_are_counted(suite_case: Any) -> None:
    verdict = suite_case.run()
    counted = max((last for _, last in term_numbers(verdict).values()), default=0)
    # The one name with a macro %{p} costs a lookup without a step of its own.
    assert counted == verdict.properties["lookups"] - (suite_case.name == "p-macro-multiple")


def test_an_edit_is_marked_against_the_run_before_it() -> None:
    time = iter(range(0, 1000, 1))
    shown = case()
    shown._now = lambda: float(next(time))
    shown.edit("zone", shown.text.replace("203.0.113.0/24", "203.0.113.0/2"))
    shown.edit("zone", shown.text.replace("203.0.113.0/2 ", "203.0.113.0/29 "))
    state = case_state(shown)["verdicts"][0]
    assert (state["result"], state["was"]) == ("fail", "pass")
    changes = {row["change"] for row in state["rows"]}
    assert {"changed", "new"} <= changes
    assert any(row["change"] == "new" and row["decides"] for row in state["rows"])
    shown.undo()
    assert case_state(shown)["verdicts"][0]["result"] == "pass"
    assert not shown.edited


def test_what_cannot_be_read_keeps_the_trace_and_the_text() -> None:
    shown = case()
    typed = shown.text + "broken MX\n"
    shown.edit("zone", typed)
    state = case_state(shown)
    assert shown.text == typed
    assert state["stale"]
    assert state["papers"][0]["notes"][0]["level"] == "error"
    assert state["verdicts"][0]["result"] == "pass"
    shown.edit("zone", typed.replace("broken MX", "broken MX 10 mx"))
    assert not case_state(shown)["stale"]


def test_somebody_else_sends() -> None:
    shown = case(people={"crm": "203.0.113.9", "stranger": "192.0.2.66", "nonsense": "here"})
    assert [one["result"] for one in case_state(shown)["people"]] == ["pass", "fail", "none"]
    shown.set({"ip": "192.0.2.66", "unknown": "x"})
    assert case_state(shown)["verdicts"][0]["result"] == "fail"
    assert case_state(shown)["verdicts"][0]["was"] == ""


def test_the_record_as_a_whole_has_a_cost_per_term() -> None:
    review = case_state(case())["review"]
    assert [(row["text"], row["at"]) for row in review["rows"][:5]] == [
        ("shop.example", "4"), ("`a`", "1"), ("`mx`", "1"), ("`include:_spf.esp.example`", "1"), ("_spf.esp.example", "0"),
    ]  # fmt: skip
    assert review["meters"][0]["used"] == 4


def test_the_widget_speaks_with_the_page() -> None:
    view = TraceView(case(), title="May it?")
    said: list[dict[str, Any]] = []
    view.send = lambda content, buffers=None: said.append(content)
    for message in (
        {"op": "hello"},
        {"op": "edit", "paper": "zone", "text": ZONE.replace("203.0", "204.0"), "by": "me"},
        {"op": "edit", "paper": "no such", "text": 3},
        {"op": "fields", "fields": {"ip": "x" * 5000, "helo": 4}},
        {"op": "person", "person": 99},
        {"op": "undo"},
        {"op": "reset"},
    ):
        view._receive(view, {"id": 1, "view": "v", **message}, [])
    assert not [one for one in said if one.get("op") == "trouble"]
    assert [one["verdicts"][0]["result"] for one in said if one.get("op") == "state"][1] == "fail"
    assert "> " in view.as_text()
    view.close()


HOSTILE = "<script>alert(1)</script>\u202e\x07</textarea>"


def test_hostile_records_and_names_are_shown_as_text() -> None:
    zone = f'shop.example. TXT "v=spf1 include:{HOSTILE} -all"\nb.example. TXT "v=spf1 exp=e.b.example -all"\ne.b.example. TXT "{HOSTILE}"\n'
    for domain in ("shop.example", "b.example"):
        view = TraceView(
            spf_case(zone, domain=domain, ip="192.0.2.1", helo=HOSTILE, people={HOSTILE: "192.0.2.1"}),
            title="x",
        )
        html = view.as_html()
        assert "<script" not in html
        assert "\u202e" not in html
        assert "\x07" not in html
        shown = json.dumps(case_state(view.case)["verdicts"], ensure_ascii=False)
        assert "\u202e" not in shown
        view.close()


def test_a_record_of_64_kib_and_forty_includes() -> None:
    strings = " ".join(f'"{" ip4:192.0.2.1" * 18}"' for _ in range(260))
    long = case(zone=f'shop.example. TXT "v=spf1" {strings} " -all"\n')
    state = case_state(long)
    assert len(state["verdicts"][0]["rows"]) == 400
    assert state["verdicts"][0]["more"] > 4000
    assert len(json.dumps(state["verdicts"])) < 400_000
    many = "".join(f'i{n}.example. TXT "v=spf1 include:i{n + 1}.example -all"\n' for n in range(40))
    deep = case_state(case(zone=many, domain="i0.example"))
    assert deep["verdicts"][0]["result"] == "permerror"
    assert next(row for row in deep["verdicts"][0]["rows"] if row["over"])["at"] == "11"


def test_zones_stand_beside_live_answers() -> None:
    """Evidence from a resolver without a text is shown nowhere, and breaks nothing."""
    paper = ZonePaper("other.example. A 192.0.2.1\n")
    verdict = check_host(
        "192.0.2.1", "shop.example", "a@shop.example", helo="x.example", dns=Zones.from_text(ZONE)
    )
    assert [
        paper.find(one)
        for _, step in verdict.steps()
        for one in step.evidence
        if one.source.startswith("record")
    ]
