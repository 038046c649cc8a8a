"""A hash decides the arm: alike in every language, evenly, and of each experiment by itself."""

from __future__ import annotations

import json
import re
import sqlite3
from pathlib import Path
from typing import Any

import duckdb
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import example, given, settings
from scipy import stats

from slaopt.experiment import arm_of, arm_sql, arms_of, unit_hash
from slaopt.experiment.assignment import arm_of_hash, arms_of_hashes, hash_sql, register

VECTORS = json.loads(Path(__file__).with_name("vectors.json").read_text(encoding="utf-8"))
PAGE = (Path(__file__).parents[2] / "docs" / "experiments.md").read_text(encoding="utf-8")
UNITS = [f"tenant-{number}" for number in range(6_000)]


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["unit"])
def test_published_vectors(vector: dict[str, Any]) -> None:
    assert unit_hash(vector["salt"], vector["unit"]) == vector["hash"]
    assert arm_of(vector["salt"], vector["unit"], traffic_split=vector["traffic_split"]) == vector["arm"]


def test_the_page_has_the_vectors_and_its_recipes_give_them() -> None:
    rows = re.findall(
        r"^\| `(\".*?\")` \| `(\".*?\")` \| ([\d.]+) \| `([0-9a-f]{13})` \| (\w+) \|$", PAGE, re.MULTILINE
    )
    told = [(json.loads(salt), json.loads(unit), float(split), head, arm) for salt, unit, split, head, arm in rows]
    assert told == [
        (one["salt"], one["unit"], one["traffic_split"], one["hash"][:13], one["arm"]) for one in VECTORS
    ]  # fmt: skip
    names: dict[str, Any] = {}
    exec(next(block for block in blocks("python") if "def arm" in block), names)
    recipe = next(block for block in blocks("sql") if block.startswith("-- duckdb"))
    with duckdb.connect() as connection:
        for salt, unit, split, _, arm in told:
            assert names["arm"](salt, unit, split) == arm
            values = {"salt": salt, "unit": unit, "split": split}
            query = re.sub(r"(?<!:):(salt|unit|split)\b", r"$\1", recipe)
            assert connection.execute(query, values).fetchone() == (arm,)


def test_a_share_counts_as_doubles_have_it() -> None:
    assert [arm_of_hash(f"{number:013x}" + "f" * 51, 2.0**-51) for number in range(4)] == [
        "test", "test", "control", "control",
    ]  # fmt: skip
    assert {arm_of_hash("0" * 64, 0.0), arm_of_hash("f" * 64, 1.0)} == {"control", "test"}


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12)
ODD = ["", " \t", "a\x85b", "a\x1fb", "\x7f", "\u00a0", "\u2003x ", "cafe\u0301", "a" * 200, " " + "é" * 200, "a" * 201,
       "e\u0301" * 200, "\ufb01", "x'y\"%:z$1", "👩‍👩‍👧" * 25, "\u212b", "\u1e9b\u0323", "10"]  # fmt: skip


@settings(max_examples=12)
@given(units=st.lists(TEXTS, min_size=1, max_size=40), salt=TEXTS, split=st.floats(0, 1))
@example(units=ODD, salt="s'a\"lt", split=0.5)
def test_databases_come_to_the_same_arm(units: list[str], salt: str, split: float) -> None:
    expected = []
    for unit in units:
        try:
            expected.append((unit_hash(salt, unit), arm_of(salt, unit, traffic_split=split)))
        except ValueError:
            expected.append((None, None))
    lite = sqlite3.connect(":memory:")
    register(lite)
    own = "SELECT slaopt_unit_hash(?1, ?2), slaopt_arm(?1, ?2, ?3)"
    assert [lite.execute(own, (salt, unit, split)).fetchone() for unit in units] == expected
    lite.close()
    placed = {"salt": "$salt", "unit": "unit"}
    query = f"SELECT {hash_sql('duckdb', **placed)}, {arm_sql('duckdb', **placed, split='$split')}"
    with duckdb.connect() as connection:
        values = {"salt": salt, "split": split, "units": units}
        told = connection.execute(f"{query} FROM (SELECT unnest($units) AS unit)", values).fetchall()
    assert told == expected
    good = [unit for unit, (digest, _) in zip(units, expected, strict=True) if digest is not None]
    hashes, is_test = arms_of(salt, good, traffic_split=split)
    assert list(zip(hashes, np.where(is_test, "test", "control"), strict=True)) == [
        pair for pair in expected if pair[0] is not None
    ]


def test_nothing_known_is_no_arm() -> None:
    lite = sqlite3.connect(":memory:")
    register(lite)
    calls = ["NULL, 'a', 0.5", "'s', NULL, 0.5", "'s', 'a', NULL"]
    assert [lite.execute(f"SELECT slaopt_arm({call})").fetchone() for call in calls] == [(None,)] * 3
    assert lite.execute("SELECT slaopt_arm('s', 10, 0.5) = slaopt_arm('s', '10', 0.5)").fetchone() == (1,)
    lite.close()
    assert arm_sql("sqlite", salt="e.salt", unit="m.unit", split="0.5") == "slaopt_arm(e.salt, m.unit, 0.5)"
    with duckdb.connect() as connection:
        for salt, unit, split in [call.split(", ") for call in calls]:
            found = connection.execute(f"SELECT {arm_sql('duckdb', salt=salt, unit=unit, split=split)}").fetchone()
            assert found == (None,)


@pytest.mark.parametrize("unit", ["", " \n", "a\x00", "\x9f", "a" * 201, "\ud800"])
def test_what_is_no_unit_is_refused(unit: str) -> None:
    with pytest.raises(ValueError, match="names no unit of assignment"):
        arm_of("salt", unit, traffic_split=0.5)


def test_arms_are_even_and_experiments_have_nothing_to_do_with_each_other() -> None:
    """Of 24 salts: shares are uniform, as many units as the split says are tested, and salts in pairs are independent.

    The p-values of the tests are themselves uniform where that holds (Fisher 1925): as many below 0.01 as chance makes.
    """
    even, planned, arms = [], [], []
    for salt in range(24):
        hashes, is_test = arms_of(f"salt {salt}", UNITS, traffic_split=0.3)
        shares = np.array([int(digest[:13], 16) for digest in hashes]) / 2**52
        even.append(stats.kstest(shares, "uniform").pvalue)
        planned.append(stats.binomtest(int(is_test.sum()), len(UNITS), 0.3).pvalue)
        arms.append(is_test)
        assert np.array_equal(arms_of_hashes(hashes, traffic_split=0.3), is_test)
    together = [
        stats.chi2_contingency(np.histogram2d(one, other, bins=2)[0], correction=False).pvalue
        for at, one in enumerate(arms) for other in arms[:at]
    ]  # fmt: skip
    for p_values in (even, planned, together):
        assert stats.kstest(p_values, "uniform").pvalue > 0.001
        assert stats.binomtest(int((np.array(p_values) < 0.01).sum()), len(p_values), 0.01).pvalue > 0.001


def test_names_that_follow_each_other_do_not_follow_in_their_arms() -> None:
    _, is_test = arms_of("salt", UNITS, traffic_split=0.5)
    runs = 1 + np.count_nonzero(is_test[1:] != is_test[:-1])
    assert abs(runs - len(UNITS) / 2) < 4 * np.sqrt(len(UNITS)) / 2  # Wald and Wolfowitz 1940
