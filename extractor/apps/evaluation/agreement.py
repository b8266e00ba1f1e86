"""How far two annotators agree, and each difference between their golds, in neutral words."""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path

from pydantic import Field as ModelField

from extractor.apps.evaluation.chosen import split_fields
from extractor.apps.evaluation.comparers import ErrorKind
from extractor.apps.evaluation.fields import add_groups
from extractor.apps.evaluation.gold_files import ExtractionSource, open_extractions
from extractor.apps.evaluation.report import (
    ErrorExample,
    ErrorSide,
    FieldScore,
    Interval,
    ScoreReport,
    Share,
)
from extractor.apps.evaluation.scoring import evaluate
from extractor.apps.evaluation.variants import list_variants
from extractor.apps.pages import name_label
from extractor.apps.pages.words import say
from extractor.concepts.own.declaration import CustomField, Declared
from extractor.concepts.own.models import read_fields
from extractor.errors import GoldError
from extractor.schemas.base import FrozenModel

_ALL = 1_000_000
"""Differences that are kept of each kind: all."""
ITEM = re.compile(r"^(eligibility\.criteria|dosing|endpoints|custom\.\w+)\[(\d+)\]")
"""The path of an item at the start of a path in it: its group and its number."""
_NOUNS = {
    "eligibility.criteria": "criterion",
    "dosing": "regimen",
    "endpoints": "endpoint",
}
_DERIVED = "eligibility.criteria.time_window"
"""It follows from ``time_windows``, so that its difference is told there."""
_WHOLE_ITEM = "whole item"
SAME = "the same, other words"
"""How two annotators differ who agree in other words, units or names."""


class FieldAgreement(FrozenModel):
    """How far two annotators agree on a field, or on the fields of a task."""

    name: str
    f1: Share = ModelField(description="The F1 of one against the other; 1 is full.")
    interval: Interval | None = None
    both: int = ModelField(description="Values that both state.")
    differ: int = ModelField(description="Places where each states another value.")
    only_one: int = ModelField(description="Values that the first alone states.")
    only_other: int = ModelField(description="Values that the second alone states.")
    in_mean: bool = ModelField(
        default=True, description="Whether it is part of the mean over the fields."
    )


class Difference(FrozenModel):
    """A place where two annotators do not agree. A side is null if that gold lacks the item."""

    record_id: str
    item: str = ModelField(
        description="Such as 'criterion 3', as the first counts; 'criterion 3 (ben: 2)' if the "
        "second counts otherwise."
    )
    field: str = ModelField(description="The field, or 'whole item'.")
    relation: str = ModelField(description="Such as 'differs' or 'only in anna'.")
    words: str | None = ModelField(description="Words of the item.")
    one: ErrorSide | None
    other: ErrorSide | None


class Agreement(FrozenModel):
    """How far two annotators agree.

    Attributes:
        one: The name of the first one's folder.
        other: The name of the second one's folder.
        records: The number of records that both have; these alone are compared.
        only_one: The records that the first alone has.
        only_other: The records that the second alone has.
        total: All fields: the figure to report.
        fields: Each field with a value in either.
        differences: All differences, record by record.
        variants: Values on which both agree in other words, units or names. They count as
            agreement.
        errors: The differences as ``evaluate`` describes them, for the page.
        alike: The same of the variants.
        report: The evaluation of the second one by the first.
    """

    one: str
    other: str
    records: int
    only_one: tuple[str, ...]
    only_other: tuple[str, ...]
    total: FieldAgreement
    fields: tuple[FieldAgreement, ...]
    differences: tuple[Difference, ...]
    variants: tuple[Difference, ...]
    errors: tuple[ErrorExample, ...] = ModelField(exclude=True)
    alike: tuple[ErrorExample, ...] = ModelField(exclude=True)
    report: ScoreReport = ModelField(exclude=True)

    def describe(self) -> str:
        """Return the figure to report, with its interval and what it is over.

        >>> first = {"record_id": "A", "eligibility": {"sex": "female"}}
        >>> compare_annotators([first], [first], resamples=0).describe()
        'F1 1.000 (no interval: there is one record) over 1 record'
        """
        figure = "F1 –" if self.total.f1 is None else f"F1 {self.total.f1:.3f}"
        bounds = self.total.interval
        if bounds:
            figure += f" (95 % interval {bounds.low:.3f} to {bounds.high:.3f})"
        else:
            figure += f" (no interval: {self.explain_no_interval()})"
        records = "1 record" if self.records == 1 else f"{self.records} records"
        return f"{figure} over {records}"

    def explain_no_interval(self) -> str:
        """Return why the total has no interval."""
        if self.records == 1:
            return "there is one record"
        if not self.report.resamples:
            return "no samples were drawn"
        return "there are too few values"

    def describe_relations(self) -> str:
        """Return how many differences there are of each kind: "5 differs, 1 only in anna"."""
        counts = Counter(row.relation for row in self.differences)
        return ", ".join(f"{number} {name}" for name, number in counts.most_common())

    def describe_share(self) -> str:
        """Return the share of the places where both state the same value, in words."""
        total = self.total
        places = total.both + total.differ + total.only_one + total.only_other
        if not places:
            return "neither states a value"
        share = 100 * total.both / places
        return f"{share:.1f} % ({total.both:,} of {places:,} values)"


def compare_annotators(
    one: ExtractionSource,
    other: ExtractionSource,
    *,
    resamples: int = 1000,
    fields: Iterable[Declared] | Declared = (),
) -> Agreement:
    """Compare the golds of two annotators. Only records that both have are compared.

    Args:
        one: The gold of one annotator, as for ``evaluate``.
        other: The gold of the other one.
        resamples: The number of bootstrap samples for the intervals; 0 for none.
        fields: Fields of your own, and names of fields, as for ``evaluate``.

    Raises:
        GoldError: A source cannot be read, or there is no record that both have.

    >>> first = {"record_id": "A", "eligibility": {"sex": "female"}}
    >>> second = {"record_id": "A", "eligibility": {"sex": "all"}}
    >>> agreement = compare_annotators([first], [second], resamples=0)
    >>> [(row.field, row.relation) for row in agreement.differences]
    [('sex', 'differs')]
    """
    ours = open_extractions(one, "one")
    theirs = open_extractions(other, "other")
    ids = set(ours.record_ids)
    other_ids = set(theirs.record_ids)
    common = sorted(ids & other_ids)
    if not common:
        raise GoldError(
            f"{ours.name} and {theirs.name} have no record in common; each needs its own gold "
            "of the same records"
        )
    report = evaluate(
        [ours.read(record_id) for record_id in common],
        [theirs.read(record_id) for record_id in common],
        examples=_ALL,
        resamples=resamples,
        fields=fields,
    )
    first, second = name_sides(ours.name, theirs.name)
    errors = sorted(_merge_items(report), key=_place)
    names, declared = split_fields(fields)
    own = read_fields(declared)
    in_mean = _list_in_mean(own)
    alike = []
    for record_id in common:
        of_record = list_variants(
            ours.read(record_id), theirs.read(record_id), own, names
        )
        alike += [error for error in of_record if error.field != _DERIVED]
    alike.sort(key=_place)
    return Agreement(
        one=first,
        other=second,
        records=len(common),
        only_one=tuple(sorted(ids - other_ids)),
        only_other=tuple(sorted(other_ids - ids)),
        total=_add_up(report, in_mean),
        fields=tuple(
            _count_field(field, in_mean) for field in report.fields if _is_used(field)
        ),
        differences=tuple(_describe(error, first, second) for error in errors),
        variants=tuple(_describe(error, first, second) for error in alike),
        errors=tuple(errors),
        alike=tuple(alike),
        report=report,
    )


def name_relation(error: ErrorExample, one: str, other: str) -> str:
    """Return in neutral words how two annotators differ."""
    if not error.harm:
        return SAME
    if error.kind is ErrorKind.MISSED:
        return f"only in {one}"
    if error.kind is ErrorKind.INVENTED:
        return f"only in {other}"
    if error.kind is ErrorKind.WRONG_PAIRING:
        return "at another item"
    if error.kind in (ErrorKind.SPLIT, ErrorKind.MERGED):
        return "one item or several"
    return "differs"


def name_sides(one: str, other: str) -> tuple[str, str]:
    """Return the names of two folders: the last part of each path, or as much as tells them
    apart.

    >>> name_sides("gold/anna", "gold/ben"), name_sides("anna/gold", "ben/gold")
    (('anna', 'ben'), ('anna/gold', 'ben/gold'))
    """
    first = Path(one).parts
    second = Path(other).parts
    length = 1
    longest = max(len(first), len(second))
    while first[-length:] == second[-length:] and length < longest:
        length += 1
    names = "/".join(first[-length:]), "/".join(second[-length:])
    # Gold in memory has no folder.
    return names if names[0] != names[1] else ("the first", "the second")


def _is_used(field: FieldScore) -> bool:
    return bool(field.records and (field.stated or field.predicted))


def _count_field(field: FieldScore, in_mean: Collection[str]) -> FieldAgreement:
    return FieldAgreement(
        name=field.name,
        f1=field.normalised.f1,
        interval=field.normalised.interval,
        both=field.right,
        differ=field.wrong,
        only_one=field.missed,
        only_other=field.invented,
        in_mean=field.name in in_mean,
    )


def _list_in_mean(own: Sequence[CustomField]) -> set[str]:
    """Return the names of the fields that are part of the mean over all fields."""
    return {
        field.name
        for group in add_groups(own)
        for field in group.fields
        if field.in_total
    }


def _add_up(report: ScoreReport, in_mean: Collection[str]) -> FieldAgreement:
    """Return the mean F1 over all fields, and the counts of the fields in it."""
    counted = [
        _count_field(field, in_mean) for field in report.fields if field.name in in_mean
    ]
    (mean,) = [group for group in report.groups if group.figure == "all"]
    return FieldAgreement(
        name="all",
        f1=mean.normalised.f1,
        interval=mean.normalised.interval,
        both=sum(field.both for field in counted),
        differ=sum(field.differ for field in counted),
        only_one=sum(field.only_one for field in counted),
        only_other=sum(field.only_other for field in counted),
    )


def _merge_items(report: ScoreReport) -> Iterator[ErrorExample]:
    """Yield the differences, those of an item that one gold lacks as one, with all that the other
    says of it.
    """
    whole = defaultdict[tuple[str, str, bool], list[ErrorExample]](list)
    for kind in report.errors:
        for error in kind.examples:
            if error.field == _DERIVED:
                continue
            item = _find_item(error)
            lacks_item = error.gold is None or error.predicted is None
            if item and lacks_item:
                whole[error.record_id, item[0], error.gold is None].append(error)
            else:
                yield error
    for (_, path, is_other), errors in whole.items():
        yield _merge(path, errors, is_other=is_other)


def _merge(path: str, errors: list[ErrorExample], *, is_other: bool) -> ErrorExample:
    """Return the differences of one item as one."""
    first = errors[0]
    # The field that stands for the item itself says all of it.
    lines = []
    for error in errors:
        said = error.gold or error.predicted
        if said is not None and said.value is not None:
            lines.append(say(said.value))
    side = first.gold or first.predicted
    assert side is not None
    merged = side.model_copy(update={"path": path, "value": lines})
    group = path.rpartition("[")[0]
    return first.model_copy(
        update={
            "kind": ErrorKind.INVENTED if is_other else ErrorKind.MISSED,
            "field": group,
            "gold": None if is_other else merged,
            "predicted": merged if is_other else None,
            "belongs_to": None,
        }
    )


def _find_item(error: ErrorExample) -> re.Match[str] | None:
    """Return the group and the number of the item that a difference is in; None if it is in the
    record itself.
    """
    side = error.gold or error.predicted
    if side is None or side.path is None:
        return None
    return ITEM.match(side.path)


def _place(error: ErrorExample) -> tuple[str, str, int, str]:
    """Return the key that sorts differences: by record, group of items, item and field."""
    item = _find_item(error)
    if item is None:
        return error.record_id, "", 0, error.field
    return error.record_id, item[1], int(item[2]), error.field


def _describe(error: ErrorExample, one: str, other: str) -> Difference:
    side = error.gold or error.predicted
    item = _find_item(error)
    name = "record"
    if item:
        noun = _NOUNS.get(item[1]) or name_label(item[1].removeprefix("custom."))
        name = f"{noun} {int(item[2]) + 1}"
        their_item = ITEM.match(error.predicted.path) if error.predicted else None
        # A gold with one item more counts others differently.
        if their_item and their_item[2] != item[2]:
            name += f" ({other}: {int(their_item[2]) + 1})"
    field = error.field.rpartition(".")[2]
    if error.gold is None or error.predicted is None:
        field = _WHOLE_ITEM if item else field
    return Difference(
        record_id=error.record_id,
        item=name,
        field=field,
        relation=name_relation(error, one, other),
        words=side.quote if side else None,
        one=error.gold,
        other=error.predicted,
    )
