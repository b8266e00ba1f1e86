"""Read the events that start and stop the clock of a time-to-event or duration outcome.

The rules match "from X to Y", "from X until Y, Z or W", "between X and Y", "time to Y" and, if only
a start is stated, "since X" and "12 months from X". ``events.toml`` contains the rules for the
words around events.
"""

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from extractor.concepts.criteria.unheaded import list_sentences
from extractor.concepts.outcomes.split import OutcomeParts
from extractor.evidence.drafts import Reading, span_of, support_words
from extractor.evidence.items import Read
from extractor.language.book import rule
from extractor.language.lexer import Range, Tokens
from extractor.language.passage import Passage, strip_span
from extractor.language.patterns import RuleMatch
from extractor.schemas import Concept

TIMED = frozenset(
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
"""Concepts that have a start event and end events."""
_PERHAPS_TIMED = frozenset((Concept.CLINICAL_EVENT, Concept.MORTALITY, Concept.OTHER))
"""Concepts that have events only if the outcome is a duration, such as the length of a stay or an
operation.
"""
# Chosen by hand.
_TIMED = 0.1
"""The share of the other concepts that are times to an event."""
# Chosen by hand; a tenth less changes no case, and none of 120 registry records.
_CONCEPT_UNSURE = 0.7
"""A concept with a lower probability than this is uncertain."""
_EDGES = ",;.:\n"
# Half of it reads no start in "Time from the day of the first dose of the drug that was ...".
_LONGEST_START = 40
# Chosen by hand; without it, every case is the same, but the time is not linear.
_LONGEST_LIST = 120
"""Maximum number of tokens in a start event, and in a list of end events. This limit keeps the
running time linear.
"""
# One less reads "relapse, stroke, sepsis, coma, fever, asthma, ..." otherwise.
_MOST_EVENTS = 8


class Events(NamedTuple):
    """The start event (None if it is not stated), the end events, and the part of the outcome that
    states the end events.
    """

    start: Passage | None = None
    ends: tuple[Passage, ...] = ()
    part: Passage | None = None


def read_events(
    parts: OutcomeParts, concept: Reading[Concept]
) -> tuple[Read[str], Read[tuple[str, ...]]]:
    """Return the start event and the end events of an outcome. If the start is not stated, the
    first value is None; if the end events are not stated, the second is (). By definition, outcomes
    that are not times to an event do not have events, unless their words state that they measure a
    duration and name end events.
    """
    is_timed = concept.value in TIMED
    if not may_have_events(parts, concept):
        probability = 1.0
        if concept.probability < _CONCEPT_UNSURE:
            # the absence of events is as uncertain as the concept
            probability = 1 - _TIMED * (1 - concept.probability)
        return Reading(None, probability), Reading((), probability)
    events = _find_in_parts(parts)
    # Only these concepts are named after their event: "time to engraftment". "Time to progression"
    # is a name whose events are defined elsewhere.
    is_named_by_event = not is_timed or concept.value is Concept.TIME_TO_EVENT_OTHER
    if is_named_by_event and not events.ends:
        events = _find_named(parts, events.start)
    if not is_timed and not events.ends:
        features = ("perhaps timed",)
        return Reading(None, features=features), Reading((), features=features)
    return _read_start(parts, events), _read_ends(parts, events)


def may_have_events(parts: OutcomeParts, concept: Reading[Concept]) -> bool:
    """Return whether an outcome is a time to an event, by its concept or its words."""
    return concept.value in TIMED or _states_clock(parts, concept)


def _states_clock(parts: OutcomeParts, concept: Reading[Concept]) -> bool:
    """Return whether the measure or the description states that the outcome is a duration. Weaker
    wording is sufficient for a concept that is often a duration.
    """
    clock = "surely_states_clock"
    if concept.value in _PERHAPS_TIMED:
        clock = "states_clock"
    texts = filter(None, (parts.measure, parts.description))
    return any(text.search(clock) for text in texts)


def _read_start(parts: OutcomeParts, events: Events) -> Read[str]:
    """Return the start event as written, or None. The confidence depends on the event's place and
    on whether end events follow. If there is no start, the confidence depends on whether there are
    words that may state one.
    """
    frame = parts.time_frame
    start = events.start
    if start:
        # "2 years from randomisation"
        if frame and start.section is frame.section and start.first >= frame.first:
            case = "start in the time frame"
        elif events.ends:
            case = "start"
        else:
            case = "start without ends"
        return Reading(start.raw, 1.0, (span_of(start),), features=(case,))
    if parts.description and parts.description.search("may_state_start"):
        case = "perhaps a start"
    elif frame and frame.search("may_state_start"):
        case = "perhaps a start in the time frame"
    else:
        case = "no start"
    return Reading(None, features=(case,))


def _read_ends(parts: OutcomeParts, events: Events) -> Read[tuple[str, ...]]:
    """Return the end events as written; () if there are none. The confidence depends on how clearly
    they are stated, and on whether the description states both the start and the end events.
    """
    if not events.ends:
        case = "no ends"
        if parts.description and parts.description.search("may_state_end"):
            case = "perhaps ends"
        return Reading((), features=(case,))
    plain = rule("plain_event")
    # a definition that states both ends is surer
    if not events.start or events.part != parts.description:
        case = "ends elsewhere"
    elif all(plain.covers(end.tokens, end.first, end.end) for end in events.ends):
        case = "plain ends"
    else:
        case = "ends"
    ends = map(support_words, events.ends)
    return Reading((), features=(case,)).with_supported(ends)


def _find_in_parts(parts: OutcomeParts) -> Events:
    """Return the events in the first part that states end events. The description, which defines
    the events, is searched first, followed by the time frame and the measure. The start is the
    first start event found in the parts searched so far.
    """
    start: Passage | None = None
    for part in filter(None, (parts.description, parts.time_frame, parts.measure)):
        events = find_events(part)
        start = start or events.start
        # the description defines the events, the measure only names them
        if events.ends:
            return events._replace(start=start)
    return Events(start)


def find_events(part: Passage) -> Events:
    """Return the events in a part of an outcome: the events of the first clause that states end
    events or, failing that, only the first start event.

    >>> events = "from randomization until progression, relapse or death from any cause"
    >>> found = find_events(
    ...     read_section("outcomes", f"PFS is the time {events}.").whole
    ... )
    >>> found.start.text, [end.text for end in found.ends]
    ('randomization', ['progression', 'relapse', 'death from any cause'])
    """
    start: Passage | None = None
    for sentence in list_sentences(part):
        for first, joint in _find_clauses(sentence):
            events = _read_clause(sentence, first, joint)
            if events.ends:
                return events._replace(part=part)
            start = start or events.start
    return Events(start)


def _find_clauses(sentence: Passage) -> Iterator[tuple[int, RuleMatch]]:
    """Yield (token, joint) pairs: the token at which a start event may begin, and the match of the
    words that join it to its end events. The most reliable forms come first: an event or a joining
    word at the beginning of the sentence, "from X until", "between X and", "after X until".
    """
    tokens = sentence.tokens
    limits = (sentence.first, sentence.end)
    openings: list[tuple[int, str]] = []
    # "Randomization until death"
    if rule("opens_with_event").starts(tokens, *limits):
        openings.append((sentence.first, "event_until"))
    for name, until in (
        ("event_from", "event_until"),
        ("time_between", "and_or_until"),
        ("after", "event_until"),
    ):
        openings += [(words.end, until) for words in rule(name).find(tokens, *limits)]
    for first, until in openings:
        end = min(sentence.end, first + _LONGEST_START)
        joint = next(_find_outside_brackets(until, tokens, first, end), None)
        if joint:
            yield first, joint


def _read_clause(sentence: Passage, first: int, joint: RuleMatch) -> Events:
    """Return the start event at token ``first`` and the end events after the ``joint``. A start
    without end events is accepted only after "from" or "since".
    """
    tokens = sentence.tokens
    start = _cut_start(sentence, first, joint.first)
    ends: tuple[Passage, ...] = ()
    # "until 30 days after surgery" is a time limit, not an event
    if not rule("counts").starts(tokens, joint.end, sentence.end):
        ends = tuple(read_end_events(sentence.part(joint.end, sentence.end)))
    opens_with_until = joint.first <= first
    if ends and (start or opens_with_until):
        return Events(start, ends)
    word_before = tokens.words[max(first - 1, 0)].lower()
    if word_before in ("from", "since"):
        return Events(start)
    return Events()


def _find_named(parts: OutcomeParts, start: Passage | None) -> Events:
    """Return the events of "time to ...", with a ``start`` found before or after the end events:
    "time to engraftment after infusion". If there are several end events, only the first is used,
    unless the words show that they form a list: "time to first, second and third relapse".
    """
    for part in filter(None, (parts.description, parts.measure)):
        for sentence in list_sentences(part):
            opening = sentence.search("time_to")
            if not opening:
                continue
            events = sentence.part(opening.end, sentence.end)
            ends = tuple(read_end_events(events))
            if not ends:
                continue
            after = events.part(ends[0].end, events.end).search("start_after")
            if after and start is None:
                start = _cut_start(events, after.end, events.end)
            # after "time to relapse and ...", another outcome may follow
            if not events.search("lists_events"):
                ends = ends[:1]
            return Events(start, ends, parts.measure)
    return Events(start)


def _find_outside_brackets(
    name: str, tokens: Tokens, first: int, end: int
) -> Iterator[RuleMatch]:
    """Yield the matches of a rule, except for those inside brackets that open within the range."""
    for words in rule(name).find(tokens, first, end):
        if not tokens.has_open_bracket(first, words.first):
            yield words


def _cut_start(sentence: Passage, first: int, end: int) -> Passage | None:
    """Return the start event in ``first:end`` without "the date of" or qualifiers; None if no
    words remain, or if the remaining words, such as "12 weeks" or a single letter, cannot be a
    start.
    """
    end = min(end, first + _LONGEST_START)
    start = _trim(sentence, first, end, "start_lead", "start_tail")
    # "any cause", "12 weeks"
    if rule("no_start").starts(sentence.tokens, start.first, start.end):
        return None
    if len(start.text) > 1:
        return start
    return None


def _trim(passage: Passage, first: int, end: int, lead: str, tail: str) -> Passage:
    """Return the tokens ``first:end`` without the words that the rule ``lead`` matches at their
    beginning. The returned tokens end before the first match of the rule ``tail`` that is outside
    brackets and after the first word.
    """
    tokens = passage.tokens
    leading = rule(lead).starts(tokens, first, end)
    if leading:
        first = leading.end
    tails = _find_outside_brackets(tail, tokens, first, end)
    end = next((words.first for words in tails if words.first > first), end)
    return passage.part(*strip_span(tokens.codes, first, end, _EDGES))


def read_end_events(listed: Passage) -> Iterator[Passage]:
    """Yield up to eight end events from the words after "until" or "to".

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
    # "any event, which includes relapse"
    includes = rule("events_include").search(tokens, first, min(end, first + 16))
    if includes:
        first = includes.end
    # "whichever occurs first"
    stops = _find_outside_brackets("events_stop", tokens, first, end)
    end = next((stop.first for stop in stops if stop.first > first), end)
    pieces = _split_events(tokens, first, end)
    events = (_read_event(listed, *piece) for piece in pieces)
    return islice(filter(None, events), _MOST_EVENTS)


def _split_events(tokens: Tokens, first: int, stop: int) -> Iterator[Range]:
    """Yield the items in the list of events in ``first:stop``; the items are joined by commas,
    "or" and "and" outside brackets. A qualifier such as "as assessed by a board or an
    investigator" is not an item, but the list may continue with an event after it.
    """
    # whether the piece before this one is a qualifier, or ends with one
    follows_qualifier = False
    # no joint follows the last piece, which ends at ``stop``
    for end, next_first in (*_find_joints(tokens, first, stop), (stop, stop)):
        piece = (first, end)
        is_qualifier = rule("event_qualifier").starts(tokens, *piece) is not None
        # "... as assessed by a board or an investigator": the second part is no event
        if follows_qualifier and not rule("event_start").starts(tokens, *piece):
            is_qualifier = True
        if not is_qualifier:
            yield piece
        # the first word is that of an event
        tail = rule("event_tail").search(tokens, first + 1, end)
        follows_qualifier = is_qualifier or tail is not None
        first = next_first


def _find_joints(tokens: Tokens, first: int, stop: int) -> Iterator[Range]:
    """Yield the words between two events in a list. "Signs and symptoms" and "CR/PR" are treated
    as single events: "and" or a slash joins events only if a common event follows.
    """
    for joint in _find_outside_brackets("event_joint", tokens, first, stop):
        # "signs and symptoms" is one event
        is_loose = joint.text.lower() in ("/", "and")
        if is_loose and not rule("event_start").starts(tokens, joint.end, stop):
            continue
        yield joint.first, joint.end


def _read_event(listed: Passage, first: int, end: int) -> Passage | None:
    """Return the event in ``first:end`` without "the date of", qualifiers or remarks in brackets;
    None if the remaining words are not an event. Brackets that contain an abbreviation, a type or
    a cause are kept.
    """
    tokens = listed.tokens
    event = _trim(listed, first, end, "event_lead", "event_tail")
    bracket = tokens.codes.find("(", event.first + 1, event.end)
    if bracket > 0:
        kept = rule("kept_bracket").starts(tokens, bracket, event.end)
        # an abbreviation such as "(PD)", but not a word such as "(days)"
        is_remark = kept is None or kept.read("short")[:1].islower()
        # words in brackets after an abbreviation explain it
        if is_remark and not tokens.read(event.first, bracket).isupper():
            span = strip_span(tokens.codes, event.first, bracket, _EDGES)
            event = listed.part(*span)
    if len(event.text) <= 1 or event.search("no_event"):
        return None
    return event
