"""The rules that decide about a DKIM signature, each with its section."""

from __future__ import annotations

from labkit.smtp.rule import Rule

TAG_LIST = Rule(
    "RFC 6376 section 3.2", "A signature and a key record are lists of tag=value between semicolons."
)
TAGS = Rule("RFC 6376 section 3.5", "The tags v, a, b, bh, d, h and s must be there, each in its own form.")
VERSION = Rule("RFC 6376 section 3.5", "The version is v=1; any other is not understood.")
ALGORITHM = Rule("RFC 6376 section 3.3", "The tag a= names the kind of key and the hash.")
SHA1 = Rule("RFC 8301 section 3.1", "SHA-1 must not be used, neither to sign nor to verify.")
FROM = Rule("RFC 6376 section 5.4", "The From field must be among the signed ones.")
IDENTITY = Rule("RFC 6376 section 3.5", "The domain of i= must be that of d= or lie below it.")
EXPIRY = Rule("RFC 6376 section 3.5", "A signature counts no longer after the time in x=.")
MANY = Rule("RFC 6376 section 8.4", "A verifier may limit how many signatures of one message it tries.")
LOOKUP = Rule(
    "RFC 6376 section 3.6.2.1", "The key stands in a TXT record at the selector, then _domainkey, then d=."
)
NO_ANSWER = Rule(
    "RFC 6376 section 6.1.2", "When the DNS does not answer, the check may be tried again later."
)
NO_KEY = Rule("RFC 6376 section 6.1.2", "Without a record there is no key for the signature.")
KEY = Rule("RFC 6376 section 3.6.1", "A key record holds the public key in p= and says what it is good for.")
KEY_SYNTAX = Rule("RFC 6376 section 6.1.2", "A record that does not have the form of a key record is no key.")
REVOKED = Rule("RFC 6376 section 3.6.1", "An empty p= means that the owner has withdrawn the key.")
KEY_KIND = Rule("RFC 6376 section 6.1.2", "The kind of key in k= must be the one that a= names.")
KEY_HASH = Rule("RFC 6376 section 6.1.2", "When h= lists hashes, the one that a= names must be among them.")
SERVICE = Rule("RFC 6376 section 3.6.1", "When s= lists services, email or * must be among them.")
STRICT = Rule("RFC 6376 section 3.6.1", "With t=s the domain of i= must be d= itself, not one below it.")
TESTING = Rule(
    "RFC 6376 section 3.6.1", "With t=y the domain only tests DKIM: a failure is to count like no signature."
)
SEVERAL = Rule(
    "RFC 6376 section 6.1.2", "When there are several records, a verifier may try one after the other."
)
SHORT = Rule("RFC 8301 section 3.2", "A signature by an RSA key of less than 1024 bits is never valid.")
ED25519 = Rule(
    "RFC 8463 section 4", "An Ed25519 key is 32 octets in p=, and signs the SHA-256 hash of the header."
)
LENGTH = Rule("RFC 6376 section 3.5", "With l= only that many octets of the canonical body are signed.")
BODY = Rule("RFC 6376 section 6.1.3", "The hash of the canonical body must be the one in bh=.")
HEADER = Rule(
    "RFC 6376 section 3.7",
    "Hashed are the fields in the order of h=, then the signature field without its b=.",
)
INSTANCES = Rule(
    "RFC 6376 section 5.4.2", "A name in h= means the lowest field of that name that is not used yet."
)
ABSENT = Rule(
    "RFC 6376 section 5.4", "A field in h= that is not there counts as nothing; adding it later breaks."
)
SIGNATURE = Rule("RFC 6376 section 6.1.3", "The value in b= must fit the header's hash under the public key.")
