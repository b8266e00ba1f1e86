"""Prove the quotes that are parts of a value: to whom a limit applies, what a time window
limits, and since when.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import chain

from extractor.concepts.limits.bounds import Limit
from extractor.concepts.limits.conditions import (
    find_conditions,
    is_of_another,
    name_sex,
)
from extractor.concepts.limits.groups_of_people import is_of_other_group
from extractor.concepts.limits.mentions import find_mentions
from extractor.concepts.limits.read import find_limits
from extractor.concepts.limits.reworded import find_in_other_words
from extractor.concepts.places import Supported, cut, find_quote, find_quotes, locate
from extractor.concepts.windows.parts import Parts, is_past
from extractor.concepts.windows.prove import list_stated
from extractor.concepts.windows.read import Window
from extractor.evidence.drafts import Refusal, Span, Why
from extractor.language.book import rule
from extractor.language.lexer import Range, Tokens
from extractor.language.passage import Passage
from extractor.schemas import Constraint, Support
from extractor.schemas.values import PARTS


def prove_parts(
    found: Supported, places: Sequence[Passage], lead_in: Passage | None = None
) -> tuple[Supported | None, list[Refusal]]:
    """Return a supported value with the parts that the text bears out, and why it does not bear out
    the others.

    A part that stands nowhere, or that belongs to another time window, costs only itself. A limit
    that the text states for others is refused as a whole, since without its condition it would hold
    for everybody.

    Args:
        found: A value that the text states.
        places: The criterion, then the line that introduces it, which may hold the parts of a time
            window.
        lead_in: The line that introduces the criterion. A condition that it states is that of all
            its items, and none of a limit: it is left out without a word.
    """
    refused = list[Refusal]()
    for name in PARTS.get(type(found.value), ()):
        words = getattr(found.value, name)
        if not words:
            continue
        if _is_said_above(found.value, words, places[0], lead_in):
            found = replace(found, value=found.value.model_copy(update={name: None}))
            continue
        spans = list(chain.from_iterable(find_quotes(place, words) for place in places))
        if isinstance(found.value, Constraint):
            spans, doubt, is_other = _prove_condition(found, spans, places[0])
        else:
            spans, doubt, is_other = _prove_part_of_window(found, name, spans, places)
        nearest = min(
            spans, key=lambda one: _count_between(one, found.span), default=None
        )
        if is_other or nearest is None:
            why = Why.OTHER_OWNER if is_other else Why.NOT_STATED
            refused.append(Refusal(why, nearest, part=name, value=f"{name}: {words}"))
            if isinstance(found.value, Constraint) and nearest:
                return None, refused
        kept = _read_raw(nearest, places) if nearest and not is_other else None
        support = Support.INFERRED if doubt else found.support
        found = replace(
            found, value=found.value.model_copy(update={name: kept}), support=support
        )
    return found, refused


def _read_raw(span: Span, places: Sequence[Passage]) -> str:
    """Return the characters of a span of one of the places."""
    same = (each for each in places if each.section.name == span.section)
    raw = next(same, places[0]).section.raw
    return raw[span.start : span.end]


def _is_said_above(
    value: object, words: str, here: Passage, lead_in: Passage | None
) -> bool:
    """Return whether the condition of a limit stands in the line above its criterion alone."""
    if lead_in is None or not isinstance(value, Constraint):
        return False
    if find_quote(here, words):
        return False
    return find_quote(lead_in, words) is not None


def _count_between(one: Span, other: Span) -> int:
    """Return how many characters lie between two spans; those of other sections are far away."""
    if one.section != other.section:
        return 10**9
    return max(one.start - other.end, other.start - one.end, 0)


def _overlap(spans: Iterable[Span], places: Sequence[Span]) -> list[Span]:
    return [one for one in spans if any(one.overlaps(each) for each in places)]


_Verdict = tuple[list[Span], bool, bool]
"""The places of a part, whether it is in doubt, and whether the text says it of another value: then
the places contradict it.
"""


def _prove_condition(found: Supported, spans: list[Span], here: Passage) -> _Verdict:
    """Compare the answered condition with what the text says about the same limit and about the
    others.
    """
    if spans:
        return _compare_condition(found.value, spans, here)
    spans, _, is_other = _compare_condition(
        found.value, find_in_other_words(found.value, here), here
    )
    return spans, True, is_other


def _compare_condition(value: Constraint, spans: list[Span], here: Passage) -> _Verdict:
    """Compare the places of a condition with the conditions of all limits of a line."""
    tokens = cut(here)
    limits = find_limits(tokens, None)
    bounds = (value.value, value.value_high)
    stated = [limit for limit in limits if (limit.value, limit.value_high) == bounds]
    own = list[Span]()
    others = list[Span]()
    for limit, place in zip(limits, find_conditions(tokens, limits), strict=True):
        if not place:
            continue
        span = locate(here, *place)
        if limit in stated:
            own.append(span)
        else:
            others.append(span)
    kept = _overlap(spans, own)
    if kept:
        return kept, False, False
    names_other = _names_other_sex(value, own, here) or _names_other_group(
        value, tokens
    )
    stand_at_others = bool(spans) and len(_overlap(spans, others)) == len(spans)
    belong_to_others = stand_at_others or _are_of_another(spans, stated, limits, here)
    if names_other or belong_to_others:
        return own or spans, False, True
    return spans, True, False


def _are_of_another(
    spans: Sequence[Span],
    stated: Sequence[Limit],
    limits: Sequence[Limit],
    here: Passage,
) -> bool:
    """Return whether words belong to other limits of a line than to each of those that state a
    value.
    """
    if not spans or not stated:
        return False
    tokens = cut(here)
    return all(
        is_of_another(tokens, _place(here, span), one, limits)
        for span in spans
        for one in stated
    )


def _names_other_sex(value: Constraint, own: Sequence[Span], here: Passage) -> bool:
    """Return whether the condition of a limit names a sex that its own words in the text do not."""
    sexes = {name_sex(here.section.raw[one.start : one.end], None) for one in own}
    sexes.discard(None)
    if len(sexes) != 1:
        return False
    return name_sex(value.condition, None) not in (None, *sexes)


def _names_other_group(value: Constraint, tokens: Tokens) -> bool:
    """Return whether the condition of a limit is the group of another limit of a list of groups."""
    same = [
        one
        for one in find_mentions(tokens)
        if (value.value, value.value_high) in one.bounds
    ]
    words = value.condition or ""
    return bool(same) and all(is_of_other_group(words, one, tokens) for one in same)


def _prove_part_of_window(
    found: Supported, name: str, spans: list[Span], places: Sequence[Passage]
) -> _Verdict:
    """Compare the answered words with what the text says about this window and about the others
    in its line.

    Words are of another value if they stand only where the line names something else, or in an
    exception from what this window limits.
    """
    here = next((place for place in places if _holds(place, found.span)), places[0])
    stated = list_stated(found.span, here)
    own, others = _divide_places(stated, name, spans, here)
    kept = _overlap(spans, own)
    if kept:
        return kept, False, False
    if not spans:
        return spans, bool(own), False
    stand_at_others = len(_overlap(spans, others)) == len(spans)
    if stand_at_others and own:
        return own, False, True
    if stand_at_others and name == "anchor" and not _may_share(stated, spans, here):
        return spans, False, True
    if not own:
        return spans, False, False
    if name == "of" and all(_is_excepted(here, own[0], span) for span in spans):
        return own, False, True
    return spans, True, False


def _divide_places(
    stated: Iterable[tuple[Window, Parts, bool]],
    name: str,
    spans: Sequence[Span],
    here: Passage,
) -> tuple[list[Span], list[Span]]:
    """Return where a line names this part of the proved window, and where it names something else:
    this part of another window, or the other part of the proved one.

    Args:
        stated: The windows of the line with their parts, and whether each is the proved one.
        name: The part, ``of`` or ``anchor``.
        spans: The places of the answered words.
        here: The line.
    """
    own = list[Span]()
    others = list[Span]()
    for _, parts, is_proved in stated:
        for part, place in parts._asdict().items():
            if place is None:
                continue
            span = locate(here, *place)
            if part == name and is_proved:
                own.append(span)
                continue
            if part == name:
                others.append(span)
                continue
            # "steroids at the start" may have the moment behind what is limited
            may_hold_moment = name != "of" and any(
                answered.start > span.start for answered in spans
            )
            if is_proved and not may_hold_moment:
                others.append(span)
    apart = [span for span in others if not _overlap([span], own)]
    return own, apart


def _may_share(
    stated: Iterable[tuple[Window, Parts, bool]], spans: Sequence[Span], here: Passage
) -> bool:
    """Return whether the moment of a later window may be that of the proved one too. A window that
    counts from now has none.
    """
    for window, _, is_proved in stated:
        if not is_proved or is_past(cut(here), window):
            continue
        if _shares(here, window, spans):
            return True
    return False


def _shares(here: Passage, window: Window, spans: Sequence[Span]) -> bool:
    """Return whether a moment may belong to an earlier window too: it follows that window in the
    same clause.
    """
    codes = cut(here).codes
    places = [_place(here, span) for span in spans if _holds(here, span)]
    return any(
        window.end <= first and frozenset(";.").isdisjoint(codes[window.end : first])
        for first, _ in places
    )


def _is_excepted(here: Passage, own: Span, span: Span) -> bool:
    """Return whether words stand in an exception from what a window limits: "antibiotics other
    than mupirocin".
    """
    if not (_holds(here, own) and _holds(here, span)):
        return False
    return (
        rule("excepted").search(cut(here), _place(here, own)[1], _place(here, span)[0])
        is not None
    )


def _place(here: Passage, span: Span) -> Range:
    """Return the tokens of a span of a passage."""
    tokens = cut(here)
    clean = here.section.cleaned.clean_position
    return tokens.at(clean(span.start)), tokens.before(clean(span.end))


def _holds(passage: Passage, span: Span) -> bool:
    start, end = passage.raw_span
    return (
        passage.section.name == span.section and start <= span.start and span.end <= end
    )
