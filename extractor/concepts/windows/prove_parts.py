"""Prove the quotes that are parts of a value: to whom a limit applies, what a time window
limits, and since when.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import chain
from typing import NamedTuple

from extractor.concepts.limits.groups_of_people import is_of_other_group
from extractor.concepts.limits.mentions import find_mentions
from extractor.concepts.limits.read import find_limits
from extractor.concepts.limits.sexes import name_sex
from extractor.concepts.places import Supported, cut, find_quote, find_quotes, locate
from extractor.concepts.windows.parts import Parts, is_past
from extractor.concepts.windows.prove import list_stated
from extractor.concepts.windows.read import Window
from extractor.evidence.drafts import Refusal, Span, Why
from extractor.language.book import rule
from extractor.language.lexer import Range, Tokens
from extractor.language.passage import Passage
from extractor.measures import Limit
from extractor.schemas import Constraint, Support
from extractor.schemas.values import PARTS

_CLAUSE_ENDS = frozenset(";.")


def prove_parts(
    found: Supported, places: Sequence[Passage], lead_in: Passage | None = None
) -> tuple[Supported | None, list[Refusal]]:
    """Return a supported value with the parts that the text bears out, and the refusals of the
    others. Parts are the condition of a limit, and what a time window limits and its moment.

    A part that stands nowhere, or that belongs to another time window, is only left out. A limit
    that the text states for others is refused as a whole (None), since without its condition it
    would hold for everybody. A part in doubt stays and makes the value an inferred one.

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
            verdict = _prove_condition(found, spans, places[0])
        else:
            verdict = _prove_part_of_window(found, name, spans, places)
        nearest = _find_nearest(verdict.spans, found.span)
        borne_out = None
        if verdict.is_of_another or nearest is None:
            why = Why.OTHER_OWNER if verdict.is_of_another else Why.NOT_STATED
            refused.append(Refusal(why, nearest, part=name, value=f"{name}: {words}"))
            if isinstance(found.value, Constraint) and nearest:
                return None, refused
        else:
            borne_out = _read_raw(nearest, places)
        value = found.value.model_copy(update={name: borne_out})
        support = Support.INFERRED if verdict.is_doubtful else found.support
        found = replace(found, value=value, support=support)
    return found, refused


def _find_nearest(spans: Iterable[Span], span: Span) -> Span | None:
    """Return the first of the spans with the fewest characters between it and ``span``; None if
    there are no spans. Those of other sections are the farthest.
    """
    return min(spans, key=lambda other: _count_between(other, span), default=None)


def _read_raw(span: Span, places: Sequence[Passage]) -> str:
    """Return the characters of a span, in the section of the place that has it, else in that of the
    first one.
    """
    section = places[0].section
    for place in places:
        if place.section.name == span.section:
            section = place.section
            break
    return section.raw[span.start : span.end]


def _is_said_above(
    value: object, words: str, here: Passage, lead_in: Passage | None
) -> bool:
    """Return whether the words of a limit's condition stand in ``lead_in``, the line above its
    criterion, and not in the criterion itself. Never for a time window.
    """
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


def _list_overlapping(spans: Iterable[Span], others: Sequence[Span]) -> list[Span]:
    """Return the spans that share characters with any of the others."""
    return [span for span in spans if any(map(span.overlaps, others))]


class _Verdict(NamedTuple):
    """What the text says of a part of a value.

    ``spans`` are the places of the part. ``is_doubtful``: it may be that of the value.
    ``is_of_another``: the text says it of another value; then the places contradict it.
    """

    spans: list[Span]
    is_doubtful: bool = False
    is_of_another: bool = False


def _prove_condition(found: Supported, spans: list[Span], here: Passage) -> _Verdict:
    """Return the verdict on the condition of a limit, of which ``spans`` are the places in the
    criterion ``here``.
    """
    verdict = _compare_condition(found.value, spans, here)
    return verdict if spans else verdict._replace(is_doubtful=True)


def _compare_condition(value: Constraint, spans: list[Span], here: Passage) -> _Verdict:
    """Return the verdict on the condition of a limit, by the conditions that rules read for all
    limits of a line.

    The places of the condition that overlap with that of the same limit are sure. It is of another
    limit if it names another sex or group than the text does there, if all its places are in the
    conditions of other limits, or if their words belong to other limits. Else it is in doubt.
    """
    tokens = cut(here)
    limits = find_limits(tokens, None)
    bounds = (value.value, value.value_high)
    stated = [limit for limit in limits if (limit.value, limit.value_high) == bounds]
    own = list[Span]()
    others = list[Span]()
    for limit in limits:
        if not limit.condition:
            continue
        span = locate(here, *limit.condition)
        if limit in stated:
            own.append(span)
        else:
            others.append(span)
    at_own = _list_overlapping(spans, own)
    if at_own:
        return _Verdict(at_own)
    names_other = _names_other_sex(value, own, here)
    names_other = names_other or _names_other_group(value, tokens)
    at_others = _list_overlapping(spans, others)
    belong_to_others = bool(spans) and len(at_others) == len(spans)
    if not belong_to_others:
        belong_to_others = _are_of_another(spans, stated, limits, here)
    if names_other or belong_to_others:
        return _Verdict(own or spans, is_of_another=True)
    return _Verdict(spans, is_doubtful=True)


def _are_of_another(
    spans: Sequence[Span],
    stated: Sequence[Limit],
    limits: Sequence[Limit],
    here: Passage,
) -> bool:
    """Return whether the words at each of the spans belong to other limits of a line than to those
    that state a value (``stated``); False if there are no such words or limits.
    """
    if not spans or not stated:
        return False
    tokens = cut(here)
    clauses = [limit.clause for limit in limits if limit not in stated]
    for span in spans:
        first, end = _find_tokens(here, span)
        if any(limit.clause[0] <= first and end <= limit.clause[1] for limit in stated):
            return False
        is_elsewhere = any(place[0] <= first and end <= place[1] for place in clauses)
        near = min(limit.first for limit in stated)
        is_parted = rule("sentence_break").search(tokens, end, near) is not None
        if not (is_elsewhere or is_parted):
            return False
    return True


def _names_other_sex(value: Constraint, own: Sequence[Span], here: Passage) -> bool:
    """Return whether the condition of a limit names a sex, and its conditions in the text, at the
    spans ``own``, name the other one.
    """
    raw = here.section.raw
    sexes = {name_sex(raw[span.start : span.end], None) for span in own}
    sexes.discard(None)
    if len(sexes) != 1:
        return False
    return name_sex(value.condition, None) not in (None, *sexes)


def _names_other_group(value: Constraint, tokens: Tokens) -> bool:
    """Return whether the condition of a limit names the group of another limit of the line, for
    each mention of its numbers; False if the line does not have its numbers.
    """
    words = value.condition or ""
    bounds = (value.value, value.value_high)
    same = [mention for mention in find_mentions(tokens) if bounds in mention.bounds]
    if not same:
        return False
    return all(is_of_other_group(words, mention, tokens) for mention in same)


def _prove_part_of_window(
    found: Supported, name: str, spans: list[Span], places: Sequence[Passage]
) -> _Verdict:
    """Return the verdict on the part ``name`` of a time window, "of" or "anchor", by what rules
    read for this window and for the others of its line. ``spans`` are the places of the part's
    words in all ``places``.

    Words are of another window if they stand only where the line names something else, or in an
    exception from what this window limits. They are in doubt if the line names this part of the
    window elsewhere. If the line does not name it at all, they are as sure as the window.
    """
    here = places[0]
    for place in places:
        if _holds(place, found.span):
            here = place
            break
    stated = list_stated(found.span, here)
    own, others = _divide_places(stated, name, spans, here)
    at_own = _list_overlapping(spans, own)
    if at_own:
        return _Verdict(at_own)
    if not spans:
        return _Verdict(spans, is_doubtful=bool(own))
    stand_at_others = len(_list_overlapping(spans, others)) == len(spans)
    if stand_at_others and own:
        return _Verdict(own, is_of_another=True)
    if stand_at_others and name == "anchor" and not _may_share(stated, spans, here):
        return _Verdict(spans, is_of_another=True)
    if not own:
        return _Verdict(spans)
    if name == "of" and all(_is_excepted(here, own[0], span) for span in spans):
        return _Verdict(own, is_of_another=True)
    return _Verdict(spans, is_doubtful=True)


def _divide_places(
    stated: Iterable[tuple[Window, Parts, bool]],
    name: str,
    spans: Sequence[Span],
    here: Passage,
) -> tuple[list[Span], list[Span]]:
    """Return the spans in which a line names this part of the proved window, and those in which it
    names something else and nothing of the first: this part of another window, or the other part of
    the proved one.

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
    apart = [span for span in others if not any(map(span.overlaps, own))]
    return own, apart


def _may_share(
    stated: Iterable[tuple[Window, Parts, bool]], spans: Sequence[Span], here: Passage
) -> bool:
    """Return whether the moment of a later window may be that of the proved one too: it follows
    that window in the same clause. A window that counts from now has none. ``spans`` are the places
    of the moment, ``stated`` the windows of the line, and whether each is proved.
    """
    for window, _, is_proved in stated:
        if not is_proved or is_past(cut(here), window):
            continue
        if _follows_in_clause(here, window, spans):
            return True
    return False


def _follows_in_clause(here: Passage, window: Window, spans: Sequence[Span]) -> bool:
    """Return whether any span of a passage stands behind a window, with no semicolon and no full
    stop between the two.
    """
    codes = cut(here).codes
    for span in spans:
        if not _holds(here, span):
            continue
        first, _ = _find_tokens(here, span)
        is_behind = window.end <= first
        if is_behind and _CLAUSE_ENDS.isdisjoint(codes[window.end : first]):
            return True
    return False


def _is_excepted(here: Passage, own: Span, span: Span) -> bool:
    """Return whether the words at ``span`` stand in an exception from what a window limits, which
    is at ``own``: the mupirocin of "antibiotics other than mupirocin".
    """
    if not (_holds(here, own) and _holds(here, span)):
        return False
    own_end = _find_tokens(here, own)[1]
    first = _find_tokens(here, span)[0]
    return rule("excepted").search(cut(here), own_end, first) is not None


def _find_tokens(here: Passage, span: Span) -> Range:
    """Return the tokens of a span of a passage."""
    tokens = cut(here)
    clean = here.section.cleaned.clean_position
    return tokens.at(clean(span.start)), tokens.before(clean(span.end))


def _holds(passage: Passage, span: Span) -> bool:
    """Return whether a span is in the section of a passage and within the passage."""
    if passage.section.name != span.section:
        return False
    start, end = passage.raw_span
    return start <= span.start and span.end <= end
