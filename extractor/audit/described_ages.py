"""Ages in titles, summary and description, where a sentence says who takes part in this trial."""

from collections.abc import Iterator
from typing import NamedTuple

from extractor.audit.promises import find_sentence
from extractor.audit.record import AuditedRecord, Problems, report
from extractor.concepts.limits.read import find_limits
from extractor.concepts.people.ages import (
    is_age,
    is_doubtful_age,
    is_lifetime,
    is_other_age,
    list_age_bounds,
)
from extractor.concepts.people.registered_ages import (
    AGES,
    DESCRIPTIONS,
    agrees,
    count_days,
    differs,
    read_registered_ages,
)
from extractor.language.book import rule
from extractor.language.passage import LexedSection, Passage
from extractor.schemas import (
    Age,
    Citation,
    CriterionKind,
    Finding,
    FindingKind,
    Task,
)

_TITLES = frozenset({"title", "official_title"})
_NAMES = {
    "title": "title",
    "official_title": "official title",
    "brief_summary": "summary",
    "detailed_description": "description",
}
"""What messages call the sections."""


class DescribedAge(NamedTuple):
    """A limit of age, which is the lowest age of participants if ``lower``, else the highest, and
    the words that state it.
    """

    age: Age
    lower: bool
    place: Passage


class _Expected(NamedTuple):
    """The age in days that a text should state, how a message calls it, and its citations.
    ``place`` is the registered field.
    """

    days: float
    words: str
    citations: tuple[Citation, ...]
    place: str


def check_described_ages(audited: AuditedRecord) -> Problems:
    """Report a title, summary or description whose ages of participants are neither the registered
    ones nor those of the criteria.

    Nothing is reported if the section states the other age, too, be it of whomever, and none if the
    criteria differ from the registry: that is a finding of its own.
    """
    if not audited.has_task(Task.ELIGIBILITY):
        return
    for name in AGES:
        expected = _find_expected(audited, name)
        if expected is None:
            continue
        for section in audited.titles + audited.bodies:
            described = find_described_age(section, name)
            if described is None or not differs(described.age, expected.days):
                continue
            if _names_age(section, expected.days):
                continue
            yield _report(section, name, described, expected)
            break


def _find_expected(audited: AuditedRecord, name: str) -> _Expected | None:
    """Return the registered age, else that of the criteria; None if there is neither, or if they
    differ.
    """
    registered = read_registered_ages(audited.record.registry)[name]
    eligibility = audited.extraction.eligibility
    extracted: Age | None = getattr(eligibility, name)
    if differs(extracted, registered):
        return None
    place = f"registry.{name}"
    if registered is not None:
        written = audited.record.registry.text(name)
        if written is None:
            return _Expected(registered, "the registry has none", (), place)
        cited = (audited.cite_registry(name),)
        return _Expected(registered, f"the registry's {written}", cited, place)
    if extracted is None:
        return None
    citations = audited.cite_evidence(eligibility, name)[:1]
    if any(citation.section in DESCRIPTIONS for citation in citations):
        return None
    words = f"that of the criteria {extracted}s"
    return _Expected(count_days(extracted), words, citations, place)


def _report(
    section: LexedSection, name: str, described: DescribedAge, expected: _Expected
) -> Finding:
    """Build a finding from an age in a section and the ``expected`` one."""
    start, end = described.place.raw_span
    said = f"the {_NAMES[section.name]}'s {name.replace('_', ' ')} is {described.age}s"
    quote = Citation(
        section=section.name, start=start, end=end, quote=section.raw[start:end]
    )
    return report(
        FindingKind.AGE_DIFFERS,
        f"{said}, {expected.words}",
        quote,
        *expected.citations,
        field=f"eligibility.{name}",
        sections=() if expected.citations else (expected.place,),
    )


def _names_age(section: LexedSection, days: float) -> bool:
    """Return whether any sentence of a section states an age of so many ``days``."""
    for sentence in _list_sentences(section):
        for stated in _read_sentence(sentence):
            if agrees(stated.age, days):
                return True
    return False


def find_described_age(section: LexedSection, name: str) -> DescribedAge | None:
    """Return the lowest or the highest age of participants that a section states, by the ``name``
    of its field; None if it states none.

    >>> from extractor.language.passage import read_section
    >>> text = "Twenty adults aged 18-55 will be enrolled. Asthma begins at age 5 to 9 years."
    >>> described = find_described_age(
    ...     read_section("brief_summary", text), "maximum_age"
    ... )
    >>> described.age.value, described.place.text
    (55, '18-55')
    """
    is_lower = name == AGES[0]
    of_side = [
        described
        for described in _list_described_ages(section)
        if described.lower is is_lower
    ]
    if not of_side:
        return None
    choose = min if is_lower else max
    return choose(of_side, key=lambda described: count_days(described.age))


def _list_described_ages(section: LexedSection) -> Iterator[DescribedAge]:
    """Yield the ages in those sentences of a section that say who takes part in this trial; none if
    parts of the trial have ages of their own.
    """
    if rule("parted_by_age").search(section.tokens):
        return
    for sentence in _list_sentences(section):
        if _says_who_takes_part(sentence):
            yield from _read_sentence(sentence)


def _list_sentences(section: LexedSection) -> Iterator[Passage]:
    """Yield the sentences of a section that speak of an age."""
    tokens = section.tokens
    passed = 0
    for talk in rule("age_of_participants").find(tokens):
        if talk.first < passed:
            continue
        first, passed = find_sentence(tokens, talk.first, talk.end)
        yield Passage(section, first, passed)


def _says_who_takes_part(sentence: Passage) -> bool:
    """Return whether a sentence, or a title, is of all participants of this trial."""
    if sentence.search("ages_otherwise"):
        return False
    if sentence.section.name in _TITLES:
        return sentence.search("persons") is not None
    return sentence.search("says_who_enters") is not None


def _read_sentence(sentence: Passage) -> Iterator[DescribedAge]:
    """Yield the ages of people that a sentence states; none if it states several of an end."""
    alone = sentence.alone()
    tokens = alone.tokens
    described: list[DescribedAge] = []
    for limit in find_limits(tokens, CriterionKind.INCLUSION):
        if not is_age(tokens, limit) or is_lifetime(tokens, limit):
            continue
        if not limit.sure or is_other_age(tokens, limit):
            continue
        if is_doubtful_age(tokens, limit):
            continue
        place = alone.part(limit.first, limit.end)
        for age, lower in list_age_bounds(tokens, limit, admits=True):
            described.append(DescribedAge(age, lower, place))
    sides = [age.lower for age in described]
    if len(sides) == len(set(sides)):
        yield from described
