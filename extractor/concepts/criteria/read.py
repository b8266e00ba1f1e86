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
    Constraint,
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
    named = _list_titles_and_conditions(titles, sections)
    listed = sections.get("eligibility")
    filled = listed if listed and listed.raw.strip() else None
    outline = _outline_record(filled, descriptions)
    entries = [entry for entry in outline.entries if entry.role is not LineRole.REMARK]
    target = target_words(*named)
    parts = _group_by_parent(entries)
    scores = score_lines(entries, target)
    drafts: list[Draft] = []
    stated: list[StatedCriterion] = []
    for place, entry in enumerate(entries):
        category, no_criterion = scores[place]
        criterion, statement = _read(
            entry,
            category,
            no_criterion,
            next(numbers),
            follows_colon=_follows_colon(entries, place),
            target=target,
            parts=parts.get(entry.passage.raw_span[0], ()),
        )
        drafts.append(criterion)
        if criterion.rules["stands"].value:
            stated.append(statement)
    minimum, maximum = read_ages(stated, summary, registry, listed)
    rules: dict[str, Reading[Any]] = {
        "minimum_age": minimum,
        "maximum_age": maximum,
        "sex": yield_to_registry(read_sex(stated, named, descriptions), registry.sex),
        "healthy_volunteers": read_healthy(stated, summary),
    }
    if rules["sex"].value in (Sex.FEMALE, Sex.MALE):
        drafts = list(map(_drop_sex, drafts))
    criteria = tuple(drafts)
    doubts = _locate_doubts(outline)
    if not stated and not doubts:
        doubts = tuple(_doubt_silence(filled, descriptions))
    whole = replace(draft_record(rules), at_most=_limit_people(rules, criteria))
    return whole, criteria, doubts


def _list_titles_and_conditions(
    titles: Sequence[Passage], sections: Mapping[str, LexedSection]
) -> list[Passage]:
    """Return the titles of a record and its list of conditions, which name what it treats."""
    if "conditions" not in sections:
        return list(titles)
    return [*titles, sections["conditions"].whole]


def _outline_record(
    filled: LexedSection | None, descriptions: Sequence[Passage]
) -> Outline:
    """Return the outline of the eligibility section. Without one, sentences of the descriptions
    that may be criteria stand for it.
    """
    if filled:
        return read_outline(filled)
    return Outline(list(find_suspects(descriptions)))


def _locate_doubts(outline: Outline) -> tuple[StructureDoubt, ...]:
    """Return what is in doubt of the structure, by its place in the record."""
    return tuple(
        StructureDoubt(Span("eligibility", doubt.start, doubt.end), doubt.reason)
        for doubt in outline.doubts
    )


def _group_by_parent(
    entries: Sequence[OutlineEntry],
) -> dict[int, list[OutlineEntry]]:
    """Return the parts of each line that introduces others, by the start of that line."""
    parts: dict[int, list[OutlineEntry]] = defaultdict(list)
    for entry in entries:
        if entry.parent:
            start, _ = entry.parent.raw_span
            parts[start].append(entry)
    return parts


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
        (criterion.span, criterion.at_most["kind"])
        for criterion in criteria
        if "kind" in criterion.at_most
    ]
    if not doubtful:
        return {}
    limits: dict[str, float] = {}
    for name, reading in rules.items():
        for span, sure in doubtful:
            if any(map(span.overlaps, reading.spans)):
                limits[name] = min(limits.get(name, sure), sure)
    return limits


def _drop_sex(criterion: Draft) -> Draft:
    """Leave out the conditions that only name the sex of the whole trial."""
    read = criterion.rules["constraints"]
    if not any(constraint.condition for constraint in read.value or ()):
        return criterion
    kept = tuple(map(_drop_condition_of_sex, read.value))
    return replace(
        criterion, rules={**criterion.rules, "constraints": replace(read, value=kept)}
    )


def _drop_condition_of_sex(constraint: Constraint) -> Constraint:
    if not constraint.condition:
        return constraint
    words = read_text(constraint.condition)
    if rule("sex_condition").covers(words, 0, len(words)) is None:
        return constraint
    return constraint.model_copy(update={"condition": None})


def _follows_colon(entries: Sequence[OutlineEntry], place: int) -> bool:
    """Return whether an item shortly above, in the same list, ends with a colon."""
    entry = entries[place]
    for above in entries[max(0, place - _REACH) : place]:
        if not above.listed or above.kind is not entry.kind:
            continue
        if above.heading is entry.heading and above.passage.raw.endswith(":"):
            return True
    return False


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
    """Read one entry as a criterion, and as what it says of the people of the trial.

    ``no_criterion`` is the probability that the entry is a heading, ``number`` that of its chunk.
    ``parts`` are the entries that it introduces.
    """
    passage = entry.passage
    parent = _put_on_one_line(entry.parent)
    heading = _put_on_one_line(entry.heading)
    text = passage.text.translate(str.maketrans("\n\t\r", "   "))
    limits = find_limits(passage.tokens, entry.sense)
    place = (span_of(passage),)
    constraints = read_constraints(passage, limits, parent)
    # "Stable for at least 3 months" is not said of the measured values below it, but of doses;
    # "within" is of both.
    is_value = bool(constraints.value) and category.value not in TREATMENTS
    window, windows = _read_times(entry, parent, is_value=is_value)
    category = date_treatment(category, passage, window.value)
    category = sort_weight(category, constraints.value or (), target)
    rules: dict[str, Reading[Any]] = {
        "stands": _read_existence(entry, no_criterion),
        "kind": Reading(entry.sense, _measure_kind(entry), place, Support.INFERRED),
        "lead_in": _read_lead_in(entry, follows_colon=follows_colon),
        "category": category,
        "constraints": constraints,
        "time_window": window,
        "time_windows": windows,
        "negated": _read_negation(passage),
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


def _put_on_one_line(introduction: Passage | None) -> str:
    """Return the words of a line above on one line, without doubled blanks."""
    return " ".join(introduction.raw.split()) if introduction else ""


def _measure_kind(entry: OutlineEntry) -> float:
    """Return how sure the list of an entry is, by where it is taken from."""
    if entry.confidence is not None:
        return measured("criterion", "kind of a sentence")
    if entry.kind:
        return measured("criterion", "kind of the list")
    return measured("criterion", "kind without a list")


def _read_lead_in(entry: OutlineEntry, *, follows_colon: bool) -> Reading[str | None]:
    """Return the line that introduces an entry, or how sure it is that none does."""
    if not entry.parent:
        if entry.confidence is not None:
            case = "no parent of a sentence"
        elif follows_colon:
            case = "no parent, below a colon"
        else:
            case = "no parent"
        return Reading(None, measured("criterion", case))
    if entry.doubtful:
        case = "under an item of its level"
    elif entry.parent is entry.heading:
        case = "under a heading"
    else:
        case = "under an item"
    sure = measured("criterion", case)
    return Reading(entry.parent.raw, sure, (span_of(entry.parent),))


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
    if not entry.parent or entry.parent_states:
        return window, windows
    # Other items stand between a doubtful parent and its item: it lends its times only by a colon.
    if entry.doubtful and entry.parent.tokens.codes[entry.parent.end - 1] != ":":
        return window, windows
    introduction = find_introduction(entry.parent.alone())
    if windows.value:
        windows = anchor_windows(windows, introduction)
    lent = None
    if window.value is None:
        lent = _find_lent(entry, introduction, is_value=is_value)
    if lent:
        inherited, listed = lent
        sure = inherited.confidence
        if entry.doubtful:
            sure = min(sure, measured("time_window", "sense implied"))
        window = replace(inherited, confidence=sure)
        if not windows.value:
            sure = measured("time_windows", "of the line above")
            sure = min(listed.confidence, sure)
            windows = as_of_another_line(replace(listed, confidence=sure))
            windows = leave_to_items(windows, introduction)
            return window, name_limited(windows, entry.passage)
    return window, name_limited(windows, entry.parent.alone())


def _find_lent(
    entry: OutlineEntry, introduction: Passage, *, is_value: bool
) -> tuple[Reading[TimeWindow | None], Reading[tuple[TimeWindow, ...]]] | None:
    """Return the times of an introduction if they are those of an item below it, too."""
    if demands_other(introduction):
        return None
    if not is_of_kind(introduction, entry.passage, is_value=is_value):
        return None
    inherited, listed = read_windows(introduction, entry.sense)
    if inherited.value is None:
        return None
    lasts = inherited.value.comparator in (Comparator.AT_LEAST, Comparator.MORE)
    if lasts and is_value:
        # it is said of the doses of a drug
        return None
    return inherited, listed


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
        if not entry.listed:
            case = "prose"
        elif entry.passage.text.endswith(":"):
            case = "listed, ends with a colon"
        else:
            case = "listed"
        sure = measured("criterion", case)
    if entry.listed:
        sure = min(sure, round(1 - no_criterion, 3))
    return Reading(
        entry.role is LineRole.CRITERION,
        sure,
        (span_of(entry.passage),),
        Support.INFERRED,
    )
