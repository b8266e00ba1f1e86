"""Read criteria in the sentences of a text that comes from no registry, such as an abstract.

"Exclusion criteria were pregnancy and a stroke. Women with asthma were randomly assigned." A
sentence that lists criteria, or says who was excluded, is cut into its parts; the words that name
those who take part are one criterion. All of them are doubted. What only a title or an aim says of
people counts where no other sentence does.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from extractor.concepts.criteria.lists import CriterionEntry
from extractor.concepts.places import DESCRIPTIONS
from extractor.language.book import rule
from extractor.language.passage import LexedSections, Passage, strip_span
from extractor.language.patterns import RuleMatch
from extractor.outline.enumerations import split_enumeration
from extractor.outline.roles import Role, Sentence, read_roles
from extractor.schemas import CriterionKind

_LIST = "list in a sentence"
_EXCLUSION = "exclusion in a sentence"
_POPULATION = "people of a sentence"
_LABELLED = "people behind a label"
_IN_PASSING = "people in passing"
"""The features of an entry by the way in which its sentence states it."""
NAMES_PEOPLE = (_POPULATION, _LABELLED, _IN_PASSING)
"""The features of an entry that names those who took part."""
_OPENINGS = {
    "opens_inclusion_list": (CriterionKind.INCLUSION, _LIST),
    "opens_exclusion_list": (CriterionKind.EXCLUSION, _LIST),
    "opens_exclusion": (CriterionKind.EXCLUSION, _EXCLUSION),
    "opens_inclusion": (CriterionKind.INCLUSION, _LIST),
}
"""The rules for the words before criteria, with the kind of these criteria and their feature."""
_OPENS_LIST = ("opens_inclusion_list", "opens_exclusion_list")
"""Those of the rules whose criteria are a list: "and" divides two of them."""
_NOT_STATING = (Role.ANALYSIS, Role.RESULTS, Role.OUTCOMES, Role.INTERVENTIONS)
_MOST_WORDS = 80
"""Maximum number of tokens in a criterion that a sentence states."""
_ABSTRACT = 4
"""Minimum number of sentences in a text whose title tells who takes part, if no sentence does."""
_ALIKE = 0.6
"""Share of words from which people are those of an earlier sentence."""
_SHORTEST_WORD = 4
"""Minimum number of characters in a word that tells people from others."""
BORDERS = 0.79
"""The probability that a part of a sentence is one whole criterion, which no value of it exceeds.
Chosen by hand: a value that a sentence states is never sure.
"""
_EDGES = " .,;:\n"


@dataclass(frozen=True, slots=True)
class _Found:
    """Words that state a criterion."""

    words: Passage
    kind: CriterionKind
    case: str


def find_in_prose(
    descriptions: Sequence[Passage], titles: Sequence[Passage]
) -> Iterator[CriterionEntry]:
    """Yield the criteria that the sentences of a text state, in order.

    >>> from extractor.language.passage import read_section
    >>> text = "We enrolled adults with asthma. Exclusion criteria were a stroke and pregnancy."
    >>> section = read_section("detailed_description", text)
    >>> [entry.passage.text for entry in find_in_prose([section.whole], [])]
    ['adults with asthma', 'a stroke', 'pregnancy']
    """
    sentences: list[Sentence] = []
    for description in descriptions:
        sentences += read_roles(description)
    found: list[_Found] = []
    for sentence in sentences:
        found += _read_sentence(sentence)
    if not any(each.kind is CriterionKind.INCLUSION for each in found):
        found = [*_read_in_passing(sentences), *found]
    if not found and len(sentences) >= _ABSTRACT:
        found = list(_read_title(titles))
    yield from _make_entries(found)


def find_people_words(sections: LexedSections) -> Passage | None:
    """Return the first sentence of the descriptions that speaks of who takes part, or None."""
    for name in DESCRIPTIONS:
        if name not in sections:
            continue
        for sentence in read_roles(sections[name].whole):
            if sentence.role in (Role.BACKGROUND, *_NOT_STATING):
                continue
            if sentence.passage.search("speaks_of_people"):
                return sentence.passage
    return None


def _make_entries(found: Sequence[_Found]) -> Iterator[CriterionEntry]:
    """Yield the entries of what was found, without people whom an earlier sentence names."""
    seen: set[str] = set()
    people: list[set[str]] = []
    for each in found:
        words = each.words
        is_too_long = words.end - words.first > _MOST_WORDS
        if words.first >= words.end or is_too_long or words.text in seen:
            continue
        if each.case in NAMES_PEOPLE:
            of_people = list_long_words(words)
            if any(are_alike(of_people, others) for others in people):
                continue
            people.append(of_people)
        seen.add(words.text)
        yield CriterionEntry(
            words.alone(), each.kind, listed=False, case=each.case, borders=BORDERS
        )


def list_long_words(words: Passage) -> set[str]:
    """Return the words by which descriptions of people are compared."""
    return {
        word.lower()
        for word in words.tokens.words[words.first : words.end]
        if len(word) >= _SHORTEST_WORD
    }


def are_alike(words: set[str], others: set[str]) -> bool:
    """Return whether most words of the shorter one of two descriptions are in the other one."""
    shortest = min(len(words), len(others))
    return shortest > 0 and len(words & others) >= _ALIKE * shortest


def _read_sentence(sentence: Sentence) -> Iterator[_Found]:
    """Yield the criteria of a sentence."""
    if sentence.role in _NOT_STATING:
        return
    passage = sentence.passage
    openings = _find_openings(passage)
    closing = passage.search("closes_exclusion")
    if closing is None and passage.search("were_included"):
        closing = passage.search("were_not")
    if openings:
        yield from _read_behind(passage, openings)
    elif closing:
        first = _find_clause(passage, closing.first)
        # "Adults with asthma were included; those with diabetes were excluded."
        before = passage.part(passage.first, first)
        if before.search("takes_part_in_trial"):
            yield from _read_people(replace(sentence, passage=before))
        words = passage.part(first, closing.first)
        for part in split_enumeration(words, cuts_pair=False):
            yield _Found(part, CriterionKind.EXCLUSION, _EXCLUSION)
    elif sentence.role is not Role.BACKGROUND or _tells_course(passage):
        yield from _read_people(sentence)


def _tells_course(passage: Passage) -> bool:
    """Return whether a sentence behind an aim tells the course of this trial."""
    if passage.search("trial_takes_by_lot"):
        return True
    if passage.search("other_studies"):
        return False
    return passage.search("were_included") is not None


class _Opening(NamedTuple):
    """Words before criteria, with the name of their rule."""

    name: str
    words: RuleMatch


def _find_openings(passage: Passage) -> list[_Opening]:
    """Return the words that open criteria, in order."""
    openings: list[_Opening] = []
    for name in _OPENINGS:
        found = rule(name).find(passage.tokens, passage.first, passage.end)
        openings += [_Opening(name, words) for words in found]
    openings.sort(key=lambda opening: opening.words.first)
    return openings


def _read_behind(passage: Passage, openings: Sequence[_Opening]) -> Iterator[_Found]:
    """Yield the criteria behind each opening: up to the next one."""
    # "We enrolled adults with asthma and excluded smokers"
    before = passage.part(passage.first, openings[0].words.first)
    yield from _find_people_before(before)
    ends = [opening.words.first for opening in openings[1:]]
    for opening, end in zip(openings, [*ends, passage.end], strict=True):
        kind, case = _OPENINGS[opening.name]
        words = trim_criterion(passage.part(opening.words.end, end))
        closing = words.search("closes_exclusion")
        if closing:
            words = words.part(words.first, closing.first)
        # "Eligible patients were men and women with gout" names one group of people
        is_list = opening.name in _OPENS_LIST
        for part in split_enumeration(words, cuts_pair=is_list):
            yield _Found(part, kind, case)


def _find_people_before(words: Passage) -> Iterator[_Found]:
    taken = words.search("trial_takes")
    if taken:
        people = _cut_people(words.part(taken.end, words.end))
        if people:
            yield _Found(people, CriterionKind.INCLUSION, _POPULATION)


def _read_people(sentence: Sentence) -> Iterator[_Found]:
    """Yield the people whom a sentence says to take part."""
    passage = sentence.passage
    if sentence.role is Role.PEOPLE and sentence.follows_label:
        people = _cut_people(passage)
        if people:
            yield _Found(people, CriterionKind.INCLUSION, _LABELLED)
        return
    taken = passage.search("trial_takes")
    if taken:
        people = _cut_people(passage.part(taken.end, passage.end))
        if people:
            yield _Found(people, CriterionKind.INCLUSION, _POPULATION)
            return
    people = None
    takes_part = passage.search("takes_part_in_trial")
    if takes_part:
        people = _cut_people(passage.part(passage.first, takes_part.first))
    if people:
        yield _Found(people, CriterionKind.INCLUSION, _POPULATION)
    elif takes_part and passage.search("speaks_of_trial_in_prose"):
        yield from _find_named(passage)


def _read_in_passing(sentences: Sequence[Sentence]) -> Iterator[_Found]:
    """Yield the people whom sentences about the trial name: those of whom most is said, or the
    first of them.
    """
    about: list[Sentence] = []
    for sentence in sentences:
        if sentence.role in _NOT_STATING:
            continue
        if not sentence.passage.search("speaks_of_trial_in_prose"):
            continue
        # the people of an endpoint are only those whom it counts
        if sentence.passage.search("names_endpoint"):
            continue
        about.append(sentence)
    # sentences about the trial itself come first
    about.sort(key=_rate_sentence)
    found: list[_Found] = []
    for sentence in about:
        found += _find_named(sentence.passage)
    for each in found:
        if each.words.search("states_of_people"):
            yield each
            return
    yield from found[:1]


def _rate_sentence(sentence: Sentence) -> tuple[bool, bool]:
    """Return a key by which sentences about the trial itself come first."""
    is_other = sentence.passage.search("speaks_of_this_trial") is None
    return sentence.role is Role.BACKGROUND, is_other


def _read_title(titles: Sequence[Passage]) -> Iterator[_Found]:
    """Yield the people of a title or, if it names none, its disease."""
    for title in titles:
        people = list(_find_named(title))
        if people:
            yield from people
            return
    for title in titles:
        named = title.search("disease_of_title")
        if named:
            disease = title.part(*named.place("disease"))
            yield _Found(disease, CriterionKind.INCLUSION, _IN_PASSING)
            return


def _find_named(passage: Passage) -> Iterator[_Found]:
    """Yield the people in "This study evaluated the drug in patients with asthma."."""
    for match in rule("before_people").find(passage.tokens, passage.first, passage.end):
        people = _cut_people(passage.part(match.end, passage.end))
        if people and people.first == match.end:
            yield _Found(people, CriterionKind.INCLUSION, _IN_PASSING)
            return


def _cut_people(words: Passage) -> Passage | None:
    """Return the words that name people and say who they are; None if they do not say it."""
    tokens = words.tokens
    named = rule("people_and_words_before").search(tokens, words.first, words.end)
    if named is None:
        return None
    if rule("is_no_population").ends(tokens, named.first, words.first):
        return None
    if rule("is_no_population").starts(tokens, named.first, named.end):
        return None
    end = words.end
    for stop in rule("ends_people").find(tokens, named.end, words.end):
        before = tokens.codes[named.first : stop.first]
        # outside brackets: "patients (aged 5 to 17, who completed part 1) were dosed"
        if before.count("(") == before.count(")"):
            end = stop.first
            break
    people = trim_criterion(words.part(named.first, end))
    codes = tokens.codes[people.first : people.end]
    is_cut = codes.count("(") != codes.count(")")
    if is_cut or people.search("tells_result"):
        return None
    behind = people.part(min(named.end, people.end), people.end)
    says_who = behind.search("states_of_people")
    if says_who or people.search("described_people"):
        return people
    return None


def _find_clause(passage: Passage, end: int) -> int:
    """Return the first token of the clause that ends before token ``end``: behind a semicolon, or
    behind "while" if those before it take part.
    """
    codes = passage.tokens.codes
    for at in range(end - 1, passage.first, -1):
        if codes[at] == ";":
            return at + 1
    for turn in rule("turns_to_others").find(passage.tokens, passage.first, end):
        before = passage.part(passage.first, turn.first)
        if before.search("takes_part_in_trial"):
            return turn.end
    return passage.first


def trim_criterion(words: Passage) -> Passage:
    """Return words without signs, "and" and "who" at their ends."""
    codes = words.tokens.codes
    first, end = strip_span(codes, words.first, words.end, _EDGES)
    while first < end and (
        match := rule("opens_next_clause").ends(words.tokens, end, first)
    ):
        first, end = strip_span(codes, first, match.first, _EDGES)
    return words.part(first, end)
