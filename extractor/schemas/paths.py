"""Field paths, which locate a value in an extraction or in an item."""

import re
from collections.abc import Iterator

_STEP = r"[^.\[\]:\s]+(?:\[\+?\d+\])?"
"""A field and, for a list, the position of the member. Members that a reviewer adds have positions
such as ``+7``.
"""
_PATH = re.compile(rf"(?:{_STEP}(?:\.{_STEP})*)?")
_POSITION = re.compile(r"\[\+?\d+\]")
_NAME_AND_POSITION = re.compile(r"(.*?)(?:\[(\d+)\])?")


class FieldRef(str):
    """A path in an extraction, such as ``eligibility.criteria[3].constraints[1]``, or in an item,
    such as ``constraints[1]``.

    Section names, such as ``arms[0]``, have the same form.

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
        """Return the path at the beginning of a text, or an empty path if the text does not begin
        with one.
        """
        path = _PATH.match(text)
        return cls(path[0] if path else "")

    @property
    def path(self) -> str:
        """The path without positions."""
        return _POSITION.sub("", self)

    @property
    def names(self) -> list[str]:
        """The field names in the path, without positions."""
        return self.path.split(".")

    @property
    def steps(self) -> list[tuple[str, int | None]]:
        """The field names in the path, each with the position of the member, or None if the field
        is not a list.

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
        """The last position, or None if the path ends with a name or with a member that a reviewer
        added.
        """
        _, position = self.steps[-1]
        return position

    def covers(self, path: str) -> bool:
        """Return True if a path is equal to this path, or is the path of one of its members
        or parts.
        """
        return path == self or path.startswith((f"{self}.", f"{self}["))

    @property
    def parents(self) -> Iterator[str]:
        """The paths that contain this path, innermost first: for ``a[1].b``, these are ``a[1]`` and
        ``a``.
        """
        path = str(self)
        while True:
            end = max(path.rfind("."), path.rfind("["))
            if end <= 0:
                return
            path = path[:end]
            yield path
