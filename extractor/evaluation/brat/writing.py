"""Write imported annotations as gold files, beside records that hold the annotated text."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from extractor.errors import StoreError
from extractor.schemas import CriterionKind

from .problems import BratProblem
from .trials import BratTrial, read_trials

__all__ = ["ImportCounts", "write_brat_import"]

_HEADINGS = {CriterionKind.INCLUSION: "Inclusion Criteria:", CriterionKind.EXCLUSION: "Exclusion Criteria:"}


@dataclass(frozen=True, slots=True)
class ImportCounts:
    """What an import wrote, and all that it could not carry over.

    ``quoted`` counts annotations that gold has no field for, by their names; ``problems`` are all others.
    """

    trials: int
    criteria: int
    without_category: int
    quoted: Counter[str]
    problems: tuple[BratProblem, ...]


def write_brat_import(folder: str | PathLike[str], out: str | PathLike[str]) -> ImportCounts:
    """Write ``out/gold/<id>.json`` and ``out/records/<id>.json`` for each trial of a folder of brat files.

    The records hold the annotated lists as the eligibility section of a registry's JSON, so that
    ``extractor run out/records`` and ``extractor evaluate out/gold`` read the text that was annotated.

    Raises ``StoreError`` if ``out`` holds gold or records already.
    """
    gold, records = Path(out) / "gold", Path(out) / "records"
    for place in (gold, records):
        if place.is_dir() and any(place.iterdir()):
            raise StoreError(f"{place}: holds files already; name another folder, or empty this one")
        place.mkdir(parents=True, exist_ok=True)
    problems: list[BratProblem] = []
    quoted: Counter[str] = Counter()
    trials = criteria = without = 0
    for trial in read_trials(folder, problems.append):
        name = f"{trial.extraction.record_id}.json"
        _write(gold / name, trial.extraction.to_gold())
        _write(records / name, _build_study(trial))
        quoted += trial.quoted
        trials += 1
        criteria += len(trial.extraction.eligibility.criteria)
        without += sum(criterion.category is None for criterion in trial.extraction.eligibility.criteria)
    return ImportCounts(trials, criteria, without, quoted, tuple(problems))


def _build_study(trial: BratTrial) -> dict[str, Any]:
    text = "\n\n".join(f"{_HEADINGS[kind]}\n\n{listed.strip()}" for kind, listed in trial.texts.items())
    return {
        "protocolSection": {
            "identificationModule": {"nctId": trial.extraction.record_id},
            "eligibilityModule": {"eligibilityCriteria": text},
        }
    }


def _write(path: Path, data: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(data, ensure_ascii=False, indent=1) + "\n", "utf-8")
