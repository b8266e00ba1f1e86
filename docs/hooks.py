"""What mkdocs puts in the place of the marks of a page: ``<!-- from NAME -->`` (a public name),
``<!-- commands -->``, ``<!-- tables -->`` and ``<!-- packages -->``.

To print a page as the site has it::

    python -m docs.hooks reference/python.md
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
from typer.cli import get_docs_for_click

from docs.generate import describe_name
from extractor.apps.cli.app import app
from extractor.apps.export.columns import Column, Table, list_tables

ROOT = Path(__file__).parents[1]
_NAMED = re.compile(r"^<!-- from (\S+) -->$", re.MULTILINE)
_HELP = "* `-h, --help`: Show this message and exit.\n"
_USAGE = re.compile(r"\*\*Usage\*\*:\n\n```console\n\$ (.*?)\n```")
_EXIT_CODES = re.compile(r"(?:Exit codes: |Exit codes are )(?:.+\n)+\n")
_SUMMARIES = re.compile(r"\*\*Commands\*\*:\n\n(?:\* .*\n)+\n?")


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Return a page with what its marks name. mkdocs calls this for each page before it becomes
    HTML.
    """
    markdown = _NAMED.sub(lambda found: describe_name(found[1]), markdown)
    for mark, describe in _GENERATED.items():
        if mark in markdown:
            markdown = markdown.replace(mark, describe())
    return markdown


def describe_commands() -> str:
    """Return the help of all commands as typer writes it in Markdown, without what the page has
    elsewhere: the option --help, summaries of commands, and exit codes.
    """
    root = typer.main.get_command(app)
    context = typer.Context(root, info_name="extractor", **root.context_settings)
    described = get_docs_for_click(
        obj=root, ctx=context, name="extractor", title="Commands", indent=1
    )
    described = described.replace(_HELP, "").replace("**Options**:\n\n\n", "")
    for needless in (_SUMMARIES, _EXIT_CODES):
        described = needless.sub("", described)
    described = _USAGE.sub(r"`\1`", described)
    return "\n".join(_name_repeated(described.splitlines()))


def _name_repeated(lines: list[str]) -> Iterator[str]:
    """Yield the lines of help; of options that an earlier command has, only the names, in one line
    each time.
    """
    known: set[str] = set()
    repeated: list[str] = []
    for line in lines:
        is_option = line.startswith("* `-")
        if is_option and line in known:
            repeated.append(line.removeprefix("* ").partition(": ")[0])
            continue
        if repeated and not is_option:
            yield f"* as above: {', '.join(repeated)}"
            repeated = []
        if is_option:
            known.add(line)
        yield line


def describe_tables() -> str:
    """Return the tables of an export with the meanings of their columns; those that many tables
    share are described once.
    """
    shared = {
        column.name: column
        for table in list_tables()
        for column in table.columns
        if column.name in (*table.shared, "record_id")
    }
    common = "\n".join(map(_describe_column, shared.values()))
    parts = [f"## Shared columns\n\n{common}", *map(_describe_table, list_tables())]
    return "\n\n".join(parts)


def _describe_table(table: Table) -> str:
    keys = ", ".join(f"`{key.name}`" for key in table.keys)
    also = ", ".join(f"`{name}`" for name in table.shared)
    own = [column for column in table.values if column.name not in table.shared]
    about = f"{table.row} Keys: {keys}." + (f" Also {also}." if also else "")
    columns = "\n".join(map(_describe_column, own))
    return f"## `{table.name}`\n\n{about}\n\n{columns}"


def _describe_column(column: Column) -> str:
    kind = "" if column.kind == "text" else f" ({column.kind})"
    return f"- `{column.name}`{kind}: {column.meaning}"


def describe_packages() -> str:
    """Return a table of the packages of ``extractor`` with the first sentences of their
    docstrings.
    """
    package = ROOT / "extractor"
    folders = sorted(path.parent for path in package.rglob("__init__.py"))
    rows = [
        f"| `{folder.relative_to(package).as_posix()}/` | {_first_sentence(folder)} |"
        for folder in folders
        if folder != package and _is_shown(folder.relative_to(package))
    ]
    return "\n".join(("| package | purpose |", "|---|---|", *rows))


def _is_shown(folder: Path) -> bool:
    """Return True for the packages of the first level and for concepts."""
    return len(folder.parts) == 1 or folder.parts[0] == "concepts"


def _first_sentence(folder: Path) -> str:
    source = (folder / "__init__.py").read_text("utf-8")
    text = ast.get_docstring(ast.parse(source)) or ""
    paragraph = " ".join(text.partition("\n\n")[0].split())
    return paragraph.replace("``", "`").replace("|", "\\|")


_GENERATED = {
    "<!-- commands -->": describe_commands,
    "<!-- tables -->": describe_tables,
    "<!-- packages -->": describe_packages,
}


if __name__ == "__main__":
    page = (ROOT / "docs" / sys.argv[1]).read_text("utf-8")
    sys.stdout.write(on_page_markdown(page))
