"""Lines about an experiment's result: the decision, both arms, what must not get worse, what is wrong with the data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import wrap
from typing import TYPE_CHECKING

from slaopt.experiment.design import EACH_ROW
from slaopt.experiment.wording import UNITS_WEIGH, claim, difference_of, guarded_rows, rows_of
from slaopt.printing.text import WIDEST, columns, visible
from slaopt.wording import chance, number, per_thousand

if TYPE_CHECKING:
    from slaopt.experiment import Evaluation

__all__ = ["evaluation_lines"]

INDENT = 14
UNPLANNED = (
    "Nobody planned this test here. One look is taken at all of the data, which is valid where their end was fixed in "
    "advance."
)


def evaluation_lines(evaluation: Evaluation) -> Iterator[str]:
    """Tell an evaluation in lines, its figures beside what they are."""
    decision, posterior = evaluation.look.decision, evaluation.comparison.posterior
    yield visible(f"{claim(decision.verdict, evaluation.design)} ({decision.verdict})")
    yield from _told("why", decision.sentence)
    if posterior is not None and decision.verdict != "invalid":
        yield from _told(
            "posterior",
            f"test is better with probability {chance(posterior.probability_better)}; adopting costs "
            f"{per_thousand(posterior.expected_loss_of_shipping)} violations of 1,000 in expectation",
        )
    if evaluation.look.p_value is not None:
        yield from _told("p-value", number(evaluation.look.p_value, 2))
    if mechanical := evaluation.comparison.mechanical:
        yield from _told("line alone", f"{difference_of(mechanical)} of the control's rate, without any test")
    yield ""
    yield from columns(_clean([("", "control", "test", "difference"), *rows_of(evaluation)]), indent="  ")
    if guarded := guarded_rows(evaluation):
        yield ""
        heads = ("not to get worse", "found", "at most", "margin", "")
        yield from columns(_clean([heads, *guarded]), indent="  ")
    yield ""
    if evaluation.design.unit != EACH_ROW:
        yield from _told("note", UNITS_WEIGH)
    if not evaluation.planned:
        yield from _told("note", UNPLANNED)
    for remark in evaluation.remarks:
        yield from _told("decisive" if remark.decisive else "note", remark.sentence)
    for hint in evaluation.hints:
        yield from _told("hint", hint)


def _told(name: str, text: str) -> Iterator[str]:
    first, *rest = wrap(text, WIDEST) or [""]
    yield f"  {name:<{INDENT - 2}}{visible(first)}"
    yield from (" " * INDENT + visible(line) for line in rest)


def _clean(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    return [[visible(cell, WIDEST) for cell in row] for row in rows]
