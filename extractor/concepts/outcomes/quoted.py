"""Put the endpoints that a model quotes from running text in place of those that the rules read
there.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from extractor.concepts.outcomes.split import OutcomeParts
from extractor.concepts.outcomes.stated import MEASURED, STATED, split_explained
from extractor.concepts.quoted import QuotedEndpoint
from extractor.evidence.drafts import Span, span_of
from extractor.language.passage import LexedSections, Passage, strip_span
from extractor.language.values import replace
from extractor.schemas import Origin, Rank

QUOTED = "as a model answers"
AGREED = "as a model and the rules read it"
RANK_IN_DOUBT = "rank in doubt"
"""The features of an endpoint that a model quotes."""
_EDGES = " .,;:\n("


def settle_endpoints(
    rules: Sequence[OutcomeParts],
    quoted: Sequence[QuotedEndpoint],
    sections: LexedSections,
) -> list[OutcomeParts]:
    """Return the endpoints that a model quotes, and those of the rules that it leaves out, by rank
    and in the order of the text.

    An endpoint on whose words, rank and time both agree is as sure as a registered one; any other
    one stays doubted. What the rules only found to be measured is left out.
    """
    outcomes = [_make_outcome(each, rules, sections) for each in quoted]
    outcomes += _list_left_out(rules, quoted)
    ordered: list[OutcomeParts] = []
    for rank in Rank:
        of_rank = [outcome for outcome in outcomes if outcome.rank is rank]
        of_rank.sort(key=_describe_place)
        for index, outcome in enumerate(of_rank):
            ordered.append(replace(outcome, index=index))
    return ordered


def _describe_place(outcome: OutcomeParts) -> tuple[str, int]:
    return outcome.whole.section.name, outcome.whole.first


def _make_outcome(
    each: QuotedEndpoint, rules: Sequence[OutcomeParts], sections: LexedSections
) -> OutcomeParts:
    """Return the parts of a quoted endpoint. The rules cut its words; the time that the model
    quotes counts or, without one, that of the rules.
    """
    section = sections[each.span.section]
    words = section.between(each.span.start, each.span.end)
    outcome = split_explained(words)
    if each.time_frame:
        section = sections[each.time_frame.section]
        frame = section.between(each.time_frame.start, each.time_frame.end)
        outcome = _set_time(outcome, words, frame)
    outcome = replace(outcome, whole=words, rank=each.rank, origin=Origin.MODEL)
    doubts = _find_doubts(each)
    alike = next((other for other in rules if _is_alike(outcome, other)), None)
    if alike is None:
        return outcome.with_features(*doubts)
    if outcome.time_frame is None and alike.time_frame:
        frame = alike.time_frame
        timed = replace(outcome, time_frame=frame, features=alike.features)
        return timed.with_features(*doubts)
    if each.is_rank_proven and _agree(outcome, alike):
        return replace(outcome, origin=Origin.BOTH).with_features(AGREED)
    return outcome.with_features(*doubts)


def _agree(outcome: OutcomeParts, other: OutcomeParts) -> bool:
    """Return whether two endpoints have the same words for the measure and for the time."""
    if span_of(outcome.measure) != span_of(other.measure):
        return False
    return _find_time(outcome) == _find_time(other)


def _find_doubts(each: QuotedEndpoint) -> tuple[str, ...]:
    """Return the features of an endpoint that only a model found."""
    if each.is_rank_proven:
        return STATED, QUOTED
    return STATED, QUOTED, RANK_IN_DOUBT


def _set_time(outcome: OutcomeParts, words: Passage, frame: Passage) -> OutcomeParts:
    """Return an endpoint with another time frame. Words for the time at the end of its measure are
    cut off.
    """
    measure = outcome.measure
    is_within = words.section is frame.section and words.first < frame.first < words.end
    if is_within and frame.end >= words.end:
        first, end = strip_span(words.tokens.codes, words.first, frame.first, _EDGES)
        measure = words.part(first, end)
    elif outcome.time_frame is None:
        return replace(outcome, time_frame=frame, features=())
    if measure.first < measure.end:
        outcome = replace(outcome, measure=measure)
    return replace(outcome, time_frame=frame)


def _is_alike(outcome: OutcomeParts, other: OutcomeParts) -> bool:
    """Return whether two outcomes have the same rank, and words of the measure in common."""
    if outcome.rank is not other.rank or MEASURED in other.features:
        return False
    return span_of(outcome.measure).overlaps(span_of(other.measure))


def _find_time(outcome: OutcomeParts) -> Span | None:
    """Return the place of the time frame of an outcome, or None."""
    return span_of(outcome.time_frame) if outcome.time_frame else None


def _list_left_out(
    rules: Sequence[OutcomeParts], quoted: Sequence[QuotedEndpoint]
) -> Iterator[OutcomeParts]:
    """Yield the endpoints of the rules that no quote states. Where the model quotes those of a rank
    from another section only, they are the same ones: an abstract repeats the text of its paper.
    """
    spans = [each.span for each in quoted]
    sections: dict[Rank, set[str]] = defaultdict(set)
    for each in quoted:
        sections[each.rank].add(each.span.section)
    for outcome in rules:
        is_quoted = any(map(span_of(outcome.measure).overlaps, spans))
        quoted_in = sections[outcome.rank]
        is_elsewhere = quoted_in and outcome.whole.section.name not in quoted_in
        is_guess = MEASURED in outcome.features
        if not (is_quoted or is_elsewhere or is_guess):
            yield outcome
