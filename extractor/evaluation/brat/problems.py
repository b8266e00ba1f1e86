"""What could not be carried over from brat."""

from dataclasses import dataclass

__all__ = ["BratProblem"]


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
