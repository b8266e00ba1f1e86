"""Prove the quotes that are parts of a model's value: the condition of a limit, and what a time
window limits and is counted from.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from extractor.concepts.limits.read import find_limits
from extractor.concepts.limits.sexes import name_sex
from extractor.concepts.places import Supported, cut, find_quotes, locate
from extractor.concepts.windows.prove import list_stated
from extractor.evidence.drafts import Refusal, Span, Why
from extractor.language.book import rule
from extractor.language.lexer import Range
from extractor.language.passage import Passage
from extractor.measures import Limit
from extractor.schemas import Comparator, Constraint, Support, TimeWindow


def prove_parts(
    found: Supported, places: Sequence[Passage], lead_in: Passage | None = None
) -> tuple[Supported | None, list[Refusal]]:
    """Return a supported value with the parts that the text supports, and the refusals of the
    others. Parts are the condition of a limit, and what a time window limits and its moment.

    A part that is nowhere, or that belongs to another time window, is only left out. A limit
    that the text states for others is refused as a whole (None), since without its condition it
    would hold for everybody. A part in doubt stays and makes the value an inferred one.

    Args:
        found: A value that the text states.
        places: The criterion, then the line that introduces it, which may hold the parts of a time
            window.
        lead_in: The line that introduces the criterion. A condition that it states is that of all
            its items, and none of a limit: it is left out without a word.
    """
    value = found.value
    if isinstance(value, Constraint) and value.condition:
        return _prove_condition(found, value.condition, places[0], lead_in)
    refusals: list[Refusal] = []
    if isinstance(value, TimeWindow):
        for name in ("of", "anchor"):
            quote = getattr(value, name)
            if quote is None:
                continue
            words, refusal = _prove_part(name, quote, found.span, places)
            found = replace(found, value=found.value.model_copy(update={name: words}))
            if refusal:
                refusals.append(replace(refusal, part=name, value=quote))
    return found, refusals


def _prove_part(
    name: str, quote: str, span: Span, places: Sequence[Passage]
) -> tuple[str | None, Refusal | None]:
    """Return the words of a part of the window at a span as the text has them; without them, why
    they are no part of it.
    """
    spans = [(at, place) for place in places for at in find_quotes(place, quote)]
    if not spans:
        return None, Refusal(Why.NOT_STATED)
    read = list(_list_parts(name, span, places))
    own = [at for at, is_own in read if is_own]
    others = [at for at, is_own in read if not is_own]
    for at, place in spans:
        if _overlaps(at, own):
            return place.section.raw[at.start : at.end], None
    free = [
        (at, place)
        for at, place in spans
        if not _overlaps(at, others) and not _is_excepted(place, at, span)
    ]
    if free:
        at, place = min(free, key=lambda one: abs(one[0].start - span.start))
        return place.section.raw[at.start : at.end], None
    return None, Refusal(Why.OTHER_OWNER, own[0] if own else spans[0][0])


def _overlaps(span: Span, others: Iterable[Span]) -> bool:
    return any(span.overlaps(other) for other in others)


def _list_parts(
    name: str, span: Span, places: Sequence[Passage]
) -> Iterator[tuple[Span, bool]]:
    """Yield the parts of all windows that the rules read, and whether each is the part ``name`` of
    the window at ``span``.
    """
    for place in places:
        for window, parts, is_own in list_stated(span, place):
            if window.comparator is Comparator.EQUAL and not is_own:
                continue
            if parts.of:
                yield locate(place, *parts.of), is_own and name == "of"
            if parts.anchor:
                yield locate(place, *parts.anchor), is_own and name == "anchor"


def _is_excepted(place: Passage, at: Span, window: Span) -> bool:
    """Return whether words are in an exception, and the window is not."""
    first, _ = _find_tokens(place, at)
    start, _ = _find_tokens(place, window)
    tokens = cut(place)
    begins = rule("excepted").ends(tokens, first, max(0, first - 8))
    return begins is not None and start < begins.first


def _prove_condition(
    found: Supported, condition: str, here: Passage, lead_in: Passage | None
) -> tuple[Supported | None, list[Refusal]]:
    """Return a limit with its condition if the words belong to it; without it if they are
    nowhere; None if they are those of another limit.
    """
    spans = list(find_quotes(here, condition))
    limits = find_limits(cut(here), None)
    own = [limit for limit in limits if _is_stated(here, limit, found)]
    own_conditions = list(_list_conditions(here, own))
    refusal = Refusal(
        Why.OTHER_OWNER,
        own_conditions[0] if own_conditions else None,
        part="condition",
        value=condition,
    )
    if not spans:
        without = found.value.model_copy(update={"condition": None})
        if lead_in and any(find_quotes(lead_in, condition)):
            return replace(found, value=without), []
        if _names_other_sex(condition, own, here):
            return None, [refusal]
        refusal = replace(refusal, why=Why.NOT_STATED, nearest=None)
        return replace(found, value=without, support=Support.INFERRED), [refusal]
    at = min(spans, key=lambda one: abs(one.start - found.span.start))
    at = next((one for one in spans if _overlaps(one, own_conditions)), at)
    raw = here.section.raw[at.start : at.end]
    kept = replace(found, value=found.value.model_copy(update={"condition": raw}))
    if _overlaps(at, own_conditions):
        return kept, []
    others = [limit for limit in limits if limit not in own]
    is_of_other = own_conditions or _overlaps(at, _list_conditions(here, others))
    if is_of_other or _is_of_other_clause(here, at, own, others):
        return None, [refusal]
    return replace(kept, support=Support.INFERRED), []


def _is_stated(here: Passage, limit: Limit, found: Supported) -> bool:
    """Return whether a limit of the text is the one that was found."""
    has_value = found.value.value in (limit.value, limit.value_high)
    return has_value and locate(here, *limit.number).overlaps(found.span)


def _list_conditions(here: Passage, limits: Sequence[Limit]) -> Iterator[Span]:
    for limit in limits:
        if limit.condition:
            yield locate(here, *limit.condition)


def _names_other_sex(condition: str, own: Sequence[Limit], here: Passage) -> bool:
    """Return whether the text states a limit for the other sex."""
    wanted = name_sex(condition, None)
    if wanted is None:
        return False
    for limit in own:
        words = cut(here).read(*limit.condition) if limit.condition else ""
        sex = name_sex(words, None)
        if sex and sex is not wanted:
            return True
    return False


def _is_of_other_clause(
    here: Passage, at: Span, own: Sequence[Limit], others: Sequence[Limit]
) -> bool:
    """Return whether words are in the clause of another limit, or before a break that parts them
    from the limit.
    """
    first, end = _find_tokens(here, at)
    for limit in own:
        if limit.clause[0] <= first and end <= limit.clause[1]:
            between = (end, limit.number[0])
            return bool(rule("parts_clause").search(cut(here), *between))
    if any(first < limit.number[0] for limit in own):
        return True
    return any(limit.clause[0] <= first < limit.clause[1] for limit in others)


def _find_tokens(here: Passage, span: Span) -> Range:
    """Return the tokens of the cut passage that a raw span has."""
    cleaned = here.section.cleaned
    tokens = cut(here)
    return (
        tokens.at(cleaned.clean_position(span.start)),
        tokens.before(cleaned.clean_position(span.end)),
    )
