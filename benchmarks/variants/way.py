"""Ways of writing: functions from a text to the same text in another form, listed in ``ways.toml``."""

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.variants import writers
from benchmarks.variants.layout import Line, has_both_lists, read_layout

_TABLES = tomllib.loads(Path(__file__).with_name("ways.toml").read_text("utf-8"))
Rewrite = Callable[[str], str | None]
"""Returns the text in another form; None if the text cannot be written in this form."""
_FORMED: Mapping[str, Callable[[Sequence[Line], Any], str | None]] = {
    "headings": writers.replace_headings,
    "marks": writers.mark_items,
    "glued": writers.glue_marks,
    "wrapped": writers.wrap,
    "joined": writers.join_items,
    "ended": writers.end_items,
    "html_list": writers.write_html_list,
    "html_lines": writers.write_html_lines,
    "markdown_list": writers.write_markdown_list,
    "changed_items": writers.change_items,
    "quoted": writers.quote,
    "furniture": writers.add_furniture,
    "tables": writers.write_table,
}
"""The function that writes the lines of a text in a form, by table in ``ways.toml``."""
_PLACES = {
    "below": writers.add_below,
    "above": writers.add_above,
    "below each list": writers.add_to_lists,
}
"""The places where bilingual registers print the second language."""


class Part(StrEnum):
    """The part of a record that a way rewrites."""

    ELIGIBILITY = "eligibility"
    DOSES = "doses"
    TIMES = "times"
    """The time frames of outcomes."""


class Way(NamedTuple):
    """A way of writing a part of a record.

    ``in_place`` means that the way changes a quote exactly as it changes the text that contains the
    quote.
    """

    kind: str
    name: str
    write: Rewrite
    part: Part = Part.ELIGIBILITY
    in_place: bool = False

    @property
    def title(self) -> str:
        return f"{self.kind}: {self.name}"


def _on_lines(write: Callable[..., str | None], *form: Any) -> Rewrite:
    """Return a function that rewrites texts with both lists, in a form if one is given."""

    def rewrite(text: str) -> str | None:
        lines = read_layout(text)
        return write(lines, *form) if has_both_lists(lines) else None

    return rewrite


def _substitute(pairs: Iterable[Sequence[str]]) -> Rewrite:
    """Return a function that applies regular expressions and their replacements in order. A name in
    braces, such as ``{twice}``, refers to a pattern in the table ``patterns``.
    """
    compiled = []
    for pattern, replacement in pairs:
        named = re.fullmatch(r"\{([a-z_]\w*)\}", pattern)
        known = _TABLES["patterns"][named[1]] if named else pattern
        compiled.append((re.compile(known), replacement))

    def rewrite(text: str) -> str:
        for pattern, replacement in compiled:
            text = pattern.sub(replacement, text)
        return text

    return rewrite


def _capitalise_lines(text: str) -> str:
    return re.sub(r"(?m)^\W*[a-z]", lambda found: found[0].upper(), text)


def _indent_with_tabs(text: str) -> str:
    return re.sub(r"(?m)^ {2,}", lambda blanks: "\t" * (len(blanks[0]) // 2), text)


def _list_ways() -> Iterator[Way]:
    for table, write in _FORMED.items():
        for kind, name, form in _list_forms(table):
            yield Way(kind, name, _on_lines(write, form))
    for kind, name, written in (
        ("mark: number", "one count for both lists", writers.continue_numbers),
        ("line: items in one", "the whole text", writers.join_all),
    ):
        yield Way(kind, name, _on_lines(written))
    for _, name, form in _list_forms("furniture"):
        rewrite = _on_lines(writers.add_furniture_in_items, form)
        yield Way("page: furniture in items", name, rewrite)
    for place, write in _PLACES.items():
        for language, lists in _TABLES["languages"].items():
            rewrite = _on_lines(write, lists)
            yield Way("two languages", f"{language} {place}", rewrite)
    for kind, name, pairs in _list_forms("substituted"):
        yield Way(kind, name, _substitute(pairs))
    yield Way("line: ends", "tabs as indentation", _indent_with_tabs)
    for part in Part:
        for kind, name, pairs in _list_forms(part.value):
            yield Way(kind, name, _substitute(pairs), part, in_place=True)
    yield Way("letters", "upper case", str.upper, in_place=True)
    yield Way("letters", "lower case", str.lower, in_place=True)
    yield Way("letters", "first letters of lines", _capitalise_lines, in_place=True)


def _list_forms(table: str) -> Iterator[tuple[str, str, Any]]:
    for kind, forms in _TABLES[table].items():
        for name, form in forms.items():
            yield kind, name, form


WAYS = tuple(_list_ways())
"""All ways of writing. To add one, add a line to ``ways.toml``."""
