"""A way of writing: a function from a text to the same text in another form, with a name and a
kind.
"""

import re
import tomllib
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from benchmarks.variants.layout import Line, has_both_lists, read_layout

TABLES = tomllib.loads(Path(__file__).with_name("ways.toml").read_text("utf-8"))
Rewrite = Callable[[str], str | None]
"""Returns the text in another form; None if the text cannot be written so."""


class Part(StrEnum):
    """The part of a record that a way rewrites."""

    ELIGIBILITY = "eligibility"
    DOSES = "doses"
    TIMES = "times"
    """The time frames of outcomes."""


class Way(NamedTuple):
    """A way of writing a part of a record.

    ``in_place`` says that it changes characters where they stand, so that it changes a quote as it
    changes the text.
    """

    kind: str
    name: str
    write: Rewrite
    part: Part = Part.ELIGIBILITY
    in_place: bool = False

    @property
    def title(self) -> str:
        return f"{self.kind}: {self.name}"


def on_lines(write: Callable[[Sequence[Line]], str | None]) -> Rewrite:
    """Return a rewriting of texts that have both lists, from one of their lines."""

    def rewrite(text: str) -> str | None:
        lines = read_layout(text)
        return write(lines) if has_both_lists(lines) else None

    return rewrite


def substitute(pairs: Iterable[Sequence[str]]) -> Rewrite:
    r"""Return a rewriting by regular expressions with their replacements, in order.

    >>> substitute([(r"(?<=\d) mg\b", "mg")])("10 mg daily")
    '10mg daily'
    """
    compiled = [(re.compile(pattern), replacement) for pattern, replacement in pairs]

    def rewrite(text: str) -> str:
        for pattern, replacement in compiled:
            text = pattern.sub(replacement, text)
        return text

    return rewrite
