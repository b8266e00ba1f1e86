"""The user's own fields that bring rules, read without a model."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
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

from .drafts import Draft, Reading, Span
from .parsed import ParsedRecord


def learn_words(fields: tuple[CustomField, ...]) -> None:
    """Make the words of the fields' rules known; texts that are read later have them."""
    for field in fields:
        compile_rules(field)


def read_declared(parsed: ParsedRecord, fields: tuple[CustomField, ...]) -> ParsedRecord:
    """The record with what the rules of these fields read, each value at its item."""
    for field in fields:
        if not field.rules:
            continue
        if field.of is Of.RECORD:
            places = [section.whole for name, section in parsed.sections.items() if field.may_stand_in(name)]
            parsed = replace(parsed, whole=_add(parsed.whole, field, places))
        else:
            read = tuple(_read_item(parsed, item, field) for item in parsed.list_items(field.group.of))
            parsed = parsed.with_items(field.group.of, read)
    return parsed


def _read_item(parsed: ParsedRecord, item: Draft, field: CustomField) -> Draft:
    applies = field.applies(lambda name: item.read(name).value)
    return _add(item, field, [parsed.passage(item.chunk.span)]) if applies else item


def _add(item: Draft, field: CustomField, passages: Iterable[Passage]) -> Draft:
    """The item with the values of a field that its rules find in these passages."""
    found = [
        each
        for passage in passages
        if field.may_be_in(passage.raw)
        for each in _choose(
            [one for rule, declared in compile_rules(field) for one in _read(field, item, passage, rule, declared)],
            many=field.many,
        )
    ]
    return replace(item, own={**item.own, field.name: tuple(found)}) if found else item


def _choose(read: list[Draft], *, many: bool) -> Iterator[Draft]:
    """All values; of a field that has one, the first, and those that say something of further attributes."""
    known: set[str] = set()
    for one in read:
        if many or known.isdisjoint(one.rules):
            known.update(one.rules)
            yield one


_DENIED = 3
"""How far before what a rule finds a word may deny it: "not a double-blind trial"."""


def _is_denied(passage: Passage, first: int) -> bool:
    tokens, start = passage.tokens, max(passage.first, first - _DENIED)
    reached = takewhile(lambda at: at == first or tokens.words[at].lower() in _ARTICLES, range(first, start, -1))
    return any(book_rule("denial").ends(tokens, at, start) for at in reached)


_ARTICLES = frozenset({"a", "an", "the"})


def _read(field: CustomField, item: Draft, passage: Passage, rule: Rule, declared: FieldRule) -> Iterator[Draft]:
    for found, values in find_claims(rule, declared, field, passage.tokens, passage.first, passage.end):
        if _is_denied(passage, found.first) or any(_cuts_unit(passage.tokens, found.part(name)) for name in values):
            continue
        rules = {
            one.name: _prove(one, values[one.name], found, passage, declared.confidence)
            for one in field.attributes
            if one.name in values
        }
        yield Draft(field.group.path, item.chunk, _span(passage, found.first, found.end), rules)


def _cuts_unit(tokens: Tokens, place: Range | None) -> bool:
    """Whether a value ends within a unit: "40 kg" of "40 kg/m2"."""
    return place is not None and tokens.words[place[1] : place[1] + 1] in (["/"], ["^"]) and tokens.joined(place[1])


def _prove(attribute: Attribute, value: Any, found: Found, passage: Passage, confidence: float) -> Reading[Any]:
    """The value of an attribute at the words that the rule captured for it, else at all words that it found."""
    place = found.part(attribute.name)
    span = _span(passage, *(place or (found.first, found.end)))
    support = Support.INFERRED if attribute.type.is_concluded or not place else Support.PARSED
    if place and isinstance(value, str) and not attribute.type.is_concluded:
        value, support = passage.section.raw[span.start : span.end], Support.LITERAL
    return Reading(value, confidence, (span,) * (len(value) if isinstance(value, tuple) else 1), support)


def _span(passage: Passage, first: int, end: int) -> Span:
    return Span(passage.section.name, *passage.part(first, end).raw_span)
