"""Evaluate predictions against gold: record by record, then figures, errors and intervals.

What counts:

- Criteria, regimens and endpoints are paired with those of gold, each with one at most, by what they quote (an
  endpoint by its outcome); order does not count.
- A value counts where gold states it or the prediction has it. It is right if both agree: then it is one true positive.
  A wrong value is a false positive and a miss. Members of a list count one by one. The item itself counts, too.
- Every value of an item of gold without a counterpart is missed, every value of a predicted one is invented, and so is
  all of gold for a record that was not predicted. ``paired`` is the F1 of a field without such items.
- Empty on both sides is no true positive. How many of the fields that gold leaves empty are left empty is told apart
  (``empty``): of items that have a counterpart, and of the record's own fields. It is no part of any F1.
- F1 of a field is over its values. ``all`` and each task are the mean over fields (macro) that have a value, stated
  or predicted; a field without any is left out. With ``.micro`` they are one F1 over the values of all their fields.
- A score over fewer than ten values (stated, or predicted without a counterpart) gets no interval.
"""

from collections.abc import Callable
from importlib import import_module

from extractor.errors import MissingExtra

from .disagreements import RecordErrors
from .load import ExtractionSource, open_extractions
from .report import ScoreReport

__all__ = ["evaluate"]


def evaluate(
    gold: ExtractionSource,
    predicted: ExtractionSource,
    *,
    compare: ExtractionSource | None = None,
    examples: int = 10,
    resamples: int = 1000,
    seed: int = 0,
    on_record: Callable[[RecordErrors], None] | None = None,
) -> ScoreReport:
    """Score extractions against gold, with 95 % intervals and the worst errors.

    Each source is a folder of JSON, a JSONL file, a run's folder, or extractions (dicts too). Records
    are joined by ``record_id`` and read one at a time. A record that is missing in ``predicted`` is
    all missed; one without gold is listed and not scored. ``compare`` is another prediction, for
    paired differences on the same records. ``examples`` is how many errors of each kind are kept,
    ``resamples`` how often records are drawn for the intervals (0 for none). ``on_record`` is called
    with all errors of each record, for a page or a list of them.

    Raises ``GoldError`` for a source that cannot be read, ``MissingExtra`` without the extra
    ``evaluate`` (scipy), ``ValueError`` for negative numbers.

    >>> gold = {"record_id": "A", "eligibility": {"sex": "female"}}
    >>> report = evaluate([gold], [{"record_id": "A", "eligibility": {"sex": "all"}}], resamples=0)
    >>> report.figure("eligibility.sex"), [error.kind.value for error in report.errors]
    (0.0, ['wrong_category'])
    """
    if examples < 0 or resamples < 0:
        raise ValueError("examples and resamples are 0 or more")
    _require_extra()
    from .compose import (  # noqa: PLC0415 - needs the extra
        compose_comparison,
        compose_report,
        score_records,
    )

    ours, theirs = open_extractions(gold, "gold"), open_extractions(predicted, "predicted")
    others = None if compare is None else open_extractions(compare, "compare")
    scored = score_records(ours, theirs, examples, on_record)
    report = compose_report(scored, (ours, theirs), resamples, seed)
    if others is None:
        return report
    comparison = compose_comparison(scored, score_records(ours, others), others.name, resamples, seed)
    return report.model_copy(update={"comparison": comparison})


def _require_extra() -> None:
    try:
        import_module("scipy")
    except ImportError as error:
        raise MissingExtra(
            "evaluation needs scipy; install it with: pip install 'trial-extractor[evaluate]'"
        ) from error
