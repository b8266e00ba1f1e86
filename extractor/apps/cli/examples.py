"""Score the examples of custom fields, for ``extractor evaluate``."""

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
    """Extract and score the examples of custom fields, using their patterns or a model that does
    not see the answers. ``examples`` is the maximum number of errors of each kind in the report.
    """
    from extractor.apps.evaluation import evaluate
    from extractor.apps.evaluation.examples import list_examples

    cases = list(list_examples(fields))
    if not cases:
        names = ", ".join(field.name for field in fields)
        raise ValueError(
            f"{names}: has no examples to score; add some, or specify gold"
        )
    if not model:
        unread = [field.name for field in fields if not field.has_patterns]
        fields = tuple(field for field in fields if field.has_patterns)
        problem = (
            f"{', '.join(unread)}: not scored, because a field without a pattern needs a model; "
            "specify one with --model"
        )
        if not fields:
            raise ValueError(problem)
        if unread:
            say(problem)
        cases = [case for case in cases if case.shown.has_patterns]
    gold = [case.gold for case in cases]
    extractions = _extract_examples(cases, model, max_usd)
    report = evaluate(gold, extractions, examples=examples, resamples=0, fields=fields)
    return report.model_copy(
        update={"gold": "the examples", "predicted": model or "the patterns"}
    )


def _extract_examples(
    cases: "Iterable[ExampleCase]", model: str | None, remaining_usd: float | None
) -> "Iterator[TrialExtraction]":
    """Yield the extraction of each example, spending at most ``remaining_usd`` in total.

    A model is not shown the example's answer, unless a pattern of the field depends on it.
    """
    from extractor.api import Extractor
    from extractor.errors import FieldError

    for case in cases:
        field = case.field if model else case.shown
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # printed above, once
            try:
                extractor = Extractor(model, fields=[field], max_usd=remaining_usd)
            except FieldError:
                name = case.record.record_id
                say(
                    f"the model sees the answer of {name}, because a pattern depends on it"
                )
                extractor = Extractor(model, fields=[case.shown], max_usd=remaining_usd)
            extraction = extractor.extract(case.record)
        if remaining_usd is not None and extraction.usage:
            remaining_usd -= extractor.price(extraction.usage) or 0.0
            remaining_usd = max(0.0, remaining_usd)
        yield extraction
