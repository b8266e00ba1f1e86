"""Paths of fields: where a value stands in an extraction or in an item."""

import re
from collections.abc import Iterator

_STEP = r"[^.\[\]:\s]+(?:\[\+?\d+\])?"
"""A field and, in a list, the position of the member. A reviewer's additions have positions such
as ``+7``.
"""
_PATH = re.compile(rf"(?:{_STEP}(?:\.{_STEP})*)?")
_POSITION = re.compile(r"\[\+?\d+\]")
_NAME_AND_POSITION = re.compile(r"(.*?)(?:\[(\d+)\])?")


class FieldRef(str):
    """A path such as ``eligibility.criteria[3].constraints[1]``, in an extraction, or
    ``constraints[1]``, in an item.

    Names of sections, such as ``arms[0]``, have the same form.

    >>> ref = FieldRef.parse("eligibility.criteria[3].constraints[1]: unread")
    >>> ref.path, ref.names, ref.position
    ('eligibility.criteria.constraints', ['eligibility', 'criteria', 'constraints'], 1)
    >>> (
    ...     FieldRef("constraints").covers("constraints[1]"),
    ...     FieldRef("constraints[1]").covers("constraints[10]"),
    ... )
    (True, False)
    """

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> "FieldRef":
        """Return the path at the beginning of a text. It is empty if there is none."""
        path = _PATH.match(text)
        return cls(path[0] if path else "")

    @property
    def path(self) -> str:
        """The path without positions."""
        return _POSITION.sub("", self)

    @property
    def names(self) -> list[str]:
        """The fields on the way, without positions."""
        return self.path.split(".")

    @property
    def steps(self) -> list[tuple[str, int | None]]:
        """The fields on the way, each with the position of the member, if it is a list.

        >>> FieldRef("dosing[2].amounts[0]").steps
        [('dosing', 2), ('amounts', 0)]
        """
        steps: list[tuple[str, int | None]] = []
        for text in self.split("."):
            step = _NAME_AND_POSITION.fullmatch(text)
            if step:
                steps.append((step[1], int(step[2]) if step[2] else None))
        return steps

    @property
    def position(self) -> int | None:
        """The last position. None if the path ends with a name, or with what a reviewer added."""
        _, position = self.steps[-1]
        return position

    def covers(self, other: str) -> bool:
        """Return whether the other path is this one, a member of its list, or a part of it."""
        return other == self or other.startswith((f"{self}.", f"{self}["))

    @property
    def parents(self) -> Iterator[str]:
        """The paths that hold this one, the nearest first: ``a[1].b`` is in ``a[1]``, which is
        in ``a``.
        """
        path = str(self)
        while True:
            end = max(path.rfind("."), path.rfind("["))
            if end <= 0:
                return
            path = path[:end]
            yield path
