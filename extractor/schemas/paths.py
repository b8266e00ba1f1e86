"""Paths to values in nested data: in extractions, gold, records of registers and replies of models.

A path is written ``a.b[3].c``: names are separated by dots, and a position in a list is in
brackets. A dot before a digit is part of a name (``E.5.1``).
"""

import re
from collections.abc import Iterable
from functools import lru_cache

Step = str | int
"""A name, or a position in a list."""
_STEP = re.compile(r"\[(?P<bracket>[^\[\]]*)\]|(?P<name>(?:[^.\[\]]|\.(?=\d))+)")
_POSITION = re.compile(r"-?\d+")


@lru_cache(maxsize=8192)
def read_path(path: str) -> tuple[Step, ...]:
    """Return the names and positions in a path. Position -1 is the last member of a list. Any other
    text in brackets is returned as it is written: a condition in the table of a register, or the
    position of a member that a reviewer has added (``+7``).

    >>> read_path("choices[0].message.content"), read_path("dosing[+7].route")
    (('choices', 0, 'message', 'content'), ('dosing', '+7', 'route'))
    >>> read_path("E.5.1.title"), read_path("texts[language.code=en].title")
    (('E.5.1', 'title'), ('texts', 'language.code=en', 'title'))
    """
    steps: list[Step] = []
    for step in _STEP.finditer(path):
        written = step["bracket"]
        if written is None:
            steps.append(step["name"])
        elif _POSITION.fullmatch(written):
            steps.append(int(written))
        else:
            steps.append(written)
    return tuple(steps)


def write_path(steps: Iterable[Step]) -> str:
    """Return names and positions as a path.

    >>> write_path(("eligibility", "criteria", 3, "quote"))
    'eligibility.criteria[3].quote'
    """
    written = ""
    for step in steps:
        if isinstance(step, int):
            written += f"[{step}]"
        else:
            written += f".{step}"
    return written.removeprefix(".")
