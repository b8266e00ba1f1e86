"""Compare the lines that introduce criteria, such as "at least one of the following": each decides about several."""

import re
from bisect import bisect
from collections.abc import Iterable, Iterator, Sequence
from math import inf
from typing import NamedTuple

from extractor.schemas import Citation, Criterion, CriterionKind
from extractor.text.book import rule
from extractor.text.numbers import read_number
from extractor.text.passage import Passage, read_passage

from .changes import ChangeKind, ChangeSeverity, StatedValue, TrialChange, make_change
from .criteria import cite_field, describe_words, is_own, show_limits
from .limits import LimitChange, compare_limits, list_limits, merge_directions
from .pairing import Paired, Placed, pair_versions
from .wording import is_critical, read_wording


class LeadIn(NamedTuple):
    """A line that introduces the criteria after it, up to the next such line."""

    cited: Citation
    criteria: Sequence[Placed[Criterion]]
    needed: float
    """How many of the criteria must hold to be included or excluded; infinite for all."""


def list_lead_ins(criteria: Iterable[Placed[Criterion]], lines: Iterable[Passage] = ()) -> list[Placed[LeadIn]]:
    """List the lines that introduce criteria: those that the criteria name and, of ``lines``, those like "one of:"."""
    ordered = sorted(criteria, key=_find_start)
    quoted = [cited for one in ordered for cited in cite_field(one.item.evidence, "quote")]
    places = {cited.start: cited for one in ordered for cited in cite_field(one.item.evidence, "lead_in")}
    for line in lines:
        start, end = line.raw_span
        is_quoted = any(one.section == line.section.name and one.start < end and start < one.end for one in quoted)
        introduces = line.text.endswith(":") or rule("some_of").search(line.tokens, line.first, line.end)
        if introduces and not is_quoted:
            places[start] = Citation(section=line.section.name, start=start, end=end, quote=line.raw)
    starts = sorted(places)
    found = []
    for number, start in enumerate(starts, 1):
        inside = [one for one in ordered if bisect(starts, _find_start(one)) == number]
        excludes = bool(inside) and inside[0].item.kind is CriterionKind.EXCLUSION
        lead_in = LeadIn(places[start], inside, _count_needed(places[start].quote, 1 if excludes else inf))
        path = ", ".join(f"{one.path}.lead_in" for one in inside)
        found.append(Placed(path, lead_in, read_wording(lead_in.cited.quote)))
    return found


def _find_start(placed: Placed[Criterion]) -> int:
    return next((cited.start for cited in cite_field(placed.item.evidence, "quote")), -1)


def _count_needed(quote: str, default: float) -> float:
    """Return how many of the listed items must hold; ``default`` if the line does not say.

    >>> [_count_needed(text, 1) for text in ("Two or more of the following:", "Any of these:", "All of:", "Asthma:")]
    [2.0, 1.0, inf, 1]
    """
    if found := rule("some_of").search(read_passage(quote).tokens):
        return float(read_number(found.text.split()[0]) or 1)
    return inf if re.search(r"(?i)\b(?:all|both|each)\b", quote) else default


def compare_lead_ins(
    pairs: Sequence[Paired[Criterion]], old: Sequence[Placed[LeadIn]], new: Sequence[Placed[LeadIn]]
) -> Iterator[TrialChange]:
    """Yield the changes of introducing lines whose criteria are in both versions, each once."""
    partners = {(one.path, other.path) for pair in pairs for one in pair.old for other in pair.new}

    def measure(one: Placed[LeadIn], other: Placed[LeadIn]) -> float:
        is_shared = any((a.path, b.path) in partners for a in one.item.criteria for b in other.item.criteria)
        is_same = one.wording.says_same(other.wording) and one.item.needed == other.item.needed
        return 2.0 * is_same + is_shared

    for pair in pair_versions(old, new, measure, 1.0):
        if pair.old and pair.new and (change := _compare(pair.old[0], pair.new[0])):
            yield change


def _compare(old: Placed[LeadIn], new: Placed[LeadIn]) -> TrialChange | None:
    was, now = old.wording, new.wording
    changes = compare_limits(*(list_limits(_list_windows(side.item)) for side in (old, new)))
    if new.item.criteria and old.item.needed != new.item.needed:
        kind = _direct(new.item, more=new.item.needed > old.item.needed)
        changes.append(LimitChange(kind, _show_needed(old.item.needed), _show_needed(new.item.needed)))
    if not changes and (was.says_same(now) or not was.words or not now.words):  # a heading says nothing of its own
        return None
    beside = read_wording(" ".join(["both either", *(f"{one.old} {one.new}" for one in changes)])).words
    words = describe_words(was, now, beside)
    kind = ChangeKind.CHANGED if words or not changes else merge_directions(one.kind for one in changes)
    turned = was.numbers != now.numbers or was.is_negated is not now.is_negated
    turned = turned or any(map(is_critical, (was.words - now.words) + (now.words - was.words)))
    severity = ChangeSeverity.MAJOR if changes or turned else ChangeSeverity.MINOR
    count = len(new.item.criteria)
    details = "; ".join(filter(None, (show_limits(changes), words))) or "other numbers or negations"
    message = f"introduction of {count} criteri{'on' if count == 1 else 'a'}: {details}"
    return make_change("criterion", kind, severity, message, _state(old), _state(new), field="lead_in")


def _list_windows(lead_in: LeadIn) -> list[Criterion]:
    """The first criterion whose time window stands in the line, without its own limits."""
    found = (one.item for one in lead_in.criteria if one.item.time_window and not is_own(one.item, "time_window"))
    return [one.model_copy(update={"constraints": ()}) for one in found][:1]


def _direct(lead_in: LeadIn, *, more: bool) -> ChangeKind:
    """More that must hold admit fewer people; in an exclusion, they exclude fewer."""
    excludes = lead_in.criteria[0].item.kind is CriterionKind.EXCLUSION
    return ChangeKind.LOOSENED if more is excludes else ChangeKind.TIGHTENED


def _show_needed(needed: float) -> str:
    return "all of them" if needed == inf else f"at least {needed:g} of them"


def _state(placed: Placed[LeadIn]) -> StatedValue:
    cited = placed.item.cited
    return StatedValue(path=placed.path, value=cited.quote, citations=(cited,))
