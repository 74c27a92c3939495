"""MTA-STS, RFC 8461: a domain says by DNS and HTTPS that mail to it goes only to certain hosts, and only under TLS.

`policy_for` finds the policy of a domain: the TXT record, the policy file, the cache. `evaluate` judges one next hop by
it. `parse_record`, `parse_policy` and `mx_matches` are the parts. How a policy file is fetched is an argument, and so
are DNS and the time: nothing here opens a connection.
"""

from __future__ import annotations

from labkit.auth.mta_sts.cache import PolicyCache
from labkit.auth.mta_sts.discover import Fetch, Fetched, policy_for, policy_url
from labkit.auth.mta_sts.evaluate import evaluate
from labkit.auth.mta_sts.policy import Mode, Policy, PolicyError, mx_matches, parse_policy
from labkit.auth.mta_sts.record import Record, RecordError, parse_record

__all__ = [
    "Fetch",
    "Fetched",
    "Mode",
    "Policy",
    "PolicyCache",
    "PolicyError",
    "Record",
    "RecordError",
    "evaluate",
    "mx_matches",
    "parse_policy",
    "parse_record",
    "policy_for",
    "policy_url",
]
