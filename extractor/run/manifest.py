"""``run.json``: what decides the results of a run's folder, and what all invocations of the run did in all."""

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, ValidationError

from extractor.errors import StoreError
from extractor.schemas import TrialExtraction, Usage

from .tally import Tally

__all__ = ["Manifest", "Totals", "read_manifest"]

_Counts = dict[str, NonNegativeInt]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class Records(_Frozen):
    """``extracted`` are in the folder; ``resumed`` and ``failed`` are of the last invocation."""

    extracted: NonNegativeInt = 0
    resumed: NonNegativeInt = 0
    failed: NonNegativeInt = 0


class Totals(_Frozen):
    """Counts over the records in the folder, and what all invocations spent on them and on those that failed."""

    records: Records = Records()
    items: _Counts = {}
    findings: NonNegativeInt = 0
    absences: _Counts = {}
    support: _Counts = {}
    usage: Usage = Usage()

    @classmethod
    def of(cls, tally: Tally) -> Self:
        """The totals of one invocation."""
        return cls(
            records=Records(extracted=tally.extracted, resumed=tally.resumed, failed=tally.failed),
            items={"criteria": tally.criteria, "regimens": tally.regimens, "endpoints": tally.endpoints},
            findings=tally.findings,
            absences=dict(sorted(tally.absences.items())),
            support=dict(sorted(tally.support.items())),
            usage=tally.usage,
        )

    def followed_by(self, later: "Totals") -> "Totals":
        """These and those of a later invocation. A record that failed before is not counted as failed again."""
        extracted = self.records.extracted + later.records.extracted
        return Totals(
            records=later.records.model_copy(update={"extracted": extracted}),
            items=_add(self.items, later.items),
            findings=self.findings + later.findings,
            absences=_add(self.absences, later.absences),
            support=_add(self.support, later.support),
            usage=self.usage + later.usage,
        )

    def recounted(self, extractions: Iterable[TrialExtraction]) -> "Totals":
        """Totals of these extractions, where the manifest knows less: it is not written when a run is killed.

        What earlier invocations are known to have spent is never less than what it says.
        """
        tally = Tally()
        for extraction in extractions:
            tally.add(extraction)
        spent = {name: max(getattr(self.usage, name), getattr(tally.usage, name)) for name in Usage.model_fields}
        return Totals.of(tally).model_copy(update={"usage": Usage(**spent)})


class Manifest(Totals):
    """The content of ``run.json``. ``started`` is of the first invocation, ``seconds`` of all together."""

    settings: dict[str, Any]
    inputs: tuple[str, ...] = ()
    started: str | None = None
    seconds: float = Field(default=0.0, ge=0)

    @property
    def totals(self) -> Totals:
        """The counts alone."""
        return Totals(**{name: getattr(self, name) for name in Totals.model_fields})

    def followed_by_run(self, totals: Totals, inputs: Iterable[str], started: str, seconds: float) -> "Manifest":
        """The manifest after one more invocation; ``totals`` are those of all."""
        return Manifest(
            settings=self.settings,
            inputs=tuple(dict.fromkeys((*self.inputs, *inputs))),
            started=self.started or started,
            seconds=round(self.seconds + seconds, 3),
            **{name: getattr(totals, name) for name in Totals.model_fields},
        )

    def to_json(self) -> bytes:
        """One indented JSON object, settings first, ready to be written."""
        first = ("settings", "inputs", "started", "seconds")
        content = self.model_dump(mode="json")
        ordered = {name: content[name] for name in first} | content
        return json.dumps(ordered, indent=2).encode() + b"\n"


def read_manifest(path: Path) -> Manifest | None:
    """The manifest in a file, None if there is no file. Raises ``StoreError`` if it cannot be one."""
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreError(f"{path}: cannot be read ({error.strerror}); choose another --out") from error
    except ValidationError as error:
        raise StoreError(f"{path}: is no manifest of a run; use --fresh or another --out") from error


def _add(one: _Counts, other: _Counts) -> _Counts:
    return dict(sorted((Counter(one) + Counter(other)).items()))
