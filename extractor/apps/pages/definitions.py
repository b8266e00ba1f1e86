"""The meanings of the guideline's fields and terms, one line each."""

from functools import cache
from importlib.resources import files

import tomli

from extractor.schemas.base import JsonObject


@cache
def read_definitions() -> JsonObject:
    """Return the meanings: ``fields`` by group and name, ``words`` by the name of their
    enumeration, and ``labels`` for parts of values.

    >>> read_definitions()["fields"]["dosing"]["role"]
    'The purpose for which the agent is given.'
    """
    return tomli.loads((files(__package__) / "definitions.toml").read_text("utf-8"))
