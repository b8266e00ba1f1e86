"""All records scored, one at a time: what figures, errors and confusion matrices are made of."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .absences import JudgedAbsence
from .counts import Column, Confused
from .disagreements import RecordErrors
from .examples import ErrorTally
from .fields import FIELDS
from .intervals import Counts
from .load import Extractions
from .record_score import score_record

__all__ = ["Scored", "score_records"]


@dataclass(frozen=True, slots=True)
class Scored:
    """All records of gold, scored. ``missing`` are those without a prediction; ``absences`` counts explained gaps."""

    counts: Counts
    errors: ErrorTally
    choices: Counter[Confused]
    missing: tuple[str, ...]
    absences: Counter[JudgedAbsence]


def score_records(
    gold: Extractions,
    predicted: Extractions,
    examples: int = 0,
    on_record: Callable[[RecordErrors], None] | None = None,
) -> Scored:
    """Score every record of gold; up to ``examples`` errors of each kind are kept. Raises ``GoldError``."""
    record_ids = gold.record_ids
    errors, choices, missing = ErrorTally(examples), Counter[Confused](), []
    absences = Counter[JudgedAbsence]()
    table = np.zeros((len(record_ids), len(FIELDS), len(Column)), np.uint16)
    for row, record_id in enumerate(record_ids):
        annotated, extraction = gold.get(record_id), predicted.get(record_id)
        assert annotated is not None
        if extraction is None:
            missing.append(record_id)
        score = score_record(annotated, extraction)
        table[row] = score.counts
        choices.update(score.choices)
        absences.update(score.absences)
        for error in score.errors:
            errors.add(error)
        if on_record:
            places = gold.place(record_id) or gold.name, predicted.place(record_id)
            on_record(RecordErrors(annotated, extraction, *places, tuple(score.errors)))
    return Scored(Counts(table), errors, choices, tuple(missing), absences)
