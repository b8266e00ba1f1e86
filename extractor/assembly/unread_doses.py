"""Find doses that a record states and no regimen has."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from extractor.assembly.citing import cite, inform
from extractor.concepts.criteria.prose import list_sentences
from extractor.concepts.doses.amounts import find_amounts, is_portion
from extractor.concepts.doses.marks import Mark
from extractor.evidence.drafts import Span, span_of
from extractor.evidence.parsed import ParsedRecord
from extractor.language.book import rule
from extractor.language.passage import Passage
from extractor.schemas import Amount, Finding, FindingKind, Regimen

_GIVEN_IN = ("arms[", "interventions[")
_CUE_REACH = 10
"""Number of tokens before or after an amount that can show that it is not given."""
_MESSAGE = "these words look like a dose that no regimen contains"

_Level = tuple[float, str]
"""A number and its unit, without denominators: "5 mg/kg/day" is 5, mg."""


@dataclass(slots=True)
class Unread:
    """Findings of what was not read, and the paths of the empty fields that it may belong to."""

    findings: list[Finding] = field(default_factory=list)
    fields: set[str] = field(default_factory=set)


def find_unread_doses(parsed: ParsedRecord, regimens: Sequence[Regimen]) -> Unread:
    """Return the doses of arms and interventions that no regimen has, each number and unit once;
    without any regimen also those of prose.

    Words of supply and preparation state no dose, nor do volumes, pieces and concentrations. Any of
    them may be the amount of a regimen without one whose agent is named in the same sentence, or of
    the only regimen of a section.
    """
    unread = Unread()
    read = _list_levels(amount for regimen in regimens for amount in regimen.amounts)
    quoted = [
        Span(piece.section, piece.start, piece.end)
        for regimen in regimens
        for piece in regimen.evidence
        if piece.field != "quote"
    ]
    reported: set[_Level] = set()
    for sentence in _list_sentences(parsed, in_prose=not regimens):
        for mark in find_amounts(sentence.tokens):
            place = span_of(sentence.part(mark.first, mark.end))
            levels = _list_levels(mark.value)
            if levels <= read or any(map(place.overlaps, quoted)):
                continue
            unread.fields.update(_list_empty(regimens, sentence))
            if levels <= reported or not _is_given(mark, sentence):
                continue
            reported |= levels
            cited = cite(parsed, span_of(sentence))
            finding = inform(FindingKind.DOSE_UNREAD, "dosing", _MESSAGE, cited)
            if finding not in unread.findings:
                unread.findings.append(finding)
    if unread.findings and not regimens:
        unread.fields.add("dosing")
    return unread


def _list_sentences(parsed: ParsedRecord, *, in_prose: bool) -> Iterator[Passage]:
    """Yield the sentences in which doses are looked for, each alone."""
    for name, section in parsed.sections.items():
        if name.startswith(_GIVEN_IN):
            for line in section.lines():
                yield from (one.alone() for one in list_sentences(line))
    for chunk in parsed.candidates if in_prose else ():
        if not chunk.span.section.startswith(_GIVEN_IN):
            yield parsed.passage(chunk.span).alone()


def _list_levels(amounts: Iterator[Amount] | Sequence[Amount]) -> set[_Level]:
    """Return the ends of amounts with the first part of their units. "Up to 5 mg" has one."""
    levels: set[_Level] = set()
    for amount in amounts:
        unit, _, _ = amount.unit.partition("/")
        ends = (amount.low, amount.high)
        levels.update((end, unit) for end in ends if end is not None)
    return levels


def _is_given(mark: Mark, sentence: Passage) -> bool:
    """Return True if an amount is one of substance, and no step by which a dose changes; the words
    beside it do not speak of supply and preparation.
    """
    # a rate and a volume by weight count: "15 L/min", "20 mL/kg"
    is_weighed = "/" in mark.value[0].unit or not is_portion(mark)
    if not is_weighed:
        return False
    if rule("dose_change").ends(sentence.tokens, mark.first):
        return False
    first = max(0, mark.first - _CUE_REACH)
    end = mark.end + _CUE_REACH
    return rule("speaks_of_supply").search(sentence.tokens, first, end) is None


def _list_empty(regimens: Sequence[Regimen], sentence: Passage) -> Iterator[str]:
    """Yield the empty amounts of the regimens whose agent a sentence names, and of the only regimen
    of its section.
    """
    words = sentence.text.casefold()
    here: list[int] = []
    for number, regimen in enumerate(regimens):
        sections = {piece.section for piece in regimen.evidence_for("agent")}
        if sentence.section.name in sections:
            here.append(number)
    for number, regimen in enumerate(regimens):
        is_named = here == [number] or regimen.agent.casefold() in words
        if is_named and not regimen.amounts:
            yield f"dosing[{number}].amounts"
