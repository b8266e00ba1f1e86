"""Functions that write the lines of a text in a form, usually from ``ways.toml``."""

import html
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence

from benchmarks.variants.layout import (
    Line,
    Role,
    has_marks,
    join_lines,
    number_items,
    split_lists,
    write_mark,
)

Lines = Sequence[Line]
Language = Mapping[str, Sequence[str]]
"""The heading and the items of each list in a language."""
_LINES_A_PAGE = 8


def replace_headings(lines: Lines, pair: Sequence[str]) -> str:
    """Replace the headings of both lists."""
    headings = dict(zip(("inclusion", "exclusion"), pair, strict=True))
    return "\n".join(headings.get(line.kind, line.raw) for line in lines)


def mark_items(lines: Lines, form: str) -> str | None:
    """Replace the marks of items; lists below an item keep their marks."""
    numbered = list(number_items(lines))
    if not has_marks(form, max(entry.number for entry in numbered)):
        return None
    written = []
    for line, kind, number in numbered:
        mark = line.indent + write_mark(form, number, kind) if number else ""
        written.append(mark + line.text if number else line.raw)
    return "\n".join(written)


def glue_marks(lines: Lines, form: str) -> str | None:
    """Write marks without a following space. Return None if an item does not begin with a letter,
    because the mark would change its meaning.
    """
    texts = [entry.line.text for entry in number_items(lines) if entry.number]
    if not all(text[:1].isalpha() for text in texts):
        return None
    return mark_items(lines, form)


def continue_numbers(lines: Lines) -> str:
    """Number the items consecutively over both lists."""
    written = []
    total = 0
    for line, _, number in number_items(lines):
        total += number > 0
        written.append(f"{line.indent}{total}. {line.text}" if number else line.raw)
    return "\n".join(written)


def wrap(lines: Lines, form: Sequence[int]) -> str:
    """Wrap lines at a width. The form is the width and the indentation of continuation lines."""
    width, indent = form
    filler = textwrap.TextWrapper(
        width,
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    words = [" ".join(line.raw.split()) for line in lines]
    return "\n".join("\n".join(filler.wrap(text)) for text in words)


def join_items(lines: Lines, form: Sequence[str]) -> str:
    """Write all items of a list on the line of its heading. The form is their mark and a separator."""
    mark, between = form
    written = []
    for heading, below in split_lists(lines):
        pieces = []
        number = 0
        for line in below:
            is_item = line.role is Role.ITEM
            number += is_item
            pieces.append((write_mark(mark, number) if is_item else "") + line.text)
        start = f"{heading.text.rstrip(': ')}: " if heading else ""
        written.append(start + between.join(pieces))
    return "\n".join(written)


def join_all(lines: Lines) -> str:
    """Write the whole text on one line."""
    return join_items(lines, ("{n}. ", " ")).replace("\n", " ")


def end_items(lines: Lines, end: str) -> str:
    """Write another sign at the end of each item that does not introduce a list."""
    written = []
    for line in lines:
        is_ended = line.role is Role.ITEM and not line.text.endswith(":")
        written.append(line.raw.rstrip(" .,;") + end if is_ended else line.raw)
    return "\n".join(written)


def change_items(lines: Lines, form: Sequence[object]) -> str:
    """Replace a pattern in the items. The form is the pattern, its replacement and the maximum
    count.
    """
    pattern, new, count = form
    written = []
    for line in lines:
        raw = line.raw
        if line.role is Role.ITEM:
            raw = re.sub(str(pattern), str(new), raw, count=int(str(count)))
        written.append(raw)
    return "\n".join(written)


def _escape(text: str) -> str:
    return html.escape(text.replace("\\", ""), quote=False)


def _escape_bar(text: str) -> str:
    return text.replace("|", "\\|")


def write_html_list(lines: Lines, form: Sequence[str]) -> str:
    """Write HTML lists. Items below an item become a nested list."""
    tag, end, between = form
    written = []
    for heading, below in split_lists(lines):
        if heading:
            written.append(f"<p><strong>{_escape(heading.text)}</strong></p>")
        written.append(between.join(_nest(below, tag, end)))
    return between.join(written)


def _nest(below: Lines, tag: str, end: str) -> Iterator[str]:
    """Yield the pieces of the HTML lists and paragraphs for the lines below a heading."""
    depth = -1
    for line in below:
        deeper = line.depth if line.role is Role.ITEM else -1
        while depth > deeper:
            yield f"{end}</{tag}>"
            depth -= 1
        if line.role is not Role.ITEM:
            yield f"<p>{_escape(line.text)}</p>"
            continue
        if depth == deeper:
            yield end
        while depth < deeper:
            yield f"<{tag}>"
            depth += 1
        yield f"<li>{_escape(line.text)}"
    while depth >= 0:
        yield f"{end}</{tag}>"
        depth -= 1


def write_html_lines(lines: Lines, form: Sequence[str]) -> str:
    """Write every line between two tags."""
    start, end, mark = form
    written = []
    for line, _, number in number_items(lines):
        if line.role is not Role.BLANK:
            text = (write_mark(mark, number) if number else "") + line.text
            written.append(start + _escape(text) + end)
    return "".join(written)


def write_table(lines: Lines, form: Mapping[str, str]) -> str:
    """Write tables with a row for each line below a heading. The form has the beginning and the end
    of the text, a heading, a row, and a separator.
    """
    escape = _escape if form["row"].startswith("<") else _escape_bar
    written = [form["begin"]]
    for heading, below in split_lists(lines):
        kind = heading.kind.capitalize() if heading else ""
        if heading:
            written.append(form["heading"].format(text=escape(heading.text)))
        for number, line in enumerate(below, 1):
            text = escape(line.text)
            row = form["row"].format(kind=kind, number=number, text=text)
            written.append(row if heading else text)
    return form["between"].join([*filter(None, written), form["end"]]).strip()


def write_markdown_list(lines: Lines, form: str) -> str:
    """Write Markdown lists, with four spaces for each level."""
    written = []
    for line, _, number in number_items(lines):
        if line.role is Role.HEADING:
            written.append(f"## {line.text.rstrip(': ')}")
        elif line.role is Role.ITEM:
            mark = write_mark(form, number or 1)
            written.append(f"{'    ' * line.depth}{mark}{line.text}")
        else:
            written.append(line.text)
    return "\n".join(written)


def quote(lines: Lines, mark: str) -> str:
    """Write the text as it is quoted in an e-mail."""
    return "\n".join(f"{mark}{line}" for line in join_lines(lines).split("\n"))


def add_furniture(lines: Lines, form: str) -> str:
    """Add the footer of a printed page after every few lines."""
    return _end_pages([line.raw for line in lines], form)


def add_furniture_in_items(lines: Lines, form: str) -> str:
    """Add the footer of a printed page after every few wrapped lines, even inside an item."""
    wrapped: list[str] = []
    for line in lines:
        wrapped += textwrap.wrap(" ".join(line.raw.split()), 72) or [""]
    return _end_pages(wrapped, form)


def _end_pages(rows: Sequence[str], form: str) -> str:
    starts = range(0, len(rows), _LINES_A_PAGE)
    written: list[str] = []
    for number, start in enumerate(starts, 1):
        written += rows[start : start + _LINES_A_PAGE]
        written.append(form.format(number=number, last=len(starts)))
    return "\n".join(written)


def _write_list(language: Language, kind: str) -> str:
    """Write a list in another language: its heading and its numbered items."""
    heading, *items = language[kind]
    numbered = [f"{number}. {item}" for number, item in enumerate(items, 1)]
    return "\n".join([heading, *numbered])


def _write_lists(language: Language) -> str:
    lists = [_write_list(language, kind) for kind in ("inclusion", "exclusion")]
    return "\n\n".join(lists)


def add_below(lines: Lines, form: Language) -> str:
    """Write the lists of another language below the text."""
    return f"{join_lines(lines).rstrip()}\n\n{_write_lists(form)}"


def add_above(lines: Lines, form: Language) -> str:
    """Write the lists of another language above the text."""
    return f"{_write_lists(form)}\n\n{join_lines(lines).lstrip()}"


def add_to_lists(lines: Lines, form: Language) -> str:
    """Write the list of another language below each list."""
    written = []
    for heading, below in split_lists(lines):
        written.append(join_lines([*([heading] if heading else []), *below]))
        if heading:
            written.append(_write_list(form, heading.kind))
    return "\n\n".join(written)
