"""Compare two versions of a trial."""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import get_args

from extractor.schemas import Citation, Task, TrialExtraction, TrialRecord
from extractor.text.passage import LexedSection, Passage, read_section

from .changes import ChangeKind, ChangeSeverity, ItemName, StatedValue, TrialChange, TrialDiff, overlap
from .criteria import compare_criterion, pair_criteria, place_criteria
from .dosing import compare_lines, compare_regimen, pair_regimens
from .endpoints import compare_endpoint, pair_endpoints
from .lead_ins import compare_lead_ins, list_lead_ins
from .registered import compare_arms, compare_people, compare_registries
from .wording import Wording, join_wordings, read_wording

_ORDER = get_args(ItemName)


def diff_trials(
    old: TrialExtraction,
    new: TrialExtraction,
    old_record: TrialRecord | None = None,
    new_record: TrialRecord | None = None,
) -> TrialDiff:
    """Compare two versions of a trial by their extractions.

    Items are paired by what they say, so order and place do not matter. A task whose sections only one version has is
    not compared.

    Args:
        old: The extraction of the earlier version.
        new: The extraction of the later version.
        old_record: The earlier record. With both records, the registered fields and the arms are compared, too, and a
            difference is not reported if its whole line is in both texts.
        new_record: The later record.

    >>> from extractor import Extractor, read_records
    >>> record = next(read_records("seeds/records"))
    >>> extraction = Extractor(assist="never").extract(record)
    >>> shorter = extraction.model_copy(update={"endpoints": extraction.endpoints[1:]})
    >>> diff_trials(extraction, shorter).changes[0].message
    'primary endpoint removed'
    """
    missing = _list_missing(old, new)
    found: list[TrialChange] = []
    criteria = [place_criteria(each.eligibility) for each in (old, new)]
    pairs = pair_criteria(*criteria) if Task.ELIGIBILITY not in missing else []
    found += chain.from_iterable(map(compare_criterion, pairs))
    if Task.DOSING not in missing:
        found += chain.from_iterable(map(compare_regimen, pair_regimens(old, new)))
    if Task.ENDPOINTS not in missing:
        found += chain.from_iterable(map(compare_endpoint, pair_endpoints(old, new)))
    registered: list[TrialChange] = []
    texts = (_Texts(old_record), _Texts(new_record)) if old_record and new_record else ()
    lines = [text.list_lines(*_HOMES[Task.ELIGIBILITY]) for text in texts] or [[], []]
    found += compare_lead_ins(pairs, *map(list_lead_ins, criteria, lines))
    if old_record and new_record:
        registered = list(compare_registries(old_record, new_record))
        found = [change for change in found if not _stands_in_both(change, *texts)]
        if Task.DOSING not in missing:
            given = (text.list_lines(*_HOMES[Task.DOSING]) for text in texts)
            found = _add_lines([*found, *compare_arms(old_record, new_record)], compare_lines(*given))
    known = {change.field for change in registered}
    people = (change for change in compare_people(old.eligibility, new.eligibility) if change.field not in known)
    found += [*registered, *(change for change in people if not any(_overlap(change, other) for other in found))]
    changes = sorted(_merge(found), key=lambda one: (_ORDER.index(one.item), not one.is_of_meaning))
    return TrialDiff(record_id=new.record_id, changes=tuple(changes), not_compared=missing)


_HOMES = {
    Task.ELIGIBILITY: frozenset({"eligibility"}),
    Task.DOSING: frozenset({"arms", "interventions"}),
    Task.ENDPOINTS: frozenset({"primary_outcomes", "secondary_outcomes", "other_outcomes"}),
}
"""The kinds of sections in which a task's items stand."""


def _list_missing(old: TrialExtraction, new: TrialExtraction) -> tuple[Task, ...]:
    """List the tasks whose sections only one version has: a download without criteria has not removed them."""
    if not old.coverage or not new.coverage:
        return ()
    before, after = ({section.kind for section in each.coverage.sections} for each in (old, new) if each.coverage)
    return tuple(task for task, home in _HOMES.items() if bool(home & before) is not bool(home & after))


class _Texts:
    """The sections of a record and what their lines say. Each section is read once, and only if it is needed."""

    def __init__(self, record: TrialRecord) -> None:
        self._texts = {section.name: section.text for section in record.sections}
        self._sections: dict[str, LexedSection] = {}

    def find_line(self, citation: Citation) -> Wording | None:
        """Return what the line says in which the citation stands."""
        if citation.section not in self._texts:
            return None
        section = self._open(citation.section)
        place = section.between(citation.start, citation.end).first
        line = next((one for one in section.lines() if one.first <= place < one.end), None)
        return read_wording(line.raw) if line else None

    def list_lines(self, *kinds: str) -> list[Passage]:
        """List the lines of the sections of these kinds."""
        names = [name for name in self._texts if name.partition("[")[0] in kinds]
        return [line for name in names for line in self._open(name).lines()]

    def count_lines(self, wording: Wording, kind: str) -> int:
        """Count the lines in sections of this kind that say the same."""
        return sum(read_wording(line.raw).spoken == wording.spoken for line in self.list_lines(kind))

    def has_within(self, wording: Wording, kind: str) -> bool:
        """Whether a section of this kind says this among other things."""
        texts = (text for name, text in self._texts.items() if name.partition("[")[0] == kind)
        return any(wording.says_within(read_wording(text)) for text in texts)

    def _open(self, name: str) -> LexedSection:
        if name not in self._sections:
            self._sections[name] = read_section(name, self._texts[name])
        return self._sections[name]


_OF_PLACE = frozenset({ChangeKind.MOVED, ChangeKind.PROMOTED, ChangeKind.DEMOTED, ChangeKind.REWORDED})
"""Kinds of changes whose text may be the same on both sides."""


def _stands_in_both(change: TrialChange, old: _Texts, new: _Texts) -> bool:
    """Whether the words of each side stand on the other side too, so that only their reading differs."""
    directed = change.kind in (ChangeKind.TIGHTENED, ChangeKind.LOOSENED)
    if change.kind in _OF_PLACE or (change.field == "lead_in" and directed):  # "any of the following" for "all"
        return False
    both = (change.old, old, new), (change.new, new, old)
    sides = [(side, ours, theirs) for side, ours, theirs in both if side and side.value]  # else not stated there
    alone = change.old is None or change.new is None
    return all(_stands_elsewhere(side, ours, theirs, counts=alone) for side, ours, theirs in sides)


def _stands_elsewhere(side: StatedValue, ours: _Texts, theirs: _Texts, *, counts: bool) -> bool:
    """Whether the lines of each section that a side cites stand together in a section of the other record.

    ``counts``: a line that stands twice, as for two groups of people, must stand there as often.
    """
    lines: dict[str, list[Wording]] = {}
    for one in side.citations:
        line = ours.find_line(one)
        if line is None:
            return False
        if line not in lines.setdefault(one.section, []):
            lines[one.section].append(line)
    wordings = ((join_wordings(found), section.partition("[")[0]) for section, found in lines.items())
    for wording, kind in wordings:
        there = theirs.count_lines(wording, kind)
        if not (there or theirs.has_within(wording, kind)) or (counts and 0 < there < ours.count_lines(wording, kind)):
            return False
    return bool(lines)


def _add_lines(found: list[TrialChange], lines: Iterable[TrialChange]) -> list[TrialChange]:
    """Add changed lines in which no regimen changed; a regimen added or removed in one is the line's change."""
    arms = [one for one in found if one.item == "arm"]
    for change in (one for one in lines if not any(_overlap(one, arm) for arm in arms)):
        beside = [one for one in found if one.item == "regimen" and _overlap(change, one)]
        if all(one.old is None or one.new is None for one in beside):
            severity = min((one.severity for one in (change, *beside)), key=list(ChangeSeverity).index)
            rest = (one for one in found if one not in beside)
            found = [*rest, change.model_copy(update={"severity": severity})]
    return found


def _overlap(change: TrialChange, other: TrialChange) -> bool:
    """Whether a change of the age, say, rests on words that a changed criterion quotes."""
    sides = ((change.old, other.old), (change.new, other.new))
    return other.is_of_meaning and any(
        overlap(one, another)
        for side, beside in sides
        if side and beside
        for one in side.citations
        for another in beside.citations
    )


def _merge(changes: Iterable[TrialChange]) -> Iterator[TrialChange]:
    """Join changes that say the same of several places, such as an arm and its intervention."""
    merged: dict[tuple[object, ...], TrialChange] = {}
    for number, change in enumerate(changes):
        apart = number if change.field is None or change.item in ("criterion", "endpoint", "arm") else None
        key = (change.item, change.kind, change.field, change.message, apart)
        known = merged.get(key)
        merged[key] = (
            change.model_copy(update={"old": _join(known.old, change.old), "new": _join(known.new, change.new)})
            if known
            else change
        )
    return iter(merged.values())


def _join(one: StatedValue | None, other: StatedValue | None) -> StatedValue | None:
    if one is None or other is None:
        return one or other
    citations = tuple(dict.fromkeys((*one.citations, *other.citations)))
    path = one.path if one.path == other.path else f"{one.path}, {other.path}"
    return one.model_copy(update={"path": path, "citations": citations})
