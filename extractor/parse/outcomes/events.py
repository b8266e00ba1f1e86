"""What starts and stops the clock of a time-to-event or duration outcome.

The grammar reads "from X to Y", "from X until Y, Z or W", "between X and Y", "time to Y" and, where only a start
is told, "since X", "12 months from X".
"""

import re

from extractor.parse.requirements import Guarded
from extractor.parse.sentences import split_sentences
from extractor.parse.values import value
from extractor.schemas import Concept

from .end_events import depth, read_end_events, starts_event, trim

__all__ = [
    "TIMED",
    "EventsFound",
    "find_counted_start",
    "find_events",
    "find_listed_events",
    "find_named_event",
    "may_tell_end",
    "may_tell_start",
    "mentions_censoring",
]

TIMED = frozenset(
    (
        Concept.OVERALL_SURVIVAL, Concept.PROGRESSION_FREE_SURVIVAL, Concept.EVENT_FREE_SURVIVAL,
        Concept.DISEASE_FREE_SURVIVAL, Concept.TIME_TO_PROGRESSION, Concept.TIME_TO_EVENT_OTHER,
        Concept.DURATION_OF_RESPONSE, Concept.TIME_TO_RESPONSE,
    )
)  # fmt: skip
"""The concepts that have a start event and end events."""

Span = tuple[int, int]
_LONGEST_START, _LONGEST_LIST = 200, 600
"""Characters in which a start, and a list of end events, must end: the work stays linear in the text."""

_FROM = re.compile(
    r"\b(?:from|since|between|beginning (?:at|on|with)|starting (?:from|at|on)"
    r"|defined as(?=\s+(?:the )?(?:date|first|earliest|time (?:of|when|at))\b)|time of(?=\s+first\b)"
    r"|as(?=\s+the date (?:at|when|that|on)))\s+"
    r"|(?:^|(?<=[.;:]\s))(?=(?:baseline|randomi[sz]ation|enrol\w+|first dose|(?:start )?date (?:of|at)|time (?:of|at)"
    r"|(?:start|beginning|initiation) of|day of|cycle 1|C1D1|day [01])\b)",
    re.IGNORECASE,
)
_AFTER = re.compile(r"\bafter\s+|^\W*(?=(?:up )?(?:until|till)\b)", re.IGNORECASE)
_UNTIL = re.compile(
    r"\s*,?\s*\b(?:(?:up )?(?:until|till)|up to|through|thru|(?:back )?(?<!according )(?<!due )(?<!leading )"
    r"(?<!respond )(?<!prior )(?<!addition )(?<!compared )(?<!relative )(?<!related )(?<!resistant )(?<!refractory )"
    r"(?<!secondary )(?<!exposure )(?<!assigned )(?<!able )(?<!subject )(?<!intolerant )to(?!\s+(?:this|be|receive"
    r"|treat|treatment|therapy|study|protocol|determine|evaluate|assess|achieve|\w+ing)\b))\s+",
    re.IGNORECASE,
)
_AND = re.compile(r"\s+and\s+", re.IGNORECASE)
_NUMBER = re.compile(
    r"(?:the |a |approx\w* |about |maximum |at least |of |week |month |day |year |cycle )*\d", re.IGNORECASE
)
_LENGTH = re.compile(
    r"\b(?:time|interval|period|duration|days?|weeks?|months?|years?|length|delay)\b[^.;]*$", re.IGNORECASE
)
_TIME_TO = re.compile(r"\btime[\s-](?:to|until)[\s-]+|\btime of (?:the )?(?=first\b)", re.IGNORECASE)
# "1 year from the first dose": a start without an end.
_COUNTED = re.compile(
    r"\b(?:(?:days?|weeks?|months?|years?|mos?\.?)(?:\s+(?:of )?follow[\s-]?up)?\s+(?:from|after|post|since"
    r"|following)"
    r"|since|(?:calculated|measured|defined|starting|beginning|counted|time|rate|survival|alive|patients)\s+from)\s+",
    re.IGNORECASE,
)
_LISTED = re.compile(
    r"\bevents?\b[^.;]{0,30}?(?:=|defined as|includes?|including|such as|\bare\b|:)\s*|^defined as (?=[^.;]*\bor\b)"
    r"|\bcomposite end ?point of\s+"
    r"|\b(?:staying|remain|alive|being|survival|patients)\b[^.;,]{0,40}?\b(?:free (?:of|from)|without)"
    r"(?: (?:an?y? )?(?:signs?|evidence|history|events?) (?:of|such as))?\s+",
    re.IGNORECASE,
)
_START_DATE = re.compile(
    r"(?:the\s+)?(?:(?:date|time|moment|point|day)\s+(?:when|at which|on which|that)"
    r"|(?:date|time|moment|point)\s+of(?!\s+(?:first|initial|last|birth)))\s+(?:the\s+)?"
    r"|(?:the|an?)\s+(?=(?:start|date|day|time|beginning|initiation|onset|end)\b)",
    re.IGNORECASE,
)
_START_TAIL = re.compile(
    r",\s(?!or\b|and\b|PR\b|CR|SD\b|[^,.]{1,40},\s(?:and|or)\b)|\s+(?:that|which|who|prior to|according to|per|using"
    r"|based on|in (?:patients"
    r"|participants|subjects|all|the|each)|for (?:patients|participants|all|each|those|subjects|up)|through"
    r"|as (?:assessed"
    r"|determined|defined|per|measured|evaluated)|with the|assessed|until|was|will|\(if any|\(whichever|\(which)\b",
    re.IGNORECASE,
)
_NO_START = re.compile(
    r"\d|(?:then|any|all|each|every|both|which|this|that|these|those|zero|other)\b|more than|week|month|visit"
    r"|treatment period|study completion|last (?:patient|participant|subject)|end of|\W*$",
    re.IGNORECASE,
)
_CENSORING = Guarded(
    r"\bcensor\w*|\blast (?:follow[- ]?up|visit|contact|known|observation|date"
    r"|assessment|available|survival)|\blast-?known\b|\blost to follow"
)
_MAY_START = re.compile(r"\b(?:from|since|after|post|baseline)\b", re.IGNORECASE)
_MAY_END = re.compile(
    r"\b(?:until|events?|free of|without|death|progression|relapse|to (?:date|first|disease))\b", re.IGNORECASE
)


@value(frozen=True, slots=True)
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
    half: EventsFound | None = None
    for first, last in split_sentences(text):
        for openings in (_FROM, _AFTER):
            found = _read_span(text[:last], first, openings)
            if found and found.ends:
                return found
            half = half or found
    return half


def find_counted_start(text: str) -> Span | None:
    """The start of a moment that is counted from it.

    >>> text = "Patients alive 2 years after the start of treatment"
    >>> text[slice(*find_counted_start(text))]
    'start of treatment'
    """
    for first, last in split_sentences(text):
        found = _COUNTED.search(text, first, last)
        start = _read_start(text, found.end(), min(last, found.end() + _LONGEST_START)) if found else None
        if start:
            return start
    return None


def find_listed_events(text: str) -> tuple[Span, ...]:
    """The events of a definition that tells no start.

    >>> text = "An event is defined as relapse, progression or death of any cause."
    >>> [text[slice(*span)] for span in find_listed_events(text)]
    ['relapse', 'progression', 'death of any cause']
    """
    opening = _LISTED.search(text)
    if not opening or not starts_event(text, opening.end()):
        return ()
    last = next(last for _, last in split_sentences(text) if last >= opening.end())
    return read_end_events(text, opening.end(), min(last, opening.end() + _LONGEST_LIST))


def find_named_event(text: str) -> Span | None:
    """The event of "time to ..." in a cleaned text.

    >>> text = "Median time to neutrophil engraftment"
    >>> text[slice(*find_named_event(text))]
    'neutrophil engraftment'
    """
    opening = _TIME_TO.search(text)
    ends = read_end_events(text, opening.end(), opening.end() + _LONGEST_LIST) if opening else ()
    return ends[0] if ends else None


def mentions_censoring(text: str) -> bool:
    """Whether the text speaks of censoring, or takes a last contact as an end."""
    return bool(_CENSORING.search(text))


def may_tell_start(text: str) -> bool:
    """Whether words stand in the text that a start event often follows."""
    return bool(_MAY_START.search(text))


def may_tell_end(text: str) -> bool:
    """Whether words stand in the text that end events often have."""
    return bool(_MAY_END.search(text))


def _read_span(text: str, position: int, openings: re.Pattern[str]) -> EventsFound | None:
    """A start and its ends in one sentence, or the start of a span that ends at a mere limit of time."""
    half: EventsFound | None = None
    opening = openings.search(text, position)
    while opening:
        until = _find_until(text, opening)
        if until and until.end() - opening.end() < _LONGEST_START:
            start = _read_start(text, opening.end(), until.start())
            ends = (
                ()
                if _NUMBER.match(text, until.end())
                else read_end_events(text, until.end(), until.end() + _LONGEST_LIST)
            )
            if ends and (start or until.start() <= opening.end()):
                return EventsFound(start, ends)
            if start and not half and opening[0].strip().lower() in {"from", "since"}:
                half = EventsFound(start, ())
        opening = openings.search(text, opening.start() + 1)
    return half


def _find_until(text: str, opening: re.Match[str]) -> re.Match[str] | None:
    """What joins a start to its ends, within the length that a start may have."""
    first, last = opening.end(), opening.end() + _LONGEST_START
    if opening[0].lower().startswith("between"):
        counted = _LENGTH.search(text, max(0, opening.start() - _LONGEST_START), opening.start())
        return _AND.search(text, first, last) if counted else None
    found = _UNTIL.search(text, first + (1 if opening[0] else 0), last)
    while found and depth(text, first, found.start()) > 0:
        found = _UNTIL.search(text, found.end(), last)
    return found


def _read_start(text: str, start: int, end: int) -> Span | None:
    """The start event without an article and without what only qualifies it."""
    found = _START_DATE.match(text, start, end)
    start = found.end() if found else start
    for tail in _START_TAIL.finditer(text, start + 1, end):
        if depth(text, start, tail.start()) <= 0:
            end = tail.start()
            break
    start, end = trim(text, start, end)
    return (start, end) if end - start > 1 and not _NO_START.match(text, start, end) else None
