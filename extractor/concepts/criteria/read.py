"""Read who may take part: criteria from the eligibility section, or from running text without
one.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from extractor.concepts.criteria.category import (
    TREATMENTS,
    date_treatment,
    score_lines,
    sort_weight,
    target_words,
)
from extractor.concepts.criteria.lines import LineRole, OutlineEntry
from extractor.concepts.criteria.negation import find_negation
from extractor.concepts.criteria.outline import Outline, read_outline
from extractor.concepts.criteria.prose import find_suspects
from extractor.concepts.groups.read import read_rule
from extractor.concepts.limits.criterion import read_constraints
from extractor.concepts.limits.read import find_limits
from extractor.concepts.people.read import (
    StatedCriterion,
    read_ages,
    read_healthy,
    read_sex,
    yield_to_registry,
)
from extractor.concepts.windows.criterion import (
    anchor_windows,
    as_of_another_line,
    demands_other,
    find_introduction,
    is_of_kind,
    leave_to_items,
    name_limited,
    read_windows,
)
from extractor.evidence.drafts import (
    Chunk,
    Draft,
    Reading,
    Span,
    StructureDoubt,
    draft_record,
    span_of,
)
from extractor.evidence.scoring import measured
from extractor.language.book import read_text, rule
from extractor.language.passage import LexedSection, Passage
from extractor.schemas import (
    Category,
    Comparator,
    RegistryFields,
    Sex,
    Support,
    TimeWindow,
)

__all__ = ["read_eligibility"]

_CLEARLY_NONE = 0.98
_UNKNOWN = RegistryFields()
_REACH = 11
"""Items after one that ends with a colon that it may introduce, though they are not below it."""
_SUMMARY = ("title", "official_title", "brief_summary", "detailed_description")


def read_eligibility(
    sections: Mapping[str, LexedSection],
    numbers: Iterator[int],
    registry: RegistryFields = _UNKNOWN,
) -> tuple[Draft, tuple[Draft, ...], tuple[StructureDoubt, ...]]:
    r"""Read ages, sex and healthy volunteers of one record, its criteria, and what of their
    structure is in doubt.

    ``sections`` maps names to the record's sections, read into tokens. Each chunk takes the next of
    ``numbers``. ``registry`` has the registered ages, which choose among those of the text and make
    others unsure.

    >>> from itertools import count
    >>> text = "Inclusion Criteria:\n\n* Age 18-65 years\n\nExclusion Criteria:\n\n* Pregnant"
    >>> whole, criteria, _ = read_eligibility(
    ...     {"eligibility": read_section("eligibility", text)}, count()
    ... )
    >>> [
    ...     (c.chunk.text, c.rules["kind"].value.value, c.rules["category"].value.value)
    ...     for c in criteria
    ... ]
    [('Age 18-65 years', 'inclusion', 'age'), ('Pregnant', 'exclusion', 'reproductive')]
    >>> whole.rules["maximum_age"].value.value
    65
    """
    summary = [sections[name].whole for name in _SUMMARY if name in sections]
    titles = [passage for passage in summary if passage.section.name.endswith("title")]
    descriptions = [passage for passage in summary if passage not in titles]
    named = [
        *titles,
        *([sections["conditions"].whole] if "conditions" in sections else []),
    ]
    listed = sections.get("eligibility")
    has_section = listed is not None and bool(listed.raw.strip())
    if listed and has_section:
        outline = read_outline(listed)
    else:
        outline = Outline(list(find_suspects(descriptions)))
    entries = [entry for entry in outline.entries if entry.role is not LineRole.REMARK]
    target = target_words(*named)
    scores = score_lines(entries, target)
    parts: dict[int, list[OutlineEntry]] = defaultdict(list)
    for entry in entries:
        if entry.parent:
            parts[entry.parent.raw_span[0]].append(entry)
    found = [
        _read(
            entry,
            *score,
            next(numbers),
            follows_colon=_follows_colon(entries, place),
            target=target,
            parts=parts.get(entry.passage.raw_span[0], ()),
        )
        for place, (entry, score) in enumerate(zip(entries, scores, strict=True))
    ]
    stated = [one for criterion, one in found if criterion.rules["stands"].value]
    minimum, maximum = read_ages(stated, summary, registry, listed)
    rules: dict[str, Reading[Any]] = {
        "minimum_age": minimum,
        "maximum_age": maximum,
        "sex": yield_to_registry(read_sex(stated, named, descriptions), registry.sex),
        "healthy_volunteers": read_healthy(stated, summary),
    }
    one_sex = rules["sex"].value in (Sex.FEMALE, Sex.MALE)
    criteria = tuple(
        _drop_sex(criterion) if one_sex else criterion for criterion, _ in found
    )
    doubts = tuple(
        StructureDoubt(Span("eligibility", doubt.start, doubt.end), doubt.reason)
        for doubt in outline.doubts
    )
    nothing_stands = not any(criterion.rules["stands"].value for criterion in criteria)
    if nothing_stands and not doubts:
        doubts = tuple(_doubt_silence(listed if has_section else None, descriptions))
    whole = replace(draft_record(rules), at_most=_limit_people(rules, criteria))
    return whole, criteria, doubts


def _doubt_silence(
    listed: LexedSection | None, descriptions: Sequence[Passage]
) -> Iterator[StructureDoubt]:
    """Yield a doubt for a record without criteria whose text speaks of who may take part: some
    may have been missed.
    """
    for passage in [listed.whole] if listed else descriptions:
        found = rule("speaks_of_eligibility").search(passage.tokens)
        if found:
            place = span_of(passage.part(found.first, found.end))
            yield StructureDoubt(
                place,
                "these words are about who may take part, and no criterion was found",
            )
            return


def _limit_people(
    rules: Mapping[str, Reading[Any]], criteria: Sequence[Draft]
) -> dict[str, float]:
    """Return how sure ages, sex and healthy volunteers can be: as sure as the list of the
    criteria that say them.
    """
    doubtful = [
        (one.span, one.at_most["kind"]) for one in criteria if "kind" in one.at_most
    ]
    limits: dict[str, float] = {}
    for name, reading in rules.items() if doubtful else ():
        said = [
            sure for span, sure in doubtful if any(map(span.overlaps, reading.spans))
        ]
        if said:
            limits[name] = min(said)
    return limits


def _drop_sex(criterion: Draft) -> Draft:
    """Leave out the conditions that only name the sex of the whole trial."""
    read = criterion.rules["constraints"]
    if not any(one.condition for one in read.value or ()):
        return criterion
    kept = tuple(
        one.model_copy(update={"condition": None})
        if one.condition
        and rule("sex_condition").covers(
            words := read_text(one.condition), 0, len(words)
        )
        else one
        for one in read.value
    )
    return replace(
        criterion, rules={**criterion.rules, "constraints": replace(read, value=kept)}
    )


def _follows_colon(entries: Sequence[OutlineEntry], place: int) -> bool:
    """Return whether an item shortly above, in the same list, ends with a colon."""
    entry = entries[place]
    above = [
        one
        for one in entries[max(0, place - _REACH) : place]
        if one.listed and one.kind is entry.kind
    ]
    return any(
        one.heading is entry.heading and one.passage.raw.endswith(":") for one in above
    )


def _read(
    entry: OutlineEntry,
    category: Reading[Category],
    no_criterion: float,
    number: int,
    *,
    follows_colon: bool,
    target: frozenset[str],
    parts: Sequence[OutlineEntry],
) -> tuple[Draft, StatedCriterion]:
    passage = entry.passage
    parent, heading = (
        " ".join(intro.raw.split()) if intro else ""
        for intro in (entry.parent, entry.heading)
    )
    text = passage.text.translate(str.maketrans("\n\t\r", "   "))
    limits = find_limits(passage.tokens, entry.sense)
    place = (span_of(passage),)
    in_prose = entry.confidence is not None
    kind_sure = measured(
        "criterion", "kind of the list" if entry.kind else "kind without a list"
    )
    kind_sure = measured("criterion", "kind of a sentence") if in_prose else kind_sure
    if in_prose:
        alone = "no parent of a sentence"
    elif follows_colon:
        alone = "no parent, below a colon"
    else:
        alone = "no parent"
    lead_in: Reading[str | None] = Reading(None, measured("criterion", alone))
    if entry.parent:
        place_of_parent = (
            "under a heading" if entry.parent is entry.heading else "under an item"
        )
        sure = measured(
            "criterion",
            "under an item of its level" if entry.doubtful else place_of_parent,
        )
        lead_in = Reading(entry.parent.raw, sure, (span_of(entry.parent),))
    constraints = read_constraints(passage, limits, parent)
    # "Stable for at least 3 months" is not said of the measured values below it, but of doses;
    # "within" is of both.
    is_value = bool(constraints.value) and category.value not in TREATMENTS
    window, windows = _read_times(entry, parent, is_value=is_value)
    category = sort_weight(
        date_treatment(category, passage, window.value), constraints.value or (), target
    )
    negated = _read_negation(passage)
    rules: dict[str, Reading[Any]] = {
        "stands": _read_existence(entry, no_criterion),
        "kind": Reading(entry.sense, kind_sure, place, Support.INFERRED),
        "lead_in": lead_in,
        "category": category,
        "constraints": constraints,
        "time_window": window,
        "time_windows": windows,
        "negated": negated,
    }
    if len(parts) > 1:  # how what it introduces belongs together
        rules["rule"] = read_rule(
            passage, [part.passage for part in parts], parts[0].sense
        )
    chunk = Chunk(number, *place, text)
    criterion = Draft(
        "eligibility.criteria",
        chunk,
        *place,
        rules,
        at_most=_limit_criterion(entry, rules),
    )
    donor = any("donor" in words.lower() for words in (parent, heading, text[:30]))
    return criterion, StatedCriterion(
        passage, entry.sense, category.value, limits, donor, parent or heading
    )


def _read_negation(passage: Passage) -> Reading[bool]:
    """Return whether a criterion is negated: "No fever", "Fever: none"."""
    found = find_negation(passage.tokens, passage.first, passage.end)
    if found is None:
        confidence = measured("negated", "not negated")
        return Reading(False, confidence, (span_of(passage),), Support.INFERRED)  # noqa: FBT003
    case = "negated" if found.leads else "negated behind its name"
    place = span_of(passage.part(found.first, found.end))
    return Reading(True, measured("negated", case), (place,), Support.INFERRED)  # noqa: FBT003


def _limit_criterion(
    entry: OutlineEntry, rules: Mapping[str, Reading[Any]]
) -> dict[str, float]:
    """Return how sure the fields of a criterion can be, where its list or its borders are in
    doubt.
    """
    limits: dict[str, float] = {}
    if entry.quote_at_most < 1:
        limits |= dict.fromkeys(rules, entry.quote_at_most)
    if entry.kind_at_most < 1:
        limits["kind"] = min(entry.kind_at_most, limits.get("kind", 1.0))
    return limits


def _read_times(
    entry: OutlineEntry, parent: str, *, is_value: bool
) -> tuple[Reading[TimeWindow | None], Reading[tuple[TimeWindow, ...]]]:
    """Return the first time window and all of them, of the item or else of the line that
    introduces it.
    """
    window, windows = read_windows(entry.passage, entry.sense, parent)
    introduces = entry.parent and not (
        entry.doubtful and entry.parent.tokens.codes[entry.parent.end - 1] != ":"
    )
    if not entry.parent or not introduces or entry.parent_states:
        return window, windows
    introduction = find_introduction(entry.parent.alone())
    if windows.value:
        windows = anchor_windows(windows, introduction)
    is_lent = not demands_other(introduction) and is_of_kind(
        introduction, entry.passage, is_value=is_value
    )
    if window.value is None and is_lent:
        inherited, listed = read_windows(introduction, entry.sense)
        lasts = inherited.value and inherited.value.comparator in (
            Comparator.AT_LEAST,
            Comparator.MORE,
        )
        if inherited.value and not (lasts and is_value):
            if entry.doubtful:
                sure = measured("time_window", "sense implied")
            else:
                sure = inherited.confidence
            window = replace(inherited, confidence=min(inherited.confidence, sure))
            if not windows.value:
                sure = measured("time_windows", "of the line above")
                windows = as_of_another_line(
                    replace(listed, confidence=min(listed.confidence, sure))
                )
                windows = leave_to_items(windows, introduction)
                return window, name_limited(windows, entry.passage)
    return window, name_limited(windows, entry.parent.alone())


def _read_existence(entry: OutlineEntry, no_criterion: float) -> Reading[bool]:
    """Return whether an entry is a criterion. Almost all listed lines are; some look like
    headings or notes.
    """
    if entry.role is LineRole.PARENT:
        return Reading(value=False, confidence=measured("criterion", "parent"))
    if entry.listed and no_criterion >= _CLEARLY_NONE:
        return Reading(value=False, confidence=no_criterion)
    sure = entry.confidence
    if sure is None:
        case = (
            "listed, ends with a colon"
            if entry.passage.text.endswith(":")
            else "listed"
        )
        sure = measured("criterion", case if entry.listed else "prose")
    sure = min(sure, round(1 - no_criterion, 3)) if entry.listed else sure
    return Reading(
        entry.role is LineRole.CRITERION,
        sure,
        (span_of(entry.passage),),
        Support.INFERRED,
    )
