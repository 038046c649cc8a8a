"""Steps and bumps in a series of daily levels, by likelihood ratio under AR(1) errors.

Under H0 the series has a level and a weekend effect; under H1 also a step (from one day to the end) or a bump (from one
day to another). A bump is one step less another, so that all pairs of days follow from one matrix of products of
steps, kept by the pattern of days. What is found parts the series, and its pieces are looked through again.

References
----------
Largest likelihood ratio over unknown days: Andrews: Tests for parameter instability and structural change with unknown
change point. Econometrica 61 (1993). Bumps, and pieces again: Olshen, Venkatraman, Lucito, Wigler: Circular binary
segmentation for the analysis of array-based DNA copy number data. Biostatistics 5 (2004). AR(1) errors, the bounds and
the straight line set against a step are this module's own; docs/evidence.md has what they do.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from slaopt.analysis.whitening import log_determinant, weekend_column, whitened

__all__ = ["FEWEST_DAYS", "Shift", "find_shifts"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FEWEST_DAYS = 10  # of a piece that is looked through
PIECE = 3  # days before, in and after
STEP, BUMP = 13.0, 16.5  # likelihood ratios from which each is claimed
SHORT, SHORT_BUMP = 21, 15.0  # in a piece of fewer days there are fewer bumps to choose from, in a long one more
LONG = 30
NOT_LINEAR = 5.0  # likelihood ratio against a straight line from which a change is abrupt
LIKELY = 5.0  # likelihood ratio below the best within which a day may be the first
RHOS = tuple(np.arange(9) / 10)
KEPT_DAYS = 60  # designs of at most so many days are kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """From day `first` on the log level is `size` higher; places are those of the values that were searched."""

    first: int
    earliest: int
    latest: int
    size: float
    abrupt: bool
    likelihood_ratio: float


@dataclass(frozen=True, slots=True)
class Design:
    """What of the scan does not depend on the values, for one rho; n values, steps from value 1..n-1."""

    rho: float
    base: Floats  # (n, 2) orthonormal, whitened level and weekend
    steps: Floats  # (n, n - 1) whitened, free of the base
    line: Floats  # (n,) likewise, a straight line
    size2: Floats  # (n, n) squared size of step j less step k; step n is 0
    log_determinant: float


@dataclass(frozen=True, slots=True)
class Scan:
    """Log likelihoods of every pair of places, with the best rho for each, and of what they are held against."""

    pairs: Floats  # (n, n): step from j to k, k = n is to the end; -inf where not allowed
    size: Floats  # (n, n) log level in it
    null: float
    line: float

    @property
    def ratios(self) -> Floats:
        """Likelihood ratios 2 (l1 - l0), (n, n)."""
        return 2 * (self.pairs - self.null)


def _designs(days: Ints, first_weekday: int) -> tuple[Design, ...]:
    pattern = (tuple(int(day) for day in days - days[0]), int((days[0] + first_weekday) % 7))
    return _kept_designs(*pattern) if len(days) <= KEPT_DAYS else _new_designs(*pattern)


def _new_designs(pattern: tuple[int, ...], first_weekday: int) -> tuple[Design, ...]:
    days = np.array(pattern, dtype=np.int64)
    weekend = weekend_column(days, first_weekday)
    base = np.stack([np.ones(len(days)), weekend], axis=1)[:, : 2 if 0 < weekend.sum() < len(days) else 1]
    steps = np.tri(len(days), k=-1)[:, :-1]
    return tuple(_design(days, base, steps, float(rho)) for rho in RHOS)


_kept_designs = lru_cache(maxsize=128)(_new_designs)


def _design(days: Ints, base: Floats, steps: Floats, rho: float) -> Design:
    basis = np.linalg.qr(whitened(base, days, rho))[0]
    free = whitened(np.column_stack([steps, days - days.mean()]), days, rho)
    free -= basis @ (basis.T @ free)
    products = np.zeros((len(days), len(days)))
    products[:-1, :-1] = free[:, :-1].T @ free[:, :-1]
    own = np.diag(products)
    size2 = own[:, None] + own[None, :] - 2 * products
    return Design(rho, basis, free[:, :-1], free[:, -1], size2, log_determinant(days, rho))


def _allowed(n: int) -> NDArray[np.bool_]:
    """Pairs of places whose pieces are long enough, (n, n); [j, k] is a shift of the values j+1..k, k < n-1."""
    first, last = np.arange(1, n + 1)[:, None], np.arange(1, n + 1)[None, :]
    return np.asarray((first >= PIECE) & (last - first >= PIECE) & ((last == n) | (n - last >= PIECE)))


def _scan(values: Floats, days: Ints, first_weekday: int) -> Scan:
    """Take each pair's likelihood at the rho that suits it best; so do the null and the straight line."""
    n = len(values)
    allowed = _allowed(n)
    pairs, size, null, line = np.full((n, n), -np.inf), np.zeros((n, n)), -np.inf, -np.inf
    for design in _designs(days, first_weekday):
        white = whitened(values, days, design.rho)
        white = white - design.base @ (design.base.T @ white)
        rest = float(white @ white)
        along = np.append(design.steps.T @ white, 0.0)
        gap = along[:, None] - along[None, :]
        part = np.divide(gap, design.size2, where=allowed, out=np.zeros_like(gap))
        left = np.maximum(np.where(allowed, rest - part * gap, rest), rest * 1e-12)
        likelihood = _log_likelihood(left, n, design)
        better = allowed & (likelihood > pairs)
        pairs[better], size[better] = likelihood[better], part[better]
        null = max(null, float(_log_likelihood(rest, n, design)))
        slope = float(design.line @ white) ** 2 / float(design.line @ design.line)
        line = max(line, float(_log_likelihood(max(rest - slope, rest * 1e-12), n, design)))
    return Scan(pairs=pairs, size=size, null=null, line=line)


def _log_likelihood(rest: Floats | float, n: int, design: Design) -> Floats:
    return np.asarray(-n / 2 * np.log(np.maximum(rest, 1e-300)) - design.log_determinant / 2)


def _bounds(n: int) -> tuple[float, float]:
    """Likelihood ratios from which a step and a bump are claimed in a piece of n days."""
    return STEP, SHORT_BUMP if n < SHORT else BUMP + max(0.0, float(np.log(n / LONG)))


def find_shifts(values: Floats, days: Ints, first_weekday: int) -> list[Shift]:
    """Find steps and bumps of a series without gaps in its values, in order of time; a bump is two shifts.

    `values` (n,) log seconds; `days` (n,) the number of each one's day; `first_weekday` that of day 0, Monday 0.
    """
    found = sorted(_pieces(values, days, first_weekday, 0), key=lambda shift: shift.first)
    return _fitted(found, values, days, first_weekday) if len(found) > 1 else found


def _pieces(
    values: Floats, days: Ints, first_weekday: int, offset: int, *, on_a_slope: bool = False
) -> Iterator[Shift]:
    """Look through a series and then its pieces; on a slope, small steps up it are no news, only abrupt ones are."""
    if len(values) < FEWEST_DAYS or np.ptp(values) == 0:
        return
    shifts = _best(_scan(values, days, first_weekday), offset)
    if not shifts:
        return
    gradual = not any(shift.abrupt for shift in shifts)
    if not (gradual and on_a_slope):
        yield from shifts
    for start, end in pairwise([0, *(shift.first - offset for shift in shifts), len(values)]):
        yield from _pieces(
            values[start:end], days[start:end], first_weekday, offset + start, on_a_slope=on_a_slope or gradual
        )


def _fitted(shifts: list[Shift], values: Floats, days: Ints, first_weekday: int) -> list[Shift]:
    """Fit the sizes of all shifts together, since each was found against pieces that held others."""
    steps = [np.arange(len(values)) >= shift.first for shift in shifts]
    columns = np.column_stack([np.ones(len(values)), weekend_column(days, first_weekday), *steps, values])
    best, sizes = -np.inf, list[float]()
    for rho in RHOS:
        white = whitened(columns, days, float(rho))
        effects, *_ = np.linalg.lstsq(white[:, :-1], white[:, -1], rcond=None)
        rest = float(((white[:, -1] - white[:, :-1] @ effects) ** 2).sum())
        likelihood = -len(values) / 2 * np.log(max(rest, 1e-300)) - log_determinant(days, float(rho)) / 2
        if likelihood > best:
            best, sizes = likelihood, [float(size) for size in effects[2:]]
    return [replace(shift, size=size) for shift, size in zip(shifts, sizes, strict=True)]


def _best(scan: Scan, offset: int) -> list[Shift]:
    """Give the step or the bump that exceeds its bound the most, if one does."""
    ratios = scan.ratios
    n = len(ratios)
    step, bump = ratios[:, -1], ratios[:, :-1]
    most_step, most_bump = _bounds(n)
    over_step, over_bump = step.max() - most_step, bump.max() - most_bump
    if max(over_step, over_bump) <= 0:
        return []
    line = 2 * (scan.line - scan.null)
    if over_step >= over_bump:
        first = int(step.argmax())
        return [_shift(step, first, float(scan.size[first, -1]), line, offset)]
    first, last = (int(place) for place in np.unravel_index(bump.argmax(), bump.shape))
    size = float(scan.size[first, last])
    return [_shift(bump[:, last], first, size, line, offset), _shift(bump[first], last, -size, line, offset)]


def _shift(ratios: Floats, at: int, size: float, line: float, offset: int) -> Shift:
    likely = np.flatnonzero(ratios >= ratios[at] - LIKELY) + 1 + offset
    return Shift(
        first=at + 1 + offset,
        earliest=int(likely.min()),
        latest=int(likely.max()),
        size=size,
        abrupt=bool(ratios[at] - line > NOT_LINEAR),
        likelihood_ratio=float(ratios[at]),
    )
