"""The responder on real sockets, asked by dnspython and by hand."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.resolver
import pytest

from labkit.transport.dns_responder import DnsResponder
from labkit.transport.loop_thread import loop_thread, run
from labkit.zones import Zones

TEXT = """
$ORIGIN receiver.example.
@     MX 10 mx
      TXT "v=spf1 " "mx -all"
mx    A 192.0.2.25
www   CNAME mx
round CNAME round
_dmarc TXT "v=DMARC1; p=none"
*.wild A 192.0.2.99
big   TXT """ + " ".join(f'"{n:0>250}"' for n in range(100))

Address = tuple[str, int]


@pytest.fixture
def zones() -> Zones:
    return Zones.from_text(TEXT)


@pytest.fixture
def responder(zones: Zones) -> Iterator[DnsResponder]:
    """A responder on the lab's loop thread, where nothing may go wrong meanwhile."""
    loop_thread().errors.clear()
    made = DnsResponder(zones)
    run(made.start, 5)
    yield made
    run(made.stop, 5)
    assert list(loop_thread().errors) == []


@pytest.fixture
def address(responder: DnsResponder) -> Address:
    assert responder.address is not None
    return responder.address


@pytest.fixture
def resolver(address: Address) -> dns.resolver.Resolver:
    """dnspython's stub resolver, which knows no other server than ours."""
    made = dns.resolver.Resolver(configure=False)
    made.nameservers, made.port = [address[0]], address[1]
    made.lifetime = 10
    return made


def test_one_port_for_udp_and_tcp(address: Address) -> None:
    query = dns.message.make_query("mx.receiver.example", "A")
    over_udp = dns.query.udp(query, address[0], port=address[1], timeout=5)
    over_tcp = dns.query.tcp(query, address[0], port=address[1], timeout=5)
    assert over_udp == over_tcp
    assert [str(rrset) for rrset in over_udp.answer] == ["mx.receiver.example. 3600 IN A 192.0.2.25"]


def test_dnspythons_resolver(resolver: dns.resolver.Resolver, zones: Zones) -> None:
    assert [str(r) for r in resolver.resolve("receiver.example", "MX")] == ["10 mx.receiver.example."]
    assert [r.strings for r in resolver.resolve("receiver.example", "TXT")] == [(b"v=spf1 ", b"mx -all")]
    assert str(resolver.resolve("www.receiver.example", "A").canonical_name) == "mx.receiver.example."
    assert [str(r) for r in resolver.resolve("x.wild.receiver.example", "A")] == ["192.0.2.99"]
    assert len(resolver.resolve("big.receiver.example", "TXT")[0].strings) == 100
    with pytest.raises(dns.resolver.NXDOMAIN):
        resolver.resolve("nobody.receiver.example", "A")
    with pytest.raises(dns.resolver.NoAnswer):
        resolver.resolve("receiver.example", "AAAA")
    with pytest.raises(dns.resolver.NoAnswer):
        resolver.resolve("wild.receiver.example", "A")
    with pytest.raises(dns.resolver.NoNameservers):
        resolver.resolve("round.receiver.example", "A")
    with zones.fault("mx.receiver.example", "A", "timeout"), pytest.raises(dns.resolver.LifetimeTimeout):
        resolver.resolve("mx.receiver.example", "A", lifetime=0.3)
    assert [str(r) for r in resolver.resolve("mx.receiver.example", "A")] == ["192.0.2.25"]
    zones.replace("mx.receiver.example. A 192.0.2.77")
    assert [str(r) for r in resolver.resolve("mx.receiver.example", "A")] == ["192.0.2.77"]


def test_too_big_for_udp_then_over_tcp(address: Address, zones: Zones) -> None:
    query = dns.message.make_query("big.receiver.example", "TXT", use_edns=0, payload=1232)
    truncated = dns.query.udp(query, address[0], port=address[1], timeout=5)
    assert truncated.flags & dns.flags.TC
    assert truncated.answer == []
    response, over_tcp = dns.query.udp_with_fallback(query, address[0], port=address[1], timeout=5)
    assert (over_tcp, len(response.answer)) == (True, 1)
    assert [record.reason for record in zones.log] == ["query over UDP", "query over UDP", "query over TCP"]


def frames(wire: socket.socket, count: int) -> list[dns.message.Message]:
    """So many responses from a TCP connection."""
    found, pending = [], b""
    while len(found) < count:
        octets = wire.recv(65536)
        assert octets, "closed too early"
        pending += octets
        while len(pending) >= 2 and len(pending) >= (end := 2 + int.from_bytes(pending[:2])):
            found.append(dns.message.from_wire(pending[2:end]))
            pending = pending[end:]
    return found


def framed(name: str, rdtype: str, number: int) -> bytes:
    octets = dns.message.make_query(name, rdtype, id=number).to_wire()
    return struct.pack("!H", len(octets)) + octets


def test_several_queries_on_one_connection_in_any_pieces(address: Address) -> None:
    octets = b"".join(framed("mx.receiver.example", "A", number) for number in range(5))
    with socket.create_connection(address, timeout=5) as wire:
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        wire.sendall(octets)
        assert [response.id for response in frames(wire, 5)] == [0, 1, 2, 3, 4]
        for start in range(0, len(octets), 7):
            wire.sendall(octets[start : start + 7])
        assert [response.id for response in frames(wire, 5)] == [0, 1, 2, 3, 4]
        wire.sendall(b"\x00\x00\x00\x03abc\x00\x0c" + b"\x00" * 12 + framed("receiver.example", "MX", 9))
        garbage, good = frames(wire, 2)
        assert (garbage.rcode(), good.id, len(good.answer)) == (dns.rcode.FORMERR, 9, 1)


def test_a_timeout_leaves_the_connection_open(address: Address, zones: Zones) -> None:
    zones.fault("mx.receiver.example", "A", "timeout")
    with socket.create_connection(address, timeout=5) as wire:
        wire.sendall(framed("mx.receiver.example", "A", 1) + framed("receiver.example", "MX", 2))
        assert [response.id for response in frames(wire, 1)] == [2]


def big_answers() -> Zones:
    """One record of 60,000 octets, which is quickly written."""
    return Zones.from_text(f"big TYPE65280 \\# 60000 {'00' * 60000}")


def test_a_client_that_does_not_read_is_not_read_from() -> None:
    """Three hundred answers of 60,000 octets fit into no buffer, and are not made in advance."""
    responder = DnsResponder(big_answers())
    where = run(responder.start, 5)
    with socket.create_connection(where, timeout=30) as wire:
        wire.sendall(framed("big", "TYPE65280", 3) * 300)
        deadline = time.monotonic() + 20
        made = -1
        while made != (made := len(responder.zones.log)) or made == 0:  # until it stands still
            assert time.monotonic() < deadline
            time.sleep(0.2)
        assert made < 290
        assert len(frames(wire, 300)) == 300
    run(responder.stop, 5)


def test_an_idle_connection_is_closed(zones: Zones) -> None:
    responder = DnsResponder(zones, idle=0.1)
    where = run(responder.start, 5)
    try:
        with socket.create_connection(where, timeout=5) as wire:
            wire.sendall(framed("receiver.example", "MX", 1))
            frames(wire, 1)
            assert wire.recv(1) == b""
        with socket.create_connection(where, timeout=5) as wire:
            assert wire.recv(1) == b""
    finally:
        run(responder.stop, 5)


def test_a_client_that_reads_nothing_is_cut_off_in_the_end() -> None:
    responder = DnsResponder(big_answers(), idle=0.2)
    where = run(responder.start, 5)
    try:
        with socket.create_connection(where, timeout=5) as wire:
            wire.sendall(framed("big", "TYPE65280", 3) * 300)
            deadline = time.monotonic() + 10
            while not responder._connections or len(responder.zones.log) == 0:
                time.sleep(0.01)
            while responder._connections:
                assert time.monotonic() < deadline
                time.sleep(0.05)
    finally:
        run(responder.stop, 5)


def test_random_datagrams_and_streams(address: Address, size: Callable[[int, int], int]) -> None:
    draw = random.Random(7)
    good = dns.message.make_query("mx.receiver.example", "A", use_edns=0, payload=1232).to_wire()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
        wire.connect(address)
        for _ in range(size(500, 20_000)):
            octets = bytearray(draw.choice([good, draw.randbytes(draw.randrange(70))]))
            for _ in range(draw.randrange(4)):
                if octets:
                    octets[draw.randrange(len(octets))] = draw.randrange(256)
            wire.send(octets)
        wire.send(b"")
        wire.send(b"\xff" * 20_000)
    for _ in range(size(20, 500)):
        with socket.create_connection(address, timeout=5) as wire:
            wire.sendall(draw.randbytes(draw.randrange(300)))
    query = dns.message.make_query("mx.receiver.example", "A")
    for _ in range(20):  # what comes while the socket's buffer is full is lost, as UDP has it
        with contextlib.suppress(dns.exception.Timeout):
            answer = dns.query.udp(query, address[0], port=address[1], timeout=1)
            break
    assert answer.rcode() == dns.rcode.NOERROR


def test_start_stop_start(zones: Zones) -> None:
    responder = DnsResponder(zones)
    assert responder.address is None
    assert repr(responder) == "<DNS responder not running, <zones: 8 records of 7 names>>"
    first = run(responder.start, 5)
    assert repr(responder).startswith(f"<DNS responder on 127.0.0.1:{first[1]}, ")
    with pytest.raises(RuntimeError, match="already"):
        run(responder.start, 5)
    wire = socket.create_connection(first, timeout=5)
    wire.sendall(framed("receiver.example", "MX", 1))
    frames(wire, 1)
    run(responder.stop, 5)
    run(responder.stop, 5)
    with contextlib.suppress(ConnectionResetError):
        assert wire.recv(1) == b""
    wire.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(first, timeout=5)
    assert run(lambda: responder.start(first[1]), 5) == first
    other = DnsResponder(zones)
    with pytest.raises(OSError, match="in use"):
        run(lambda: other.start(first[1]), 5)
    assert other.address is None
    run(responder.stop, 5)


def test_a_port_whose_udp_half_is_taken_is_left_alone(zones: Zones, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        real, calls = loop.create_datagram_endpoint, 0

        async def taken_at_first(*args: object, **options: object) -> object:
            nonlocal calls
            calls += 1
            if calls < 3:
                raise OSError("in use")
            return await real(*args, **options)  # type: ignore[arg-type]

        monkeypatch.setattr(loop, "create_datagram_endpoint", taken_at_first)
        responder = DnsResponder(zones)
        await responder.start()
        assert calls == 3
        await responder.stop()
        calls = -1000
        with pytest.raises(OSError, match="in use"):
            await responder.start()

    asyncio.run(scenario())


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="counts open files")
def test_nothing_is_left_behind(zones: Zones) -> None:
    async def scenario() -> None:
        responder = DnsResponder(zones)
        host, port = await responder.start()
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(framed("receiver.example", "MX", 1))
        await reader.readexactly(10)
        await responder.stop()
        writer.close()
        await asyncio.sleep(0)

    asyncio.run(scenario())
    before, threads = len(os.listdir("/proc/self/fd")), threading.active_count()
    for _ in range(50):
        asyncio.run(scenario())
    assert len(os.listdir("/proc/self/fd")) <= before
    assert threading.active_count() == threads
