"""Compare ages and sex with the registered ones, and find criteria that contradict each other."""

from bisect import bisect_left
from collections import defaultdict
from functools import lru_cache
from itertools import combinations
from math import inf
from typing import NamedTuple

from extractor.audit.record import AuditedRecord, Problems, report
from extractor.concepts.criteria.lines import read_lines
from extractor.concepts.limits.quantity_names import fold_words, name_quantity
from extractor.concepts.people.registered_ages import (
    AGES,
    ROUNDED,
    count_days,
    differs,
    read_registered_ages,
)
from extractor.evidence.drafts import Reading
from extractor.language.book import rule, word_list
from extractor.language.lexer import Tokens
from extractor.language.passage import LexedSection
from extractor.language.units import read_unit
from extractor.schemas import (
    Age,
    Citation,
    Comparator,
    Constraint,
    Criterion,
    CriterionKind,
    Eligibility,
    FindingKind,
    GroupRule,
    Severity,
    Sex,
)

_MOST_COMPARED = 20
"""The most limits of one quantity that are compared with each other, so that time stays linear."""


def check_ages(audited: AuditedRecord) -> Problems:
    """Report ages that differ by more than a year (a month for infants) from the registered, and
    impossible ones.

    A text's age that is not plainly that of participants is not extracted; its finding is for
    information. An age under a condition is not that of all.
    """
    eligibility = audited.extraction.eligibility
    registered = read_registered_ages(audited.record.registry)
    readings: dict[str, Reading[Age | None]] = {
        name: audited.parsed.whole.read(name) for name in AGES
    }
    low, high = (reading.value for reading in readings.values())
    crossed = low and high and count_days(low) >= count_days(high)
    for name, reading in readings.items():
        age: Age | None = getattr(eligibility, name)
        field = f"eligibility.{name}"
        severity = Severity.WARNING
        ending = ""
        citations = audited.cite_evidence(eligibility, name)[:1]
        if age is None:
            if reading.spans:
                age = reading.value if crossed else next(iter(reading.alternatives), None)
            citations = tuple(
                audited.cite_raw(one.section, one.start, one.end) for one in reading.spans[:1]
            )
            severity = Severity.INFO
            ending = "; it is not plainly that of all participants, so it is not taken"
        if age is None or _is_of_some(eligibility, age):
            continue
        said = f"the text's {name.replace('_', ' ')} is {age.value} {age.unit}s"
        if crossed and not getattr(eligibility, name):
            message = f"{said}; the ages of the text leave nobody, so it is not taken"
            yield report(FindingKind.LIMITS_CONTRADICT, message, *citations, field=field)
        elif differs(age, registered[name]):
            written = audited.record.registry.text(name)
            citations += (audited.cite_registry(name),) if written else ()
            other = f"the registry's {written}" if written else "the registry has none"
            message = f"{said}, {other}{ending}"
            yield report(
                FindingKind.AGE_DIFFERS, message, *citations, field=field, severity=severity
            )


def _is_of_some(eligibility: Eligibility, age: Age) -> bool:
    """Return whether an age limits only some participants: "at least 18 years (men) and 21 years
    (women)".
    """
    limits = (limit for criterion in eligibility.criteria for limit in criterion.constraints)
    return any(
        one.condition and one.unit == age.unit and age.value in (one.value, one.value_high)
        for one in limits
    )


def check_sex(audited: AuditedRecord) -> Problems:
    """Report one sex in the text and another, or both, in the registry."""
    stated = audited.extraction.eligibility.sex
    registered = (audited.record.registry.sex or "").lower()
    reading = audited.parsed.whole.read("sex")
    if (
        stated is None
        or reading.alternatives
        or reading.value is not stated
        or registered not in set(Sex) - {stated}
    ):
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
    """Return whether the line only names the participants, up to the cited words and right after
    them.
    """
    section = audited.parsed.sections[citation.section]
    tokens = section.tokens
    said = section.between(citation.start, citation.end)
    line = tokens.codes.rfind("\n", 0, said.first) + 1
    opens = rule("opens_line_on_sex").search(tokens.cut(line, said.first))
    goes_on = said.end == len(tokens) or rule("goes_on_after_sex").starts(tokens, said.end)
    return opens is not None and bool(goes_on)


_LONGEST = 120
"""Most characters of a criterion that is one limit; a longer one has other conditions."""


class _Limit(NamedTuple):
    """A criterion that is one limit: its lowest and highest value, and whether the finite bound
    is exclusive.
    """

    number: int
    criterion: Criterion
    section: LexedSection
    start: int
    low: float
    high: float
    strict: bool


def check_limits(audited: AuditedRecord) -> Problems:
    """Report an inclusion and an exclusion that are each one limit of the same quantity, in the
    same words.

    Limits in one list that exclude each other apply to different people, or are alternatives, as
    those of a group are; one with a condition does not apply to everybody.
    """
    groups: dict[tuple[str, str], list[_Limit]] = defaultdict(list)
    for number, criterion in enumerate(audited.extraction.eligibility.criteria):
        is_limit = len(criterion.constraints) == 1 and len(criterion.quote) <= _LONGEST
        is_limit = is_limit and not criterion.constraints[0].condition
        if not is_limit or not criterion.evidence or criterion.lead_in or criterion.group:
            continue
        tokens = audited.read(criterion, "quote")
        if not rule("limits_some").search(tokens):
            limit = criterion.constraints[0]
            place = criterion.evidence_for("quote")[0]
            found = _Limit(
                number,
                criterion,
                audited.parsed.sections[place.section],
                place.start,
                *_bounds(limit),
            )
            groups[_name_quantity(tokens, limit)].append(found)
    for (quantity, _), limits in groups.items():
        for one, other in combinations(limits[:_MOST_COMPARED] if quantity else (), 2):
            both = sorted(
                (one, other), key=lambda limit: limit.criterion.kind is CriterionKind.EXCLUSION
            )
            if one.criterion.kind is other.criterion.kind or not _are_of_everybody(
                quantity, one, other
            ):
                continue
            severity, message = _compare(*both)
            if severity:
                yield report(
                    FindingKind.LIMITS_CONTRADICT,
                    message,
                    *(
                        cited
                        for limit in both
                        for cited in audited.cite_evidence(limit.criterion, "quote")
                    ),
                    severity=severity,
                    field=f"eligibility.criteria[{both[1].number}]",
                )


def _name_quantity(tokens: Tokens, limit: Constraint) -> tuple[str, str]:
    """Return the limited quantity: all words of the criterion's tokens except comparisons, and
    the unit.
    """
    unit = read_unit(limit.unit or "") or (limit.unit or "").lower()
    known = name_quantity(limit.quantity, read_unit(limit.unit or ""))
    if (
        known
        and known.name in word_list("measures_alone")
        and fold_words(limit.quantity) in map(fold_words, known.names)
    ):
        return known.name, unit
    words = {word.lower() for word in tokens.words if word.isalpha() and len(word) > 1} - word_list(
        "words_of_limits"
    )
    if not words and rule("limits_an_age").search(tokens):
        words = {"age"}
    return " ".join(sorted(words)), unit


def _bounds(limit: Constraint) -> tuple[float, float, bool]:
    value = limit.value
    comparator = limit.comparator
    if comparator in {Comparator.LESS, Comparator.AT_MOST}:
        return -inf, value, comparator is Comparator.LESS
    if comparator in {Comparator.MORE, Comparator.AT_LEAST}:
        return value, inf, comparator is Comparator.MORE
    high = (
        limit.value_high
        if comparator is Comparator.BETWEEN and limit.value_high is not None
        else value
    )
    return value, high, False


def _are_of_everybody(quantity: str, one: _Limit, other: _Limit) -> bool:
    """Whether both limits hold for everybody, in one list, and are not ages a year apart ("over
    18", "under 19").

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
    between = section.between(min(one, other), max(one, other))
    headings = _read_layout(section)[1]
    return bisect_left(headings, between.end) - bisect_left(headings, between.first)


@lru_cache(maxsize=4)
def _read_layout(section: LexedSection) -> tuple[int | None, list[int]]:
    """Return the column of the least indented item, and the tokens that begin headings of lists."""
    columns = (line.column for line in read_lines(section) if line.bullet)
    return min(columns, default=None), [
        found.first for found in rule("list_heading_line").find(section.tokens)
    ]


def _compare(asked: _Limit, barred: _Limit) -> tuple[Severity | None, str]:
    """Decide whether an exclusion excludes everybody an inclusion requires, or some of them.

    It excludes some if it goes further on the same side: ">= 50" required, "< 75" excluded.
    """
    strict = (
        barred.strict
        and not asked.strict
        and (barred.low == asked.low or barred.high == asked.high)
    )
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
    """Report criteria in the same words, under the same introducing line, in both lists.
    Alternatives do not count.
    """
    asked: dict[tuple[str, str], Criterion] = {}
    eligibility = audited.extraction.eligibility
    chosen = {group.id for group in eligibility.groups if group.rule is not GroupRule.ALL}
    criteria = [(number, one) for number, one in enumerate(eligibility.criteria) if one.evidence]
    for _, criterion in criteria:
        if criterion.kind is CriterionKind.INCLUSION and criterion.group not in chosen:
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
    """Return whether it is a condition on the same people and fills its line: not a heading or a
    cross-reference.
    """
    quote = criterion.evidence_for("quote")[0]
    section = audited.parsed.sections[quote.section]
    tokens = audited.read(criterion, "quote")
    if (
        len(quote.quote) < _SHORTEST
        or _count_headings(section, asked.evidence_for("quote")[0].start, quote.start) > 1
    ):
        return False
    if rule("names_a_group").starts(tokens, 0) or rule("points_elsewhere").search(tokens):
        return False
    text = section.raw
    rest, _, below = text[quote.end : quote.end + _REACH_BEHIND].partition("\n")
    line = text[text.rfind("\n", 0, quote.start) + 1 : quote.start]
    return (
        not rest.strip(_SIGNS)
        and not rest.rstrip().endswith(":")
        and _indent(below.lstrip("\n")) <= _indent(line)
    )


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
