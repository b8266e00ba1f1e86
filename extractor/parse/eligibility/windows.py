"""Read a criterion's time window: the first of those that it mentions."""

from collections.abc import Sequence

from extractor.mentions.windows import Time, Window, find_times, find_washouts, find_windows, may_be_window
from extractor.parse.drafts import Reading, span_of
from extractor.parse.scoring import measured
from extractor.schemas import CriterionKind, Support, TimeUnit, TimeWindow
from extractor.text.book import read_text, rule
from extractor.text.lexer import Tokens
from extractor.text.passage import Passage

_NO_WINDOW = frozenset({"age", "life", "survival"})


def read_window(passage: Passage, kind: CriterionKind | None = None, topic: str = "") -> Reading[TimeWindow | None]:
    """The first time window of a criterion; one that defines a word in brackets only if there is no other.

    ``passage`` stands alone (``Passage.alone``). ``topic`` is the heading or parent line: a length of time under
    "Life expectancy" is not a window.

    >>> read_window(read_passage("No chemotherapy within 4 weeks before enrolment")).value.quote
    'within 4 weeks before enrolment'
    """
    tokens = passage.tokens
    times = find_times(tokens)
    windows = list(find_windows(tokens, times))
    found = min(
        windows or find_washouts(tokens, times, kind), key=lambda window: (window.aside, window.first), default=None
    )
    if found and topic and not _NO_WINDOW.isdisjoint(word.lower() for word in read_text(topic).words):
        found = None
    confidence = measured("time_window", _shape(tokens, found, times))
    if not found:
        return Reading(None, confidence)
    anchor = rule("window_anchor").starts(tokens, found.end) if windows else None  # nothing follows a wash-out
    end = anchor.end if anchor else found.end
    place = passage.part(found.first, end - (tokens.codes[end - 1] == ")"))
    window = TimeWindow(quote=place.raw, comparator=found.comparator, value=found.value, unit=found.unit)
    return Reading(window, confidence, (span_of(place),), Support.PARSED)


def _shape(tokens: Tokens, found: Window | None, times: Sequence[Time]) -> str:
    if found:
        several = sum(duration.unit is not TimeUnit.CYCLE for _, duration in times) > 1
        return ("one of several" if several else "the only length of time") if found.sure else "sense implied"
    if not times:
        return "no length of time"
    unread = any(may_be_window(tokens, time) for time in times)
    return "length of time not read" if unread else "only ages and the like"
