"""DNS messages (RFC 1035 section 4) answered from zones: octets in, octets out, no sockets.

The answers are those of a server that is authoritative for everything and follows aliases to their end.
"""

from __future__ import annotations

import struct
from typing import Literal

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdatatype
import dns.rrset
from dns.message import Message
from dns.rcode import Rcode
from dns.rdataclass import RdataClass
from dns.rdatatype import RdataType

from labkit.zones.names import Key
from labkit.zones.tree import RecordSet, Resolution
from labkit.zones.zones import Zones

Carrier = Literal["UDP", "TCP"]

HEADER = struct.Struct("!6H")
SMALLEST_UDP = 512
"""Octets of an answer over UDP that every client takes (RFC 1035 section 2.3.4)."""
LARGEST_UDP = 4096
"""Octets of an answer over UDP at most, whatever the client offers to take."""
LARGEST_TCP = 65535

ASKER = "outside program"
"""What the lookup log calls whoever asks over the wire: ports would make every run's log another one."""

_QR, _OPCODE, _RD = 0x8000, 0x7800, 0x0100
_SOA = "dns.lab.invalid. postmaster.lab.invalid. 1 7200 900 1209600 60"


def answer(zones: Zones, query: bytes, carrier: Carrier, asker: str = ASKER) -> bytes | None:
    """The response to ``query``, or None where silence is the answer: to a response, to what is shorter than
    a header, and to a lookup that ends with a timeout. Never raises, whatever the octets."""
    if len(query) < HEADER.size:
        return None
    number, flags, questions, *_ = HEADER.unpack_from(query)
    if flags & _QR:  # two servers that answer answers would never stop
        return None
    if flags & _OPCODE:
        return _bare(number, flags, dns.rcode.NOTIMP)
    try:
        message = dns.message.from_wire(query)
    except Exception:  # whatever a stranger's octets do to the parser, they are malformed
        return _bare(number, flags, dns.rcode.FORMERR)
    if questions != 1 or len(message.question) != 1:  # RFC 9619
        return _bare(number, flags, dns.rcode.FORMERR)
    response = _respond(zones, message, carrier, asker)
    return None if response is None else _octets(response, message, carrier)


def _bare(number: int, flags: int, rcode: Rcode) -> bytes:
    """A response of nothing but a header."""
    return HEADER.pack(number, _QR | (flags & (_OPCODE | _RD)) | rcode, 0, 0, 0, 0)


def _start(message: Message) -> Message:
    """A response without content. It offers recursion, because aliases are followed wherever they lead."""
    response = dns.message.make_response(message, recursion_available=True, our_payload=LARGEST_UDP, pad=0)
    if message.edns >= 0:
        response.ednsflags |= message.ednsflags & dns.flags.DO  # RFC 3225 section 3
    return response


def _respond(zones: Zones, message: Message, carrier: Carrier, asker: str) -> Message | None:
    response = _start(message)
    question = message.question[0]
    if message.edns > 0:
        response.set_rcode(dns.rcode.BADVERS)  # RFC 6891 section 6.1.3
        return response
    if question.rdclass != RdataClass.IN:
        return _failed(response, dns.rcode.REFUSED, "This server has class IN only.")
    if dns.rdatatype.is_metatype(question.rdtype) and question.rdtype != RdataType.ANY:
        return _failed(response, dns.rcode.REFUSED, "This server transfers no zones.")
    asked = dns.rdatatype.to_text(question.rdtype)
    found = zones.resolve(question.name, question.rdtype, asked, asker, f"query over {carrier}")
    match found.outcome:
        case "timeout":
            return None
        case "servfail":
            return _failed(response, dns.rcode.SERVFAIL, found.reason)
        case "nxdomain":
            response.set_rcode(dns.rcode.NXDOMAIN)
    response.flags |= dns.flags.AA
    _fill(response, question.name, found)
    if found.outcome != "answer":
        response.authority.append(_soa(*zones.authority(found.end)))
    return response


def _failed(response: Message, rcode: Rcode, why: str) -> Message:
    """Say that there is no answer, and why, to clients that speak EDNS (RFC 8914)."""
    response.set_rcode(rcode)
    if response.edns >= 0:
        response.use_edns(
            0, response.ednsflags, LARGEST_UDP, options=[dns.edns.EDEOption(dns.edns.EDECode.OTHER, why)]
        )
    return response


def _fill(response: Message, name: dns.name.Name, found: Resolution) -> None:
    """Write the aliases and what they lead to, with the first name spelt as in the question."""
    for _, alias in found.aliases:
        response.answer.append(_rrset(name, alias, alias.ttl))
        name = alias.records[0].target  # type: ignore[attr-defined]
    for records in found.sets:
        response.answer.append(_rrset(name, records, records.ttl))


def _rrset(name: dns.name.Name, records: RecordSet, ttl: int) -> dns.rrset.RRset:
    return dns.rrset.from_rdata_list(name, ttl, records.records)


def _soa(apex: Key, records: RecordSet | None) -> dns.rrset.RRset:
    """The SOA that goes with "there is none" and says how long to remember it (RFC 2308 section 3)."""
    name = dns.name.Name((*apex, b""))
    if records is None:
        soa = dns.rdata.from_text(RdataClass.IN, RdataType.SOA, _SOA)
        return dns.rrset.from_rdata(name, soa.minimum, soa)  # type: ignore[attr-defined]
    return _rrset(name, records, min(records.ttl, records.records[0].minimum))  # type: ignore[attr-defined]


def _octets(response: Message, message: Message, carrier: Carrier) -> bytes:
    """Write the response. What is too big goes without records: over UDP with TC, so that the client asks
    again over TCP (RFC 2181 section 9); over TCP as a failure."""
    limit = LARGEST_TCP
    if carrier == "UDP":
        offered = message.payload if message.edns >= 0 else SMALLEST_UDP
        limit = max(SMALLEST_UDP, min(offered, LARGEST_UDP))
    try:
        return response.to_wire(max_size=limit)
    except dns.exception.TooBig:
        short = _start(message)
        if carrier == "UDP":
            short.set_rcode(response.rcode())
            short.flags |= response.flags & dns.flags.AA | dns.flags.TC
        else:
            _failed(short, dns.rcode.SERVFAIL, f"The answer has more than {LARGEST_TCP} octets.")
        return short.to_wire(max_size=limit)
