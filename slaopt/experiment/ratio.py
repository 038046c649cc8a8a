"""Whether units fell to the arms as the split says: where they did not, nothing can be concluded."""

from __future__ import annotations

import numpy as np
from scipy import special

from slaopt.experiment.found import SampleRatio
from slaopt.experiment.shares import share_evidence
from slaopt.wording import count, number, percent

__all__ = ["CONCENTRATION", "FLAGGED_AT", "sample_ratio"]

CONCENTRATION = 1000.0  # of the Dirichlet prior around the split
FLAGGED_AT = 100.0  # the healthy are flagged at some moment with probability 0.01 at most
FINAL_P = 0.001
OVERWHELMING = 1e6  # beyond this a figure says no more


def sample_ratio(n_control: float, n_test: float, *, traffic_split: float, final: bool = False) -> SampleRatio:
    """Watch the sizes of both arms, at every assignment if one likes.

    The evidence is a martingale where the split holds, so that it passes 100 with probability 0.01 at most, however
    often one looks (Lindon and Malek, NeurIPS 2022, arXiv 2011.03567). At the end a chi-square test is added, with its
    usual bar of 0.001 (Fabijan et al., KDD 2019).

    Parameters
    ----------
    n_control, n_test
        Numbers of what is assigned: units, or executions where each is one. Not rows of units that have many.
    traffic_split
        Share of the units that was to fall to the test arm, 0–1.
    final
        The experiment is over.

    >>> sample_ratio(10_400, 9_600, traffic_split=0.5).flagged
    True
    """
    total = n_control + n_test
    w_control, w_test = 1 - traffic_split, traffic_split
    log_evidence = float(share_evidence(n_control, n_test, w_test, split=w_test, concentration=CONCENTRATION))
    evidence = float(np.exp(min(log_evidence, 700.0)))
    square = (n_test - total * w_test) ** 2 / (total * w_test * w_control) if total else 0.0
    p_value = float(special.chdtrc(1, square))
    flagged = evidence > FLAGGED_AT or (final and p_value < FINAL_P)
    found = f" ({percent(n_test / total, 3)})" if total else ""
    sizes = f"{count(n_control)} in control, {count(n_test)} in test{found}, where {percent(w_test)} was planned"
    if flagged:
        much = number(evidence) if evidence < OVERWHELMING else "more than a million"
        because = f"evidence {much} to 1" if evidence > FLAGGED_AT else f"p = {number(p_value, 2)}"
        sentence = f"The arms are not of the sizes that were planned: {sizes} ({because}). Nothing can be concluded."
    else:
        sentence = f"The sizes of the arms agree with the plan: {sizes}."
    return SampleRatio(
        control=n_control,
        test=n_test,
        expected_test_share=traffic_split,
        evidence=evidence,
        p_value=p_value,
        flagged=flagged,
        sentence=sentence,
    )
