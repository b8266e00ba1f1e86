"""A mention: a span of a line that says a number, with all readings that its characters allow, a clause and a role."""

from dataclasses import dataclass
from enum import StrEnum

from extractor.schemas import Comparator
from extractor.text.lexer import Range

Bounds = tuple[float, float | None]
"""One number, or the two ends of a range."""


class Kind(StrEnum):
    """What a number measures: an age, a lifetime such as a life expectancy, another length of time, anything else."""

    LIMIT = "limit"
    AGE = "age"
    LIFETIME = "lifetime"
    LENGTH = "length"


class Role(StrEnum):
    """What a number does in its clause.

    - ``stated``: it says how much there is, or may be.
    - ``change``: it says how much something changes. ``aim``: a treatment shall reach it.
    - ``scale``: it is an end of a scale. ``part``: it is a part of a name, a sum, a date or a tolerance.
    """

    STATED = "stated"
    CHANGE = "change"
    AIM = "aim"
    SCALE = "scale"
    PART = "part"


@dataclass(frozen=True, slots=True)
class Mention:
    """``tokens.words[first:end]`` says ``bounds``, the likeliest reading first. All places are in tokens.

    ``number`` are its digits or number words. ``comparators`` are those that the words allow; ``stated``: it has one of
    its own. ``subject`` is the name of what is limited, None if only the limits before it name that. ``clause`` are the
    words that speak of no other limit, ``inherited`` the clauses before it in the line. ``is_denied``:
    the words around it may turn it into its opposite.
    """

    kind: Kind
    first: int
    end: int
    number: Range
    bounds: tuple[Bounds, ...]
    comparators: tuple[Comparator, ...]
    stated: bool
    clause: Range
    subject: Range | None = None
    inherited: tuple[Range, ...] = ()
    role: Role = Role.STATED
    is_denied: bool = False
