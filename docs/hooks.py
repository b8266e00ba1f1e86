"""Pages that mkdocs makes from the code: the commands, and the map of the modules.

A page names what it shows: ``<!-- commands -->`` or ``<!-- modules -->`` on a line of its own.
"""

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

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
    """The help of every command that users see, as Markdown: a section for each, a list for each group of options."""
    group = typer.main.get_command(app)
    return "\n".join(_describe_command(group, typer.Context(group, info_name="extractor"), level=1))


def _describe_command(command: Any, context: Any, level: int) -> Iterator[str]:
    """Yield the lines for a command, then those for the commands of a group."""
    if level > 1:  # the page has a title of its own
        yield f"{'#' * level} `{context.command_path}`\n"
    yield f"{inspect.cleandoc(command.help or '')}\n"
    yield f"```console\n$ {' '.join((context.command_path, *command.collect_usage_pieces(context)))}\n```\n"
    groups: dict[str, list[str]] = {}
    for one in command.get_params(context):
        name, meaning = one.get_help_record(context) or ("", "")
        kind = "Arguments" if one.param_type_name == "argument" else "Options"
        if name:
            groups.setdefault(one.rich_help_panel or kind, []).append(f"* `{name}`: {meaning}")
    visible = {name: one for name, one in getattr(command, "commands", {}).items() if not one.hidden}
    for name, one in visible.items():
        summary = " ".join(inspect.cleandoc(one.help or "").partition("\n\n")[0].split())
        groups.setdefault(one.rich_help_panel or "Commands", []).append(f"* `{name}`: {summary}")
    for title, lines in groups.items():
        yield "\n".join((f"**{title}**\n", *lines, ""))
    for name, one in visible.items():
        yield from _describe_command(one, typer.Context(one, parent=context, info_name=name), level + 1)


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
