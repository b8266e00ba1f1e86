"""Read custom fields without a model, with patterns that are Python regular expressions."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from math import prod
from typing import Any

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
"""The confidence of a value that a user's pattern matched. At medium effort, a model is asked to
confirm it.
"""
_SECONDS = 2.0
"""Maximum time in seconds that a pattern may take to search a text."""
_MOST_REPEATS = 10_000
"""Maximum product of nested repetition counts, such as ``(a{1000}){1000}``, since each repetition
uses memory.
"""
_COUNTS = re.compile(r"\{(\d*),?(\d*)\}")
_AROUND = 40
"""Number of characters around a match that are examined to check it."""
_ARTICLE = re.compile(r"\b(?:an?|the)\s{1,9}$", re.IGNORECASE)

Value = Mapping[str, Reading[Any]]
"""The readings that the patterns found for one value of a field, by attribute."""


def read_declared(
    parsed: ParsedRecord, fields: tuple[CustomField, ...]
) -> ParsedRecord:
    """Return the record after adding the values that the patterns of these fields match to its
    items. Raises ``FieldError`` if a pattern takes too long.
    """
    for field in fields:
        if field.has_patterns:
            group = field.group.of
            items = parsed.list_items(group)
            read = tuple(_read_item(parsed, field, item) for item in items)
            parsed = parsed.with_items(group, read)
    return parsed


def _read_item(parsed: ParsedRecord, field: CustomField, item: Draft) -> Draft:
    """Add the values of a field that are found in an item's text, or in the sections of the record,
    to the item. If the field is ``many``, each match is a value; otherwise, all matches form one
    value.
    """
    if field.of is Of.RECORD:
        names = filter(field.may_stand_in, parsed.sections)
        passages = [parsed.sections[name].whole for name in names]
    else:
        passages = [parsed.passage(item.chunk.span)]
    values = [value for passage in passages for value in _search(field, passage)]
    values = values if field.many else [_join(values)]
    whole = [value for value in values if value and value.keys() >= set(field.needed)]
    drafts = tuple(
        Draft(field.group.path, item.chunk, _place(value), value) for value in whole
    )
    return replace(item, custom_values={**item.custom_values, field.name: drafts})


def _join(values: Iterable[Value]) -> Value:
    """Merge all values into one, with the distinct members of each list and the first value of any
    other attribute.
    """
    joined: dict[str, Reading[Any]] = {}
    for value in values:
        for name, reading in value.items():
            known = joined.setdefault(name, reading)
            is_list = isinstance(reading.value, tuple)
            if is_list and reading.value[0] not in known.value:
                members = known.value + reading.value
                spans = known.spans + reading.spans
                joined[name] = replace(known, value=members, spans=spans)
    return joined


def _place(value: Value) -> Span:
    return min(reading.spans[0] for reading in value.values())


def _search(field: CustomField, passage: Passage) -> list[Value]:
    """Return the values that the patterns match, in text order. Raises ``FieldError`` if a search
    takes too long.
    """
    if not field.may_be_in(passage.raw):
        return []
    values: list[Value] = []
    for target, fixed, text in _list_patterns(field):
        try:
            for match in _compile(text).finditer(passage.text, timeout=_SECONDS):
                value = {}
                for attribute in field.attributes:
                    name = attribute.name
                    is_target = attribute is target
                    fixed_value = fixed if is_target else ""
                    # if the attribute has no group, the whole match is its value
                    group = name if name in match.re.groupindex else 0
                    span = match.span(group)
                    reading = _read(
                        attribute, fixed_value, passage, match.start(), span
                    )
                    if reading and (is_target or group):
                        value[name] = reading
                if target.name in value:
                    values.append(value)
        except TimeoutError:
            raise FieldError(
                f"{field.name}.{target.name}: the pattern {text!r} takes more than {_SECONDS:g} "
                "seconds to search a text; avoid nested repetitions, such as (a+)+"
            ) from None
    return sorted(values, key=_place)


def _list_patterns(field: CustomField) -> Iterator[tuple[Attribute, str, str]]:
    """Yield each pattern as an (attribute, value, pattern) tuple. The value is "" if the pattern's
    match is the value.
    """
    for attribute in field.attributes:
        for fixed, texts in attribute.patterns.items():
            for text in texts:
                yield attribute, fixed, text


def _read(
    attribute: Attribute,
    fixed: str,
    passage: Passage,
    match: int,
    place: tuple[int, int],
) -> Reading[Any] | None:
    """Return the value that the characters at ``place`` state. Return None if they are not a value
    of the attribute, if they cut through a word or a number, or if a "not" negates them or the
    whole match.
    """
    start, end = place
    if start >= end:
        return None
    text = passage.text
    before = max(0, match - _AROUND)
    article = _ARTICLE.search(text, before, match)
    first = article.start() if article else match
    check = verify_quote(text[first:end], text[before : end + _AROUND], first - before)
    if check.status is not QuoteStatus.EXACT or check.start != first - before:
        return None
    try:
        value = attribute.read_all(fixed or text[start:end])
    except ValueError:
        return None
    section = passage.section
    begin = passage.tokens.starts[passage.first]
    span = Span(section.name, *section.cleaned.raw_span(begin + start, begin + end))
    support = Support.PARSED
    if attribute.type.is_concluded:
        support = Support.INFERRED
    elif attribute.type is AttributeType.QUOTE:
        support = Support.LITERAL
    return Reading(value, CONFIDENCE, (span,), support)


@cache
def _compile(text: str) -> "regex.Pattern[str]":
    """Compile a case-insensitive pattern. Raises ``regex.error`` if it is invalid."""
    counts = [int(high or low or 1) for low, high in _COUNTS.findall(text)]
    if prod(filter(None, counts)) > _MOST_REPEATS:
        raise regex.error(f"it repeats a part more than {_MOST_REPEATS:,} times")
    return regex.compile(text, regex.IGNORECASE)


def check_patterns(field: CustomField) -> None:
    """Raise ``FieldError`` if a pattern is invalid or captures a name that is not an attribute."""
    known = [attribute.name for attribute in field.attributes]
    for attribute, _, text in _list_patterns(field):
        where = f"{field.name}.{attribute.name}: the pattern {text!r}"
        try:
            names = set(_compile(text).groupindex).difference(known)
        except (regex.error, RecursionError, OverflowError) as error:
            raise FieldError(
                f"{where} cannot be read: {error}; write a Python regular expression"
            ) from error
        for name in names:
            guess = suggest(name, known)
            raise FieldError(
                f"{where} captures {name}, which is not an attribute of the field{guess}"
            )
