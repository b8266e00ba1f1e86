"""What starts and stops the clock of a time-to-event or duration outcome.

The grammar reads "from X to Y", "from X until Y, Z or W", "time to Y", "between X and Y".
"""

import re
from dataclasses import dataclass

from extractor.parse.sentences import split_sentences
from extractor.schemas import Concept

__all__ = ["TIMED", "EventsFound", "find_events", "mentions_censoring"]

TIMED = frozenset(
    (
        Concept.OVERALL_SURVIVAL, Concept.PROGRESSION_FREE_SURVIVAL, Concept.EVENT_FREE_SURVIVAL,
        Concept.DISEASE_FREE_SURVIVAL, Concept.TIME_TO_PROGRESSION, Concept.TIME_TO_EVENT_OTHER,
        Concept.DURATION_OF_RESPONSE, Concept.TIME_TO_RESPONSE,
    )
)  # fmt: skip
"""The concepts that have a start event and end events."""

Span = tuple[int, int]

_FROM = re.compile(
    r"(?:\b(?:from|since|after|between|defined as(?=\s+the (?:date|time) (?:when"
    r"|that|at|on))|beginning (?:at|on|with)|starting (?:from|at|on))\s+|(?:^"
    r"|(?<=[.;:]\s))(?=(?:baseline|randomi[sz]ation|enrol\w+|first dose|date of"
    r"|time of|start of)\b))",
    re.IGNORECASE,
)
_UNTIL = re.compile(
    r"\s*,?\s*\b(?:(?:up )?(?:until|till)|up to|(?:back )?to(?=\s+(?:the|an?|any"
    r"|first|date|time|day|death|disease|progress|relaps|recur|document|occur"
    r"|event|next"
    r"|treatment|PD|last|whichever|confirmed|objective|loss|disconti|radio|tumou?r"
    r"|onset|end|initiat|engraft|cause|local|distant|patient|when"
    r"|subsequent|start|neutro|platelet|complete|CR|response|failure|either|second"
    r"|earli|hemato|molecular|clinical)))\s+",
    re.IGNORECASE,
)
_AND = re.compile(r"\s+and\s+", re.IGNORECASE)
_TIME_TO = re.compile(r"\btime (?:to|until)\s+", re.IGNORECASE)
# Where the account of the end events is over.
_STOP = re.compile(
    r"[;:]|,?\s*\(?\bwhich ?ever\b|,?\s*\b(?:as )?(?:assessed|determined|measured"
    r"|evaluated|defined|estimated|confirmed|judged|documented|using|based on"
    r"|according|per|calculated|analy[sz]ed)"
    r"\s+(?:by|as|per|using|on|to|up|according|at|with|in|RECIST|Lugano|IWG|the)\b"
    r"|\bper (?:RECIST|IMWG|Lugano|the)\b|\bRECIST\b|,?\s*\b(?:if|where|among"
    r"|will be|is|was|are|were)\b|\(censored|,? as (?:assessed|per|determined"
    r"|defined)"
    r"|\bfor (?:participants|patients|those|subjects)|\bafter (?:CAR|the|treatment"
    r"|infusion|transplant|first|start|study)|\b(?:up to|within) (?:approx\w* "
    r"|about )?\d|\bby (?:the )?(?:investigator|blinded|independent|BICR)|\.\s"
    r"|\.$",
    re.IGNORECASE,
)
_SPLIT = re.compile(r"\s*,\s*(?:and/or|or|and)?\s+|\s+(?:and/or|or|and)\s+(?!incomplete)|\s*/\s+")
_INCLUDES = re.compile(
    r"\bevents?\b[^,]{0,30},?\s*(?:which includes?|includes?|including|defined as|such as|i\.e\.,?|\()\s*",
    re.IGNORECASE,
)
_DATE_OF = re.compile(
    r"(?:(?:the|a|any)\s+)?(?:(?:earliest|first)\s+)?(?:date|time|day|moment|point)s?\s+(?:of(?!\s+first)"
    r"|when|that|on which|at which|of which|to)\s+(?:the\s+(?=date|time))?"
    r"(?:(?:the )?(?:date|time) of\s+)?",
    re.IGNORECASE,
)
_START_DATE = re.compile(
    r"(?:the\s+)?(?:date|time|moment|point)\s+(?:when|at which|on which|that|(?:of"
    r"|to)(?!\s+(?:first|initial|last|birth)))\s+(?:the\s+)?",
    re.IGNORECASE,
)
_FIRST_OF = re.compile(
    r"(?:(?:the|an?|any|either|of|first|earliest)\s+)*(?:(?:first|initial|earliest"
    r"|any)\s+)?(?:assessment|occurrence|event)s?\s+of\s+(?:either\s+|the\s+(?=first"
    r"|occurrence))?|(?:the|either|an?)\s+",
    re.IGNORECASE,
)
_CENSORING = re.compile(
    r"\bcensor\w*|\blast (?:follow[- ]?up|visit|contact|known|observation|date"
    r"|assessment|available|survival)|\blast-?known\b|\blost to follow",
    re.IGNORECASE,
)
_NO_EVENT = re.compile(
    r"\b(?:censor|last (?:follow|visit|contact|known|observation|survival)|lost to follow"
    r"|end of (?:the )?(?:study|follow)|study (?:end|closure|completion)|data cut"
    r"|date of analysis|withdraw\w* (?:of )?consent|^(?:any|all) (?:cause|reason)s?$"
    r"|^follow)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class EventsFound:
    """Spans of the start event (None if not stated) and of the end events in the text that was read."""

    start: Span | None
    ends: tuple[Span, ...]


def find_events(text: str) -> EventsFound | None:
    """The events in a cleaned text; None where no sentence fits the grammar.

    >>> text = "PFS is the time from randomization until progression, relapse or death from any cause."
    >>> found = find_events(text)
    >>> text[slice(*found.start)], [text[slice(*end)] for end in found.ends]
    ('randomization', ['progression', 'relapse', 'death from any cause'])
    """
    for first, last in split_sentences(text):
        found = _read_sentence(text[:last], first)
        if found:
            return found
    return None


def mentions_censoring(text: str) -> bool:
    """Whether the text speaks of censoring, or takes a last contact as an end."""
    return bool(_CENSORING.search(text))


def _read_sentence(text: str, position: int) -> EventsFound | None:
    opening = _FROM.search(text, position)
    while opening:
        until = _UNTIL.search(text, opening.end()) or (
            _AND.search(text, opening.end()) if opening[0].lower().startswith("between") else None
        )
        if until and until.start() > opening.end() and until.start() - opening.end() < 200:
            ends = _read_ends(text, until.end())
            if ends:
                return EventsFound(_read_start(text, opening.end(), until.start()), ends)
        opening = _FROM.search(text, opening.start() + 1)
    time_to = _TIME_TO.search(text, position)
    ends = _read_ends(text, time_to.end()) if time_to else ()
    return EventsFound(None, ends) if ends else None


def _read_start(text: str, start: int, end: int) -> Span | None:
    """The start event without "the date of" and without what only qualifies it."""
    found = _START_DATE.match(text, start, end)
    start, end = _trim(text, found.end() if found else start, end)
    comma = text.find(", ", start, end)
    if comma > start and _depth(text, start, comma) <= 0 and not re.match(r", (?:or|and)\b", text[comma:end]):
        end = comma
    return (start, end) if end > start else None


def _read_ends(text: str, start: int) -> tuple[Span, ...]:
    includes = _INCLUDES.search(text, start)
    if includes and includes.start() - start < 60:
        start = includes.end()
    stop = _find_stop(text, start)
    spans: list[Span] = []
    position = start
    for joint in [*_SPLIT.finditer(text, start, stop), None]:
        if joint and _depth(text, start, joint.start()) > 0:
            continue
        span = _read_end(text, position, joint.start() if joint else stop)
        if span:
            spans.append(span)
        if joint:
            position = joint.end()
    return tuple(spans[:8])


def _find_stop(text: str, start: int) -> int:
    """The first stop outside of brackets."""
    for found in _STOP.finditer(text, start):
        if found.start() > start and (_depth(text, start, found.start()) <= 0 or "ensor" in found[0]):
            return found.start()
    return len(text)


def _depth(text: str, start: int, end: int) -> int:
    return text.count("(", start, end) - text.count(")", start, end)


def _read_end(text: str, start: int, end: int) -> Span | None:
    for pattern in (_DATE_OF, _FIRST_OF):
        found = pattern.match(text, start, end)
        start = found.end() if found else start
    start, end = _trim(text, start, end)
    quote = text[start:end]
    return (start, end) if len(quote) > 1 and not _NO_EVENT.search(quote.split(" from ")[0].split(" due ")[0]) else None


def _trim(text: str, start: int, end: int) -> Span:
    while start < end and text[start] in " ,;.\n":
        start += 1
    while end > start and text[end - 1] in " ,;.\n":
        end -= 1
    if text[start:end].endswith(")") and _depth(text, start, end) < 0:
        end -= 1
    return start, end
