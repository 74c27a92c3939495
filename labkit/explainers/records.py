"""TXT records in any dress: bare, in quotation marks, as a line of a zone, as dig, nslookup or a provider's form show it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from labkit.auth.tag_list import TagList
from labkit.explainers.answer import ExplainedLine, Explanation, Mark, Problem, plain, rules_of
from labkit.frozen import dataclass
from labkit.smtp.rule import Rule
from labkit.zones import ZoneError, Zones

__all__ = [
    "OWNER",
    "PUBLISHED",
    "Found",
    "answer",
    "find",
    "place_problems",
    "string_problems",
    "tag_lines",
    "worth",
]

OWNER = "the domain's owner"
PUBLISHED = "After the change ask the DNS what is there now: dig +short TXT NAME."

_STRING = Rule("RFC 1035 section 3.3.14", "A TXT record is one or more strings; each has at most 255 octets.")
_ONE_NAME = Rule("RFC 1035 section 5.1", "A name without a final dot is completed with the zone's domain.")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_TYPE = re.compile(
    r"(?:^|[\s|,])(?:IN\s+)?(TXT|SPF|CNAME)(?=[\s|,:]|$)|descriptive text|\btext =", re.IGNORECASE
)
_NAMED = re.compile(
    r"^[ \t]*(?:host(?:name)?|name|record name|record|fqdn)\s*[:=]\s*\"?([^\s\"|]+)",
    re.IGNORECASE | re.MULTILINE,
)
_NAME = re.compile(r"^(?:@|(?:[A-Za-z0-9_*-]+\.)*[A-Za-z0-9_*-]+\.?)$")


@dataclass(frozen=True, slots=True)
class Found:
    """A record that was found in a text."""

    text: str
    """Its strings, joined; or what stands where they should."""
    name: str = ""
    """Where it stands, in lower case and without final dot; empty if that is not told; ``@`` for the domain itself."""
    line: int = 1
    count: int = 1
    """How many records of this kind the text holds."""
    strings: tuple[str, ...] = ()
    """Its strings, if it stands in quotation marks."""
    rdtype: str = ""
    suspicions: tuple[str, ...] = ()
    """What `labkit.zones` says about the line."""


def find(text: str, marker: re.Pattern[str]) -> Found | None:
    """The first record whose text begins with `marker`; None if there is none."""
    first = marker.search(text)
    if first is None:
        return None
    start = text.rfind("\n", 0, first.start()) + 1
    if (opened := text.rfind("(", 0, first.start())) >= 0 and ")" not in text[opened : first.start()]:
        start = text.rfind("\n", 0, opened) + 1  # a record of several lines, in parentheses
    ahead = text[start : first.start()]
    end = text.find("\n", first.start())
    if "(" in ahead:
        end = text.find(")", first.start())
    whole = text[start : end if end >= 0 else len(text)]
    strings: tuple[str, ...] = ()
    if '"' in ahead:
        rest = text[start:] if _only_strings(text[end:] if end >= 0 else "") else whole
        strings = tuple(found[1] for found in _QUOTED.finditer(rest) if found.end() > first.start() - start)
    value = "".join(strings) if strings else _tail(text, first.start(), end, ahead)
    typed = _TYPE.search(ahead) or _TYPE.search(text[: first.start()])
    named = _NAMED.search(text)
    name = named[1] if named else _name_in(ahead)
    return Found(
        text=_unescaped(value).strip("\r"),
        name=name.lower().removesuffix("."),
        line=text.count("\n", 0, first.start()) + 1,
        count=sum(1 for _ in marker.finditer(text)),
        strings=strings,
        rdtype=(typed[1] or "TXT").upper() if typed else "",
        suspicions=_suspicions(whole) if typed and name and not named else (),
    )


def _tail(text: str, start: int, end: int, ahead: str) -> str:
    """A bare record: to the end of its line, and over lines that a mail program or a page has broken."""
    if ahead.strip() or end < 0:
        return text[start : end if end >= 0 else len(text)].strip().strip('"')
    lines = text[start:].split("\n")
    taken = [lines[0]]
    for line in lines[1:]:
        if not line.strip() or re.match(r"\s*v\s*=", line):
            break
        taken.append(line)
    return (
        "".join(taken)
        if all(re.match(r"\s|[A-Za-z0-9+/=]{20,}", line) for line in taken[1:])
        else lines[0].strip()
    )


def _only_strings(rest: str) -> bool:
    line = rest.lstrip("\n").split("\n")[0].strip()
    return line.startswith('"') and not re.match(r'"\s*v\s*=', line)


def _unescaped(text: str) -> str:
    return re.sub(r"\\([;\"\\])", r"\1", text)


def _name_in(ahead: str) -> str:
    words = ahead.replace("|", " ").replace("(", " ").replace('"', " ").split()
    for word in words:
        if word.upper() in ("IN", "TXT", "SPF", "CNAME", "TEXT", "DESCRIPTIVE", "=") or word.isdigit():
            continue
        if _NAME.match(word) and ("." in word or "_" in word or word == "@" or word is words[0]):
            return word
    return ""


def _suspicions(whole: str) -> tuple[str, ...]:
    if "text =" in whole or "descriptive text" in whole or "|" in whole:
        return ()
    try:
        return tuple(str(one.text) for one in Zones.from_text(whole.strip() + "\n").suspicious())
    except ZoneError:
        return ()


def worth(text: str, marker: re.Pattern[str], loose: re.Pattern[str] | None = None) -> float:
    """How sure it is that a text is, above all, a record that begins with `marker`."""
    found = marker.search(text[:20_000])
    if found is None:
        return 0.4 if loose is not None and loose.search(text[:2_000]) and text.count("\n") < 4 else 0.0
    ahead = text[: found.start()]
    if "\n" in ahead.strip() and not _NAMED.search(ahead):
        return 0.45
    return 0.96 if len(ahead) < 300 else 0.5


def place_problems(found: Found, fits: re.Pattern[str], where: str, rule: Rule) -> list[Problem]:
    """What is wrong with the name at which a record stands, and with the way it is written in the zone."""
    problems = []
    name = found.name
    if name and name != "@" and not fits.search(name):
        problems.append(Problem(f"It stands at {plain(name, 120)}; nobody looks for it there. It belongs at {where}.", found.line,
                                rule, OWNER, f"Publish it at {where}."))  # fmt: skip
    elif name == "@" and not fits.search("@"):
        problems.append(
            Problem(
                f"It stands at the domain itself; it belongs at {where}.",
                found.line,
                rule,
                OWNER,
                f"Publish it at {where}.",
            )
        )
    if found.rdtype == "SPF":
        problems.append(Problem("The type SPF (99) is obsolete: nobody asks for it.", found.line,
                                Rule("RFC 7208 section 3.1", "SPF stands in a TXT record, and in no other type."), OWNER, "Use the type TXT."))  # fmt: skip
    problems += [Problem(f"{text[:1].upper()}{plain(text[1:])}", found.line, _ONE_NAME if "twice" in text else _STRING, OWNER,
                         "Repair the line in the zone.") for text in found.suspicions]  # fmt: skip
    return problems


def string_problems(found: Found) -> list[Problem]:
    """Strings that are too long for a TXT record."""
    return [
        Problem(f"A string of the record has {len(text)} characters; it holds 255 at most.", found.line, _STRING, OWNER,
                'Write it as several strings, "..." "...": readers join them without a space.')
        for text in found.strings if len(text) > 255
    ]  # fmt: skip


def tag_lines(
    tags: TagList, meanings: Mapping[str, str], rule: Rule, wrong: Iterable[tuple[int, int]] = ()
) -> list[ExplainedLine]:
    """Each tag with its meaning; ``wrong`` are the octets of those in which something is wrong."""
    places = tuple(wrong)
    lines = []
    for tag in tags:
        meaning = meanings.get(tag.name.lower())
        text = (
            f"{meaning[:1].upper()}{meaning[1:]}."
            if meaning
            else "A tag that the standard does not name; it is passed over."
        )
        bad = any(tag.start <= start < tag.end for start, _ in places)
        mark: Mark = "wrong" if bad else "ok" if meaning else "unknown"
        lines.append(ExplainedLine(plain(f"{tag.name}={tag.value}", 100), text, rule, mark))
    return lines


def answer(
    kind: str,
    title: str,
    summary: str,
    lines: list[ExplainedLine],
    problems: list[Problem],
    good: str,
    more: Iterable[Rule] = (),
) -> Explanation:
    """The explanation of a record: who acts is its owner."""
    steps = tuple(dict.fromkeys(problem.do for problem in problems if problem.do))[:3]
    return Explanation(
        kind, title, summary, tuple(lines), tuple(problems), OWNER if problems else "",
        (*steps, PUBLISHED) if problems else (good,), rules_of(lines, problems, more),
    )  # fmt: skip
