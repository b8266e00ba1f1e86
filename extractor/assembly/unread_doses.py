"""Report the doses of a record that no regimen contains, and the regimens with a number that is
in no value.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from typing import TypeAlias

from extractor.assembly.findings import cite, inform
from extractor.concepts.criteria.unheaded import list_sentences
from extractor.concepts.doses.amounts import (
    find_amounts,
    find_bounds,
    is_portion,
    list_other_amounts,
)
from extractor.concepts.doses.marks import Mark, list_beginning
from extractor.concepts.doses.sections import find_marks
from extractor.concepts.doses.whom import DosedPeople, list_people
from extractor.concepts.places import GROUPS_OF_DOSES
from extractor.evidence.drafts import place_of, span_of
from extractor.evidence.parsed import ParsedRecord, is_touched, sort_places
from extractor.language.book import read_text, rule
from extractor.language.lexer import NUMBER, Range, Tokens, cover
from extractor.language.passage import Passage
from extractor.language.patterns import RuleMatch
from extractor.language.values import group_pairs
from extractor.schemas import (
    AbsenceReason,
    Amount,
    Finding,
    FindingKind,
    Frequency,
    Regimen,
)

# Chosen by hand.
_CUE_REACH = 10
"""Number of tokens around an amount that are searched for words about supply or preparation."""
# Chosen by hand.
_BESIDE = 4
"""Number of tokens after the name of an agent that are searched for unread numbers."""
# Chosen by hand.
_LONG_SENTENCE = 200
"""Number of tokens from which a sentence with an unread dose is not cited as a whole."""
_SEVERAL = 2
"""Minimum number of amounts of a sentence that those for whom they are tell apart."""
# Chosen by hand.
_STEP_BEHIND = 8
"""Number of tokens behind the words for a further step that are searched for its amount."""
_DOSE = "these words look like a dose that no regimen contains"
_MOST = "words for the most that may be given are in no regimen"
_WHOM = "words for whom a dose is are in no regimen"
_STEP = "words that begin a further step are in no regimen"
_PART = "a rhythm, a length or a time beside a dose is in no regimen"
_ANY_AGENT = ("",)
_NAME_START = re.compile(r"\b\w|[^\w\s]")
"""Where the name of an agent may begin."""
_Unread: TypeAlias = tuple[str | None, AbsenceReason]
"""The field to which unread words may belong, and the reason why it is empty."""
_PARTS = ("frequency", "days", "duration", "part", "step", "timing", "maximum")
"""The fields of marks that may be a part of a dose."""


def find_unread_doses(
    parsed: ParsedRecord, regimens: Sequence[Regimen]
) -> Iterator[Finding]:
    """Yield a finding for each dose in arms and interventions that is not in any regimen, once per
    number and unit, or in a sentence of prose that gives an agent, and for each rhythm, length or
    time in its sentence that no regimen has.

    Amounts supplied or prepared, volumes without a strength, numbers of pieces, and concentrations
    are not treated as doses.
    """
    reported = _list_levels(
        amount for regimen in regimens for amount in regimen.amounts
    )
    known = _list_known(regimens)
    quoted = _list_quoted(regimens)
    for sentence in _list_sentences(parsed):
        tokens = sentence.tokens
        for mark in (*find_amounts(tokens), *find_bounds(tokens)):
            place = span_of(sentence.part_at(mark))
            levels = _list_levels(mark.value)
            # a dose that is stated again, or in a quote, was read
            is_known = levels <= reported or is_touched(place, quoted)
            if is_known:
                continue
            if not _is_given(mark, sentence):
                continue
            reported |= levels
            near = span_of(sentence)
            if len(tokens) > _LONG_SENTENCE:
                near = place
            cited = cite(parsed, near)
            yield inform(FindingKind.DOSE_UNREAD, "dosing", _DOSE, cited)
        for mark in _list_parts(sentence):
            place = span_of(sentence.part_at(mark))
            if mark.value in known:
                continue
            if is_touched(place, quoted):
                continue
            known.add(mark.value)
            cited = cite(parsed, place)
            yield inform(FindingKind.DOSE_UNREAD, "dosing", _PART, cited)
        for joint in _list_steps(tokens):
            place = span_of(sentence.part_at(joint))
            if is_touched(place, quoted):
                continue
            cited = cite(parsed, place)
            yield inform(FindingKind.DOSE_UNREAD, "dosing", _STEP, cited)
        for words, message in _list_qualifiers(tokens):
            place = span_of(sentence.part_at(words))
            if is_touched(place, quoted):
                continue
            cited = cite(parsed, place)
            yield inform(FindingKind.DOSE_UNREAD, "dosing", message, cited)


def _list_steps(tokens: Tokens) -> Iterator[RuleMatch]:
    """Yield the words that begin a further step behind a dose and state no amount, as "then half
    the dose" or "with a gradual taper" do.
    """
    amounts = find_amounts(tokens)
    if not amounts:
        return
    for words in rule("further_step").find(tokens, amounts[0].end):
        # "then increased to a dose of 10 mg" has an amount, which is read or reported
        if not list_beginning(amounts, words.end, words.end + _STEP_BEHIND):
            yield words


def _list_qualifiers(
    tokens: Tokens,
) -> Iterator[tuple[Mark | DosedPeople | RuleMatch, str]]:
    """Yield the words of a sentence for the most that may be given and, if the sentence states
    several amounts, for whom they are, with what a finding says of them.
    """
    for words in rule("most_doses").find(tokens):
        yield words, _MOST
    for mark in list_other_amounts(tokens):
        if _is_most(tokens, mark):
            yield mark, _MOST
    amounts = find_amounts(tokens)
    are_several = len({mark.value for mark in amounts}) >= _SEVERAL
    for _, people in list_people(tokens, [(0, len(tokens))], amounts):
        # "200 or 400 mg (<50 kg, >50 kg)", but not "200 or 400 mg in adults"
        if not are_several and len(people) < _SEVERAL:
            continue
        # two limits in one bracket are the same words
        for one in dict.fromkeys(people):
            yield one, _WHOM


def _is_most(tokens: Tokens, mark: Mark) -> bool:
    """Return whether the words before an amount call it the most that is given: "up to the maximum
    tolerated dose of 10 mg".
    """
    return any(
        rule(name).ends(tokens, mark.first) is not None
        for name in ("maximum_words", "maximum_before")
    )


def _list_known(regimens: Iterable[Regimen]) -> set[object]:
    """Return the rhythms, lengths and times of regimens; a single dose is never unread."""
    known: set[object] = {Frequency.ONCE, None}
    for regimen in regimens:
        times = find_marks(read_text(regimen.timing or ""))
        known.update(regimen.maximum)
        known |= {regimen.frequency, regimen.duration, regimen.cycle}
        known.update(mark.value for mark in times)
    return known


def _list_parts(sentence: Passage) -> list[Mark]:
    """Return the rhythms, lengths and times in a sentence that states a dose."""
    if not find_amounts(sentence.tokens):
        return []
    return [mark for mark in find_marks(sentence.tokens) if mark.field in _PARTS]


def list_unread_fields(
    parsed: ParsedRecord, regimens: Sequence[Regimen]
) -> Iterator[tuple[str, AbsenceReason]]:
    """Yield the paths of the fields of regimens that may have been missed, with the reason: a
    section of the regimen has words that are in no value, with a number, such as "5 squirts" or
    "for six moons", or without, such as "daily" or "by mouth". If there are no regimens, yield
    ``dosing`` if a number that may be an amount follows the name of an intervention in an arm or an
    intervention.
    """
    unread = defaultdict[tuple[str, str], set[_Unread]](set)
    for section, named, found in _find_unread_words(parsed, regimens):
        # a sentence that names only other agents is about them
        for agent in named or _ANY_AGENT:
            unread[section, agent] |= found
    reasons = {
        (f"dosing[{number}].{field}", reason)
        for number, regimen in enumerate(regimens)
        for section in {piece.section for piece in regimen.evidence}
        for agent in (*_ANY_AGENT, regimen.agent.casefold())
        for field, reason in unread[section, agent]
    }
    # the last reason of a field counts: "unread_number" comes behind "ambiguous"
    yield from sorted(reasons)
    if regimens:
        return
    is_told = next(find_unread_doses(parsed, ()), None) is not None
    if is_told or _has_unread_dose(parsed):
        yield "dosing", AbsenceReason.UNREAD_NUMBER


def _find_unread_words(
    parsed: ParsedRecord, regimens: Sequence[Regimen]
) -> Iterator[tuple[str, Collection[str], Set[_Unread]]]:
    """Yield the sentences with words about doses that are in no value: the section, the agents that
    the sentence names, and the fields to which such words may belong.
    """
    quoted = _list_quoted(regimens)
    known = _join_quotes(regimens)
    lengths = group_pairs({(agent[:1], len(agent)) for agent in known})
    for sentence in _list_sentences(parsed):
        found = [*_find_words(sentence.tokens)]
        if not found:
            continue
        named = _find_agents(sentence.text.casefold(), known, lengths)
        # what another arm states again was read, and so was the 3 of "3TC"
        read_again = [known[agent] for agent in named]
        unread = set[_Unread]()
        for words in found:
            if is_touched(span_of(sentence.part_at(words)), quoted):
                continue
            written = words.text.casefold()
            if any(written in quotes for quotes in read_again):
                continue
            has_number = NUMBER in sentence.tokens.codes[words.first : words.end]
            reason = AbsenceReason.AMBIGUOUS
            if has_number:
                reason = AbsenceReason.UNREAD_NUMBER
            unread.add((words.match.lastgroup, reason))
        if unread:
            yield sentence.section.name, named, unread


def _join_quotes(regimens: Sequence[Regimen]) -> Mapping[str, str]:
    """Return the quotes of the values of each agent, on lines of one text."""
    quotes = defaultdict[str, list[str]](list)
    for regimen in regimens:
        of_agent = quotes[regimen.agent.casefold()]
        for piece in regimen.evidence:
            if piece.field != "quote":
                of_agent.append(piece.quote.casefold())
    return {agent: "\n".join(of_agent) for agent, of_agent in quotes.items()}


def _find_agents(
    text: str, known: Collection[str], lengths: Mapping[str, Collection[int]]
) -> Set[str]:
    """Return the known agents that a text names. ``lengths`` has the lengths of the names that
    begin with a letter, so that the text is read once for all names.
    """
    named = set[str]()
    for start in _NAME_START.finditer(text):
        at = start.start()
        for length in lengths.get(text[at], ()):
            name = text[at : at + length]
            if name in known:
                named.add(name)
    return named


def _find_words(tokens: Tokens) -> Iterator[RuleMatch]:
    """Yield the words that may state a field of a regimen, and whose part has its name. A number is
    no amount if it is only a label such as "cohort 2", a part of a ratio, a number of people, or
    that of a limit, a package or a diluent. The most that is given may be the only amount.
    """
    others = cover(
        mark for mark in list_other_amounts(tokens) if not _is_most(tokens, mark)
    )
    for words in rule("may_be_dosing").find(tokens):
        label = rule("no_dose_number_before").ends(tokens, words.first)
        count = rule("no_dose_number_after").starts(tokens, words.end)
        is_other = label or count or words.first in others
        if not (words.has("amounts") and is_other):
            yield words


def _has_unread_dose(parsed: ParsedRecord) -> bool:
    """Return whether a number that may be an amount is among the four tokens after the last word of
    an intervention's name, in a sentence about doses.
    """
    # only the head of a name is repeated in a sentence: "budesonide" of "inhaled budesonide"
    last_words = {
        word
        for section in parsed.record.sections
        if section.name.startswith("interventions[")
        for word in (section.part("name") or "").lower().split()[-1:]
    }
    for sentence in _list_sentences(parsed):
        words = [word.lower() for word in sentence.tokens.words]
        for found in _find_words(sentence.tokens):
            near = words[max(0, found.first - _BESIDE) : found.first]
            if found.has("amounts") and not last_words.isdisjoint(near):
                return True
    return False


def _list_quoted(regimens: Sequence[Regimen]) -> dict[str, list[Range]]:
    """Return the places that the values of the regimens quote, by section."""
    return sort_places(
        place_of(piece)
        for regimen in regimens
        for piece in regimen.evidence
        if piece.field != "quote"
    )


def _list_sentences(parsed: ParsedRecord) -> Iterator[Passage]:
    """Yield the sentences in which doses are searched for, each as a separate passage."""
    for name, section in parsed.sections.items():
        if name.startswith(GROUPS_OF_DOSES):
            for line in section.lines():
                yield from (sentence.alone() for sentence in list_sentences(line))
    for chunk in parsed.candidates:
        # the chunks of arms and interventions are among their sentences
        if not chunk.span.section.startswith(GROUPS_OF_DOSES):
            yield parsed.passage(chunk.span).alone()


def _list_levels(amounts: Iterable[Amount]) -> set[tuple[float, str]]:
    """Return the bounds of amounts, each with the first part of the unit: for "5 mg/kg/day", (5,
    "mg").
    """
    return {
        (end, amount.unit.partition("/")[0])
        for amount in amounts
        for end in (amount.low, amount.high)
        if end is not None
    }


def _is_given(mark: Mark, sentence: Passage) -> bool:
    """Return True if an amount is an amount of a substance, is not a dose change, and is not near
    words about supply or preparation.
    """
    # a rate, a volume by weight or of a strength is a dose: "15 L/min", "20 mL/kg", "5 mL of 1%"
    is_dose = (
        not is_portion(mark)
        or "/" in mark.value[0].unit
        or rule("strength_of_volume").starts(sentence.tokens, mark.end)
    )
    if not is_dose:
        return False
    if rule("dose_change").ends(sentence.tokens, mark.first):
        return False
    first = max(0, mark.first - _CUE_REACH)
    end = mark.end + _CUE_REACH
    return not rule("speaks_of_supply").occurs(sentence.tokens, first, end)
