"""Counts of a run's fields, doubtful values, findings and failures, and the rows of its list."""

from collections import Counter
from collections.abc import Iterator, Sequence

from extractor.apps.report.record import RECORD, RunRecord, name_field
from extractor.apps.values import RowKind, ValueRow
from extractor.run.finished import TextState
from extractor.schemas.vocabulary import DOUBTFUL_BELOW

Fact = tuple[str, str]
"""A (field, statement) pair. The statement is ``filled``, the origin (``origin rule``), an upper
bound on the confidence (``below 0.85``), the reason why the field is empty (``absence
not_asked``), or a finding (``finding age_differs``).
"""
_BOUNDS = (DOUBTFUL_BELOW, 0.5)
"""Upper bounds for filtering by confidence. Values below the first bound are doubtful."""
DOUBTFUL = f"below {_BOUNDS[0]}"
_ITEMS = {
    "eligibility.criteria": "eligibility.criteria.quote",
    "dosing": "dosing.agent",
    "endpoints": "endpoints.measure",
}
"""The lists of items, each with a field that is always filled."""
_NOT_COUNTED = {
    RECORD,
    "eligibility",
    "eligibility.groups",
    "eligibility.criteria.group",
}
"""Keys that are not fields, and fields that most items lack without giving a reason."""
_TITLE_LENGTH = 160
"""Longer titles are truncated in the list, which shows only one line of each."""


class Overview:
    """Counts for a run, updated as each record is added, and the rows for the list of records.
    ``texts`` is the number of records for each state that a text can have.
    """

    def __init__(self) -> None:
        self.texts: Counter[TextState] = Counter()
        self.facts: Counter[Fact] = Counter()
        self.rows: list[list[object]] = []
        self.numbers: dict[Fact, int] = {}
        """The number by which rows refer to each fact."""

    def add(self, result: RunRecord) -> None:
        """Count the facts of a record."""
        self.texts[result.text] += 1
        self.facts.update(_list_facts(result.rows))

    def add_row(self, result: RunRecord, title: str, place: tuple[int, int]) -> None:
        """Add a row for a record whose data is at the given place in the chunks. ``rows.js`` reads
        the members of a row by their position.
        """
        facts = Counter(_list_facts(result.rows))
        confidences = [
            row.confidence for row in result.rows if row.confidence is not None
        ]
        counts = [sum_facts(facts, kind).total() for kind in ("absence", "finding")]
        row: list[object] = [
            result.extraction.record_id,
            title[:_TITLE_LENGTH],
            place,
            [*count_items(facts), *counts],
            min(confidences, default=1),
            [self.numbers.setdefault(fact, len(self.numbers)) for fact in facts],
        ]
        self.rows.append(row)

    def list_fields(self) -> dict[str, list[tuple[str, int, int, Counter[str]]]]:
        """Return the fields that can be empty, keyed by task. A field is returned as (name, number
        of filled values, number of doubtful values, number of empty values by reason).
        """
        fields: dict[str, list[tuple[str, int, int, Counter[str]]]] = {}
        names = {name for name, _ in self.facts} - _NOT_COUNTED
        # eligibility before its criteria
        for name in sorted(names, key=lambda name: ("criteria" in name, name)):
            filled = self.facts[name, "filled"]
            empty = sum_facts(self.facts, "absence", name)
            if filled or empty:
                counts = (name, filled, self.facts[name, DOUBTFUL], empty)
                fields.setdefault(name.split(".")[0], []).append(counts)
        return fields


def _list_facts(rows: Sequence[ValueRow]) -> Iterator[Fact]:
    """Yield the facts of a record. A field is filled once for each item, however many values the
    item has.
    """
    # the keys are (item, fact) pairs, in order and without duplicates
    of_values: dict[tuple[str, Fact], None] = {}
    for row in rows:
        field = name_field(row.path)
        if row.kind != RowKind.VALUE:
            yield field, f"{row.kind} {row.reason}"
            continue
        of_values[row.item, (field, "filled")] = None
        of_values[row.item, (field, f"origin {row.origin}")] = None
        # each doubtful value counts, as in a list of doubts
        if row.confidence is not None:
            for bound in filter(row.confidence.__lt__, _BOUNDS):
                yield field, f"below {bound}"
        # for a list of items, count the records that have an item
        if name_field(row.item) in _ITEMS:
            of_values["", (name_field(row.item), "filled")] = None
    yield from (fact for _, fact in of_values)


def sum_facts(facts: Counter[Fact], kind: str, field: str = "") -> Counter[str]:
    """Return how often each fact of a given kind occurs, for one field or, if ``field`` is empty,
    for all fields. The kind is the start of the statement, and the rest of the statement is the
    key.

    >>> sum_facts(Counter({("dosing.route", "absence not_asked"): 2}), "absence")
    Counter({'not_asked': 2})
    """
    counts: Counter[str] = Counter()
    for (name, fact), number in facts.items():
        if not fact.startswith(kind):
            continue
        if field and field != name:
            continue
        counts[fact.removeprefix(kind).strip()] += number
    return counts


def count_items(facts: Counter[Fact]) -> list[int]:
    """Return the numbers of criteria, regimens and endpoints."""
    return [facts[name, "filled"] for name in _ITEMS.values()]
