"""`signed_octets`: what a signature covers, octet by octet, and which octets of the message that came from.

This is for looking at. It takes the message apart piece by piece, in a way of its own, and needs no key.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from labkit.auth.dkim.canonical import text_end
from labkit.auth.dkim.fields import Field, read_header, select
from labkit.auth.dkim.signature import NAME, Signature, read_signature
from labkit.auth.dkim.trace import Stopped, Trace
from labkit.frozen import dataclass

_SPACES = re.compile(rb"(?:\r\n|[ \t])+")
_BODY = re.compile(rb"(?P<end>[ \t]*\r\n)|(?P<space>[ \t]+)|(?:[^ \t\r]|\r(?!\n))+")


class Segment(NamedTuple):
    """The message's octets `start` to `end`, and what is hashed in their place: the same, others, or nothing.

    Where canonicalization adds a line end, `start` and `end` are equal.
    """

    start: int
    end: int
    octets: bytes


class SignedField(NamedTuple):
    """A name in h=, or at last the signature itself, and the field that it means."""

    name: str
    """In lower case."""
    segments: tuple[Segment, ...]
    """Empty if there is no such field."""


@dataclass(frozen=True, slots=True)
class SignedOctets:
    """What is hashed for one signature. Segments cover their part of the message without gaps."""

    fields: tuple[SignedField, ...]
    """In the order of hashing; the signature field without its b= is the last."""
    body: tuple[Segment, ...]
    """The canonical body, the octets beyond l= included."""
    length: int | None
    """The tag l=: how many octets of the canonical body are signed; None for all."""

    @property
    def header_octets(self) -> bytes:
        """The octets whose hash b= signs."""
        return b"".join([segment.octets for field in self.fields for segment in field.segments])

    @property
    def body_octets(self) -> bytes:
        """The octets whose hash is bh=."""
        return b"".join([segment.octets for segment in self.body])[: self.length]


def signed_octets(message: bytes, number: int = 0) -> SignedOctets:
    """What the signature `number` (from 0, from the top) of a message covers; RFC 6376 sections 3.4 and 3.7.

    Raises ``ValueError`` when there is no such signature, or it cannot be read.
    """
    octets = bytes(message)
    header = read_header(octets)
    own = [field for field in header.fields if field.name == NAME]
    if not 0 <= number < len(own):
        raise ValueError(f"the message has {len(own)} signatures, number {number} is none of them")
    trace = Trace()
    try:
        signature = read_signature(octets, own[number], trace, None)
    except Stopped as stopped:
        raise ValueError(f"{trace.steps[-1].text} ({stopped.reason})") from stopped
    fields = []
    selected = select(header.fields, signature.names, signature.field)
    for name, field in zip(signature.names, selected, strict=True):
        segments = () if field is None else _field(octets, field, signature.relaxed_header)
        fields.append(SignedField(name.decode(), segments))
    fields.append(SignedField(NAME.decode(), _own(octets, signature)))
    body = _relaxed_body if signature.relaxed_body else _simple_body
    return SignedOctets(tuple(fields), body(octets, header.body_start), signature.length)


def _field(octets: bytes, field: Field, relaxed: bool) -> tuple[Segment, ...]:
    start, colon, end = field.start, field.body_start - 1, field.end
    if not relaxed:
        made = [Segment(start, end, octets[start:end])]
        return tuple(made if octets.endswith(b"\n", start, end) else [*made, Segment(end, end, b"\r\n")])
    name = octets[start:colon].rstrip(b" \t")
    segments = [Segment(start, start + len(name), name.lower()), Segment(start + len(name), colon + 1, b":")]
    at = colon + 1
    while at < end:
        found = _SPACES.match(octets, at, end)
        if found is None:
            found = _SPACES.search(octets, at, end)
            stop = end if found is None else found.start()
            segments.append(Segment(at, stop, octets[at:stop]))
        else:
            stop = found.end()
            inside = at > colon + 1 and stop < end
            octet = b" " if inside and found[0].strip(b"\r\n") else b""
            segments.append(Segment(at, stop, b"\r\n" if stop == end else octet))
        at = stop
    if segments[-1].octets != b"\r\n":
        segments.append(Segment(end, end, b"\r\n"))
    return tuple(segments)


def _own(octets: bytes, signature: Signature) -> tuple[Segment, ...]:
    """The signature field: its b= is left out, and its line end."""
    start, end = signature.value_range(octets)
    field = signature.field
    cut = end - start
    without = octets[:start] + octets[end : field.end]
    shorter = field._replace(end=field.end - cut)
    made = list(_field(without, shorter, signature.relaxed_header))
    segments: list[Segment] = []
    last = made.pop()
    if last.octets.endswith(b"\r\n"):
        kept = last.octets[:-2]
        at = min(last.start + len(kept), last.end)
        made += [Segment(last.start, at, kept)] if kept else []
        made += [Segment(at, last.end, b"")] if at < last.end else []
    else:
        made.append(last)
    left_out = Segment(start, end, b"")
    for segment in made:
        if segment.start >= start:
            segments.append(segment._replace(start=segment.start + cut, end=segment.end + cut))
        elif segment.end > start:
            segments.append(Segment(segment.start, start, octets[segment.start : start]))
            segments.append(left_out)
            segments.append(Segment(end, segment.end + cut, octets[end : segment.end + cut]))
        else:
            segments.append(segment)
    if left_out not in segments:
        at = sum(segment.start < start for segment in segments)
        segments.insert(at, left_out)
    return tuple(segments)


def _simple_body(octets: bytes, start: int) -> tuple[Segment, ...]:
    end = text_end(octets, start, len(octets))
    text = (Segment(start, end, octets[start:end]),) if start < end else ()
    return (*text, *_last_line_end(octets, end))


def _last_line_end(octets: bytes, end: int) -> tuple[Segment, ...]:
    """One line end for as many as there are, even for none."""
    one = min(end + 2, len(octets))
    left_out = (Segment(one, len(octets), b""),) if one < len(octets) else ()
    return (Segment(end, one, b"\r\n"), *left_out)


def _relaxed_body(octets: bytes, start: int) -> tuple[Segment, ...]:
    segments: list[Segment] = []
    filled = 0
    for found in _BODY.finditer(octets, start):
        made = b"\r\n" if found["end"] else b" " if found["space"] else found[0]
        if found["space"] and found.end() == len(octets):
            made = b""
        segments.append(Segment(found.start(), found.end(), made))
        if made not in (b"\r\n", b""):
            filled = len(segments)
    kept, tail = segments[:filled], segments[filled:]
    if kept:
        end = kept[-1].end
        one = next((n for n, segment in enumerate(tail) if segment.octets), None)
        if one is None:
            kept += [*tail, Segment(len(octets), len(octets), b"\r\n")]
            return tuple(kept)
        kept.append(Segment(end, tail[one].end, b"\r\n"))
        tail = tail[one + 1 :]
    return (*kept, *(segment._replace(octets=b"") for segment in tail))
