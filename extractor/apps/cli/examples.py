"""Score the examples of custom fields, for ``extractor evaluate``."""

import warnings
from collections.abc import Iterable, Iterator

from extractor.api import Extractor
from extractor.apps.cli.console import say
from extractor.apps.evaluation import ScoreReport, evaluate
from extractor.apps.evaluation.examples import ExampleCase, list_examples
from extractor.face import CustomFields
from extractor.schemas import TrialExtraction


def score_examples(
    fields: CustomFields, model: str | None, examples: int
) -> ScoreReport:
    """Extract and score the examples of custom fields, using the fields' patterns, or a model that
    is not shown the answers. ``examples`` is the maximum number of errors of each kind in the
    report.
    """
    cases = list(list_examples(fields))
    if not cases:
        names = ", ".join(field.name for field in fields)
        raise ValueError(
            f"{names}: has no examples to score; add some, or specify gold"
        )
    if not model:
        without_pattern = [field.name for field in fields if not field.has_patterns]
        fields = tuple(field for field in fields if field.has_patterns)
        problem = (
            f"{', '.join(without_pattern)}: not scored, because a field without a pattern needs a "
            "model; specify one with --model"
        )
        if not fields:
            raise ValueError(problem)
        if without_pattern:
            say(problem)
        cases = [case for case in cases if case.answered.has_patterns]
    gold = [case.gold for case in cases]
    extractions = _extract_examples(cases, model)
    report = evaluate(gold, extractions, examples=examples, resamples=0, fields=fields)
    return report.model_copy(
        update={"gold": "the examples", "predicted": model or "the patterns"}
    )


def _extract_examples(
    cases: Iterable[ExampleCase], model: str | None
) -> Iterator[TrialExtraction]:
    """Yield the extraction of each example. A model is not shown the example's answer."""
    for case in cases:
        field = case.unanswered if model else case.answered
        with warnings.catch_warnings():
            # the caller printed once which fields have no pattern
            warnings.simplefilter("ignore", UserWarning)
            extraction = Extractor(model, fields=[field]).extract(case.record)
        yield extraction
