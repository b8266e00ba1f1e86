"""Compare ages and sex with the registered ones, and find criteria that contradict each other."""

from bisect import bisect_left
from collections import defaultdict
from functools import lru_cache
from itertools import combinations
from math import inf
from typing import NamedTuple

from extractor.parse.eligibility.lines import read_lines
from extractor.parse.eligibility.people import ROUNDED, ages_agree, read_registered_age
from extractor.schemas import (
    Age,
    Citation,
    Comparator,
    Constraint,
    Criterion,
    CriterionKind,
    Evidence,
    FindingKind,
    Severity,
    Sex,
    TimeUnit,
)
from extractor.text.book import read_text, rule, word_set
from extractor.text.lexer import Tokens
from extractor.text.numbers import DAYS, read_time_unit
from extractor.text.passage import LexedSection
from extractor.text.quantity_names import fold_words, name_quantity
from extractor.text.units import read_unit

from .record import AuditedRecord, Problems, report

_ADULT = 18 * DAYS[TimeUnit.YEAR]
_REACH = 18
"""Most tokens between the start of an item and its age."""
_NEAR = 4
"""Tokens after an age that may name its bound."""
_MOST_COMPARED = 20
"""The most limits of one quantity that are compared with each other, so that time stays linear."""


def check_ages(audited: AuditedRecord) -> Problems:
    """Report limits for all participants that differ by more than a year (a month for infants) from the registered."""
    eligibility, registry = audited.extraction.eligibility, audited.record.registry
    for field in ("minimum_age", "maximum_age"):
        age: Age | None = getattr(eligibility, field)
        written = registry.text(field)
        evidence = next((one for one in eligibility.evidence if one.field == field), None)
        if not (age and written and evidence and age.unit in DAYS):
            continue
        stated, registered = age.value * DAYS[age.unit], read_registered_age(written)
        if not registered or ages_agree(stated, registered):
            continue
        tokens = audited.parsed.sections[evidence.section].tokens
        of_families = rule("names_children").search(tokens) and rule("names_elders").search(tokens)
        if of_families and (stated < _ADULT) is not (registered < _ADULT):
            continue  # one limit is for children and the other for adults
        if _is_plain(audited, field, evidence) and not _is_named(audited, registered):
            yield report(
                FindingKind.AGE_DIFFERS,
                f"the text's {field.replace('_', ' ')} is {age.value} {age.unit}s, the registry's {written}",
                evidence.cite(),
                audited.cite_registry(field),
                field=f"eligibility.{field}",
            )


def _is_plain(audited: AuditedRecord, field: str, evidence: Evidence) -> bool:
    """Whether the text states the limit for everybody, and clearly as this bound."""
    reading = getattr(audited.parsed.eligibility, field)
    elsewhere = evidence.section != "eligibility"  # a summary may refer to some participants only
    if elsewhere or reading.alternatives or reading.value != getattr(audited.extraction.eligibility, field):
        return False
    section = audited.parsed.sections[evidence.section]
    tokens, age = section.tokens, section.between(evidence.start, evidence.end)
    start = _find_item(tokens, age.first)
    if start is None or _stands_among_signs(section, age.first):
        return False
    line_end = tokens.codes.find("\n", age.end)
    end = min(age.end + _REACH, len(tokens) if line_end < 0 else line_end)
    near = min(end, age.end + _NEAR)
    for first, last in ((start, age.first), (age.end, end)):  # another number, or words for some participants
        numbers = any(word[0].isdigit() for word in tokens.words[first:last])
        if numbers or rule("age_of_some").search(tokens, first, last):
            return False
    if tokens.words[age.first - 1] in ("-", "~", "(") and age.first > start:
        return False
    ranged = rule("age_range").search(tokens, age.first, age.end)
    is_bound = ranged or rule(f"bounds_{field}").search(tokens, start, near)
    is_event = rule("age_at_an_event").search(tokens, age.end, end)
    return bool(is_bound and not is_event and rule("about_age").search(tokens, start, near))


def _find_item(tokens: Tokens, at: int) -> int | None:
    """Return the start of the item that holds a token; None if it is too far away."""
    low = max(0, at - _REACH)
    start = next((one + 1 for one in range(at - 1, low - 1, -1) if tokens.words[one] in "\n;:"), None)
    if start is None and low:
        return None
    marker = rule("item_marker").starts(tokens, start or 0, at)
    return marker.end if marker else start or 0


def _stands_among_signs(section: LexedSection, at: int) -> bool:
    """Whether the last line that ends with a colon introduces a list of signs."""
    opening = [line for line in section.lines() if line.end <= at and line.text.endswith(":")]
    return bool(opening) and rule("lists_signs").search(section.tokens, opening[-1].first, opening[-1].end) is not None


def _is_named(audited: AuditedRecord, registered: float) -> bool:
    """Whether a criterion also names the registered age: then the limits differ by cohort."""
    for criterion in audited.extraction.eligibility.criteria:
        for limit in criterion.constraints:
            days = DAYS.get(read_time_unit(limit.unit or "year") or TimeUnit.YEAR, DAYS[TimeUnit.YEAR])
            if any(v is not None and ages_agree(v * days, registered) for v in (limit.value, limit.value_high)):
                return True
    return False


def check_sex(audited: AuditedRecord) -> Problems:
    """Report one sex in the text and another, or both, in the registry."""
    stated, written = audited.extraction.eligibility.sex, (audited.record.registry.sex or "").lower()
    reading = audited.parsed.eligibility.sex
    registered = "all" if written == "both" else written
    if stated is None or reading.alternatives or reading.value is not stated or registered not in set(Sex) - {stated}:
        return
    citations = audited.cite_evidence(audited.extraction.eligibility, "sex")[:1]
    if all(_is_sex_alone(audited, one) for one in citations):
        yield report(
            FindingKind.SEX_DIFFERS,
            f"the text admits {stated}, the registry {registered}",
            *citations,
            audited.cite_registry("sex"),
            field="eligibility.sex",
        )


def _is_sex_alone(audited: AuditedRecord, citation: Citation) -> bool:
    """Whether the line only names the participants, up to the cited words and right after them."""
    section = audited.parsed.sections[citation.section]
    tokens, said = section.tokens, section.between(citation.start, citation.end)
    line = tokens.codes.rfind("\n", 0, said.first) + 1
    opens = rule("opens_line_on_sex").search(tokens.cut(line, said.first))
    goes_on = said.end == len(tokens) or rule("goes_on_after_sex").starts(tokens, said.end)
    return opens is not None and bool(goes_on)


_LONGEST = 120
"""Most characters of a criterion that is one limit; a longer one has other conditions."""
_EMPTY = word_set(
    """
of the and or an at is be in to with for by has have having must should who are was were than least most more less
greater lower higher below above under over between from up equal minimum maximum value values level levels any
either inclusive exceed exceeding older younger old aged age ages patients patient subjects subject participants
participant individuals people all criteria inclusion exclusion screening day days week weeks month months year years
yrs yr
"""
)
_MEASURES = word_set(
    """
    platelet_count absolute_neutrophil_count haemoglobin ecog_performance_status karnofsky bmi creatinine_clearance egfr
    hba1c lvef fev1_percent_predicted life_expectancy body_weight
    """
)
"""Quantities whose meaning does not depend on the words around them."""


class _Limit(NamedTuple):
    """A criterion that is one limit: its lowest and highest value, and whether the finite bound is exclusive."""

    number: int
    criterion: Criterion
    section: LexedSection
    start: int
    low: float
    high: float
    strict: bool


def check_limits(audited: AuditedRecord) -> Problems:
    """Report an inclusion and an exclusion that are each one limit of the same quantity, in the same words.

    Limits in one list that exclude each other apply to different groups, or are alternatives.
    """
    groups: dict[tuple[str, str], list[_Limit]] = defaultdict(list)
    for number, criterion in enumerate(audited.extraction.eligibility.criteria):
        is_limit = len(criterion.constraints) == 1 and len(criterion.quote) <= _LONGEST and not criterion.lead_in
        if not is_limit or not criterion.evidence:
            continue
        if not rule("limits_some").search(read_text(criterion.quote)):
            limit, place = criterion.constraints[0], _find_quote(criterion)
            found = _Limit(number, criterion, audited.parsed.sections[place.section], place.start, *_bounds(limit))
            groups[_name_quantity(criterion, limit)].append(found)
    for (quantity, _), limits in groups.items():
        for one, other in combinations(limits[:_MOST_COMPARED] if quantity else (), 2):
            both = sorted((one, other), key=lambda limit: limit.criterion.kind is CriterionKind.EXCLUSION)
            if one.criterion.kind is other.criterion.kind or not _are_of_everybody(quantity, one, other):
                continue
            severity, message = _compare(*both)
            if severity:
                yield report(
                    FindingKind.LIMITS_CONTRADICT,
                    message,
                    *(cited for limit in both for cited in audited.cite_evidence(limit.criterion, "quote")),
                    severity=severity,
                    field=f"eligibility.criteria[{both[1].number}]",
                )


def _find_quote(criterion: Criterion) -> Evidence:
    return next(one for one in criterion.evidence if one.field == "quote")


def _name_quantity(criterion: Criterion, limit: Constraint) -> tuple[str, str]:
    """Return the limited quantity: all words of the criterion except comparisons, and the unit."""
    unit = read_unit(limit.unit or "") or (limit.unit or "").lower()
    known = name_quantity(limit.quantity, read_unit(limit.unit or ""))
    if known and known.name in _MEASURES and fold_words(limit.quantity) in map(fold_words, known.names):
        return known.name, unit
    tokens = read_text(criterion.quote)
    words = {word.lower() for word in tokens.words if word.isalpha() and len(word) > 1} - _EMPTY
    if not words and rule("limits_an_age").search(tokens):
        words = {"age"}
    return " ".join(sorted(words)), unit


def _bounds(limit: Constraint) -> tuple[float, float, bool]:
    value, comparator = limit.value, limit.comparator
    if comparator in {Comparator.LESS, Comparator.AT_MOST}:
        return -inf, value, comparator is Comparator.LESS
    if comparator in {Comparator.MORE, Comparator.AT_LEAST}:
        return value, inf, comparator is Comparator.MORE
    high = limit.value_high if comparator is Comparator.BETWEEN and limit.value_high is not None else value
    return value, high, False


def _are_of_everybody(quantity: str, one: _Limit, other: _Limit) -> bool:
    """Whether both limits hold for everybody, in one list, and are not ages a year apart ("over 18", "under 19").

    An item may hold for one group only if another item is less indented.
    """
    ends = [[end for end in (limit.low, limit.high) if abs(end) < inf] for limit in (one, other)]
    if quantity == "age" and any(abs(a - b) == 1 for a in ends[0] for b in ends[1]):
        return False
    for _, _, section, start, *_ in (one, other):
        margin = _read_layout(section)[0]
        if margin is None or start - section.raw.rfind("\n", 0, start) - 1 > margin:
            return False
    return _count_headings(one.section, one.start, other.start) <= 1


def _count_headings(section: LexedSection, one: int, other: int) -> int:
    """Count the headings between two places. More than one starts a list for other people."""
    between, headings = section.between(min(one, other), max(one, other)), _read_layout(section)[1]
    return bisect_left(headings, between.end) - bisect_left(headings, between.first)


@lru_cache(maxsize=4)
def _read_layout(section: LexedSection) -> tuple[int | None, list[int]]:
    """The column of the least indented item, and the tokens that begin headings of lists."""
    columns = (line.column for line in read_lines(section) if line.bullet)
    return min(columns, default=None), [found.first for found in rule("list_heading_line").find(section.tokens)]


def _compare(asked: _Limit, barred: _Limit) -> tuple[Severity | None, str]:
    """Decide whether an exclusion excludes everybody an inclusion requires, or some of them.

    It excludes some if it goes further on the same side: ">= 50" required, "< 75" excluded.
    """
    strict = barred.strict and not asked.strict and (barred.low == asked.low or barred.high == asked.high)
    if barred.low <= asked.low and asked.high <= barred.high and not strict:
        return Severity.ERROR, "everybody whom the inclusion asks for is excluded"
    if barred.low == -inf and asked.low != -inf:
        cuts = barred.high > asked.low * ROUNDED
    else:
        cuts = barred.high == inf and asked.high != inf and barred.low * ROUNDED < asked.high
    return Severity.WARNING if cuts else None, "some whom the inclusion admits are excluded"


_SIGNS = " \n.,;:"
_REACH_BEHIND = 200
_SHORTEST = 8
"""Fewest characters of a criterion with a meaning of its own."""


def check_both_lists(audited: AuditedRecord) -> Problems:
    """Report criteria in the same words, under the same introducing line, in both lists."""
    asked: dict[tuple[str, str], Criterion] = {}
    criteria = [(number, one) for number, one in enumerate(audited.extraction.eligibility.criteria) if one.evidence]
    for _, criterion in criteria:
        if criterion.kind is CriterionKind.INCLUSION:
            asked.setdefault(_key(criterion), criterion)
    for number, criterion in criteria:
        same = asked.get(_key(criterion)) if criterion.kind is CriterionKind.EXCLUSION else None
        if same and _is_condition(audited, same, criterion):
            yield report(
                FindingKind.CRITERION_CONTRADICTED,
                "the same condition stands among the inclusion and the exclusion criteria",
                *audited.cite_evidence(same, "quote"),
                *audited.cite_evidence(criterion, "quote"),
                field=f"eligibility.criteria[{number}]",
                severity=Severity.ERROR,
            )


def _key(criterion: Criterion) -> tuple[str, str]:
    return criterion.quote.lower().rstrip(_SIGNS), (criterion.lead_in or "").lower()


def _is_condition(audited: AuditedRecord, asked: Criterion, criterion: Criterion) -> bool:
    """Whether it is a condition on the same people and fills its line: not a heading or a cross-reference."""
    quote = _find_quote(criterion)
    section, tokens = audited.parsed.sections[quote.section], read_text(quote.quote)
    if len(quote.quote) < _SHORTEST or _count_headings(section, _find_quote(asked).start, quote.start) > 1:
        return False
    if rule("names_a_group").starts(tokens, 0) or rule("points_elsewhere").search(tokens):
        return False
    text = section.raw
    rest, _, below = text[quote.end : quote.end + _REACH_BEHIND].partition("\n")
    line = text[text.rfind("\n", 0, quote.start) + 1 : quote.start]
    return not rest.strip(_SIGNS) and not rest.rstrip().endswith(":") and _indent(below.lstrip("\n")) <= _indent(line)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
