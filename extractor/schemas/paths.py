"""Paths of fields: where a value stands in an extraction or in an item, as text and as steps."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple, Self

_STEP = re.compile(r"\.?(?P<name>[^.\[\]:\s]+)(?:\[(?P<position>\+?\d+)\])?")


class Step(NamedTuple):
    """A field and, in a list, the position of the member. A reviewer's additions have positions such as ``+7``."""

    name: str
    position: int | str | None = None


class FieldRef(NamedTuple):
    """A path such as ``eligibility.criteria[3].constraints[1]``, in an extraction, or ``constraints[1]``, in an item.

    Names of sections, such as ``arms[0]``, have the same form.

    >>> ref = FieldRef.parse("eligibility.criteria[3].constraints[1]")
    >>> ref.path, ref.name, ref.position, str(ref)
    ('eligibility.criteria.constraints', 'constraints', 1, 'eligibility.criteria[3].constraints[1]')
    >>> FieldRef.parse("constraints").covers(FieldRef.parse("constraints[1]"))
    True
    """

    steps: tuple[Step, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse the path at the beginning of a text. It is empty if there is none."""
        return cls(_parse_steps(text))

    def __str__(self) -> str:
        return ".".join(name if place is None else f"{name}[{place}]" for name, place in self.steps)

    @property
    def path(self) -> str:
        """The path without positions."""
        return ".".join(step.name for step in self.steps)

    @property
    def name(self) -> str:
        """The last name; empty for an empty path."""
        return self.steps[-1].name if self.steps else ""

    @property
    def position(self) -> int | None:
        """The last position, None if the path ends with a name."""
        place = self.steps[-1].position if self.steps else None
        return place if isinstance(place, int) else None

    def covers(self, other: "FieldRef") -> bool:
        """Return whether the other path is this one, a member of its list, or a part of it."""
        return self == other or self in other.parents

    @property
    def parents(self) -> Iterator["FieldRef"]:
        """The paths that hold this one, the nearest first: ``a[1].b`` is in ``a[1]``, which is in ``a``."""
        for end in range(len(self.steps), 0, -1):
            *before, last = self.steps[:end]
            if end < len(self.steps):
                yield FieldRef((*before, last))
            if last.position is not None:
                yield FieldRef((*before, Step(last.name)))


@lru_cache(maxsize=1 << 14)
def _parse_steps(text: str) -> tuple[Step, ...]:
    steps: list[Step] = []
    at = 0
    while found := _STEP.match(text, at):
        if found[0].startswith(".") is not bool(steps):
            break
        place = found["position"]
        steps.append(Step(found["name"], int(place) if place and place.isdigit() else place))
        at = found.end()
    return tuple(steps)
