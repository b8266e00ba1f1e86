"""What changed between two versions of a trial, as values: each change with its severity and both sides."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Literal

from pydantic import Field

from extractor.schemas import Citation, Task
from extractor.schemas.base import FrozenModel

ItemName = Literal["eligibility", "criterion", "arm", "regimen", "endpoint", "registration"]
"""What a change concerns.

``eligibility`` is an age limit, the sex, or healthy volunteers; ``registration`` the enrolment, a date, or the status.
"""


class ChangeKind(StrEnum):
    """How a part of a trial changed.

    - ``added``: it is in the new version alone.
    - ``removed``: it is in the old version alone.
    - ``tightened``: it admits fewer people.
    - ``loosened``: it admits more people.
    - ``moved``: the criterion stands in the other list, inclusion or exclusion.
    - ``changed``: it says something else, and no direction follows from it.
    - ``promoted``: the endpoint has a higher rank, such as primary instead of secondary.
    - ``demoted``: the endpoint has a lower rank.
    - ``redefined``: the endpoint has another measure, time frame, instrument or description.
    - ``reworded``: it says the same in other words. Not a change of meaning.
    """

    ADDED = "added"
    REMOVED = "removed"
    TIGHTENED = "tightened"
    LOOSENED = "loosened"
    MOVED = "moved"
    CHANGED = "changed"
    PROMOTED = "promoted"
    DEMOTED = "demoted"
    REDEFINED = "redefined"
    REWORDED = "reworded"


class ChangeSeverity(StrEnum):
    """How much a change matters to somebody who uses the trial's results.

    - ``major``: other people can take part, a dose, route or frequency differs, or a primary endpoint is affected.
    - ``minor``: details, such as secondary endpoints, schedules, consent, or words whose effect is not decided.
    - ``editorial``: another wording of the same statement.
    """

    MAJOR = "major"
    MINOR = "minor"
    EDITORIAL = "editorial"

    def reaches(self, least: "ChangeSeverity") -> bool:
        """Whether this is at least as severe.

        >>> ChangeSeverity.MAJOR.reaches(ChangeSeverity.MINOR), ChangeSeverity.EDITORIAL.reaches(ChangeSeverity.MINOR)
        (True, False)
        """
        order = list(ChangeSeverity)
        return order.index(self) <= order.index(least)


class StatedValue(FrozenModel):
    """One side of a change: a value, where it is in the extraction, and the words that state it.

    ``record.raw_text(section)[start:end] == quote`` holds for each citation and the record of this side.
    """

    path: str = Field(description="Path in the extraction, such as 'dosing[0].route', or in the registry's fields.")
    value: Any = Field(description="The value as JSON.")
    citations: tuple[Citation, ...] = ()


class TrialChange(FrozenModel):
    """One change. A side is None if it has nothing to show."""

    item: ItemName
    kind: ChangeKind
    severity: ChangeSeverity
    field: str | None = Field(default=None, description="The field that changed; None for the whole item.")
    message: str
    old: StatedValue | None = None
    new: StatedValue | None = None

    @property
    def is_of_meaning(self) -> bool:
        """Whether the meaning changed, and not only the wording."""
        return self.severity is not ChangeSeverity.EDITORIAL


def make_change(
    item: ItemName,
    kind: ChangeKind,
    severity: ChangeSeverity,
    message: str,
    *sides: StatedValue | None,
    field: str | None = None,
) -> TrialChange:
    """Return a change; ``sides`` are the old and the new one."""
    old, new = sides
    return TrialChange(item=item, kind=kind, severity=severity, field=field, message=message, old=old, new=new)


def overlap(one: Citation, other: Citation) -> bool:
    """Whether two citations share characters."""
    return one.section == other.section and one.start < other.end and other.start < one.end


def make_rewording(item: ItemName, *sides: StatedValue | None) -> TrialChange:
    """Return a change of words alone."""
    return make_change(item, ChangeKind.REWORDED, ChangeSeverity.EDITORIAL, "other words, same meaning", *sides)


class TrialDiff(FrozenModel):
    """The changes of one trial. ``only_in`` names the version that has the trial, if the other does not.

    ``not_compared`` are tasks whose sections only one version has.
    """

    record_id: str
    only_in: Literal["old", "new"] | None = None
    not_compared: tuple[Task, ...] = ()
    changes: tuple[TrialChange, ...] = ()

    @property
    def differs(self) -> bool:
        """Whether the versions differ in meaning."""
        return self.only_in is not None or any(change.is_of_meaning for change in self.changes)

    def keep(
        self, least: ChangeSeverity = ChangeSeverity.EDITORIAL, kinds: Sequence[ChangeKind] = tuple(ChangeKind)
    ) -> "TrialDiff":
        """Return the diff with the changes that are at least this severe and of these kinds."""
        kept = tuple(one for one in self.changes if one.severity.reaches(least) and one.kind in kinds)
        return self.model_copy(update={"changes": kept})
