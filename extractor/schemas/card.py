"""An extraction as HTML: its values with their quotes, and its text with the evidence marked."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from itertools import pairwise
from typing import Any, NamedTuple

from extractor.pages import name_label, read_assets, render_fragment

from .base import FrozenModel
from .evidence import Absence, Evidence, ExtractedItem, Finding
from .record import TrialRecord
from .values import Value, list_values


def render_card(
    record_id: str,
    items: Iterable[tuple[str, ExtractedItem]],
    findings: Iterable[Finding],
    absences: Iterable[Absence],
    record: TrialRecord | None = None,
) -> str:
    """Return the parts of an extraction as HTML; ``record`` has the text in which the evidence is marked."""
    listed = list(items)
    counts = Counter(path.partition("[")[0] for path, _ in listed)
    values = [(path, one) for path, item in listed for one in list_values(path, item)]
    shown = {
        "id": record_id,
        "title": (record.raw_text("title") or "") if record else "",
        "counts": {
            "criterion": counts["eligibility.criteria"],
            "regimen": counts["dosing"],
            "endpoint": counts["endpoints"],
        },
        "sections": list(_mark_sections([one for _, one in values], record)) if record else [],
        "items": _group_rows(values),
        "findings": [finding.message for finding in findings],
        "absences": Counter(absence.reason.value for absence in absences),
        "style": read_assets("extractor.pages", "card.css"),
    }
    return render_fragment("card.html", shown)


class _Piece(NamedTuple):
    """Characters of a section; ``task`` is empty where they support no value."""

    text: str
    task: str
    labels: str


def _mark_sections(values: Sequence[Value], record: TrialRecord) -> Iterator[tuple[str, list[_Piece]]]:
    """Yield each section that holds evidence, in the record's order, cut at the ends of its quotes."""
    quoted: dict[str, list[tuple[Evidence, Value]]] = defaultdict(list)
    for value in values:
        for one in value.evidence:
            quoted[one.section].append((one, value))
    order = [section.name for section in record.sections]
    for name in sorted(quoted, key=lambda name: (name not in order, order.index(name) if name in order else 0)):
        yield name, list(_cut(record.raw_text(name) or "", quoted[name]))


def _cut(text: str, quoted: Sequence[tuple[Evidence, Value]]) -> Iterator[_Piece]:
    ends = sorted({0, len(text), *(place for one, _ in quoted for place in (one.start, one.end))})
    for start, end in pairwise(ends):
        over = [(one.end - one.start, value) for one, value in quoted if one.start < end and one.end > start]
        nearest = [value for _, value in sorted(over, key=lambda pair: pair[0])]
        labels = dict.fromkeys(f"{name_label(one.name)}: {say(one.value)}" for one in nearest)
        yield _Piece(
            text[start:end], nearest[0].path.partition(".")[0].partition("[")[0] if nearest else "", "\n".join(labels)
        )


def _group_rows(values: Sequence[tuple[str, Value]]) -> dict[str, list[tuple[str, str, list[str]]]]:
    """Return for each item's path its fields, their values, and the quotes of each."""
    rows: dict[str, list[tuple[str, str, list[str]]]] = defaultdict(list)
    for path, one in values:
        said = say(one.value)
        quotes = dict.fromkeys(proof.quote for proof in one.evidence if proof.quote != said)
        rows[path].append((name_label(one.name), said, list(quotes)))
    return rows


def say(value: Any) -> str:
    """Return a value on one line.

    >>> from extractor.schemas import Amount, Constraint
    >>> say(Amount(low=None, high=20000, unit="IU")), say(Constraint(quantity="ANC", comparator=">=", value=1.5))
    ('up to 20,000 IU', 'ANC >= 1.5')
    >>> say(Constraint(quantity="ECOG", comparator="between", value=0, value_high=1))
    'ECOG between 0 and 1'
    """
    if isinstance(value, FrozenModel):
        parts = {name: part for name, part in value if part is not None and name != "quote"}
        if "high" in type(value).model_fields:
            low, high = parts.pop("low", None), parts.pop("high", None)
            bounds = "from" if high is None else "up to" if low is None else ""
            numbers = dict.fromkeys(say(number) for number in (low, high) if number is not None)
            parts = {"": f"{bounds} {' to '.join(numbers)}".strip(), **parts}
        if "value_high" in parts:
            parts["value_high"] = f"and {say(parts['value_high'])}"
        return " ".join(map(say, parts.values()))
    if isinstance(value, Enum):
        return name_label(value.value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,.15g}" if isinstance(value, int | float) else str(value)
