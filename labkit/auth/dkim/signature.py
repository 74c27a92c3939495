"""A DKIM-Signature field, read and checked before any question to the DNS (RFC 6376 sections 3.5 and 6.1.1)."""

from __future__ import annotations

import base64
import binascii
import re
from typing import NoReturn

from labkit.auth.dkim import rules
from labkit.auth.dkim.fields import Field
from labkit.auth.dkim.trace import Trace
from labkit.auth.tag_list import Tag, TagList, parse_tags
from labkit.frozen import dataclass
from labkit.smtp.rule import Rule

ALGORITHMS = {"rsa-sha256": "rsa", "ed25519-sha256": "ed25519"}
"""What a= may say, and the kind of key it needs (RFC 8301, RFC 8463)."""
NAME = b"dkim-signature"

_REQUIRED = ("v", "a", "b", "bh", "d", "h", "s")
_SPACES = re.compile(r"[ \t\r\n]+")
_NOT_ASCII = r"\u0080-\U0010ffff"
_LABEL = rf"[A-Za-z0-9{_NOT_ASCII}](?:[A-Za-z0-9{_NOT_ASCII}-]*[A-Za-z0-9{_NOT_ASCII}])?"
_SELECTOR = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})+")
_FIELD_NAME = re.compile(r"[!-9<-~]+")
_NUMBER = re.compile(r"[0-9]{1,76}")
_SYNTAX = "signature syntax error"


@dataclass(frozen=True, slots=True)
class Signature:
    """What a signature field says, all of it in its right form."""

    field: Field
    tags: TagList
    """Their places are offsets in the message."""
    algorithm: str
    domain: str
    selector: str
    identity: str
    """The tag i=, or its default: ``@`` and the domain."""
    relaxed_header: bool
    relaxed_body: bool
    names: tuple[bytes, ...]
    """The names in h=, in order, in lower case."""
    body_hash: bytes
    value: bytes
    """What b= holds."""
    length: int | None
    """Octets of the canonical body that are signed; None for all."""

    def without_value(self, message: bytes) -> bytes:
        """The field without the value of b= and the white space around it (section 3.7)."""
        start, end = self.value_range(message)
        return message[self.field.start : start] + message[end : self.field.end]

    def value_range(self, message: bytes) -> tuple[int, int]:
        """The octets that `without_value` leaves out."""
        tag = self.tags.by_name["b"]
        end = message.find(b";", tag.end, self.field.end)
        return message.index(b"=", tag.start) + 1, self.field.end if end < 0 else end


def read_signature(message: bytes, field: Field, trace: Trace, now: float | None) -> Signature:
    """Read the field and check all that can be checked without a key. Raises `Stopped`."""
    tags = parse_tags(message, field.body_start, field.end)
    reader = _Reader(message, field, tags, trace)
    reader.form()
    algorithm = reader.algorithm()
    relaxed_header, relaxed_body = reader.canonicalization()
    signature = Signature(
        field=field,
        tags=tags,
        algorithm=algorithm,
        domain=reader.domain("d", _DOMAIN),
        selector=reader.domain("s", _SELECTOR),
        identity=reader.identity(),
        relaxed_header=relaxed_header,
        relaxed_body=relaxed_body,
        names=reader.names(),
        body_hash=reader.base64("bh"),
        value=reader.base64("b"),
        length=reader.number("l"),
    )
    reader.query()
    reader.times(now)
    return signature


def compact(value: str) -> str:
    """A value without white space, which may stand anywhere in base64 and around the names in h=."""
    return value if value.isascii() and value.isalnum() else _SPACES.sub("", value)


def decoded(value: str) -> bytes | None:
    """The octets of a base64 value, or None if it is none. White space inside does not count."""
    try:
        return base64.b64decode(compact(value), validate=True)
    except (binascii.Error, ValueError):
        return None


class _Reader:
    """The checks of one field. Each says what it needs, or stops the evaluation with the reason."""

    def __init__(self, message: bytes, field: Field, tags: TagList, trace: Trace) -> None:
        self._message = message
        self._field = field
        self._tags = tags
        self._trace = trace

    def _refuse(self, text: str, tag: Tag | None, reason: str = _SYNTAX, rule: Rule = rules.TAGS) -> NoReturn:
        start, end = (self._field.start, self._field.end) if tag is None else (tag.start, tag.end)
        inputs = {} if tag is None else {tag.name: tag.value}
        self._trace.stop(rule, text, "permerror", reason, self._trace.message(start, end), inputs=inputs)

    def form(self) -> None:
        """The list as a whole, its version, and whether the required tags are there."""
        tags, trace = self._tags, self._trace
        if tags.problems:
            problem = tags.problems[0]
            trace.stop(
                rules.TAG_LIST, problem.text, "permerror", _SYNTAX, trace.message(problem.start, problem.end)
            )
        missing = [name for name in _REQUIRED if name not in tags.by_name]
        if missing:
            they = ", ".join(f"{name}=" for name in missing)
            self._refuse(f"The signature has no {they}.", None, "signature missing required tag")
        version = tags.by_name["v"]
        if version.value != "1":
            text = f"The version is {version.value!r}, not 1."
            self._refuse(text, version, "incompatible version", rules.VERSION)
        trace.passed(
            rules.TAGS,
            "The field is a list of tags, and all that must be there are.",
            trace.message(self._field.start, self._field.end),
            inputs={tag.name: tag.value for tag in tags.tags},
        )

    def algorithm(self) -> str:
        """The tag a=."""
        tag = self._tags.by_name["a"]
        if tag.value == "rsa-sha1":
            text = "The signature uses SHA-1, which nobody may rely on any more."
            self._refuse(text, tag, "algorithm no longer allowed", rules.SHA1)
        if tag.value not in ALGORITHMS:
            text = f"The algorithm {tag.value!r} is neither rsa-sha256 nor ed25519-sha256."
            self._refuse(text, tag, "unknown algorithm", rules.ALGORITHM)
        return tag.value

    def canonicalization(self) -> tuple[bool, bool]:
        """The tag c= for header and body: whether each is relaxed. Without the tag both are simple."""
        tag = self._tags.get("c")
        if tag is None:
            return False, False
        header, _, body = tag.value.partition("/")
        if (
            header not in ("simple", "relaxed")
            or body not in ("simple", "relaxed", "")
            or tag.value[-1] == "/"
        ):
            self._refuse(f"The canonicalization {tag.value!r} is not one of simple and relaxed.", tag)
        return header == "relaxed", body == "relaxed"

    def domain(self, name: str, form: re.Pattern[str]) -> str:
        """The tag d= or s=, a name of the DNS."""
        tag = self._tags.by_name[name]
        if form.fullmatch(tag.value) is None or len(tag.value) > 253:
            what = "a domain name with at least two labels" if name == "d" else "a selector"
            self._refuse(f"The value {tag.value[:80]!r} of {name}= is not {what}.", tag)
        return tag.value

    def identity(self) -> str:
        """The tag i=, whose domain must belong to d=."""
        tag = self._tags.get("i")
        domain = self._tags.by_name["d"]
        if tag is None:
            return f"@{domain.value}"
        _, at, own = tag.value.rpartition("@")
        if not at or _DOMAIN.fullmatch(own) is None:
            self._refuse("The value of i= has no @ with a domain name behind it.", tag)
        if not f".{own.lower()}".endswith(f".{domain.value.lower()}"):
            text = f"The domain {own[:80]!r} in i= is not {domain.value} nor below it."
            self._refuse(text, tag, "domain mismatch", rules.IDENTITY)
        self._trace.passed(
            rules.IDENTITY,
            "The domain of i= is that of d= or lies below it.",
            self._trace.message(tag.start, tag.end, domain.start, domain.end),
            inputs={"i": tag.value, "d": domain.value},
        )
        return tag.value

    def names(self) -> tuple[bytes, ...]:
        """The tag h=, which must name From."""
        tag = self._tags.by_name["h"]
        names = [name.strip(" \t\r\n") for name in tag.value.lower().split(":")]
        if not all(map(_FIELD_NAME.fullmatch, names)):
            self._refuse("The value of h= is not a list of field names between colons.", tag)
        if "from" not in names:
            text = "The From field is not signed: anybody could put in another author."
            self._refuse(text, tag, "From field not signed", rules.FROM)
        self._trace.passed(
            rules.FROM,
            "The From field is among the signed ones.",
            self._trace.message(tag.start, tag.end),
            inputs={"h": tag.value},
        )
        return tuple(name.encode() for name in names)

    def base64(self, name: str) -> bytes:
        """The tag bh= or b=."""
        tag = self._tags.by_name[name]
        octets = decoded(tag.value)
        if not octets:
            self._refuse(f"The value of {name}= is not base64.", tag)
        return octets

    def number(self, name: str) -> int | None:
        """The tag l=, t= or x=, a decimal number."""
        tag = self._tags.get(name)
        if tag is None:
            return None
        if _NUMBER.fullmatch(tag.value) is None:
            self._refuse(f"The value {tag.value[:80]!r} of {name}= is not a decimal number.", tag)
        return int(tag.value)

    def query(self) -> None:
        """The tag q=: one of the ways to the key must be the DNS. Unknown ones are passed over."""
        tag = self._tags.get("q")
        if tag is not None and "dns/txt" not in compact(tag.value).split(":"):
            self._refuse("The way to the key in q= is not dns/txt.", tag)

    def times(self, now: float | None) -> None:
        """The tags t= and x=, seconds since 1970."""
        made, expires = self.number("t"), self.number("x")
        if made is None and expires is None:
            return
        tags = [tag for name in "tx" if (tag := self._tags.get(name)) is not None]
        if made is not None and expires is not None and expires <= made:
            self._refuse("The time in x= is not after the one in t=.", self._tags.get("x"), rule=rules.EXPIRY)
        if expires is None:
            text = "The signature has no time x= at which it expires."
        elif now is None:
            text = "Whether the signature has expired was not checked: no time of checking was given."
        elif now > expires:
            text = f"The signature expired {now - expires:.0f} seconds before it was checked."
            self._refuse(text, self._tags.get("x"), "signature expired", rules.EXPIRY)
        else:
            text = f"The signature expires in {expires - now:.0f} seconds."
        if made is not None and now is not None and made > now:
            text += f" It claims to be made {made - now:.0f} seconds from now: a clock is wrong."
        ranges = [place for tag in tags for place in (tag.start, tag.end)]
        inputs = {tag.name: tag.value for tag in tags}
        self._trace.passed(rules.EXPIRY, text, self._trace.message(*ranges), inputs=inputs)
