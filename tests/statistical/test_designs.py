"""Short version of the proof that a test finds what its design said it would."""

from __future__ import annotations

import pytest

from tests.evidence.designs import compared
from tests.statistical.designs import CASES

CASE = {case.name: case for case in CASES}


@pytest.mark.parametrize(
    "name", ["executions, 5 → 6 %", "executions, 30 % in the test arm, 5 → 4 %", "40 units, 8 → 3 %"]
)
def test_rehearsal_formula_and_execution_agree(name):
    assert compared(CASE[name], runs=120, seed=5)[1] == []
