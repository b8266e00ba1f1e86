"""What mkdocs puts in the place of ``<!-- modules -->``, ``<!-- commands -->`` and
``<!-- tables -->``: all modules, the help of all commands, and the tables of an export.
"""

import ast
from pathlib import Path
from typing import Any

import typer
from typer.cli import get_docs_for_click

from extractor.apps.cli.app import app
from extractor.apps.export.columns import Column, Table, list_tables

ROOT = Path(__file__).parents[1]
_HELP = "* `-h, --help`: Show this message and exit.\n"


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Return a page with what its marks name. mkdocs calls this for each page before it becomes
    HTML.
    """
    for mark, describe in _GENERATED.items():
        if mark in markdown:
            markdown = markdown.replace(mark, describe())
    return markdown


def describe_commands() -> str:
    """Return the help of all commands as typer writes it in Markdown, without the option --help of
    each.
    """
    root = typer.main.get_command(app)
    context = typer.Context(root, info_name="extractor", **root.context_settings)
    described = get_docs_for_click(
        obj=root, ctx=context, name="extractor", title="Commands", indent=1
    )
    return described.replace(_HELP, "").replace("**Options**:\n\n\n", "")


def describe_tables() -> str:
    """The tables of an export with the meanings of their columns; those that many tables share are
    described once.
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


def describe_modules() -> str:
    """The packages and modules of ``extractor`` with the first sentence of their docstrings, as
    Markdown tables.
    """
    root = ROOT / "extractor"
    folders = sorted(path.parent for path in root.rglob("__init__.py"))
    return "\n".join(_describe_folder(folder) for folder in folders)


def _describe_folder(folder: Path) -> str:
    rows = [
        f"| `{path.name}` | {_first_sentence(path)} |"
        for path in sorted(folder.glob("*.py"))
    ]
    rows = [row for row in rows if not row.startswith("| `__")]
    about = _first_sentence(folder / "__init__.py")
    title = f"## `{folder.relative_to(ROOT).as_posix()}/`\n\n{about}\n"
    return title + (
        "\n| module | what it does |\n|---|---|\n" + "\n".join(rows) + "\n"
        if rows
        else ""
    )


def _first_sentence(path: Path) -> str:
    text = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
    return (
        " ".join(text.partition("\n\n")[0].split())
        .replace("``", "`")
        .replace("|", "\\|")
    )


_GENERATED = {
    "<!-- modules -->": describe_modules,
    "<!-- commands -->": describe_commands,
    "<!-- tables -->": describe_tables,
}
