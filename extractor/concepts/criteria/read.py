"""Read who may take part: the criteria in the eligibility section or, if there is no such section,
in the descriptions.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from extractor.concepts.criteria.category import (
    TREATMENTS,
    classify_treatment,
    classify_weight,
    score_lines,
)
from extractor.concepts.criteria.exceptions import (
    find_negation,
    name_case_of_no_negation,
)
from extractor.concepts.criteria.groups import read_rule
from extractor.concepts.criteria.lists import (
    CriterionEntry,
    Lists,
    read_lists,
    target_words,
)
from extractor.concepts.criteria.prose import find_in_prose
from extractor.concepts.criteria.quoted import QuotedWords, settle_quoted
from extractor.concepts.criteria.structure import AnsweredLine, settle
from extractor.concepts.criteria.unexplained import find_unexplained
from extractor.concepts.criteria.unheaded import find_suspects
from extractor.concepts.limits.criterion import read_constraints
from extractor.concepts.limits.read import find_limits
from extractor.concepts.people.ages import StatedCriterion, is_doubtful_age
from extractor.concepts.people.record_ages import read_ages
from extractor.concepts.people.sex import read_healthy, read_sex
from extractor.concepts.people.whose import is_only_sex
from extractor.concepts.windows.criterion import (
    OTHER_UNIT,
    Times,
    demands_other,
    inherit_windows,
    is_of_kind,
    name_limited,
    read_windows,
    take_first,
)
from extractor.evidence.drafts import (
    LIST_IN_DOUBT,
    Chunk,
    ItemDraft,
    Reading,
    StructureDoubt,
    Supported,
    span_of,
)
from extractor.evidence.items import (
    CriterionDraft,
    CriterionReadings,
    PeopleReadings,
    Read,
    RecordDraft,
    draft_record,
)
from extractor.language.book import read_text, rule
from extractor.language.lexer import Tokens
from extractor.language.passage import LexedSection, LexedSections, Passage
from extractor.language.values import group_pairs, replace
from extractor.measures import Limit
from extractor.schemas import (
    Category,
    Constraint,
    CriterionKind,
    Origin,
    RegistryFields,
    Sex,
    Support,
)
from extractor.schemas.vocabulary import LOWER

# A tenth less reads "High risk, at least two of the following:" otherwise.
_CLEARLY_HEADING = 0.98
"""Minimum probability at which a line is treated as a heading instead of a criterion."""
_UNKNOWN = RegistryFields()
_ANSWERED = {
    Origin.MODEL: "as a model answers",
    Origin.BOTH: "as a model and the rules read it",
}
"""The features that replace those of the rules where a model answered about the structure."""
# Chosen by hand; half of it changes no case, and none of 120 registry records.
_REACH = 11
"""Maximum number of items on the same level that an item ending with a colon may introduce."""
# Chosen by hand; half of it changes no case, and none of 120 registry records.
_OPENING = 30
"""Number of characters at the start of a criterion that may say that it is about donors."""
# Half of it reads "Volunteers will not be considered if any of these ..." otherwise.
_LONGEST_OPENING = 24
"""Maximum number of tokens in a line that may only open a list."""
_SENTENCES = re.compile(r"\n[ \t]{0,80}\n|(?<=[a-z)]{3})[.:]\s{1,80}[A-Z]")
"""Matches the end of a sentence or paragraph before another one."""
_TITLES = ("title", "official_title")
_DESCRIPTIONS = ("brief_summary", "detailed_description")


def read_eligibility(
    sections: LexedSections,
    numbers: Iterator[int],
    registry: RegistryFields = _UNKNOWN,
    structure: Sequence[AnsweredLine] = (),
    quoted: Sequence[QuotedWords] = (),
    *,
    is_prose: bool = False,
) -> tuple[RecordDraft, tuple[CriterionDraft, ...], tuple[StructureDoubt, ...]]:
    r"""Read a record's criteria, its ages, its sex, its acceptance of healthy volunteers, and the
    doubts about the structure of the criteria.

    ``sections`` contains the lexed sections of the record by name. Each chunk is given the next
    number from ``numbers``. ``registry`` contains the registered ages, which are used to choose
    among the ages in the text and to lower the confidence of ages that differ from them, and the
    registered sex, which overrides an uncertain sex. ``structure`` is a model's answer about the
    structure of the eligibility section; empty without an answer. ``is_prose`` means that the
    record comes from no registry, so that its sentences state criteria in the words of a paper;
    ``quoted`` contains those that a model quotes from them.

    >>> from itertools import count
    >>> text = "Inclusion Criteria:\n\n* Age 18-65 years\n\nExclusion Criteria:\n\n* Pregnant"
    >>> whole, criteria, _ = read_eligibility(
    ...     {"eligibility": read_section("eligibility", text)}, count()
    ... )
    >>> [
    ...     (c.chunk.text, c.rules.kind.value.value, c.rules.category.value.value)
    ...     for c in criteria
    ... ]
    [('Age 18-65 years', 'inclusion', 'age'), ('Pregnant', 'exclusion', 'reproductive')]
    >>> whole.rules.maximum_age.value.value
    65
    """
    topics = _list_wholes(sections, (*_TITLES, "conditions"))
    descriptions = _list_wholes(sections, _DESCRIPTIONS)
    summary = _list_wholes(sections, (*_TITLES, *_DESCRIPTIONS))
    listed = sections.get("eligibility")
    filled = None
    if listed and listed.raw.strip():
        filled = listed
    target = target_words(*topics)
    if filled:
        outline = read_lists(filled, target)
        if structure:
            outline = settle(filled, outline, structure)
    elif is_prose:
        titles = _list_wholes(sections, _TITLES)
        in_prose = tuple(find_in_prose(descriptions, titles))
        suspects = find_suspects(descriptions)
        outline = Lists((*in_prose, *_list_others(suspects, in_prose)))
        if quoted:
            outline = settle_quoted(outline.entries, quoted)
    else:
        # sentences of the descriptions may be criteria
        outline = Lists(tuple(find_suspects(descriptions)))
    entries = outline.entries
    # the entries below each introducing line, by the start of that line
    parts = group_pairs(
        (entry.parent.raw_span[0], entry) for entry in entries if entry.parent
    )
    scores = score_lines(entries, target)
    drafts: list[CriterionDraft] = []
    standing: list[tuple[CriterionEntry, StatedCriterion]] = []
    for place, entry in enumerate(entries):
        category, heading_chance = scores[place]
        start, _ = entry.passage.raw_span
        criterion, statement = _read_entry(
            entry,
            category,
            heading_chance,
            next(numbers),
            follows_colon=_follows_colon(entries, place, parts),
            target=target,
            parts=parts.get(start, ()),
        )
        drafts.append(criterion)
        if criterion.rules.stands.value:
            standing.append((entry, statement))
    stated = _tell_donors(standing)
    minimum, maximum = read_ages(stated, summary, registry)
    people = PeopleReadings(
        minimum_age=minimum,
        maximum_age=maximum,
        sex=read_sex(stated, topics, descriptions, registry.sex),
        healthy_volunteers=read_healthy(stated, summary),
    )
    # in a trial of one sex, "for women" restricts nothing
    is_of_one_sex = people.sex.value in (Sex.FEMALE, Sex.MALE)
    if is_of_one_sex and not people.sex.alternatives:
        drafts = list(map(_drop_sex, drafts))
    criteria = tuple(drafts)
    doubts = outline.doubts
    if not stated and not doubts:
        doubts = _doubt_silence(filled, descriptions)
    whole = draft_record(_doubt_people(people, criteria, is_prose=is_prose))
    return whole, criteria, doubts


def _list_others(
    suspects: Iterable[CriterionEntry], stated: Sequence[CriterionEntry]
) -> Iterator[CriterionEntry]:
    """Yield the suspected sentences in which no criterion was found."""
    spans = [span_of(entry.passage) for entry in stated]
    for suspect in suspects:
        if not any(map(span_of(suspect.passage).overlaps, spans)):
            yield suspect


def _tell_donors(
    standing: Sequence[tuple[CriterionEntry, StatedCriterion]],
) -> Sequence[StatedCriterion]:
    """Return the criteria. Donors are told from participants only if somebody else takes part."""
    stated: list[StatedCriterion] = []
    has_others = False
    for entry, statement in standing:
        stated.append(statement)
        is_part = entry.parent is not None and not entry.parent_opens_list
        if not statement.donor and not is_part:
            has_others = True
    # in a trial of donors alone, the donors are the participants
    has_donor = any(statement.donor for statement in stated)
    if has_donor and not has_others:
        return [replace(each, donor=False, heading="") for each in stated]
    return stated


def _list_wholes(sections: LexedSections, names: Sequence[str]) -> list[Passage]:
    return [sections[name].whole for name in names if name in sections]


def _doubt_silence(
    filled: LexedSection | None, descriptions: Sequence[Passage]
) -> tuple[StructureDoubt, ...]:
    """If a record has no criteria but its text mentions who may take part, return a doubt about
    the record, because criteria may have been missed. Return an empty tuple if the text does not
    mention who may take part. ``filled`` is the eligibility section; the ``descriptions`` are
    searched only if the record does not have this section.
    """
    passages = descriptions
    if filled:
        passages = [filled.whole]
    for passage in passages:
        # as in "You can't take part if you smoke"
        cue = rule("speaks_of_eligibility").search(passage.tokens)
        if cue:
            span = span_of(passage.part_at(cue))
            reason = (
                "these words describe who may take part, but no criterion was found"
            )
            return (StructureDoubt(span, reason),)
    return ()


def _doubt_people(
    people: PeopleReadings, criteria: Sequence[CriterionDraft], *, is_prose: bool
) -> PeopleReadings:
    """Add a feature to each age, sex and acceptance of healthy volunteers that a criterion in a
    doubtful list states, or a sentence of a text that comes from no registry (``is_prose``).
    """
    doubted = [
        criterion.span for criterion in criteria if criterion.is_structure_doubted
    ]

    def doubt(_: str, reading: Reading[object]) -> Reading[object]:
        for span in reading.spans:
            is_of_prose = is_prose and span.section in _DESCRIPTIONS
            if is_of_prose or any(map(span.overlaps, doubted)):
                return reading.with_features(LIST_IN_DOUBT)
        return reading

    return people.change(doubt)


def _drop_sex(criterion: CriterionDraft) -> CriterionDraft:
    """Return a criterion without those conditions of its limits that only name a sex: "for men" in
    a trial of men. A criterion without conditions is returned unchanged.
    """
    constraints = criterion.rules.constraints
    if not any(limit.condition for limit in constraints.value or ()):
        return criterion
    members: list[Supported[Constraint]] = []
    for member in constraints.members:
        limit = member.value
        words = read_text(limit.condition or "")
        if is_only_sex(words):
            limit = limit.model_copy(update={"condition": None})
        members.append(replace(member, value=limit))
    changed = constraints.with_supported(members)
    return replace(criterion, rules=replace(criterion.rules, constraints=changed))


def _follows_colon(
    entries: Sequence[CriterionEntry],
    place: int,
    parts: Mapping[int, Sequence[CriterionEntry]],
) -> bool:
    """Return whether an item shortly above in the same list ends with a colon, but introduces none
    of the ``parts``, which are keyed by the start of the line that introduces them.
    """
    entry = entries[place]
    for above in entries[max(0, place - _REACH) : place]:
        is_beside = above.kind is entry.kind and above.heading is entry.heading
        if not above.listed or not is_beside:
            continue
        if above.passage.raw_span[0] in parts:
            continue
        if above.passage.raw.endswith(":"):
            return True
    return False


def _read_entry(
    entry: CriterionEntry,
    category: Reading[Category],
    heading_chance: float,
    number: int,
    *,
    follows_colon: bool,
    target: frozenset[str],
    parts: Sequence[CriterionEntry],
) -> tuple[CriterionDraft, StatedCriterion]:
    """Read an entry as a criterion, and collect its statement about the trial's participants.

    ``heading_chance`` is the probability that the entry is a heading; ``number`` is the number of
    its chunk. ``follows_colon`` means that a line shortly above ends with a colon. ``target``
    contains the stems of the treated condition's names. ``parts`` contains the entries that this
    entry introduces.
    """
    passage = entry.passage
    parent_words = _put_on_one_line(entry.parent)
    heading_words = _put_on_one_line(entry.heading)
    text = passage.text.translate(str.maketrans("\n\t\r", "   "))
    span = span_of(passage)
    limits = find_limits(passage.tokens, entry.sense, parent_words)
    constraints = read_constraints(passage, limits, parent_words)
    # "Stable for at least 3 months" above measured values applies to doses, not to these values;
    # "within" applies to both
    is_value = bool(constraints.value) and category.value not in TREATMENTS
    windows, first = _read_times(entry, parent_words, is_value=is_value)
    unexplained = find_unexplained(passage, limits, constraints, windows)
    constraints = unexplained.describe(constraints)
    windows = unexplained.describe(windows)
    window = take_first(windows, first)
    if windows.value and first is None:
        window = window.with_features(OTHER_UNIT)
    category = classify_treatment(category, passage, window.value)
    category = classify_weight(category, constraints.value or (), target)
    topic = parent_words or heading_words
    category = _doubt_age(category, passage.tokens, limits, topic)
    kind = Reading(
        entry.sense,
        1.0,
        (span,),
        Support.INFERRED,
        origin=entry.origin,
        features=_describe_source_of_kind(entry),
    )
    rules = CriterionReadings(
        stands=_read_existence(entry, heading_chance),
        kind=kind,
        lead_in=_read_lead_in(entry, follows_colon=follows_colon),
        category=category,
        constraints=constraints,
        time_window=window,
        time_windows=windows,
        negated=_read_negation(entry),
    )
    if len(parts) > 1:
        # as in "One of the following:"
        passages = [part.passage for part in parts]
        rules = replace(rules, rule=read_rule(passage, passages, parts[0].sense))
    criterion = ItemDraft(
        "eligibility.criteria",
        Chunk(number, span, text),
        span,
        rules,
        borders=entry.borders,
        ceiling=_find_ceiling(entry),
    )
    # The age and sex of a donor are not those of the participants.
    is_of_donor = any(
        "donor" in words.lower()
        for words in (parent_words, heading_words, text[:_OPENING])
    )
    statement = StatedCriterion(
        passage, entry.sense, category.value, limits, is_of_donor, topic
    )
    return criterion, statement


def _find_ceiling(entry: CriterionEntry) -> float:
    """Return the maximum confidence of a criterion: that of its borders if a sentence states it."""
    if entry.case and entry.borders is not None:
        return entry.borders
    return 1.0


def _doubt_age(
    category: Reading[Category],
    tokens: Tokens,
    limits: Sequence[Limit],
    topic: str,
) -> Reading[Category]:
    """Doubt the category "age" if the only reason for it is a duration that might not be an
    age: "5 to 20 years" below "Epilepsy:" (the ``topic``).
    """
    if category.value is not Category.AGE:
        return category
    if not any(is_doubtful_age(tokens, limit, topic) for limit in limits):
        return category
    return category.with_features("a length that may be no age")


def _put_on_one_line(introduction: Passage | None) -> str:
    """Return the words of an introducing line as a single line, without repeated spaces."""
    if introduction:
        return " ".join(introduction.raw.split())
    return ""


def _describe_source_of_kind(entry: CriterionEntry) -> tuple[str, ...]:
    """Return what says that an entry is an inclusion or exclusion criterion, as features of
    ``confidence/table.toml``: a model's answer or else a sentence of running text, the heading of
    its list, or only its own words. A doubtful list adds a second feature.
    """
    # a model has seen the whole section
    if entry.origin in _ANSWERED:
        source = _ANSWERED[entry.origin]
    # only a sentence of running text has a case
    elif entry.case:
        source = "kind of a sentence"
    # a heading, or the code of the item, names the list
    elif entry.kind:
        source = "kind of the list"
    else:
        source = "kind without a list"
    if entry.is_list_doubted or _is_only_like_exclusion(entry):
        return (source, LIST_IN_DOUBT)
    return (source,)


def _is_only_like_exclusion(entry: CriterionEntry) -> bool:
    """Return whether an item of a list whose kind no heading states is an exclusion only because it
    is worded as most are: "History of asthma" below "Eligibility".
    """
    if entry.kind or not entry.listed or entry.sense is CriterionKind.INCLUSION:
        return False
    place = (entry.passage.tokens, entry.passage.first, entry.passage.end)
    return not rule("refusal").occurs(*place)


def _read_lead_in(entry: CriterionEntry, *, follows_colon: bool) -> Read[str]:
    """Return the line that introduces an entry, or None, with one feature for the confidence of
    this answer. The feature of a model's answer replaces that of the rules.
    """
    if entry.parent is None:
        feature = "no parent"
        if entry.case:
            feature = "no parent of a sentence"
        # a line that ends with a colon may introduce more than the rules see
        elif follows_colon:
            feature = "no parent, below a colon"
    elif entry.has_doubtful_parent:
        feature = "under an item of its level"
    elif entry.parent is entry.heading:
        feature = "under a heading"
    else:
        feature = _describe_line_above(entry.parent, opens_list=entry.parent_opens_list)
    features = (_ANSWERED.get(entry.origin, feature),)
    if entry.parent is None:
        return Reading(None, origin=entry.origin, features=features)
    spans = (span_of(entry.parent),)
    return Reading(entry.parent.raw, 1.0, spans, origin=entry.origin, features=features)


def _describe_line_above(line: Passage, *, opens_list: bool) -> str:
    """Return the feature of an item's line above: whether that line says that others follow. A
    line that ``opens_list`` does, and so does the name of a group ("Group 2"), but no sentence
    about people ("Patients with a relapse will be eligible").
    """
    tokens = line.cut()
    if opens_list or rule("group_title").occurs(tokens):
        return "under an item"
    if rule("introduction").ends(tokens) is None:
        return "under an item that introduces nothing"
    # "Volunteers will not be considered if any of these apply:" may say nothing of an item
    is_short = len(tokens) <= _LONGEST_OPENING
    if is_short and rule("speaks_of_trial").occurs(tokens):
        return "under an item that speaks of the trial"
    # the last sentence may be the line above: "Not fertile. Women who are must use one of:"
    if _SENTENCES.search(line.raw):
        return "under an item of several sentences"
    # "Metastases that were stable for 4 weeks:" may be a criterion with a colon of its own
    asks = rule("asks_for_parts").occurs(tokens)
    if rule("own_limit").occurs(tokens) and not asks:
        return "under an item that states a limit"
    return "under an item"


def _read_negation(entry: CriterionEntry) -> Reading[bool]:
    """Return whether a criterion is negated: "No fever", "Fever: none", or "fever" below "None of
    the following:". Its evidence is the negation or, if there is none, the whole criterion.
    """
    passage = entry.passage
    place = (passage.tokens, passage.first, passage.end)
    negation = find_negation(*place)
    evidence = passage
    if negation:
        feature = negation.case
        evidence = passage.part_at(negation)
    elif entry.parent and rule("parts_absent").occurs(entry.parent.cut()):
        feature = "negated in the line above"
        evidence = entry.parent
    else:
        feature = name_case_of_no_negation(*place)
    # the evidence is the criterion itself only if nothing negates it
    is_negated = evidence is not passage
    spans = (span_of(evidence),)
    return Reading(is_negated, 1.0, spans, Support.INFERRED, features=(feature,))


def _read_times(entry: CriterionEntry, parent_words: str, *, is_value: bool) -> Times:
    """Return the time windows of an item or, if it does not state any, of the line that introduces
    it. A window that does not name what it limits takes the name from the other line. A line that
    is itself a criterion passes neither times nor names on to the items below it. ``parent_words``
    are the words of the introducing line, or ""; ``is_value`` means that the entry limits a
    measured value.
    """
    own_times = read_windows(entry.passage, entry.sense, parent_words)
    if not entry.parent or entry.parent_is_criterion:
        return own_times
    # without its neighbours, in whose words the rules could find a time or a name
    introduction = entry.parent.alone()
    if own_times.windows.value:
        return Times(name_limited(own_times.windows, introduction), own_times.first)
    inherited = _find_inherited(entry, introduction, is_value=is_value)
    if inherited is None:
        return own_times
    windows = inherit_windows(inherited.windows, introduction, entry.passage)
    return Times(windows, inherited.first)


def _find_inherited(
    entry: CriterionEntry, introduction: Passage, *, is_value: bool
) -> Times | None:
    """Return the times of an introduction if they also apply to an item below it; None if they do
    not, or if the introduction does not state any times.
    """
    if demands_other(introduction):
        return None
    if not is_of_kind(introduction, entry.passage, is_value=is_value):
        return None
    times = read_windows(introduction, entry.sense)
    first = take_first(*times).value
    if first is None:
        return None
    lasts = first.comparator in LOWER
    # a minimum duration, as in "stable for at least 3 months", applies to doses
    if lasts and is_value:
        return None
    return times


def _read_existence(entry: CriterionEntry, heading_chance: float) -> Reading[bool]:
    """Return whether an entry is a criterion. Almost all listed lines are criteria. Lines that
    look like headings or notes have a lower confidence; if the probability that a line is a
    heading is at least 0.98, the line is not treated as a criterion.

    A line that only introduces other lines is not treated as a criterion, nor is a sentence that
    is only suspected of being a criterion. A model's answer about the structure has precedence.
    """
    if entry.origin is not Origin.RULE:
        return Reading(
            value=entry.is_criterion,
            spans=(span_of(entry.passage),) if entry.is_criterion else (),
            support=Support.INFERRED,
            origin=entry.origin,
            features=(_ANSWERED[entry.origin],),
        )
    if not entry.is_criterion:
        return Reading(value=False, features=("parent",))
    if entry.listed and heading_chance >= _CLEARLY_HEADING:
        return Reading(value=False, probability=heading_chance)
    probability = 1.0
    if entry.listed:
        probability = round(1 - heading_chance, 3)
    if entry.case:
        feature = entry.case
    elif not entry.listed:
        feature = "prose"
    # it may introduce lines that were not recognised as its parts
    elif entry.passage.text.endswith(":"):
        feature = "listed, ends with a colon"
    else:
        feature = "listed"
    return Reading(
        value=True,
        probability=probability,
        spans=(span_of(entry.passage),),
        support=Support.INFERRED,
        features=(feature,),
    )
