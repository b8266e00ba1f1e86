"""Find the subject of a line (people, a period of time, or something else), to which a bare
duration below the line refers.

"at least 2 years" alone on its line is treated as an age below "Participants:" and as the duration
of a disease below "Duration of asthma:"; below "Epilepsy:", it may be either.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache

from extractor.language.book import read_words, rule
from extractor.language.lexer import Tokens
from extractor.language.passage import Passage
from extractor.measures import Limit
from extractor.schemas import Category, CriterionKind


@dataclass(frozen=True, slots=True)
class StatedCriterion:
    """A criterion with the details that the readers of a whole record need. Its passage contains
    only the criterion. ``donor`` is true if it is about donors. ``heading`` is the line above it.
    """

    passage: Passage
    kind: CriterionKind
    category: Category
    limits: Sequence[Limit] = ()
    donor: bool = False
    heading: str = ""


class Subject(Enum):
    """The possible subjects of a line that introduces other lines."""

    PEOPLE = auto()
    """The participants, their ages, or the trial and its lists."""
    COURSE = auto()
    """The duration of something, or the time since it happened."""
    OTHERS = auto()
    """Other people, or an age at a time other than entry."""


@lru_cache(maxsize=1024)
def read_subject(line: str) -> Subject | None:
    """Return the subject of a line; None if the subject is not one of the ``Subject`` values. An
    empty line represents the list of criteria, whose subject is people.

    >>> for line in (
    ...     "Patients must be:",
    ...     "Duration of asthma:",
    ...     "Parents:",
    ...     "Epilepsy:",
    ... ):
    ...     print(read_subject(line))
    Subject.PEOPLE
    Subject.COURSE
    Subject.OTHERS
    None
    """
    if not line:
        return Subject.PEOPLE
    tokens = read_words(line)
    names_age = rule("said_age").search(tokens) is not None
    if rule("names_course").search(tokens):
        # below "Age and duration of asthma:", durations can be either
        if names_age:
            return None
        return Subject.COURSE
    if _is_of_others(tokens):
        return Subject.OTHERS
    if names_age or speaks_of_people(tokens):
        return Subject.PEOPLE
    return None


def _is_of_others(tokens: Tokens) -> bool:
    """Return whether a line names only relatives, or an age at a time other than entry."""
    if rule("age_at_event_named").search(tokens):
        return True
    if rule("measured_age_named").search(tokens):
        return True
    if rule("relative").search(tokens) is None:
        return False
    # as in "Participants and their partners:"
    return rule("trial_person").search(tokens) is None


@lru_cache(maxsize=64)
def speaks_of_people(tokens: Tokens) -> bool:
    """Return whether words name only the participants, the trial or its lists. "Patients on
    dialysis:", by contrast, names a treatment that the participants receive.
    """
    if rule("says_who").search(tokens):
        return True
    if rule("people_with").search(tokens):
        return False
    if rule("persons").search(tokens):
        return True
    return rule("names_list").search(tokens) is not None


def names_division(heading: str) -> bool:
    """Return whether a heading names a part of the trial or a group of its participants: "Part A:",
    "Healthy volunteers:".
    """
    tokens = read_words(heading)
    names = ("trial_division", "healthy_people")
    return any(rule(name).search(tokens) for name in names)
