"""Find doses that a record states, but that stand in no regimen."""

from collections.abc import Iterable, Iterator, Sequence

from extractor.assembly.findings import cite, inform
from extractor.concepts.doses.amounts import (
    AmountMark,
    counts_pieces,
    drop_explaining,
    find_amounts,
    find_strengths,
    is_concentration,
    is_volume_or_piece,
)
from extractor.concepts.doses.marks import Place, within
from extractor.concepts.doses.sections import DosingSection, list_sections
from extractor.evidence.drafts import Chunk, Span
from extractor.evidence.parsed import ParsedRecord
from extractor.language.book import read_text, rule
from extractor.language.lexer import NUMBER, Tokens
from extractor.schemas import (
    Amount,
    Finding,
    FindingKind,
    Regimen,
    TrialExtraction,
)

_GIVEN_IN = ("arms[", "interventions[")
_CUE_REACH = 10
"""How many tokens before or behind an amount can show that it is not given."""
_BESIDE = 4
"""How many tokens may stand between an agent and its strength: "terbinafine cream (1 %"."""
_MESSAGE = "these words look like a dose, and no regimen has it"

_Level = tuple[float, str]
"""A number, and the unit that it is in, without what it is given for: "5 mg/kg/day" is 5, mg."""


def find_unread_doses(
    parsed: ParsedRecord, extraction: TrialExtraction
) -> tuple[list[Finding], set[str]]:
    """Return findings of the amounts that no regimen has, and the fields that may be empty because
    of them: "dosing", or "dosing[0].amounts".

    In an arm or intervention, a clause is reported if it weighs an amount of which no regimen has
    the number and unit. Pieces count where nothing is weighed beside them. Words of supply and
    preparation state no dose, nor do volumes and concentrations, but these may be the amount of a
    regimen that has none. Each amount is reported once. In prose, amounts count only if no regimen
    was read at all.
    """
    read = _ReadDoses(extraction.dosing)
    findings: list[Finding] = []
    fields: set[str] = set()
    reported: set[_Level] = set()
    groups, _ = list_sections(parsed.record, parsed.sections)
    for section in groups:
        if NUMBER not in section.tokens.codes:
            continue
        amounts = _StatedAmounts(section)
        fields.update(_name_empty(extraction.dosing, amounts, read))
        for place in (section.title, *section.clauses):
            levels = _list_unread_levels(amounts, place, read)
            if levels:
                fields.update(_name_only_regimen(extraction.dosing, section))
            if levels <= reported:
                continue
            reported |= levels
            cited = cite(parsed, section.span(*place))
            finding = inform(FindingKind.DOSE_UNREAD, "dosing", _MESSAGE, cited)
            findings.append(finding)
    if not extraction.dosing:
        findings += _report_prose(parsed)
        if findings:
            fields.add("dosing")
    return findings, fields


class _ReadDoses:
    """What the regimens have: the places of their values, and the numbers of their amounts."""

    def __init__(self, regimens: Iterable[Regimen]) -> None:
        self.levels: set[_Level] = set()
        self._places: dict[str, list[Span]] = {}
        for regimen in regimens:
            for amount in regimen.amounts:
                self.levels |= _list_levels(amount)
            for piece in regimen.evidence:
                # the words between two values of a regimen are in no value
                if piece.field == "quote":
                    continue
                place = Span(piece.section, piece.start, piece.end)
                self._places.setdefault(piece.section, []).append(place)

    def has(self, mark: AmountMark, span: Span) -> bool:
        """Return whether an amount is in a regimen: its words at ``span``, or its numbers."""
        return self.has_levels(mark) or self.cites(span)

    def has_levels(self, mark: AmountMark) -> bool:
        """Return whether all numbers of an amount are in regimens."""
        levels = {end for level in mark.value for end in _list_levels(level)}
        return levels <= self.levels

    def cites(self, span: Span) -> bool:
        """Return whether a value quotes any of these characters."""
        return any(place.overlaps(span) for place in self._places.get(span.section, ()))


class _StatedAmounts:
    """The amounts that a section states, in reading order.

    Attributes:
        section: The section.
        all: Every amount that is no limit, package or level.
        given: Those of them that do not only explain another one.
        strengths: What one piece or a preparation contains: "two 50 mg tablets", "1 % cream".
    """

    def __init__(self, section: DosingSection) -> None:
        self.section = section
        self.all = find_amounts(section.tokens)
        self.given = frozenset(drop_explaining(section.tokens, self.all))
        self.strengths = tuple(find_strengths(section.tokens))

    def span(self, mark: AmountMark) -> Span:
        """Return where an amount stands."""
        return self.section.span(mark.first, mark.end)


def _list_unread_levels(
    amounts: _StatedAmounts, place: Place, read: _ReadDoses
) -> set[_Level]:
    """Return the amounts of a clause or title that are given, and in no regimen."""
    tokens = amounts.section.tokens
    stated = within(amounts.all, *place)
    strengths = within(amounts.strengths, *place)
    weighed = [mark for mark in (*stated, *strengths) if _is_weighed(mark)]
    missing: list[AmountMark] = []
    for mark in weighed or stated:
        # the words of "two 50 mg tablets" are quoted, but its strength is in no value
        is_quoted = mark not in strengths and read.cites(amounts.span(mark))
        if not is_quoted and not read.has_levels(mark):
            missing.append(mark)
    has_substance = len(missing) < len(weighed)
    unread: set[_Level] = set()
    for mark in missing:
        # "2 sachets (3 g)": of a dose in sachets, the grams are missing
        if has_substance and mark not in amounts.given:
            continue
        if not _states_giving(mark) or _is_no_giving(tokens, place, mark):
            continue
        for level in mark.value:
            unread |= _list_levels(level)
    return unread


def _is_no_giving(tokens: Tokens, place: Place, mark: AmountMark) -> bool:
    """Return whether an amount is the step by which a dose changes, or the words beside it in its
    clause speak of supply and preparation.
    """
    if rule("dose_change").ends(tokens, mark.first):
        return True
    start, stop = place
    first = max(start, mark.first - _CUE_REACH)
    end = min(stop, mark.end + _CUE_REACH)
    return rule("speaks_of_supply").search(tokens, first, end) is not None


def _name_empty(
    regimens: Sequence[Regimen], amounts: _StatedAmounts, read: _ReadDoses
) -> Iterator[str]:
    """Yield the regimens without an amount beside whose agent the section has one that is in no
    regimen: of whatever unit, also the strength of a preparation.
    """
    section = amounts.section
    stated = (*amounts.all, *amounts.strengths)
    unread = [mark for mark in stated if not read.has(mark, amounts.span(mark))]
    for number, regimen in enumerate(regimens):
        if regimen.amounts:
            continue
        agent = read_text(regimen.agent).words
        if any(_stands_beside(section, agent, mark) for mark in unread):
            yield f"dosing[{number}].amounts"


def _name_only_regimen(
    regimens: Sequence[Regimen], section: DosingSection
) -> Iterator[str]:
    """Yield the amounts of the only regimen of an intervention, if it has none."""
    if not section.is_intervention:
        return
    of_section: list[int] = []
    for number, regimen in enumerate(regimens):
        sections = {piece.section for piece in regimen.evidence_for("agent")}
        if section.name in sections:
            of_section.append(number)
    if len(of_section) == 1 and not regimens[of_section[0]].amounts:
        yield f"dosing[{of_section[0]}].amounts"


def _stands_beside(
    section: DosingSection, agent: Sequence[str], mark: AmountMark
) -> bool:
    """Return whether the name of an agent stands closely before or behind an amount, in the same
    line.
    """
    tokens = section.tokens
    first = max(0, mark.first - len(agent) - _BESIDE)
    end = mark.end + len(agent) + _BESIDE
    name = [word.casefold() for word in agent]
    before = [word.casefold() for word in tokens.words[first : mark.first]]
    behind = [word.casefold() for word in tokens.words[mark.end : end]]
    return _holds(before, name) or _holds(behind, name)


def _holds(words: Sequence[str], name: Sequence[str]) -> bool:
    """Return whether the words of a name stand among others, one behind the other."""
    size = len(name)
    return any(words[at : at + size] == name for at in range(len(words) - size + 1))


def _is_weighed(mark: AmountMark) -> bool:
    """Return whether an amount is one of substance: no volume, piece or concentration. A rate and
    a volume by weight count: "15 L/min", "20 mL/kg".
    """
    unit = mark.value[0].unit
    if is_concentration(unit):
        return False
    return "/" in unit or not is_volume_or_piece(unit)


def _list_levels(amount: Amount) -> set[_Level]:
    """Return the ends of an amount with the first part of its unit. "Up to 5 mg" has one."""
    unit, _, _ = amount.unit.partition("/")
    return {(end, unit) for end in (amount.low, amount.high) if end is not None}


def _report_prose(parsed: ParsedRecord) -> Iterator[Finding]:
    """Yield the chunks of titles and descriptions that seem to hold a regimen that the rules could
    not read, and that state a dose.
    """
    for chunk in parsed.candidates:
        if chunk.span.section.startswith(_GIVEN_IN):
            continue
        if _states_dose(chunk):
            cited = cite(parsed, chunk.span)
            yield inform(FindingKind.DOSE_UNREAD, "dosing", _MESSAGE, cited)


def _states_dose(chunk: Chunk) -> bool:
    """Return whether words weigh an amount, and do not speak of supply and preparation ("vials of
    10 mg", "dissolved in 5 mL of water").
    """
    tokens = read_text(chunk.text)
    if rule("speaks_of_supply").search(tokens):
        return False
    return any(_states_giving(mark) for mark in find_amounts(tokens))


def _states_giving(mark: AmountMark) -> bool:
    """Return whether an amount is one of substance, or counts pieces."""
    return _is_weighed(mark) or counts_pieces(mark.value[0].unit)
