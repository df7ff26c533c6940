"""Hashes of PINs, as ledgers keep them: what a thief with a copy of the ledger can try."""

import hashlib
import hmac

from hongbao.vault.primitives import CHEAPEST, hash_encoded, hash_matches

SALT = b"hongbao-lab-salt"
"""One salt for each experiment is enough, and keeps it repeatable."""

PEPPER = b"a key that is not in the ledger"
"""What a real wallet keeps apart, in its key folder or the system's keychain."""

FAST = "sha256"
SLOW = "argon2id"
PEPPERED = "argon2id+pepper"


def fast(pin: str) -> str:
    """Return *pin* under a salt and SHA-256."""
    return f"{FAST}|{hashlib.sha256(SALT + pin.encode()).hexdigest()}"


def slow(pin: str) -> str:
    """Return *pin* under a salt and Argon2id."""
    return f"{SLOW}|{hash_encoded(pin.encode(), SALT, CHEAPEST)}"


def peppered(pin: str) -> str:
    """Return *pin* under a key that the ledger does not hold, a salt and Argon2id."""
    keyed = hmac.digest(PEPPER, pin.encode(), "sha256")
    return f"{PEPPERED}|{hash_encoded(keyed, SALT, CHEAPEST)}"


def guess_fits(pin: str, hashed: str) -> bool:
    """Return whether a thief who has only the ledger finds that *pin* makes *hashed*."""
    kind, _bar, encoded = hashed.partition("|")
    if kind == FAST:
        return fast(pin) == hashed
    return hash_matches(encoded, pin.encode())
