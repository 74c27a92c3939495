"""Common advice about reply codes beside what the standard says, row by row."""

from __future__ import annotations

from labkit.view.tables import Table

ROWS = (
    (
        "550",
        "The mailbox does not exist: remove the address.",
        "Not found, no access, or refused by policy (RFC 5321 section 4.2.3).",
        "Remove at 5.1.1. At 5.7.x look at how you send.",
    ),
    (
        "552",
        "The message is too large.",
        "More room than is granted: a full mailbox (5.2.2) or a large message (5.3.4). RFC 821 had it for too many recipients.",
        "Read the second number. A full mailbox is a good address.",
    ),
    (
        "451",
        "Try again, and check your server's log.",
        "An error on the receiver's side (RFC 5321 section 4.2.3).",
        "Let the queue try again. Your log will not show the cause.",
    ),
    (
        "452",
        "No storage: send less mail.",
        "Also too many recipients in one transaction (RFC 5321 section 4.5.3.1.10).",
        "At 4.5.3 send the rest in a new transaction.",
    ),
    (
        "503",
        "Follow HELO, MAIL, RCPT.",
        "EHLO, MAIL, RCPT, DATA. DATA without an accepted recipient gets it too (RFC 5321 section 4.1.4).",
        "Look at the replies before it.",
    ),
    (
        "554",
        "Review authentication, content and reputation.",
        "As a greeting: no service. At DATA: no valid recipient. After the dot: rejected (RFC 5321 sections 3.1, 3.3).",
        "Look where it came.",
    ),
    (
        "4yz",
        "A bounce: slow down.",
        "A deferral. The client keeps the message and tries again (RFC 5321 section 4.5.4.1).",
        "Nothing at first. It is a bounce once the queue gives up.",
    ),
    (
        "many 550s",
        "The list is in bad shape; verify addresses first.",
        "True of 5.1.1 only. No primary source measures what verifying gains.",
        "Count by the second number, not by the first.",
    ),
    (
        "VRFY",
        "Switch it off; answer 502 or 550.",
        "A site that does not check answers 252 (RFC 5321 sections 3.5.3 and 7.3).",
        "Answer 252.",
    ),
)


def advice_table() -> Table:
    """The pairs as a table."""
    return Table(("reply", "common advice", "the standard", "what to do"), ROWS)
