"""Score the user's own fields: pair their values in each record, and compare attribute by attribute by their types."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from extractor.errors import GoldError
from extractor.fields.attributes import Attribute, AttributeType
from extractor.fields.declaration import CustomField, Of
from extractor.schemas import (
    Constraint,
    CustomItem,
    Eligibility,
    ExtractedItem,
    Origin,
    Quantity,
    Support,
    TrialExtraction,
)
from extractor.suggestions import refuse_unknown

from .alignment import pair_values
from .comparers import COMPARERS, Comparer, Level
from .gold_files import Extractions, ExtractionSource, open_extractions
from .report import AttributeScore
from .text import measure_overlap

_SAME_ITEM = 0.5
"""The share of words from which on two items are the same."""
_LEAST_ALIKE = 0.3
"""Items less alike are not paired: no attribute agrees, and hardly a word."""


def score_custom(
    gold: Extractions, predicted: Extractions, fields: Sequence[CustomField]
) -> tuple[AttributeScore, ...]:
    """The scores of each attribute, then those of each type. Raises ``GoldError``.

    Values of one field are paired within a record, the likest first; each member of a list is a value. A value is right
    if it agrees with that of its pair.

    >>> from extractor.fields import read_fields
    >>> said = {"record_id": "A", "eligibility": {}, "custom": {"blinding": [{"values": {"value": "double"}}]}}
    >>> both = open_extractions([said], "both")
    >>> [score.f1 for score in score_custom(both, both, read_fields("blinding"))]
    [1.0, 1.0]
    """
    attributes = [(field, one) for field in fields for one in field.attributes]
    counts = {(field.name, one.name): Counter[str]() for field, one in attributes}
    for record_id in gold.record_ids:
        wanted, found = gold.get(record_id), predicted.get(record_id)
        for field in fields:
            if wanted and field.name not in wanted.custom:
                continue  # gold without the key says nothing of the field; an empty list says that there is none
            for old, new in _pair(field, wanted, found):
                for one in field.attributes:
                    counts[field.name, one.name].update(_count(one, old, new))
    scores = [_sum(f"{f.name}.{one.name}", one.type, [counts[f.name, one.name]]) for f, one in attributes]
    kinds = dict.fromkeys(one.type for _, one in attributes)
    by_type = {kind: [counts[f.name, one.name] for f, one in attributes if one.type is kind] for kind in kinds}
    return (*scores, *(_sum("all", kind, found) for kind, found in by_type.items()))


def states_custom_alone(gold: TrialExtraction) -> bool:
    """Whether gold was written for fields of the user's own alone, so that nothing else is scored."""
    return bool(gold.custom) and not gold.dosing and not gold.endpoints and gold.eligibility == Eligibility()


class SupportShare(NamedTuple):
    """How many values of a field with one kind of support are right."""

    field: str
    support: Support
    right: int
    total: int

    @property
    def confidence(self) -> float:
        """The share right, with one right and one wrong value added, so that few values claim little."""
        return round((self.right + 1) / (self.total + 2), 3)


LEAST_VALUES = 50
"""Values of a field from which on their shares are used as confidences."""


def count_support(
    gold: ExtractionSource, predicted: ExtractionSource, fields: Iterable[CustomField]
) -> tuple[SupportShare, ...]:
    """How many values of a model are right, by field and support. A value that gold lacks is wrong."""
    ours, theirs = open_extractions(gold, "gold"), open_extractions(predicted, "predicted")
    counts: dict[tuple[str, Support], Counter[bool]] = {}
    for record_id in ours.record_ids:
        wanted, extracted = ours.get(record_id), theirs.get(record_id)
        for field in fields:
            for old, new in _pair(field, wanted, extracted) if wanted and field.name in wanted.custom else ():
                if new and new.support and new.origin is Origin.MODEL:
                    found = [_count(one, old, new) for one in field.attributes]
                    right = all(one["right"] == one["predicted"] for one in found)
                    counts.setdefault((field.name, new.support), Counter())[right] += 1
    return tuple(SupportShare(*key, count[True], count.total()) for key, count in sorted(counts.items()))


def _items(extraction: TrialExtraction | None, field: CustomField) -> list[CustomItem]:
    """The values of a field, in the classes of their types. Raises ``GoldError`` for a value in no such form."""
    found: list[CustomItem] = []
    for at, item in enumerate(extraction.custom.get(field.name, ()) if extraction else ()):
        try:
            refuse_unknown("attribute", list(item.values), [one.name for one in field.attributes])
            values = {name: field.attribute(name).restore(value) for name, value in item.values.items()}
        except ValueError as error:
            place = f"{extraction.record_id if extraction else ''}, custom.{field.name}[{at}].values"
            raise GoldError(f"{place}: {error}; extractor evaluate --check --fields lists all") from error
        found.append(item.model_copy(update={"values": values}))
    return found


def _pair(
    field: CustomField, old: TrialExtraction | None, new: TrialExtraction | None
) -> list[tuple[CustomItem | None, CustomItem | None]]:
    """Pair the values of a field; those of criteria, regimens or outcomes with other words are none of a pair."""
    gold, predicted = _items(old, field), _items(new, field)
    hosts = [dict(each.list_items()) if each else {} for each in (old, new)]

    def compare(one: CustomItem, other: CustomItem) -> float:
        words = [_read_words(known.get(item.of or "")) for known, item in zip(hosts, (one, other), strict=True)]
        apart = all(words) and measure_overlap(*words) < _SAME_ITEM
        return 0.0 if apart else _compare(field, one, other)

    pairs = pair_values(gold, predicted, compare, _LEAST_ALIKE)
    rows, columns = {row for row, _ in pairs}, {column for _, column in pairs}
    return [
        *((gold[row], predicted[column]) for row, column in pairs),
        *((one, None) for row, one in enumerate(gold) if row not in rows),
        *((None, one) for column, one in enumerate(predicted) if column not in columns),
    ]


def _read_words(item: ExtractedItem | None) -> str:
    """The words of a criterion, regimen or outcome; empty for the record, and where gold does not have it."""
    return next((text for name in ("quote", "measure") if (text := getattr(item, name, None))), "")


def _compare(field: CustomField, one: CustomItem, other: CustomItem) -> float:
    """How alike the values of both are: 1 if each has its like. The only value of a record is always paired."""
    if not field.many and field.of is Of.RECORD:
        return 1.0
    nearest: list[float] = []
    for attribute in field.attributes:
        comparer = COMPARERS[attribute.type.comparison]
        ours, theirs = (_spread(comparer, each.values.get(attribute.name)) for each in (one, other))
        alike = [
            [max(comparer.likeness(a, b), float(comparer.level(a, b) >= Level.NORMALISED)) for b in theirs]
            for a in ours
        ]
        nearest += [max(row, default=0.0) for row in alike]
        nearest += [max((row[at] for row in alike), default=0.0) for at in range(len(theirs))]
    return sum(nearest) / len(nearest) if nearest else 0.0


def _count(attribute: Attribute, gold: CustomItem | None, predicted: CustomItem | None) -> Counter[str]:
    comparer = COMPARERS[attribute.type.comparison]
    ours, theirs = (_spread(comparer, one.values.get(attribute.name) if one else None) for one in (gold, predicted))
    pairs = pair_values(ours, theirs, lambda a, b: 1e-6 + comparer.level(a, b), 1e-9)
    right = sum(comparer.level(ours[row], theirs[column]) >= Level.NORMALISED for row, column in pairs)
    return Counter(gold=len(ours), predicted=len(theirs), right=right)


def _spread(comparer: Comparer, value: Any) -> list[Any]:
    """The comparable values: the sides of a quantity, the members of a list."""
    members = value if isinstance(value, tuple) else () if value is None else (value,)
    named = tuple(Constraint(quantity="", **m.model_dump()) if isinstance(m, Quantity) else m for m in members)
    return [one for member in named for one in comparer.spread((member,))]


def _sum(name: str, kind: AttributeType, counts: Iterable[Counter[str]]) -> AttributeScore:
    total = sum(counts, Counter[str]())
    stated, predicted, right = total["gold"], total["predicted"], total["right"]
    f1 = 2 * right / (stated + predicted) if stated + predicted else None
    return AttributeScore(name=name, type=kind, stated=stated, predicted=predicted, right=right, f1=f1)
