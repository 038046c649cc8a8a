"""docs/evidence.md is of the proofs that stand here, and every figure in it reaches its bar."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.evidence.build import SECTIONS, written
from tests.evidence.detectors import DETECTORS
from tests.statistical.coverage import CASES, FIGURES
from tests.statistical.simulated import monte_carlo_error

PAGE = (Path(__file__).parents[2] / "docs" / "evidence.md").read_text(encoding="utf-8")
ROWS = {cells[1]: cells[2:-1] for line in PAGE.splitlines() if len(cells := [c.strip() for c in line.split("|")]) > 2}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_page_has_every_service_above_its_bar(case):
    _, runs, _, *shares = ROWS[case.name]
    for bar, share in zip(case.bars(), shares[: len(FIGURES)], strict=True):
        assert bar is None or float(share) >= bar - 2 * monte_carlo_error(bar, int(runs))


def test_the_page_has_every_detector():
    kinds = {kind for name in ROWS for detector, _, kind in [name.partition(": ")] if not detector.endswith(" ")}
    assert kinds >= {kind for _, named, _ in DETECTORS for kind in named}


def test_the_page_has_every_section():
    assert list(written()) == list(SECTIONS)
