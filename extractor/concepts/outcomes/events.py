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
    """Return the start event and the end events of an outcome, each with its confidence. Without a
    start the first value is None, without end events the second is ().

    Outcomes that are no time to an event have none by definition, unless their words say that they
    measure a length of time: then only end events make it one.
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
    """Return whether measure or description say that the outcome is a length of time. A concept
    that is often a length of time needs less plain words for it.
    """
    clock = "surely_states_clock"
    if concept.value in _PERHAPS_TIMED:
        clock = "states_clock"
    if parts.measure.search(clock):
        return True
    if parts.description is None:
        return False
    return parts.description.search(clock) is not None


def _find_in_parts(parts: OutcomeParts) -> tuple["EventsFound", Passage | None]:
    """Return the events of the first part that states ends, and that part: first the description,
    which defines them, then the time frame and the measure.

    The start is the first that any part up to there states. Without ends in a clause with a
    start, a description may list them, and the second value is the description, or None.
    """
    start: Passage | None = None
    for part in (parts.description, parts.time_frame, parts.measure):
        events = find_events(part) if part else None
        if not events:
            continue
        start = start or events.start
        if events.ends:
            return EventsFound(start, events.ends), part
    # "alive 2 years after the start of treatment"
    for part in (parts.description, parts.measure):
        if part and start is None:
            start = find_counted_start(part)
    if parts.description is None:
        return EventsFound(start), None
    # "An event is relapse, progression or death"
    ends = find_listed_events(parts.description)
    return EventsFound(start, ends), parts.description


def _read_start(parts: OutcomeParts, events: "EventsFound") -> Reading[str | None]:
    """Return the start as written, or None. Its confidence depends on where it stands and whether
    ends follow; without a start, on words that may state one.
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
    """Return whether words begin within a part of the same section."""
    if words.section is not part.section:
        return False
    return part.first <= words.first < part.end


def _read_ends(
    parts: OutcomeParts, events: "EventsFound", part: Passage | None
) -> Reading[tuple[str, ...] | None]:
    """Return the ends as written; () without any. The confidence depends on how plain they are, and
    on whether the description states both start and ends.

    ``part`` is the part of the outcome that states the ends.
    """
    if not events.ends:
        case = "no ends"
        if parts.description and parts.description.search("may_state_end"):
            case = "perhaps ends"
        return Reading((), measured("event", case))
    first_end = events.ends[0].text.lower()
    are_plain = all(_is_plain(end) for end in events.ends)
    if not events.start or part != parts.description:
        case = "ends elsewhere"
    elif not are_plain:
        case = "ends"
    elif len(events.ends) == 1 and first_end.startswith("death"):
        case = "death"
    else:
        case = "plain ends"
    ends = tuple(end.raw for end in events.ends)
    spans = tuple(span_of(end) for end in events.ends)
    return Reading(ends, measured("event", case), spans)


def _is_plain(end: Passage) -> bool:
    """Return whether an end is a usual event, and nothing else: "first disease progression"."""
    return rule("plain_event").covers(end.tokens, end.first, end.end) is not None


class EventsFound(NamedTuple):
    """The start event (None if not stated) and the end events."""

    start: Passage | None
    ends: tuple[Passage, ...] = ()


def find_events(part: Passage) -> EventsFound | None:
    """Return the events in a part of an outcome: those of the first clause that states ends, else
    the first start without ends. None if no sentence fits the rules.

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
    treatment"): the first of the part, None without one.
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
    death"). Only the first such definition counts; if it lists no events, there are none.
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
    them: "after surgery". Without any, the start is None and the ends are ().

    >>> found = find_named_events(
    ...     read_section(
    ...         "x", "Median time to neutrophil engraftment after infusion"
    ...     ).whole
    ... )
    >>> found.start.text, [end.text for end in found.ends]
    ('infusion', ['neutrophil engraftment'])
    """
    for part in parts:
        if part is None:
            continue
        for sentence in _cut_sentences(part):
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
    """Yield the sentences of a part, without the sign that ends them. They end at a line end, or at
    a full stop before a capitalised word or nothing.
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
    """Return whether the stop or line end at token ``at`` ends a sentence: not in "1.1", and not
    before a small letter, where a line or an abbreviation goes on. ``end`` is that of the part.
    """
    behind = at + 1
    if behind == end:
        return True
    if tokens.codes[behind] == "\n":
        return True
    is_stop = tokens.codes[at] != "\n"
    if is_stop and tokens.joined(behind):
        return False
    return not tokens.words[behind][0].islower()


def _find_openings(sentence: Passage) -> Iterator[tuple[int, bool]]:
    """Yield each token at which a start event may begin, and whether "between" stands before it;
    the surest first.

    "after surgery" as a start, and "until death" without a start, are the last resort.
    """
    tokens = sentence.tokens
    limits = (sentence.first, sentence.end)
    # "Randomization until death", "Day 1 to progression"
    start = rule("opens_start").search(tokens, *limits)
    if start:
        # "Definition: randomization until death": no "from" is needed behind a colon
        is_behind_colon = tokens.codes[start.first - 1] in ":;"
        if start.first == sentence.first or is_behind_colon:
            yield start.first, False
    # "from randomization", "between surgery and relapse"
    for word in rule("event_from").find(tokens, *limits):
        is_between = word.text.lower() == "between"
        yield word.end, is_between
    if rule("until_first").starts(tokens, *limits):
        yield sentence.first, False
    for word in rule("after").find(tokens, *limits):
        yield word.end, False


def _read_clause(sentence: Passage, first: int, *, between: bool) -> EventsFound | None:
    """Return the start at token ``first`` and the ends behind "until" or "to"; None without such a
    word. A start may be followed only by a limit of time, if "from" or "since" stands before it.

    ``between``: "between" stands before the start, so that "and" joins start and ends.
    """
    tokens = sentence.tokens
    until = _find_until(sentence, first, between=between)
    if not until:
        return None
    start = _cut_start(sentence, first, until.first)
    ends: tuple[Passage, ...] = ()
    # "until 30 days after surgery" is a limit of time, not an event
    if not rule("counts").starts(tokens, until.end, sentence.end):
        ends = tuple(read_end_events(sentence.part(until.end, sentence.end)))
    # "Until progression" has no start
    opens_with_until = until.first <= first
    if ends and (start or opens_with_until):
        return EventsFound(start, ends)
    if start is None or first == 0:
        return None
    before = tokens.words[first - 1].lower()
    return EventsFound(start) if before in ("from", "since") else None


def _find_until(sentence: Passage, first: int, *, between: bool) -> Found | None:
    """Return the words that join a start at token ``first`` to its ends, within the longest length
    of a start and outside brackets: "until", "to"; after "between" also "and".
    """
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
    last_word = tokens.words[joint.end - 1].lower()
    if last_word != "to" or joint.end >= len(tokens):
        return False
    return tokens.words[joint.end].endswith("ing")


def _cut_start(sentence: Passage, first: int, end: int | None = None) -> Passage | None:
    """Return the start event in ``first:end`` without "the date of" and qualifiers. Without an
    ``end``, it may reach as far as the longest start.

    None if nothing is left, or words that are no start: "12 weeks", a single letter.
    """
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
    length = tokens.ends[end - 1] - tokens.starts[first]
    if length < 2:
        return None
    return sentence.part(first, end)


def read_end_events(listed: Passage) -> Iterator[Passage]:
    """Return the end events in the words behind "until" or "to", at most eight. Only the first
    ``_LONGEST_LIST`` tokens are read.

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
    end = _find_end_of_events(tokens, first, end)
    pieces = _split_pieces(tokens, first, end)
    trimmed = (_trim_event(listed, *piece) for piece in pieces)
    events = filter(None, trimmed)
    return islice(events, _MOST_EVENTS)


def _find_end_of_events(tokens: Tokens, first: int, end: int) -> int:
    """Return where a list of events stops: before words about something else outside brackets
    ("whichever occurs first"), or about censoring anywhere. It may not stop at its first token.
    """
    for stop in rule("events_stop").find(tokens, first, end):
        if stop.first <= first:
            continue
        if stop.has("censor") or _count_open(tokens, first, stop.first) <= 0:
            return stop.first
    return end


def _split_pieces(tokens: Tokens, first: int, stop: int) -> Iterator[tuple[int, int]]:
    """Yield the items of the list of events in ``first:stop``, as tokens. Commas, "or" and
    "and" outside brackets join them.

    A qualifier is no item: "as assessed by a board". The list may continue after it with "or".
    """
    found = rule("event_joint").find(tokens, first, stop)
    joints = [joint for joint in found if _count_open(tokens, first, joint.first) <= 0]
    # in "relapse as assessed by a board or an investigator", "an investigator" goes on with the
    # qualifier
    qualified = False
    for joint in joints:
        is_last = joint is joints[-1]
        if _is_one_event(tokens, first, joint, stop, is_last=is_last):
            continue
        end = joint.first
        if _continues_qualifier(tokens, first, end, qualified=qualified):
            qualified = True
        else:
            yield first, end
            qualified = _find_tail("event_tail", tokens, first, end) < end
        first = joint.end
    if not _continues_qualifier(tokens, first, stop, qualified=qualified):
        yield first, stop


def _continues_qualifier(
    tokens: Tokens, first: int, end: int, *, qualified: bool
) -> bool:
    """Return whether a piece is a qualifier, or continues that of the piece before. ``qualified``:
    the piece before has a qualifier, or is one.
    """
    if rule("event_qualifier").starts(tokens, first, end):
        return True
    return qualified and not rule("event_start").starts(tokens, first, end)


def _is_one_event(
    tokens: Tokens, first: int, joint: Found, stop: int, *, is_last: bool
) -> bool:
    """Return whether the joint is inside one event ("mild or severe asthma", "CR or PR").

    ``first`` is the token at which the event before the joint begins, ``stop`` the end of the list;
    ``is_last``: no joint follows.
    """
    sign = joint.text.lower()
    before = tokens.words[joint.first - 1].lower()
    follows_adjective = joint.first > first and _is_adjective(before)
    if sign in ("/", "and"):
        if follows_adjective:
            return True
        # "death and relapse" are two, "signs and symptoms" are one
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
    """Return whether a word in lower case is an adjective, by vocabulary or else by its end."""
    if word in word_list("event_adjectives"):
        return True
    if word in word_list("no_adjectives"):
        return False
    return len(word) > 4 and word.endswith(("al", "ic", "able", "ible"))


def _trim_event(listed: Passage, first: int, end: int) -> Passage | None:
    """Return the event in ``first:end`` without "the date of", qualifiers and remarks in brackets;
    None if nothing is left that is an event.
    """
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

    ``first:end`` are the tokens of the event, ``bracket`` is the opening one.
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
    first_word = re.split(r"\W", short)[0]
    return len(first_word) <= 8


def _find_tail(name: str, tokens: Tokens, first: int, end: int) -> int:
    """Return the end of an event in ``first:end``: before the first qualifier after its first word,
    outside brackets. ``name`` is the rule of the qualifiers.
    """
    for tail in rule(name).find(tokens, first + 1, end):
        if _count_open(tokens, first, tail.first) <= 0:
            return tail.first
    return end


def _count_open(tokens: Tokens, first: int, end: int) -> int:
    """Return how many brackets are open at ``end``; below 0 if more were closed than opened."""
    return tokens.codes.count("(", first, end) - tokens.codes.count(")", first, end)
