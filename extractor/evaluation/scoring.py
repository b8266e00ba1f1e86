"""Evaluate predictions against gold: record by record, then figures, errors and intervals."""

from collections import Counter
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

from extractor.errors import ExtractorError

from .disagreements import RecordErrors
from .load import Extractions, ExtractionSource, open_extractions
from .report import ScoreReport

if TYPE_CHECKING:
    from .compose import Scored

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

    Raises ``GoldError`` for a source that cannot be read, ``ExtractorError`` without the extra
    ``evaluate`` (scipy, jinja2), ``ValueError`` for negative numbers.

    >>> gold = {"record_id": "A", "eligibility": {"sex": "female"}}
    >>> report = evaluate([gold], [{"record_id": "A", "eligibility": {"sex": "all"}}], resamples=0)
    >>> report.figure("eligibility.sex"), [error.kind.value for error in report.errors]
    (0.0, ['wrong_category'])
    """
    if examples < 0 or resamples < 0:
        raise ValueError("examples and resamples are 0 or more")
    _require_extra()
    from .compose import compose_comparison, compose_report  # noqa: PLC0415 - needs the extra

    ours, theirs = open_extractions(gold, "gold"), open_extractions(predicted, "predicted")
    scored = _score_records(ours, theirs, examples, on_record)
    report = compose_report(scored, (ours, theirs), resamples, seed)
    if compare is None:
        return report
    others = open_extractions(compare, "compare")
    comparison = compose_comparison(scored, _score_records(ours, others, 0), others.name, resamples, seed)
    return report.model_copy(update={"comparison": comparison})


def _score_records(
    gold: Extractions,
    predicted: Extractions,
    examples: int,
    on_record: Callable[[RecordErrors], None] | None = None,
) -> "Scored":
    import numpy as np  # noqa: PLC0415 - needs the extra

    from .compose import Scored  # noqa: PLC0415
    from .counts import Confused  # noqa: PLC0415
    from .examples import ErrorTally  # noqa: PLC0415
    from .intervals import Counts  # noqa: PLC0415
    from .record_score import score_record  # noqa: PLC0415

    errors, choices, rows = ErrorTally(examples), Counter[Confused](), []
    for record_id in gold.record_ids:
        annotated = gold.get(record_id)
        if annotated is None:
            continue
        extraction = predicted.get(record_id)
        score = score_record(annotated, extraction)
        rows.append(np.array(score.counts, dtype=np.uint16))
        choices.update(score.choices)
        for error in score.errors:
            errors.add(error)
        if on_record:
            places = gold.place(record_id) or gold.name, predicted.place(record_id)
            on_record(RecordErrors(annotated, extraction, *places, tuple(score.errors)))
    return Scored(Counts.collect(rows), errors, choices)


def _require_extra() -> None:
    for name in ("scipy", "jinja2"):
        try:
            import_module(name)
        except ImportError as error:
            raise ExtractorError(
                f"evaluation needs {name}; install it with: pip install 'trial-extractor[evaluate]'"
            ) from error
