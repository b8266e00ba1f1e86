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
    """Return the start event and the end events of an outcome, each with its confidence.

    Outcomes that are no time to an event have none by definition.
    """
    is_timed = concept.value in _TIMED
    if not is_timed and not _states_clock(parts, concept):
        sure = 1.0
        if concept.confidence < _CONCEPT_UNSURE:
            # An uncertain concept makes the absence of events uncertain.
            sure = measured("event", "perhaps timed") + concept.confidence / 10
        return Reading(None, sure), Reading((), sure)
    events, ends_part = _find_in_parts(parts)
    # Only these concepts are named by their event: "time to engraftment". "Time to progression"
    # is a name, and its events are defined elsewhere.
    is_named_by_event = not is_timed or concept.value is Concept.TIME_TO_EVENT_OTHER
    if is_named_by_event and not events.ends:
        named = find_named_events(parts.description, parts.measure)
        events = EventsFound(events.start or named.start, named.ends)
        ends_part = parts.measure
    if not is_timed and not events.ends:
        sure = measured("event", "perhaps timed")
        return Reading(None, sure), Reading((), sure)
    return _read_start(parts, events), _read_ends(parts, events, ends_part)


def _states_clock(parts: OutcomeParts, concept: Reading[Concept]) -> bool:
    """Return whether the words of an outcome say that it is a length of time."""
    clock = "surely_states_clock"
    if concept.value in _PERHAPS_TIMED:
        clock = "states_clock"
    stated = [parts.measure]
    if parts.description:
        stated.append(parts.description)
    return any(part.search(clock) for part in stated)


def _find_in_parts(parts: OutcomeParts) -> tuple["EventsFound", Passage | None]:
    """Return the events of the first part that states ends, else the first stated start; and the
    part of the ends.
    """
    start: Passage | None = None
    for part in (parts.description, parts.time_frame, parts.measure):
        events = find_events(part) if part else None
        if not events:
            continue
        start = start or events.start
        if events.ends:
            return EventsFound(start, events.ends), part
    for part in (parts.description, parts.measure):
        if part and start is None:
            start = find_counted_start(part)
    if parts.description is None:
        return EventsFound(start), None
    ends = find_listed_events(parts.description)
    return EventsFound(start, ends), parts.description


def _read_start(parts: OutcomeParts, events: "EventsFound") -> Reading[str | None]:
    """Return the start as written. Its confidence depends on where it stands; without a start, on
    words that may state one.
    """
    frame = parts.time_frame
    start = events.start
    if start:
        if frame and _is_within(start, frame):
            case = "start in the time frame"
        elif events.ends:
            case = "start"
        else:
            case = "start without ends"
        return Reading(start.raw, measured("event", case), (span_of(start),))
    case = "no start"
    if parts.description and parts.description.search("may_state_start"):
        case = "perhaps a start"
    elif frame and frame.search("may_state_start"):
        case = "perhaps a start in the time frame"
    return Reading(None, measured("event", case))


def _is_within(words: Passage, part: Passage) -> bool:
    if words.section is not part.section:
        return False
    return part.first <= words.first < part.end


def _read_ends(
    parts: OutcomeParts, events: "EventsFound", part: Passage | None
) -> Reading[tuple[str, ...] | None]:
    """Return the ends as written. The confidence depends on how plain they are, and on whether
    the description has start and ends.
    """
    if not events.ends:
        case = "no ends"
        if parts.description and parts.description.search("may_state_end"):
            case = "perhaps ends"
        return Reading((), measured("event", case))
    if not events.start or part != parts.description:
        case = "ends elsewhere"
    elif not all(map(_is_plain, events.ends)):
        case = "ends"
    elif len(events.ends) == 1 and events.ends[0].text.lower().startswith("death"):
        case = "death"
    else:
        case = "plain ends"
    return Reading(
        tuple(end.raw for end in events.ends),
        measured("event", case),
        tuple(map(span_of, events.ends)),
    )


def _is_plain(end: Passage) -> bool:
    return rule("plain_event").covers(end.tokens, end.first, end.end) is not None


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
    start_alone: EventsFound | None = None
    for sentence in _cut_sentences(part):
        for first, between in _find_openings(sentence):
            events = _read_clause(sentence, first, between=between)
            if events and events.ends:
                return events
            start_alone = start_alone or events
    return start_alone


def find_counted_start(part: Passage) -> Passage | None:
    """Return the start from which a moment is counted ("alive 2 years after the start of
    treatment").
    """
    for sentence in _cut_sentences(part):
        opening = sentence.search("counted_from_start")
        if not opening:
            continue
        start = _cut_start(sentence, opening.end)
        if start:
            return start
    return None


def find_listed_events(part: Passage) -> tuple[Passage, ...]:
    """Return the events of a definition without a start ("An event is relapse, progression or
    death").
    """
    for sentence in _cut_sentences(part):
        opening = sentence.search("opens_events")
        if not opening:
            continue
        listed = sentence.part(opening.end, sentence.end)
        if not _opens_with_event(listed):
            return ()
        return tuple(read_end_events(listed))
    return ()


def _opens_with_event(listed: Passage) -> bool:
    """Return whether a list begins with an event, or names one among its first words."""
    if rule("event_start").starts(listed.tokens, listed.first, listed.end):
        return True
    near = listed.part(listed.first, min(listed.first + 10, listed.end))
    return near.search("event_head") is not None


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
    for part in parts:
        for sentence in _cut_sentences(part) if part else ():
            opening = sentence.search("time_to")
            if not opening:
                continue
            named = sentence.part(opening.end, sentence.end)
            ends = tuple(read_end_events(named))
            if ends:
                return _read_named_events(named, ends)
    return EventsFound(None)


def _read_named_events(named: Passage, ends: tuple[Passage, ...]) -> EventsFound:
    """Return the events behind "time to". Of several, only the first is meant unless the words
    say that they list events: "time to first, second and third relapse".
    """
    start: Passage | None = None
    opening = named.part(ends[0].end, named.end).search("start_after")
    if opening:
        start = _cut_start(named, opening.end)
    if not named.search("lists_events"):
        ends = ends[:1]
    return EventsFound(start, ends)


def _cut_sentences(part: Passage) -> Iterator[Passage]:
    """Yield the sentences of a part. They end at a line end, or at a full stop before a
    capitalised word or nothing.
    """
    tokens = part.tokens
    first = part.first
    for at in range(part.first, part.end):
        if tokens.codes[at] not in ".!?\n":
            continue
        if not _ends_sentence(tokens, at, part.end):
            continue
        if at > first:
            yield part.part(first, at)
        first = at + 1
    if part.end > first:
        yield part.part(first, part.end)


def _ends_sentence(tokens: Tokens, at: int, end: int) -> bool:
    """Return whether a stop or line end ends a sentence: not in "1.1", and not in a line that
    goes on with a small letter.
    """
    behind = at + 1
    if behind == end:
        return True
    if tokens.codes[behind] == "\n":
        return True
    if tokens.codes[at] != "\n" and tokens.joined(behind):
        return False
    return not tokens.words[behind][0].islower()


def _find_openings(sentence: Passage) -> Iterator[tuple[int, bool]]:
    """Yield possible first tokens of a start event, and whether "between" precedes them; the
    surest first.

    "after surgery" as a start, and "until death" without a start, are the last resort.
    """
    tokens = sentence.tokens
    limits = (sentence.first, sentence.end)
    start = rule("opens_start").search(tokens, *limits)
    if start:
        # "Definition: randomization until death": no "from" is needed behind a colon
        is_behind_colon = tokens.codes[start.first - 1] in ":;"
        if start.first == sentence.first or is_behind_colon:
            yield start.first, False
    for word in rule("event_from").find(tokens, *limits):
        yield word.end, word.text.lower() == "between"
    if rule("until_first").starts(tokens, *limits):
        yield sentence.first, False
    for word in rule("after").find(tokens, *limits):
        yield word.end, False


def _read_clause(sentence: Passage, first: int, *, between: bool) -> EventsFound | None:
    """Return a start and its ends, or a start followed only by a limit of time."""
    tokens = sentence.tokens
    until = _find_until(sentence, first, between=between)
    if not until:
        return None
    start = _cut_start(sentence, first, until.first)
    ends: tuple[Passage, ...] = ()
    # "until 30 days after surgery" is a limit of time, not an event
    if not rule("counts").starts(tokens, until.end, sentence.end):
        ends = tuple(read_end_events(sentence.part(until.end, sentence.end)))
    opens_with_until = until.first <= first
    if ends and (start or opens_with_until):
        return EventsFound(start, ends)
    is_from = first > 0 and tokens.words[first - 1].lower() in ("from", "since")
    if start and is_from:
        return EventsFound(start)
    return None


def _find_until(sentence: Passage, first: int, *, between: bool) -> Found | None:
    """Return the words that join a start to its ends, within the longest length of a start."""
    tokens = sentence.tokens
    end = min(sentence.end, first + _LONGEST_START)
    if between:
        # "the time between X and Y"; "between" alone compares groups
        if not rule("measures_time").search(tokens, sentence.first, first - 1):
            return None
        return rule("and_or_until").search(tokens, first, end)
    for joint in rule("event_until").find(tokens, first, end):
        if _joins_verb(tokens, joint):
            continue
        if _count_open(tokens, first, joint.first) <= 0:
            return joint
    return None


def _joins_verb(tokens: Tokens, joint: Found) -> bool:
    """Return whether "to" belongs to a verb: "prior to starting treatment"."""
    if tokens.words[joint.end - 1].lower() != "to":
        return False
    return joint.end < len(tokens) and tokens.words[joint.end].endswith("ing")


def _cut_start(sentence: Passage, first: int, end: int | None = None) -> Passage | None:
    """Return the start event without its article and qualifiers."""
    tokens = sentence.tokens
    if end is None:
        end = min(sentence.end, first + _LONGEST_START)
    lead = rule("start_date").starts(tokens, first, end)
    if lead:
        first = lead.end
    end = _find_tail("start_tail", tokens, first, end)
    first, end = strip_span(tokens.codes, first, end, _EDGES)
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
    end = _find_end_of_events(tokens, first, end)
    events = (
        _trim_event(listed, *piece) for piece in _split_pieces(tokens, first, end)
    )
    return islice(filter(None, events), _MOST_EVENTS)


def _find_end_of_events(tokens: Tokens, first: int, end: int) -> int:
    """Return where a list of events stops: before words about something else outside brackets,
    or about censoring anywhere.
    """
    for stop in rule("events_stop").find(tokens, first, end):
        if stop.first <= first:
            continue
        if stop.has("censor") or _count_open(tokens, first, stop.first) <= 0:
            return stop.first
    return end


def _split_pieces(tokens: Tokens, first: int, stop: int) -> Iterator[tuple[int, int]]:
    """Yield the items of the list, without qualifiers. The list may continue after a qualifier
    with "or".
    """
    joints = [
        joint
        for joint in rule("event_joint").find(tokens, first, stop)
        if _count_open(tokens, first, joint.first) <= 0
    ]
    # in "relapse as assessed by a board or an investigator", "an investigator" goes on with the
    # qualifier
    qualified = False
    for joint in joints:
        is_last = joint is joints[-1]
        if _is_one_event(tokens, first, joint, stop, is_last=is_last):
            continue
        if _continues_qualifier(tokens, first, joint.first, qualified=qualified):
            qualified = True
        else:
            yield first, joint.first
            qualified = (
                _find_tail("event_tail", tokens, first, joint.first) < joint.first
            )
        first = joint.end
    if not _continues_qualifier(tokens, first, stop, qualified=qualified):
        yield first, stop


def _continues_qualifier(
    tokens: Tokens, first: int, end: int, *, qualified: bool
) -> bool:
    """Return whether a piece is a qualifier, or continues that of the event before."""
    if rule("event_qualifier").starts(tokens, first, end):
        return True
    return qualified and not rule("event_start").starts(tokens, first, end)


def _is_one_event(
    tokens: Tokens, first: int, joint: Found, stop: int, *, is_last: bool
) -> bool:
    """Return whether the joint is inside one event ("mild or severe asthma", "CR or PR")."""
    sign = joint.text.lower()
    follows_adjective = joint.first > first and _is_adjective(
        tokens.words[joint.first - 1].lower()
    )
    if sign in ("/", "and"):
        if follows_adjective:
            return True
        return not rule("event_start").starts(tokens, joint.end, stop)
    # "CR or PR" is one event: a response
    is_response = rule("event_response").search(tokens, first, joint.first)
    if is_response and rule("response_start").starts(tokens, joint.end, stop):
        return True
    if not follows_adjective:
        return False
    if sign == "," and is_last:
        return False
    # death is an event of its own, even behind an adjective
    return tokens.words[joint.end : joint.end + 1] != ["death"]


def _is_adjective(word: str) -> bool:
    if word in word_list("event_adjectives"):
        return True
    if word in word_list("no_adjectives"):
        return False
    return len(word) > 4 and word.endswith(("al", "ic", "able", "ible"))


def _trim_event(listed: Passage, first: int, end: int) -> Passage | None:
    """Return the event without "the date of" and qualifiers; None if it is no event."""
    tokens = listed.tokens
    lead = rule("event_lead").starts(tokens, first, end)
    if lead:
        first = lead.end
    end = _find_tail("event_tail", tokens, first, end)
    bracket = tokens.codes.find("(", first, end)
    if bracket > first and not _keeps_bracket(tokens, first, bracket, end):
        end = bracket
    first, end = strip_span(tokens.codes, first, end, _EDGES)
    event = listed.part(first, end)
    if len(event.text) <= 1:
        return None
    if event.search("no_event"):
        return None
    return event


def _keeps_bracket(tokens: Tokens, first: int, bracket: int, end: int) -> bool:
    """Return whether a bracket belongs to an event: any behind capitals, a short form "(PD)", a
    kind or cause "(any cause)"; but not a remark.
    """
    if tokens.read(first, bracket).isupper():
        return True
    kept = rule("kept_bracket").starts(tokens, bracket, end)
    if not kept:
        return False
    short = kept.read("short")
    if not short:
        return True
    if "-" in short:
        return False
    if not short[0].isupper():
        return False
    return len(re.split(r"\W", short)[0]) <= 8


def _find_tail(name: str, tokens: Tokens, first: int, end: int) -> int:
    """Return the end of an event: before the first qualifier after its first word, outside
    brackets.
    """
    for tail in rule(name).find(tokens, first + 1, end):
        if _count_open(tokens, first, tail.first) <= 0:
            return tail.first
    return end


def _count_open(tokens: Tokens, first: int, end: int) -> int:
    """Return how many brackets are open at ``end``; below 0 if more were closed than opened."""
    return tokens.codes.count("(", first, end) - tokens.codes.count(")", first, end)
