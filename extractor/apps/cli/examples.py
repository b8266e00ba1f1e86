"""Score the examples of a user's fields, for ``extractor evaluate``."""

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

from extractor.apps.cli.console import say

if TYPE_CHECKING:
    from extractor.api import Extractor
    from extractor.apps.evaluation.examples import ExampleCase
    from extractor.apps.evaluation.report import ScoreReport
    from extractor.schemas import TrialExtraction


def score_examples(
    places: Sequence[str], model: str | None, max_usd: float | None, kept: int
) -> "ScoreReport":
    """Extract the examples of fields, each without its own answer in the question, and score them.

    ``kept`` are the errors of each kind in the report. Raises ``ValueError`` without examples that
    can be scored: without a model, a field needs a pattern.
    """
    from extractor.apps.evaluation.examples import list_examples
    from extractor.apps.evaluation.scoring import evaluate
    from extractor.options import read_own_fields

    declared = read_own_fields(list(places))
    fields = tuple(field for field in declared if model or field.has_patterns)
    unread = ", ".join(field.name for field in declared if field not in fields)
    if unread:
        say(
            f"{unread}: not scored, since without a pattern only a model answers; name one with "
            "--model"
        )
    answered = {field.name for field in fields}
    cases = [one for one in list_examples(declared) if one.field.name in answered]
    if not cases:
        names = ", ".join(field.name for field in declared)
        raise ValueError(f"{names}: has no examples to score; add some, or name gold")
    extractions = _extract(cases, model, max_usd)
    gold = [case.gold for case in cases]
    report = evaluate(gold, extractions, examples=kept, resamples=0, fields=fields)
    return report.model_copy(
        update={"gold": "the examples", "predicted": model or "the patterns"}
    )


def _extract(
    cases: "Sequence[ExampleCase]", model: str | None, left: float | None
) -> "list[TrialExtraction]":
    """Extract the examples. ``left`` are the US dollars that may still be spent, if limited."""
    extractions = []
    for case in cases:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # said once, for all examples
            extractor = _open_extractor(case, model, left)
            extraction = extractor.extract(case.record)
        extractions.append(extraction)
        if left is not None and extraction.usage:
            left = max(0.0, left - (extractor.price(extraction.usage) or 0.0))
    return extractions


def _open_extractor(
    case: "ExampleCase", model: str | None, max_usd: float | None
) -> "Extractor":
    """Return what extracts an example. The model does not see the example's own answer, unless a
    pattern of the field needs the example; this is said.
    """
    from extractor.api import Extractor
    from extractor.errors import FieldError

    if model is None:
        return Extractor(fields=[case.shown])
    try:
        return Extractor(model, fields=[case.field], max_usd=max_usd)
    except FieldError:
        say(f"{case.record.record_id} is shown with its answer: a pattern needs it")
        return Extractor(model, fields=[case.shown], max_usd=max_usd)
