"""All faults of a mail host, by name. `MailHost.switch_on` takes a name from here, or a fault."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from labkit.hosts.fault import LONGEST_DELAY, STAGES, Fault, FaultSet, FaultyHost
from labkit.hosts.faults_connection import (
    ConnectionLost,
    DnsFailure,
    FixedReply,
    LocalError,
    MailLoop,
    NoExtensions,
    NoService,
    ShuttingDown,
    SlowServer,
)
from labkit.hosts.faults_policy import (
    Greylisting,
    MailboxFull,
    NoSuchUser,
    NullMx,
    OpenRelay,
    PolicyRefusal,
    RateLimit,
    RelayingDenied,
    TooBig,
    TooManyRecipients,
)
from labkit.hosts.faults_tls import (
    AuthInClear,
    LoginBroken,
    StarttlsInjection,
    TlsNotAvailable,
    WrongCertificate,
)

__all__ = [
    "FAULTS",
    "LONGEST_DELAY",
    "STAGES",
    "AuthInClear",
    "ConnectionLost",
    "DnsFailure",
    "Fault",
    "FaultSet",
    "FaultyHost",
    "FixedReply",
    "Greylisting",
    "LocalError",
    "LoginBroken",
    "MailLoop",
    "MailboxFull",
    "NoExtensions",
    "NoService",
    "NoSuchUser",
    "NullMx",
    "OpenRelay",
    "PolicyRefusal",
    "RateLimit",
    "RelayingDenied",
    "ShuttingDown",
    "SlowServer",
    "StarttlsInjection",
    "TlsNotAvailable",
    "TooBig",
    "TooManyRecipients",
    "WrongCertificate",
    "make_fault",
]

FAULTS: Mapping[str, type[Fault]] = {
    fault.name: fault
    for fault in (
        Greylisting,
        MailboxFull,
        NoSuchUser,
        PolicyRefusal,
        RelayingDenied,
        RateLimit,
        TooManyRecipients,
        TooBig,
        SlowServer,
        ConnectionLost,
        ShuttingDown,
        LocalError,
        NoService,
        NoExtensions,
        DnsFailure,
        MailLoop,
        OpenRelay,
        NullMx,
        FixedReply,
        WrongCertificate,
        TlsNotAvailable,
        AuthInClear,
        LoginBroken,
        StarttlsInjection,
    )
}
"""Every fault by its name; called with its settings it gives a new one."""


def make_fault(fault: Fault | str, **settings: Any) -> Fault:
    """A fault by its name, with settings; a fault that is one already is returned.

    Raises ``KeyError`` that names those there are, and ``TypeError`` for settings that do not fit.
    """
    if isinstance(fault, Fault):
        if settings:
            raise TypeError(f"{fault.name} is made already; give its settings where it is made")
        return fault
    kind = FAULTS.get(fault)
    if kind is None:
        raise KeyError(f"no fault {fault!r}; there are: {', '.join(FAULTS)}")
    return kind(**settings)
