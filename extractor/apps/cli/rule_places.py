"""Where each field is read, for anyone who wonders why a text was not read, or was read
wrongly. The places are in ``rule_places.toml``.
"""

import tomllib
from importlib.resources import files
from typing import NamedTuple


class Place(NamedTuple):
    """The fields that are read in one place: files of rules and their reader, from
    ``extractor/concepts`` on, and the file of cases in ``tests/cases``.
    """

    fields: list[str]
    rules: list[str]
    reader: str
    cases: str


_FILE = files(__package__).joinpath("rule_places.toml")
PLACES = [Place(**place) for place in tomllib.loads(_FILE.read_text("utf-8"))["place"]]


def explain_place(field: str) -> str:
    """Return where a field is read.

    >>> explain_place("sex")
    'rules: people/rules/sex.toml; cases: people.toml'
    >>> explain_place("kind")
    'no rules of its own'
    """
    for place in PLACES:
        if field in place.fields:
            return f"rules: {', '.join(place.rules)}; cases: {place.cases}"
    return "no rules of its own"
