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

from .alignment import Side, pair_values
from .comparers import COMPARERS, Comparer, ErrorKind, Level
from .fields import Field
from .gold_files import ExtractionSource, open_extractions
from .record_score import Disagreement
from .report import AttributeScore
from .text import measure_overlap

_SAME_ITEM = 0.5
"""The share of words from which on two items are the same."""
_LEAST_ALIKE = 0.3
"""Items less alike are not paired: no attribute agrees, and hardly a word."""


class CustomScorer:
    """Counts how the values of custom fields agree, record by record.

    Values of one field are paired within a record, the likest first; each member of a list is a value. A value is right
    if it agrees with that of its pair.

    >>> from extractor.fields import read_fields
    >>> said = {"record_id": "A", "eligibility": {}, "custom": {"blinding": [{"values": {"value": "double"}}]}}
    >>> gold, scorer = TrialExtraction.model_validate(said), CustomScorer(read_fields("blinding"))
    >>> [error.kind.value for error in scorer.add(gold, None)], [score.f1 for score in scorer.scores]
    (['missed'], [0.0, 0.0])
    """

    def __init__(self, fields: Iterable[CustomField]) -> None:
        self.fields = tuple(fields)
        self._counts = {(field.name, one.name): Counter[str]() for field in self.fields for one in field.attributes}

    def add(self, gold: TrialExtraction, predicted: TrialExtraction | None) -> list[Disagreement]:
        """Count the values of a record; returns those that differ. Raises ``GoldError``.

        Gold without a field's key says nothing of the field; an empty list says that there is none.
        """
        found: list[Disagreement] = []
        for field in self.fields:
            for old, new in _pair(field, gold, predicted) if field.name in gold.custom else ():
                for one in field.attributes:
                    count = _count(one, old.item, new.item)
                    self._counts[field.name, one.name].update(count)
                    if count["right"] < max(count["gold"], count["predicted"]):
                        found.append(_name_error(gold.record_id, field, one, old, new))
        return found

    @property
    def scores(self) -> tuple[AttributeScore, ...]:
        """The scores of each attribute, then those of each type."""
        attributes = [(field, one) for field in self.fields for one in field.attributes]
        kinds = dict.fromkeys(one.type for _, one in attributes)
        by_type = {
            kind: [self._counts[f.name, one.name] for f, one in attributes if one.type is kind] for kind in kinds
        }
        return (
            *(_sum(f"{f.name}.{one.name}", one.type, [self._counts[f.name, one.name]]) for f, one in attributes),
            *(_sum("all", kind, counts) for kind, counts in by_type.items()),
        )


def _name_error(record_id: str, field: CustomField, attribute: Attribute, old: Side, new: Side) -> Disagreement:
    """The error of an attribute: of a list, that of its first member that differs."""
    comparer = COMPARERS[attribute.type.comparison]
    gold, predicted = (one.item and one.item.values.get(attribute.name) for one in (old, new))
    ours, theirs = _spread(comparer, gold), _spread(comparer, predicted)
    pairs = _pair_equal(comparer, ours, theirs)
    wanted = [one for row, one in enumerate(ours) if all(row != pair[0] for pair in pairs)]
    others = [one for column, one in enumerate(theirs) if all(column != pair[1] for pair in pairs)]
    kind = ErrorKind.MISSED if wanted else ErrorKind.INVENTED
    if wanted and others:
        kind = comparer.error(wanted[0], others[0])
    scored = Field(f"{field.name}.{attribute.name}", f"values.{attribute.name}", comparer)
    return Disagreement(kind, scored, record_id, gold, predicted, old, new)


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
                if new.item and new.item.support and new.item.origin is Origin.MODEL:
                    found = [_count(one, old.item, new.item) for one in field.attributes]
                    right = all(one["right"] == one["predicted"] for one in found)
                    counts.setdefault((field.name, new.item.support), Counter())[right] += 1
    return tuple(SupportShare(*key, count[True], count.total()) for key, count in sorted(counts.items()))


def _items(extraction: TrialExtraction | None, field: CustomField) -> list[Side]:
    """The values of a field, in the classes of their types. Raises ``GoldError`` for a value in no such form."""
    found: list[Side] = []
    for at, item in enumerate(extraction.custom.get(field.name, ()) if extraction else ()):
        path = f"custom.{field.name}[{at}]"
        try:
            refuse_unknown("attribute", list(item.values), [one.name for one in field.attributes])
            values = {name: field.attribute(name).restore(value) for name, value in item.values.items()}
        except ValueError as error:
            place = f"{extraction.record_id if extraction else ''}, {path}.values"
            raise GoldError(f"{place}: {error}; extractor evaluate --check --fields lists all") from error
        found.append(Side(item.model_copy(update={"values": values}), path, at))
    return found


def _pair(field: CustomField, old: TrialExtraction | None, new: TrialExtraction | None) -> list[tuple[Side, Side]]:
    """Pair the values of a field; those of criteria, regimens or outcomes with other words are none of a pair."""
    gold, predicted = _items(old, field), _items(new, field)
    hosts = [dict(each.list_items()) if each else {} for each in (old, new)]

    def compare(one: Side, other: Side) -> float:
        words = [_read_words(known.get(side.item.of or "")) for known, side in zip(hosts, (one, other), strict=True)]
        apart = all(words) and measure_overlap(*words) < _SAME_ITEM
        return 0.0 if apart else _compare(field, one.item, other.item)

    pairs = pair_values(gold, predicted, compare, _LEAST_ALIKE)
    rows, columns = {row for row, _ in pairs}, {column for _, column in pairs}
    return [
        *((gold[row], predicted[column]) for row, column in pairs),
        *((one, Side()) for row, one in enumerate(gold) if row not in rows),
        *((Side(), one) for column, one in enumerate(predicted) if column not in columns),
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
    return Counter(gold=len(ours), predicted=len(theirs), right=len(_pair_equal(comparer, ours, theirs)))


def _pair_equal(comparer: Comparer, ours: Sequence[Any], theirs: Sequence[Any]) -> list[tuple[int, int]]:
    """The pairs of values that agree."""
    pairs = pair_values(ours, theirs, lambda a, b: 1e-6 + comparer.level(a, b), 1e-9)
    return [(row, column) for row, column in pairs if comparer.level(ours[row], theirs[column]) >= Level.NORMALISED]


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
