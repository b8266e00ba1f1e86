"""Ways of writing that ``ways.toml`` lists: other spellings, headings, marks and languages."""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from benchmarks.variants.layout import (
    Line,
    Numbered,
    Role,
    join_lines,
    number_items,
    replace_headings,
    split_lists,
)
from benchmarks.variants.way import Part, Rewrite, Way, on_lines, substitute

_TABLES = tomllib.loads((Path(__file__).parent / "ways.toml").read_text("utf-8"))
_PATTERNS: Mapping[str, str] = _TABLES["patterns"]
_ROMAN = ("", "i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix")
_CIRCLED = "①②③④⑤⑥⑦⑧⑨⑩⑪⑫⑬⑭⑮⑯⑰⑱⑲⑳"


def _list_spellings() -> Iterator[Way]:
    """Yield the ways that change characters where they stand."""
    for part in Part:
        for kind, forms in _TABLES[part.value].items():
            for name, pairs in forms.items():
                named = [(_find_pattern(pattern), new) for pattern, new in pairs]
                yield Way(kind, name, substitute(*named), part, in_place=True)


def _find_pattern(pattern: str) -> str:
    """Return a pattern, or the one whose name stands in braces: ``{twice}``."""
    named = re.fullmatch(r"\{([a-z_]\w*)\}", pattern)
    return _PATTERNS[named[1]] if named else pattern


def _capitalise_lines(text: str) -> str:
    def capitalise(found: re.Match[str]) -> str:
        return found[1] + found[2].upper()

    return re.sub(r"(?m)^(\W*)([a-z])", capitalise, text)


_LETTERS: Mapping[str, Rewrite] = {
    "upper case": str.upper,
    "lower case": str.lower,
    "first letters of lines": _capitalise_lines,
}


def _list_headings() -> Iterator[Way]:
    for kind, forms in _TABLES["headings"].items():
        for name, (inclusion, exclusion) in forms.items():
            written = {"inclusion": inclusion, "exclusion": exclusion}
            write = partial(replace_headings, write=written.__getitem__)
            yield Way(kind, name, on_lines(write))


def _list_marks() -> Iterator[Way]:
    for kind, forms in _TABLES["marks"].items():
        mark = _glue_marks if kind == "mark: glued" else _mark_items
        for name, form in forms.items():
            yield Way(kind, name, on_lines(partial(mark, form=form)))
    yield Way("mark: number", "one count for both lists", on_lines(_continue_numbers))
    yield Way("mark: number", "1. with a. below", on_lines(_letter_sublists))


def _mark_items(lines: Sequence[Line], form: str) -> str | None:
    """Return the text with marks of this form in its lists; lists below an item keep theirs."""
    numbered = list(number_items(lines))
    longest = max(one.number for one in numbered)
    if "{r}" in form and longest >= len(_ROMAN):
        return None
    if "{o}" in form and longest > len(_CIRCLED):
        return None
    return "\n".join(
        _mark(one, form) if one.number else one.line.raw for one in numbered
    )


def _mark(one: Numbered, form: str) -> str:
    is_exclusion = one.kind == "exclusion"
    letter = chr(ord("a") + (one.number - 1) % 26)
    mark = form.format(
        n=one.number,
        c=letter,
        C=letter.upper(),
        r=_ROMAN[one.number] if one.number < len(_ROMAN) else "",
        o=_CIRCLED[one.number - 1] if one.number <= len(_CIRCLED) else "",
        s="3.2" if is_exclusion else "3.1",
        L="E" if is_exclusion else "I",
        l="EXC" if is_exclusion else "INC",
    )
    return one.line.indent + mark + one.line.text


def _glue_marks(lines: Sequence[Line], form: str) -> str | None:
    """Return the text with marks without a blank; None if an item begins with a digit, which
    would become another.
    """
    texts = [one.line.text for one in number_items(lines) if one.number]
    if not all(text[:1].isalpha() for text in texts):
        return None
    return _mark_items(lines, form)


def _continue_numbers(lines: Sequence[Line]) -> str:
    """Return the text with numbers that run on over both lists."""
    written = []
    number = 0
    for line in lines:
        counts = line.role is Role.ITEM and line.depth == 0
        number += counts
        written.append(f"{line.indent}{number}. {line.text}" if counts else line.raw)
    return "\n".join(written)


def _letter_sublists(lines: Sequence[Line]) -> str:
    """Return the text with numbers in its lists and letters in the lists below an item."""
    written = []
    letter = 0
    for one in number_items(lines):
        line = one.line
        if one.number:
            letter = 0
            written.append(f"{one.number}. {line.text}")
        elif line.role is Role.ITEM:
            indent = "   " * line.depth
            written.append(f"{indent}{chr(ord('a') + letter % 26)}. {line.text}")
            letter += 1
        else:
            written.append(line.raw)
    return "\n".join(written)


def _list_languages() -> Iterator[Way]:
    """Yield the text beside the lists of another language, as registers of two languages print
    them. The reading of the page is that of the English text.
    """
    places = {
        "below": _add_below,
        "above": _add_above,
        "below each list": _add_to_lists,
    }
    for place, add in places.items():
        for language in _TABLES["languages"]:
            write = on_lines(partial(add, language=language))
            yield Way("two languages", f"{language} {place}", write)


def _write_list(language: str, kind: str) -> str:
    heading, *items = _TABLES["languages"][language][kind]
    numbered = [f"{number}. {item}" for number, item in enumerate(items, 1)]
    return "\n".join([heading, *numbered])


def _write_lists(language: str) -> str:
    kinds = ("inclusion", "exclusion")
    return "\n\n".join(_write_list(language, kind) for kind in kinds)


def _add_below(lines: Sequence[Line], language: str) -> str:
    return f"{join_lines(lines).rstrip()}\n\n{_write_lists(language)}"


def _add_above(lines: Sequence[Line], language: str) -> str:
    return f"{_write_lists(language)}\n\n{join_lines(lines).lstrip()}"


def _add_to_lists(lines: Sequence[Line], language: str) -> str:
    """Return the text with the other list below each list."""
    written = []
    for heading, below in split_lists(lines):
        written.append(join_lines([*([heading] if heading else []), *below]))
        if heading:
            written.append(_write_list(language, heading.kind))
    return "\n\n".join(written)


WAYS = (
    *_list_headings(),
    *_list_marks(),
    *_list_languages(),
    *_list_spellings(),
    *(Way("letters", name, write, in_place=True) for name, write in _LETTERS.items()),
)
