"""Report the doses of a record that no regimen contains."""

from collections.abc import Iterable, Iterator, Sequence

from extractor.assembly.findings import cite, inform
from extractor.concepts.criteria.unheaded import list_sentences
from extractor.concepts.doses.amounts import find_amounts, is_portion
from extractor.concepts.doses.marks import Mark
from extractor.concepts.places import GROUPS_OF_DOSES
from extractor.evidence.drafts import Span, span_of
from extractor.evidence.parsed import ParsedRecord, is_touched, sort_places
from extractor.language.book import rule
from extractor.language.passage import Passage
from extractor.schemas import Amount, Finding, FindingKind, Regimen

_CUE_REACH = 10
"""Number of tokens around an amount that are searched for words about supply or preparation."""
_DOSE = "these words look like a dose that no regimen contains"


def find_unread_doses(
    parsed: ParsedRecord, regimens: Sequence[Regimen]
) -> Iterator[Finding]:
    """Yield a finding for each dose in arms and interventions that is not in any regimen, once per
    number and unit, or in a sentence of prose that gives an agent.

    Amounts supplied or prepared, volumes, numbers of pieces, and concentrations are not treated as
    doses.
    """
    reported = _list_levels(
        amount for regimen in regimens for amount in regimen.amounts
    )
    quoted = sort_places(
        Span(piece.section, piece.start, piece.end)
        for regimen in regimens
        for piece in regimen.evidence
        if piece.field != "quote"
    )
    for sentence in _list_sentences(parsed):
        for mark in find_amounts(sentence.tokens):
            place = span_of(sentence.part(mark.first, mark.end))
            levels = _list_levels(mark.value)
            is_known = levels <= reported or is_touched(place, quoted)
            if is_known:
                continue
            if not _is_given(mark, sentence):
                continue
            reported |= levels
            cited = cite(parsed, span_of(sentence))
            yield inform(FindingKind.DOSE_UNREAD, "dosing", _DOSE, cited)


def _list_sentences(parsed: ParsedRecord) -> Iterator[Passage]:
    """Yield the sentences in which doses are searched for, each as a separate passage."""
    for name, section in parsed.sections.items():
        if name.startswith(GROUPS_OF_DOSES):
            for line in section.lines():
                yield from (sentence.alone() for sentence in list_sentences(line))
    for chunk in parsed.candidates:
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
    # a rate or a volume by weight is a dose: "15 L/min", "20 mL/kg"
    is_weighed = "/" in mark.value[0].unit or not is_portion(mark)
    if not is_weighed:
        return False
    if rule("dose_change").ends(sentence.tokens, mark.first):
        return False
    first = max(0, mark.first - _CUE_REACH)
    end = mark.end + _CUE_REACH
    return rule("speaks_of_supply").search(sentence.tokens, first, end) is None
