"""Ages, sex and healthy volunteers as the rules read them from free text, against the registry's own fields.

    python -m benchmarks.registry_agreement --data DIR [--errors N]

For every record below DIR/records that has such fields: how often both say the same, and how they differ. The
registry's fields are no gold: they are rounded, filled with defaults, and changed without the text.

text silent, registry silent: only the other side has a value. a year apart: a strict limit ("under 18") that the
registry rounds. differs: all the rest. ``--errors N`` shows that many disagreements of each kind.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

from benchmarks.data import format_table, option_parser, read_once
from extractor.parse.eligibility import read_eligibility
from extractor.parse.parsed import CERTAIN, Reading
from extractor.schemas import Age, TrialRecord
from extractor.text.passage import read_section

_DAYS = {"year": 365.25, "month": 30.44, "week": 7.0, "day": 1.0, "hour": 1 / 24, "minute": 1 / 1440}
_KINDS = ("same", "text silent", "registry silent", "a year apart", "differs")


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
    parser = option_parser(__doc__, data=True)
    parser.add_argument("--errors", type=int, default=0, metavar="N", help="show N disagreements of each kind")
    chosen = parser.parse_args()
    compared = [one for record in read_once(chosen.data) for one in compare_record(record)]
    print(format_agreement(compared))
    shown: Counter[tuple[str, str]] = Counter()
    for one in compared:
        shown[one.field, one.kind] += 1
        if one.kind not in ("same", "text silent") and shown[one.field, one.kind] <= chosen.errors:
            print(f"{one.field} {one.record_id} {one.kind}: {one.text} ({one.quote!r}), registry {one.registry}")


def compare_record(record: TrialRecord) -> Iterator[Comparison]:
    """The comparisons of one record; none if the registry's fields are not known."""
    fields = record.registry
    if fields.sex is None:
        return
    parsed = read_eligibility({s.name: read_section(s.name, s.text) for s in record.sections}, count())
    stated = {
        "minimum_age": _read_age(fields.minimum_age),
        "maximum_age": _read_age(fields.maximum_age),
        "sex": fields.sex.lower(),
        "healthy_volunteers": _read_truth((fields.healthy_volunteers or "").lower()),
    }
    for name, registry in stated.items():
        reading: Reading[object] = getattr(parsed, name)
        text = _show(reading.value)
        quotes = ((record.raw_text(span.section) or "")[span.start : span.end] for span in reading.spans[:1])
        certain = reading.confidence >= CERTAIN
        yield Comparison(
            name, record.record_id, text, registry, _kind(text, registry), certain, " ".join("".join(quotes).split())
        )


def format_agreement(compared: list[Comparison]) -> str:
    """One line a field: the share that agrees where both state a value, and the counts by kind."""
    rows = []
    for name in dict.fromkeys(one.field for one in compared):
        mine = [one for one in compared if one.field == name]
        both = [one for one in mine if one.text and one.registry]
        kinds = Counter(one.kind for one in mine)
        shares = (
            sum(one.kind == "same" for one in group) / len(group) if group else None
            for group in (both, [one for one in both if one.certain])
        )
        rows.append((name, len(mine), *shares, *(kinds[kind] for kind in _KINDS)))
    return format_table(("field", "records", "agree", "certain", *_KINDS), rows)


def _read_age(words: str | None) -> str | None:
    """The registry's "18 Years" as "18 year"; None for "N/A" and for ages that admit everybody."""
    found = re.fullmatch(r"(\d+)\s+(\w+?)s?", words or "")
    if not found or int(found[1]) == 0 or (found[2].lower() == "year" and int(found[1]) >= 99):
        return None
    return f"{found[1]} {found[2].lower()}"


def _read_truth(words: str) -> str | None:
    return str(words in ("true", "yes") or words.startswith("accepts")).lower() if words else None


def _show(value: object) -> str | None:
    if isinstance(value, Age):
        return f"{value.value:g} {value.unit.value}" if value.value else None  # the registry leaves "from birth" open
    return None if value is None else str(value).lower()


def _kind(text: str | None, registry: str | None) -> str:
    if text == registry:
        return "same"
    if text is None or registry is None:
        return "text silent" if text is None else "registry silent"
    if " " not in text:
        return "differs"
    ours, theirs = (float(number) * _DAYS[unit] for number, unit in (text.split(), registry.split()))
    if abs(ours - theirs) < _DAYS["week"]:
        return "same"
    return "a year apart" if abs(ours - theirs) <= _DAYS["year"] * 1.01 else "differs"


if __name__ == "__main__":
    main()
