"""Of what a bare length of time below a line is: of people, of a course of time, or of something
else.

"at least 2 years" alone in its line is an age below "Participants:", the length of a disease below
"Duration of asthma:", and may be either below "Epilepsy:".
"""

from enum import Enum, auto
from functools import lru_cache

from extractor.language.book import read_text, rule
from extractor.language.lexer import Tokens


class Subject(Enum):
    """Of what a line speaks that introduces others."""

    PEOPLE = auto()
    """Of those who take part, of their ages, or of the trial and its lists."""
    COURSE = auto()
    """Of how long something lasts, or how long ago it was."""
    OTHERS = auto()
    """Of other people, or of another age than that at entry."""
    UNKNOWN = auto()
    """Of anything else."""


@lru_cache(maxsize=1024)
def read_subject(line: str) -> Subject:
    """Return of what a line speaks. An empty line stands for the list of criteria, which is of
    people.

    >>> [
    ...     read_subject(line).name
    ...     for line in (
    ...         "Patients must be:",
    ...         "Duration of asthma:",
    ...         "Parents:",
    ...         "Epilepsy:",
    ...     )
    ... ]
    ['PEOPLE', 'COURSE', 'OTHERS', 'UNKNOWN']
    """
    if not line:
        return Subject.PEOPLE
    tokens = read_text(line)
    names_age = rule("said_age").search(tokens) is not None
    if rule("names_course").search(tokens):
        # below "Age and duration of asthma:" stand lengths of both kinds
        return Subject.UNKNOWN if names_age else Subject.COURSE
    if _is_of_others(tokens):
        return Subject.OTHERS
    if names_age or speaks_of_people(tokens):
        return Subject.PEOPLE
    return Subject.UNKNOWN


def _is_of_others(tokens: Tokens) -> bool:
    """Return whether a line names nobody but kin, or an age at another time than the entry."""
    if rule("age_at_event_named").search(tokens) or rule("measured_age_named").search(
        tokens
    ):
        return True
    if rule("relative").search(tokens) is None:
        return False
    # as in "Participants and their partners:"
    return rule("trial_person").search(tokens) is None


def speaks_of_people(tokens: Tokens) -> bool:
    """Return whether words name those who take part, or the trial and its lists, and not what
    those people have or get: "Patients on dialysis:".
    """
    if rule("says_who").search(tokens):
        return True
    if rule("people_with").search(tokens):
        return False
    if rule("persons").search(tokens):
        return True
    return rule("names_list").search(tokens) is not None


def names_division(heading: str) -> bool:
    """Return whether a heading names a part of the trial or of its people: "Part A:", "Healthy
    volunteers:".
    """
    tokens = read_text(heading)
    names = ("trial_division", "healthy_people")
    return any(rule(name).search(tokens) for name in names)
