"""Passwords: which are taken, and how one is checked at the same cost whether or not there is a user of that name."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from slaopt.errors import InputError

if TYPE_CHECKING:
    from argon2 import PasswordHasher

__all__ = ["SHORTEST", "hashed", "matches"]

SHORTEST, LONGEST = 12, 1_000  # characters; NIST SP 800-63B asks for length, not for kinds of signs
NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$bOEnqpTdin2AR1uYFHFRrA$03q2i+74gjzIbirrHEN3Iflj7i0yGiiGysAkQwCrvwM"


def hashed(password: str, *, name: str) -> str:
    """Give what is kept of a user's password: an argon2id hash with a salt of its own.

    Raises
    ------
    InputError
        If the password is too short, too long, or the name itself.
    """
    said = _normal(password)
    if not SHORTEST <= len(said) <= LONGEST:
        raise InputError(f"a password has {SHORTEST} to {LONGEST} characters, this one {len(said)}; take a longer one")
    if said.casefold() == _normal(name).casefold():
        raise InputError("the password is the user's name; take another")
    return _hasher().hash(_bytes(said))


def matches(kept: str | None, password: str) -> bool:
    """Tell whether a password is the one of which `kept` is the hash; without one as much is computed, for nothing."""
    from argon2.exceptions import VerificationError

    said = _normal(password)
    try:
        right = _hasher().verify(kept or NOBODY, _bytes(said) if len(said) <= LONGEST else b"")
    except VerificationError:
        return False
    return right and kept is not None


def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher

    return PasswordHasher(time_cost=3, memory_cost=65_536, parallelism=4)  # RFC 9106, section 4, second choice


def _bytes(password: str) -> bytes:
    return password.encode("utf-8", "surrogatepass")  # JSON can hold half a character


def _normal(password: str) -> str:
    return unicodedata.normalize("NFC", password)  # one password, whatever keyboard it is typed on
