"""Ways of writing that ``ways.toml`` lists: other spellings, headings, marks and languages."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from benchmarks.variants.layout import (
    Line,
    Role,
    has_marks,
    join_lines,
    number_items,
    split_lists,
    write_mark,
)
from benchmarks.variants.way import TABLES, Part, Rewrite, Way, on_lines, substitute

_PATTERNS: Mapping[str, str] = TABLES["patterns"]
_LISTS = ("inclusion", "exclusion")


def _list_spellings() -> Iterator[Way]:
    """Yield the ways that change characters where they stand."""
    for part in Part:
        for kind, forms in TABLES[part.value].items():
            for name, pairs in forms.items():
                known = [(_find_pattern(pattern), new) for pattern, new in pairs]
                yield Way(kind, name, substitute(known), part, in_place=True)
    for name, write in _LETTERS.items():
        yield Way("letters", name, write, in_place=True)


def _find_pattern(pattern: str) -> str:
    """Return a pattern, or the one whose name stands in braces: ``{twice}``."""
    named = re.fullmatch(r"\{([a-z_]\w*)\}", pattern)
    return _PATTERNS[named[1]] if named else pattern


def _capitalise_lines(text: str) -> str:
    return re.sub(r"(?m)^\W*[a-z]", lambda found: found[0].upper(), text)


_LETTERS: Mapping[str, Rewrite] = {
    "upper case": str.upper,
    "lower case": str.lower,
    "first letters of lines": _capitalise_lines,
}


def _list_headings() -> Iterator[Way]:
    for kind, forms in TABLES["headings"].items():
        for name, pair in forms.items():
            headings = dict(zip(_LISTS, pair, strict=True))
            write = partial(_replace_headings, headings=headings)
            yield Way(kind, name, on_lines(write))


def _replace_headings(lines: Sequence[Line], headings: Mapping[str, str]) -> str:
    """Return the text with other headings; other lines have no kind."""
    return "\n".join(headings.get(line.kind, line.raw) for line in lines)


def _list_marks() -> Iterator[Way]:
    for kind, forms in TABLES["marks"].items():
        mark = _glue_marks if kind == "mark: glued" else _mark_items
        for name, form in forms.items():
            yield Way(kind, name, on_lines(partial(mark, form=form)))
    yield Way("mark: number", "one count for both lists", on_lines(_continue_numbers))
    yield Way("mark: number", "1. with a. below", on_lines(_letter_sublists))


def _mark_items(lines: Sequence[Line], form: str) -> str | None:
    """Return the text with marks of this form in its lists; lists below an item keep theirs."""
    numbered = list(number_items(lines))
    if not has_marks(form, max(one.number for one in numbered)):
        return None
    written = []
    for line, kind, number in numbered:
        mark = line.indent + write_mark(form, number, kind) if number else ""
        written.append(mark + line.text if number else line.raw)
    return "\n".join(written)


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
    total = 0
    for line, _, number in number_items(lines):
        total += number > 0
        written.append(f"{line.indent}{total}. {line.text}" if number else line.raw)
    return "\n".join(written)


def _letter_sublists(lines: Sequence[Line]) -> str:
    """Return the text with numbers in its lists and letters in the lists below an item."""
    written = []
    letter = 0
    for line, _, number in number_items(lines):
        if number:
            letter = 0
            written.append(f"{number}. {line.text}")
        elif line.role is Role.ITEM:
            letter += 1
            indent = "   " * line.depth
            written.append(f"{indent}{write_mark('{c}. ', letter)}{line.text}")
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
        for language in TABLES["languages"]:
            write = on_lines(partial(add, language=language))
            yield Way("two languages", f"{language} {place}", write)


def _write_list(language: str, kind: str) -> str:
    heading, *items = TABLES["languages"][language][kind]
    numbered = [f"{number}. {item}" for number, item in enumerate(items, 1)]
    return "\n".join([heading, *numbered])


def _write_lists(language: str) -> str:
    return "\n\n".join(_write_list(language, kind) for kind in _LISTS)


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


WAYS = (*_list_headings(), *_list_marks(), *_list_languages(), *_list_spellings())
