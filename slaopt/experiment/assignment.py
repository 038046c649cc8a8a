r"""Which arm a unit belongs to: a hash decides, so the answer is the same everywhere and needs no memory.

The hash is SHA-256 of the salt, one zero byte and the unit, all UTF-8; its first 13 hexadecimal digits, read as a
number of 52 bits and divided by 2⁵², give a share u in [0, 1), and the arm is `test` where u is less than the traffic
split. 52 bits fit a double exactly, so every language and database comes to the same answer. With a salt of its own
each experiment splits the units anew: two experiments are independent, and nobody who lacks the salt can choose an arm.

A unit is its text in the Unicode form NFC without the six blanks of ASCII (space, \t, \n, \v, \f, \r) at its ends.
"""

from __future__ import annotations

import hashlib
import re
import sqlite3
import unicodedata
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from slaopt.experiment.design import Arm

__all__ = ["arm_of", "arm_of_hash", "arm_sql", "arms_of", "arms_of_hashes", "hash_sql", "register", "unit_hash"]

SqlDialect = Literal["postgresql", "duckdb", "sqlite"]

BLANKS = " \t\n\v\f\r"
LONGEST = 200  # characters of a unit
DIGITS = 13  # hexadecimal, 52 bits: as much as a double holds with nothing lost
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")  # and halves of surrogate pairs, which are no characters


def unit_hash(salt: str, unit: str) -> str:
    """Give the hash of a unit under a salt, 64 hexadecimal digits.

    >>> unit_hash("salt", "tenant-1")[:13]
    'bf04a140f93c2'

    Raises
    ------
    ValueError
        If the unit is blank, longer than 200 characters or holds control characters.
    """
    return hashlib.sha256(_prefix(salt) + _bytes(unit)).hexdigest()


def arm_of(salt: str, unit: str, *, traffic_split: float) -> Arm:
    """Give the arm of a unit. Raises as `unit_hash`.

    >>> arm_of("salt", "tenant-1", traffic_split=0.5)
    'control'
    """
    return arm_of_hash(unit_hash(salt, unit), traffic_split)


def arm_of_hash(digest: str, traffic_split: float) -> Arm:
    """Give the arm of a unit whose hash under the experiment's salt is known."""
    return "test" if int(digest[:DIGITS], 16) / 2.0 ** (4 * DIGITS) < traffic_split else "control"


def arms_of_hashes(hashes: NDArray[np.str_], *, traffic_split: float) -> NDArray[np.bool_]:
    """Tell of each hash, (units,), whether its unit is in the test arm; of an empty one nothing that holds."""
    codes = np.asarray(hashes, dtype=f"U{DIGITS}").view(np.uint32).reshape(len(hashes), DIGITS).astype(np.int64)
    digits = np.where(codes > ord("9"), codes - ord("a") + 10, np.maximum(codes - ord("0"), 0))
    numbers = digits @ (16 ** np.arange(DIGITS - 1, -1, -1, dtype=np.int64))
    return np.asarray(numbers / 2.0 ** (4 * DIGITS) < traffic_split)


def arms_of(salt: str, units: Sequence[str], *, traffic_split: float) -> tuple[NDArray[np.str_], NDArray[np.bool_]]:
    """Give the hashes of many units, (units,), and whether each is in the test arm, (units,). Raises as `unit_hash`."""
    salted = _prefix(salt)
    found = np.array([hashlib.sha256(salted + _bytes(unit)).hexdigest() for unit in units], dtype="U64")
    return found, arms_of_hashes(found, traffic_split=traffic_split)


def arm_sql(dialect: SqlDialect, *, salt: str, unit: str, split: str) -> str:
    """Give SQL for a unit's arm: 'control' or 'test', NULL where `arm_of` raises or something is NULL.

    Parameters
    ----------
    salt, unit, split
        SQL: columns, placeholders or literals of text, text and a number. They may stand in it more than once.
    """
    if dialect == "sqlite":
        return f"slaopt_arm({salt}, {unit}, {split})"
    digits = f"substr({hash_sql(dialect, salt=salt, unit=unit)}, 1, {DIGITS})"
    if dialect == "duckdb":
        number = f"CAST(CAST('0x' || {digits} AS BIGINT) AS DOUBLE)"
        share = f"CAST({split} AS DOUBLE)"
    else:
        number = f"CAST(CAST(CAST('x' || {digits} AS bit({4 * DIGITS})) AS bigint) AS double precision)"
        share = f"CAST({split} AS double precision)"
    below = f"{number} / {2 ** (4 * DIGITS)} < {share}"
    return f"CASE {below} WHEN TRUE THEN 'test' WHEN FALSE THEN 'control' END"


def hash_sql(dialect: SqlDialect, *, salt: str, unit: str) -> str:
    """Give SQL for a unit's hash, NULL where `unit_hash` raises or something is NULL; arguments as of `arm_sql`."""
    if dialect == "sqlite":
        return f"slaopt_unit_hash({salt}, {unit})"
    if dialect == "duckdb":
        text = rf"trim(nfc_normalize({unit}), e' \t\n\x0b\x0c\r')"
        fits = rf"length({text}) BETWEEN 1 AND {LONGEST} AND NOT regexp_matches({text}, '[\x00-\x1f\x7f-\x{{9f}}]')"
        digest = f"sha256({salt} || chr(0) || {text})"
    else:
        text = rf"btrim(normalize({unit}, NFC), E' \t\n\v\f\r')"
        fits = rf"length({text}) BETWEEN 1 AND {LONGEST} AND {text} !~ '[\x01-\x1f\x7f-\x9f]'"
        digest = (
            rf"encode(sha256(convert_to({salt}, 'UTF8') || '\x00'::bytea || convert_to({text}, 'UTF8')), 'hex')"
        )  # fmt: skip
    return f"CASE WHEN {fits} THEN {digest} END"


def register(connection: sqlite3.Connection) -> None:
    """Teach a connection of SQLite `slaopt_arm(salt, unit, split)` and `slaopt_unit_hash(salt, unit)`."""
    connection.create_function("slaopt_arm", 3, _sqlite_arm, deterministic=True)
    connection.create_function("slaopt_unit_hash", 2, _sqlite_hash, deterministic=True)


def _sqlite_arm(salt: Any, unit: Any, split: Any) -> Arm | None:
    digest = _sqlite_hash(salt, unit)
    return None if digest is None or split is None else arm_of_hash(digest, float(split))


def _sqlite_hash(salt: Any, unit: Any) -> str | None:
    """NULL where there is no such unit; what SQLite keeps as a number is meant as its text."""
    if salt is None or unit is None:
        return None
    try:
        return unit_hash(str(salt), str(unit))
    except ValueError:
        return None


def _prefix(salt: str) -> bytes:
    return salt.encode() + b"\0"


def _bytes(unit: str) -> bytes:
    text = unit if unit.isascii() else unicodedata.normalize("NFC", unit)
    text = text.strip(BLANKS)
    if not text or len(text) > LONGEST or _CONTROL.search(text):
        raise ValueError(
            f"{unit[:LONGEST]!r} names no unit of assignment: give 1 to {LONGEST} characters, none a control character"
        )
    return text.encode()
