"""Other lines: line ends, empty lines, wrapped lines, all items in one line, indentation,
blanks, capitals.
"""

import re
import textwrap
from collections.abc import Callable, Sequence
from functools import partial

from benchmarks.variants.layout import Line, Role, split_lists
from benchmarks.variants.way import Way, on_lines, substitute

_CIRCLED = "①②③④⑤⑥⑦⑧⑨⑩⑪⑫⑬⑭⑮⑯⑰⑱⑲⑳"


def _wrap(lines: Sequence[Line], width: int, indent: str = "") -> str:
    """Return the text with lines of at most ``width`` characters; continuation lines begin with
    ``indent``.
    """
    filler = textwrap.TextWrapper(
        width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    wrapped = []
    for line in lines:
        words = " ".join(line.raw.split())
        wrapped.append("\n".join(filler.wrap(words)))
    return "\n".join(wrapped)


def _wrap_compactly(lines: Sequence[Line], width: int) -> str:
    """Return the text with wrapped lines and without empty ones."""
    return _wrap([line for line in lines if line.role is not Role.BLANK], width)


def _wrap_behind_long_line(lines: Sequence[Line], width: int) -> str:
    """Return the text with wrapped lines below one long line, as the header of a page is."""
    header = (
        "A Randomised, Double-blind Study of an Invented Medicine in Adults, Protocol "
        "XY-4711, Version 3.0, "
    )
    return f"{header}Date of this printed copy: 12 March 2021\n\n{_wrap(lines, width)}"


def _wrap_all_but_longest(lines: Sequence[Line], width: int) -> str:
    """Return the text with wrapped lines, but for the longest item."""
    items = [line for line in lines if line.role is Role.ITEM]
    longest = max(items, key=lambda line: len(line.text))
    written = []
    for line in lines:
        is_kept = line is longest
        written.append(line.raw if is_kept else _wrap([line], width))
    return "\n".join(written)


def _join_items(
    lines: Sequence[Line], write_mark: Callable[[int], str], between: str = " "
) -> str:
    """Return the text with all items of a list in the line of its heading."""
    written = []
    for heading, below in split_lists(lines):
        pieces = []
        number = 0
        for line in below:
            mark = ""
            if line.role is Role.ITEM:
                number += 1
                mark = write_mark(number)
            pieces.append(mark + line.text)
        start = f"{heading.text.rstrip(': ')}: " if heading else ""
        written.append(start + between.join(pieces))
    return "\n".join(written)


def _join_all(lines: Sequence[Line]) -> str:
    """Return the whole text in one line."""
    return _join_items(lines, lambda number: f"{number}. ").replace("\n", " ")


def _circle(number: int) -> str:
    return _CIRCLED[(number - 1) % len(_CIRCLED)]


def _letter(number: int) -> str:
    return f"{chr(ord('a') + (number - 1) % 26)}) "


_JOINED: dict[str, tuple[Callable[[int], str], str]] = {
    "1.": (lambda number: f"{number}. ", " "),
    "1)": (lambda number: f"{number}) ", " "),
    "(1)": (lambda number: f"({number}) ", " "),
    "a)": (_letter, " "),
    "①": (_circle, " "),
    "1. and semicolon": (lambda number: f"{number}. ", "; "),
    "-": (lambda _: "- ", " "),
    "•": (lambda _: "• ", " "),
    "*": (lambda _: "* ", " "),
    "semicolon": (lambda _: "", "; "),
    "tabs": (lambda number: f"{number}.\t", "\t"),
}


def _end_items(lines: Sequence[Line], end: str) -> str:
    """Return the text with another sign at the end of each item."""
    written = []
    for line in lines:
        introduces = line.text.endswith(":")
        if line.role is Role.ITEM and not introduces:
            written.append(line.raw.rstrip(" .,;") + end)
        else:
            written.append(line.raw)
    return "\n".join(written)


def _indent(text: str) -> str:
    return textwrap.indent(text, "      ")


def _turn_to_tabs(text: str) -> str:
    """Return the text with tabs as indentation."""
    return re.sub(
        r"(?m)^(?: {2,})", lambda found: "\t" * max(1, len(found[0]) // 2), text
    )


_WIDTHS = (50, 66, 80)
_ENDS = {
    "CRLF": substitute((r"\n", "\r\n")),
    "CR": substitute((r"\n", "\r")),
    "line separator": substitute((r"\n", "\u2028")),
    "blanks at line ends": substitute((r"(?m)(?<=\S)$", "  ")),
    "no empty lines": substitute((r"\n\s*\n+", "\n")),
    "an empty line between all": substitute((r"(?<!\n)\n(?!\n)", "\n\n")),
    "two empty lines": substitute((r"\n\n", "\n\n\n")),
    "indented": _indent,
    "tabs as indentation": _turn_to_tabs,
    "backslashes at line ends": substitute((r"(?m)(?<=\S)$", r"\\")),
}
_BLANKS = {
    "no-break": substitute((r"(?<=\w) (?=\w)", "\u00a0")),
    "thin": substitute((r"(?<=\d) (?=\w)", "\u2009")),
    "two": substitute((r"(?<=\w) (?=\w)", "  ")),
    "ideographic": substitute((r"(?<=\w) (?=\w)", "\u3000")),
    "zero width": substitute((r"(?<=\w) (?=\w)", " \u200b")),
}
_WRAPPED: dict[str, Callable[[Sequence[Line]], str]] = {
    **{f"{width}": partial(_wrap, width=width) for width in _WIDTHS},
    **{
        f"{width}, indented": partial(_wrap, width=width, indent="  ")
        for width in _WIDTHS
    },
    "66, deep": partial(_wrap, width=66, indent=" " * 8),
    "66, no empty lines": partial(_wrap_compactly, width=66),
    "66, below a long line": partial(_wrap_behind_long_line, width=66),
    "66, one long item": partial(_wrap_all_but_longest, width=66),
}
_ITEM_ENDS = {
    "semicolons": ";",
    "periods": ".",
    "commas": ",",
    "semicolon and and": "; and",
}
WAYS = (
    *(Way("line: ends", name, write) for name, write in _ENDS.items()),
    *(
        Way("line: blanks", name, write, in_place=True)
        for name, write in _BLANKS.items()
    ),
    *(Way("line: wrapped", name, on_lines(write)) for name, write in _WRAPPED.items()),
    *(
        Way(
            "line: items in one",
            name,
            on_lines(partial(_join_items, write_mark=mark, between=between)),
        )
        for name, (mark, between) in _JOINED.items()
    ),
    Way("line: items in one", "the whole text", on_lines(_join_all)),
    *(
        Way("line: item ends", name, on_lines(partial(_end_items, end=end)))
        for name, end in _ITEM_ENDS.items()
    ),
)
