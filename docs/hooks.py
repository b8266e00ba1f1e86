"""Pages that mkdocs makes from the code: the commands, and the map of the modules.

A page names what it shows: ``<!-- commands -->`` or ``<!-- modules -->`` on a line of its own.
"""

import ast
from pathlib import Path
from typing import Any

import typer
from typer.cli import get_docs_for_click

from extractor.cli.app import app

ROOT = Path(__file__).parents[1]


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Replace the marks of a page. mkdocs calls this for each page before it becomes HTML."""
    if "<!-- commands -->" in markdown:
        markdown = markdown.replace("<!-- commands -->", describe_commands())
    if "<!-- modules -->" in markdown:
        markdown = markdown.replace("<!-- modules -->", describe_modules())
    return markdown


def describe_commands() -> str:
    """The help of every command that users see, as Markdown."""
    group = typer.main.get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    group.commands = {name: command for name, command in group.commands.items() if not command.hidden}
    page = get_docs_for_click(obj=group, ctx=typer.Context(group, info_name="extractor"), name="extractor")
    return page.partition("\n")[2]  # the page has a title of its own


def describe_modules() -> str:
    """The packages and modules of ``extractor`` with the first sentence of their docstrings, as Markdown tables."""
    root = ROOT / "extractor"
    folders = sorted(path.parent for path in root.rglob("__init__.py"))
    return "\n".join(_describe_folder(folder) for folder in folders)


def _describe_folder(folder: Path) -> str:
    rows = [f"| `{path.name}` | {_first_sentence(path)} |" for path in sorted(folder.glob("*.py"))]
    rows = [row for row in rows if not row.startswith("| `__")]
    title = f"## `{folder.relative_to(ROOT).as_posix()}/`\n\n{_first_sentence(folder / '__init__.py')}\n"
    return title + ("\n| module | what it does |\n|---|---|\n" + "\n".join(rows) + "\n" if rows else "")


def _first_sentence(path: Path) -> str:
    text = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
    return " ".join(text.partition("\n\n")[0].split()).replace("``", "`").replace("|", "\\|")
