"""What the free text of replies and bounces often says: words of well-known servers, in families.

No program may decide by that text (RFC 5321 section 4.2), and no rule says how it is worded. For a person it is the
best hint there is when the code alone leaves the cause open. So what is found here is always told as a hint.
"""

from __future__ import annotations

import re

from labkit.frozen import dataclass
from labkit.smtp.rule import Rule

__all__ = ["BROADEST", "HINT", "Phrase", "phrase_in"]

HINT = Rule(
    "RFC 5321 section 4.2", "The text of a reply is for people: it hints at the cause, and binds nobody."
)

_SENDER = "the sender"
_CLIENT = "the client"
_POSTMASTER = "the sender's postmaster"
_RECIPIENT = "the recipient"
_RECEIVER = "the receiving side"


@dataclass(frozen=True, slots=True)
class Phrase:
    """One family of wordings."""

    pattern: re.Pattern[str]
    meaning: str
    who: str
    then: str


def _phrase(pattern: str, meaning: str, who: str, then: str) -> Phrase:
    return Phrase(re.compile(pattern, re.IGNORECASE), meaning, who, then)


_PHRASES: tuple[Phrase, ...] = (
    _phrase(r"greylist|gr[ae]y-?list|try again in \d+ (?:second|minute)s? .*policy",
            "greylisting: an unknown client is held back once, and expected to try again (RFC 6647)",
            _CLIENT, "Let the queue try again; nothing has to be repaired."),
    _phrase(r"relay(?:ing)? (?:access )?(?:denied|not permitted|not allowed|prohibited|is not)|not permitted to relay"
            r"|unable to relay|cannot relay|we do not relay|relaying denied|relay access",
            "relaying: the server does not serve the recipient's domain, and does not know this client as its own",
            _SENDER, "Log in (AUTH) at the submission server, or check the recipient's domain and its MX."),
    _phrase(r"listed (?:at|in|by|on)|blocked (?:using|by|at) |block ?list|blacklist|\brbl\b|\bdnsbl\b|spamhaus|spamcop|barracuda|\bsorbs\b|zen\.",
            "a block list: the sending address (or a domain) is on a list that the receiver asks",
            _POSTMASTER, "Look the address up at the list named in the text, end the cause, then ask for removal."),
    _phrase(r"null ?mx|does not accept mail|domain .*(?:accepts|receives) no mail",
            "a null MX: the domain says in the DNS that it takes no mail (RFC 7505)",
            _SENDER, "Take the address off the list; no address at that domain will work."),
    _phrase(r"\bdmarc\b", "DMARC: the domain in From is not backed by an aligned SPF or DKIM pass",
            _POSTMASTER, "Read Authentication-Results of one message, and align SPF or DKIM with the domain in From."),
    _phrase(r"\bdkim\b", "DKIM: no signature passed, or none of the domain in From",
            _POSTMASTER, "Check the signature and its key at selector._domainkey.domain."),
    _phrase(r"\bspf\b|sender policy framework|not (?:an? )?(?:authorized|designated|allowed|permitted) .*(?:send|sender)"
            r"|openspf", "SPF: the sending address is not in the record of the MAIL FROM domain",
            _POSTMASTER, "Put the sending address into that domain's SPF record, or send through a permitted host."),
    _phrase(r"reverse (?:dns|hostname|lookup)|\bptr\b|\brdns\b|cannot find your (?:reverse )?hostname"
            r"|fcrdns|hostname .*does not resolve",
            "reverse DNS: the sending address has no PTR name, or the name does not lead back",
            _POSTMASTER, "Set a PTR record whose name leads back to the address. The network's owner does that."),
    _phrase(r"(?:must|need to|should) (?:issue|use) .{0,12}starttls|starttls (?:is )?(?:required|first)"
            r"|encryption (?:is )?(?:required|needed)|tls (?:is )?required|requires? (?:tls|encryption)",
            "TLS is asked for first", _CLIENT, "Send STARTTLS, then EHLO, then the command again."),
    _phrase(r"smtpclientauthentication is disabled|basic authentication is disabled",
            "logging in with a password is switched off for this account or tenant",
            _SENDER, "Ask the administrator to permit SMTP AUTH, or use OAuth."),
    _phrase(r"application-specific password|app password|less secure app",
            "the account wants an app password or OAuth instead of the usual password",
            _SENDER, "Make an app password in the account, or use OAuth."),
    _phrase(r"username and password not accepted|authentication (?:unsuccessful|failed|failure|credentials invalid)"
            r"|invalid (?:login|credentials|user(?:name)?|password)|bad (?:username|credentials)|login (?:failed|denied)",
            "user name or password was not accepted",
            _SENDER, "Check both; some providers want an app password or OAuth."),
    _phrase(r"authentication (?:is )?(?:required|needed)|must (?:be )?authenticate|not authenticated|please log ?in"
            r"|sender verify|smtp auth", "the server wants the client to log in first",
            _SENDER, "Send AUTH before MAIL, at the submission server."),
    _phrase(r"over ?quota|quota (?:exceeded|full)|mailbox (?:is )?(?:full|over)|(?:out of|insufficient) (?:storage|space)"
            r"|exceeded (?:storage|its quota)|storage (?:quota|limit)|inbox is (?:full|out of)|disk quota",
            "the mailbox is full", _RECIPIENT, "Make room. The sender keeps the address and tries later."),
    _phrase(r"too (?:large|big)|(?:message|size) exceeds|exceeds .{0,30}size|size limit|maximum (?:message )?size",
            "the message is too large", _SENDER, "Send less, or a link; SIZE in the answer to EHLO names the limit."),
    _phrase(r"helo command rejected|fully.qualified (?:host|domain) ?name|invalid (?:helo|ehlo|hostname)|(?:helo|ehlo) (?:name|argument|required)",
            "the name in EHLO: the server wants the full host name", _CLIENT,
            "Set the client's own full host name, one that the DNS knows."),
    _phrase(r"need (?:rcpt|mail)\b|no valid recipients|(?:rcpt|mail) first", "the order: no recipient, or no sender, was accepted before",
            _CLIENT, "Keep the order EHLO, MAIL, RCPT, DATA."),
    _phrase(r"too many recipients|recipients? limit|maximum .{0,20}recipients",
            "too many recipients in one transaction", _CLIENT, "Send the rest in a further transaction."),
    _phrase(r"too many (?:messages|connections|emails|errors|concurrent|requests|unknown|login|failed)|rate.?limit|throttl"
            r"|too (?:fast|quickly|frequently)|receiving mail (?:at )?too|(?:daily|hourly|sending) (?:\w+ )?(?:limit|quota)"
            r"|unusual rate|limit exceeded|rate that prevents",
            "a rate limit: too much at a time", _CLIENT, "Send slower, with fewer connections; let the queue try again."),
    _phrase(r"loop|too many hops|hop count", "a loop: the message has been at too many hosts",
            _POSTMASTER, "Find the forwarding that leads back to itself."),
    _phrase(r"(?:account|mailbox|user|email account).{0,40}(?:disabled|inactive|suspended|deactivated|locked)",
            "the mailbox is disabled", _SENDER, "Reach the recipient another way; repeated trying does not help."),
    _phrase(r"domain (?:not found|of sender .*does not resolve|.*does not exist|name not found)|host (?:not found|unknown)"
            r"|nxdomain|name service error|no mx|mx records? points?|unable to (?:look ?up|resolve)|dns (?:error|lookup|query|failure)"
            r"|sender address rejected: domain",
            "a name that the DNS does not find", _SENDER, "Check the domain's spelling, and its MX and A records."),
    _phrase(r"user unknown|unknown (?:user|recipient|mailbox|address|local)|no such (?:user|mailbox|recipient|address|person)"
            r"|(?:user|mailbox|recipient|address|account)[^.]{0,60}(?:does not exist|doesn't exist|not found|unavailable"
            r"|not exist|invalid|unknown)|invalid (?:recipient|mailbox|address)|recipient (?:address )?rejected"
            r"|no mailbox|recipient not found|recipientnotfound|not our customer|address rejected|unrouteable|unroutable",
            "no such mailbox, as this server sees it", _SENDER,
            "Check both halves of the address, letter by letter; if it is right, take it off the list."),
    _phrase(r"timed? ?out|timeout", "nobody answered in time", _CLIENT,
            "Try again later. If it stays so, look whether a firewall blocks port 25."),
    _phrase(r"connection refused", "the other computer is there, and nothing listens at that port",
            _CLIENT, "Check host name and port, and whether the server runs."),
    _phrase(r"no route to host|network (?:is )?unreachable|unreachable", "there is no way to that address",
            _CLIENT, "Check the network, and whether IPv6 works at all."),
    _phrase(r"lost connection|connection (?:closed|reset|lost|dropped|died)|closed connection|broken pipe|unexpectedly closed",
            "the connection ended in the middle", _CLIENT, "Try again later; the message is still with the client."),
    _phrase(r"certificate|self.?signed|\bx509\b", "the server's certificate was not accepted",
            _RECEIVER, "Give the server a valid certificate for the name that clients use."),
    _phrase(r"expired|gave? up|retry time(?:out)?|too old|undeliverable for|could not be delivered for",
            "the time for trying is over", _SENDER, "Ask the recipient another way, and send the message again."),
    _phrase(r"virus|malware|infected", "a virus scanner objects", _SENDER, "Check the attachment, then your computer."),
    _phrase(r"attachment|file type", "an attachment of a kind that is not taken", _SENDER,
            "Send a link, or another kind of file."),
    _phrase(r"spam|unsolicited|junk|reputation|content (?:rejected|filter)|bulk|objectionable|suspicious",
            "a spam filter objects: to content, links or the sender's reputation",
            _POSTMASTER, "Look at content and links, at complaints, and at SPF, DKIM and DMARC."),
    _phrase(r"policy|prohibited|blocked|banned|denied|not (?:allowed|permitted|authorized)|refused",
            "a policy of the receiver is against it", _POSTMASTER, "Ask the receiving side's postmaster what it objects to."),
)  # fmt: skip


BROADEST = _PHRASES[-1]
"""The last family: words of refusal that name no cause."""


def phrase_in(text: str) -> Phrase | None:
    """The first family whose wording is in the text: the narrow families stand before the broad ones."""
    shortened = " ".join(text[:2_000].split())
    return next((phrase for phrase in _PHRASES if phrase.pattern.search(shortened)), None)
