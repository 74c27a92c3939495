"""Exercises 1 and 3 of lesson 10: a record is right if real sessions go as they should."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from labkit.auth.spf import rules
from labkit.frozen import dataclass
from labkit.learn import Exercise, Feedback, LinesForm, Sample, Solution
from labkit.learn.forms import ZoneForm
from labkit.lessons.grading import quoted
from labkit.lessons.spf_world import Handing, hand_in, readable
from labkit.smtp.rule import Rule
from labkit.verdict import Evidence, Step

FAIL = Rule("RFC 7208 section 8.4", "A fail says that the client may not send for this domain.")


@dataclass(frozen=True, slots=True)
class Task:
    """Zones, who must be let in, and who must not."""

    domain: str
    zones: str
    friends: Mapping[str, str]
    """Host and address."""
    gone: Mapping[str, str]
    """Services that are not used any more: what becomes of them does not matter."""
    stranger: str

    @property
    def people(self) -> Mapping[str, str]:
        """For the trace view."""
        return {**self.friends, "a stranger": self.stranger}


def _zones(domain: str, own: str, terms: str, services: Mapping[str, str]) -> str:
    lines = [
        f"$ORIGIN {domain}.",
        f'@      TXT  ( "v=spf1 {terms}"',
        f"@      A    {own}",
        "@      MX   10 mail",
        f"mail   A    {own}",
    ]
    half = terms.index(" include", len(terms) // 2)
    lines[1:2] = [f'@      TXT  ( "v=spf1 {terms[:half]}"', f'              "{terms[half:]}" )']
    for name, record in services.items():
        lines += [f"$ORIGIN {name}.example.", *record.strip().split("\n")]
    return "\n".join(lines) + "\n"


TASKS = (
    Task(
        "shop.example",
        _zones(
            "shop.example",
            "192.0.2.40",
            "a mx include:_spf.news.example include:_spf.old.example include:_spf.crm.example include:_spf.pay.example -all",
            {
                "news": '_spf TXT "v=spf1 include:_a.news.example include:_b.news.example -all"\n_a   TXT "v=spf1 ip4:203.0.113.16/28 -all"\n_b   TXT "v=spf1 ip4:203.0.113.32/28 -all"',
                "crm": '_spf TXT "v=spf1 ip4:203.0.113.48/28 -all"',
                "pay": '_spf TXT "v=spf1 include:_out.pay.example -all"\n_out TXT "v=spf1 ip4:203.0.113.65 -all"',
                "old": '_spf TXT "v=spf1 include:_a.old.example include:_b.old.example include:_c.old.example -all"\n_a   TXT "v=spf1 ip4:203.0.113.128/29 -all"\n_b   TXT "v=spf1 ip4:203.0.113.136/29 -all"\n_c   TXT "v=spf1 ip4:203.0.113.144/29 -all"',
            },
        ),
        {"mail.shop.example": "192.0.2.40", "out.news.example": "203.0.113.33", "out.crm.example": "203.0.113.49", "out.pay.example": "203.0.113.65"},
        {"out.old.example": "203.0.113.129"},
        "203.0.113.200",
    ),
    Task(
        "club.example",
        _zones(
            "club.example",
            "192.0.2.60",
            "mx a:mail.club.example include:_spf.tick.example include:_spf.mail2.example include:_spf.poll.example include:_spf.form.example -all",
            {
                "tick": '_spf TXT "v=spf1 include:_out.tick.example -all"\n_out TXT "v=spf1 ip4:198.51.100.65 -all"',
                "mail2": '_spf TXT "v=spf1 include:_a.mail2.example include:_b.mail2.example -all"\n_a   TXT "v=spf1 ip4:198.51.100.80/28 -all"\n_b   TXT "v=spf1 ip4:198.51.100.96/28 -all"',
                "poll": '_spf TXT "v=spf1 include:_a.poll.example include:_b.poll.example include:_c.poll.example -all"\n_a   TXT "v=spf1 ip4:198.51.100.128/29 -all"\n_b   TXT "v=spf1 ip4:198.51.100.136/29 -all"\n_c   TXT "v=spf1 ip4:198.51.100.144/29 -all"',
                "form": '_spf TXT "v=spf1 ip4:198.51.100.160/28 -all"',
            },
        ),
        {"mail.club.example": "192.0.2.60", "out.tick.example": "198.51.100.65", "out.mail2.example": "198.51.100.97", "out.form.example": "198.51.100.161"},
        {"out.poll.example": "198.51.100.129"},
        "198.51.100.200",
    ),
)  # fmt: skip


def grade(domain: str, friends: Mapping[str, str], stranger: str, zones: str) -> Feedback:
    """Five real sessions: the first that goes wrong is told."""
    asked = f"the {_COUNTS[len(friends)]} friends of {domain} pass, and a stranger fails"
    if (error := readable(zones)) is not None:
        return Feedback(
            "incorrect", "The zones cannot be read.", asked=asked, happened=f"Line {error.line - _CHAIN_LINES}: {error.reason}",
            rule=Rule("RFC 1035 section 5.1", "A zone is a text with one record per entry."), look=error.advice,
        )  # fmt: skip
    foe = "mail.mallory.example"
    found = hand_in(zones, {**friends, foe: stranger}, f"news@{domain}")
    wrong = next((host for host in friends if found[host].verdict.result != "pass"), None)
    if wrong is not None:
        return _of_friend(asked, wrong, found[wrong])
    if found[foe].verdict.result != "fail":
        return _of_stranger(asked, found[foe])
    return Feedback(
        "correct", f"The {_COUNTS[len(friends)]} friends passed in real sessions, and the stranger got 550 5.7.23.", asked=asked,
        happened=f"The stranger's check needed {found[foe].verdict.properties['lookups']} of 10 lookups.", rule=FAIL,
        transcript=found[foe].transcript,
    )  # fmt: skip


_CHAIN_LINES = 13
_COUNTS = {2: "two", 4: "four"}
_LOOKS = {
    "permerror": "Choose the one that failed above, then look at the flagged step and the number beside it.",
    "fail": "Choose the one that failed above, and see at which term it should have matched.",
    "none": "Is there exactly one record that begins with v=spf1 at the domain itself?",
}


def _of_friend(asked: str, host: str, one: Handing) -> Feedback:
    result = one.verdict.result
    return Feedback(
        "incorrect",
        f"A friend did not pass: {host} got {result}.",
        (Evidence.line(_mail_line(one)),),
        asked,
        f"{_decided(one).text} The reply to MAIL began with {one.code}.",
        _decided(one).rule if result == "permerror" else rules.ORDER,
        _LOOKS.get(result, "Choose that server above, and look at the step that decided."),
        "Each term that needs the DNS counts, those behind an include as well. Which of them serves nobody on the list of friends?",
        one.transcript,
    )


def _of_stranger(asked: str, one: Handing) -> Feedback:
    result = one.verdict.result
    says = {
        "pass": "Your friends pass, and so does everybody else. A record that lets all in protects nobody.",
        "softfail": "Your friends pass. The stranger gets softfail, and the server took the mail.",
        "permerror": "Your friends match early and pass. For a stranger the check goes to the end, and breaks.",
    }.get(result, f"Your friends pass. The stranger gets {result}.")
    return Feedback(
        "incorrect",
        says,
        (Evidence.line(_mail_line(one)),),
        asked,
        f"{_decided(one).text} The reply to MAIL began with {one.code}.",
        _decided(one).rule if result == "permerror" else FAIL,
        "Choose the stranger above: which step decided?",
        "The last term of a record speaks about everybody who matched nothing.",
        one.transcript,
    )


def _decided(one: Handing) -> Step:
    """The deepest step that came out as the whole did, else the last one."""
    steps = [step for _, step in one.verdict.steps()]
    return next(
        (step for step in reversed(steps) if step.outcome == one.verdict.result), one.verdict.trace[-1]
    )


def _mail_line(one: Handing) -> int:
    return next(event.seq for event in one.transcript if event.data.upper().startswith(b"MAIL FROM"))


def repair(text_of: Callable[[bool], str]) -> Exercise:
    """Exercise 1. ``text_of(twin)`` gives the zones as they stand in the trace view."""
    twin = _repair("10.q1b", TASKS[1], lambda: text_of(True), None)
    return _repair("10.q1", TASKS[0], lambda: text_of(False), twin)


def _without(zones: str, *terms: str) -> str:
    for term in terms:
        zones = zones.replace(f" {term}", "", 1)
    return zones


def _repair(id: str, task: Task, source: Callable[[], str], twin: Exercise | None) -> Exercise:
    unused = next(iter(task.gone)).replace("out.", "_spf.")
    fixed = _without(task.zones, f"include:{unused}")
    one_ip4 = fixed.replace("v=spf1 ", f"v=spf1 ip4:{next(iter(task.friends.values()))} ", 1)
    lost = next(host for host in list(task.friends)[1:]).replace("out.", "_spf.")
    return Exercise(
        id,
        "Four friends pass, a stranger fails",
        f"{task.domain} is checked with more than ten lookups. Its friends are the four servers above; nobody else sends for it. "
        "Edit its record so that all four pass and a stranger fails. The check hands in five real letters.",
        ZoneForm(task.zones),
        partial(grade, task.domain, task.friends, task.stranger),
        (
            "Press Whole record above: what does each term cost?",
            "Compare the services in the record with the four friends.",
            "A service that nobody uses any more still costs all of its lookups.",
        ),
        Solution(
            fixed,
            f"`include:{unused}` cost four lookups, and none of the four friends is behind it. "
            "An address written as ip4 costs none; that is another way, and one more thing to keep up to date.",
        ),
        twin,
        (
            Sample(("",), "not_attempted", "stand as they came"),
            Sample((task.zones,), "not_attempted", "stand as they came"),
            Sample((fixed,), "correct", "passed in real sessions"),
            Sample((one_ip4,), "correct", "550 5.7.23"),
            Sample((fixed.replace("v=spf1 ", "v=spf1  "),), "correct", "passed in real sessions"),
            Sample((task.zones.replace("-all", "+all", 1),), "incorrect", "A friend did not pass"),
            Sample((fixed.replace("-all", "+all", 1),), "incorrect", "protects nobody"),
            Sample((fixed.replace("-all", "~all", 1),), "incorrect", "softfail"),
            Sample((_without(task.zones, f"include:{lost}", f"include:{unused}"),), "incorrect", "A friend did not pass"),
            Sample((task.zones.replace("v=spf1 ", "v=spf2 ", 1),), "incorrect", "got none"),
            Sample((fixed + "oops MX\n",), "incorrect", "cannot be read"),
        ),
        source=source,
    )  # fmt: skip


# ---- exercise 3


@dataclass(frozen=True, slots=True)
class Wanted:
    """Who sends for a domain; the learner writes its record."""

    domain: str
    own: str
    service: str
    inside: str
    zones: str
    record: str


WANTED = (
    Wanted("band.example", "192.0.2.90", "tour.example", "203.0.113.70", '$ORIGIN tour.example.\n_spf TXT "v=spf1 ip4:203.0.113.64/28 -all"\n', "v=spf1 mx include:_spf.tour.example -all"),
    Wanted("farm.example", "192.0.2.91", "crate.example", "203.0.113.100", '$ORIGIN crate.example.\n_spf TXT "v=spf1 ip4:203.0.113.96/28 -all"\n', "v=spf1 mx include:_spf.crate.example -all"),
)  # fmt: skip


def grade_record(wanted: Wanted, answer: tuple[str, ...]) -> Feedback:
    """The record is published, and three real letters are handed in."""
    record = answer[0].strip().removeprefix('"').removesuffix('"')
    asked = f"the record of {wanted.domain}"
    if '"' in record or "\\" in record:
        return Feedback(
            "incorrect", "Write the text of the record alone.", asked=asked, happened=f"You wrote {quoted(answer[0].encode())}.",
            rule=rules.SELECT, look="A record begins with its version and has terms with spaces between them.",
        )  # fmt: skip
    parts = " ".join(f'"{record[at : at + 200]}"' for at in range(0, len(record), 200))
    own = f"$ORIGIN {wanted.domain}.\n@ TXT {parts}\n@ MX 10 mail\nmail A {wanted.own}\n{wanted.zones}"
    friends = {f"mail.{wanted.domain}": wanted.own, f"out.{wanted.service}": wanted.inside}
    return grade(wanted.domain, friends, "203.0.113.200", own)


def write_one() -> Exercise:
    """Exercise 3: bare."""
    return _write("10.q3", WANTED[0], _write("10.q3b", WANTED[1], None))


def _write(id: str, wanted: Wanted, twin: Exercise | None) -> Exercise:
    return Exercise(
        id,
        "Write the record",
        f"{wanted.domain} sends through its own mail server, mail.{wanted.domain} ({wanted.own}), which is also its MX, "
        f"and through a service. The service says: our servers stand in the SPF record of _spf.{wanted.service}. "
        "Everybody else is to be refused. Write the text of the record.",
        LinesForm(1, labels=("The record",), speaker=""),
        partial(grade_record, wanted),
        (
            "The first word is the version.",
            "One term for the own server, one that leads to the service's record, and one for everybody else.",
        ),
        Solution((wanted.record,), "Each server that sends is behind one term, and the last term refuses all others."),
        twin,
        (
            Sample(("",), "not_attempted", "still empty"),
            Sample((wanted.record,), "correct", "passed in real sessions"),
            Sample((f'"{wanted.record}"',), "correct", "passed in real sessions"),
            Sample((wanted.record.replace(" mx ", f" ip4:{wanted.own} "),), "correct", "passed in real sessions"),
            Sample((wanted.record.replace(" mx ", f" a:mail.{wanted.domain} "),), "correct", "passed in real sessions"),
            Sample((wanted.record.replace("v=spf1 ", ""),), "incorrect", "got none"),
            Sample((wanted.record.replace("include:", "a:"),), "incorrect", "did not pass"),
            Sample((wanted.record.replace("-all", "~all"),), "incorrect", "softfail"),
            Sample((wanted.record.replace("-all", "+all"),), "incorrect", "protects nobody"),
            Sample((wanted.record.replace("include:", "include="),), "incorrect", "did not pass"),
            Sample((wanted.record.replace(" -all", ""),), "incorrect", "gets neutral"),
            Sample((f'v=spf1 "{wanted.record}',), "incorrect", "text of the record alone"),
        ),
    )  # fmt: skip
