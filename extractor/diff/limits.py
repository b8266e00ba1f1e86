"""Whether changed limits admit fewer people or more, from comparator, number, unit and list."""

import re
from collections.abc import Iterable, Sequence
from math import log10
from typing import NamedTuple

from extractor.evaluation.comparers import Bound, list_bounds, scale_quantity
from extractor.evaluation.text import may_name_one_thing
from extractor.schemas import Comparator, Criterion, CriterionKind
from extractor.text.book import rule
from extractor.text.numbers import DAYS, read_number, read_time_unit
from extractor.text.passage import read_passage
from extractor.text.quantity_names import name_quantity
from extractor.text.units import read_unit

from .changes import ChangeKind
from .wording import read_wording

_ROUNDED = 0.02
"""A limit in another unit is the same limit if it differs by less than this share: 1.5 mg/dL is 133 umol/L."""
_WINDOW = "time window"
NEEDED = "items needed"
"""The name of the limit that an introducing line sets: how many of the items must hold."""
_ALL = 1000.0
"""How many that is for all of them: more than any list has."""
_LARGE = 1e7
"""Larger numbers are shown as multiples of a power of a thousand: "50 x 10^9"."""


class AdmissionLimit(NamedTuple):
    """One bound on those who are admitted: their values are above ``value`` (``is_floor``) or below it.

    A limit of those who are excluded is turned round: to exclude "> 2" is to admit "<= 2". ``of_excluded`` notes that.
    ``value`` is in ``dimension``: base units, or the quantity's canonical unit.
    """

    name: str
    dimension: str
    is_floor: bool
    value: float
    is_strict: bool
    of_excluded: bool
    text: str
    unit: str | None
    written: float = 0.0

    def is_about(self, other: "AdmissionLimit") -> bool:
        """Whether both limit the same quantity in comparable units."""
        named = self.name == other.name or may_name_one_thing(self.name, other.name)
        return named and (self.dimension == other.dimension or self.unit == other.unit)

    def scale(self, other: "AdmissionLimit") -> tuple[float, float]:
        """Return both values in one unit; as written if one is too odd for the quantity's canonical unit."""
        return (self.value, other.value) if self.dimension == other.dimension else (self.written, other.written)

    def is_beside(self, other: "AdmissionLimit") -> bool:
        """Whether both bound the same quantity from the same side."""
        return self.is_about(other) and self.is_floor == other.is_floor

    def is_same(self, other: "AdmissionLimit") -> bool:
        """Whether both are the same bound, also in another unit."""
        rounded = _ROUNDED if self.unit != other.unit else 1e-9
        ours, theirs = self.scale(other)
        near = ours == theirs or abs(ours - theirs) <= rounded * min(abs(ours), abs(theirs))
        return near and self.is_beside(other) and self.is_strict == other.is_strict


def is_negated(criterion: Criterion) -> bool:
    """Whether a criterion's statement is negated; read from its words if no rule has decided."""
    if criterion.negated is not None:
        return criterion.negated
    return read_wording(criterion.quote).is_negated


def admits(criterion: Criterion) -> bool:
    """Whether people to whom the statement itself applies can take part."""
    return (criterion.kind is CriterionKind.INCLUSION) is not is_negated(criterion)


def list_limits(criteria: Iterable[Criterion]) -> list[AdmissionLimit]:
    """List the bounds of criteria, with time windows.

    >>> criterion = Criterion.model_validate({
    ...     "kind": "exclusion", "section": "eligibility", "quote": "Creatinine > 2 mg/dL",
    ...     "constraints": [{"quantity": "Creatinine", "comparator": ">", "value": 2, "unit": "mg/dL"}]})
    >>> [(limit.name, limit.is_floor, limit.is_strict, limit.text) for limit in list_limits([criterion])]
    [('serum_creatinine', False, False, 'Creatinine > 2 mg/dL')]
    """
    found: list[AdmissionLimit] = []
    for criterion in criteria:
        excludes = not admits(criterion)
        # "Must not have bilirubin > 2" is read as a limit of those who are admitted: <= 2.
        inverted = is_negated(criterion) and rule("must_not").search(read_passage(criterion.quote).tokens) is not None
        for bound in list_bounds(criterion.constraints):
            found += _read_bound(bound, criterion.quote, excludes=excludes is not inverted)
        if window := criterion.time_window:
            bound = Bound(_WINDOW, window.comparator, window.value, window.unit.value)
            limits = _make_limits(bound, (_WINDOW, *_scale(bound)), excludes=excludes)
            found += [limit._replace(text=" ".join(window.quote.split())) for limit in limits]
        if introduces(criterion.quote):
            needed = count_needed(criterion.quote, 1 if excludes else _ALL)
            bound = Bound(NEEDED, Comparator.AT_LEAST, needed, None)
            text = "all of them" if needed == _ALL else f"at least {needed:g} of them"
            found += [one._replace(text=text) for one in _make_limits(bound, (NEEDED, "", needed), excludes=excludes)]
    return found


def introduces(quote: str) -> bool:
    """Whether a line introduces others, as "one of the following:" does."""
    return quote.rstrip().endswith(":") or rule("some_of").search(read_passage(quote).tokens) is not None


def count_needed(quote: str, default: float) -> float:
    """Return how many of the listed items must hold; ``default`` if the line does not say.

    >>> [count_needed(text, 1) for text in ("Two or more of the following:", "Any of these:", "All of:", "Asthma:")]
    [2.0, 1.0, 1000.0, 1]
    """
    if found := rule("some_of").search(read_passage(quote).tokens):
        return float(read_number(found.text.split()[0]) or 1)
    return _ALL if re.search(r"(?i)\b(?:all|both|each)\b", quote) else default


def _scale(bound: Bound) -> tuple[str, float]:
    """Return the dimension and the value; of a length of time in days, so that months are comparable to weeks."""
    if (time := read_time_unit(bound.unit or "")) and time in DAYS:
        return "day", bound.value * DAYS[time]
    scaled, dimension = scale_quantity(bound.value, bound.unit)
    return dimension, float(scaled or 0)


def _read_bound(bound: Bound, quote: str, *, excludes: bool) -> list[AdmissionLimit]:
    code = read_unit(bound.unit) if bound.unit else None
    known = name_quantity(bound.quantity, code, quote, bound.value)
    canonical = known.to_canonical(bound.value, code) if known and (code or not bound.unit) else None
    if known and canonical is not None:
        return _make_limits(bound, (known.name, known.unit, canonical), excludes=excludes)
    return _make_limits(bound, (known.name if known else bound.quantity, *_scale(bound)), excludes=excludes)


def _make_limits(bound: Bound, read: tuple[str, str, float], *, excludes: bool) -> list[AdmissionLimit]:
    text = f"{bound.quantity} {bound.comparator.value} {_show(bound.value)} {bound.unit or ''}".rstrip()
    floors = {Comparator.MORE: [True], Comparator.AT_LEAST: [True], Comparator.EQUAL: [True, False]}
    strict = bound.comparator in (Comparator.LESS, Comparator.MORE)
    return [
        AdmissionLimit(
            *read[:2], floor is not excludes, read[2], strict is not excludes, excludes, text, bound.unit, bound.value
        )
        for floor in floors.get(bound.comparator, [False])
    ]


def _show(value: float) -> str:
    """Return a number for people.

    >>> _show(1500), _show(5e10)
    ('1,500', '50 x 10^9')
    """
    if abs(value) < _LARGE:
        return f"{value:,}"
    power = int(log10(abs(value))) // 3 * 3
    return f"{value / 10**power:g} x 10^{power}"


class LimitChange(NamedTuple):
    """A changed limit: the direction, and the limit in words on each side; empty where there is none."""

    kind: ChangeKind
    old: str
    new: str


def compare_limits(old: Sequence[AdmissionLimit], new: Sequence[AdmissionLimit]) -> list[LimitChange]:
    """Compare the limits of two versions of a criterion. The same limit in another unit is no change."""
    before, after = list(old), list(new)
    for limit in old:
        if same := next((one for one in after if limit.is_same(one)), None):
            before.remove(limit)
            after.remove(same)
    found: list[LimitChange] = []
    for is_match in (AdmissionLimit.is_beside, AdmissionLimit.is_about):
        for limit in list(before):
            if other := next((one for one in after if is_match(limit, one)), None):
                before.remove(limit)
                after.remove(other)
                found.append(LimitChange(_direct(limit, other), limit.text, other.text))
    found += [LimitChange(_direct_single(limit, loosens=True), limit.text, "") for limit in before]
    found += [LimitChange(_direct_single(limit, loosens=False), "", limit.text) for limit in after]
    return list(dict.fromkeys(found))


def _direct(old: AdmissionLimit, new: AdmissionLimit) -> ChangeKind:
    if old.is_floor != new.is_floor:
        return ChangeKind.CHANGED
    was, now = old.scale(new)
    fewer = new.is_strict if now == was else (now > was) is new.is_floor
    return ChangeKind.TIGHTENED if fewer else ChangeKind.LOOSENED


def _direct_single(limit: AdmissionLimit, *, loosens: bool) -> ChangeKind:
    """The direction of a limit on one side alone. What a further limit in an exclusion does depends on its words.

    A time window, however, leaves fewer to exclude.
    """
    if limit.of_excluded and limit.name != _WINDOW:
        return ChangeKind.CHANGED
    return ChangeKind.LOOSENED if loosens is not limit.of_excluded else ChangeKind.TIGHTENED


def merge_directions(kinds: Iterable[ChangeKind]) -> ChangeKind:
    """Return the direction of several changes together; ``changed`` if they disagree.

    >>> merge_directions([ChangeKind.TIGHTENED, ChangeKind.LOOSENED]).value
    'changed'
    """
    known = set(kinds)
    return known.pop() if len(known) == 1 else ChangeKind.CHANGED
