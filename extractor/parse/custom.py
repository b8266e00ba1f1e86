"""The user's own fields that bring rules, read without a model."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import takewhile
from typing import Any

from extractor.fields.attributes import Attribute
from extractor.fields.declaration import CustomField, FieldRule, Of
from extractor.fields.rules import compile_rules, find_claims
from extractor.schemas import Support
from extractor.text.book import rule as book_rule
from extractor.text.lexer import Range, Tokens
from extractor.text.passage import Passage
from extractor.text.patterns import Found, Rule

from .parsed import Chunk, CustomReading, ParsedRecord, ProvenClaim, ProvenValue, Reading, Span


def learn_words(fields: tuple[CustomField, ...]) -> None:
    """Make the words of the fields' rules known; texts that are read later have them."""
    for field in fields:
        compile_rules(field)


def read_custom_fields(parsed: ParsedRecord, fields: tuple[CustomField, ...]) -> ParsedRecord:
    """The record with what the rules of these fields read."""
    found = tuple(one for field in fields if field.rules for one in _read_field(parsed, field))
    return replace(parsed, custom=found) if found else parsed


def _read_field(parsed: ParsedRecord, field: CustomField) -> Iterator[CustomReading]:
    for chunk, passage in _list_passages(parsed, field):
        readings = [
            one for rule, declared in compile_rules(field) for one in _read(field, chunk, passage, rule, declared)
        ]
        yield from readings if field.many else _list_first(readings)


def _list_first(readings: list[CustomReading]) -> Iterator[CustomReading]:
    """The first reading, and those that say something of further attributes."""
    known: set[str] = set()
    for one in readings:
        names = {value.attribute for value in one.claim.values}
        if not names & known:
            known |= names
            yield one


def _list_passages(parsed: ParsedRecord, field: CustomField) -> Iterator[tuple[Chunk | None, Passage]]:
    items: dict[Of, tuple[Any, ...]] = {
        Of.CRITERION: parsed.eligibility.criteria,
        Of.OUTCOME: parsed.outcomes,
        Of.REGIMEN: parsed.dosing.regimens,
    }
    if field.of is Of.RECORD:
        for name, section in parsed.sections.items():
            if field.may_stand_in(name) and field.may_be_in(section.raw):
                yield None, section.whole
        return
    for item in items[field.of]:
        span = item.chunk.span
        if field.may_be_in(item.chunk.text) and field.applies(partial(_value_of, item)):
            yield item.chunk, parsed.sections[span.section].between(span.start, span.end)


def _value_of(item: Any, name: str) -> object:
    found = getattr(item, name)
    return found.value if isinstance(found, Reading) else found


_DENIED = 3
"""How far before what a rule finds a word may deny it: "not a double-blind trial"."""


def _is_denied(passage: Passage, first: int) -> bool:
    tokens, start = passage.tokens, max(passage.first, first - _DENIED)
    reached = takewhile(lambda at: at == first or tokens.words[at].lower() in _ARTICLES, range(first, start, -1))
    return any(book_rule("denial").ends(tokens, at, start) for at in reached)


_ARTICLES = frozenset({"a", "an", "the"})


def _read(
    field: CustomField, chunk: Chunk | None, passage: Passage, rule: Rule, declared: FieldRule
) -> Iterator[CustomReading]:
    for found, values in find_claims(rule, declared, field, passage.tokens, passage.first, passage.end):
        if _is_denied(passage, found.first) or any(_cuts_unit(passage.tokens, found.part(name)) for name in values):
            continue
        proven = tuple(one for a in field.attributes if a.name in values for one in _prove(a, values, found, passage))
        yield CustomReading(field.name, chunk.number if chunk else None, ProvenClaim(proven), declared.confidence)


def _cuts_unit(tokens: Tokens, place: Range | None) -> bool:
    """Whether a value ends within a unit: "40 kg" of "40 kg/m2"."""
    return place is not None and tokens.words[place[1] : place[1] + 1] in (["/"], ["^"]) and tokens.joined(place[1])


def _prove(attribute: Attribute, values: dict[str, Any], found: Found, passage: Passage) -> Iterator[ProvenValue]:
    """The values of an attribute at the words that the rule captured for it, else at all words that it found."""
    place = found.part(attribute.name)
    span = _span(passage, *(place or (found.first, found.end)))
    support = Support.INFERRED if attribute.type.is_concluded or not place else Support.PARSED
    value = values[attribute.name]
    if place and isinstance(value, str) and not attribute.type.is_concluded:
        value, support = passage.section.raw[span.start : span.end], Support.LITERAL
    for number, one in enumerate(value if isinstance(value, tuple) else (value,)):
        name = f"{attribute.name}[{number}]" if attribute.many else attribute.name
        yield ProvenValue(name, one, span, support)


def _span(passage: Passage, first: int, end: int) -> Span:
    return Span(passage.section.name, *passage.part(first, end).raw_span)
