"""Decide whether changed limits admit fewer people or more, from comparator, number, unit and
list.
"""

import re
from collections.abc import Iterator, Sequence
from math import isclose
from typing import NamedTuple

from extractor.apps.diff.changes import ChangeKind
from extractor.apps.evaluation.alignment import match_values
from extractor.apps.evaluation.comparers import Bound, Level, measure_window
from extractor.apps.evaluation.fields import CRITERIA
from extractor.apps.evaluation.judge import compare_values, pair_wholes
from extractor.apps.evaluation.text import fold_text, scale_quantity, share_words
from extractor.language.numbers import DAYS, read_time_unit
from extractor.language.shown import show_line
from extractor.schemas import Comparator, Criterion, CriterionKind, TimeWindow

_EXCEPTS = re.compile(r"unless|except|with the exception", re.IGNORECASE)
"""How a condition begins that says to whom a limit does not apply."""
_UPWARDS = (Comparator.MORE, Comparator.AT_LEAST, Comparator.EQUAL)


class Limit(NamedTuple):
    """One bound of a criterion or its time window, and whether it ``excludes``: to exclude "> 2"
    is to admit "<= 2".
    """

    bound: Bound | TimeWindow
    excludes: bool

    def __str__(self) -> str:
        bound = self.bound
        if isinstance(bound, TimeWindow):
            return show_line(bound.quote)
        words = [str(bound.quantity), bound.comparator.value, f"{bound.value:,}"]
        if bound.unit:
            words.append(bound.unit)
        return " ".join(words)

    @property
    def is_floor(self) -> bool:
        """Return whether people with values above the bound are admitted."""
        return (self.bound.comparator in _UPWARDS) is not self.excludes

    @property
    def is_strict(self) -> bool:
        """Return whether people whose value is the bound itself are not admitted."""
        leaves_out = self.bound.comparator in (Comparator.LESS, Comparator.MORE)
        return leaves_out is not self.excludes

    def scale(self) -> tuple[str, float]:
        """Return the dimension and the value in base units; a length of time in days, to compare
        months with weeks. A bound without a value counts as 0.
        """
        value = self.bound.value or 0.0
        unit = self.bound.unit
        time = read_time_unit(unit or "")
        # "3 months" and "12 weeks"
        if time and time in DAYS:
            return "day", value * DAYS[time]
        scaled, dimension = scale_quantity(value, unit)
        return dimension, float(scaled or 0)

    def list_forms(self) -> tuple[str, ...]:
        """Return the normal forms in which a text can write the numbers of the limit, as
        ``read_words`` gives them: the digits, and the number in base units. Without a number "0".
        """
        forms = []
        for number in (self.bound.value, getattr(self.bound, "value_high", None)):
            if not number:
                continue
            scaled, dimension = scale_quantity(number, self.bound.unit)
            forms.append(f"{number:.12g}")
            forms.append(f"{scaled} {dimension}")
        return tuple(forms) or ("0",)


class LimitPair(NamedTuple):
    """A limit of each version; None on a side without one."""

    old: Limit | None
    new: Limit | None

    def __str__(self) -> str:
        """Return both limits; of windows also what they limit, if their words do not name it."""
        said = " -> ".join(str(limit or "no limit") for limit in self)
        thing = self._name_thing()
        if not thing or fold_text(thing) in fold_text(said):
            return said
        return f"{thing}: {said}"

    def _name_thing(self) -> str:
        """Return what a window limits, as the newest window says it; empty if it does not."""
        for limit in (self.new, self.old):
            if limit and isinstance(limit.bound, TimeWindow):
                return show_line(limit.bound.of or "")
        return ""

    @property
    def is_of_one_thing(self) -> bool:
        """Return whether both are windows that say what they limit: then the same words may say
        something else.
        """
        for limit in self:
            if limit is None or not isinstance(limit.bound, TimeWindow):
                return False
            if not limit.bound.of:
                return False
        return True

    @property
    def kind(self) -> ChangeKind | None:
        """Return the direction of the change; None for the same limit, also in another unit.

        A limit that admits people above it is tightened if it rises, any other if it falls. A
        window with two ends, another direction of the limit, or another dimension has no direction
        (``CHANGED``).
        """
        old, new = self
        if old is None:
            assert new is not None
            return _direct_unpaired(new, is_removed=False)
        if new is None:
            return _direct_unpaired(old, is_removed=True)
        bounds = (old.bound, new.bound)
        windows = [bound for bound in bounds if isinstance(bound, TimeWindow)]
        has_range = Comparator.BETWEEN in [bound.comparator for bound in bounds]
        # A window from 2 to 4 weeks has no single end that could rise or fall.
        if len(windows) == 2 and has_range:
            lengths = set(map(measure_window, windows))
            return None if len(lengths) == 1 else ChangeKind.CHANGED
        dimension, was = old.scale()
        other_dimension, now = new.scale()
        # "> 2" -> "< 2", or "2 mg/dL" -> "2 mg/kg"
        if old.is_floor != new.is_floor or dimension != other_dimension:
            return ChangeKind.CHANGED
        # Between units, a small difference is rounding: 90 days are three months.
        tolerance = 1e-9 if old.bound.unit == new.bound.unit else 0.02
        if isclose(was, now, rel_tol=tolerance):
            if old.is_strict == new.is_strict:
                return None
            return ChangeKind.TIGHTENED if new.is_strict else ChangeKind.LOOSENED
        rises = now > was
        tightens = rises is new.is_floor
        return ChangeKind.TIGHTENED if tightens else ChangeKind.LOOSENED


def _direct_unpaired(limit: Limit, *, is_removed: bool) -> ChangeKind:
    """Return the direction of a limit that was removed, or else added, without a counterpart.

    A further limit in an inclusion admits fewer people. In an exclusion, a further time window
    leaves fewer people to exclude; what another limit does there depends on its words: "asthma,
    FEV1 < 50 %" excludes fewer people than "asthma", "asthma or FEV1 < 50 %" more. That has no
    direction (``CHANGED``).
    """
    if limit.excludes and isinstance(limit.bound, Bound):
        return ChangeKind.CHANGED
    loosens = is_removed is not limit.excludes
    return ChangeKind.LOOSENED if loosens else ChangeKind.TIGHTENED


def admits(criterion: Criterion) -> bool:
    """Return whether people to whom the statement itself applies can take part."""
    return (criterion.kind is CriterionKind.INCLUSION) is not bool(criterion.negated)


_FIELDS = {field.attribute: field for field in CRITERIA.fields}


def pair_limits(old: Criterion, new: Criterion) -> Iterator[LimitPair]:
    """Yield the limits and time windows of two versions of a criterion in pairs, in text order,
    equal ones too.

    >>> limits = (
    ...     {
    ...         "quantity": "creatinine",
    ...         "comparator": ">",
    ...         "value": value,
    ...         "unit": "mg/dL",
    ...     }
    ...     for value in (2, 3)
    ... )
    >>> known = {"kind": "exclusion", "section": "eligibility", "quote": "Creatinine"}
    >>> (pair,) = pair_limits(
    ...     *(
    ...         Criterion.model_validate(known | {"constraints": [one]})
    ...         for one in limits
    ...     )
    ... )
    >>> str(pair), pair.kind.value
    ('creatinine > 2 mg/dL -> creatinine > 3 mg/dL', 'loosened')
    """
    field = _FIELDS["constraints"]
    stated = [
        *field.comparer.spread(old.constraints),
        *field.comparer.spread(new.constraints),
    ]
    rows = compare_values(field, old.constraints, new.constraints)
    # in an evaluation's rows, the old version has the place of gold
    for row in sorted(rows, key=lambda row: stated.index(row.gold or row.predicted)):
        pair = LimitPair(_make_limit(old, row.gold), _make_limit(new, row.predicted))
        if any(pair):
            yield pair
    for was, now in _pair_windows(old.time_windows, new.time_windows):
        yield LimitPair(_make_limit(old, was), _make_limit(new, now))


def _pair_windows(
    old: Sequence[TimeWindow], new: Sequence[TimeWindow]
) -> Iterator[tuple[TimeWindow | None, TimeWindow | None]]:
    """Yield the windows of the same treatment or event beside each other, in text order; None for
    one alone.

    Where a version does not say of what a window is, those of the same length come first.
    """

    def measure_likeness(was: TimeWindow, now: TimeWindow) -> float:
        """Return how alike two windows are: 0 if they are of different things, most if of the same
        thing, then if of the same length.
        """
        likeness = 0.1
        if was.of and now.of:
            # "aspirin within 3 days" and "warfarin within 10 days"
            if not share_words(was.of, now.of):
                return 0.0
            likeness += 1
        if measure_window(was) == measure_window(now):
            likeness += 0.5
        return likeness

    both, removed, added = match_values(old, new, measure_likeness, threshold=0.1)
    yield from both
    for window in removed:
        yield window, None
    for window in added:
        yield None, window


def list_conditions(old: Criterion, new: Criterion) -> Iterator[str]:
    """Yield in words the changed conditions of limits that both versions have, but for their
    extent.

    >>> known = {"kind": "inclusion", "section": "eligibility", "quote": "Hb"}
    >>> hb = {"quantity": "Hb", "comparator": ">=", "value": 12, "unit": "g/dL"}
    >>> sides = [
    ...     Criterion(**known, constraints=[hb | {"condition": one}])
    ...     for one in (None, "for men")
    ... ]
    >>> [list(list_conditions(*each)) for each in (sides, sides[::-1])]
    [['Hb >= 12 g/dL now for men only'], ['Hb >= 12 g/dL no longer for men only']]
    """
    field = _FIELDS["constraints.condition"]
    for was, now in pair_wholes(CRITERIA, field, old, new):
        rows = compare_values(field, was.condition, now.condition)
        # "in male patients" and "for male subjects"
        if all(row.level >= Level.NORMALISED for row in rows):
            continue
        limit = str(now.model_copy(update={"condition": None})).replace(": ", " ", 1)
        if was.condition and now.condition:
            before = show_line(was.condition)
            after = show_line(now.condition)
            yield f"{limit}: {before} -> {after}"
            continue
        words = show_line(was.condition or now.condition)
        adverb = "now" if now.condition else "no longer"
        # "now for men only", but "now unless on dialysis"
        only = "" if _EXCEPTS.match(words) else " only"
        yield f"{limit} {adverb} {words}{only}"


def _make_limit(criterion: Criterion, value: Bound | TimeWindow | None) -> Limit | None:
    """Return a bound or window of a criterion as a limit; None if there is none, and for "0" in
    "ECOG 0 to 2", which excludes nobody.
    """
    excludes = not admits(criterion)
    if isinstance(value, TimeWindow):
        return Limit(value, excludes)
    if value is None:
        return None
    is_floor_of_range = value.of_range and value.comparator is Comparator.AT_LEAST
    if is_floor_of_range and not value.value:
        return None
    # "Must not have INR > 2" is kept as "<= 2": such a limit has the negation in it already.
    return Limit(value, excludes is not criterion.turned)
