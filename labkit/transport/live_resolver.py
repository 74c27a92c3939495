"""The real DNS as a resolver, where a learner asks for it by name: ``LiveResolver()`` in place of a world's zones.

Nothing in the lab makes one by itself. It asks the name servers that the machine is set up with, by dnspython's stub
resolver, and remembers answers for as long as their TTL says. A lookup waits for its answer: call it from a thread of
your own, never from the lab's loop thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from labkit.lookup import Lookup, Outcome
from labkit.zones.names import NameProblem, key_of

if TYPE_CHECKING:
    from dns.message import QueryMessage
    from dns.resolver import Resolver as StubResolver

__all__ = ["LiveResolver"]

TIMEOUT = 5.0
"""Seconds of real time that one lookup may take, all tries together."""

_REMEMBERED = 1000  # answers


class LiveResolver:
    """Asks the Internet. `lookup` never raises; what went wrong is the outcome, and its ``reason`` says it.

    ``servers`` are IP addresses of name servers, by default those of the machine; ``port`` theirs; ``timeout`` the
    seconds that one lookup may take.
    """

    def __init__(
        self, servers: Sequence[str] | None = None, *, port: int = 53, timeout: float = TIMEOUT
    ) -> None:
        self.servers = None if servers is None else tuple(servers)
        self.port = port
        self.timeout = timeout
        self._stub: StubResolver | None = None

    def lookup(self, name: str, rdtype: str) -> Lookup:
        """The records of type ``rdtype`` at ``name``; see `labkit.lookup.Resolver`."""
        import dns.exception
        import dns.name
        import dns.rdatatype
        import dns.resolver

        rdtype = rdtype.upper()
        try:
            question = dns.name.Name((*key_of(name), b""))
            number = dns.rdatatype.from_text(rdtype)
            answer = self._resolver().resolve(question, number, raise_on_no_answer=False, search=False)
        except NameProblem as problem:  # no query could ask for it; compare Zones.lookup
            return Lookup(name, rdtype, "nxdomain", (), f"this cannot be a name: {problem}")
        except dns.rdatatype.UnknownRdatatype:
            return Lookup(name, rdtype, "servfail", (), f"DNS knows no record type {rdtype}")
        except dns.resolver.NoResolverConfiguration:
            return Lookup(
                name, rdtype, "timeout", (), "this machine has no name server: it has no network, or hides it"
            )
        except dns.resolver.NXDOMAIN as error:
            return Lookup(
                name,
                rdtype,
                "nxdomain",
                (),
                "the name does not exist",
                _aliases(error.response(question)),  # type: ignore[no-untyped-call]
            )
        except dns.resolver.LifetimeTimeout:
            return Lookup(name, rdtype, "timeout", (), f"no name server answered within {self.timeout:g} s")
        except dns.resolver.NoNameservers as error:
            return _refused(name, rdtype, error)
        except (dns.exception.DNSException, ValueError) as error:
            return Lookup(name, rdtype, "servfail", (), str(error) or type(error).__name__)
        except OSError as error:
            return Lookup(name, rdtype, "timeout", (), f"no network: {error}")
        aliases = _aliases(answer.response)
        if answer.rrset is None:
            return Lookup(name, rdtype, "nodata", (), f"the name has no {rdtype} record", aliases)
        return Lookup(name, rdtype, "answer", tuple(answer.rrset), "", aliases)

    def _resolver(self) -> StubResolver:
        if self._stub is None:
            import dns.resolver

            stub = dns.resolver.Resolver(configure=self.servers is None)
            if self.servers is not None:
                stub.nameservers = list(self.servers)
                stub.port = self.port
            stub.lifetime = self.timeout
            stub.timeout = max(self.timeout / 2, 0.1)
            stub.cache = dns.resolver.LRUCache(_REMEMBERED)
            self._stub = stub
        return self._stub

    def __repr__(self) -> str:
        where = "the name servers of this machine" if self.servers is None else ", ".join(self.servers)
        return f"<live resolver: asks {where}>"


def _aliases(response: QueryMessage) -> tuple[str, ...]:
    """The names that CNAME records led to, in order."""
    import dns.exception

    try:
        names = response.resolve_chaining().cnames
    except dns.exception.DNSException:
        return ()
    return tuple(alias[0].target.to_text(omit_final_dot=True) for alias in names)


def _refused(name: str, rdtype: str, error: Exception) -> Lookup:
    """Every name server failed: because the network did, or by its own answer."""
    errors = [entry[3] for entry in getattr(error, "kwargs", {}).get("errors", ())]
    outcome: Outcome = "servfail"
    if errors and all(isinstance(one, OSError) for one in errors):
        outcome, reason = "timeout", f"no network: {errors[0]}"
    else:
        reason = (
            f"the name servers gave no answer that helps: {errors[0]}" if errors else "no name server is left"
        )
    return Lookup(name, rdtype, outcome, (), reason)
