"""What mkdocs puts in the place of the marks of a page: ``<!-- from NAME -->`` (a public name)
and ``<!-- commands -->``, and of the link to the columns of the tables, which the site shows.

To print a page as the site has it::

    python -m docs.hooks reference/python.md
"""

import ast
import re
import sys
import tomllib
from collections.abc import Collection, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import griffe
import typer
from typer.cli import get_docs_for_click

from extractor.apps.cli.app import app
from extractor.apps.export.columns import Column, Table, list_tables

ROOT = Path(__file__).parents[1]
_NAMED = re.compile(r"^<!-- from (\S+) -->$", re.MULTILINE)
_HELP = "* `-h, --help`: Show this message and exit.\n"
_USAGE = re.compile(r"\*\*Usage\*\*:\n\n```console\n\$ (.*?)\n```")
_EXIT_CODES = re.compile(r"(?:Exit codes: |Exit codes are )(?:.+\n)+\n")
_SUMMARIES = re.compile(r"\*\*Commands\*\*:\n\n(?:\* .*\n)+\n?")

_BRIEF = {
    "ExtractorOptions",
    "ParsedRecord",
    "Registry",
    "RegistryQuery",
    "ScoreReport",
    "TrialExtraction",
}
"""Classes whose methods the reference leaves to their docstrings."""
_INNER = {"ParsedRecord"}
"""Classes whose attributes the reference leaves to their docstrings, too."""
_LONGEST_SIGNATURE = 100
_NEXT_PARAMETER = re.compile(r", (?=[*/],|\*{0,2}\w+: )")
_LAST_BRACKET = re.compile(r"\)(?=( -> [^()]*)?$)")
_DESCRIBING = {
    griffe.DocstringSectionKind.attributes,
    griffe.DocstringSectionKind.parameters,
}
"""Sections of a docstring that describe the fields of a class."""
_TABLES = ROOT / "extractor" / "apps" / "export" / "tables.toml"
_SHARED = {
    *tomllib.loads(_TABLES.read_text("utf-8"))["shared"]["columns"].values(),
}
"""The meanings of the columns that several tables share."""
_INTERNAL = {"setup", "extraction", "name", "doubts"}
"""Members that only the package itself needs."""


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
    """Yield the lines of help. Options and arguments that an earlier command has are repeated by
    name alone, in one line.
    """
    known: set[str] = set()
    repeated: list[str] = []
    for line in lines:
        is_option = line.startswith("* `")
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
        if column.meaning in _SHARED
    }
    common = _list_columns(shared.values(), ())
    parts = [f"## Shared columns\n\n{common}", *map(_describe_table, list_tables())]
    return "\n\n".join(parts)


def _describe_table(table: Table) -> str:
    keys = ", ".join(f"`{key.name}`" for key in table.keys)
    shared = [column for column in table.values if column.meaning in _SHARED]
    also = ", ".join(f"`{column.name}`" for column in shared)
    own = [column for column in table.values if column not in shared]
    about = f"{table.row} Keys: {keys}." + (f" Also {also}." if also else "")
    return f"## `{table.name}`\n\n{about}\n\n{_list_columns(own, table.names)}"


def _list_columns(columns: Iterable[Column], names: Collection[str]) -> str:
    """Return columns as a table with their type, unit and meaning, without spaces around cells.
    ``names`` are the columns that may contain a unit.
    """
    rows = ["|column|type|unit|meaning|", "|---|---|---|---|"]
    for column in columns:
        meaning = column.meaning.replace("|", "\\|")
        unit = _find_unit(column, names)
        rows.append(f"|`{column.name}`|{column.kind}|{unit}|{meaning}|")
    return "\n".join(rows)


def _find_unit(column: Column, names: Collection[str]) -> str:
    """Return the unit of a number, or the column that contains it: ``daily_unit`` for ``daily_low``
    and ``unit_canonical`` for ``value_high_canonical``.
    """
    if column.kind != "number":
        return ""
    if column.name.endswith("confidence"):
        return "0-1"
    if re.search("(^|_)days", column.name):
        return "days"
    of_number = re.sub("(low|high|value(_high)?)(?=$|_canonical)", "unit", column.name)
    return f"`{of_number}`" if of_number in names else ""


def describe_name(name: str) -> str:
    """Return the signature, meaning and members of a public name, as Markdown."""
    named = _load()[name.removeprefix("extractor.")]
    return "\n\n".join(_describe(named, level=3))


@cache
def _load() -> Any:
    return griffe.load("extractor", docstring_parser="google")


def _describe(named: Any, level: int) -> Iterator[str]:
    """Yield heading, signature, meaning and fields of a name, then its methods. Of a module, yield
    the meaning alone.
    """
    one = named.final_target if named.is_alias else named
    documented = _find_documented(one)
    fields = [] if _list_kinds(documented) & _DESCRIBING else _list_fields(one)
    if not one.is_module:
        yield f"{'#' * level} `{one.name}`"
        yield f"```python\n{_sign(documented, has_list=bool(fields))}\n```"
    yield from _describe_docstring(documented)
    if fields:
        yield "\n".join(("Fields:\n", *map(_describe_field, fields)))
    for member in _list_methods(one, inherits=documented is not one):
        yield from _describe(member, level + 1)


def _find_documented(one: Any) -> Any:
    """Return the class that describes another one, where that one only adds to it."""
    bases = one.mro() if one.is_class and not one.docstring else []
    return bases[0] if bases else one


def _list_members(one: Any) -> list[Any]:
    if not one.is_class:
        return []
    return [member for name, member in one.all_members.items() if name[0] != "_"]


def _list_fields(one: Any) -> list[Any]:
    return [
        member
        for member in _list_members(one)
        if member.annotation and "instance-attribute" in member.labels
    ]


def _list_methods(one: Any, *, inherits: bool) -> list[Any]:
    if one.name in _BRIEF:
        return []
    return [
        member
        for member in _list_members(one)
        if member.docstring
        and member.name not in _INTERNAL
        and (inherits or not member.inherited)
        and (member.is_function or "property" in member.labels)
    ]


def _sign(one: Any, *, has_list: bool) -> str:
    """Return a function or class with its parameters, an enumeration with its members, or the name
    of a class whose fields a list describes.
    """
    if one.is_attribute:
        return f"{one.name}: {one.annotation}"
    if one.is_class and any("Enum" in str(base) for base in one.bases):
        members = ", ".join(str(member.value) for member in one.attributes.values())
        return f"{one.name}: {members}"
    if has_list or griffe.DocstringSectionKind.attributes in _list_kinds(one):
        return f"class {one.name}"
    signature = _break_lines(one.signature() or f"class {one.name}")
    return f"async {signature}" if "async" in one.labels else signature


def _list_kinds(one: Any) -> set[griffe.DocstringSectionKind]:
    """Return the kinds of the sections of a docstring."""
    return (
        {section.kind for section in one.docstring.parsed} if one.docstring else set()
    )


def _break_lines(signature: str) -> str:
    """Return a long signature with a line for each parameter."""
    if len(signature) <= _LONGEST_SIGNATURE:
        return signature
    opened = _NEXT_PARAMETER.sub(",\n    ", signature).replace("(", "(\n    ", 1)
    return _LAST_BRACKET.sub(",\n)", opened)


def _describe_field(field: Any) -> str:
    meaning = _read_meaning(field)
    return f"- `{_sign_field(field)}`" + (f": {meaning}" if meaning else "")


def _sign_field(field: Any) -> str:
    kind = field.annotation
    settings = _read_settings(field)
    if str(kind).startswith("Annotated["):
        kind = kind.slice.elements[0]
    default = settings.get("default", "")
    if "default_factory" in settings:
        default = f"{settings['default_factory']}()"
    return f"{field.name}: {kind} = {default}" if default else f"{field.name}: {kind}"


def _read_settings(field: Any) -> dict[str, str]:
    """Return the arguments of pydantic's ``Field``, or the plain default."""
    if str(field.value).startswith("Field("):
        return {one.name: str(one.value) for one in field.value.arguments}
    return {} if field.value is None else {"default": str(field.value)}


def _read_meaning(field: Any) -> str:
    """Return the docstring or the description of a field, in one line."""
    if field.docstring:
        meaning = field.docstring.value
    else:
        meaning = ast.literal_eval(_read_settings(field).get("description", "''"))
    return " ".join(meaning.split())


def _describe_docstring(one: Any) -> Iterator[str]:
    """Yield the text and the sections of a docstring. Its examples run as tests of the package, and
    are not repeated here.
    """
    for section in one.docstring.parsed if one.docstring else ():
        if section.kind is griffe.DocstringSectionKind.text:
            yield from _describe_text(section.value)
        elif section.kind is griffe.DocstringSectionKind.raises:
            names = ", ".join(f"`{part.annotation}`" for part in section.value)
            yield f"Raises {names}."
        elif one.name not in _INNER:
            yield _list_parts(section)


def _describe_text(text: str) -> Iterator[str]:
    for paragraph in text.split("\n\n"):
        if not paragraph.lstrip().startswith(">>>") and paragraph.strip() != "::":
            yield paragraph


def _list_parts(section: Any) -> str:
    rows = []
    for part in section.value:
        name = getattr(part, "name", None) or part.annotation
        rows.append(f"- `{name}`: {' '.join(part.description.split())}")
    is_arguments = section.kind is griffe.DocstringSectionKind.parameters
    title = "Arguments" if is_arguments else section.kind.value.title()
    return "\n".join((f"{title}:\n", *rows))


_GENERATED = {
    "<!-- commands -->": describe_commands,
    "[All columns](../../extractor/apps/export/tables.md)": describe_tables,
}


if __name__ == "__main__":
    page = (ROOT / "docs" / sys.argv[1]).read_text("utf-8")
    sys.stdout.write(on_page_markdown(page))
