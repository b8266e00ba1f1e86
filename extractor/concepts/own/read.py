"""Read the users' fields that bring rules, without a model."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import takewhile

from extractor.concepts.own.declaration import CustomField, FieldRule, Of
from extractor.concepts.own.rules import compile_rules, find_claims
from extractor.evidence.drafts import Chunk, Draft, Reading, Span
from extractor.evidence.parsed import ParsedRecord
from extractor.language.book import rule as book_rule
from extractor.language.lexer import Range
from extractor.language.passage import Passage
from extractor.language.patterns import Rule
from extractor.schemas import Support


def learn_words(fields: tuple[CustomField, ...]) -> None:
    """Make the words of the fields' rules known; texts that are read later have them."""
    for field in fields:
        compile_rules(field)


def read_declared(parsed: ParsedRecord, fields: tuple[CustomField, ...]) -> ParsedRecord:
    """Return the record with what the rules of these fields read, each value at its item."""
    for field in (one for one in fields if one.rules):
        read: list[Draft] = []
        for item in parsed.list_items(field.group.of):
            if field.of is Of.RECORD:
                passages = [
                    section.whole
                    for name, section in parsed.sections.items()
                    if field.may_stand_in(name)
                ]
            else:
                applies = field.applies(lambda name, item=item: item.read(name).value)  # type: ignore[misc]
                passages = [parsed.passage(item.chunk.span)] if applies else []
            found = tuple(
                one for passage in passages for one in _read_passage(field, item.chunk, passage)
            )
            read.append(replace(item, own={**item.own, field.name: found}) if found else item)
        parsed = parsed.with_items(field.group.of, tuple(read))
    return parsed


def _read_passage(field: CustomField, chunk: Chunk, passage: Passage) -> Iterator[Draft]:
    """Yield all values in a passage; of a field that has one, the first, and those of further
    attributes.
    """
    known: set[str] = set()
    for rule, declared in compile_rules(field) if field.may_be_in(passage.raw) else ():
        for one in _apply(rule, declared, field, chunk, passage):
            if field.many or known.isdisjoint(one.rules):
                known.update(one.rules)
                yield one


def _apply(
    rule: Rule, declared: FieldRule, field: CustomField, chunk: Chunk, passage: Passage
) -> Iterator[Draft]:
    """Yield what a rule finds. A captured attribute stands at its own words, another one at all
    that the rule found.
    """
    for found, values in find_claims(
        rule, declared, field, passage.tokens, passage.first, passage.end
    ):
        if _is_denied(passage, found.first) or any(
            _cuts_unit(passage, found.part(name)) for name in values
        ):
            continue
        readings: dict[str, Reading[object]] = {}
        for name, given in values.items():
            place = found.part(name)
            concluded = field.attribute(name).type.is_concluded
            span = _span(passage, *(place or (found.first, found.end)))
            value = given
            support = Support.INFERRED if concluded or not place else Support.PARSED
            if place and isinstance(given, str) and not concluded:
                value = passage.section.raw[span.start : span.end]
                support = Support.LITERAL
            spans = (span,) * (len(value) if isinstance(value, tuple) else 1)
            readings[name] = Reading(value, declared.confidence, spans, support)
        yield Draft(field.group.path, chunk, _span(passage, found.first, found.end), readings)


def _span(passage: Passage, first: int, end: int) -> Span:
    return Span(passage.section.name, *passage.part(first, end).raw_span)


_DENIED = 3
"""How many tokens before what a rule finds a word may deny it: "not a double-blind trial"."""
_ARTICLES = frozenset({"a", "an", "the"})


def _is_denied(passage: Passage, first: int) -> bool:
    tokens = passage.tokens
    start = max(passage.first, first - _DENIED)
    reached = takewhile(
        lambda at: at == first or tokens.words[at].lower() in _ARTICLES, range(first, start, -1)
    )
    return any(book_rule("denial").ends(tokens, at, start) for at in reached)


def _cuts_unit(passage: Passage, place: Range | None) -> bool:
    """Return whether a value ends within a unit: "40 kg" of "40 kg/m2"."""
    tokens = passage.tokens
    return (
        place is not None
        and tokens.words[place[1] : place[1] + 1] in (["/"], ["^"])
        and tokens.joined(place[1])
    )
