"""Locate values in a text: the token ranges and raw spans of quotes and of names in all their
forms.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from extractor.concepts.aliases import find_entry, list_names
from extractor.evidence.drafts import Reading, Span, Supported
from extractor.evidence.quotes import locate_quote
from extractor.language.book import Entry, find_terms
from extractor.language.clean import CleanText
from extractor.language.passage import Passage
from extractor.schemas import Instrument, Origin, Support

DESCRIPTIONS = ("brief_summary", "detailed_description")
"""The sections of running text."""
GROUPS_OF_DOSES = ("interventions[", "arms[")
"""The beginnings of the names of sections that state doses."""
DESCRIPTIONS_OF_DOSES = ("detailed_description", "brief_summary", "official_title")
"""Other sections that may state doses."""
# Half of it misses 5.0 in "CTCAE, the terminology criteria for adverse events of any can 5.0".
_VERSION_REACH = 60
"""Maximum number of characters between an instrument's name and its version."""
_SHORTEST_NAME = 3
"""Minimum number of characters in an abbreviation that can stand for a full name: "LV" has too many
meanings.
"""

Found: TypeAlias = Supported[object] | None
"""A value with its support; None if the text does not support it."""


def read_supported(
    supported: Sequence[Supported[object]], *, many: bool
) -> Reading[object]:
    """Return the reading of a model's values with their support and the confidence of the least
    certain value. If ``many`` is true, the value of the reading is a tuple of all values;
    otherwise, it is the first value. If there are no values, the value is an empty tuple if
    ``many`` is true, or None otherwise.
    """
    least = min((member.confidence for member in supported), default=1.0)
    reading = Reading(() if many else None, origin=Origin.MODEL)
    return reading.with_supported(supported).with_confidence(least)


@dataclass(frozen=True, slots=True)
class Derived:
    """The tokens that state a value. ``support`` is inferred if any part of the value is a
    conclusion.
    """

    first: int
    end: int
    support: Support = Support.PARSED


def locate(passage: Passage, first: int, end: int) -> Span:
    """Return the raw span of ``passage.cut().words[first:end]``."""
    start, stop = passage.cut().span(first, end)
    raw_span = passage.section.cleaned.raw_span(start, stop)
    return Span(passage.section.name, *raw_span)


def find_quotes(passage: Passage, quote: str) -> Iterator[Span]:
    """Yield the raw spans of a quote in the passage, from left to right."""
    if passage.end <= passage.first:
        return
    start, end = passage.clean_span
    section = passage.section
    text = passage.tokens.text
    # The lines of the passage form a separate text, so that each line is folded only once.
    begin = text.rfind("\n", 0, start) + 1
    stop = text.find("\n", end)
    if stop < 0:
        stop = len(text)
    lines = CleanText(text[begin:stop])
    position = start - begin
    while place := locate_quote(quote, lines, position, end - begin):
        first, position = place
        raw_span = section.cleaned.raw_span(first + begin, position + begin)
        yield Span(section.name, *raw_span)


def find_quote(passage: Passage, quote: str) -> Span | None:
    """Return the first raw span of a quote in the passage, or None if the passage does not contain
    it.
    """
    return next(find_quotes(passage, quote), None)


def support_quote(passage: Passage, place: Span | None) -> Supported[str] | None:
    """Return the words at a place in the passage's section; None if there is no place."""
    if place is None:
        return None
    words = passage.section.raw[place.start : place.end]
    return Supported(words, place, Support.LITERAL)


def find_parts_of_outcome(
    passage: Passage, parts: Mapping[str, object]
) -> dict[str, Span | None]:
    """Return the raw span of each part of an outcome, keyed by the name of the part; None for a
    missing part. The search for each part starts where the previous part ends, since several parts
    may have the same words. The time frame comes last, so its last occurrence is used.
    """
    spans: dict[str, Span | None] = {}
    reached = 0
    for name, quote in parts.items():
        spans[name] = None
        if not quote:
            continue
        quoted = find_quotes(passage, str(quote))
        places = [place for place in quoted if place.start >= reached]
        if name == "time_frame":
            places.reverse()
        for span in places[:1]:
            spans[name] = span
            reached = span.end
    return spans


def find_named_instrument(
    value: Instrument, passage: Passage
) -> Supported[Instrument] | None:
    """Return an instrument if the passage contains its name in any form, followed by its version,
    either directly, as in "RECIST1.1", or within 60 characters. Return None if the name or the
    version is missing.
    """
    _, end = passage.raw_span
    # as in "RECIST1.1" and "SF-36v2"
    for mark in ("", "v") if value.version else ():
        span = find_quote(passage, f"{value.name}{mark}{value.version}")
        if span:
            return Supported(value, span, Support.LITERAL)
    for span, support in list_mentions(value.name, passage):
        reach = min(end, span.end + _VERSION_REACH)
        following = passage.section.raw[span.end : reach]
        version = re.escape(value.version or "")
        if re.search(rf"(?<![\d.]){version}(?!\.?\d)", following):
            return Supported(value, span, support)
    return None


def list_mentions(instrument: str, passage: Passage) -> Iterator[tuple[Span, Support]]:
    """Yield the places of an instrument's names in the passage as (span, support) pairs: first
    those of the name as written. If the vocabulary contains the instrument, those of its terms in
    any capitalisation and spacing follow, and then those of its names as
    ``find_names_of_entry`` compares them. Two ways may find the same place, which is then yielded
    twice.
    """
    for span in find_quotes(passage, instrument):
        yield span, Support.LITERAL
    entry = find_entry(instrument, "instruments")
    if entry is None:
        return
    for term in find_terms(passage.cut(), "instruments"):
        if term.value == entry.value:
            yield locate(passage, term.first, term.end), Support.PARSED
    for span in find_names_of_entry(entry, passage):
        yield span, Support.PARSED


def find_agent(agent: str, passage: Passage) -> Supported[str] | None:
    """Return the first of an agent's names to occur in the passage, as the passage spells it:
    "MTX" for "methotrexate". The parts of a combination may be apart; the place is then that of the
    first one. Return None if the agent is unknown, or if the passage does not name it.
    """
    parts = split_parts(agent)
    places = list(filter(None, (find_quote(passage, part) for part in parts)))
    if len(places) == len(parts) > 1:
        return Supported(agent, places[0], Support.INFERRED)
    entry = find_entry(agent, "agent_abbreviations")
    if entry:
        return support_quote(passage, next(find_names_of_entry(entry, passage), None))
    return None


def split_parts(agent: str) -> list[str]:
    """Return the parts of the name of a combination, or the name itself.

    >>> split_parts("examplumab + testamide"), split_parts("examplumab")
    (['examplumab', 'testamide'], ['examplumab'])
    """
    return re.split(" ?[+/] ?| and ", " ".join(agent.split()))


def find_names_of_entry(entry: Entry, passage: Passage) -> Iterator[Span]:
    """Yield the places of an entry's names. An abbreviation must have at least three characters,
    and matches only as a whole word with the same capitalisation.
    """
    first, end = passage.raw_span
    for name in list_names(entry):
        has_inner_capital = any(map(str.isupper, name[1:]))
        # "methotrexate" may be written in any case, "MTX" only in capitals
        if " " in name or not has_inner_capital:
            yield from find_quotes(passage, name)
        elif len(name) >= _SHORTEST_NAME:
            abbreviation = re.compile(rf"(?<![\w-]){re.escape(name)}(?![\w-])")
            for match in abbreviation.finditer(passage.section.raw, first, end):
                yield Span(passage.section.name, *match.span())
