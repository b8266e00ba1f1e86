"""The rule files and the reader for each field, to help you find out why a text was misread or not
read. The places are listed in ``rule_places.toml``.
"""

from importlib.resources import files
from typing import NamedTuple

import tomli


class ReaderFiles(NamedTuple):
    """The fields that a reader handles, and the reader's rule files. Paths are relative to
    ``extractor/concepts``, except for the path of the case file, which is in ``tests/cases``.
    """

    fields: list[str]
    rules: list[str]
    reader: str
    cases: str


_FILE = files(__package__).joinpath("rule_places.toml")
PLACES = [
    ReaderFiles(**place) for place in tomli.loads(_FILE.read_text("utf-8"))["place"]
]


def explain_place(field: str) -> str:
    """Return the rule files and cases for a field.

    >>> explain_place("sex")
    'rules: people/rules/sex.toml; cases: people.toml'
    >>> explain_place("kind")
    'no rules of its own'
    """
    for place in PLACES:
        if field in place.fields:
            return f"rules: {', '.join(place.rules)}; cases: {place.cases}"
    return "no rules of its own"
