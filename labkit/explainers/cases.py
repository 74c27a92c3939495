"""One code at one stage: what the same three digits mean there, who must act, and what they do.

Where common advice differs from the standard, the case says both. The headline says already that the line was
accepted, put off or refused; a case says what the headline cannot.
"""

from __future__ import annotations

from labkit.frozen import dataclass
from labkit.smtp.rule import Rule

__all__ = ["BY_STATUS", "CANCELLED", "CASES", "LATER", "Case"]


@dataclass(frozen=True, slots=True)
class Case:
    """``more`` follows the headline; ``who`` acts (``""``: nobody); ``then`` says what they do."""

    more: str
    who: str
    then: str
    rules: tuple[Rule, ...] = ()


_SENDER = "the sender"
_CLIENT = "the client"
_POSTMASTER = "the sender's postmaster"
LATER = "Keep the message and try again, after half an hour at the earliest."
"""What a client does after a 4."""
_OWN_FAULT = "Something failed on the server's own side."
_NOT_IN_LOGS = LATER + " Your own logs will not show the cause."
_RETRY = Rule("RFC 5321 section 4.5.4.1", "Wait 30 minutes or more; give up after four or five days.")
_THREE = Rule("RFC 5321 section 4.2.3", "550 covers three causes: not found, no access, or policy.")
_ROOM = Rule("RFC 5321 section 4.2.3", "452 and 552 are about room.")
_MANY = Rule("RFC 5321 section 4.5.3.1.10", "Too many recipients: 452. A 552 counts the same.")
_FAIL = Rule("RFC 5321 section 4.2.5", "After 4 or 5 the server may not deliver it.")
_OWNS = Rule("RFC 5321 section 6.1", "With 250 the server has to deliver, or to report.")
_SIZE = Rule("RFC 1870 section 6.1", "A message that was announced as too large may be refused at MAIL.")
_ORDER = Rule("RFC 5321 section 4.1.4", "Out of order is 503, and the session stays where it is.")
_NAME = Rule("RFC 5321 section 4.1.4", "A name that fits no address is no ground to refuse.")
_FALL_BACK = Rule("RFC 5321 section 3.2", "If EHLO is not understood, go on with HELO.")
_FORWARD = Rule("RFC 5321 section 3.4", "251 and 551 carry a new address in their text.")
_VERIFY = Rule("RFC 5321 section 3.5.3", "A site that does not check addresses answers VRFY with 252.")
_NO_TEXT = Rule("RFC 5321 section 3.3", "Without 354 no text may be sent.")
_GREY = Rule("RFC 6647", "Greylisting holds back an unknown client once, and expects it to try again.")
_PUBLIC = Rule("RFC 3207 section 4", "A public server must not require TLS for mail to its own users.")
_DSN = Rule("RFC 5321 section 4.1.1.11", "An unknown parameter: 555. Not possible now: 455.")

_CAUSES = "550 alone leaves three causes open: no such mailbox, no access, or policy."
_REMOVE = (
    "Common advice says remove the address. The number alone is no ground for that. "
    "Check both halves of the address, letter by letter."
)

CASES: dict[tuple[int, str], Case] = {
    # ---------------------------------------------------------------- the connection
    (220, "greeting"): Case(
        "In SMTP the server speaks first.", _CLIENT, "Send EHLO with the client's own name."),
    (554, "greeting"): Case(
        "It gives no mail service on this connection.", _CLIENT,
        "Send QUIT. Try another host of that domain, or ask its postmaster another way."),
    (521, "greeting"): Case(
        "This host takes no mail at all, today or later.", _CLIENT,
        "Send QUIT. This host is the wrong place for mail.",
        (Rule("RFC 7504 section 3", "521 greets where no mail is ever taken."),)),
    # ---------------------------------------------------------------- EHLO and HELO
    (250, "EHLO"): Case("The first line names the server; each further line offers one extension.", "", ""),
    (250, "HELO"): Case("There are no extensions in this session.", "", ""),
    (500, "EHLO"): Case(
        "It does not know EHLO: it is an old server.", _CLIENT, "Go on with HELO.", (_FALL_BACK,)),
    (502, "EHLO"): Case("It knows EHLO and does not offer it.", _CLIENT, "Go on with HELO.", (_FALL_BACK,)),
    (501, "EHLO"): Case(
        "The name is not well formed, or it is missing.", _CLIENT,
        "Send the full host name, or the address in square brackets."),
    (501, "HELO"): Case(
        "The name is not well formed, or it is missing.", _CLIENT, "Send the full host name."),
    (504, "EHLO"): Case(
        "It wants the name in another form.", _CLIENT,
        "Send the full host name, or the address in square brackets."),
    (504, "HELO"): Case("It wants the name in another form.", _CLIENT, "Send the full host name."),
    (550, "EHLO"): Case(
        "A policy of this server is against this client.", _POSTMASTER,
        "Ask what the policy objects to. The name alone is no ground.", (_NAME,)),
    (550, "HELO"): Case(
        "A policy of this server is against this client.", _POSTMASTER,
        "Ask what the policy objects to. The name alone is no ground.", (_NAME,)),
    # ---------------------------------------------------------------- MAIL
    (250, "MAIL"): Case(
        "Little has been checked so far: a refusal may still come at RCPT or after the dot.", "", ""),
    (450, "MAIL"): Case("A policy holds this sender back for now.", _CLIENT, LATER, (_RETRY,)),
    (451, "MAIL"): Case(_OWN_FAULT, _CLIENT, _NOT_IN_LOGS, (_RETRY,)),
    (452, "MAIL"): Case("It has no room for a message of this size now.", _CLIENT, LATER, (_RETRY, _ROOM)),
    (455, "MAIL"): Case(
        "It cannot honour one of the parameters now.", _CLIENT,
        "Send MAIL without that parameter, or try again later.", (_DSN,)),
    (501, "MAIL"): Case(
        "The address or a parameter is not well formed.", _CLIENT,
        "Write MAIL FROM:<address>, with brackets and without a space."),
    (530, "MAIL"): Case(
        "It takes mail only after AUTH, or after STARTTLS.", _CLIENT,
        "Look at the answer to EHLO: send STARTTLS or AUTH first.", (_PUBLIC,)),
    (550, "MAIL"): Case(
        _CAUSES, _POSTMASTER,
        "Check the sender's domain: is it in the DNS, does its SPF permit this host?", (_THREE,)),
    (552, "MAIL"): Case(
        "The size that was announced is more than it takes.", _SENDER,
        "Send less. SIZE in the answer to EHLO names the limit.", (_SIZE,)),
    (553, "MAIL"): Case(
        "The sender's address is not allowed here.", _SENDER,
        "Use a sender address that belongs to this account or domain."),
    (554, "MAIL"): Case(
        "It gives no closer reason.", _POSTMASTER, "Ask the site's postmaster what it objects to."),
    (555, "MAIL"): Case(
        "It does not know one of the parameters.", _CLIENT,
        "Use only parameters that the answer to EHLO offers.", (_DSN,)),
    # ---------------------------------------------------------------- RCPT
    (250, "RCPT"): Case("The message itself may still be refused, after the dot.", "", ""),
    (251, "RCPT"): Case(
        "The mailbox is elsewhere, and the server will forward. The text names the new address.", _SENDER,
        "Note the new address for later.", (_FORWARD,)),
    (450, "RCPT"): Case(
        "The mailbox is busy, or a policy holds the sender back for now.", _CLIENT,
        LATER + " Greylisting looks like this.", (_RETRY, _GREY)),
    (451, "RCPT"): Case(_OWN_FAULT, _CLIENT, _NOT_IN_LOGS, (_RETRY,)),
    (452, "RCPT"): Case(
        "There are too many recipients for one message, or there is no room.", _CLIENT,
        "Send the message to those accepted, and the rest in a further transaction.", (_MANY, _ROOM)),
    (455, "RCPT"): Case(
        "It cannot honour one of the parameters now.", _CLIENT,
        "Send RCPT without that parameter, or try again later.", (_DSN,)),
    (501, "RCPT"): Case(
        "The address or a parameter is not well formed.", _CLIENT,
        "Write RCPT TO:<address>, with brackets and without a space."),
    (530, "RCPT"): Case(
        "It takes this mail only after AUTH, or after STARTTLS.", _CLIENT,
        "Look at the answer to EHLO: send STARTTLS or AUTH first.", (_PUBLIC,)),
    (550, "RCPT"): Case(
        _CAUSES, _SENDER, _REMOVE, (_THREE,)),
    (551, "RCPT"): Case(
        "The mailbox is elsewhere. The text may name the new address.", _SENDER,
        "Send to the new address.", (_FORWARD,)),
    (552, "RCPT"): Case(
        "The mailbox has no room left, or there are too many recipients.", _CLIENT,
        "Keep the address. Try again later, or with fewer recipients.", (_MANY, _ROOM)),
    (553, "RCPT"): Case("The address is not allowed, or not well formed.", _SENDER, "Check the address."),
    (554, "RCPT"): Case(
        "It gives no closer reason. Many servers answer so for blocked clients and for relaying.",
        _POSTMASTER, "Ask the site's postmaster what it objects to."),
    (555, "RCPT"): Case(
        "It does not know one of the parameters.", _CLIENT,
        "Use only parameters that the answer to EHLO offers.", (_DSN,)),
    (556, "RCPT"): Case(
        "The recipient's domain takes no mail at all.", _SENDER,
        "Take the address off the list; no address at that domain will work.",
        (Rule("RFC 7504 section 4", "556: the domain takes no mail, as its DNS says."),)),
    # ---------------------------------------------------------------- DATA
    (354, "DATA"): Case(
        "The text ends at a line with a dot alone.", _CLIENT, "Send header, blank line, body, dot."),
    (450, "DATA"): Case("A policy holds the message back for now.", _CLIENT, LATER, (_NO_TEXT, _RETRY)),
    (451, "DATA"): Case(_OWN_FAULT, _CLIENT, LATER, (_NO_TEXT, _RETRY)),
    (452, "DATA"): Case("It has no room now.", _CLIENT, LATER, (_NO_TEXT, _RETRY)),
    (503, "DATA"): Case(
        "Common tables say EHLO, MAIL, RCPT, DATA. It means here: no recipient was accepted.", _CLIENT,
        "Send RCPT for at least one recipient first.", (_NO_TEXT, _ORDER)),
    (530, "DATA"): Case(
        "It takes mail only after AUTH, or after STARTTLS.", _CLIENT,
        "Look at the answer to EHLO: send STARTTLS or AUTH first.", (_NO_TEXT,)),
    (550, "DATA"): Case(
        "A policy is against the message before its text was seen.", _POSTMASTER,
        "Ask the site's postmaster what it objects to.", (_NO_TEXT, _THREE)),
    (554, "DATA"): Case(
        "At DATA 554 means: there is no valid recipient.", _CLIENT,
        "Send RCPT for at least one valid recipient first.", (_NO_TEXT,)),
    # ---------------------------------------------------------------- the whole message
    (250, "text"): Case("That is not yet the inbox.", "", "", (_OWNS,)),
    (450, "text"): Case("A policy holds the message back for now.", _CLIENT, LATER, (_FAIL, _RETRY)),
    (451, "text"): Case(_OWN_FAULT, _CLIENT, _NOT_IN_LOGS, (_FAIL, _RETRY)),
    (452, "text"): Case("It has no room for the message now.", _CLIENT, LATER, (_FAIL, _RETRY, _ROOM)),
    (500, "text"): Case(
        "A line of the text is longer than the server takes.", _CLIENT,
        "Break the long lines, or encode the body. Then send the message again.",
        (Rule("RFC 5321 section 4.5.3.1.6", "A text line has at most 1000 octets, CR LF included."),)),
    (550, "text"): Case(
        "It has read the message, and a policy is against it.", _POSTMASTER,
        "Every recipient was accepted before: keep the addresses. Look at content and sender.",
        (_FAIL, _THREE)),
    (552, "text"): Case(
        "The message is larger than it takes, or a mailbox is full.", _SENDER,
        "Send less. SIZE in the answer to EHLO names the limit.", (_FAIL, _ROOM)),
    (554, "text"): Case(
        "After the dot 554 means: the message was looked at and rejected.", _POSTMASTER,
        "Common advice says review reputation. Look at content and sender's identity first.", (_FAIL,)),
    # ---------------------------------------------------------------- BDAT
    (250, "BDAT"): Case(
        "The message is not complete.", _CLIENT, "Send the next chunk, the last one with LAST."),
    (250, "BDAT LAST"): Case("That is not yet the inbox.", "", "", (_OWNS,)),
    (552, "BDAT"): Case("The message is larger than it takes.", _SENDER, "Send less.", (_ROOM,)),
    (554, "BDAT"): Case(
        "At BDAT 554 means: there is no valid recipient.", _CLIENT,
        "Send RCPT for at least one valid recipient first."),
    (550, "BDAT LAST"): Case(
        "It has read the message, and a policy is against it.", _POSTMASTER,
        "Every recipient was accepted before: keep the addresses.", (_FAIL, _THREE)),
    (552, "BDAT LAST"): Case(
        "The message is larger than it takes, or a mailbox is full.", _SENDER, "Send less.",
        (_FAIL, _ROOM)),
    (554, "BDAT LAST"): Case(
        "The message was looked at and rejected.", _POSTMASTER, "Look at content and sender's identity.",
        (_FAIL,)),
    # ---------------------------------------------------------------- the small commands
    (250, "RSET"): Case("What EHLO said still holds.", "", ""),
    (250, "NOOP"): Case("The server is there and listens.", "", ""),
    (221, "QUIT"): Case("It closes the connection now.", "", ""),
    (211, "HELP"): Case("The text is for people: no program acts on it.", "", ""),
    (214, "HELP"): Case("The text is for people: no program acts on it.", "", ""),
    (502, "HELP"): Case("The server has no help to give. Not every server has.", "", ""),
    (504, "HELP"): Case("The server has no help about this word.", _CLIENT, "Send HELP alone."),
    # ---------------------------------------------------------------- VRFY and EXPN
    (250, "VRFY"): Case("The address exists; the text names it.", "", ""),
    (251, "VRFY"): Case("The mailbox is elsewhere, and the server would forward.", "", "", (_FORWARD,)),
    (252, "VRFY"): Case(
        "It does not check, and would try to deliver. This says nothing about the address.", _SENDER,
        "Send the message: the answer to RCPT tells more."),
    (500, "VRFY"): Case(
        "It does not know VRFY, although every server has to.", "",
        "Common advice calls this normal. The standard asks a site that does not check for 252.",
        (_VERIFY,)),
    (502, "VRFY"): Case(
        "VRFY is switched off.", "",
        "Common advice calls this normal. The standard asks a site that does not check for 252.",
        (_VERIFY,)),
    (504, "VRFY"): Case("It does not take this argument.", _CLIENT, "Ask with a full address."),
    (550, "VRFY"): Case(
        "The address does not exist, or the server does not tell.", _SENDER,
        "Do not remove the address because of this alone.", (_VERIFY,)),
    (551, "VRFY"): Case(
        "The mailbox is elsewhere. The text may name the new address.", _SENDER,
        "Send to the new address.", (_FORWARD,)),
    (553, "VRFY"): Case("The name fits more than one mailbox.", _CLIENT, "Ask with a full address."),
    (250, "EXPN"): Case("Each line of the text is one member.", "", ""),
    (252, "EXPN"): Case("It does not check, and would take a message for it.", "", ""),
    (500, "EXPN"): Case("It does not know EXPN. No server has to.", "", ""),
    (502, "EXPN"): Case("The server knows EXPN and does not do it. No server has to.", "", ""),
    (504, "EXPN"): Case("It does not take this argument.", _CLIENT, "Ask with the list's name alone."),
    (550, "EXPN"): Case("There is no such list, or you may not see it.", "", ""),
    # ---------------------------------------------------------------- STARTTLS
    (220, "STARTTLS"): Case(
        "Not one more octet in clear may follow.", _CLIENT, "Do the TLS handshake, then send EHLO again.",
        (Rule("RFC 3207 section 4.2", "After the handshake both sides forget what they knew."),)),
    (454, "STARTTLS"): Case(
        "The session is still in clear.", _CLIENT,
        "Go on in clear only if the message may be read by anybody; else QUIT and try later."),
    (501, "STARTTLS"): Case("STARTTLS takes no argument.", _CLIENT, "Send STARTTLS alone."),
    (502, "STARTTLS"): Case(
        "It does not offer TLS.", _CLIENT, "Go on in clear only if the message may be read by anybody."),
    # ---------------------------------------------------------------- AUTH
    (235, "AUTH"): Case("No second AUTH may follow in this session.", "", ""),
    (334, "AUTH"): Case(
        "Its text is a challenge in base64, or empty.", _CLIENT,
        "Answer with one line of base64, or * to cancel."),
    (432, "AUTH"): Case(
        "The password has to be stored in a new form first.", _CLIENT,
        "Log in once with PLAIN under TLS."),
    (454, "AUTH"): Case("The password may be right: the check itself failed.", _CLIENT, "Try again later."),
    (500, "AUTH"): Case(
        "It does not know AUTH, or the line is too long.", _CLIENT,
        "Look whether the answer to EHLO offers AUTH."),
    (501, "AUTH"): Case(
        "The line is not well formed base64, or the client cancelled.", _CLIENT,
        "Encode it again, without a line end in it."),
    (504, "AUTH"): Case("It does not have this mechanism.", _CLIENT, "Choose one from the answer to EHLO."),
    (530, "AUTH"): Case("It wants TLS first.", _CLIENT, "Send STARTTLS, then EHLO, then AUTH again."),
    (534, "AUTH"): Case("The mechanism is too weak for this user.", _CLIENT, "Choose a stronger one."),
    (535, "AUTH"): Case(
        "User name or password is wrong, or wrongly encoded.", _SENDER,
        "Check both. A line end inside the base64 is a common slip."),
    (538, "AUTH"): Case(
        "This mechanism is permitted only under TLS.", _CLIENT,
        "Send STARTTLS, then EHLO, then AUTH again."),
    # ---------------------------------------------------------------- ETRN
    (250, "ETRN"): Case("The queue starts.", "", ""),
    (251, "ETRN"): Case("No message waits for that domain.", "", ""),
    (252, "ETRN"): Case("Messages wait for that domain, and delivery starts.", "", ""),
    (253, "ETRN"): Case(
        "Messages wait for that domain, and delivery starts. The text says how many.", "", ""),
    (458, "ETRN"): Case("The queue for that domain cannot be started.", _CLIENT, "Try again later."),
    (459, "ETRN"): Case(
        "That domain may not be asked for.", _POSTMASTER, "Ask the site that holds the mail."),
}  # fmt: skip
CASES.update({(code, "response"): case for (code, stage), case in CASES.items() if stage == "AUTH"})

CANCELLED = Case(
    "The client cancelled with *, and 501 is the answer to that.",
    _CLIENT,
    "Begin AUTH anew, or go on without it.",
    (Rule("RFC 4954 section 4", "A line with * alone cancels; the server answers 501."),),
)
"""501 to the response ``*``."""

_HELD = Case(
    "A policy holds this mail back for now. Greylisting looks like this.", _CLIENT, LATER, (_RETRY, _GREY)
)
BY_STATUS: dict[tuple[str, str], Case] = {
    ("5.7.1", "RCPT"): Case(
        "A policy forbids it. At RCPT the commonest one: no relaying to domains that are not served here.",
        _SENDER,
        "Check the domain after the @ first. If it is right, ask what the policy objects to.",
        (Rule("RFC 3463 section 3.8", "7.1: the delivery is not authorized, or a policy refuses it."),),
    ),
    **{(f"4.7.{n}", stage): _HELD for stage in ("MAIL", "RCPT", "DATA", "text", "BDAT LAST") for n in "01"},
}
"""Enhanced codes that say something closer at one stage."""
