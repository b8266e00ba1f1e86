"""Read the outcomes of a record: split flattened cells into parts, and apply rules and scorers to
each part.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain, pairwise

from extractor.concepts.outcomes.events import may_have_events, read_events
from extractor.concepts.outcomes.moments import read_time_frame
from extractor.concepts.outcomes.naming import (
    METHODS,
    SPECIMENS,
    find_first_instrument,
    read_named,
)
from extractor.concepts.outcomes.own_time import find_own_time
from extractor.concepts.outcomes.quoted import RANK_IN_DOUBT, settle_endpoints
from extractor.concepts.outcomes.split import (
    SEVERAL,
    OutcomeParts,
    split_section,
    split_statements,
)
from extractor.concepts.outcomes.stated import MEASURED, STATED, find_stated
from extractor.concepts.outcomes.times import describe_points, read_time_kind
from extractor.concepts.quoted import QuotedEndpoint
from extractor.evidence.drafts import (
    Chunk,
    ItemDraft,
    Reading,
    Span,
    Supported,
    span_of,
)
from extractor.evidence.items import EndpointDraft, EndpointReadings, Read
from extractor.evidence.scoring import list_scored_words, load_scorer
from extractor.language.book import find_terms, rule
from extractor.language.passage import (
    LexedSection,
    LexedSections,
    Passage,
    split_sentences,
)
from extractor.language.values import replace
from extractor.outline.enumerations import split_enumeration
from extractor.schemas import (
    Concept,
    EndpointCategory,
    Origin,
    Rank,
    Section,
    Support,
    TimeKind,
    TimePoint,
    TrialRecord,
)
from extractor.schemas.record import PROSE_FORMATS

# The weights of the scorer were trained with it.
_LONGEST_MEASURE = 60
# The weights of the scorer were trained with it.
_LONGEST_DESCRIPTION = 80
# The weights of the scorer were trained with it.
_LONGEST_TIME_FRAME = 30
"""Maximum number of words that are used from a part. Later words explain the method."""
# The weights of the scorer were trained with it.
_OPENING_WORDS = 4
"""Number of words at the beginning of a measure that are used as opening-word features."""
# The weights of the scorer were trained with it.
_HINTS_READ = 70
"""Maximum number of tokens in a part that are searched for terms that indicate concepts."""
# The weights of the scorer were trained with it.
_ABOUT = 30
"""Maximum number of words from the title, and from the conditions, that are used to describe the
trial.
"""
_BORDERS = {STATED: 0.79, MEASURED: 0.6, RANK_IN_DOUBT: 0.5}
"""By the feature of an endpoint, the probability that words of a sentence are one whole endpoint
of its rank, which no value of it exceeds. Chosen by hand: an endpoint of a sentence is sure only if
a model and the rules agree on it.
"""
_Classes = tuple[Reading[Concept], Reading[EndpointCategory]]
_ABOUT_TOPICS = frozenset(
    {Concept.OTHER, Concept.SYMPTOM_SCORE, Concept.QUALITY_OF_LIFE}
)
"""Concepts that measure what people think or feel."""


def read_outcomes(
    record: TrialRecord,
    sections: LexedSections,
    numbers: Iterator[int],
    quoted: Sequence[QuotedEndpoint] = (),
) -> tuple[EndpointDraft, ...]:
    """Return the drafts of the registered outcomes in order: primary, secondary, other.

    A section that the source provides as separate parts or as a statement is treated as a single
    outcome; a flattened section is split. In a text that comes from no registry, the sentences of
    its descriptions state outcomes, too. ``sections`` contains the lexed sections of the record
    by name. ``numbers`` supplies the number of each chunk. ``quoted`` contains the outcomes that a
    model quotes from the descriptions.
    """
    outcomes = place_outcomes(record, sections)
    if record.source.format in PROSE_FORMATS:
        outcomes = _doubt_lists(outcomes)
        stated = find_stated(sections)
        if quoted:
            stated = settle_endpoints(stated, quoted, sections)
        outcomes = _add_stated(outcomes, stated)
    texts = [section.cleaned.text for section in sections.values()]
    classes = classify_outcomes(outcomes, trial_words(sections))
    drafts = []
    for outcome, (concept, category) in zip(outcomes, classes, strict=True):
        drafts.append(_read_outcome(outcome, texts, concept, category, next(numbers)))
    return tuple(drafts)


def _add_stated(
    listed: Sequence[OutcomeParts], stated: Sequence[OutcomeParts]
) -> list[OutcomeParts]:
    """Return the outcomes of both by rank. Sentences add none of a rank that a section lists."""
    by_rank: list[OutcomeParts] = []
    for rank in Rank:
        in_section = [outcome for outcome in listed if outcome.rank is rank]
        in_sentences = [outcome for outcome in stated if outcome.rank is rank]
        by_rank += in_section or in_sentences
    return by_rank


def _doubt_lists(outcomes: Sequence[OutcomeParts]) -> list[OutcomeParts]:
    """Return the outcomes; the only one of its rank is doubted if its words are a list, as in
    "Secondary: pain, sleep and mood", or several sentences.
    """
    counts = Counter(outcome.rank for outcome in outcomes)
    doubted: list[OutcomeParts] = []
    for outcome in outcomes:
        is_alone = counts[outcome.rank] == 1 and outcome.description is None
        if is_alone and _may_name_several(outcome):
            doubted.append(outcome.with_features(SEVERAL))
        else:
            doubted.append(outcome)
    return doubted


def _may_name_several(outcome: OutcomeParts) -> bool:
    """Return whether words may name several outcomes. There is usually one primary outcome, which
    a comma explains, but several secondary ones, which it separates: "Secondary: mood, sleep".
    """
    if _names_several(outcome.whole):
        return True
    if outcome.rank is Rank.PRIMARY:
        return False
    words = outcome.measure
    codes = words.tokens.codes
    commas = [at for at in range(words.first, words.end) if codes[at] == ","]
    return any(
        rule("no_measure_in_front").starts(words.tokens, at + 1, words.end) is None
        for at in commas
    )


def _names_several(words: Passage) -> bool:
    if len(list(split_sentences(words.text))) > 1:
        return True
    return len(split_enumeration(words)) > 1


def place_outcomes(record: TrialRecord, sections: LexedSections) -> list[OutcomeParts]:
    """Return the registered outcomes with their places."""
    outcomes: list[OutcomeParts] = []
    for rank in Rank:
        of_rank: list[OutcomeParts] = []
        for cell in record.sections:
            if cell.name.startswith(f"{rank}_outcomes"):
                of_rank += _place_cell(cell, sections[cell.name])
        for index, outcome in enumerate(of_rank):
            outcomes.append(replace(outcome, rank=rank, index=index))
    return outcomes


def _place_cell(cell: Section, section: LexedSection) -> list[OutcomeParts]:
    """Return the outcomes in a section: one if the source provides separate parts, or any number
    if it provides a statement or a flattened section. The list is empty if the section does not
    contain a measure or a description.
    """
    parts = {part.name: section.between(part.start, part.end) for part in cell.parts}
    # a flattened cell: "measure, description, time frame|measure, ..."
    if not parts:
        return split_section(section)
    if "statement" in parts:
        return split_statements(parts["statement"])
    description = parts.get("description")
    # the source left the field of the time frame empty: the other parts may state it
    if "time_frame" not in parts and "measure" in parts:
        return [_split_measure(parts["measure"], description)]
    first = min(part.first for part in parts.values())
    end = max(part.end for part in parts.values())
    nothing = section.whole.part(first, first)
    measure = parts.get("measure", nothing)
    # if a hostile measure was removed, the time frame alone is not an outcome
    if not measure.text and description is None:
        return []
    whole = section.whole.part(first, end)
    return [OutcomeParts(whole, measure, description, parts.get("time_frame"))]


def _split_measure(measure: Passage, description: Passage | None) -> OutcomeParts:
    """Return an outcome whose time frame field is empty. The time is taken from the measure, which
    remains whole, or otherwise from the description, where it may refer to something else.
    """
    time = find_own_time(measure)
    end = measure.end
    features: tuple[str, ...] = ()
    if description:
        end = max(end, description.end)
    # a time in a description may be that of something else, such as a recall period
    if description and time is None:
        time = find_own_time(description.alone())
        features = ("time frame in a description",)
    parts = OutcomeParts(measure.part(measure.first, end), measure, description)
    if time is None:
        return parts
    features = (*features, *time.features)
    return replace(parts, time_frame=time.frame, features=features)


def trial_words(sections: LexedSections) -> list[str]:
    """Return the first words of the title and of the conditions, since outcomes depend on the
    disease. Missing sections are skipped.
    """
    described = filter(None, map(sections.get, ("title", "conditions")))
    words = [list_scored_words(section.whole)[:_ABOUT] for section in described]
    return list(chain.from_iterable(words))


def describe_outcome(outcome: OutcomeParts, about: Sequence[str] = ()) -> list[str]:
    """Return the features of an outcome, beginning with the words of its measure in order.
    ``about`` contains the ``trial_words``.

    The prefix of a feature states its source. Measure: ``w`` words, ``p`` pairs of words, ``^``
    opening words, ``s`` its first one to three words together, ``v`` concepts of its terms.
    Description: ``d`` words, ``e`` pairs, ``u`` concepts. Time frame: ``t`` words. Trial: ``a``
    words. Outcome: ``m`` its rank and the length of its description.

    >>> measure = read_passage("Overall survival")
    >>> describe_outcome(
    ...     OutcomeParts(measure, measure, time_frame=read_passage("2 years"))
    ... )[:2]
    ['w overall', 'w survival']
    """
    measure = list_scored_words(outcome.measure)[:_LONGEST_MEASURE]
    features = [f"w {word}" for word in measure]
    features += [f"p {left} {right}" for left, right in pairwise(measure)]
    features += [f"^ {word}" for word in measure[:_OPENING_WORDS]]
    features += [f"s {' '.join(measure[:length])}" for length in (1, 2, 3)]
    features += [f"v {concept}" for concept in _find_concepts(outcome.measure)]
    description: list[str] = []
    if outcome.description:
        description = list_scored_words(outcome.description)[:_LONGEST_DESCRIPTION]
        hints = _find_concepts(outcome.description)
        features += [f"d {word}" for word in description]
        features += [f"e {left} {right}" for left, right in pairwise(description)]
        features += [f"u {concept}" for concept in hints]
    if outcome.time_frame:
        time_frame = list_scored_words(outcome.time_frame)[:_LONGEST_TIME_FRAME]
        features += [f"t {word}" for word in time_frame]
    features += [f"a {word}" for word in about]
    features.append(f"m {outcome.rank}")
    # lengths by powers of two: 0, 1, 2-3, 4-7 words, ...
    features.append(f"m {len(description).bit_length()} words")
    return features


def _find_concepts(passage: Passage) -> list[str]:
    """Return the distinct concepts indicated by terms among the first words of a part."""
    end = min(passage.end, passage.first + _HINTS_READ)
    terms = find_terms(passage.tokens, "concepts", passage.first, end)
    return list(dict.fromkeys(term.value for term in terms))


def classify_outcomes(
    outcomes: Sequence[OutcomeParts], about: Sequence[str] = ()
) -> list[_Classes]:
    """Return the concept and the category of each outcome in a record, both with the span of the
    word that determines the concept. ``about`` contains the ``trial_words``.

    >>> outcome = OutcomeParts(
    ...     *[read_passage("Best overall response")] * 2,
    ...     read_passage("CR or PR by RECIST 1.1"),
    ... )
    >>> [reading.value.value for reading in classify_outcomes([outcome])[0]]
    ['response_rate', 'efficacy']
    """
    if not outcomes:
        return []
    measures = [outcome.measure for outcome in outcomes]
    features = [describe_outcome(outcome, about) for outcome in outcomes]
    concepts = load_scorer("concepts").classify(Concept, features, measures)
    categories = load_scorer("endpoint_categories").classify(
        EndpointCategory, features, measures
    )
    classes = []
    for concept, category, measure in zip(concepts, categories, measures, strict=True):
        corrected = _correct_concept(concept, measure)
        classes.append((corrected, replace(category, spans=concept.spans)))
    return classes


def _correct_concept(concept: Reading[Concept], measure: Passage) -> Reading[Concept]:
    """Correct the concept of an outcome if a word in its measure has another meaning.

    If the survival that is measured is not overall survival ("graft survival"), use the concept of
    its term with a lower confidence. If only a compound suggests the concept ("crown survival"),
    keep the concept with a lower confidence.
    """
    misleading: list[str] = []
    for term in find_terms(
        measure.tokens, "other_meanings", measure.first, measure.end
    ):
        misleading += term.value.split()
    # "any": the words may suggest any wrong concept, except for concepts of thoughts or feelings
    misleads_to_any = "any" in misleading and concept.value not in _ABOUT_TOPICS
    is_misled = misleads_to_any or concept.value in misleading
    is_overall = concept.value is Concept.OVERALL_SURVIVAL
    if is_overall and not measure.search("named_overall_survival"):
        survivals = find_terms(measure.tokens, "survivals", measure.first, measure.end)
        # "graft survival"
        if survivals:
            concept = replace(concept, value=Concept(survivals[0].value))
            is_misled = True
    if not is_misled:
        return concept
    return concept.with_features("concept's word in a compound of another meaning")


def _read_outcome(
    parts: OutcomeParts,
    texts: Sequence[str],
    concept: Reading[Concept],
    category: Reading[EndpointCategory],
    number: int,
) -> EndpointDraft:
    """Create the draft of an endpoint from its parts, its concept and its category.

    ``texts`` contains all texts of the record, which may contain an instrument's abbreviation;
    ``number`` is the number of the draft's chunk.
    """
    measure = parts.measure
    last = parts.description or measure
    body = measure.part(measure.first, last.end)
    points, kind = _read_times(parts, concept.value)
    start_event, end_events = read_events(parts, concept)
    censored = _read_censored(body, parts.time_frame)
    # "last observation carried forward" of a score is no censoring, unless its concept is misread
    if censored.value and not may_have_events(parts, concept):
        censored = Reading(value=False, probability=0.9, features=("not censored",))
    rules = EndpointReadings(
        rank=Reading(parts.rank),
        index=Reading(parts.index),
        measure=_read_part(
            measure, parts.measure_probability, parts.features, parts.origin
        ),
        description=_read_part(parts.description, parts.description_probability),
        time_frame=_read_part(
            parts.time_frame,
            parts.time_frame_probability,
            parts.features,
            parts.origin,
        ),
        concept=concept,
        category=category,
        time_points=points,
        time_kind=kind,
        instrument=find_first_instrument(body, texts),
        start_event=start_event,
        end_events=end_events,
        censored=censored,
        specimens=read_named(body, SPECIMENS),
        methods=read_named(body, METHODS),
    )
    chunk = Chunk(number, span_of(parts.whole), parts.whole.text)
    known = [_BORDERS[name] for name in parts.features if name in _BORDERS]
    borders = min(known, default=None)
    ceiling = 1.0 if borders is None else borders
    return ItemDraft(
        "endpoints", chunk, chunk.span, rules, borders=borders, ceiling=ceiling
    )


def _read_part(
    part: Passage | None,
    probability: float,
    features: tuple[str, ...] = (),
    origin: Origin = Origin.RULE,
) -> Read[str]:
    """Return a part of an outcome as written; None if it is missing or has no tokens."""
    if part is None or part.end <= part.first:
        return Reading(None, probability)
    place = (span_of(part),)
    return Reading(part.raw, probability, place, origin=origin, features=features)


def _read_times(
    parts: OutcomeParts, concept: Concept | None
) -> tuple[Read[tuple[TimePoint, ...]], Read[TimeKind]]:
    """Return the time points and the kind of the time frame. Their probability takes into account
    that of the time frame's boundaries. If an outcome does not have a time frame, there are no
    points, and the kind is unspecified.
    """
    of_frame = parts.time_frame_probability
    words = parts.time_frame
    if not words:
        # the measure shows that the time frame is absent, so its span is the evidence for the kind
        measure = (span_of(parts.measure),)
        unspecified = Reading(
            TimeKind.UNSPECIFIED,
            of_frame,
            measure,
            Support.INFERRED,
            features=("kind of no time frame",),
        )
        return Reading((), of_frame), unspecified
    frame = read_time_frame(words.cut())
    members = []
    for point, place in zip(frame.points, frame.locate(frame.points), strict=True):
        value = TimePoint(value=point.value, unit=point.unit)
        span = Span(words.section.name, *words.section.cleaned.raw_span(*place))
        members.append(Supported(value, span, Support.PARSED))
    case = describe_points(frame, parts.measure)
    points = Reading((), of_frame, features=(case, *parts.features))
    points = points.with_supported(members)
    kind = read_time_kind(frame, concept)
    kind = replace(
        kind,
        probability=kind.probability * of_frame,
        spans=(span_of(words),),
        features=(*kind.features, *parts.features),
    )
    return points, kind


def _read_censored(body: Passage, frame: Passage | None) -> Read[bool]:
    """Return whether an outcome mentions censoring in its measure or description (``body``), or in
    its time frame (``frame``).
    """
    for part, case in ((body, "censored"), (frame, "censored in the time frame")):
        if not part:
            continue
        # a relapse that is "censored at the last visit"
        if not part.search("censoring"):
            continue
        place = (span_of(part),)
        return Reading(value=True, spans=place, features=(case,))
    return Reading(value=False, features=("not censored",))
