"""Read users' fields by their patterns, Python regular expressions, without a model."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from math import prod
from typing import Any, NamedTuple

import regex

from extractor.concepts.own.attributes import Attribute, AttributeType
from extractor.concepts.own.declaration import CustomField, Of
from extractor.errors import FieldError
from extractor.evidence.drafts import Draft, Reading, Span
from extractor.evidence.parsed import ParsedRecord
from extractor.evidence.quotes import QuoteStatus, verify_quote
from extractor.language.passage import Passage
from extractor.schemas import Support
from extractor.schemas.arguments import suggest

CONFIDENCE = 0.85
"""How sure a value of a user's pattern is: a model confirms it, if one is asked at medium
effort.
"""
_SECONDS = 2.0
"""The longest that a pattern may search a text."""
_MOST_REPEATS = 10_000
"""Nested counts, such as in ``(a{1000}){1000}``, take memory for each repetition."""
_COUNTS = re.compile(r"\{(\d*),?(\d*)\}")
_AROUND = 40
"""The characters around a match in which it is checked."""
_ARTICLE = re.compile(r"\b(?:an?|the)\s{1,9}$", re.IGNORECASE)

Value = Mapping[str, Reading[Any]]
"""What patterns read for one value of a field, by attribute."""


def read_declared(
    parsed: ParsedRecord, fields: tuple[CustomField, ...]
) -> ParsedRecord:
    """Return the record with what the patterns of these fields read, each value at its item.

    Raises ``FieldError`` if a pattern takes too long.
    """
    for field in fields:
        if field.has_patterns:
            group = field.group.of
            items = [
                _read_item(parsed, field, item) for item in parsed.list_items(group)
            ]
            parsed = parsed.with_items(group, tuple(items))
    return parsed


def _read_item(parsed: ParsedRecord, field: CustomField, item: Draft) -> Draft:
    """Return an item with the values of a field that are in its text, or in the sections of the
    record.
    """
    if field.of is Of.RECORD:
        names = filter(field.may_stand_in, parsed.sections)
        passages = [parsed.sections[name].whole for name in names]
    else:
        passages = [parsed.passage(item.chunk.span)]
    drafts = []
    for value in find_values(field, passages):
        place = next(iter(value.values())).spans[0]
        drafts.append(Draft(field.group.path, item.chunk, place, value))
    if not drafts:
        return item
    return replace(item, own={**item.own, field.name: tuple(drafts)})


class Pattern(NamedTuple):
    """A regular expression of an attribute, and the value that it gives, if not what it matches."""

    own: Attribute
    gives: str
    text: str


def _list_patterns(field: CustomField) -> Iterator[Pattern]:
    for attribute in field.attributes:
        for gives, texts in attribute.patterns.items():
            for text in texts:
                yield Pattern(attribute, gives, text)


def find_values(field: CustomField, passages: Iterable[Passage]) -> list[Value]:
    """Return the values of a field in some passages. With ``many`` each match is one, else all
    are one value: all members of a list, each once, and the first value of another attribute in
    the text.
    """
    values: list[Value] = []
    for passage in passages:
        here: list[Value] = []
        for pattern in _list_patterns(field):
            here += _apply(pattern, field, passage)
        values += sorted(here, key=_find_start)
    if not field.many:
        joined: dict[str, Reading[Any]] = {}
        for value in values:
            for name, reading in value.items():
                known = joined.setdefault(name, reading)
                is_list = field.attribute(name).many
                if is_list and reading.value[0] not in known.value:
                    joined[name] = replace(
                        known,
                        value=known.value + reading.value,
                        spans=known.spans + reading.spans,
                    )
        values = [joined]
    required = {attribute.name for attribute in field.attributes if attribute.required}
    return [value for value in values if value and required <= value.keys()]


def _find_start(value: Value) -> int:
    return min(reading.spans[0].start for reading in value.values())


def _apply(pattern: Pattern, field: CustomField, passage: Passage) -> Iterator[Value]:
    """Yield what each match of a pattern says: of its own attribute, and of others after which its
    groups are named. Raises ``FieldError`` if it takes too long.
    """
    if not field.may_be_in(passage.raw):
        return
    own = pattern.own
    try:
        for found in _compile(pattern.text).finditer(passage.text, timeout=_SECONDS):
            value: dict[str, Reading[Any]] = {}
            for attribute in field.attributes:
                name = attribute.name
                is_own = attribute is own
                place = (-1, -1)
                if name in found.re.groupindex:
                    place = found.span(name)
                elif is_own:
                    place = found.span()
                written = pattern.gives if is_own else ""
                reading = _read(attribute, written, passage, *place)
                if reading:
                    value[name] = reading
            if own.name in value:
                yield value
    except TimeoutError:
        raise FieldError(
            f"{field.name}.{own.name}: the pattern {pattern.text!r} takes more than {_SECONDS:g} "
            "seconds for a text; avoid repetitions within repetitions, such as (a+)+"
        ) from None


def _read(
    attribute: Attribute, gives: str, passage: Passage, start: int, end: int
) -> Reading[Any] | None:
    """Return the value that some characters of a passage state, None if they are no value of the
    attribute, cut a word or a number, or a "not" before them denies them.
    """
    if start >= end:
        return None
    text = passage.text
    before = max(0, start - _AROUND)
    article = _ARTICLE.search(text, before, start)
    first = article.start() if article else start
    around = text[before : end + _AROUND]
    check = verify_quote(text[first:end], around, first - before)
    if check.status is not QuoteStatus.EXACT or check.start != first - before:
        return None
    section = passage.section
    begin = passage.tokens.starts[passage.first]
    span = Span(section.name, *section.cleaned.raw_span(begin + start, begin + end))
    written = gives or text[start:end]
    support = Support.PARSED
    if attribute.type.is_concluded:
        support = Support.INFERRED
    elif attribute.type is AttributeType.QUOTE:
        support = Support.LITERAL
    try:
        value = attribute.read_all(written)
    except ValueError:
        return None
    return Reading(value, CONFIDENCE, (span,), support)


@cache
def _compile(text: str) -> "regex.Pattern[str]":
    """Compile a pattern that ignores case. Raises ``ValueError`` for one that Python cannot read,
    or with too many repetitions.
    """
    try:
        re.compile(text)
        counts = [int(high or low or 1) for low, high in _COUNTS.findall(text)]
        if prod(filter(None, counts)) > _MOST_REPEATS:
            raise ValueError(f"it repeats a part more than {_MOST_REPEATS:,} times")
        return regex.compile(text, regex.IGNORECASE)
    except (re.error, regex.error, RecursionError, OverflowError) as error:
        raise ValueError(f"{error}") from error


def check_patterns(field: CustomField) -> None:
    """Raise ``FieldError`` for a pattern that cannot be read, or captures what is no attribute."""
    known = [attribute.name for attribute in field.attributes]
    for own, _, text in _list_patterns(field):
        problem = None
        try:
            names = _compile(text).groupindex
        except ValueError as error:
            problem = f"cannot be read: {error}; write a regular expression of Python"
            names = {}
        for name in set(names).difference(known):
            guess = suggest(name, known)
            problem = f"captures {name}, which is no attribute of the field{guess}"
        if problem:
            raise FieldError(f"{field.name}.{own.name}: the pattern {text!r} {problem}")
