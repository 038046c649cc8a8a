"""Evidence on the share of what falls to the test arm, which holds at every moment."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special

__all__ = ["share_evidence"]

Floats = NDArray[np.float64]


def share_evidence(
    control: float | Floats,
    test: float | Floats,
    share: float,
    *,
    split: float,
    concentration: float,
    sides: Literal[1, 2] = 2,
) -> Floats:
    """Log evidence against `share` as the test arm's share, after so many have fallen to each arm.

    Its exponential is a martingale that starts at 1 where the share is the true one, so that it passes 1/alpha at some
    moment with probability alpha at most: sequential multinomial test of Lindon and Malek, NeurIPS 2022, arXiv
    2011.03567, with a Beta prior of size `concentration` around the split. With one side the prior is cut off below
    the share, and the evidence is for a greater one.

    Parameters
    ----------
    control, test
        Counts of each arm, of any shape; the result is of that shape.

    >>> round(float(np.exp(share_evidence(30, 60, 0.5, split=0.5, concentration=100))), 1)
    7.9
    """
    a, b = concentration * split, concentration * (1 - split)
    evidence = special.betaln(a + test, b + control) - special.betaln(a, b)
    evidence = evidence - special.xlogy(test, share) - special.xlog1py(control, -share)
    if sides == 1:
        after = special.betaincc(a + test, b + control, share)
        evidence = evidence + np.log(np.maximum(after, 1e-300)) - np.log(special.betaincc(a, b, share))
    return np.asarray(evidence)
