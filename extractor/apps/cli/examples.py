"""Score the examples of a user's fields, for ``extractor evaluate``."""

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

from extractor.apps.cli.console import say

if TYPE_CHECKING:
    from extractor.apps.evaluation.examples import ExampleCase
    from extractor.apps.evaluation.report import ScoreReport
    from extractor.concepts.own.declaration import CustomField
    from extractor.schemas import TrialExtraction


def score_examples(
    places: Sequence[str], model: str | None, max_usd: float | None, kept: int
) -> "ScoreReport":
    """Extract the examples of fields, each without its own answer in the question, and score them.

    ``kept`` are the errors of each kind in the report.
    """
    from extractor.apps.evaluation.examples import list_examples
    from extractor.apps.evaluation.scoring import evaluate
    from extractor.options import read_own_fields

    fields = read_own_fields(list(places))
    cases = list(list_examples(fields))
    if not cases:
        names = ", ".join(field.name for field in fields)
        raise ValueError(f"{names}: has no examples to score; add some, or name gold")
    if not model:
        fields = _leave_out_unread(fields)
        answered = {field.name for field in fields}
        cases = [case for case in cases if case.field.name in answered]
    extractions = []
    left = max_usd
    for case in cases:
        extraction, cost = _extract(case, model, left)
        extractions.append(extraction)
        if left is not None:
            left = max(0.0, left - cost)
    gold = [case.gold for case in cases]
    report = evaluate(gold, extractions, examples=kept, resamples=0, fields=fields)
    return report.model_copy(
        update={"gold": "the examples", "predicted": model or "the patterns"}
    )


def _leave_out_unread(fields: "tuple[CustomField, ...]") -> "tuple[CustomField, ...]":
    """Return the fields with patterns, and say which ones have none: only a model answers them.

    Raises ``ValueError`` if no field has a pattern.
    """
    unread = [field.name for field in fields if not field.has_patterns]
    if not unread:
        return fields
    problem = (
        f"{', '.join(unread)}: not scored, since without a pattern only a model answers; name one "
        "with --model"
    )
    if len(unread) == len(fields):
        raise ValueError(problem)
    say(problem)
    return tuple(field for field in fields if field.has_patterns)


def _extract(
    case: "ExampleCase", model: str | None, left: float | None
) -> "tuple[TrialExtraction, float]":
    """Return what is read in an example, and its price in US dollars: 0 without a model, and if
    the price is unknown.

    The model does not see the example's own answer, unless a pattern of the field needs the
    example; this is said. ``left`` is what may still be spent, in US dollars; None for no limit.
    """
    from extractor.api import Extractor
    from extractor.errors import FieldError

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # said once, for all examples
        if model is None:
            extractor = Extractor(fields=[case.shown])
        else:
            try:
                extractor = Extractor(model, fields=[case.field], max_usd=left)
            except FieldError:
                # A pattern needs this example, and so the model sees its answer.
                say(
                    f"{case.record.record_id} is shown with its answer: a pattern needs it"
                )
                extractor = Extractor(model, fields=[case.shown], max_usd=left)
        extraction = extractor.extract(case.record)
    usage = extraction.usage
    if usage is None or not model:
        return extraction, 0.0
    return extraction, extractor.price(usage) or 0.0
