"""Why each value was read: the rules that found its words."""

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from extractor.parse import ParsedRecord, parse_record
from extractor.parse.parsed import Reading, Span
from extractor.schemas import TrialRecord
from extractor.text.patterns import Found, trace_rules

from .tables import to_printable

__all__ = ["explain_record", "place_rules"]

_SHOWN = 4
"""So many rules are shown for a value, those with the fewest words first."""


def explain_record(record: TrialRecord) -> str:
    """Each value of a record with the words that it rests on, and the rules that found something in these words.

    A value without a rule was read by a pattern, by a learned scorer, or from its place in the record.
    """
    with trace_rules() as trace:
        parsed = parse_record(record)
    return "\n".join([f"# {to_printable(record.record_id)}", *_explain(parsed, trace), ""])


def _explain(parsed: ParsedRecord, trace: list[tuple[str, Found]]) -> Iterator[str]:
    found = place_rules(parsed, trace)
    yield from _explain_item("eligibility", parsed.eligibility, parsed, found)
    for name, items in (
        ("criterion", parsed.eligibility.criteria),
        ("regimen", parsed.dosing.regimens),
        ("outcome", parsed.outcomes),
    ):
        for item in items:
            yield f"\n[{item.chunk.number}] {name}: {to_printable(item.chunk.text)}"
            yield from _explain_item(name, item, parsed, found)


def _explain_item(name: str, item: Any, parsed: ParsedRecord, found: list[tuple[str, Span]]) -> Iterator[str]:
    for each in fields(item):
        reading = getattr(item, each.name)
        if isinstance(reading, Reading) and reading.value not in (None, ()) and reading.spans:
            words = "; ".join(to_printable(parsed.raw(span)) for span in reading.spans)
            yield f"  {name}.{each.name} ({reading.confidence:.2f}): {words}"
            yield from (f"      {rule}: {to_printable(parsed.raw(span))}" for rule, span in _choose(reading, found))


def _choose(reading: Reading[Any], found: list[tuple[str, Span]]) -> list[tuple[str, Span]]:
    """The rules that found words of a reading, the narrowest first, each once."""
    near = [(rule, span) for rule, span in found if any(span.overlaps(one) for one in reading.spans)]
    return list(dict(sorted(near, key=lambda one: -one[1].length)).items())[::-1][:_SHOWN]


def place_rules(parsed: ParsedRecord, trace: list[tuple[str, Found]]) -> list[tuple[str, Span]]:
    """Where in the raw text the rules found something, each rule and place once."""
    sections = {cleaned.text: name for name, cleaned in parsed.cleaned.items()}
    placed: dict[tuple[str, Span], None] = {}
    for rule, found in trace:
        name = sections.get(found.tokens.text)
        if name and found.end > found.first:
            placed[rule, Span(name, *parsed.cleaned[name].raw_span(*found.span))] = None
    return list(placed)
