"""Codes to which a large provider gives a meaning of its own, apart from the registry's. Each with source and date.

The registry (RFC 5248) is everybody's; a provider's list is a page that changes. So nothing here is a standard, and
whoever shows a row shows where and when it was read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from labkit.frozen import dataclass
from labkit.smtp.rule import Rule

__all__ = [
    "DATED",
    "GMAIL",
    "PROVIDERS",
    "SOURCE",
    "Provider",
    "ProviderMeaning",
    "meaning_at",
    "provider_of",
]

DATED = "Gmail, page of 12 February 2026"
SOURCE = "support.google.com/a/answer/3726730"
GMAIL: Mapping[str, str] = {
    "23": "no PTR name, or one that does not fit (with 451)",
    "25": "no PTR name, or one that does not fit (with 550)",
    "26": "neither SPF nor DKIM passed; or DMARC; or SPF -all",
    "27": "SPF did not pass",
    "28": "an unusual rate of mail",
    "29": "no TLS",
    "30": "DKIM did not pass",
    "32": "the domain in From is not aligned",
    "40": "no DMARC record",
}
"""The last number of X.7.n and what Gmail means by it; all of it changes, so it is quoted with its date."""

_POSTMASTER = "the sender's postmaster"
_SENDER = "the sender"
_GMAIL_STEPS: Mapping[str, str] = {
    "23": "Give the sending address a PTR name, and that name an A or AAAA record that leads back.",
    "25": "Give the sending address a PTR name, and that name an A or AAAA record that leads back.",
    "26": "Look at one message's Authentication-Results. Publish SPF and sign with DKIM for the domain in From.",
    "27": "Put the sending address into the SPF record of the MAIL FROM domain.",
    "28": "Send less at a time, and look at what recipients complain about.",
    "29": "Let the sending server use TLS.",
    "30": "Sign with DKIM, and check that the key can be found in the DNS.",
    "32": "Let the domain of SPF or of the DKIM signature be that of From.",
    "40": "Publish a DMARC record; p=none is enough.",
}


@dataclass(frozen=True, slots=True)
class ProviderMeaning:
    """What one provider means by one code."""

    provider: str
    text: str
    who: str
    then: str
    rule: Rule
    differs: bool = False
    """Whether the registry gives the same number another meaning, or none."""
    mark: str = ""
    """The word of the text that was read instead of the number, if so."""


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider, the words by which its replies can be known, and its codes without their class."""

    name: str
    signs: re.Pattern[str]
    source: str
    codes: Mapping[str, tuple[str, str, str]]
    """``7.26``: what is meant, who acts, what they do."""
    marks: tuple[tuple[str, str, str, str], ...] = ()
    """A word of the text that the provider uses as a code, and the same three."""
    same: frozenset[str] = frozenset()
    """Codes by which it means what the registry means."""


_GMAIL = Provider(
    "Gmail",
    re.compile(r"\bgsmtp\b|google\.com|googlemail\.com|gmail-smtp-in", re.IGNORECASE),
    f"{DATED} ({SOURCE})",
    {
        **{f"7.{n}": (f"Gmail means: {text}.", _POSTMASTER, _GMAIL_STEPS[n]) for n, text in GMAIL.items()},
        "4.6": ("Gmail stops a message that has more than 50 Received lines: it loops.", _POSTMASTER,
                "Find the forwarding that leads back to itself."),
    },
    same=frozenset({"7.25", "7.26", "7.28", "4.6"}),
)  # fmt: skip

_OUTLOOK = Provider(
    "Outlook.com and Exchange Online",
    re.compile(r"outlook\.com|\bhotmail\.com|office365\.com|S31[45]0|AS\(\d+\)", re.IGNORECASE),
    "Microsoft (techcommunity post 4399730, April 2025; learn.microsoft.com, NDR pages, 2026; not every row re-read)",
    {
        "7.515": ("Outlook.com means: the domain in From sends much mail, and SPF, DKIM or DMARC is missing.",
                  _POSTMASTER, "Let SPF and DKIM both pass, publish DMARC, and align one of them with From."),
        "7.57": ("Exchange Online means: this client must log in before MAIL.", _SENDER,
                 "Send AUTH, or use a connector that knows this address."),
        "7.64": ("Exchange Online means: no tenant takes this mail for its own, so it is relaying.", _POSTMASTER,
                 "Check the connector, and that the domain is an accepted one."),
        "7.139": ("Exchange Online means: logging in by SMTP is switched off for this account or tenant.", _SENDER,
                  "Ask the administrator to permit SMTP AUTH, or use OAuth."),
        "7.133": ("Exchange Online means: this group takes mail from its own organization alone.", _SENDER,
                  "Ask the group's owner to permit senders from outside."),
        "7.606": ("Outlook.com means: the sending address is banned.", _POSTMASTER,
                  "Ask for delisting at Microsoft's delist portal, after the cause is gone."),
        "7.708": ("Exchange Online means: mail from this address is not taken, as its traffic is suspicious.",
                  _POSTMASTER, "Ask Microsoft's support; new tenants meet it."),
        "4.1": ("Exchange Online means: the recipient is not in its directory, so the edge denies it.", _SENDER,
                "Check the address, letter by letter. The receiver checks its accepted domain."),
        "1.10": ("Exchange Online means: the recipient was not found.", _SENDER,
                 "Check the address, letter by letter."),
        "1.8": ("Exchange Online means: this account sent spam and is blocked from sending.", _SENDER,
                "Ask the administrator to secure and unblock the account."),
    },
    (
        ("S3140", "The network of the sending address is on Outlook.com's block list.", _POSTMASTER,
         "Ask for mitigation through Microsoft's sender support form."),
        ("S3150", "The sending address or its network is on Outlook.com's block list.", _POSTMASTER,
         "Ask for mitigation through Microsoft's sender support form."),
    ),
)  # fmt: skip

_YAHOO = Provider(
    "Yahoo",
    re.compile(r"yahoo(?:dns|inc)?\.(?:com|net)|\baol\.com|\[TSS?\d+\]", re.IGNORECASE),
    "Yahoo (senders.yahooinc.com/smtp-error-codes, copy of April 2025)",
    {
        "7.9": ("Yahoo means: the message was not accepted for policy reasons.", _POSTMASTER,
                "Check SPF, DKIM and DMARC first, then the content and what users complain about."),
    },
    (
        ("[TSS", "Yahoo holds the sending address back: unexpected volume, or user complaints.", _POSTMASTER,
         "Slow down, look at complaints, and let the queue try again."),
        ("[TS0", "Yahoo holds the sending address back: unusual traffic, or user complaints.", _POSTMASTER,
         "Slow down, look at complaints, and let the queue try again."),
        ("[BL", "The sending address is on a block list that Yahoo uses.", _POSTMASTER,
         "Find the list in the text, remove the cause, and ask the list for removal."),
    ),
)  # fmt: skip

PROVIDERS: tuple[Provider, ...] = (_GMAIL, _OUTLOOK, _YAHOO)


def provider_of(text: str) -> Provider | None:
    """The provider that a reply or a log line names, or None. A text can claim anything: it is a sign, not a proof."""
    return next((provider for provider in PROVIDERS if provider.signs.search(text)), None)


def meaning_at(text: str, enhanced: str | None) -> ProviderMeaning | None:
    """What the provider that `text` names means by this code (``"5.7.26"``) or by a mark in the text."""
    provider = provider_of(text)
    key = enhanced.split(".", 1)[1] if enhanced else ""
    if provider is None:
        alone = key == "7.515"  # a number so far outside the registry that it names its provider
        provider = _OUTLOOK if alone else None
    if provider is None:
        return None
    rule = Rule(provider.source, f"{provider.name} gives some numbers meanings of its own.")
    for mark, what, who, then in provider.marks:
        if mark.lower() in text.lower():
            return ProviderMeaning(provider.name, what, who, then, rule, mark=mark)
    found = provider.codes.get(key)
    if found is None and provider is _OUTLOOK and re.fullmatch(r"7\.6[0-4]\d", key):
        found = provider.codes["7.606"]
    return None if found is None else ProviderMeaning(provider.name, *found, rule, key not in provider.same)
