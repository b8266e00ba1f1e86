"""Read custom fields without a model, with patterns that are Python regular expressions."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache, partial
from itertools import chain, groupby
from math import prod

import regex

from extractor.concepts.own.attributes import Attribute, AttributeSet, find_root
from extractor.concepts.own.declaration import CustomField, CustomFields, Of
from extractor.confidence import CUSTOM, find_most
from extractor.errors import FieldError
from extractor.evidence.drafts import Draft, ItemDraft, Reading, ReadT, Span, Supported
from extractor.evidence.items import OwnReadings, list_attribute_values
from extractor.evidence.parsed import ParsedRecord
from extractor.evidence.quotes import QuoteStatus, verify_quote
from extractor.language.lexer import Range
from extractor.language.passage import Passage
from extractor.schemas import Task
from extractor.schemas.arguments import suggest

# Chosen by hand; docs/how-to/your-own-fields.md states it.
_SECONDS = 2.0
"""Maximum time in seconds that a pattern may take to search a text."""
# Chosen by hand; docs/how-to/your-own-fields.md states it.
_MOST_REPEATS = 10_000
"""Maximum product of nested repetition counts, such as those in ``(a{1000}){1000}``, since each
repetition uses memory.
"""
_COUNTS = re.compile(r"\{(\d*),?(\d*)\}")
# Chosen by hand.
_AROUND = 40
"""Number of characters around a match that are examined to check it."""
_ARTICLE = re.compile(r"\b(?:an?|the)\s{1,9}$", re.IGNORECASE)


def read_declared(parsed: ParsedRecord, fields: CustomFields) -> ParsedRecord:
    """Return the record with the values matched by the patterns of these fields added to its
    items. Raises ``FieldError`` if a pattern takes too long.
    """
    for field in fields:
        if field.has_patterns:
            read = partial(_read_item, parsed, field)
            parsed = replace(
                parsed,
                whole=read(parsed.whole),
                criteria=tuple(map(read, parsed.criteria)),
                regimens=tuple(map(read, parsed.regimens)),
                outcomes=tuple(map(read, parsed.outcomes)),
            )
    return parsed


def _read_item(
    parsed: ParsedRecord, field: CustomField, item: ItemDraft[ReadT]
) -> ItemDraft[ReadT]:
    """Return the item with the values of a field that are found in the item's text or, for a field
    of the record, in the sections of the record. If ``many`` is true for the field, each match is
    a separate value; otherwise, all matches form one value. A value without a required attribute
    is dropped. An item of another kind than the field's is returned unchanged.
    """
    if item.group != (field.group.of or Task.ELIGIBILITY):
        return item
    if field.of is Of.RECORD:
        names = filter(field.searches, parsed.sections)
        passages = [parsed.sections[name].whole for name in names]
    else:
        passages = [parsed.passage(item.chunk.span)]
    values: list[OwnReadings] = []
    for passage in passages:
        values += _match_patterns(field, passage)
    # a field with one value may state its attributes in several sentences
    if not field.many:
        values = [_merge_values(field, values)]
    required = set(field.required_names)
    drafts: list[Draft] = []
    for value in values:
        if not value or not required.issubset(map(find_root, value)):
            continue
        span = _find_first_span(value)
        drafts.append(Draft(field.group.path, item.chunk, span, value))
    custom_values = {**item.custom_values, field.name: tuple(drafts)}
    return replace(item, custom_values=custom_values)


def _merge_values(field: CustomField, values: Iterable[OwnReadings]) -> OwnReadings:
    """Return one value with the distinct members of each list and the first value of any other
    attribute; an empty value if there are no ``values``.

    From {sex: "both", drugs: ("A",), methods[0].name: "pill"} and {sex: "male", drugs: ("B",),
    methods[0].name: "coil"}, the result is {sex: "both", drugs: ("A", "B"), methods[0].name:
    "pill", methods[1].name: "coil"}.
    """
    merged: dict[str, list[Reading[object]]] = defaultdict(list)
    known: dict[str, set[str]] = defaultdict(set)
    for value in values:
        # the paths of one attribute are next to each other
        for name, paths in groupby(value, find_root):
            stated = {path: value[path] for path in paths}
            # as text, because a dict is not hashable
            member = repr(list_attribute_values(stated))
            earlier = known[name]
            if member in earlier or (earlier and not field.by_name[name].many):
                continue
            for path, reading in stated.items():
                # the nested object of a match has the position 0
                merged[path.replace("[0]", f"[{len(earlier)}]", 1)].append(reading)
            earlier.add(member)
    # a list of plain values has one reading for all of its members
    return {
        path: readings[0].with_supported(
            chain.from_iterable(r.members for r in readings)
        )
        for path, readings in merged.items()
    }


def _find_first_span(value: OwnReadings) -> Span:
    """Return the place of the words of a value that come first in the text."""
    return min(reading.spans[0] for reading in value.values())


def _match_patterns(field: CustomField, passage: Passage) -> list[OwnReadings]:
    """Return the values that the patterns match, in text order. Raises ``FieldError`` if a search
    takes too long.
    """
    if not field.is_mentioned_in(passage.raw):
        return []
    values: list[OwnReadings] = []
    for target, fixed, pattern in _list_patterns(field):
        matches = _compile_pattern(pattern).finditer(passage.text, timeout=_SECONDS)
        try:
            values += [_read_match(field, target, fixed, passage, at) for at in matches]
        except TimeoutError:
            raise FieldError(
                f"{field.name}.{target.name}: the pattern {pattern!r} takes more than "
                f"{_SECONDS:g} seconds to search a text; avoid nested repetitions, such as (a+)+"
            ) from None
    return sorted(filter(None, values), key=_find_first_span)


def _list_patterns(field: CustomField) -> Iterator[tuple[Attribute, str, str]]:
    """Yield each pattern as an (attribute, value, pattern) tuple. The value is the one that a match
    indicates, such as "open" for the pattern "open[ -]label", or "" if the match itself is the
    value.
    """
    for attribute in field.attributes:
        for fixed, patterns in attribute.patterns.items():
            for pattern in patterns:
                yield attribute, fixed, pattern


def _read_match(
    field: CustomField,
    target: Attribute,
    fixed: str,
    passage: Passage,
    match: "regex.Match[str]",
) -> OwnReadings:
    """Return the attributes that a match states, by path: ``target``, whose pattern matched, and
    the attributes after which groups of the pattern are named; nothing if ``target`` cannot be
    read. ``fixed`` is the value of ``target`` that the match indicates, or "". If ``target`` is a
    nested object, the groups are named after its attributes, and nothing is returned if a required
    one of these cannot be read.
    """
    named: AttributeSet = field
    needed = [target.name]
    path = ""
    if target.attributes:
        named = target
        needed = target.required_names
        path = f"{target.name}[0]." if target.many else f"{target.name}."
    value: dict[str, Reading[object]] = {}
    for attribute in named.attributes:
        words = ""
        place = match.span()
        if attribute.name in match.re.groupindex:
            place = match.span(attribute.name)
        elif attribute is not target:
            continue
        if attribute is target:
            words = fixed
        reading = _read_stated(attribute, words, passage, match.start(), place)
        if reading:
            value[attribute.name] = reading
    if not value.keys() >= set(needed):
        return {}
    return {f"{path}{name}": reading for name, reading in value.items()}


def _read_stated(
    attribute: Attribute, fixed: str, passage: Passage, first: int, place: Range
) -> Reading[object] | None:
    """Return the value that a match from ``first`` indicates (``fixed``) or, if that is empty, the
    value that the words at ``place`` state.

    Return None if the words are not a value of the attribute, if the match cuts through a word or
    a number, or if a "not" negates it.
    """
    start, end = place
    if start >= end:  # an optional group that did not match
        return None
    text = passage.text
    before = max(0, first - _AROUND)
    # the check looks for a "not" directly before its quote, as in "not a double-blind trial"
    article = _ARTICLE.search(text, before, first)
    if article:
        first = article.start()
    check = verify_quote(text[first:end], text[before : end + _AROUND], first - before)
    if check.status is not QuoteStatus.EXACT or check.start != first - before:
        return None
    try:
        value = attribute.read(fixed or text[start:end])
    except ValueError:
        return None
    section = passage.section
    begin = passage.tokens.starts[passage.first]
    span = Span(section.name, *section.cleaned.raw_span(begin + start, begin + end))
    # a model may confirm it
    sure = find_most(CUSTOM, "by a pattern")
    stated = Supported(value, span, attribute.kind.support, confidence=sure)
    reading = Reading(() if attribute.many else None, weighed=sure)
    return reading.with_supported([stated])


@lru_cache(1_000)  # each caller of a service may declare new patterns
def _compile_pattern(pattern: str) -> "regex.Pattern[str]":
    """Compile a case-insensitive pattern. Raises ``regex.error`` if it is invalid."""
    # "{0}" does not make the other repetitions harmless
    counts = [int(high or low or 1) for low, high in _COUNTS.findall(pattern)]
    if prod(filter(None, counts)) > _MOST_REPEATS:
        raise regex.error(f"it repeats a part more than {_MOST_REPEATS:,} times")
    return regex.compile(pattern, regex.IGNORECASE)


def check_patterns(field: CustomField) -> None:
    """Raise ``FieldError`` if a pattern is invalid or captures a name that is not an attribute, or
    if a pattern of nested objects does not capture their attributes.
    """
    for attribute, fixed, pattern in _list_patterns(field):
        where = f"{field.name}.{attribute.name}: the pattern {pattern!r}"
        named: AttributeSet = field
        if attribute.attributes:
            named = attribute
        known = [part.name for part in named.attributes if not part.attributes]
        try:
            groups = _compile_pattern(pattern).groupindex
        except (regex.error, RecursionError, OverflowError) as error:
            raise FieldError(
                f"{where} cannot be read: {error}; write a Python regular expression"
            ) from error
        for name in groups.keys() - known:
            raise FieldError(
                f"{where} captures {name}, which is not an attribute of the field"
                f"{suggest(name, known)}"
            )
        if attribute.attributes and (fixed or not groups):
            raise FieldError(
                f"{where} reads a nested model; write a group for each of its attributes, such as "
                f"(?P<{attribute.attributes[0].name}>...)"
            )
