"""The changes between two versions of a trial: frozen values, each with its severity and both
sides.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Literal

from pydantic import Field

from extractor.apps.evaluation.alignment import Side
from extractor.apps.pages.words import say
from extractor.schemas import Citation, FieldRef, Task
from extractor.schemas.base import FrozenModel

ItemName = Literal[
    "eligibility", "criterion", "regimen", "arm", "endpoint", "custom", "registration"
]
"""What a change concerns.

``eligibility`` is an age limit, the sex, or healthy volunteers; ``custom`` is a field of the user's
own; ``registration`` is a title, the conditions, the enrolment, a date, or the status.
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

    - ``major``: other people can take part, a dose, route or frequency differs, or a primary
      endpoint is affected.
    - ``minor``: details, such as secondary endpoints, schedules, consent, or words whose effect is
      not decided.
    - ``editorial``: another wording of the same statement.
    """

    MAJOR = "major"
    MINOR = "minor"
    EDITORIAL = "editorial"


class StatedValue(FrozenModel):
    """One side of a change: a value, where it is in the extraction, and the words that state it.

    ``record.raw_text(section)[start:end] == quote`` holds for each citation and the record of this
    side.
    """

    path: str = Field(
        description="Path in the extraction, such as 'dosing[0].route', or in the registry's "
        "fields."
    )
    value: Any = Field(description="The value as JSON.")
    citations: tuple[Citation, ...] = ()


class TrialChange(FrozenModel):
    """One change. A side is None if it has nothing to show."""

    item: ItemName
    kind: ChangeKind
    severity: ChangeSeverity
    field: str | None = Field(
        default=None, description="The field that changed; None for the whole item."
    )
    message: str
    old: StatedValue | None = None
    new: StatedValue | None = None

    @property
    def is_of_meaning(self) -> bool:
        """Return whether the meaning changed, and not only the wording."""
        return self.severity is not ChangeSeverity.EDITORIAL


class TrialDiff(FrozenModel):
    """The changes of one trial. ``only_in`` names the version that has the trial, if the other does
    not.

    ``not_compared`` are tasks whose sections only one version has.
    """

    record_id: str
    only_in: Literal["old", "new"] | None = None
    not_compared: tuple[Task, ...] = ()
    changes: tuple[TrialChange, ...] = ()

    @property
    def differs(self) -> bool:
        """Return whether the versions differ in meaning: one of them has no such trial, or a change
        is more than wording.
        """
        if self.only_in is not None:
            return True
        return any(change.is_of_meaning for change in self.changes)


_WHOLE = {
    "criterion": ("quote",),
    "regimen": ("quote",),
    "endpoint": ("measure", "description", "time_frame"),
    "custom": ("values",),
}
"""The fields whose evidence quotes a whole item."""
_OF_WHOLE = frozenset({"kind", "constraints", "quote"})
"""Fields of a criterion whose change is shown in the whole criterion."""
Stated = StatedValue | Sequence[Side] | None
"""One side of a change: a stated value, or the items that hold it."""


def make_change(
    item: ItemName,
    kind: ChangeKind,
    severity: ChangeSeverity,
    message: str,
    pair: tuple[Stated, Stated],
    field: str | None = None,
) -> TrialChange:
    """Return a change of an item, or of one of its fields, with the evidence of both sides.

    Args:
        item: What changed.
        kind: How it changed.
        severity: How much that matters.
        message: The change in words.
        pair: The old and the new side. A side that is empty or None has nothing to show.
        field: The field that changed, None for the whole item. Some fields of a criterion, and the
            user's own fields, are shown by the whole item all the same.
    """
    shown = field
    if field in _OF_WHOLE or item == "custom":
        shown = None
    old, new = pair
    return TrialChange(
        item=item,
        kind=kind,
        severity=severity,
        message=message,
        old=_show(item, old, shown),
        new=_show(item, new, shown),
        field=field,
    )


def _show(item: ItemName, side: Stated, field: str | None) -> StatedValue | None:
    """Return one side of a change: the value and evidence of a field, or of the whole items if
    ``field`` is None. None for a side that has nothing to show.

    A side with several items is one that was split. The value of a field is that of the first. A
    field without evidence of its own is in the words of its item.
    """
    if isinstance(side, StatedValue):
        return side
    if not side:
        return None
    wholes = _WHOLE[item]
    if field is None:
        path = ", ".join(str(part.path) for part in side)
        value = " ".join(say(getattr(part.item, wholes[0])) for part in side)
        citations = _cite(side, wholes)
    else:
        path = ", ".join(f"{part.path}.{field}" for part in side)
        value = side[0].item.model_dump(mode="json")[field]
        citations = _cite(side, (field,)) or _cite(side, wholes)
    distinct = tuple(dict.fromkeys(citations))
    return StatedValue(path=path, value=value, citations=distinct)


def _cite(side: Sequence[Side], names: Sequence[str]) -> list[Citation]:
    """Return the quotes that state these fields, of all parts of an item."""
    citations = []
    for part in side:
        for name in names:
            ref = FieldRef(name)
            for proof in part.item.evidence:
                if not ref.covers(proof.field):
                    continue
                citations.append(proof.cite())
    return citations
