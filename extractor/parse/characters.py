"""Expressions over characters, as data: ``rulebook/characters.toml``."""

import re
from functools import cache

from extractor.text.book import read_table


@cache
def expression(name: str) -> re.Pattern[str]:
    """An expression by name. Raises ``KeyError`` for an unknown name.

    >>> expression("list_mark").match("1. Adult").lastgroup
    'number'
    """
    return re.compile(read_table("characters")["expression"][name]["pattern"], re.VERBOSE)
