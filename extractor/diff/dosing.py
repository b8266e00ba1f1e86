"""Compare what is given: agents, amounts, routes, frequencies, cycles and durations."""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Set
from typing import Any

from extractor.evaluation.alignment import KINDS
from extractor.evaluation.comparers import COMPARERS
from extractor.schemas import Citation, Comparison, Frequency, Regimen, Role, TrialExtraction
from extractor.text.book import find_terms
from extractor.text.passage import Passage

from .changes import ChangeKind, ChangeSeverity, StatedValue, TrialChange, make_change
from .criteria import cite_field
from .pairing import Paired, Placed, pair_versions
from .wording import join_wordings, read_wording

_KIND = KINDS["dosing"]
_FIELDS = {
    "amounts": Comparison.AMOUNT,
    "route": Comparison.CHOICE,
    "frequency": Comparison.FREQUENCY,
    "cycle": Comparison.TIME,
    "duration": Comparison.TIME,
}
_DECISIVE = frozenset({"amounts", "route", "frequency"})
_STUDIED = frozenset({None, Role.INVESTIGATIONAL, Role.COMPARATOR, Role.CONDITIONING})
"""Roles whose doses belong to what the trial compares."""


def pair_regimens(old: TrialExtraction, new: TrialExtraction) -> list[Paired[Regimen]]:
    """Pair the regimens of two versions. One that the other version states too, elsewhere, is left out."""

    def measure(one: Placed[Regimen], other: Placed[Regimen]) -> float:
        if not one.wording.words & other.wording.words:
            return 0.0
        return _KIND.likeness(one.item, other.item) + 0.1 * (_key(one.item) == _key(other.item))

    before, after = _place(old), _place(new)
    stated = [{_key(placed.item) for placed in side} for side in (before, after)]
    pairs = pair_versions(before, after, measure, _KIND.threshold)
    return [
        pair
        for pair in pairs
        if (pair.old and pair.new) or _key((pair.old or pair.new)[0].item) not in stated[bool(pair.old)]
    ]


def _place(extraction: TrialExtraction) -> list[Placed[Regimen]]:
    return [Placed(f"dosing[{n}]", one, read_wording(one.agent)) for n, one in enumerate(extraction.dosing)]


def _key(regimen: Regimen) -> tuple[Hashable, ...]:
    agent = frozenset(read_wording(regimen.agent).spoken)
    return agent, *(frozenset(_normalise(name, getattr(regimen, name)).items()) for name in _FIELDS)


def _normalise(name: str, value: Any) -> Counter[Hashable]:
    comparer = COMPARERS[_FIELDS[name]]
    return Counter(map(comparer.key, comparer.spread(value)))


def compare_regimen(pair: Paired[Regimen]) -> Iterator[TrialChange]:
    """Yield the changes of one regimen."""
    if not pair.old or not pair.new:
        kind = ChangeKind.ADDED if pair.new else ChangeKind.REMOVED
        placed = (pair.new or pair.old)[0]
        sides = (_state(side[0], None) if side else None for side in (pair.old, pair.new))
        dose = _show("amounts", placed.item.amounts) if placed.item.amounts else ""
        message = " ".join(filter(None, (placed.item.agent, dose, kind.value)))
        yield make_change("regimen", kind, _rate(placed.item), message, *sides)
        return
    before, after = pair.old[0], pair.new[0]
    for name in _FIELDS:
        values = [getattr(one.item, name) for one in (before, after)]
        if _normalise(name, values[0]) == _normalise(name, values[1]) or set(values) == {None, Frequency.OTHER}:
            continue  # a rhythm without a code may be read in one version alone
        decided = name in _DECISIVE and all(values)
        severity = _rate(after.item) if decided else ChangeSeverity.MINOR
        shown = [_show(name, value) for value in values]
        message = f"{after.item.agent}, {name.rstrip('s')}: {shown[0]} -> {shown[1]}"
        sides = (_state(one, name) for one in (before, after))
        yield make_change("regimen", ChangeKind.CHANGED, severity, message, *sides, field=name)


_Words = frozenset[tuple[Hashable, int]]
_Stated = tuple[frozenset[tuple[str, int]], tuple[str, ...]]
"""The numbers of a line, each with its count, and its routes."""


def compare_lines(old: Iterable[Passage], new: Iterable[Passage]) -> Iterator[TrialChange]:
    """Yield changes of numbers and routes in lines of the same words, also where no regimen is read."""
    before, after = (_group_lines(lines) for lines in (old, new))
    for was, now in ((stated, after[words]) for words, stated in before.items() if words in after):
        gone = [lines[-1] for stated, lines in was.items() if len(lines) > len(now.get(stated, ()))]
        come = [lines[-1] for stated, lines in now.items() if len(lines) > len(was.get(stated, ()))]
        if gone and come:
            message = "another number or route in the same words"
            sides = map(_state_lines, (gone, come))
            yield make_change("regimen", ChangeKind.CHANGED, _rate_lines(was.keys(), now.keys()), message, *sides)


def _rate_lines(old: Set[_Stated], new: Set[_Stated]) -> ChangeSeverity:
    """Another route or number with a unit may be another dose; a bare number or a length of time is a detail."""
    differing = old ^ new
    units = {number.partition(" ")[2] for numbers, _ in differing for number, _ in numbers}
    is_dose = bool(units - {"", "s1", "month"}) or len({routes for _, routes in differing}) > 1
    return ChangeSeverity.MAJOR if is_dose else ChangeSeverity.MINOR


def _group_lines(lines: Iterable[Passage]) -> dict[_Words, dict[_Stated, list[Passage]]]:
    """Group lines by their words; in each group, the lines of each set of numbers and routes."""
    groups: dict[_Words, dict[_Stated, list[Passage]]] = defaultdict(lambda: defaultdict(list))
    for line in lines:
        tokens = line.alone().tokens
        routes = find_terms(tokens, "routes")
        ends = [0, *(term.end for term in routes)]
        starts = [*(term.first for term in routes), len(tokens)]
        rest = [read_wording(tokens.read(*each)) for each in zip(ends, starts, strict=True) if each[0] < each[1]]
        wording = join_wordings(rest)
        if wording.words or any(" " in number for number in wording.numbers):  # no bare number, such as a label "2"
            words = Counter(part for part in wording.spoken if part[0] != "number")
            stated = (frozenset(wording.numbers.items()), tuple(term.entry.value for term in routes))
            groups[frozenset(words.items())][stated].append(line)
    return groups


def _state_lines(lines: Iterable[Passage]) -> StatedValue:
    cited = [
        Citation(section=one.section.name, start=one.raw_span[0], end=one.raw_span[1], quote=one.raw) for one in lines
    ]
    path = ", ".join(one.section for one in cited)
    return StatedValue(path=path, value=" ".join(one.quote for one in cited), citations=tuple(cited))


def _rate(regimen: Regimen) -> ChangeSeverity:
    return ChangeSeverity.MAJOR if regimen.role in _STUDIED else ChangeSeverity.MINOR


def _state(placed: Placed[Regimen], name: str | None) -> StatedValue:
    dumped = placed.item.model_dump(mode="json")
    citations = cite_field(placed.item.evidence, *filter(None, (name, "quote", "agent")))
    if name is None:
        return StatedValue(path=placed.path, value=placed.item.quote, citations=citations)
    return StatedValue(path=f"{placed.path}.{name}", value=dumped[name], citations=citations)


def _show(name: str, value: Any) -> str:
    if not value:
        return "not stated"
    if name == "amounts":
        return ", ".join(_show_amount(one.low, one.high, one.unit) for one in value)
    return str(value) if isinstance(value, str) else f"{value.value} {value.unit}"


def _show_amount(low: float | None, high: float | None, unit: str) -> str:
    numbers = dict.fromkeys(f"{one:,}" if one < 1e7 else f"{one:g}" for one in (low, high) if one is not None)
    return f"{'up to ' if low is None else ''}{'-'.join(numbers)} {unit}"
