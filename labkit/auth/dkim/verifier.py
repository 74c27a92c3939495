"""`verify`: every DKIM signature of a message, checked in the order of RFC 6376 section 6.1, with the trace."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from labkit.auth.dkim import rules
from labkit.auth.dkim.canonical import BodyHash, body_hash, relaxed_field, signed_end, simple_field
from labkit.auth.dkim.diagnosis import diagnose_body, diagnose_header
from labkit.auth.dkim.fields import Field, Header, read_header, select
from labkit.auth.dkim.key_record import KeyRecord, fault_for, read_key_record
from labkit.auth.dkim.signature import NAME, Signature, compact, read_signature
from labkit.auth.dkim.trace import Stopped, Trace
from labkit.auth.tag_list import parse_tags
from labkit.lookup import Lookup, Resolver
from labkit.verdict import Evidence, Step, Verdict

MOST_SIGNATURES = 16
"""More signatures of one message are not tried (RFC 6376 section 8.4)."""
MOST_RECORDS = 8
"""More key records of one name are not tried."""
MOST_NOTES = 50
"""Of so many names in h= that are there several times, or not at all, the trace tells."""
MOST_DIAGNOSES = 2
"""For so many signatures of one message the cause of another body is looked for."""


def verify(message: bytes, *, dns: Resolver, now: datetime | float | None = None) -> tuple[Verdict, ...]:
    """Check every DKIM-Signature field of a message as received, from the top; RFC 6376 section 6.

    `now` is the time of checking, aware or in seconds since 1970; without it, expiry (x=) is not checked. Without a
    signature the answer is empty. Never raises for any message or record.

    Results (RFC 8601 section 2.7.1): ``pass``; ``fail`` when body or header do not fit the signature; ``permerror``
    for whatever else RFC 6376 calls PERMFAIL; ``temperror`` when the DNS gave no answer; ``policy`` for the 17th
    signature and all below it.

    Properties: ``header.d``, ``header.s``, ``header.a``, ``header.i`` (with its default) and ``header.b`` (the first
    8 characters) as far as they could be read; ``reason``, the words of RFC 6376 for a failure (None on pass);
    ``testing``, whether the key says t=y; ``unsigned_body_octets``, octets of the canonical body beyond l=.
    """
    octets = bytes(message)
    header = read_header(octets)
    at = now.timestamp() if isinstance(now, datetime) else now
    check = _Check(octets, header, dns, at)
    own = [field for field in header.fields if field.name == NAME]
    return tuple(check.verdict(number, field) for number, field in enumerate(own))


def signed_header(message: bytes, selected: Sequence[Field | None], signature: Signature) -> bytes:
    """The octets of which b= signs the hash: the `selected` fields, then the signature field (section 3.7)."""
    canonical = relaxed_field if signature.relaxed_header else simple_field
    parts = [canonical(message[field.start : field.end]) for field in selected if field is not None]
    parts.append(canonical(signature.without_value(message)).removesuffix(b"\r\n"))
    return b"".join(parts)


class _Check:
    """The signatures of one message; body hashes that several of them need are computed once."""

    def __init__(self, message: bytes, header: Header, dns: Resolver, now: float | None) -> None:
        self._message = message
        self._header = header
        self._dns = dns
        self._now = now
        self._bodies: dict[tuple[bool, int | None], BodyHash] = {}
        self._diagnoses = 0

    def verdict(self, number: int, field: Field) -> Verdict:
        """One signature, from its field to its verdict."""
        trace = Trace()
        properties: dict[str, Any] = {"reason": None, "testing": False, "unsigned_body_octets": 0}
        try:
            if number >= MOST_SIGNATURES:
                text = f"Only the first {MOST_SIGNATURES} signatures of a message are checked."
                place = trace.message(field.start, field.end)
                trace.stop(rules.MANY, text, "policy", "too many signatures", place)
            signature = read_signature(self._message, field, trace, self._now)
            properties |= _names(self._message, field, signature)
            keys = self._keys(signature, trace)
            properties["testing"] = "y" in keys[0][1].flags
            properties["unsigned_body_octets"] = self._body(signature, trace)
            self._signature(signature, keys, trace)
        except Stopped as stopped:
            properties["reason"] = stopped.reason
            if "header.d" not in properties:
                properties |= _names(self._message, field, None)
            last = trace.steps[-1]
            text = f"{last.text} ({last.rule.ref}: {stopped.reason}.)"
            return Verdict("dkim", stopped.result, text, properties, tuple(trace.steps))
        return Verdict("dkim", "pass", _good_news(signature, properties), properties, tuple(trace.steps))

    def _keys(self, signature: Signature, trace: Trace) -> list[tuple[Evidence, KeyRecord]]:
        """The key records that are good for the signature, at least one, each with the place of its key."""
        lookup = self._lookup(signature, trace)
        good = []
        reason = ""
        if len(lookup.records) > 1:
            text = f"There are {len(lookup.records)} TXT records; each is tried in turn."
            trace.passed(rules.SEVERAL, text)
        for number, rdata in enumerate(lookup.records[:MOST_RECORDS]):
            octets = b"".join(getattr(rdata, "strings", ()))
            record = read_key_record(octets)
            fault = fault_for(record, signature)
            if fault is None:
                trace.steps.append(_key_step(record, lookup.name, number))
                tag = record.tags.by_name["p"]
                good.append((Evidence.record(lookup.name, "TXT", number, tag.start, tag.end), record))
                continue
            reason = fault.reason
            evidence: tuple[Evidence, ...] = ()
            if fault.start < fault.end:
                evidence = (Evidence.record(lookup.name, "TXT", number, fault.start, fault.end),)
            shown = octets[fault.start : fault.end].decode("utf-8", "backslashreplace")
            step = Step(fault.rule, fault.text, "permerror", {"record": shown}, None, evidence)
            trace.steps.append(step)
        if not good:
            raise Stopped("permerror", reason)
        return good

    def _lookup(self, signature: Signature, trace: Trace) -> Lookup:
        selector, domain = signature.tags.by_name["s"], signature.tags.by_name["d"]
        places = trace.message(selector.start, selector.end, domain.start, domain.end)
        name = f"{signature.selector}._domainkey.{signature.domain}"
        if not name.isascii():
            name = _a_labels(name, places, trace)
        lookup = self._dns.lookup(name, "TXT")
        inputs = {"name": name}
        why = f" {lookup.reason}" if lookup.reason else ""
        if lookup.outcome in ("timeout", "servfail"):
            text = f"The DNS gave no answer about {name} ({lookup.outcome}).{why}"
            trace.stop(
                rules.NO_ANSWER, text, "temperror", "key unavailable", places, inputs=inputs, lookup=lookup
            )
        if not lookup.records:
            text = f"There is no TXT record at {name} ({lookup.outcome}).{why}"
            reason = "no key for signature"
            trace.stop(rules.NO_KEY, text, "permerror", reason, places, inputs=inputs, lookup=lookup)
        text = f"The record of the key was asked for at {name}."
        trace.passed(rules.LOOKUP, text, places, inputs=inputs, lookup=lookup)
        return lookup

    def _body(self, signature: Signature, trace: Trace) -> int:
        """Compare the body's hash. Gives the octets of the canonical body that l= leaves unsigned."""
        message, start = self._message, self._header.body_start
        tag, length = signature.tags.by_name["bh"], signature.length
        wanted = (signature.relaxed_body, length)
        if wanted not in self._bodies:
            self._bodies[wanted] = body_hash(message, start, *wanted)
        found = self._bodies[wanted]
        end = len(message)
        places = [tag.start, tag.end]
        unsigned = 0
        if length is not None:
            limit = signature.tags.by_name["l"]
            places += [limit.start, limit.end]
            if length > found.length:
                text = (
                    f"The canonical body has {found.length} octets, fewer than the {length} that l= claims."
                )
                shown = {"l": limit.value, "length": str(found.length)}
                trace.stop(
                    rules.LENGTH,
                    text,
                    "permerror",
                    "body shorter than l=",
                    trace.message(*places, start, end),
                    inputs=shown,
                )
            unsigned = found.length - length
            end = signed_end(message, start, signature.relaxed_body, length)
        inputs = {"bh": tag.value, "computed": base64.b64encode(found.digest).decode()}
        evidence = trace.message(*places, start, end)
        if found.digest != signature.body_hash:
            self._diagnoses += 1
            cause = None
            if self._diagnoses <= MOST_DIAGNOSES:
                cause = diagnose_body(message, self._header, signature)
            text = "The body is not the one that was signed: its hash is not the one in bh=."
            trace.stop(
                rules.BODY,
                text if cause is None else f"{text} {cause.text}",
                "fail",
                "body hash did not verify",
                evidence,
                inputs=inputs,
                children=() if cause is None else (cause,),
            )
        kind = "relaxed" if signature.relaxed_body else "simple"
        text = f"The hash of the {kind} body is the one in bh=."
        if unsigned:
            text += f" The last {unsigned} octets are not signed: anybody can have put them there."
        trace.passed(rules.BODY, text, evidence, inputs=inputs)
        return unsigned

    def _signature(self, signature: Signature, keys: list[tuple[Evidence, KeyRecord]], trace: Trace) -> None:
        """Hash the header and check the signature with each key."""
        from labkit.auth.dkim.crypto import is_signed

        message = self._message
        selected = select(self._header.fields, signature.names, signature.field)
        digest = hashlib.sha256(signed_header(message, selected, signature)).digest()
        own = signature.field
        start, end = signature.value_range(message)
        places = [place for field in selected if field is not None for place in (field.start, field.end)]
        kind = "relaxed" if signature.relaxed_header else "simple"
        trace.passed(
            rules.HEADER,
            f"The {kind} fields that h= names were hashed, and the signature field without its b=.",
            trace.message(*places, own.start, start, end, own.end),
            inputs={"sha256": digest.hex()},
            children=_noteworthy(self._header.fields, signature, selected),
        )
        tag = signature.tags.by_name["b"]
        value = trace.message(tag.start, tag.end)
        inputs = {"b": compact(tag.value), "sha256": digest.hex()}
        for place, record in keys:
            if record.key is not None and is_signed(record.key, signature.value, digest):
                text = f"The signature fits this hash and the key of {signature.domain}."
                trace.passed(rules.SIGNATURE, text, (*value, place), inputs=inputs)
                return
        cause = diagnose_header(message, self._header, signature, selected, [record for _, record in keys])
        text = f"The signature does not fit: a signed field was changed, or another key than {signature.domain}'s was used."
        trace.stop(
            rules.SIGNATURE,
            text if cause is None else f"{text} {cause.text}",
            "fail",
            "signature did not verify",
            (*value, *(place for place, _ in keys)),
            inputs=inputs,
            children=() if cause is None else (cause,),
        )


def _names(message: bytes, field: Field, signature: Signature | None) -> dict[str, str]:
    """What Authentication-Results says about a signature (RFC 8601 section 2.7.1)."""
    tags = parse_tags(message, field.body_start, field.end) if signature is None else signature.tags
    found = {f"header.{name}": tag.value for name in "dsai" if (tag := tags.get(name)) is not None}
    if "header.d" in found:
        found.setdefault("header.i", f"@{found['header.d']}")
    if (value := tags.get("b")) is not None:
        found["header.b"] = compact(value.value)[:8]
    return found


def _good_news(signature: Signature, properties: dict[str, Any]) -> str:
    text = (
        f"{signature.domain} has signed this message, and nothing that it signed was changed "
        f"({rules.SIGNATURE.ref})."
    )
    if properties["unsigned_body_octets"]:
        text += f" But {properties['unsigned_body_octets']} octets at the end of the body are not signed ({rules.LENGTH.ref})."
    if properties["testing"]:
        text += f" The domain says that it is only testing ({rules.TESTING.ref})."
    return text


def _key_step(record: KeyRecord, name: str, number: int) -> Step:
    kind = f"an RSA key of {record.bits} bits" if record.kind == "rsa" else "an Ed25519 key"
    tags = [tag for known in "vhknpst" if (tag := record.tags.get(known)) is not None]
    tags.sort(key=lambda tag: tag.start)
    places = tuple(Evidence.record(name, "TXT", number, tag.start, tag.end) for tag in tags)
    children: tuple[Step, ...] = ()
    if "y" in record.flags:
        text = "The domain says by t=y that it is only testing DKIM."
        tag = record.tags.by_name["t"]
        flag = (Evidence.record(name, "TXT", number, tag.start, tag.end),)
        children = (Step(rules.TESTING, text, "pass", evidence=flag),)
    return Step(
        rules.KEY,
        f"The record holds {kind} that is good for this signature.",
        "pass",
        {tag.name: tag.value for tag in tags},
        None,
        places,
        children,
    )


def _a_labels(name: str, places: tuple[Evidence, ...], trace: Trace) -> str:
    """The name with A-labels (RFC 8616 section 4)."""
    from labkit.zones.names import NameProblem, key_of, text_of

    try:
        return text_of(key_of(name))
    except NameProblem as problem:
        text = f"The name {name[:80]!r} cannot be asked for: {problem}."
        trace.stop(rules.LOOKUP, text, "permerror", "signature syntax error", places)


def _noteworthy(
    fields: tuple[Field, ...], signature: Signature, selected: Sequence[Field | None]
) -> tuple[Step, ...]:
    """Which field a name means, where that is a question: a name that is there several times, or not at all."""
    steps: list[Step] = []
    counts = Counter([field.name for field in fields if field is not signature.field])
    taken: Counter[bytes] = Counter()
    for name, field in zip(signature.names, selected, strict=True):
        label = name.decode().title()
        if field is None:
            text = (
                f"There is no further field {label}: it counts as nothing, and none can be added unnoticed."
            )
            steps.append(Step(rules.ABSENT, text, "pass", {"name": label}))
        elif counts[name] > 1:
            number = counts[name] - taken[name]  # from the lowest up
            taken[name] += 1
            text = f"Of {counts[name]} fields {label} this name in h= means number {number} from the top."
            place = (Evidence("message", field.start, field.end),)
            steps.append(Step(rules.INSTANCES, text, "pass", {"name": label}, None, place))
        if len(steps) == MOST_NOTES:
            break
    return tuple(steps)
