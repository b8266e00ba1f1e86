"""Counts of a run's values, doubts, empty fields and findings, and the rows of its list."""

from collections import Counter
from collections.abc import Iterator, Sequence

from extractor.apps.report.record import RunRecord, name_field
from extractor.apps.values import RowKind, ValueRow, name_doubt
from extractor.face import TextState
from extractor.schemas.vocabulary import DOUBTFUL_BELOW

OverviewFact = tuple[str, str]
"""A (field, statement) pair. The statement is ``filled``, the origin (``origin rule``), what is
doubtful (``doubt value``), an upper bound on the confidence (``below 0.5``), the reason why the
field is empty (``absence not_asked``), or a finding (``finding age_differs``).
"""
_BOUNDS = (DOUBTFUL_BELOW, 0.5)
"""Upper bounds for filtering by confidence."""
_ITEMS = ("eligibility.criteria.quote", "dosing.agent", "endpoints.measure")
"""For each list of items, a field of which each item has exactly one value."""
_TITLE_LENGTH = 160
"""Longer titles are truncated in the list, which shows only one line of each."""


class Overview:
    """Counts for a run, updated as each record is added, and the rows for the list of records.
    ``texts`` is the number of records for each state that a text can have.
    """

    def __init__(self) -> None:
        self.texts: Counter[TextState] = Counter()
        self.facts: Counter[OverviewFact] = Counter()
        self.rows: list[list[object]] = []
        self.numbers: dict[OverviewFact, int] = {}
        """The number by which rows refer to each fact."""

    def add(self, result: RunRecord) -> Counter[OverviewFact]:
        """Count the facts of a record, and return them."""
        facts = Counter(_list_facts(result.rows))
        self.texts[result.text] += 1
        self.facts += facts
        return facts

    def add_row(
        self,
        result: RunRecord,
        facts: Counter[OverviewFact],
        title: str,
        place: tuple[int, int],
    ) -> None:
        """Add a row for a record with these facts, whose data is at the given place in the chunks.
        ``rows.js`` reads the members of a row by their position.
        """
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
        """Return the fields that have values, doubts or absences, keyed by task. A field is
        returned as (name, number of values, number of doubts, number of absences by reason).
        """
        fields: dict[str, list[tuple[str, int, int, Counter[str]]]] = {}
        names = {name for name, _ in self.facts}
        # eligibility before its criteria
        for name in sorted(names, key=lambda name: ("criteria" in name, name)):
            filled = self.facts[name, "filled"]
            empty = sum_facts(self.facts, "absence", name)
            doubts = sum_facts(self.facts, "doubt", name).total()
            if filled or doubts or empty:
                counts = (name, filled, doubts, empty)
                fields.setdefault(name.split(".")[0], []).append(counts)
        return fields


def _list_facts(rows: Sequence[ValueRow]) -> Iterator[OverviewFact]:
    """Yield the facts of a record."""
    for row in rows:
        field = name_field(row.path)
        if row.kind is RowKind.VALUE:
            yield field, "filled"
            yield field, f"origin {row.origin}"
        elif row.kind is not RowKind.ITEM:
            yield field, f"{row.kind} {row.reason}"
        doubt = name_doubt(row)
        if doubt:
            yield field, f"doubt {doubt}"
        if row.confidence is not None:
            for bound in filter(row.confidence.__lt__, _BOUNDS):
                yield field, f"below {bound}"


def sum_facts(facts: Counter[OverviewFact], kind: str, field: str = "") -> Counter[str]:
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


def count_items(facts: Counter[OverviewFact]) -> list[int]:
    """Return the numbers of criteria, regimens and endpoints."""
    return [facts[name, "filled"] for name in _ITEMS]
