"""Read the events that start and stop the clock of a time-to-event or duration outcome.

The rules read "from X to Y", "from X until Y, Z or W", "between X and Y", "time to Y" and, if
only a start is stated, "since X", "12 months from X".
"""

import re
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from extractor.concepts.outcomes.split import OutcomeParts
from extractor.evidence.drafts import Reading, span_of
from extractor.evidence.scoring import measured
from extractor.language.book import rule, word_list
from extractor.language.lexer import Tokens
from extractor.language.passage import Passage, strip_span
from extractor.language.patterns import Found
from extractor.schemas import Concept

_TIMED = frozenset(
    (
        Concept.OVERALL_SURVIVAL,
        Concept.PROGRESSION_FREE_SURVIVAL,
        Concept.EVENT_FREE_SURVIVAL,
        Concept.DISEASE_FREE_SURVIVAL,
        Concept.TIME_TO_PROGRESSION,
        Concept.TIME_TO_EVENT_OTHER,
        Concept.DURATION_OF_RESPONSE,
        Concept.TIME_TO_RESPONSE,
    )
)
"""Concepts with a start event and end events."""
_PERHAPS_TIMED = frozenset((Concept.CLINICAL_EVENT, Concept.MORTALITY, Concept.OTHER))
"""Concepts with events if the outcome is a length of time: how long a stay or an operation
lasts.
"""
_CONCEPT_UNSURE = 0.7
_EDGES = ",;.:\n"
_LONGEST_START = 40
_LONGEST_LIST = 120
"""The most tokens of a start, and of a list of end events, so that time stays linear in the
text.
"""
_MOST_EVENTS = 8

_Events = tuple[Reading[str | None], Reading[tuple[str, ...] | None]]


def read_events(parts: OutcomeParts, concept: Reading[Concept]) -> _Events:
    """Start event and end events of an outcome. Outcomes that are no time to an event have none
    by definition.
    """
    timed = concept.value in _TIMED
    clock = "states_clock" if concept.value in _PERHAPS_TIMED else "surely_states_clock"
    perhaps = measured("event", "perhaps timed")
    if not timed and not any(
        part and part.search(clock) for part in (parts.measure, parts.description)
    ):
        # An uncertain concept makes the absence of events uncertain.
        sure = (
            1.0
            if concept.confidence >= _CONCEPT_UNSURE
            else perhaps + concept.confidence / 10
        )
        return Reading(None, sure), Reading((), sure)
    found, ends_part = _find_in_parts(parts)
    if not found.ends and (not timed or concept.value is Concept.TIME_TO_EVENT_OTHER):
        named = find_named_events(parts.description, parts.measure)
        found = EventsFound(found.start or named.start, named.ends)
        ends_part = parts.measure
    if not timed and not found.ends:
        return Reading(None, perhaps), Reading((), perhaps)
    return _read_start(parts, found), _read_ends(parts, found, ends_part)


def _find_in_parts(parts: OutcomeParts) -> tuple["EventsFound", Passage | None]:
    """Return the events of the first part that states ends, else the first stated start; and the
    part of the ends.
    """
    start: Passage | None = None
    for part in (parts.description, parts.time_frame, parts.measure):
        found = find_events(part) if part else None
        if found:
            start = start or found.start
            if found.ends:
                return EventsFound(start, found.ends), part
    ends = find_listed_events(parts.description) if parts.description else ()
    counted = (
        find_counted_start(part) for part in (parts.description, parts.measure) if part
    )
    return EventsFound(
        start or next(filter(None, counted), None), ends
    ), parts.description


def _read_start(parts: OutcomeParts, found: "EventsFound") -> Reading[str | None]:
    frame = parts.time_frame
    start = found.start
    if start:
        in_frame = (
            frame
            and start.section is frame.section
            and frame.first <= start.first < frame.end
        )
        if in_frame:
            case = "start in the time frame"
        elif found.ends:
            case = "start"
        else:
            case = "start without ends"
        return Reading(start.raw, measured("event", case), (span_of(start),))
    case = "no start"  # the confidence depends on words that may state a start
    if parts.description and parts.description.search("may_state_start"):
        case = "perhaps a start"
    elif frame and frame.search("may_state_start"):
        case = "perhaps a start in the time frame"
    return Reading(None, measured("event", case))


def _read_ends(
    parts: OutcomeParts, found: "EventsFound", part: Passage | None
) -> Reading[tuple[str, ...] | None]:
    if not found.ends:
        perhaps = parts.description is not None and parts.description.search(
            "may_state_end"
        )
        return Reading((), measured("event", "perhaps ends" if perhaps else "no ends"))
    plain = all(
        rule("plain_event").covers(end.tokens, end.first, end.end) for end in found.ends
    )
    death = (
        plain
        and len(found.ends) == 1
        and found.ends[0].text.lower().startswith("death")
    )
    if death:
        case = "death"
    elif plain:
        case = "plain ends"
    else:
        case = "ends"
    if not found.start or part != parts.description:
        case = "ends elsewhere"
    return Reading(
        tuple(end.raw for end in found.ends),
        measured("event", case),
        tuple(map(span_of, found.ends)),
    )


class EventsFound(NamedTuple):
    """The start event (None if not stated) and the end events."""

    start: Passage | None
    ends: tuple[Passage, ...] = ()


def find_events(part: Passage) -> EventsFound | None:
    """Return the events in a part of an outcome; None if no sentence fits the rules.

    >>> events = "from randomization until progression, relapse or death from any cause"
    >>> found = find_events(
    ...     read_section("outcomes", f"PFS is the time {events}.").whole
    ... )
    >>> found.start.text, [end.text for end in found.ends]
    ('randomization', ['progression', 'relapse', 'death from any cause'])
    """
    half: EventsFound | None = None
    for sentence in _cut_sentences(part):
        for first, between in _find_openings(sentence):
            found = _read_clause(sentence, first, between=between)
            if found and found.ends:
                return found
            half = half or found
    return half


def find_counted_start(part: Passage) -> Passage | None:
    """Return the start from which a moment is counted ("alive 2 years after the start of
    treatment").
    """
    for sentence in _cut_sentences(part):
        found = sentence.search("counted_from_start")
        if found and (start := _cut_start(sentence, found.end)):
            return start
    return None


def find_listed_events(part: Passage) -> tuple[Passage, ...]:
    """Return the events of a definition without a start ("An event is relapse, progression or
    death").
    """
    for sentence in _cut_sentences(part):
        opening = sentence.search("opens_events")
        if opening:
            listed = sentence.part(opening.end, sentence.end)
            near = listed.part(listed.first, min(listed.first + 10, listed.end))
            stated = rule("event_start").starts(
                part.tokens, listed.first, listed.end
            ) or near.search("event_head")
            return tuple(read_end_events(listed)) if stated else ()
    return ()


def find_named_events(*parts: Passage | None) -> EventsFound:
    """Return the events of "time to ..." in the first part that has them, with a start after
    them: "after surgery".

    >>> found = find_named_events(
    ...     read_section(
    ...         "x", "Median time to neutrophil engraftment after infusion"
    ...     ).whole
    ... )
    >>> found.start.text, [end.text for end in found.ends]
    ('infusion', ['neutrophil engraftment'])
    """
    for sentence in (
        sentence for part in parts if part for sentence in _cut_sentences(part)
    ):
        opening = sentence.search("time_to")
        named = sentence.part(opening.end, sentence.end) if opening else None
        if named and (ends := tuple(read_end_events(named))):
            behind = named.part(ends[0].end, named.end).search("start_after")
            start = _cut_start(named, behind.end) if behind else None
            return EventsFound(
                start, ends if named.search("lists_events") else ends[:1]
            )
    return EventsFound(None)


def _cut_sentences(part: Passage) -> Iterator[Passage]:
    """Sentences, ending at a line end, or at a full stop before a capitalised word or nothing."""
    tokens = part.tokens
    first = part.first
    for place in range(part.first, part.end):
        if tokens.codes[place] not in ".!?\n":
            continue
        behind = place + 1
        apart = behind < part.end and (
            tokens.codes[place] == "\n" or not tokens.joined(behind)
        )
        if (
            behind == part.end
            or tokens.codes[behind] == "\n"
            or (apart and not tokens.words[behind][0].islower())
        ):
            if place > first:
                yield part.part(first, place)
            first = behind
    if part.end > first:
        yield part.part(first, part.end)


def _find_openings(sentence: Passage) -> Iterator[tuple[int, bool]]:
    """Yield possible first tokens of a start event, and whether "between" precedes them; the
    surest first.

    "after surgery" as a start, and "until death" without a start, are the last resort.
    """
    tokens = sentence.tokens
    place = (sentence.first, sentence.end)
    at_once = rule("opens_start").search(tokens, *place)
    if at_once and (
        at_once.first == sentence.first or tokens.codes[at_once.first - 1] in ":;"
    ):
        yield at_once.first, False
    for found in rule("event_from").find(tokens, *place):
        yield found.end, found.text.lower() == "between"
    if rule("until_first").starts(tokens, *place):
        yield sentence.first, False
    for found in rule("after").find(tokens, *place):
        yield found.end, False


def _read_clause(sentence: Passage, first: int, *, between: bool) -> EventsFound | None:
    """Return a start and its ends, or a start followed only by a limit of time."""
    until = _find_until(sentence, first, between=between)
    if not until:
        return None
    start = _cut_start(sentence, first, until.first)
    counted = rule("counts").starts(sentence.tokens, until.end, sentence.end)
    ends = (
        ()
        if counted
        else tuple(read_end_events(sentence.part(until.end, sentence.end)))
    )
    if ends and (start or until.first <= first):
        return EventsFound(start, ends)
    word = sentence.tokens.words[first - 1].lower() if first else ""
    return EventsFound(start) if start and word in ("from", "since") else None


def _find_until(sentence: Passage, first: int, *, between: bool) -> Found | None:
    """Return the words that join a start to its ends, within the longest length of a start."""
    tokens = sentence.tokens
    end = min(sentence.end, first + _LONGEST_START)
    if between:
        counted = rule("measures_time").search(tokens, sentence.first, first - 1)
        return rule("and_or_until").search(tokens, first, end) if counted else None
    for found in rule("event_until").find(tokens, first, end):
        behind = "".join(tokens.words[found.end : found.end + 1])
        doing = tokens.words[found.end - 1].lower() == "to" and behind.endswith("ing")
        if not doing and _count_open(tokens, first, found.first) <= 0:
            return found
    return None


def _cut_start(sentence: Passage, first: int, end: int | None = None) -> Passage | None:
    """Return the start event without its article and qualifiers."""
    tokens = sentence.tokens
    end = min(sentence.end, first + _LONGEST_START) if end is None else end
    lead = rule("start_date").starts(tokens, first, end)
    first = lead.end if lead else first
    first, end = strip_span(
        tokens.codes, first, _find_tail("start_tail", tokens, first, end), _EDGES
    )
    if end <= first:
        return None
    if rule("no_start").starts(tokens, first, end):
        return None
    if tokens.ends[end - 1] - tokens.starts[first] < 2:
        return None
    return sentence.part(first, end)


def read_end_events(listed: Passage) -> Iterator[Passage]:
    """Return the listed end events, at most eight.

    >>> text = (
    ...     "first documented PD per RECIST 1.1, as assessed by a board, or death from any cause, "
    ...     "whichever is first"
    ... )
    >>> [event.text for event in read_end_events(read_section("outcomes", text).whole)]
    ['first documented PD', 'death from any cause']
    """
    tokens = listed.tokens
    first = listed.first
    end = min(listed.end, first + _LONGEST_LIST)
    includes = rule("events_include").search(tokens, first, min(end, first + 16))
    if includes:
        first = includes.end
    for found in rule("events_stop").find(tokens, first, end):
        if found.first > first and (
            found.has("censor") or _count_open(tokens, first, found.first) <= 0
        ):
            end = found.first
            break
    events = (
        _trim_event(listed, *piece) for piece in _split_pieces(tokens, first, end)
    )
    return islice(filter(None, events), _MOST_EVENTS)


def _split_pieces(tokens: Tokens, first: int, stop: int) -> Iterator[tuple[int, int]]:
    """Yield the items of the list, without qualifiers. The list may continue after a qualifier
    with "or".
    """
    qualified = False
    joints = [
        at
        for at in rule("event_joint").find(tokens, first, stop)
        if _count_open(tokens, first, at.first) <= 0
    ]
    for number, joint in enumerate([*joints, None]):
        end = joint.first if joint else stop
        if joint and _is_one_event(
            tokens, first, joint, stop, last=number + 1 == len(joints)
        ):
            continue
        starts = rule("event_start").starts(tokens, first, end)
        if rule("event_qualifier").starts(tokens, first, end) or (
            qualified and not starts
        ):
            qualified = True
        else:
            yield first, end
            qualified = _find_tail("event_tail", tokens, first, end) < end
        first = joint.end if joint else stop


def _is_one_event(
    tokens: Tokens, first: int, joint: Found, stop: int, *, last: bool
) -> bool:
    """Return whether the joint is inside one event ("mild or severe asthma", "CR or PR")."""
    sign = joint.text.lower()
    word = tokens.words[joint.first - 1].lower() if joint.first > first else ""
    long = (
        len(word) > 4
        and word.endswith(("al", "ic", "able", "ible"))
        and word not in word_list("no_adjectives")
    )
    adjective = long or word in word_list("event_adjectives")
    if sign in ("/", "and"):
        return adjective or not rule("event_start").starts(tokens, joint.end, stop)
    response = rule("event_response").search(tokens, first, joint.first)
    if response and rule("response_start").starts(tokens, joint.end, stop):
        return True
    if not adjective:
        return False
    if sign == "," and last:
        return False
    return tokens.words[joint.end : joint.end + 1] != ["death"]


def _trim_event(listed: Passage, first: int, end: int) -> Passage | None:
    """Return the event without "the date of" and qualifiers; None if it is no event."""
    tokens = listed.tokens
    found = rule("event_lead").starts(tokens, first, end)
    if found:
        first = found.end
    end = _find_tail("event_tail", tokens, first, end)
    bracket = tokens.codes.find("(", first, end)
    if bracket > first and not tokens.read(first, bracket).isupper():
        kept = rule("kept_bracket").starts(tokens, bracket, end)
        short = (kept.read("short") or "") if kept else ""
        if not kept or (
            short
            and (
                "-" in short
                or not short[0].isupper()
                or len(re.split(r"\W", short)[0]) > 8
            )
        ):
            end = bracket
    first, end = strip_span(tokens.codes, first, end, _EDGES)
    event = listed.part(first, end)
    return event if len(event.text) > 1 and not event.search("no_event") else None


def _find_tail(name: str, tokens: Tokens, first: int, end: int) -> int:
    """Return the end of an event: before the first qualifier after its first word, outside
    brackets.
    """
    tails = (tail.first for tail in rule(name).find(tokens, first + 1, end))
    return next((tail for tail in tails if _count_open(tokens, first, tail) <= 0), end)


def _count_open(tokens: Tokens, first: int, end: int) -> int:
    return tokens.codes.count("(", first, end) - tokens.codes.count(")", first, end)
