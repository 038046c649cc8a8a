"""The score process of a test from look to look: what part of it has crossed nothing, and where that part stands.

Recursion of Armitage, McPherson and Rowe, JRSS A 132 (1969), by Gauss-Legendre quadrature as in Jennison and Turnbull,
Group Sequential Methods (2000), ch. 19. Under an effect `drift` the process B = z·√I is Brownian motion with that drift
over the information I; its density is that without effect times exp(drift·B − drift²·I/2), so that one recursion serves
every effect.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import special

__all__ = ["START", "Paths", "Stage", "above", "advance", "below", "toward"]

Floats = NDArray[np.float64]

REACH = 10.0  # standard errors; paths beyond are as good as none
LEAST_STEP = 1 / 400  # of the information so far: nearer looks are taken for so far apart, which is on the safe side


@dataclass(frozen=True, slots=True, eq=False)
class Paths:
    """The paths that crossed nothing until a look, on their way to the next: probability without effect at scores."""

    since: float  # information of the look behind
    information: float  # of the look ahead
    nodes: Floats  # (nodes,) scores
    mass: Floats  # (nodes,)


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """A look that `paths` have come to, and between which scores they go on."""

    paths: Paths | None
    information: float
    low: float
    high: float


START = Stage(None, 0.0, 0.0, 0.0)


def toward(stage: Stage, information: float) -> Paths:
    """Give the paths that go on to a look with so much information, or a little more than the stage has."""
    information = max(information, stage.information * (1 + LEAST_STEP))
    before, since = stage.paths, stage.information
    if before is None:
        return Paths(since, information, np.zeros(1), np.ones(1))
    width = stage.high - stage.low
    if width <= 0:
        return Paths(since, information, np.zeros(1), np.zeros(1))
    step = since - before.since
    # the density must be resolved, and so must the step ahead that it is multiplied with
    steps = width / np.sqrt(min(step, information - since))
    unit_nodes, unit_weights = _rule(int(32 * np.ceil((24 + 1.7 * steps) / 32)))
    nodes = stage.low + width * unit_nodes
    kernel = np.exp(-0.5 / step * (nodes[:, None] - before.nodes) ** 2) / np.sqrt(2 * np.pi * step)
    return Paths(since, information, nodes, width * unit_weights * (kernel @ before.mass))


def above(paths: Paths, z: float, *, drift: float = 0.0) -> float:
    """Probability that a path has crossed nothing so far, and lies above `z` standard errors at the look ahead."""
    return float(_tilted(paths, drift) @ special.ndtr(-_distance(paths, z, drift)))


def below(paths: Paths, z: float, *, drift: float = 0.0) -> float:
    """Probability that a path has crossed nothing so far, and lies below `z` standard errors at the look ahead."""
    return float(_tilted(paths, drift) @ special.ndtr(_distance(paths, z, drift)))


def advance(paths: Paths, low: float, high: float) -> Stage:
    """Let those paths go on that lie between `low` and `high` standard errors at the look ahead."""
    root = np.sqrt(paths.information)
    return Stage(paths, paths.information, max(low, -REACH) * root, min(high, REACH) * root)


def _distance(paths: Paths, z: float, drift: float) -> Floats:
    """From where a path is expected to the line, in standard deviations of the step ahead, (nodes,)."""
    step = paths.information - paths.since
    return np.asarray((z * np.sqrt(paths.information) - paths.nodes - drift * step) / np.sqrt(step))


def _tilted(paths: Paths, drift: float) -> Floats:
    if drift == 0:
        return paths.mass
    return np.asarray(paths.mass * np.exp(drift * paths.nodes - 0.5 * drift**2 * paths.since))


@lru_cache(maxsize=64)
def _rule(size: int) -> tuple[Floats, Floats]:
    """Nodes and weights of Gauss and Legendre on [0, 1]."""
    nodes, weights = special.roots_legendre(size)  # numpy's leggauss takes seconds for a thousand nodes
    return (nodes + 1) / 2, weights / 2
