"""Score the examples of a user's fields, for ``extractor evaluate``."""

import warnings
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from extractor.apps.cli.console import say

if TYPE_CHECKING:
    from extractor.apps.evaluation import ScoreReport
    from extractor.apps.evaluation.examples import ExampleCase
    from extractor.concepts.own.declaration import CustomField
    from extractor.schemas import TrialExtraction


def score_examples(
    fields: "tuple[CustomField, ...]",
    model: str | None,
    max_usd: float | None,
    examples: int,
) -> "ScoreReport":
    """Extract the examples of fields by their patterns, or by a model that does not see the answer,
    and score them. ``examples`` are the errors of each kind in the report.
    """
    from extractor.apps.evaluation import evaluate
    from extractor.apps.evaluation.examples import list_examples

    cases = list(list_examples(fields))
    if not cases:
        names = ", ".join(field.name for field in fields)
        raise ValueError(f"{names}: has no examples to score; add some, or name gold")
    if not model:
        unread = [field.name for field in fields if not field.has_patterns]
        fields = tuple(field for field in fields if field.has_patterns)
        problem = (
            f"{', '.join(unread)}: not scored, since without a pattern only a model answers; name "
            "one with --model"
        )
        if not fields:
            raise ValueError(problem)
        if unread:
            say(problem)
        cases = [case for case in cases if case.shown.has_patterns]
    gold = [case.gold for case in cases]
    found = _extract(cases, model, max_usd)
    report = evaluate(gold, found, examples=examples, resamples=0, fields=fields)
    return report.model_copy(
        update={"gold": "the examples", "predicted": model or "the patterns"}
    )


def _extract(
    cases: "Iterable[ExampleCase]", model: str | None, left: float | None
) -> "Iterator[TrialExtraction]":
    """Yield what is read in each example; ``left`` is what may be spent, in US dollars."""
    from extractor.api import Extractor
    from extractor.errors import FieldError

    for case in cases:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # printed above, once
            try:
                asked = case.field if model else case.shown
                extractor = Extractor(model, fields=[asked], max_usd=left)
            except FieldError:
                name = case.record.record_id
                say(f"{name} is shown with its answer: a pattern needs it")
                extractor = Extractor(model, fields=[case.shown], max_usd=left)
            extraction = extractor.extract(case.record)
        if left is not None and extraction.usage:
            left = max(0.0, left - (extractor.price(extraction.usage) or 0.0))
        yield extraction
