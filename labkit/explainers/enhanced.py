"""Enhanced status codes: class, subject and detail (RFC 3463), with the registry's later entries (RFC 5248).

A code is explained by its own row; if its detail is unknown, by its subject; if that is unknown too, by its
class. The server's text plays no part.
"""

from __future__ import annotations

from labkit.frozen import dataclass
from labkit.smtp.rule import Rule

__all__ = ["CLASSES", "SUBJECTS", "TABLE", "Status", "status_of"]

CLASSES = {
    "2": "success",
    "4": "a passing trouble: the same attempt may work later",
    "5": "a lasting trouble: the same attempt will fail again",
}
"""The first number of the code."""

SUBJECTS = {
    "0": ("no subject given", "3.1"),
    "1": ("about an address", "3.2"),
    "2": ("about the mailbox", "3.3"),
    "3": ("about the receiving mail system", "3.4"),
    "4": ("about the network and the route", "3.5"),
    "5": ("about the protocol", "3.6"),
    "6": ("about the message's content", "3.7"),
    "7": ("about security or policy", "3.8"),
}
"""The second number: what it is about, and its section in RFC 3463."""

_SENDER = "the sender"
_CLIENT = "the client"
_POSTMASTER = "the sender's postmaster"
_RECIPIENT = "the recipient"
_RECEIVER = "the receiving side"
_READ_FROM_THE_LEFT = "An enhanced code is class, subject and detail. An unknown one is read from the left."
_AT_ONCE = frozenset({"5.1", "5.2", "5.3", "5.4", "7.9", "7.10", "7.11"})
_OWN_MEANING = " Large providers give 5.7.26 to 5.7.32 meanings of their own: look into their list."


@dataclass(frozen=True, slots=True)
class Status:
    """One detail. ``meaning`` is a sentence; ``who`` must act on a failure, and what they do is ``then``.

    ``ref`` is the document, for the rule. ``known`` is false if only class or subject could be explained.
    ``at_once``: even under class 4 there is something to do now, rather than to wait.
    """

    meaning: str
    who: str
    then: str
    ref: str
    known: bool = True
    at_once: bool = False

    @property
    def rule(self) -> Rule:
        """Where the code is defined, or how an unknown one is read."""
        return Rule(self.ref, self.meaning if self.known else _READ_FROM_THE_LEFT)


def _rows(
    subject: str, *rows: tuple[str, str, str, str] | tuple[str, str, str, str, str]
) -> dict[str, Status]:
    section = f"RFC 3463 section {SUBJECTS[subject][1]}"
    found = {}
    for detail, meaning, who, then, *ref in rows:
        key = f"{subject}.{detail}"
        found[key] = Status(meaning, who, then, ref[0] if ref else section, at_once=key in _AT_ONCE)
    return found


TABLE: dict[str, Status] = {
    **_rows(
        "0",
        ("0", "The server gives no closer reason.", _SENDER, "Go by the three digits and the stage."),
    ),
    **_rows(
        "1",
        ("0", "Something is wrong with an address.", _SENDER, "Check both addresses letter by letter."),
        ("1", "The mailbox does not exist at that domain.", _SENDER,
         "Correct the address, or remove it."),
        ("2", "The domain of the address does not exist, or takes no mail.", _SENDER,
         "Check the part after the @."),
        ("3", "The recipient's address is not well formed.", _SENDER, "Write it as <local-part@domain>."),
        ("4", "The address fits more than one mailbox.", _SENDER, "Ask for the full address."),
        ("5", "The recipient's address is valid.", "", ""),
        ("6", "The mailbox has moved, and nobody forwards its mail.", _SENDER, "Find the new address."),
        ("7", "The sender's address is not well formed.", _CLIENT,
         "Mend the address in MAIL FROM."),
        ("8", "The domain of the sender's address does not exist, or takes no mail back.", _POSTMASTER,
         "Use a sender domain that is in the DNS and can receive failure notices."),
        ("9", "The message went on to a system that reports nothing back.", "", "", "RFC 3886"),
        ("10", "The recipient's domain publishes a null MX: it takes no mail at all.", _SENDER,
         "Take the address off the list; no address at that domain will work.", "RFC 7505 section 4.1"),
    ),
    **_rows(
        "2",
        ("0", "Something is wrong with the mailbox.", _RECEIVER, "Reach the recipient by another way."),
        ("1", "The mailbox exists and takes no mail.", _RECIPIENT, "Reach the recipient by another way."),
        ("2", "The mailbox is full.", _RECIPIENT,
         "Reach the recipient by another way. The address itself is good: keep it."),
        ("3", "The message is longer than this mailbox takes.", _SENDER, "Send less, or send a link."),
        ("4", "The mailing list could not be expanded.", _RECEIVER, "Tell the list's owner."),
    ),
    **_rows(
        "3",
        ("0", "The receiving system has a trouble that it does not name.", _RECEIVER, "Ask its postmaster."),
        ("1", "The receiving system has no room left.", _RECEIVER, "Ask its postmaster."),
        ("2", "The receiving system takes no mail from the network now.", _RECEIVER, "Ask its postmaster."),
        ("3", "The receiving system cannot do what the message asks for.", _SENDER,
         "Send a message that needs less."),
        ("4", "The message is larger than this system takes.", _SENDER,
         "Send less. SIZE in the answer to EHLO names the limit."),
        ("5", "The receiving system is not set up right.", _RECEIVER, "Tell its postmaster."),
        ("6", "The priority that was asked for was changed.", "", "", "RFC 6710"),
    ),
    **_rows(
        "4",
        ("0", "Something is wrong with the network or the route.", _POSTMASTER, "Look into the route."),
        ("1", "The next host does not answer.", _RECEIVER, "Check the route and the host's name."),
        ("2", "The connection was lost or timed out.", _POSTMASTER, "Connect again."),
        ("3", "A directory that is needed for the route does not answer.", _POSTMASTER,
         "Check the DNS of the domain."),
        ("4", "No route leads to the recipient's host.", _POSTMASTER, "Check the domain's MX records."),
        ("5", "The mail system or its network is overloaded.", _RECEIVER, "Send less at a time."),
        ("6", "The message runs in a loop.", _POSTMASTER,
         "Read the Received fields from below: the loop is where names repeat."),
        ("7", "The message has waited too long, and the queue has given up.", _SENDER,
         "Find out why it waited, then send it anew."),
    ),
    **_rows(
        "5",
        ("0", "Something went wrong in the talk between client and server.", _CLIENT, "Read the session."),
        ("1", "The command came out of order, or is unknown.", _CLIENT,
         "Keep the order: EHLO, MAIL, RCPT, DATA."),
        ("2", "The line breaks the syntax.", _CLIENT, "Correct the line."),
        ("3", "There are more recipients than the server takes for one message.", _CLIENT,
         "Deliver to those accepted. Send the rest at once in a new transaction."),
        ("4", "The arguments of the command are not valid.", _CLIENT, "Correct the arguments."),
        ("5", "The two sides speak different versions of the protocol.", _CLIENT,
         "Use what the answer to EHLO offers."),
        ("6", "A line of the AUTH exchange is too long.", _CLIENT, "Send at most 12,288 octets a line.",
         "RFC 4954 section 6"),
    ),
    **_rows(
        "6",
        ("0", "Something is wrong with the content.", _SENDER, "Look at the message itself."),
        ("1", "The server does not take this kind of content.", _SENDER, "Send another kind."),
        ("2", "The content would have to be converted, and that is forbidden.", _SENDER,
         "Send it in a form that needs no conversion."),
        ("3", "The content would have to be converted, and the server cannot.", _SENDER,
         "Send it in a form that needs no conversion."),
        ("4", "The content was converted, and something was lost.", "", ""),
        ("5", "The conversion failed.", _SENDER, "Send it in a form that needs no conversion."),
        ("6", "The content that the message refers to cannot be fetched.", _CLIENT,
         "Check the reference.", "RFC 4468"),
        ("7", "An address beyond ASCII is not permitted here.", _CLIENT,
         "Use an ASCII address, or a server that announces SMTPUTF8.", "RFC 6531 section 3.5"),
        ("8", "The reply would need UTF-8, and the client did not permit it.", _CLIENT,
         "Ask with the parameter SMTPUTF8.", "RFC 6531 section 3.5"),
        ("9", "The header holds UTF-8, and a recipient cannot take it.", _SENDER,
         "Send an ASCII version to that recipient.", "RFC 6531 section 3.5"),
        ("10", "The header holds UTF-8, and a recipient cannot take it.", _SENDER,
         "Send an ASCII version to that recipient.", "RFC 6531 section 3.5"),
    ),
    **_rows(
        "7",
        ("0", "Security or policy forbids it; often AUTH or TLS is missing.", _SENDER,
         "See what the server asks for: AUTH, STARTTLS, or something in its policy."),
        ("1", "A policy of the receiver forbids this delivery.", _POSTMASTER,
         "The address may be good: do not remove it. Find out what the policy objects to."),
        ("2", "You may not send to this mailing list.", _SENDER, "Ask the list's owner."),
        ("3", "The message would have to change its protection, and that is impossible.", _SENDER,
         "Send it without that protection."),
        ("4", "The server does not have the security feature asked for.", _CLIENT, "Use another one."),
        ("5", "A cryptographic check failed.", _POSTMASTER, "Check keys and signatures."),
        ("6", "The cryptographic algorithm is not supported.", _POSTMASTER, "Use another algorithm."),
        ("7", "The message was changed on its way.", _POSTMASTER, "Find the hop that changes it."),
        ("8", "User name or password is wrong.", _SENDER, "Check both, and how they were encoded.",
         "RFC 4954 section 6"),
        ("9", "This mechanism is too weak for this user.", _CLIENT, "Use a stronger mechanism.",
         "RFC 4954 section 6"),
        ("10", "TLS is needed first.", _CLIENT, "Send STARTTLS, then EHLO, then the command again.",
         "RFC 5248 section 2.4"),
        ("11", "This mechanism is permitted only under TLS.", _CLIENT,
         "Send STARTTLS, then EHLO, then AUTH again.", "RFC 4954 section 6"),
        ("12", "The password has to be stored in a new form first.", _CLIENT,
         "Log in once with PLAIN under TLS.", "RFC 4954 section 6"),
        ("13", "The account is disabled.", _SENDER, "Ask whoever runs the server.", "RFC 5248 section 2.4"),
        ("14", "The server needs a trust relationship with a third party.", _POSTMASTER,
         "Ask whoever runs the server.", "RFC 5248 section 2.4"),
        ("15", "The message's priority is too low to be taken now.", _SENDER,
         "Try again later, or with another priority.", "RFC 6710"),
        ("16", "The message is too large for its priority.", _SENDER, "Send less.", "RFC 6710"),
        ("17", "The mailbox has had another owner since the sender's date.", _SENDER,
         "Ask the recipient for the current address.", "RFC 7293"),
        ("18", "The domain has had another owner since the sender's date.", _SENDER,
         "Ask the recipient for the current address.", "RFC 7293"),
        ("19", "The server cannot tell whether the owner has changed.", _SENDER,
         "Send without that check.", "RFC 7293"),
        ("20", "No DKIM signature of the message passed.", _POSTMASTER, "Check DKIM signing.",
         "RFC 7372 section 3.1"),
        ("21", "A DKIM signature passed, and none that the receiver accepts.", _POSTMASTER,
         "Check which domain signs.", "RFC 7372 section 3.1"),
        ("22", "No passing DKIM signature belongs to the domain in From.", _POSTMASTER,
         "Sign with the domain in From.", "RFC 7372 section 3.1"),
        ("23", "SPF failed for the sender's domain.", _POSTMASTER,
         "Check the domain's SPF record against the address you send from.", "RFC 7372 section 3.2"),
        ("24", "SPF could not be evaluated.", _POSTMASTER, "Check the domain's SPF record.",
         "RFC 7372 section 3.2"),
        ("25", "The sending address has no fitting reverse DNS name.", _POSTMASTER,
         "Set a PTR record whose name leads back to the address.", "RFC 7372 section 3.3"),
        ("26", "Several checks of the sender's identity failed.", _POSTMASTER,
         "The address is good: do not remove it. Check SPF, DKIM and DMARC of your domain." + _OWN_MEANING,
         "RFC 7372 section 3.4"),
        ("27", "The sender's domain publishes a null MX: it takes no mail, so it may not send.", _POSTMASTER,
         "Use a sender domain that takes mail." + _OWN_MEANING, "RFC 7505 section 4.1"),
        ("28", "More mail arrives from here than the receiver permits.", _POSTMASTER,
         "Send fewer messages at a time." + _OWN_MEANING, "IANA registry of enhanced status codes"),
        ("29", "The ARC chain of the message did not validate.", _POSTMASTER,
         "Look at the forwarder that broke the chain." + _OWN_MEANING, "RFC 8617"),
        ("30", "The message requires TLS on every hop, and the next hop has none.", _SENDER,
         "Send without REQUIRETLS, or not by this route." + _OWN_MEANING, "RFC 8689"),
    ),
}  # fmt: skip
"""Subject and detail of every registered code."""


def status_of(code: str) -> Status:
    """The row for a code such as ``"5.1.1"``; for an unknown one what class and subject still say."""
    level, subject, detail = code.split(".")
    found = TABLE.get(f"{int(subject)}.{int(detail)}")
    if found is not None and (level != "2" or not found.who):
        return found
    about, section = SUBJECTS.get(str(int(subject)), ("about a subject that no standard names", "2"))
    if found is not None:  # a row that names a trouble, under the class that means success
        about = "without closer detail" if subject == "0" else about
        return Status(f"Success, {about}.", "", "", found.ref)
    return Status(
        f"The code {code} is in no registry. It is {about}.",
        "",
        "",
        f"RFC 3463 section {section}",
        known=False,
    )
