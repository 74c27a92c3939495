"""What single header fields say: one function for each name whose body the lab can read, and a table for the others."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.errors import MessageError
from email.header import decode_header, make_header
from email.utils import parsedate_to_datetime

from labkit.auth.authres import AuthResError, parse
from labkit.auth.dkim import rules as dkim_rules
from labkit.auth.dkim.fields import read_header
from labkit.auth.dkim.signature import NAME, read_signature
from labkit.auth.dkim.trace import Stopped, Trace
from labkit.auth.dmarc.author import author_domain
from labkit.auth.tag_list import parse_tags
from labkit.explainers.answer import ExplainedLine, Mark, Problem, plain
from labkit.explainers.message_lines import FIELDS
from labkit.message import HeaderField
from labkit.smtp.rule import Rule
from labkit.trace import received_chain

__all__ = ["KNOWN", "explain_field"]

Told = tuple[list[ExplainedLine], list[Problem]]

_POSTMASTER = "the sender's postmaster"
_PROGRAM = "whoever writes the message (its program)"
_FIELD = Rule("RFC 5322 section 2.2", "A header field is a name, a colon and a body.")
_TRACE = Rule("RFC 5321 section 4.4", "Each host puts a Received field on top and leaves the others alone.")
_RETURN = Rule(
    "RFC 5321 section 4.4", "Final delivery adds one Return-Path: the reverse-path of the envelope."
)
_AUTHRES = Rule("RFC 8601 section 5", "Only a field by one's own receiver counts: everybody can write one.")
_DMARC = Rule(
    "RFC 9989 section 4.4", "DMARC passes when SPF or DKIM passes and its domain is aligned with From."
)
_IDENTIFIER = Rule(
    "RFC 5322 section 3.6.4", "A Message-ID is <left@right>, and nobody else may use the same one."
)
_DATE = Rule("RFC 5322 section 3.3", "A date is: Tue, 24 Nov 2026 10:00:00 +0100.")
_FROM = Rule(
    "RFC 5322 section 3.6.2",
    "From holds the author's address; if there are several, Sender names the one who sent it.",
)
_ONE_CLICK = Rule(
    "RFC 8058 section 3",
    "One-click needs an https address in List-Unsubscribe, and List-Unsubscribe-Post beside it.",
)
_LIST = Rule(
    "RFC 2369 section 3.2", "List-Unsubscribe holds addresses in angle brackets, with commas between."
)
_ARC = Rule(
    "RFC 8617", "ARC notes what each forwarder found. It is experimental, and a draft proposes to retire it."
)

_MORE: Mapping[str, str] = {
    "mime-version": "the body follows MIME; it is always 1.0", "delivered-to": "the mailbox it was put into (RFC 9228)",
    "x-original-to": "the recipient before aliases, by Postfix", "list-id": "which mailing list this came through (RFC 2919)",
    "list-post": "how to write to the list", "list-help": "where help for the list is", "list-archive": "where the list's archive is",
    "list-subscribe": "how to join the list", "list-owner": "who runs the list",
    "list-unsubscribe-post": "one click is enough to leave the list (RFC 8058)",
    "precedence": "bulk or list: an old sign against automatic answers; no standard",
    "auto-submitted": "written by a program: nobody should answer it automatically (RFC 3834)",
    "x-auto-response-suppress": "Exchange's sign against automatic answers", "feedback-id": "the sender's own mark for Gmail's figures",
    "x-mailer": "the program that wrote it; no standard", "user-agent": "the program that wrote it; no standard here",
    "x-spam-status": "what a spam filter decided, and by which tests", "x-spam-score": "a spam filter's points",
    "x-spam-flag": "whether a spam filter took it for spam", "x-spam-level": "a spam filter's points as stars",
    "x-originating-ip": "the address of the author's computer, as a web mail noted it", "x-priority": "how urgent the author finds it; no standard",
    "importance": "how urgent the author finds it (RFC 4021)", "thread-topic": "Outlook's thread", "thread-index": "Outlook's thread",
    "x-forefront-antispam-report": "what Microsoft's filter found: SCL is its level, SFV its verdict",
    "x-ms-exchange-organization-scl": "Microsoft's spam confidence level: -1 trusted, 5 and more spam",
    "x-microsoft-antispam": "what Microsoft's filter found", "x-google-dkim-signature": "a second signature for Google's own use",
    "x-gm-message-state": "Google's own notes", "x-received": "Google's own trace mark", "x-google-smtp-source": "Google's own notes",
    "bimi-selector": "which BIMI record is meant", "tls-required": "No: deliver even where TLS fails (RFC 8689)",
    "disposition-notification-to": "the author asks for a read receipt (RFC 8098)", "return-receipt-to": "an old wish for a receipt; no standard",
    "errors-to": "an old wish where errors go; the envelope decides", "content-disposition": "whether a part is shown or attached",
    "content-language": "the language of the text", "resent-from": "who sent it on, unchanged", "resent-date": "when it was sent on",
    "resent-to": "to whom it was sent on", "resent-message-id": "the name of the resending", "organization": "the author's organization",
    "arc-seal": "ARC: a signature over the chain so far", "arc-message-signature": "ARC: a signature over the message at that hop",
    "arc-authentication-results": "ARC: what that hop's checks found", "received-spf": "what SPF came to (RFC 7208 section 9.1)",
    "autocrypt": "the author's OpenPGP key", "x-mailman-version": "the list's program", "x-beenthere": "a list's mark against loops",
    "comments": "remarks", "keywords": "words for searching", "x-report-abuse": "where to complain", "x-csa-complaints": "where to complain",
    "require-recipient-valid-since": "the mailbox must have had one owner since then (RFC 7293)", "content-id": "the name of a part",
}  # fmt: skip
KNOWN: frozenset[str] = frozenset({*FIELDS, *_MORE})
"""Names of fields that can be explained, in small letters."""


def explain_field(field: HeaderField, message: bytes) -> Told:
    """What a field says and what is wrong with it. ``message`` is the whole header it stands in."""
    name = field.name.lower()
    reader = _READERS.get(name)
    meaning = FIELDS.get(name) or _MORE.get(name)
    said = (
        f"{meaning[:1].upper()}{meaning[1:]}."
        if meaning
        else "A field that no standard the lab knows describes."
    )
    if not meaning and name.startswith("x-"):
        said = "A field of somebody's own; no standard describes it."
    top = ExplainedLine(
        plain(f"{field.name}: {field.value}", 200), said, _FIELD, "ok" if meaning else "unknown"
    )
    if not field.value:
        return [top], [
            Problem(
                f"{field.name} is empty.", field.line, _FIELD, _PROGRAM, "Leave the field out, or fill it."
            )
        ]
    lines, problems = reader(field, message) if reader else ([], [])
    return [top, *lines], problems


def _received(field: HeaderField, message: bytes) -> Told:
    hop = received_chain(field.raw)[0]
    words = []
    if hop.from_:
        words.append(
            f"The client called itself {plain(hop.from_, 80)}"
            + (f" and came from {hop.address}" if hop.address else "")
            + "."
        )
    if hop.by:
        words.append(f"{plain(hop.by, 80)} took it and wrote this line.")
    how = {"ESMTPS": "with TLS", "ESMTPSA": "with TLS, and the client had logged in", "ESMTPA": "in clear, and the client had logged in",
           "ESMTP": "in clear", "SMTP": "in clear, with HELO", "LMTP": "by LMTP, into a mailbox", "LMTPS": "by LMTP with TLS"}.get(hop.with_)  # fmt: skip
    if how:
        words.append(f"{hop.with_}: {how} (RFC 3848).")
    if hop.for_:
        words.append(f"The recipient was {plain(hop.for_, 80)}.")
    if hop.date:
        words.append(f"In UTC: {hop.date:%Y-%m-%d %H:%M:%S}.")
    lines = [ExplainedLine(f"by {plain(hop.by, 80)}" if hop.by else "a hop", " ".join(words) or "It tells nothing that can be read.", _TRACE,
                           "note" if hop.problems else "ok")]  # fmt: skip
    problems = [
        Problem(text, field.line, _TRACE, "nobody, if the hop is not yours", "Do not rely on this line.")
        for text in hop.problems
    ]
    return lines, problems


def _return_path(field: HeaderField, message: bytes) -> Told:
    if field.value.replace(" ", "") == "<>":
        return [
            ExplainedLine(
                "<>",
                "The null reverse-path: this is a notice itself, and nobody reports its failure.",
                _RETURN,
                "note",
            )
        ], []
    return [
        ExplainedLine(
            plain(field.value, 100),
            "Failures were to be reported here; SPF was checked for this domain.",
            _RETURN,
        )
    ], []


_SIGNED = {
    "v": "the version, always 1", "a": "how it was signed: kind of key and hash", "b": "the signature over the header", "bh": "the hash of the body",
    "c": "how header and body were made canonical", "d": "the domain that signs: DMARC compares it with From", "h": "the fields that are signed",
    "i": "the user or agent on whose behalf", "l": "so many octets of the body are signed", "q": "how to fetch the key", "s": "the selector: which key",
    "t": "when it was signed, in seconds since 1970", "x": "when it expires", "z": "copies of fields, for finding faults",
}  # fmt: skip


def _dkim(field: HeaderField, message: bytes) -> Told:
    raw = field.raw if field.raw.endswith(b"\n") else field.raw + b"\r\n"
    lines = []
    tags = parse_tags(field.body)
    for tag in tags:
        meaning = _SIGNED.get(tag.name)
        said = f"{meaning[:1].upper()}{meaning[1:]}." if meaning else "A tag that RFC 6376 does not name."
        lines.append(
            ExplainedLine(
                plain(f"{tag.name}={tag.value}", 90), said, dkim_rules.TAGS, "ok" if meaning else "unknown"
            )
        )
    d, s, length = tags.get("d"), tags.get("s"), tags.get("l")
    problems = []
    found = next((one for one in read_header(raw).fields if one.name == NAME), None)
    if found is not None:
        trace = Trace()
        try:
            read_signature(raw, found, trace, None)
        except Stopped:
            last = trace.steps[-1]
            problems.append(
                Problem(
                    plain(last.text), field.line, last.rule, _POSTMASTER, "Repair the program that signs."
                )
            )
    if d and s and d.value and s.value:
        lines.append(
            ExplainedLine(
                plain(f"{s.value}._domainkey.{d.value}", 150),
                "The key stands there, in a TXT record.",
                dkim_rules.LOOKUP,
            )
        )
    if length is not None:
        problems.append(Problem("l= leaves what comes behind unsigned: anybody can add text, and the signature stays valid.", field.line,
                                dkim_rules.LENGTH, _POSTMASTER, "Sign without l=."))  # fmt: skip
    return lines, problems


_RESULTS: Mapping[str, str] = {
    "pass": "it passed", "fail": "it failed", "softfail": "SPF says: probably not permitted", "neutral": "the record leaves it open",
    "none": "there was nothing to check", "temperror": "the check could not be done now, often for the DNS",
    "permerror": "the record or signature is broken", "policy": "passed, but not as local policy wants it",
    "hardfail": "an old word for fail", "bestguesspass": "Microsoft's word: no DMARC record, and it would have passed",
    "discard": "an old word", "nxdomain": "the name does not exist",
}  # fmt: skip
_METHODS: Mapping[str, tuple[str, str]] = {
    "spf": ("SPF: may this address send for the MAIL FROM domain", "Put the sending address into the SPF record of that domain, or accept it for forwarded mail."),
    "dkim": ("DKIM: is a domain's signature intact", "Look at reason: a changed body, or a key that is not found."),
    "dmarc": ("DMARC: did SPF or DKIM pass for the domain in From", "Align SPF or DKIM with the domain in From."),
    "arc": ("ARC: the chain of forwarders", "Look at the forwarder that broke the chain."), "auth": ("the client logged in", ""),
    "iprev": ("reverse DNS of the client's address", "Set a PTR record whose name leads back."),
    "dkim-adsp": ("ADSP, which is historic", ""), "compauth": ("Microsoft's own sum of all checks; the registry does not know it", ""),
    "bimi": ("BIMI: whether a logo may be shown", ""), "dara": ("Google's own check against replay", ""), "x-tls": ("TLS on the last hop", ""),
}  # fmt: skip
_LENIENT = re.compile(
    r"(?:^|[;\s])([a-z][a-z0-9-]*)\s*=\s*(pass|fail|softfail|neutral|none|temperror|permerror|policy|hardfail|bestguesspass)\b([^;]*)",
    re.IGNORECASE,
)


def _authentication(field: HeaderField, message: bytes) -> Told:
    lines: list[ExplainedLine] = []
    problems: list[Problem] = []
    try:
        parsed = parse(field.value)
        who, found = (
            parsed.authserv_id,
            [(r.method, r.result, " ".join(map(str, r.properties)), r.reason) for r in parsed.results],
        )
    except AuthResError as error:
        who = field.value.split(";")[0].split()[0] if field.value.split(";")[0].split() else ""
        found = [(m[1].lower(), m[2].lower(), m[3].strip(), "") for m in _LENIENT.finditer(field.value)]
        lines.append(
            ExplainedLine(
                plain(who, 60),
                f"By the grammar it is not well formed: {plain(error.reason, 120)}.",
                _AUTHRES,
                "note",
            )
        )
    if "=" in who:
        who = ""
    lines.append(
        ExplainedLine(
            plain(who, 80) or "(nobody)", "Who checked. Trust it only if that is your own receiver.", _AUTHRES
        )
    )
    results = {method: result for method, result, _, _ in found}
    passed = results.get("dmarc") in ("pass", "bestguesspass")
    apart = results.get("dmarc") == "fail" and "pass" in (results.get("spf"), results.get("dkim"))
    for method, result, properties, reason in found[:30]:
        meaning, do = _METHODS.get(method, ("a method that the lab does not know", ""))
        why = f" The reason given: {plain(reason, 120)}." if reason else ""
        bad = result in ("fail", "softfail", "permerror", "temperror", "hardfail")
        text = f"{meaning}: {_RESULTS.get(result, 'a result that RFC 8601 does not name')}.{why}"
        mark: Mark = "unknown" if method not in _METHODS else "wrong" if bad else "ok"
        lines.append(
            ExplainedLine(
                plain(f"{method}={result} {properties}", 160),
                f"{text[:1].upper()}{text[1:]}",
                _DMARC if method == "dmarc" else _AUTHRES,
                mark,
            )
        )
        if bad and not passed and not (method == "dmarc" and apart):
            problems.append(Problem(f"{method}={result}: {_RESULTS.get(result, result)}.{why}", field.line, _DMARC if method == "dmarc" else _AUTHRES,
                                    _POSTMASTER, do))  # fmt: skip
    if apart:
        problems.append(Problem("SPF or DKIM passed, and DMARC failed all the same: the domain that passed is not that of From.", field.line, _DMARC,
                                _POSTMASTER, "Send with MAIL FROM, or sign with d=, in the domain of From."))  # fmt: skip
    return lines, problems


def _received_spf(field: HeaderField, message: bytes) -> Told:
    word = field.value.split()[0].lower()
    rule = Rule("RFC 7208 section 9.1", "Received-SPF tells what SPF came to, and for which identity.")
    bad = word in ("fail", "softfail", "permerror", "temperror")
    problems = (
        [Problem(f"SPF came to {word}.", field.line, rule, _POSTMASTER, _METHODS["spf"][1])] if bad else []
    )
    return [
        ExplainedLine(
            plain(word, 20),
            f"SPF: {_RESULTS.get(word, 'no result that the standard names')}.",
            rule,
            "wrong" if bad else "ok",
        )
    ], problems


def _message_id(field: HeaderField, message: bytes) -> Told:
    fine = re.fullmatch(r"<[^<>@\s]+@[^<>@\s]+>", field.value)
    if fine:
        right = field.value.rpartition("@")[2].rstrip(">")
        inside = right.lower() in ("localhost", "localhost.localdomain") or right.lower().endswith(
            (".local", ".lan", ".internal")
        )
        mark: Mark = "note" if inside else "ok"
        return [
            ExplainedLine(
                plain(right, 80),
                "Mostly the host that made it." + (" It is a name of no public host." if inside else ""),
                _IDENTIFIER,
                mark,
            )
        ], []
    return [], [Problem("This Message-ID is not of the form <left@right>. Gmail refuses mail without a valid one (550 5.7.1).", field.line, _IDENTIFIER,
                        _PROGRAM, "Write <something-unique@your-domain>.")]  # fmt: skip


def _date(field: HeaderField, message: bytes) -> Told:
    try:
        date = parsedate_to_datetime(field.value)
    except (ValueError, OverflowError, TypeError, IndexError):
        return [], [
            Problem(
                "This date cannot be read.",
                field.line,
                _DATE,
                _PROGRAM,
                "Write it as: Tue, 24 Nov 2026 10:00:00 +0100.",
            )
        ]
    problems = []
    lines = [ExplainedLine(f"{date:%A, %Y-%m-%d %H:%M:%S}", "By the author's clock. " +
                           (f"In UTC: {_utc(date)}." if date.tzinfo else "The zone is not known."), _DATE)]  # fmt: skip
    if (day := re.match(r"([A-Za-z]{3}),", field.value)) and day[1].title() != f"{date:%a}":
        problems.append(
            Problem(
                f"That day is a {date:%A}, not {plain(day[1])}.",
                field.line,
                _DATE,
                _PROGRAM,
                "Let the program compute the day of the week.",
            )
        )
    if not re.search(r"[+-]\d{4}|\b(?:GMT|UT|UTC|EST|EDT|CST|CDT|MST|MDT|PST|PDT|Z)\b", field.value):
        problems.append(
            Problem(
                "The zone is missing, such as +0100.", field.line, _DATE, _PROGRAM, "Add the offset from UTC."
            )
        )
    return lines, problems


def _utc(date: datetime) -> str:
    try:
        return f"{date.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
    except (ValueError, OverflowError):  # at the ends of the calendar
        return "beyond the calendar"


def _from(field: HeaderField, message: bytes) -> Told:
    author = author_domain(field.raw)
    lines = []
    problems = []
    if author.domain:
        lines.append(
            ExplainedLine(plain(author.domain, 100), "The Author Domain: what DMARC protects.", _FROM)
        )
    if author.problem:
        problems.append(
            Problem(
                plain(author.problem),
                field.line,
                author.rule,
                _PROGRAM,
                "Write one address: Name <user@domain>.",
            )
        )
    shown = field.value.rpartition("<")[0]
    if (other := re.search(r"[\w.+-]+@([\w-]+\.[\w.-]+)", shown)) and other[1].lower().rstrip(
        "."
    ) != author.domain:
        problems.append(Problem(f"The display name shows an address at {plain(other[1], 80)}, and the mail is from {author.domain or 'elsewhere'}. "
                                "Neither SPF nor DMARC looks at the display name.", field.line, _FROM, "the reader", "Look at the address in angle brackets."))  # fmt: skip
    return lines, problems


def _words(field: HeaderField, message: bytes) -> Told:
    if "=?" not in field.value:
        return [], []
    try:
        text = str(make_header(decode_header(field.value)))
    except (ValueError, LookupError, MessageError):
        return [], [Problem("An encoded word in it cannot be decoded.", field.line, Rule("RFC 2047 section 2", "=?charset?B or Q?text?= stands for text beyond ASCII."),
                            _PROGRAM, "Encode it anew.")]  # fmt: skip
    return [ExplainedLine(plain(text, 150), "The text behind the encoded words (RFC 2047).")], []


def _unsubscribe(field: HeaderField, message: bytes) -> Told:
    uris = re.findall(r"<([^<>]+)>", field.value)
    lines, problems = [], []
    for uri in uris[:5]:
        scheme = uri.strip().partition(":")[0].lower()
        kind = {"https": "A page under https; with List-Unsubscribe-Post one click is enough.", "mailto": "A mail that leaves the list; Gmail does not count it as one-click.",
                "http": "A page without TLS."}.get(scheme, "A kind of address that mail programs hardly know.")  # fmt: skip
        lines.append(ExplainedLine(plain(uri, 120), kind, _LIST, "ok" if scheme == "https" else "note"))
    if not uris:
        problems.append(
            Problem(
                "It holds no address in angle brackets.", field.line, _LIST, _PROGRAM, "Write <https://...>."
            )
        )
    has_post = re.search(rb"(?im)^list-unsubscribe-post\s*:", message) is not None
    https = any(uri.strip().lower().startswith("https:") for uri in uris)
    if not (has_post and https):
        what = "List-Unsubscribe-Post is missing" if https else "There is no https address"
        problems.append(Problem(f"{what}: this is no one-click unsubscribing, which Gmail and Yahoo ask of bulk senders.", field.line, _ONE_CLICK, "the sender",
                                "Give an https address, and add List-Unsubscribe-Post: List-Unsubscribe=One-Click; sign both with DKIM."))  # fmt: skip
    return lines, problems


def _post(field: HeaderField, message: bytes) -> Told:
    problems = []
    if field.value.replace(" ", "").lower() != "list-unsubscribe=one-click":
        problems.append(
            Problem(
                "Its body must be List-Unsubscribe=One-Click.",
                field.line,
                _ONE_CLICK,
                _PROGRAM,
                "Write it just so.",
            )
        )
    if not re.search(rb"(?im)^list-unsubscribe\s*:", message):
        problems.append(
            Problem(
                "Alone it does nothing: List-Unsubscribe is missing beside it.",
                field.line,
                _ONE_CLICK,
                _PROGRAM,
                "Add List-Unsubscribe with an https address.",
            )
        )
    return [], problems


def _arc(field: HeaderField, message: bytes) -> Told:
    cv = re.search(r"\bcv=(none|pass|fail)", field.value)
    bad = cv is not None and cv[1] == "fail"
    lines = [ExplainedLine(cv[0], {"none": "The first link of the chain.", "pass": "The chain before it was intact.",
                                   "fail": "The chain before it was broken."}[cv[1]], _ARC, "wrong" if bad else "ok")] if cv else []  # fmt: skip
    return lines, [
        Problem(
            "The ARC chain is broken.",
            field.line,
            _ARC,
            "the forwarder",
            "Find the hop that changed the message.",
        )
    ] if bad else []


_READERS: Mapping[str, Callable[[HeaderField, bytes], Told]] = {
    "received": _received, "return-path": _return_path, "dkim-signature": _dkim, "authentication-results": _authentication,
    "arc-authentication-results": _authentication, "received-spf": _received_spf, "message-id": _message_id, "date": _date, "from": _from,
    "subject": _words, "list-unsubscribe": _unsubscribe, "list-unsubscribe-post": _post, "arc-seal": _arc,
}  # fmt: skip
