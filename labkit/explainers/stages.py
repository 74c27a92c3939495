"""The stages of a session: what was answered, and the headline of a good, an unfinished or a bad answer."""

from __future__ import annotations

from labkit.frozen import dataclass
from labkit.smtp.rule import Rule

__all__ = ["OTHER", "STAGES", "Stage"]

_MORE = "the server waits for more"


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage. ``noun`` names what was answered; ``done`` and ``on`` are the headlines of a 2 and of a 3."""

    noun: str
    done: str
    on: str
    rule: Rule

    def headline(self, severity: int) -> str:
        """What a reply with this first digit says here, as a short phrase."""
        if severity < 4:
            return self.done if severity == 2 else self.on
        return f"{self.noun} is {'put off' if severity == 4 else 'refused'}"


def _stage(noun: str, ref: str, text: str, done: str = "", on: str = _MORE) -> Stage:
    return Stage(noun, done or f"{noun} is accepted", on, Rule(ref, text))


OTHER = _stage("this line", "RFC 5321 section 4.2", "Every command gets exactly one reply.")
"""The stage of a line that is no known command."""

STAGES: dict[str, Stage] = {
    "greeting": _stage(
        "the connection", "RFC 5321 section 3.1", "The server speaks first: 220, or a refusal.",
        "the server is ready", "the server waits for more",
    ),
    "EHLO": _stage(
        "EHLO", "RFC 5321 section 4.1.1.1", "EHLO names the client; the answer lists the extensions."),
    "HELO": _stage("HELO", "RFC 5321 section 4.1.1.1", "HELO names the client; no extensions follow."),
    "MAIL": _stage(
        "this sender", "RFC 5321 section 3.3", "MAIL starts a transaction and names the reverse-path."),
    "RCPT": _stage(
        "this recipient", "RFC 5321 section 3.3",
        "Each RCPT is answered for itself; a refusal concerns this recipient and no other."),
    "DATA": _stage(
        "DATA", "RFC 5321 section 3.3", "Text may be sent after 354, and after nothing else.",
        on="the server waits for the text",
    ),
    "text": _stage(
        "the whole message", "RFC 5321 section 4.2.5",
        "The reply after the dot is for the whole message and all its recipients.",
    ),
    "BDAT": _stage(
        "this chunk", "RFC 3030 section 2", "Each chunk gets a reply; the last one's is for the message."),
    "BDAT LAST": _stage(
        "the whole message", "RFC 3030 section 2", "The reply to the last chunk is for the whole message."),
    "RSET": _stage(
        "RSET", "RFC 5321 section 4.1.1.5", "RSET drops the transaction and nothing else.", "RSET is done"),
    "NOOP": _stage(
        "NOOP", "RFC 5321 section 4.1.1.9", "NOOP changes nothing and is answered by 250.",
        "NOOP is answered"),
    "QUIT": _stage(
        "QUIT", "RFC 5321 section 4.1.1.10", "QUIT is answered by 221, and then the server closes.",
        "the server says goodbye"),
    "VRFY": _stage(
        "VRFY", "RFC 5321 section 3.5.3", "250 means that the address was checked; 252 that it was not.",
        "VRFY is answered"),
    "EXPN": _stage(
        "EXPN", "RFC 5321 section 3.5.2", "A site may switch off VRFY and EXPN for its security.",
        "EXPN is answered"),
    "HELP": _stage(
        "HELP", "RFC 5321 section 4.1.1.8", "HELP is answered by a text for people.", "HELP is answered"),
    "STARTTLS": _stage(
        "STARTTLS", "RFC 3207 section 4", "220 to STARTTLS means: now begin the TLS handshake.",
        "TLS may begin"),
    "AUTH": _stage(
        "AUTH", "RFC 4954 section 4", "AUTH ends with 235, or with a refusal. 334 asks for one more line.",
        "the client has proved who it is", "the server asks for one more line in base64"),
    "response": _stage(
        "this response", "RFC 4954 section 4", "Each 334 is answered by one line of base64, or by * alone.",
        "the client has proved who it is", "the server asks for one more line in base64"),
    "ETRN": _stage("ETRN", "RFC 1985", "ETRN asks a server to start its queue for a domain."),
}  # fmt: skip
"""Stage by the name of what was answered: a command's verb, ``greeting``, ``text`` or ``response``."""
