"""Other marks in front of the items: numbers, letters, codes, bullets, and numbers glued to the
text.
"""

from collections.abc import Sequence
from functools import partial

from benchmarks.variants.layout import Line, Numbered, Role, number_items
from benchmarks.variants.way import Way, on_lines

_ROMAN = ("", "i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix")
_CIRCLED = "①②③④⑤⑥⑦⑧⑨⑩⑪⑫⑬⑭⑮⑯⑰⑱⑲⑳"

# n: number, c: letter, C: capital letter, r: Roman number, o: circled number, s: number of a
# section, L: I or E,
# l: INC or EXC.
_NUMBERS = {
    "1.": "{n}. ",
    "1)": "{n}) ",
    "(1)": "({n}) ",
    "[1]": "[{n}] ",
    "1:": "{n}: ",
    "1 -": "{n} - ",
    "1.)": "{n}.) ",
    "#1": "#{n} ",
    "No. 1": "No. {n} ",
    "01.": "{n:02}. ",
    "1、": "{n}、",
    "1．": "{n}．",
    "①": "{o} ",
    "3.1.1": "{s}.{n} ",
    "1\\.": "{n}\\. ",
    "1 and tab": "{n}\t",
}
_LETTERS = {
    "a.": "{c}. ",
    "a)": "{c}) ",
    "(a)": "({c}) ",
    "A.": "{C}. ",
    "i.": "{r}. ",
    "(i)": "({r}) ",
    "ii)": "{r}) ",
}
_CODES = {
    "I1.": "{L}{n}. ",
    "I01:": "{L}{n:02}: ",
    "IC1:": "{L}C{n}: ",
    "IC 1.": "{L}C {n}. ",
    "INC-2": "{l}-{n} ",
    "INC2:": "{l}{n}: ",
    "SI01:": "S{L}{n:02}: ",
    "I-1)": "{L}-{n}) ",
    "[I1]": "[{L}{n}] ",
    "I#1": "{L}#{n} ",
    "Criterion 1:": "Criterion {n}: ",
}
_BULLETS = {
    "•": "• ",
    "• without a blank": "•",
    "·": "· ",
    "●": "● ",
    "▪": "▪ ",
    "■": "■ ",
    "◦": "◦ ",
    "○": "○ ",
    "–": "– ",
    "—": "— ",
    "- without a blank": "-",
    "* without a blank": "*",
    "o": "o ",
    "+": "+ ",
    "~": "~ ",
    "→": "→ ",
    "➢": "➢ ",
    "✓": "✓ ",
    "§ of Wingdings": "§ ",
    "private use": "\uf0b7 ",
    "* and tab": "*\t",
    "two stars": "** ",
    "--": "-- ",
    "box": "[ ] ",
    "☐": "☐ ",
    "none": "",
}
_GLUED = {
    "1Text": "{n}",
    "1.Text": "{n}.",
    "1)Text": "{n})",
    "(1)Text": "({n})",
    "a.Text": "{c}.",
    "a)Text": "{c})",
}


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
    return (
        _mark_items(lines, form) if all(text[:1].isalpha() for text in texts) else None
    )


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
            written.append(
                f"{'   ' * line.depth}{chr(ord('a') + letter % 26)}. {line.text}"
            )
            letter += 1
        else:
            written.append(line.raw)
    return "\n".join(written)


_FORMS = {
    "mark: number": _NUMBERS,
    "mark: letter": _LETTERS,
    "mark: code": _CODES,
    "mark: bullet": _BULLETS,
}
WAYS = (
    *(
        Way(kind, name, on_lines(partial(_mark_items, form=form)))
        for kind, table in _FORMS.items()
        for name, form in table.items()
    ),
    *(
        Way("mark: glued", name, on_lines(partial(_glue_marks, form=form)))
        for name, form in _GLUED.items()
    ),
    Way("mark: number", "one count for both lists", on_lines(_continue_numbers)),
    Way("mark: number", "1. with a. below", on_lines(_letter_sublists)),
)
