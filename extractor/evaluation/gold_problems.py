"""What can be wrong with a gold annotation, and where."""

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Flaw", "GoldProblem", "join_path", "shorten"]

_SHOWN = 90
"""How many characters of a quoted text a message shows."""


@dataclass(frozen=True, slots=True)
class Flaw:
    """One thing that is wrong within one annotated record."""

    path: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        return f"{f'{self.path}: ' if self.path else ''}{self.problem}; {self.remedy}"


@dataclass(frozen=True, slots=True)
class GoldProblem:
    """One thing that is wrong: the file, the line of a JSONL file, the JSON path, what is wrong, what to do.

    >>> print(GoldProblem("a.json", None, "dosing[0].unit", "'mgg' is no unit", "write mg"))
    a.json: dosing[0].unit: 'mgg' is no unit; write mg
    """

    file: str
    line: int | None
    path: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}, line {self.line}"
        return f"{place}: {Flaw(self.path, self.problem, self.remedy)}"


def join_path(parts: Sequence[str | int]) -> str:
    """A JSON path as output names fields. A key that is no name is put in quotation marks.

    >>> join_path(("eligibility", "criteria", 3, "quote"))
    'eligibility.criteria[3].quote'
    >>> join_path(("dosing", 0, "the dose"))
    "dosing[0]['the dose']"
    """
    named = (f".{part}" if isinstance(part, str) and part.isidentifier() else f"[{part!r}]" for part in parts)
    return "".join(named).removeprefix(".")


def shorten(text: str) -> str:
    r"""A text in one line and in quotation marks, its middle left out if it is long.

    >>> shorten("ECOG\n 0-2")
    "'ECOG 0-2'"
    """
    line = " ".join(text.split())
    half = _SHOWN // 2
    return repr(line if len(line) <= _SHOWN else f"{line[:half]} ... {line[-half:]}")
