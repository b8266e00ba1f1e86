"""The text as a page: HTML, Markdown, quoted in a mail, tables, and what a printed page adds."""

import html
import re
import textwrap
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from benchmarks.variants.layout import (
    Line,
    Role,
    join_lines,
    number_items,
    split_lists,
    write_mark,
)
from benchmarks.variants.way import TABLES, Way, on_lines

_LINES_A_PAGE = 8


def _escape(text: str) -> str:
    return html.escape(text.replace("\\", ""), quote=False)


def _write_html_list(
    lines: Sequence[Line], tag: str, end: str = "</li>", between: str = ""
) -> str:
    """Return the text as HTML lists, with a list in its item for what is below it."""
    written = []
    for heading, below in split_lists(lines):
        if heading:
            written.append(f"<p><strong>{_escape(heading.text)}</strong></p>")
        written.append(between.join(_nest(below, tag, end)))
    return between.join(written)


def _nest(below: Sequence[Line], tag: str, end: str) -> Iterator[str]:
    """Yield the pieces of the HTML lists of lines, and of paragraphs."""
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


def _write_html_lines(lines: Sequence[Line], start: str, end: str, form: str) -> str:
    """Return the text with every line between tags."""
    written = []
    for one in number_items(lines):
        if one.line.role is not Role.BLANK:
            mark = write_mark(form, one.number) if one.number else ""
            written.append(start + _escape(mark + one.line.text) + end)
    return "".join(written)


def _write_html_table(lines: Sequence[Line]) -> str:
    """Return the text as a table of HTML with a row for each item."""
    rows = []
    for heading, below in split_lists(lines):
        if heading:
            rows.append(f'<tr><th colspan="2">{_escape(heading.text)}</th></tr>')
        for number, line in enumerate(below, 1):
            rows.append(f"<tr><td>{number}</td><td>{_escape(line.text)}</td></tr>")
    return f"<table>{''.join(rows)}</table>"


def _escape_html(lines: Sequence[Line]) -> str:
    """Return the text as HTML whose tags were escaped."""
    return html.escape(_write_html_list(lines, "ul"), quote=False)


def _write_markdown_list(lines: Sequence[Line], form: str) -> str:
    """Return the text as a list of Markdown, with four blanks for each level."""
    written = []
    for one in number_items(lines):
        line = one.line
        if line.role is Role.HEADING:
            written.append(f"## {line.text.rstrip(': ')}")
        elif line.role is Role.ITEM:
            mark = write_mark(form, one.number or 1)
            written.append(f"{'    ' * line.depth}{mark}{line.text}")
        else:
            written.append(line.text)
    return "\n".join(written)


def _write_markdown_rows(lines: Sequence[Line]) -> str:
    """Return the text as a table for each list, with numbers."""
    written = []
    for heading, below in split_lists(lines):
        if heading:
            written.append(f"\n{heading.text}\n\n| No. | Criterion |\n|---|---|")
        for number, line in enumerate(below, 1):
            text = line.text.replace("|", "\\|")
            written.append(f"| {number} | {text} |" if heading else text)
    return "\n".join(written).strip()


def _write_markdown_kinds(lines: Sequence[Line]) -> str:
    """Return the text as one table whose first column tells the list."""
    written = ["| Type | Criterion |", "|:--|:--|"]
    for heading, below in split_lists(lines):
        start = f"| {heading.kind.capitalize()} | " if heading else ""
        end = " |" if heading else ""
        written += [f"{start}{line.text}{end}" for line in below]
    return "\n".join(written)


def _change_items(lines: Sequence[Line], pattern: str, new: str, count: int = 0) -> str:
    """Return the text with other signs in its items."""
    written = []
    for line in lines:
        is_item = line.role is Role.ITEM
        changed = re.sub(pattern, new, line.raw, count=count) if is_item else line.raw
        written.append(changed)
    return "\n".join(written)


def _quote(lines: Sequence[Line], mark: str) -> str:
    """Return the text as a mail quotes it."""
    return "\n".join(f"{mark}{line}" for line in join_lines(lines).split("\n"))


def _quote_numbers(lines: Sequence[Line]) -> str:
    """Return the text with numbered items, as a mail quotes it."""
    numbered = []
    for one in number_items(lines):
        text = f"{one.number}. {one.line.text}" if one.number else one.line.raw
        numbered.append(one.line._replace(raw=text))
    return _quote(numbered, "> ")


def _add_furniture(lines: Sequence[Line], form: str) -> str:
    """Return the text with what a printed page adds after every few lines."""
    return _end_pages([line.raw for line in lines], form)


def _add_furniture_in_items(lines: Sequence[Line], form: str) -> str:
    """Return the text with wrapped lines and what a printed page adds, also between the lines of
    one item.
    """
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


_HTML: dict[str, Callable[[Sequence[Line]], str]] = {
    "ul": partial(_write_html_list, tag="ul"),
    "ol": partial(_write_html_list, tag="ol"),
    "ul, a line each": partial(_write_html_list, tag="ul", between="\n"),
    "li not closed": partial(_write_html_list, tag="ul", end=""),
    "table": _write_html_table,
    "escaped": _escape_html,
}
for _name, (_start, _end, _form) in TABLES["html_lines"].items():
    _HTML[_name] = partial(_write_html_lines, start=_start, end=_end, form=_form)
_MARKDOWN: dict[str, Callable[[Sequence[Line]], str]] = {
    name: partial(_write_markdown_list, form=form)
    for name, form in TABLES["markdown_marks"].items()
}
_MARKDOWN |= {
    "rows": _write_markdown_rows,
    "rows with their list": _write_markdown_kinds,
    "bold": partial(_change_items, pattern=r"(?<=[*-] )(\w+)", new=r"**\1**", count=1),
    "escaped signs": partial(
        _change_items, pattern=r"(?<!\\)(?=[\[\]_<>~#^])", new=r"\\"
    ),
    "quoted": partial(_quote, mark="> "),
    "quoted twice": partial(_quote, mark=">> "),
    "quoted numbers": _quote_numbers,
}
_FURNITURE = TABLES["furniture"].items()
_KINDS: dict[str, dict[str, Callable[[Sequence[Line]], str]]] = {
    "page: HTML": _HTML,
    "page: Markdown": _MARKDOWN,
    "page: furniture": {
        name: partial(_add_furniture, form=form) for name, form in _FURNITURE
    },
    "page: furniture in items": {
        name: partial(_add_furniture_in_items, form=form) for name, form in _FURNITURE
    },
}
WAYS = tuple(
    Way(kind, name, on_lines(write))
    for kind, forms in _KINDS.items()
    for name, write in forms.items()
)
