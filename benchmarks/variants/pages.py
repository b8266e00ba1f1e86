"""The text as a page: HTML, Markdown, quoted in a mail, tables, and what a printed page adds."""

import html
import re
import textwrap
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from benchmarks.variants.layout import Line, Role, join_lines, number_items, split_lists
from benchmarks.variants.way import Way, on_lines

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


def _write_html_lines(lines: Sequence[Line], start: str, end: str, mark: str) -> str:
    """Return the text with every line between tags."""
    written = []
    for one in number_items(lines):
        if one.line.role is not Role.BLANK:
            text = (
                mark.format(n=one.number) + one.line.text
                if one.number
                else one.line.text
            )
            written.append(start + _escape(text) + end)
    return "".join(written)


def _write_html_table(lines: Sequence[Line]) -> str:
    """Return the text as a table of HTML with a row for each item."""
    rows = []
    for heading, below in split_lists(lines):
        if heading:
            rows.append(f'<tr><th colspan="2">{_escape(heading.text)}</th></tr>')
        rows.extend(
            f"<tr><td>{number}</td><td>{_escape(line.text)}</td></tr>"
            for number, line in enumerate(below, 1)
        )
    return f"<table>{''.join(rows)}</table>"


def _escape_html(lines: Sequence[Line]) -> str:
    """Return the text as HTML whose tags were escaped."""
    return html.escape(_write_html_list(lines, "ul"), quote=False)


def _write_markdown_list(lines: Sequence[Line], mark: str) -> str:
    """Return the text as a list of Markdown, with two blanks for each level."""
    written = []
    for one in number_items(lines):
        line = one.line
        if line.role is Role.HEADING:
            written.append(f"## {line.text.rstrip(': ')}")
        elif line.role is Role.ITEM:
            written.append(
                f"{'    ' * line.depth}{mark.format(n=one.number or 1)}{line.text}"
            )
        else:
            written.append(line.text)
    return "\n".join(written)


def _write_markdown_rows(lines: Sequence[Line]) -> str:
    """Return the text as a table for each list, with numbers."""
    written = []
    for heading, below in split_lists(lines):
        if heading:
            written.append(f"\n{heading.text}\n\n| No. | Criterion |\n|---|---|")
        rows = [line.text.replace("|", "\\|") for line in below]
        written.extend(
            f"| {number} | {text} |" if heading else text
            for number, text in enumerate(rows, 1)
        )
    return "\n".join(written).strip()


def _write_markdown_kinds(lines: Sequence[Line]) -> str:
    """Return the text as one table whose first column tells the list."""
    written = ["| Type | Criterion |", "|:--|:--|"]
    for heading, below in split_lists(lines):
        kind = heading.kind.capitalize() if heading else ""
        written.extend(
            f"| {kind} | {line.text} |" if heading else line.text for line in below
        )
    return "\n".join(written)


def _write_bold_items(lines: Sequence[Line]) -> str:
    """Return the text with the first word of each item in bold type."""
    return "\n".join(
        re.sub(r"(?<=[*-] )(\w+)", r"**\1**", line.raw, count=1)
        if line.role is Role.ITEM
        else line.raw
        for line in lines
    )


def _escape_markdown(lines: Sequence[Line]) -> str:
    """Return the text with backslashes before the signs that Markdown uses."""
    return "\n".join(
        re.sub(r"(?<!\\)(?=[\[\]_<>~#^])", r"\\", line.raw)
        if line.role is Role.ITEM
        else line.raw
        for line in lines
    )


def _quote(lines: Sequence[Line], mark: str) -> str:
    """Return the text as a mail quotes it."""
    return "\n".join(f"{mark}{line}" for line in join_lines(lines).split("\n"))


def _quote_numbers(lines: Sequence[Line]) -> str:
    """Return the text with numbered items, as a mail quotes it."""
    numbered = (
        f"{one.number}. {one.line.text}" if one.number else one.line.raw
        for one in number_items(lines)
    )
    return "\n".join(f"> {line}" for text in numbered for line in text.split("\n"))


def _add_furniture(lines: Sequence[Line], write: Callable[[int, int], str]) -> str:
    """Return the text with what a printed page adds after every few lines."""
    pages = [
        lines[at : at + _LINES_A_PAGE] for at in range(0, len(lines), _LINES_A_PAGE)
    ]
    ends = [write(number, len(pages)) for number in range(1, len(pages) + 1)]
    return "\n".join(
        f"{join_lines(page)}\n{end}" for page, end in zip(pages, ends, strict=True)
    )


def _add_furniture_in_items(
    lines: Sequence[Line], write: Callable[[int, int], str]
) -> str:
    """Return the text with wrapped lines and what a printed page adds, also between the lines of
    one item.
    """
    wrapped = [
        row
        for line in lines
        for row in textwrap.wrap(" ".join(line.raw.split()), 72) or [""]
    ]
    pages = [
        wrapped[at : at + _LINES_A_PAGE] for at in range(0, len(wrapped), _LINES_A_PAGE)
    ]
    ends = [write(number, len(pages)) for number in range(1, len(pages) + 1)]
    return "\n".join(
        "\n".join([*page, end]) for page, end in zip(pages, ends, strict=True)
    )


_FURNITURE: dict[str, Callable[[int, int], str]] = {
    "page numbers": lambda number, last: f"\nPage {number} of {last}\n",
    "bare numbers": lambda number, _: f"\n{number}\n",
    "numbers between dashes": lambda number, _: f"\n- {number} -\n",
    "header": lambda _, __: (
        "\nProtocol XY-4711, Version 3.0, 12 March 2021\nConfidential\n"
    ),
    "header and number": lambda number, last: (
        f"\nCONFIDENTIAL    Study XY-4711    Page {number}/{last}\n"
    ),
    "form feed": lambda _, __: "\f",
    "printed address": lambda number, last: (
        f"\n12/03/2021, 14:05\nhttps://example.org/study/XY-4711    {number}/{last}\n"
    ),
}
_HTML: dict[str, Callable[[Sequence[Line]], str]] = {
    "ul": partial(_write_html_list, tag="ul"),
    "ol": partial(_write_html_list, tag="ol"),
    "ul, a line each": partial(_write_html_list, tag="ul", between="\n"),
    "li not closed": partial(_write_html_list, tag="ul", end=""),
    "p": partial(_write_html_lines, start="<p>", end="</p>", mark="{n}. "),
    "p without marks": partial(_write_html_lines, start="<p>", end="</p>", mark=""),
    "br": partial(_write_html_lines, start="", end="<br>", mark="- "),
    "br/, numbers": partial(_write_html_lines, start="", end="<br />", mark="{n}. "),
    "div": partial(_write_html_lines, start="<div>", end="</div>\n", mark="• "),
    "table": _write_html_table,
    "escaped": _escape_html,
}
_MARKDOWN: dict[str, Callable[[Sequence[Line]], str]] = {
    **{
        name: partial(_write_markdown_list, mark=mark)
        for name, mark in {
            "-": "- ",
            "*": "* ",
            "+": "+ ",
            "1.": "{n}. ",
            "tasks": "- [ ] ",
            "done tasks": "- [x] ",
        }.items()
    },
    "rows": _write_markdown_rows,
    "rows with their list": _write_markdown_kinds,
    "bold": _write_bold_items,
    "escaped signs": _escape_markdown,
    "quoted": partial(_quote, mark="> "),
    "quoted twice": partial(_quote, mark=">> "),
    "quoted numbers": _quote_numbers,
}
WAYS = (
    *(Way("page: HTML", name, on_lines(write)) for name, write in _HTML.items()),
    *(
        Way("page: Markdown", name, on_lines(write))
        for name, write in _MARKDOWN.items()
    ),
    *(
        Way("page: furniture", name, on_lines(partial(_add_furniture, write=write)))
        for name, write in _FURNITURE.items()
    ),
    *(
        Way(
            "page: furniture in items",
            name,
            on_lines(partial(_add_furniture_in_items, write=write)),
        )
        for name, write in _FURNITURE.items()
    ),
)
