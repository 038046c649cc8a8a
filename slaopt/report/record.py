"""Reports recorded in the store: once for each input, with the digest that tells a forgery and what they answer."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from slaopt.report.manifest import RESULT, Manifest

if TYPE_CHECKING:
    from slaopt.store import Store

__all__ = ["Recorder"]


@dataclass(frozen=True, slots=True)
class Recorder:
    """Writes what one report run finds into a store, in one transaction a service."""

    store: Store
    at: datetime  # of the run

    def record(self, directory: Path) -> None:
        """Record a whole report and its answers; one that is recorded already stays as it is.

        Raises
        ------
        SlaoptError
            If the store cannot be written.
        """
        from slaopt.params import Params
        from slaopt.report.answered import answers_of
        from slaopt.store import NewRun

        manifest = Manifest.read(directory)
        result = json.loads((directory / RESULT).read_text(encoding="utf-8"))
        run = NewRun(
            service=manifest.service,
            as_of=manifest.as_of,
            input_digest=manifest.input_digest,
            identity=manifest.identity,
            manifest_digest=manifest.digest,
            report_path=f"{directory.parent.name}/{directory.name}",
            slaopt_version=manifest.versions["slaopt"],
            analysis=result["analysis"],
            recommendation=result["recommendation"],
        )
        with self.store.begin() as transaction:
            transaction.record(run, at=self.at)
            recorded = transaction.run(run.service, run.input_digest)
            assert recorded is not None  # it is by now
            answers = answers_of(result, Params.model_validate(dict(manifest.params)))
            for kind, (settings, answer) in answers.items():
                transaction.answers.put(recorded.id, kind, settings, answer, self.at)

    def disowns(self, directory: Path) -> bool:
        """Tell whether the store has another digest for the report that was made from the same input."""
        manifest = Manifest.read(directory)
        with self.store.reading() as transaction:
            run = transaction.run(manifest.service, manifest.input_digest)
        return run is not None and run.manifest_digest != manifest.digest
