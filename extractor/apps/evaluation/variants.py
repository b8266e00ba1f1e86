"""Values on which two extractions agree, but not to the letter: in other words, units or names."""

from collections.abc import Iterable, Iterator, Sequence

from extractor.apps.evaluation.comparers import ErrorKind, Level
from extractor.apps.evaluation.errors import describe_row
from extractor.apps.evaluation.fields import (
    add_groups,
    choose_fields,
    list_scored_groups,
)
from extractor.apps.evaluation.gold_files import parse_own_values
from extractor.apps.evaluation.judge import judge
from extractor.apps.evaluation.judged import JudgedValue
from extractor.apps.evaluation.report import ErrorExample
from extractor.concepts.own.declaration import CustomField
from extractor.schemas import TrialExtraction


def list_variants(
    gold: TrialExtraction,
    predicted: TrialExtraction,
    own: Sequence[CustomField] = (),
    names: Sequence[str] = (),
) -> Iterator[ErrorExample]:
    """Yield each pair of values that agree in other words, units or names. They are no errors:
    their harm is 0. ``own`` are the user's own fields, ``names`` those of the fields that are
    compared; by default all.

    >>> gold, predicted = (
    ...     TrialExtraction.model_validate(
    ...         {
    ...             "record_id": "A",
    ...             "eligibility": {},
    ...             "dosing": [{"agent": agent, "section": "title", "quote": "10 mg"}],
    ...         }
    ...     )
    ...     for agent in ("Aspirin", "aspirin")
    ... )
    >>> [(row.field, row.gold.value) for row in list_variants(gold, predicted)]
    [('dosing.agent', 'Aspirin')]
    """
    ours = parse_own_values(gold, own)
    theirs = parse_own_values(predicted, own)
    known = add_groups(own)
    chosen = choose_fields(names, known) if names else None
    rows = judge(ours, theirs, list_scored_groups(known, ours, chosen))
    yield from _describe_variants(gold.record_id, rows)


def _describe_variants(
    record_id: str, rows: Iterable[JudgedValue]
) -> Iterator[ErrorExample]:
    for row in rows:
        is_variant = row.level is Level.NORMALISED and row.error is None
        # A line such as `.stated` repeats values of another one.
        if is_variant and not row.field.only_stated:
            yield describe_row(record_id, row, ErrorKind.WORDING, harm=0)
