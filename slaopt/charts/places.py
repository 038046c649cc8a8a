"""Where names stand in a chart: next to what they name, and where they cover neither a line nor another name.

A chart is as wide as its column, and text is not: on a narrow screen names need other places. So each name gets two,
one for the width that the chart is made for and one for a telephone, and the chart shows the one that fits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Box", "Labels", "Names", "Place", "Places", "Plot"]

Floats = NDArray[np.float64]
Size = Literal["full", "wide", "half"]
Align = Literal["left", "center", "right"]

WIDTHS: dict[Size, float] = {"full": 745, "wide": 545, "half": 430}  # pixels between the axis and the right end
NARROW = 295.0  # the same on a screen of 400 pixels
FRAME = 56  # pixels of a chart's height that its axis and its titles take
LETTER, LINE = 7.4, 15  # pixels of a letter's width and of a line of text
STEP = 4  # pixels between the places that are tried, and between the points that stand for a line
GAP = 4  # pixels between a line and its name
BESIDE = 5  # pixels between a vertical line and its name
ALIKE = 20  # pixels of distance from which on a name is not taken for another line's
OUTSIDE, FAR, STEEP = 60.0, 0.008, 0.015  # prices: of leaving the plot, of a pixel from the wanted end, of a slope


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """The ground of a chart in pixels, from the left and from the top."""

    size: Size
    pixels: float  # the chart's height with its axis
    x: tuple[float, float]
    y: tuple[float, float]
    log_x: bool = False
    log_y: bool = False
    narrow: bool = False  # on a telephone

    @property
    def width(self) -> float:
        """Pixels across."""
        return NARROW if self.narrow else WIDTHS[self.size]

    @property
    def height(self) -> float:
        """Pixels down."""
        return self.pixels - FRAME

    def across(self, values: ArrayLike) -> Floats:
        """Give the pixels of values from the left."""
        return self.width * _share(values, self.x, self.log_x)

    def down(self, values: ArrayLike) -> Floats:
        """Give the pixels of values from the top."""
        return self.height * (1 - _share(values, self.y, self.log_y))

    def value_across(self, pixels: float) -> float:
        """Give the value that stands so many pixels from the left."""
        low, high = self.x
        share = pixels / self.width
        return float(low * (high / low) ** share if self.log_x else low + share * (high - low))

    def value_down(self, pixels: float) -> float:
        """Give the value that stands so many pixels from the top."""
        low, high = self.y
        share = 1 - pixels / self.height
        return float(low * (high / low) ** share if self.log_y else low + share * (high - low))


def _share(values: ArrayLike, ends: tuple[float, float], logarithmic: bool) -> Floats:
    known = np.asarray(values, dtype=float)
    low, high = ends
    if not logarithmic:
        return np.asarray((known - low) / (high - low))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.log(np.maximum(known, low * 1e-9) / low) / np.log(high / low))


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle that a name takes, pixels."""

    left: float
    top: float
    right: float
    bottom: float

    def shared(self, other: Box, margin: float = 4) -> float:
        """Width that two boxes share, none where they lie apart."""
        if self.top - margin >= other.bottom or other.top - margin >= self.bottom:
            return 0.0
        return max(0.0, min(self.right, other.right) - max(self.left, other.left) + margin)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a name is anchored, in the chart's values, and how it hangs there."""

    x: float
    y: float
    box: Box
    align: Align = "center"
    dx: float = 0
    dy: float = 0

    @property
    def style(self) -> dict[str, Any]:
        """How the text is drawn at its anchor."""
        return {"align": self.align, "dx": round(self.dx, 1), "dy": round(self.dy, 1), "baseline": "middle"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """The places of one name: in a chart as wide as it is made for, and in one narrower than `below` pixels."""

    wide: Place
    narrow: Place
    below: float


@dataclass(slots=True, kw_only=True)
class Names:
    """Gives names their places one after another; what comes later gives way to what stands already."""

    plot: Plot
    lines: list[Floats] = field(default_factory=list)  # each (points, 2): pixels across and down
    boxes: list[Box] = field(default_factory=list)

    def avoid(self, x: ArrayLike, y: ArrayLike) -> None:
        """Keep names off a line through these values; missing ones are gaps."""
        if len(traced := self._traced(x, y)):
            self.lines.append(traced)

    def clear(self, x: float, y: float, radius: float) -> None:
        """Keep names off a point."""
        across, down = float(self.plot.across(x)), float(self.plot.down(y))
        self.boxes.append(Box(across - radius, down - radius, across + radius, down + radius))

    def along(self, text: str, x: ArrayLike, y: ArrayLike) -> Place:
        """Name a line where it runs flat and alone, rather late than early."""
        own = self._traced(x, y)
        half = LETTER * len(text) / 2
        others = [line for line in self.lines if not np.array_equal(line, own)]
        tried = []
        for centre in _steps(half, self.plot.width - half):
            under = own[np.abs(own[:, 0] - centre) < half]
            for side in (-1, 1) if len(under) else ():
                edge = float(under[:, 1].min() if side < 0 else under[:, 1].max())
                box = _box(centre, edge + side * (GAP + LINE / 2), half)
                price = self._price(box) + FAR * (self.plot.width - centre) + STEEP * float(np.ptp(under[:, 1]))
                price += _mistaken(box, others) + 0.5 * (side > 0)
                tried.append((price, centre, edge, side, box))
        _, centre, edge, side, box = min(tried, key=lambda entry: entry[0])
        return self._take(box, centre, edge, dy=side * (GAP + LINE / 2))

    def on_rule(self, text: str, y: float) -> Place:
        """Name a horizontal line at its left end, or further along where something stands there."""
        half, edge = LETTER * len(text) / 2, float(self.plot.down(y))
        tried = []
        for centre in _steps(half + 4, self.plot.width - half):
            for side in (-1, 1):
                box = _box(centre, edge + side * 9, half)
                price = self._price(box, but=edge) + FAR * centre + 0.5 * (side > 0)
                tried.append((price, centre, side, box))
        _, centre, side, box = min(tried, key=lambda entry: entry[0])
        return self._take(box, centre, edge, dy=side * 9)

    def beside_rule(self, text: str, x: float, *, rows: int = 3) -> Place:
        """Name a vertical line near its top, on the side and in the row of text where there is most room."""
        edge, width = float(self.plot.across(x)), LETTER * len(text)
        tried: list[tuple[float, float, Align, Box]] = []
        sides: tuple[tuple[Align, int], ...] = (("left", 1), ("right", -1))
        for row in range(rows):
            middle = LINE / 2 + row * (LINE + 2)
            for align, way in sides:
                box = _box(edge + way * (BESIDE + width / 2), middle, width / 2)
                tried.append((self._price(box) + row + 0.5 * (way < 0), middle, align, box))
        _, middle, align, box = min(tried, key=lambda entry: entry[0])
        self.boxes.append(box)
        way = 1 if align == "left" else -1
        return Place(x=x, y=self.plot.value_down(middle), box=box, align=align, dx=way * BESIDE)

    def around(self, text: str, x: float, y: float, *, reach: float = 10) -> Place:
        """Name a point on the side where there is most room."""
        half = LETTER * len(text) / 2
        across, down = float(self.plot.across(x)), float(self.plot.down(y))
        tried: list[tuple[float, float, float, Align, Box]] = []
        sides: tuple[tuple[Align, int], ...] = (("left", 1), ("right", -1), ("center", 0))
        for far in (1.0, 1.6, 2.4, 3.2, 4.4):
            for align, way in sides:
                for rise in (-1, 0, 1) if way else (-1, 1):
                    dx, dy = way * reach * far * (0.8 if rise else 1), rise * far * (reach + (0 if way else LINE / 2))
                    box = _box(across + dx + way * half, down + dy, half)
                    price = self._price(box) + 3 * (far - 1) + 0.5 * (rise > 0)
                    tried.append((price, dx, dy, align, box))
        _, dx, dy, align, box = min(tried, key=lambda entry: entry[0])
        self.boxes.append(box)
        return Place(x=x, y=y, box=box, align=align, dx=dx, dy=dy)

    def _take(self, box: Box, centre: float, edge: float, *, dy: float) -> Place:
        """Anchor a name so that it stays within the plot where that is narrower."""
        self.boxes.append(box)
        third = self.plot.width / 3
        align: Align = "left" if centre < third else "right" if centre > 2 * third else "center"
        across = {"left": box.left, "center": centre, "right": box.right}[align]
        return Place(
            x=self.plot.value_across(across), y=self.plot.value_down(edge), box=box, align=align, dy=dy
        )  # fmt: skip

    def _price(self, box: Box, *, but: float | None = None) -> float:
        """What a place costs: pixels of lines and names that it covers, and leaving the plot."""
        covered = 0
        for line in self.lines:
            inside = (np.abs(2 * line[:, 0] - box.left - box.right) < box.right - box.left + 2) & (
                np.abs(2 * line[:, 1] - box.top - box.bottom) < box.bottom - box.top + 2
            )
            covered += int(inside.sum()) if but is None or np.ptp(line[:, 1]) > 0 or line[0, 1] != but else 0
        shared = sum(box.shared(other) for other in self.boxes)
        outside = box.left < -1 or box.right > self.plot.width + 4 or box.top < -6 or box.bottom > self.plot.height + 7
        return covered + shared + OUTSIDE * outside

    def _traced(self, x: ArrayLike, y: ArrayLike) -> Floats:
        """Points along a line, a few pixels apart."""
        across, down = self.plot.across(x), self.plot.down(y)
        known = [(a, b) for a, b in zip(across.tolist(), down.tolist(), strict=True)]
        points = [point for point in known if np.isfinite(point).all()]
        for (a, b), (c, d) in pairwise(known):
            if np.isfinite((a, b, c, d)).all():
                n = min(1_000, int(max(abs(c - a), abs(d - b)) // STEP))
                points += [(a + (c - a) * k / (n + 1), b + (d - b) * k / (n + 1)) for k in range(1, n + 1)]
        return np.array(points, dtype=float).reshape(-1, 2)


@dataclass(slots=True)
class Labels:
    """Gives each name its places: a ground of the width that the chart is made for, and one of a telephone's."""

    grounds: tuple[Names, Names]

    @classmethod
    def of(cls, plot: Plot) -> Labels:
        """Begin with an empty chart."""
        return cls((Names(plot=plot), Names(plot=replace(plot, narrow=True))))

    def avoid(self, x: ArrayLike, y: ArrayLike) -> None:
        """Keep names off a line through these values; missing ones are gaps."""
        for names in self.grounds:
            names.avoid(x, y)

    def clear(self, x: float, y: float, radius: float) -> None:
        """Keep names off a point."""
        for names in self.grounds:
            names.clear(x, y, radius)

    def along(self, text: str, x: ArrayLike, y: ArrayLike) -> Places:
        """Name a line where it runs flat and alone, rather late than early."""
        return self._both(lambda names: names.along(text, x, y))

    def on_rule(self, text: str, y: float) -> Places:
        """Name a horizontal line at its left end, or further along where something stands there."""
        return self._both(lambda names: names.on_rule(text, y))

    def beside_rule(self, text: str, x: float) -> Places:
        """Name a vertical line near its top."""
        return self._both(lambda names: names.beside_rule(text, x))

    def around(self, text: str, x: float, y: float) -> Places:
        """Name a point on the side where there is most room."""
        return self._both(lambda names: names.around(text, x, y))

    def _both(self, find: Callable[[Names], Place]) -> Places:
        wide, narrow = self.grounds
        return Places(wide=find(wide), narrow=find(narrow), below=(wide.plot.width + narrow.plot.width) / 2)


def _steps(low: float, high: float) -> Iterable[float]:
    return (*np.arange(low, high, STEP).tolist(), max(low, high))


def _box(centre: float, middle: float, half: float) -> Box:
    return Box(centre - half, middle - LINE / 2, centre + half, middle + LINE / 2)


def _mistaken(box: Box, others: Sequence[Floats]) -> float:
    """The price of standing as near to another line as to one's own."""
    price = 0.0
    for line in others:
        near = line[(line[:, 0] > box.left) & (line[:, 0] < box.right) & (np.ptp(line[:, 1]) > 0), 1]
        distance = np.maximum(np.maximum(box.top - near, near - box.bottom), 0)
        price += max(0.0, ALIKE - float(distance.min(initial=ALIKE)))
    return price
