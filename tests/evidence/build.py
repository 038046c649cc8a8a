"""Run the long proofs and write docs/evidence.md; exit 1 where a figure stays below its bar.

`python -m tests.evidence.build` runs all of them; `--only NAME` some of them, and keeps the rest of the page;
`--runs 40` makes a quick version that is printed, not written.
"""

from __future__ import annotations

import argparse
import importlib
import platform
import re
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy
from tqdm import tqdm

from tests.evidence.tables import said

PAGE = Path(__file__).parents[2] / "docs" / "evidence.md"
RUNS = 1000

# name on the command line: module under tests/evidence and its function, which yields the text of the section and then
# what stays below its bar
SECTIONS = {
    "intervals": "intervals:intervals",
    "levels": "intervals:levels",
    "low_traffic": "low_traffic:low_traffic",
    "new_level": "new_level:new_level",
    "detectors": "detectors:found",
    "changes": "changes:changes",
    "watching": "watching:watching",
    "live_watch": "live_watch:live_watch",
    "decisions": "decisions:decisions",
    "weekly": "weekly:weekly",
    "forecasts": "forecasts:forecasts",
    "looks": "sequential:looks",
    "verdicts": "sequential:verdicts_of",
    "sample_ratio": "sequential:ratio",
    "designs": "designs:designs",
    "trials": "trials:trials",
    "arms": "comparisons:arms",
    "libraries": "comparisons:libraries",
    "speed": "speed:speed",
}

INTRODUCTION = """# Evidence

Written by `make evidence` ({versions}). Short versions of these proofs run with the tests; one section alone is made
again by `python -m tests.evidence.build --only NAME`.

What is simulated has a known truth: hourly log levels with AR(1) noise (rho as named, standard deviation 0.2), a day
and a weekend season in level and traffic, lognormal durations (sigma 0.5) where nothing else is said, bucket counts
Poisson given the level.

"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One part of the page, and the figures in it that stay below their bars."""

    name: str
    text: str
    misses: list[str]


def section_of(name: str, runs: int) -> Section:
    """Run one proof; `## Title` opens its text, a line on what it cost ends it. No text: its data are not here."""
    module, function = SECTIONS[name].split(":")
    began = time.process_time()
    parts = list(getattr(importlib.import_module(f"tests.evidence.{module}"), function)(runs))
    text = "".join(part for part in parts if isinstance(part, str)).strip()
    minutes = max(time.process_time() - began, 6) / 60
    cost = f"*`{name}`: {minutes:.1f} minutes of one core.*"
    misses = [miss for part in parts if isinstance(part, list) for miss in part]
    if not text:
        return Section(name=name, text="", misses=misses)
    return Section(name=name, text=f"<!-- {name} -->\n{text}\n\n{cost}\n", misses=misses)


def written() -> dict[str, str]:
    """The sections that the page holds, by name."""
    page = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    pieces = re.split(r"^(?=<!-- \w+ -->$)", page, flags=re.MULTILINE)[1:]
    return {piece[len("<!-- ") : piece.index(" -->")]: piece.strip() + "\n" for piece in pieces}


def main() -> int:
    """Run the sections side by side, write the page, and name what stays below its bar."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=RUNS, help="fewer make a quick look, not a page")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=list(SECTIONS), help="only these sections")
    parser.add_argument("--jobs", type=int, default=2, help="sections made at once")
    given = parser.parse_args()
    done: dict[str, Section] = {}
    with ProcessPoolExecutor(max_workers=given.jobs) as pool:
        begun = [pool.submit(section_of, name, given.runs) for name in given.only]
        for future in tqdm(begun, desc="sections", unit=""):
            section = future.result()
            done[section.name] = section
    if given.runs < RUNS:
        print("\n".join(section.text for section in done.values()))
    else:
        texts = written() | {name: section.text for name, section in done.items() if section.text}
        versions = f"Python {platform.python_version()}, numpy {np.__version__}, scipy {scipy.__version__}"
        page = INTRODUCTION.format(versions=versions) + "\n".join(texts[name] for name in SECTIONS if name in texts)
        PAGE.write_text(page, encoding="utf-8")
    misses = [miss for section in done.values() for miss in section.misses]
    for miss in misses:
        said(f"below its bar: {miss}")
    return 1 if misses else 0


if __name__ == "__main__":
    sys.exit(main())
