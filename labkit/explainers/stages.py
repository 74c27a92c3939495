"""The stages of a session: what a good, an unfinished, a deferred and a refused answer means at each."""

from __future__ import annotations

from dataclasses import dataclass

from labkit.smtp.rule import Rule

__all__ = ["OTHER", "STAGES", "Stage"]


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage. ``noun`` names what was answered; ``said`` holds a sentence for each first digit."""

    noun: str
    said: dict[int, str]
    rule: Rule


def _stage(noun: str, ref: str, text: str, done: str, on: str, later: str, no: str) -> Stage:
    return Stage(noun, {2: done, 3: on, 4: later, 5: no}, Rule(ref, text))


_MORE = "The server waits for more, which this command does not call for."

OTHER = _stage(
    "this line", "RFC 5321 section 4.2", "Every command gets exactly one reply.",
    "The server took this line.", _MORE,
    "The server does not take this line now.", "The server refused this line.",
)  # fmt: skip
"""The stage of a line that is no known command."""

STAGES: dict[str, Stage] = {
    "greeting": _stage(
        "the connection", "RFC 5321 section 3.1", "The server speaks first: 220, or a refusal.",
        "The server is ready.", "The server waits for more, before anything was said.",
        "The server takes no session now.", "The server refuses this session.",
    ),
    "EHLO": _stage(
        "EHLO", "RFC 5321 section 4.1.1.1", "EHLO names the client; the answer lists the extensions.",
        "The server has taken the client's name and offers what the lines list.", _MORE,
        "The server does not take EHLO now.", "The server refused EHLO or the name in it.",
    ),
    "HELO": _stage(
        "HELO", "RFC 5321 section 4.1.1.1", "HELO names the client; no extensions follow.",
        "The server has taken the client's name. There are no extensions in this session.", _MORE,
        "The server does not take HELO now.", "The server refused HELO or the name in it.",
    ),
    "MAIL": _stage(
        "this sender", "RFC 5321 section 3.3", "MAIL starts a transaction and names the reverse-path.",
        "The server accepted this sender.", _MORE,
        "The server does not take mail from this sender now.",
        "The server refused this sender. No transaction has begun.",
    ),
    "RCPT": _stage(
        "this recipient", "RFC 5321 section 3.3", "Each RCPT is answered for itself.",
        "The server accepted this recipient.", _MORE,
        "The server does not take this recipient now.",
        "The server refused this recipient, and no other.",
    ),
    "DATA": _stage(
        "DATA", "RFC 5321 section 3.3", "Text may be sent after 354, and after nothing else.",
        "The server calls DATA done, although no text has come.",
        "The server is ready for the message text.",
        "The server does not take the text now.", "The server refused to take the text.",
    ),
    "text": _stage(
        "the whole message", "RFC 5321 section 4.2.5",
        "The reply after the dot is for the whole message and all its recipients.",
        "The server accepted the message.", "The server waits for more, although the text has ended.",
        "The server does not take this message now.", "The server refused the whole message.",
    ),
    "BDAT": _stage(
        "this chunk", "RFC 3030 section 2", "Each chunk gets a reply; the last one's is for the message.",
        "The server took this chunk.", _MORE,
        "The server does not take this chunk now. The message has failed.",
        "The server refused this chunk. The message has failed.",
    ),
    "BDAT LAST": _stage(
        "the whole message", "RFC 3030 section 2", "The reply to the last chunk is for the whole message.",
        "The server accepted the message.", _MORE,
        "The server does not take this message now.", "The server refused the whole message.",
    ),
    "RSET": _stage(
        "RSET", "RFC 5321 section 4.1.1.5", "RSET drops the transaction and nothing else.",
        "The server has dropped what the envelope held.", _MORE,
        "The server does not take RSET now.", "The server refused RSET.",
    ),
    "NOOP": _stage(
        "NOOP", "RFC 5321 section 4.1.1.9", "NOOP changes nothing and is answered by 250.",
        "The server is there and listens.", _MORE,
        "The server does not even take NOOP now.", "The server refused even NOOP.",
    ),
    "QUIT": _stage(
        "QUIT", "RFC 5321 section 4.1.1.10", "QUIT is answered by 221, and then the server closes.",
        "The server says goodbye and closes.", _MORE,
        "The server does not take QUIT now.", "The server refused QUIT.",
    ),
    "VRFY": _stage(
        "VRFY", "RFC 5321 section 3.5.3", "250 means that the address was checked; 252 that it was not.",
        "The server answers the question about the address.", _MORE,
        "The server cannot check the address now.", "The server gives no good answer about the address.",
    ),
    "EXPN": _stage(
        "EXPN", "RFC 5321 section 3.5.2", "A site may switch off VRFY and EXPN for its security.",
        "The server lists who is on the mailing list.", _MORE,
        "The server cannot list the members now.", "The server does not list the members.",
    ),
    "HELP": _stage(
        "HELP", "RFC 5321 section 4.1.1.8", "HELP is answered by a text for people.",
        "The server gives a text for people.", _MORE,
        "The server gives no help now.", "The server gives no help.",
    ),
    "STARTTLS": _stage(
        "STARTTLS", "RFC 3207 section 4", "220 to STARTTLS means: now begin the TLS handshake.",
        "The server is ready for the TLS handshake.", _MORE,
        "The server cannot begin TLS now.", "The server does not begin TLS.",
    ),
    "AUTH": _stage(
        "AUTH", "RFC 4954 section 4", "AUTH ends with 235, or with a refusal. 334 asks for one more line.",
        "The server is convinced who the client is.", "The server asks for one more line in base64.",
        "The server cannot check who the client is now.",
        "The server does not accept this proof.",
    ),
    "response": _stage(
        "this response", "RFC 4954 section 4", "Each 334 is answered by one line of base64, or by * alone.",
        "The server is convinced who the client is.", "The server asks for one more line in base64.",
        "The server cannot check who the client is now.", "The server does not accept this proof.",
    ),
    "ETRN": _stage(
        "ETRN", "RFC 1985", "ETRN asks a server to start its queue for a domain.",
        "The server has understood the request about its queue.", _MORE,
        "The server cannot start that queue now.", "The server does not start that queue.",
    ),
}  # fmt: skip
"""Stage by the name of what was answered: a command's verb, ``greeting``, ``text`` or ``response``."""
