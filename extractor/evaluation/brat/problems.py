"""What could not be carried over from brat."""

import re
from dataclasses import dataclass

__all__ = ["BratProblem"]

_NAMED = re.compile(r"""'[^']*'|"[^"]*"|\b[TRE]\d+(?:, [TRE]\d+)*|\[Errno.*""")
_THINGS = re.compile(r"(?:[\w-]+ )?\.\.\.(?:, (?:[\w-]+ )?\.\.\.)+")


@dataclass(frozen=True, slots=True)
class BratProblem:
    """An annotation, a line or a file that did not become gold, wholly or in part.

    >>> print(BratProblem("t_inc.ann", "T4", "the entity type 'Colour' is not in the mapping"))
    t_inc.ann, T4: the entity type 'Colour' is not in the mapping
    """

    file: str
    place: str | None
    problem: str

    def __str__(self) -> str:
        return f"{self.file}{f', {self.place}' if self.place else ''}: {self.problem}"

    @property
    def shape(self) -> str:
        """The problem without the words of the text, to count by.

        >>> BratProblem("t_inc.ann", "T4", "the entity type 'Colour' is not in the mapping").shape
        'the entity type ... is not in the mapping'
        """
        return _THINGS.sub("several entities", _NAMED.sub("...", self.problem))
