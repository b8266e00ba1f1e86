"""The list of all modules, which mkdocs puts in the place of ``<!-- modules -->``."""

import ast
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Return a page with the list. mkdocs calls this for each page before it becomes HTML."""
    return (
        markdown.replace("<!-- modules -->", describe_modules())
        if "<!-- modules -->" in markdown
        else markdown
    )


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
