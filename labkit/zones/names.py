"""Names as keys: the labels in lower case, most specific first, without the root's empty one.

DNS names compare without regard to case, for ASCII letters only (RFC 4343); ``bytes.lower`` does just that.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dns.name import Name

Key = tuple[bytes, ...]

ROOT: Key = ()

_PLAIN = re.compile(r"(?:[A-Za-z0-9_-]{1,63}\.)*[A-Za-z0-9_-]{1,63}\.?")
_PLAIN_LABEL = re.compile(rb"[A-Za-z0-9_*-]+")
_PLAIN_LENGTH = 253  # octets of text without a final dot; 255 with the length octets (RFC 1035 section 2.3.4)

_REASONS = {
    "LabelTooLong": "a label has at most 63 octets (RFC 1035 section 2.3.4)",
    "NameTooLong": "a name has at most 255 octets (RFC 1035 section 2.3.4)",
    "EmptyLabel": "between two dots there must be a label (RFC 1035 section 2.3.1)",
    "BadEscape": "after a backslash come three digits up to 255, or the character itself (RFC 1035 section 5.1)",
}


class NameProblem(ValueError):
    """This text cannot be a DNS name; the message says why."""


def key_of(text: str) -> Key:
    """Read an absolute name, final dot or not. Letters beyond ASCII become A-labels (RFC 5890), by IDNA 2008.

    Raises `NameProblem` for what cannot be a name.
    """
    if _PLAIN.fullmatch(text) and len(text.removesuffix(".")) <= _PLAIN_LENGTH:
        return tuple(text.removesuffix(".").lower().encode().split(b"."))
    if not text:
        raise NameProblem("a name has at least one label, or is the dot of the root")
    if text == "@":  # dnspython reads it as the origin, which only a zone text has
        return (b"@",)
    return key_of_name(name_of(text))


def name_of(text: str, origin: Name | None = None) -> Name:
    """dnspython's name for ``text``, which ``origin`` (default: the root) completes if there is no final dot.

    Raises `NameProblem`.
    """
    import dns.name
    from dns.exception import DNSException

    try:
        return dns.name.from_text(text, origin or dns.name.root, dns.name.IDNA_2008_Practical)
    except DNSException as error:
        raise NameProblem(why_not(error)) from error
    except (UnicodeError, ValueError, IndexError) as error:  # from the idna package, for exotic code points
        raise NameProblem(f"it has no A-label ({error})") from error


def why_not(error: BaseException) -> str:
    """What dnspython's exception says about a name, as part of a sentence."""
    kind = type(error).__name__
    if kind == "IDNAException":
        return f"it has no A-label by IDNA 2008, RFC 5891 ({str(error).removeprefix('IDNA processing exception: ')})"
    return _REASONS.get(kind, str(error) or kind)


def key_of_name(name: Name) -> Key:
    """The key of an absolute dnspython name."""
    return tuple(label.lower() for label in name.labels[:-1])


def text_of(key: Key) -> str:
    """The key as text, without a final dot; a dot alone for the root. Odd octets are escaped."""
    if all(map(_PLAIN_LABEL.fullmatch, key)):
        return b".".join(key).decode("ascii") or "."
    import dns.name

    return dns.name.Name((*key, b"")).to_text(omit_final_dot=True)
