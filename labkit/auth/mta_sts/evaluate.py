"""Judging one next hop by a policy (RFC 8461 sections 4 and 5)."""

from __future__ import annotations

from labkit.auth.mta_sts.policy import Policy, mx_matches
from labkit.smtp.rule import Rule
from labkit.verdict import Evidence, Step, Verdict

MATCH = Rule(
    "RFC 8461 section 4.1",
    "The MX host's name must match an mx pattern of the policy; the star stands for one label, the leftmost.",
)
CERTIFICATE = Rule(
    "RFC 8461 section 4.2",
    "The host must offer STARTTLS and show a certificate that is trusted, in time, and good for the host's name.",
)
ENFORCE = Rule(
    "RFC 8461 section 5", "enforce: a message is not delivered to a host that fails; the message waits."
)
TESTING = Rule(
    "RFC 8461 section 5", "testing: the message is delivered all the same, and the failure reported."
)
NONE = Rule("RFC 8461 section 5", "none: the domain has no policy any more; nothing is asked of its hosts.")

PROBLEMS = {
    "not_offered": ("starttls-not-supported", "it does not offer STARTTLS"),
    "refused": ("starttls-not-supported", "it refuses STARTTLS"),
    "wrong_name": ("certificate-host-mismatch", "its certificate is for another name"),
    "expired": ("certificate-expired", "its certificate has expired"),
    "unknown_issuer": ("certificate-not-trusted", "its certificate comes from an unknown authority"),
}
"""What went wrong with TLS, as RFC 8460 section 4.3 calls it, and in words."""


def evaluate(policy: Policy, host: str, tls: str | None = None) -> Verdict:
    """Judge the MX host ``host``. ``tls``: None before TLS was tried, empty when it stands with a right certificate, else
    what went wrong, one of `PROBLEMS` or any other word.

    ``result`` is ``pass``, ``fail`` or ``none`` (mode none). Properties: ``mode``; ``action``: ``deliver``, ``deliver and
    report``, or ``do not deliver here``; ``problem``: the result type of RFC 8460, empty without.
    """
    if policy.mode == "none":
        step = Step(NONE, f"Nothing is asked of {host}.", "none", {}, None, _at(policy, "mode"))
        return _verdict(policy, "none", f"{NONE.text[0].upper()}{NONE.text[1:]}", "", (step,))
    pattern = next((one for one in policy.mx if mx_matches(one, host)), None)
    if pattern is None:
        text = f"{host} matches none of {', '.join(policy.mx)}."
        evidence = tuple(Evidence("policy", *policy.places[one]) for one in policy.mx if one in policy.places)
        step = Step(MATCH, text, "no match", {"host": host}, None, evidence)
        return _failed(policy, text, "validation-failure", (step,))
    match = Step(MATCH, f"{host} matches {pattern}.", "match", {"host": host}, None, _at(policy, pattern))
    if tls is None:
        return _verdict(policy, "pass", f"{host} is one of the policy's hosts.", "", (match,))
    if tls:
        problem, words = PROBLEMS.get(tls, ("validation-failure", f"TLS failed ({tls})"))
        text = f"{host} is one of the policy's hosts, but {words}."
        return _failed(policy, text, problem, (match, Step(CERTIFICATE, text, problem, {"host": host})))
    text = f"{host} offers STARTTLS, and its certificate is right."
    return _verdict(policy, "pass", text, "", (match, Step(CERTIFICATE, text, "pass", {"host": host})))


def _failed(policy: Policy, text: str, problem: str, steps: tuple[Step, ...]) -> Verdict:
    rule = ENFORCE if policy.mode == "enforce" else TESTING
    told = (
        "The message is not delivered to this host."
        if policy.mode == "enforce"
        else "It is delivered and reported."
    )
    last = Step(rule, told, policy.mode, {}, None, _at(policy, "mode"))
    return _verdict(policy, "fail", f"{text} {told}", problem, (*steps, last))


def _verdict(policy: Policy, result: str, text: str, problem: str, steps: tuple[Step, ...]) -> Verdict:
    action = "deliver"
    if result == "fail":
        action = "do not deliver here" if policy.mode == "enforce" else "deliver and report"
    return Verdict(
        "mta-sts", result, text, {"mode": policy.mode, "action": action, "problem": problem}, steps
    )


def _at(policy: Policy, name: str) -> tuple[Evidence, ...]:
    return (Evidence("policy", *policy.places[name]),) if name in policy.places else ()
