"""Verification: whether a report is what its run wrote, and its archived Profiles still give its figures.

What a manifest cannot show by itself is a consistent forgery: who changes a file, its digest and the manifest's own
digest alike leaves a report that agrees with itself. Figures that do not follow from the Profiles are found even then;
a forged page beside an honest result, or forged Profiles with all that follows from them, show where a store knows the
manifest's digest. Of a report that the store does not know, that is said.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from slaopt import __version__
from slaopt.assess import assess
from slaopt.errors import InputError
from slaopt.report.archive import profiles_digest
from slaopt.report.folders import REPORT_NAME
from slaopt.report.manifest import MANIFEST, RESULT, Manifest, code_digest, file_digest, open_run
from slaopt.result import Result, Skipped

if TYPE_CHECKING:
    from slaopt.store import Store

__all__ = ["TOLERANCE", "Verification", "verify_report"]

TOLERANCE = 1e-9  # relative; another order of summation changes figures by less
MOST_DETAILS = 20
EXACT = {"threshold", "current_threshold", "recommended_threshold", "simple_choice", "seed"}  # chosen, not estimated
Status = Literal["same", "tampered", "differs", "other version"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification(Result):
    """What became of a report: unchanged and repeatable, or what is not and by how much."""

    directory: Path
    status: Status
    details: tuple[str, ...] = ()
    recorded: bool | None = None  # whether the store knows the report; None: no store was asked


def verify_report(directory: str | Path, store: Store | None = None) -> Verification:
    """Compare a report with its digests and the store's, then with figures computed again from its Profiles.

    Parameters
    ----------
    store
        Knows the digests of the manifests that its runs wrote; None: nothing but the folder is asked.

    Raises
    ------
    InputError
        If the folder is no report at all.
    """
    folder = Path(directory)
    if not (folder / MANIFEST).exists() and (folder / RESULT).exists():
        return _verification(folder, "tampered", [f"{MANIFEST} is missing"])
    try:
        manifest = Manifest.read(folder)
    except InputError as error:
        if not (folder / MANIFEST).exists():
            raise
        return _verification(folder, "tampered", [str(error)])
    changed = list(_changed(folder, manifest))
    recorded = None
    if store is not None:
        digests = _recorded(folder, manifest, store)
        recorded = manifest.digest in digests
        if digests and not recorded:
            changed.append(f"{MANIFEST} is not the one that the run wrote: the store holds another digest")
    return replace(_compared(folder, manifest, changed), recorded=recorded)


def _compared(folder: Path, manifest: Manifest, changed: list[str]) -> Verification:
    """Say what was changed, else compare with figures computed again."""
    if changed:
        return _verification(folder, "tampered", changed)
    made_by = manifest.versions["slaopt"]
    if made_by != __version__:
        told = f"made by slaopt {made_by}, this is {__version__}: no figure was computed again"
        return _verification(folder, "other version", [told])
    differences = list(_recomputed(folder, manifest))
    if differences and manifest.inputs["code"] != code_digest():
        differences.insert(0, f"slaopt's own code was changed since, at the same version {__version__}")
    return _verification(folder, "differs" if differences else "same", differences)


def _verification(folder: Path, status: Status, details: list[str]) -> Verification:
    shown = details[:MOST_DETAILS]
    if len(details) > MOST_DETAILS:
        shown.append(f"and {len(details) - MOST_DETAILS} more")
    return Verification(directory=folder, status=status, details=tuple(shown))


def _recorded(folder: Path, manifest: Manifest, store: Store) -> set[str]:
    """Give the digests that the store holds of this report: more than one where other packages made it again."""
    place = folder.resolve()
    with store.reading() as transaction:
        runs = transaction.runs_of_report(
            manifest.service, identity=manifest.identity, report_path=f"{place.parent.name}/{place.name}"
        )
    return {run.manifest_digest for run in runs}


def _changed(folder: Path, manifest: Manifest) -> Iterator[str]:
    """Name the files that are not as the run wrote them."""
    if (folder / MANIFEST).read_bytes() != manifest.to_bytes():
        yield f"{MANIFEST} was changed: it does not carry its own digest"
    if not manifest.files:
        yield f"{MANIFEST} lists no files: the report was never finished"
    for name, digest in manifest.files.items():
        path = folder / name
        if not path.is_file():
            yield f"{name} is missing"
        elif file_digest(path) != digest:
            yield f"{name} was changed: its SHA-256 is not the one in {MANIFEST}"
    name = folder.resolve().name
    if REPORT_NAME.fullmatch(name) and not name.endswith(manifest.identity[:8]):
        yield f"{MANIFEST} belongs to another report: its folder would end in {manifest.identity[:8]}"


def _recomputed(folder: Path, manifest: Manifest) -> Iterator[str]:
    """Name the figures that do not follow from the archived Profiles and settings."""
    try:
        run = open_run(folder)
        archived = json.loads((folder / RESULT).read_text(encoding="utf-8"))
    except (InputError, ValueError) as error:
        yield f"nothing can be computed again: {error}"
        return
    if profiles_digest(run.profiles) != manifest.inputs["profiles"]:
        yield "the archived Profiles are not those that the report was made from"
    again = assess(run.profiles, run.params)
    if isinstance(again, Skipped):
        yield f"no assessment can be made: {again.reason}"
        return
    yield from _differences(archived, json.loads(json.dumps(again.to_dict(), allow_nan=False)))


def _differences(archived: Any, again: Any, name: str = "") -> Iterator[str]:
    """Walk through both and name what is not the same."""
    if isinstance(archived, dict) and isinstance(again, dict):
        for key in dict.fromkeys([*archived, *again]):
            inner = f"{name}.{key}" if name else key
            if key not in archived or key not in again:
                yield f"{inner} is {'not archived' if key not in archived else 'archived only'}"
            else:
                yield from _differences(archived[key], again[key], inner)
    elif isinstance(archived, list) and isinstance(again, list):
        if len(archived) != len(again):
            yield f"{name}: archived {len(archived)} entries, computed again {len(again)}"
            return
        for number, pair in enumerate(zip(archived, again, strict=True)):
            yield from _differences(*pair, f"{name}[{number}]")
    elif not _same(archived, again, exact=name.rpartition(".")[2] in EXACT):
        yield f"{name}: archived {_shown(archived)}, computed again {_shown(again)}{_distance(archived, again)}"


def _same(archived: Any, again: Any, *, exact: bool) -> bool:
    if _is_number(archived) and _is_number(again) and not exact:
        return math.isclose(archived, again, rel_tol=TOLERANCE, abs_tol=1e-300)
    return type(archived) is type(again) and bool(archived == again)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:59]}…"


def _distance(archived: Any, again: Any) -> str:
    if _is_number(archived) and _is_number(again) and archived:
        return f", {100 * (again / archived - 1):+.3g} %"
    return ""
