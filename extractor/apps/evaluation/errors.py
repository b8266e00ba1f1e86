"""List the errors in a table of judged values: the most harmful first, and by kind."""

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from pydantic_core import to_jsonable_python

from extractor.apps.evaluation.alignment import Side
from extractor.apps.evaluation.comparers import NOTHING, ErrorKind
from extractor.apps.evaluation.judged import JudgedValue
from extractor.apps.evaluation.places import name_home
from extractor.apps.evaluation.report import ErrorExample, ErrorScore, ErrorSide
from extractor.schemas import Endpoint, Evidence, ExtractedItem, FieldRef

_OUTCOME = ("measure", "description", "time_frame")
_OF_TIME = frozenset({"time_points", "time_kind"})
"""Fields of an outcome that its time frame states."""


def list_errors(record_id: str, rows: Iterable[JudgedValue]) -> Iterator[ErrorExample]:
    """Yield the errors among the rows of a record, each with what both extractions say."""
    for row in rows:
        if not row.error:
            continue
        harm = row.error.harm * row.field.weight
        yield describe_row(record_id, row, row.error, harm)


def describe_row(
    record_id: str, row: JudgedValue, kind: ErrorKind, harm: float
) -> ErrorExample:
    """Return what both extractions say in a row, as an error of this kind."""
    attribute = row.field.attribute
    return ErrorExample(
        kind=kind,
        harm=harm,
        record_id=record_id,
        field=row.field.name,
        gold=_describe(row.gold_item, row.gold_path, attribute, row.gold),
        predicted=_describe(
            row.predicted_item, row.predicted_path, attribute, row.predicted
        ),
        belongs_to=row.belongs_to,
    )


def _describe(
    side: Side, path: str | None, attribute: str | None, value: Any
) -> ErrorSide | None:
    """Return what one extraction says at ``path``, and on what it rests; None if it lacks the item,
    which then has no path.
    """
    if path is None:
        return None
    item: ExtractedItem = side.item
    pieces = _find_evidence(item, attribute, value)
    citations = [evidence.cite() for evidence in pieces]
    shown = None
    if value != NOTHING:
        shown = to_jsonable_python(value)
    return ErrorSide(
        path=path,
        value=shown,
        section=name_home(item),
        quote=_find_quote(item, attribute),
        evidence=tuple(dict.fromkeys(citations)),
        confidence=item.confidence,
        origin=item.origin,
        support=item.support,
    )


def _find_quote(item: ExtractedItem, attribute: str | None) -> str | None:
    """Return the words that state a value: of an outcome its time frame for times, else its
    measure; of any other item its quote, else the words of the first evidence of the field; None
    without any.
    """
    # Times stand in the time frame of an outcome, all else in its measure.
    if isinstance(item, Endpoint):
        return item.time_frame if attribute in _OF_TIME else item.measure
    quote: str | None = getattr(item, "quote", None)
    if quote is not None or not attribute:
        return quote
    for evidence in item.evidence_for(attribute):
        return evidence.quote
    return None


def _find_evidence(
    item: ExtractedItem, attribute: str | None, value: Any
) -> list[Evidence]:
    """Return the evidence for a value.

    For the item itself, which has no ``attribute``, this is that of its quote or its outcome. A
    member of a list has its own, if there is any. Else all evidence of the field counts.
    """
    if attribute is None:
        of_item = ("quote", *_OUTCOME)
        return [evidence for evidence in item.evidence if evidence.field in of_item]
    # The words of one member of a list prove that member alone.
    held = item.value_of(name_field(attribute))
    if isinstance(held, tuple) and value in held:
        index = held.index(value)
        member = f"{attribute}[{index}]"
        of_member = [evidence for evidence in item.evidence if evidence.field == member]
        if of_member:
            return of_member
    field = FieldRef(attribute)
    return [
        evidence
        for evidence in item.evidence
        if field.covers(FieldRef(evidence.field).path)
    ]


def name_field(path: str) -> str:
    """Return the field at a path in an item, without an index; of a user's own field, the
    attribute.
    """
    return FieldRef(path.removeprefix("values.")).names[0]


def rank_error(error: ErrorExample) -> tuple[Any, ...]:
    """Return the key that sorts errors: by harm, then by record, field and values."""
    gold = repr(error.gold and error.gold.value)
    predicted = repr(error.predicted and error.predicted.value)
    return -error.harm, error.record_id, error.field, gold, predicted


def group_errors(
    errors: Iterable[ErrorExample], examples: int
) -> tuple[ErrorScore, ...]:
    """Count the errors of each kind, and keep the worst of each, at most ``examples`` of them. The
    kind with the most harm in all comes first.
    """
    by_kind = defaultdict[ErrorKind, list[ErrorExample]](list)
    for error in errors:
        by_kind[error.kind].append(error)
    scores: list[ErrorScore] = []
    for kind, of_kind in by_kind.items():
        by_field = Counter(error.field for error in of_kind)
        worst = heapq.nsmallest(examples, of_kind, key=rank_error)
        score = ErrorScore(
            kind=kind,
            count=len(of_kind),
            harm=sum(error.harm for error in of_kind),
            fields=dict(sorted(by_field.items())),
            examples=tuple(worst),
        )
        scores.append(score)
    order = list(ErrorKind)
    scores.sort(key=lambda score: (-score.harm, order.index(score.kind)))
    return tuple(scores)
