"""Report the doses of a record that no regimen contains, and the regimens with a number that is
in no value.
"""

from collections.abc import Iterable, Iterator, Sequence

from extractor.assembly.findings import cite, inform
from extractor.assembly.unread import cover, place_of
from extractor.concepts.criteria.unheaded import list_sentences
from extractor.concepts.doses.amounts import (
    find_amounts,
    find_bounds,
    is_portion,
    list_other_amounts,
)
from extractor.concepts.doses.marks import Mark
from extractor.concepts.doses.sections import find_marks
from extractor.concepts.places import GROUPS_OF_DOSES
from extractor.evidence.drafts import span_of
from extractor.evidence.parsed import ParsedRecord, is_touched, sort_places
from extractor.language.book import read_text, rule
from extractor.language.lexer import NUMBER, Tokens
from extractor.language.numbers import find_durations
from extractor.language.passage import Passage
from extractor.schemas import (
    Amount,
    Evidence,
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
"""Number of tokens after a quote or the name of an agent that are searched for unread numbers."""
# Chosen by hand.
_LONG_SENTENCE = 200
"""Number of tokens from which a sentence with an unread dose is not cited as a whole."""
_DOSE = "these words look like a dose that no regimen contains"
_PART = "a rhythm, a length or a time beside a dose is in no regimen"
_PARTS = ("frequency", "days", "duration", "part", "step", "timing")
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
            place = span_of(sentence.part(mark.first, mark.end))
            levels = _list_levels(mark.value)
            # a dose that is stated again, or in a quote, was read
            is_known = levels <= reported or is_touched(place, quoted)
            if is_known:
                continue
            if not _is_given(mark, sentence):
                continue
            reported |= levels
            near = sentence
            if len(sentence.tokens) > _LONG_SENTENCE:
                near = sentence.part(mark.first, mark.end)
            cited = cite(parsed, span_of(near))
            yield inform(FindingKind.DOSE_UNREAD, "dosing", _DOSE, cited)
        for mark in _list_parts(sentence):
            place = span_of(sentence.part(mark.first, mark.end))
            if mark.value in known or is_touched(place, quoted):
                continue
            known.add(mark.value)
            cited = cite(parsed, place)
            yield inform(FindingKind.DOSE_UNREAD, "dosing", _PART, cited)


def _list_known(regimens: Iterable[Regimen]) -> set[object]:
    """Return the rhythms, lengths and times of regimens; a single dose is never unread."""
    known: set[object] = {Frequency.ONCE, None}
    for regimen in regimens:
        times = find_marks(read_text(regimen.timing or ""))
        known |= {regimen.frequency, regimen.duration, regimen.cycle}
        known.update(mark.value for mark in times)
    return known


def _list_parts(sentence: Passage) -> list[Mark]:
    """Return the rhythms, lengths and times in a sentence that states a dose."""
    marks = find_marks(sentence.tokens)
    if all(mark.field != "amounts" for mark in marks):
        return []
    return [mark for mark in marks if mark.field in _PARTS]


def list_unread_fields(
    parsed: ParsedRecord, regimens: Sequence[Regimen]
) -> Iterator[str]:
    """Yield the paths of the fields of regimens to which a number may belong that is in or shortly
    after the regimen's quote, but in no value: the amounts for "5 squirts", the duration for "for
    six moons". If there are no regimens, yield ``dosing`` if a number that may be an amount follows
    the name of an intervention in an arm or an intervention.
    """
    quoted = _list_quoted(regimens)
    for number, regimen in enumerate(regimens):
        agent = read_text(regimen.agent).words
        for piece in regimen.evidence_for("quote"):
            words = _read_quote(parsed, piece)
            for at, field in _find_unread_numbers(words.tokens):
                # the 3 of "3TC" and the 201 of "CBP-201"
                is_of_agent = words.tokens.words[at] in agent
                is_read = is_touched(span_of(words.part(at, at + 1)), quoted)
                if not is_of_agent and not is_read:
                    yield f"dosing[{number}].{field}"
    if not regimens and _has_unread_dose(parsed):
        yield "dosing"


def _read_quote(parsed: ParsedRecord, piece: Evidence) -> Passage:
    """Return the words of a quote and the next four tokens, but no other clause, which may give
    another agent.
    """
    quote = parsed.passage(place_of(piece))
    end = min(quote.end + _BESIDE, len(quote.tokens))
    other_clause = rule("further_clause").search(quote.tokens, quote.end, end)
    if other_clause:
        end = other_clause.first
    return quote.part(quote.first, end).alone()


def _find_unread_numbers(tokens: Tokens) -> Iterator[tuple[int, str]]:
    """Yield each token that is a number and not only a label such as "cohort 2", a part of a name
    or a ratio, a number of people, or that of a limit or a package, with the field of a regimen to
    which it may belong. A time belongs to a field only if words such as "for" or "every" precede
    it. In words, "one" is no number.
    """
    in_times = cover(find_durations(tokens))
    in_others = cover(list_other_amounts(tokens))
    for at, code in enumerate(tokens.codes):
        if code != NUMBER or tokens.words[at].lower() == "one" or at in in_others:
            continue
        # the numbers of "on day 1", "cohort 2" and "n = 5"
        is_label = rule("no_dose_number_before").ends(tokens, at) is not None
        is_count = rule("no_dose_number_after").starts(tokens, at + 1) is not None
        if is_label or is_count:
            continue
        before = rule("number_of_schedule_before").ends(tokens, at)
        # "every 8 moons"
        if before and before.has("frequency"):
            yield at, "frequency"
        elif before:
            yield at, "duration"
        elif at not in in_times:
            yield at, "amounts"


def _has_unread_dose(parsed: ParsedRecord) -> bool:
    """Return whether a number that may be an amount is among the four tokens after the last word of
    an intervention's name, in a sentence about doses.
    """
    names = (
        section.text[part.start : part.end].lower().split()[-1:]
        for section in parsed.record.sections
        for part in section.parts
        if section.name.startswith("interventions[") and part.name == "name"
    )
    last_words = {word for name in names for word in name}
    for sentence in _list_sentences(parsed):
        words = [word.lower() for word in sentence.tokens.words]
        for at, field in _find_unread_numbers(sentence.tokens):
            near = words[max(0, at - _BESIDE) : at]
            # only the head of a name is repeated in a sentence: "budesonide" of "inhaled
            # budesonide"
            if field == "amounts" and not last_words.isdisjoint(near):
                return True
    return False


def _list_quoted(regimens: Sequence[Regimen]) -> dict[str, list[tuple[int, int]]]:
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
    levels: set[tuple[float, str]] = set()
    for amount in amounts:
        unit, _, _ = amount.unit.partition("/")
        ends = (amount.low, amount.high)
        levels.update((end, unit) for end in ends if end is not None)
    return levels


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
    return rule("speaks_of_supply").search(sentence.tokens, first, end) is None
