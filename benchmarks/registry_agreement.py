"""Ages, sex and healthy volunteers as the rules read them from free text, against the registry's own fields.

    python -m benchmarks.registry_agreement --data DIR [--errors N]

For every record below DIR/records that has such fields: how often both say the same, and how they differ.
The registry's fields are no gold: they are rounded, filled with defaults, and changed without the text. What
differs is worth reading (``--errors N`` shows that many of each kind), what the text leaves open is not an error.

text states none: the field of the registry alone is filled. registry states none: the other way round.
one year apart: a strict limit ("under 18") that the registry rounds. other unit: the same number of another unit.
several in the text: the criteria name more than one age on that side (cohorts). differs: all the rest.
"""

import argparse
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from benchmarks.label_files import add_data_option
from extractor.parse.eligibility import read_eligibility
from extractor.parse.parsed import CERTAIN, ParsedEligibility, Reading
from extractor.read import read_records
from extractor.schemas import Age, Category, Constraint, RegistryFields, TrialRecord
from extractor.text.passage import read_section

__all__ = ["Comparison", "compare_record", "format_agreement"]

_DAYS = {"year": 365.25, "month": 30.44, "week": 7.0, "day": 1.0, "hour": 1 / 24, "minute": 1 / 1440}
_SAME, _NO_TEXT, _NO_FIELD = "same", "text states none", "registry states none"
_KINDS = (_SAME, _NO_TEXT, _NO_FIELD, "one year apart", "other unit", "several in the text", "differs")


@dataclass(frozen=True, slots=True)
class Comparison:
    """One field of one record: what the text says, what the registry says, and how these differ."""

    field: str
    record_id: str
    text: str | None
    registry: str | None
    kind: str
    certain: bool
    quote: str = ""


def main() -> None:
    """Print the table, and examples of disagreement."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_data_option(parser)
    parser.add_argument("--errors", type=int, default=0, metavar="N", help="show N disagreements of each kind")
    chosen = parser.parse_args()
    compared = [one for record in _records(chosen.data / "records") for one in compare_record(record)]
    print(format_agreement(compared))
    shown: Counter[tuple[str, str]] = Counter()
    for one in compared:
        shown[one.field, one.kind] += 1
        if one.kind not in (_SAME, _NO_TEXT) and shown[one.field, one.kind] <= chosen.errors:
            print(f"{one.field} {one.record_id} {one.kind}: {one.text} ({one.quote!r}), registry {one.registry}")


def compare_record(record: TrialRecord) -> Iterator[Comparison]:
    """The comparisons of one record; none if the registry's fields are not known."""
    fields = record.registry
    if fields.sex is None:
        return
    sections = {section.name: read_section(section.name, section.text) for section in record.sections}
    parsed = read_eligibility(sections, count())
    for name, reading, stated in _pairs(parsed, fields):
        text = _shown(reading.value)
        kind = _kind(text, stated, several=_several(parsed, lower=name == "minimum_age"))
        quote = " ".join(_quote(record, reading).split())
        yield Comparison(name, record.record_id, text, stated, kind, reading.confidence >= CERTAIN, quote)


def format_agreement(compared: list[Comparison]) -> str:
    """One line a field: the share that agrees where both state a value, and the counts by kind.

    >>> table = format_agreement([Comparison("sex", "x", "female", "female", "same", certain=True)])
    >>> table.splitlines()[1].split()[:4]
    ['sex', '1', '1.000', '1.000']
    """
    head = f"{'field':20}{'records':>7}{'agree':>8}{'certain':>8}  " + "".join(f"{kind:>21}" for kind in _KINDS)
    lines = [head]
    for name in dict.fromkeys(one.field for one in compared):
        mine = [one for one in compared if one.field == name]
        both = [one for one in mine if one.text and one.registry]
        sure = [one for one in both if one.certain]
        kinds = Counter(one.kind for one in mine)
        shares = "".join(f"{_share(group):>8}" for group in (both, sure))
        lines.append(f"{name:20}{len(mine):>7}{shares}  " + "".join(f"{kinds[kind]:>21}" for kind in _KINDS))
    return "\n".join(lines)


def _records(folder: Path) -> Iterator[TrialRecord]:
    seen: set[str] = set()
    for path in sorted(folder.iterdir()):
        for record in read_records(path):
            if record.record_id not in seen:
                seen.add(record.record_id)
                yield record


def _pairs(parsed: ParsedEligibility, fields: RegistryFields) -> Iterator[tuple[str, Reading[object], str | None]]:
    yield "minimum_age", parsed.minimum_age, _age(fields.minimum_age)
    yield "maximum_age", parsed.maximum_age, _age(fields.maximum_age)
    yield "sex", parsed.sex, fields.sex.lower() if fields.sex else None
    healthy = (fields.healthy_volunteers or "").lower()
    yield "healthy_volunteers", parsed.healthy_volunteers, _truth(healthy)


def _truth(words: str) -> str | None:
    if not words:
        return None
    return "true" if words in ("true", "yes") or words.startswith("accepts") else "false"


def _age(words: str | None) -> str | None:
    """The registry's "18 Years" as "18 year"; None for "N/A" and for ages that admit everybody."""
    found = re.fullmatch(r"(\d+)\s+(\w+?)s?", words or "")
    if not found or int(found[1]) == 0 or (found[2].lower() == "year" and int(found[1]) >= 99):
        return None
    return f"{found[1]} {found[2].lower()}"


def _shown(value: object) -> str | None:
    if isinstance(value, Age):
        if not value.value:  # "0 to 12 years": the registry leaves the lower limit open
            return None
        return f"{value.value:g} {value.unit.value}"
    return None if value is None else str(value).lower()


def _kind(text: str | None, registry: str | None, *, several: bool) -> str:
    if text == registry:
        return _SAME
    if text is None or registry is None:
        return _NO_TEXT if text is None else _NO_FIELD
    if " " in text and " " in registry:
        return _kind_of_age(text.split(), registry.split(), several=several)
    return "differs"


def _kind_of_age(ours: list[str], theirs: list[str], *, several: bool) -> str:
    """How two ages compare, each a number and a unit."""
    apart = abs(float(ours[0]) * _DAYS[ours[1]] - float(theirs[0]) * _DAYS[theirs[1]])
    if apart < _DAYS["week"]:
        return _SAME
    if apart <= _DAYS["year"] * 1.01:
        return "one year apart"
    if ours[0] == theirs[0]:
        return "other unit"
    return "several in the text" if several else "differs"


def _several(parsed: ParsedEligibility, *, lower: bool) -> bool:
    """Whether the criteria on age name more than one bound of that side."""
    bounds = {
        bound
        for criterion in parsed.criteria
        if criterion.category.value is Category.AGE
        for limit in criterion.constraints.value or ()
        for bound in _bounds(limit, lower=lower)
    }
    return len(bounds) > 1


def _bounds(limit: Constraint, *, lower: bool) -> Iterator[float]:
    if limit.comparator.value == "between":
        yield float(limit.value if lower else limit.value_high or limit.value)
    elif (limit.comparator.value in (">", ">=")) is lower:
        yield float(limit.value)


def _quote(record: TrialRecord, reading: Reading[object]) -> str:
    if not reading.spans:
        return ""
    span = reading.spans[0]
    section = record.section(span.section)
    return section.text[span.start : span.end] if section else ""


def _share(group: list[Comparison]) -> str:
    return f"{sum(one.kind == _SAME for one in group) / len(group):.3f}" if group else "-"


if __name__ == "__main__":
    main()
