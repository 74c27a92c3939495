"""What `ssl` says on any Python version becomes one sentence that names the fault.

The errors come from real handshakes in memory, so that this module can be run alone by each Python there is.
"""

from __future__ import annotations

import contextlib
import ssl
from pathlib import Path

import pytest

import labkit.client
from labkit.client.tls_errors import TlsProblem, explain_tls, tls_problem

CERTIFICATES = Path(labkit.client.__file__).parents[1] / "hosts" / "certs"
HOST = "mx1.receiver.example"


def handshake(kind: str, *, name: str = HOST, said: bytes | None = None, old: bool = False) -> OSError:
    """The client's error in a handshake with a server that shows this certificate, or says something else."""
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.load_cert_chain(CERTIFICATES / f"{kind}.pem")
    context = ssl.create_default_context(cafile=str(CERTIFICATES / "authority.pem"))
    if old:
        server_context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.minimum_version = ssl.TLSVersion.TLSv1_3
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(to_client, to_server, server_hostname=name)
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(10):
        try:
            client.do_handshake()
        except ssl.SSLWantReadError:
            if said is not None:
                to_client.write(said)
                if not said:
                    to_client.write_eof()
                continue
        except OSError as error:
            return error
        with contextlib.suppress(ssl.SSLError):  # it wants more, or tells the client in an alert
            server.do_handshake()
    raise AssertionError("the handshake has neither failed nor ended")


@pytest.mark.parametrize(
    ("error", "problem", "words"),
    [
        (lambda: handshake("wrong_name"), "wrong_name", "is for another name: mx1.receiver.example does not stand"),
        (lambda: handshake("right", name="192.0.2.1"), "wrong_name", "192.0.2.1 does not stand in it"),
        (lambda: handshake("expired"), "expired", "has expired"),
        (lambda: handshake("unknown_issuer"), "unknown_issuer", "an authority that this client does not trust"),
        (lambda: handshake("right", said=b"220 mx1.receiver.example ESMTP\r\n"), "not_tls", "is no TLS"),
        (lambda: handshake("right", old=True), "no_common_version", "no version or cipher of TLS in common"),
        (lambda: handshake("right", said=b""), "broken_off", "closed the connection in the middle"),
        (lambda: ConnectionResetError(), "broken_off", "closed the connection in the middle"),
        (lambda: ConnectionAbortedError("SSL handshake is taking longer than 1 seconds: aborting the connection"),
         "too_slow", "has not finished the TLS handshake in time"),
        (lambda: TimeoutError(), "too_slow", "in time"),
        (lambda: OSError("odd"), "other", "failed: odd"),
    ],
)  # fmt: skip
def test_the_sentence(error: object, problem: TlsProblem, words: str) -> None:
    assert callable(error)
    came = error()
    assert tls_problem(came) == problem, repr(came)
    told = explain_tls(came, "192.0.2.1" if "192" in words else HOST)
    assert words in told.happened
    assert told.happened.endswith(".")
    assert "{" not in str(told)
    assert told.advice


def test_no_advice_switches_the_check_off() -> None:
    """CASES net-03: rejectUnauthorized=false is no remedy."""
    for kind in ("wrong_name", "expired", "unknown_issuer"):
        told = explain_tls(handshake(kind), HOST)
        assert "To switch the check off is no remedy" in told.advice
