"""Where a text states something: places in tokens, raw spans of quotes, and of names in any of
their forms.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import Any

from extractor.concepts.aliases import (
    find_entry,
    find_instrument,
    list_names,
    split_version,
)
from extractor.evidence.drafts import Reading, Span, find_weakest
from extractor.evidence.quotes import locate_quote
from extractor.language.book import Entry, find_terms
from extractor.language.clean import CleanText
from extractor.language.lexer import Range, Tokens
from extractor.language.passage import Passage
from extractor.schemas import Instrument, Origin, Support

MODEL_CONFIDENCE = 0.9
"""The confidence of a grounded answer, until counts give that of its field."""
# the greatest distance between an instrument's name and its version, in characters
_VERSION_REACH = 60
_SHORTEST_NAME = 3
"""The least characters of an abbreviation that stands for a full name: "LV" has too many
meanings.
"""


@dataclass(frozen=True, slots=True)
class Supported:
    """A value with the characters that support it. ``confidence`` is lower where its place leaves
    a doubt.
    """

    value: Any
    span: Span
    support: Support
    confidence: float = MODEL_CONFIDENCE


def read_supported(supported: Sequence[Supported], *, many: bool) -> Reading[Any]:
    """Return a model's value with its support; with ``many``, the members of a list; of nothing,
    the value None.
    """
    value: Any = None
    if many:
        value = tuple(one.value for one in supported)
    elif supported:
        value = supported[0].value
    weakest = find_weakest(s.support for s in supported)
    spans = tuple(s.span for s in supported)
    supports = tuple(s.support for s in supported)
    sure = min((s.confidence for s in supported), default=MODEL_CONFIDENCE)
    return Reading(value, sure, spans, weakest, supports=supports, origin=Origin.MODEL)


@dataclass(frozen=True, slots=True)
class Derived:
    """Tokens that state a value. ``support`` is inferred if any part of the value is a
    conclusion.
    """

    first: int
    end: int
    support: Support = Support.PARSED


@lru_cache(maxsize=32)
def cut(passage: Passage) -> Tokens:
    """Return the tokens of a passage alone. Several values of one line share them, and what is
    found in them.
    """
    return passage.tokens.cut(passage.first, passage.end)


def locate(passage: Passage, first: int, end: int) -> Span:
    """Return the raw span of ``cut(passage).words[first:end]``."""
    return Span(
        passage.section.name,
        *passage.section.cleaned.raw_span(*cut(passage).span(first, end)),
    )


def _clean_span(passage: Passage) -> Range:
    """Return the offsets of a passage in the cleaned text of its section."""
    if passage.end > passage.first:
        return passage.tokens.span(passage.first, passage.end)
    return (0, 0)


def find_quotes(
    passage: Passage, quote: str, position: int | None = None
) -> Iterator[Span]:
    """Yield the raw spans of a quote in the passage, left to right, from ``position`` in the
    section's cleaned text.
    """
    start, end = _clean_span(passage)
    text = passage.tokens.text
    position = start if position is None else position
    # The lines of the passage as a separate text: folding a line once serves all searches in it.
    begin = text.rfind("\n", 0, start) + 1
    stop = text.find("\n", end)
    lines = CleanText(text[begin : stop if stop >= 0 else len(text)])
    while found := locate_quote(quote, lines, position - begin, end - begin):
        yield Span(
            passage.section.name,
            *passage.section.cleaned.raw_span(found[0] + begin, found[1] + begin),
        )
        position = found[1] + begin


def find_quote(passage: Passage, quote: str) -> Span | None:
    """Return the raw span of a quote in the passage, or None."""
    return next(find_quotes(passage, quote), None)


def find_parts(
    passage: Passage, parts: Mapping[str, str | None]
) -> dict[str, Span | None]:
    """Return the raw spans of an outcome's parts, in order, since several parts may have the same
    words.

    The time frame comes last, so its last occurrence counts.
    """
    spans: dict[str, Span | None] = {}
    position = _clean_span(passage)[0]
    for name, quote in parts.items():
        places = list(find_quotes(passage, quote, position)) if quote else []
        found = None
        if places:
            found = places[-1] if name == "time_frame" else places[0]
        spans[name] = found
        if found:
            position = passage.section.cleaned.clean_position(found.end)
    return spans


def find_named_instrument(value: Instrument, passage: Passage) -> Supported | None:
    """Return an instrument by any of its names, with its version directly after it, as in
    "RECIST1.1".
    """
    for mark in ("", "v") if value.version else ():  # "RECIST1.1", "SF-36v2"
        together = find_quote(passage, f"{value.name}{mark}{value.version}")
        if together:
            return Supported(value, together, Support.LITERAL)
    name, version = split_version(value.name)
    if version and value.version in (None, version):
        value = Instrument(name=name, version=version)
    for span, support in list_mentions(value.name, passage):
        near = passage.section.between(
            span.end, min(passage.raw_span[1], span.end + _VERSION_REACH)
        )
        marks = (mark + (value.version or "") for mark in ("", "v", "v.", "version"))
        if value.version is None or any(find_quote(near, mark) for mark in marks):
            return Supported(value, span, support)
    return None


def list_mentions(instrument: str, passage: Passage) -> Iterator[tuple[Span, Support]]:
    """The places of an instrument's name in the passage, those as written first, then those of
    its other names.
    """
    for span in find_quotes(passage, instrument):
        yield span, Support.LITERAL
    entry = find_instrument(instrument)
    if entry:
        tokens = cut(passage)
        terms = (
            term
            for term in find_terms(tokens, "instruments")
            if term.value == entry.value
        )
        spans = (locate(passage, term.first, term.end) for term in terms)
        yield from (
            (span, Support.PARSED) for span in chain(spans, find_names(entry, passage))
        )


def find_agent(agent: str, passage: Passage) -> Supported | None:
    """Another name of an agent in the passage, as the passage writes it: "MTX" for
    "methotrexate".
    """
    entry = find_entry(agent, "agent_abbreviations")
    span = next(find_names(entry, passage), None) if entry else None
    if span:
        return Supported(
            passage.section.raw[span.start : span.end], span, Support.LITERAL
        )
    return None


def find_names(entry: Entry, passage: Passage) -> Iterator[Span]:
    """The places of an entry's names. An abbreviation counts only in its own case, and if no
    letter is added to it.
    """
    first, end = passage.raw_span
    for name in list_names(entry):
        if " " in name or not any(map(str.isupper, name[1:])):
            yield from find_quotes(passage, name)
        elif len(name) >= _SHORTEST_NAME:
            written = re.compile(rf"(?<![\w-]){re.escape(name)}(?![\w-])")
            found = written.finditer(passage.section.raw, first, end)
            yield from (Span(passage.section.name, *each.span()) for each in found)
