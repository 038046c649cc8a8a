"""What a report says about itself: what it was made from, by which versions, and the digests of its files.

A run folder has a manifest from the start, without digests of files; `open_run` reads it in the notebook. When the
report is whole, the digests are added. The manifest carries its own digest, so that a change in it shows as well.
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self

from pydantic import AwareDatetime, TypeAdapter, ValidationError

from slaopt import __version__
from slaopt.errors import InputError
from slaopt.params import Params
from slaopt.profile import Profiles
from slaopt.report.archive import profiles_digest, read_profiles
from slaopt.report.names import report_place
from slaopt.result import Result

__all__ = ["MANIFEST", "PROFILES", "RESULT", "Manifest", "Run", "code_digest", "file_digest", "open_run"]

MANIFEST, RESULT, PROFILES = "manifest.json", "result.json", "profiles"
PACKAGES = ("numpy", "scipy", "pandas", "pyarrow", "altair", "papermill", "nbconvert")
CODE = {".py", ".j2", ".css", ".js"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest(Result):
    """What a report was made from. No clock is in it: the same input at the same versions gives the same manifest."""

    service: str = field(metadata={"published": "service_type"})
    source: str  # description without secrets
    start: AwareDatetime
    as_of: AwareDatetime
    seed: int
    params: Mapping[str, Any]
    versions: Mapping[str, str]
    inputs: Mapping[str, str]  # SHA-256 of the Profiles' content, of the notebook before it ran, of slaopt's own code;
    # and the address of the server that the page links to, where params name one
    files: Mapping[str, str] = field(default_factory=dict)  # SHA-256 of each file, path relative to the folder

    @classmethod
    def of(cls, profiles: Profiles, params: Params, notebook: Path) -> Self:
        """Describe a report that is about to be made."""
        reading = profiles.intake.reading
        return cls(
            service=profiles.service,
            source=reading.source if reading else "",
            start=profiles.hours.start,
            as_of=profiles.hours.end,
            seed=params.seed,
            params=params.published(),
            versions={"slaopt": __version__, "python": platform.python_version()}
            | {package: version(package) for package in PACKAGES},
            inputs={
                "profiles": profiles_digest(profiles),
                "notebook": file_digest(notebook),
                "code": code_digest(),
            }
            | ({"server": params.server} if params.server else {}),
        )

    @classmethod
    def read(cls, directory: Path) -> Self:
        """Read the manifest of a run folder or a report.

        Raises
        ------
        InputError
            If there is none, or the file is none.
        """
        path = directory / MANIFEST
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            read: Self = TypeAdapter(cls).validate_python(content | {"service": content.get("service_type")})
        except OSError as error:
            raise InputError(f"{directory}: no report, {MANIFEST} cannot be read ({error.strerror})") from error
        except ValidationError as error:
            first = error.errors()[0]
            raise InputError(f"{path}: no manifest, {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
        except (ValueError, TypeError, AttributeError) as error:
            raise InputError(f"{path}: no manifest, but something else ({error})") from error
        return read

    @property
    def identity(self) -> str:
        """SHA-256 of what decides over the content: input, settings, notebook and version of slaopt."""
        return _sha256(_json({"inputs": self.inputs, "params": self.params, "slaopt": self.versions["slaopt"]}))

    @property
    def place(self) -> str:
        """Where the report lies below the folder of all reports."""
        return report_place(self.service, self.as_of, self.identity)

    @property
    def input_digest(self) -> str:
        """SHA-256 of all that was known before the report was made, versions of other packages included."""
        return replace(self, files={}).digest

    @property
    def digest(self) -> str:
        """SHA-256 of all that the manifest says, the digests of the files included."""
        return _sha256(_json(self.to_dict()))

    def complete(self, directory: Path) -> Manifest:
        """Add the digests of all files of a run folder."""
        files = sorted(path for path in directory.rglob("*") if path.is_file() and path.name != MANIFEST)
        return replace(self, files={path.relative_to(directory).as_posix(): file_digest(path) for path in files})

    def to_bytes(self) -> bytes:
        """Give the file's content, which ends in the digest of what stands before."""
        return _json(self.to_dict() | {"digest": self.digest})

    def write(self, directory: Path) -> None:
        """Write the manifest into a run folder."""
        (directory / MANIFEST).write_bytes(self.to_bytes())


@dataclass(frozen=True, slots=True, kw_only=True)
class Run(Result):
    """What a report's notebook starts from: archived Profiles and settings, never the source."""

    service: str = field(metadata={"published": "service_type"})
    source: str
    start: datetime
    as_of: datetime
    profiles: Profiles = field(metadata={"published": None})
    params: Params = field(metadata={"published": None})
    manifest: Manifest = field(metadata={"published": None})

    @property
    def link(self) -> str | None:
        """Where the server shows the report and has it approved; None where params name no server."""
        server = self.manifest.inputs.get("server")
        return None if server is None else f"{server.rstrip('/')}/slaopt/reports/{self.manifest.place}"


def open_run(path: str | Path) -> Run:
    """Open a run folder or a report.

    Raises
    ------
    InputError
        If something is missing or damaged there, naming the file.
    """
    directory = Path(path)
    manifest = Manifest.read(directory)
    try:
        params = Params.model_validate(dict(manifest.params))
    except ValidationError as error:
        raise InputError(f"{directory / MANIFEST}: settings that this version does not know ({error})") from error
    return Run(
        service=manifest.service,
        source=manifest.source,
        start=manifest.start,
        as_of=manifest.as_of,
        profiles=replace(read_profiles(directory / PROFILES), params=params),
        params=params,
        manifest=manifest,
    )


def file_digest(path: Path) -> str:
    """Give the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@cache
def code_digest() -> str:
    """Give the SHA-256 of slaopt's code and templates: who changes them makes new reports before a new version."""
    package = Path(__file__).resolve().parents[1]
    files = sorted(path for path in package.rglob("*") if path.suffix in CODE and "_workspace" not in path.parts)
    return _sha256(b"".join(path.read_bytes() for path in files))


def _json(content: Any) -> bytes:
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False).encode()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
