"""Compare the lines that introduce criteria, such as "at least one of the following": each decides about several."""

from bisect import bisect
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from extractor.schemas import Citation, Criterion
from extractor.text.passage import Passage

from .changes import ChangeKind, ChangeSeverity, StatedValue, TrialChange, make_change, overlap
from .criteria import cite_field, describe_words, show_limits
from .limits import AdmissionLimit, compare_limits, introduces, list_limits, merge_directions
from .pairing import Paired, Placed, pair_versions
from .wording import is_critical, read_wording


class LeadIn(NamedTuple):
    """A line that introduces the criteria after it, up to the next such line."""

    cited: Citation
    criteria: Sequence[Placed[Criterion]]

    @property
    def limits(self) -> list[AdmissionLimit]:
        """How many of the criteria are needed, and the time window, if it stands in the line."""
        bare = self.criteria[0].item.model_copy(update={"time_window": None})
        windows = ((one.item, cite_field(one.item.evidence, "time_window")) for one in self.criteria)
        first = next((one for one, cited in windows if any(overlap(self.cited, each) for each in cited)), bare)
        return list_limits([first.model_copy(update={"quote": self.cited.quote, "constraints": (), "negated": None})])


def list_lead_ins(criteria: Iterable[Placed[Criterion]], lines: Iterable[Passage] = ()) -> list[Placed[LeadIn]]:
    """List the lines that introduce criteria: those that the criteria name and, of ``lines``, those like "one of:"."""
    ordered = sorted(criteria, key=_find_start)
    quoted = [cited for one in ordered for cited in cite_field(one.item.evidence, "quote")]
    taken = [cited for one in ordered for cited in cite_field(one.item.evidence, "lead_in")]
    places = {one.start: one for one in taken if not any(overlap(one, another) for another in quoted)}
    for line in (line for line in lines if introduces(line.text)):
        start, end = line.raw_span
        cited = Citation(section=line.section.name, start=start, end=end, quote=line.raw)
        if not any(overlap(cited, another) for another in (*quoted, *taken)):
            places[start] = cited
    starts = sorted(places)
    found = []
    for number, start in enumerate(starts, 1):
        inside = [one for one in ordered if bisect(starts, _find_start(one)) == number]
        inside = inside or [one for one in ordered if _find_start(one) > start][:1]  # behind another heading
        lead_in = LeadIn(places[start], inside)
        path = ", ".join(f"{one.path}.lead_in" for one in inside)
        found.append(Placed(path, lead_in, read_wording(lead_in.cited.quote)))
    return found


def _find_start(placed: Placed[Criterion]) -> int:
    return next((cited.start for cited in cite_field(placed.item.evidence, "quote")), -1)


def compare_lead_ins(
    pairs: Sequence[Paired[Criterion]], old: Sequence[Placed[LeadIn]], new: Sequence[Placed[LeadIn]]
) -> Iterator[TrialChange]:
    """Yield the changes of introducing lines whose criteria are in both versions, each once."""
    partners = {(one.path, other.path) for pair in pairs for one in pair.old for other in pair.new}

    def measure(one: Placed[LeadIn], other: Placed[LeadIn]) -> float:
        is_shared = any((a.path, b.path) in partners for a in one.item.criteria for b in other.item.criteria)
        return 2.0 * one.wording.says_same(other.wording) + is_shared

    for pair in pair_versions(old, new, measure, 1.0):
        if pair.old and pair.new and (change := _compare(pair.old[0], pair.new[0])):
            yield change


def _compare(old: Placed[LeadIn], new: Placed[LeadIn]) -> TrialChange | None:
    was, now = old.wording, new.wording
    if not old.item.criteria or not new.item.criteria:
        return None
    changes = compare_limits(old.item.limits, new.item.limits)
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


def _state(placed: Placed[LeadIn]) -> StatedValue:
    cited = placed.item.cited
    return StatedValue(path=placed.path, value=cited.quote, citations=(cited,))
