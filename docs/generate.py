"""Writes into pages what the code and the rules say, so that they can be read without the site.

::

    python -m docs.generate

A page names what it shows on a line such as ``<!-- from extractor.api.Extractor -->``, ``from
rules``, ``from places`` or ``from cases``. What stands between this line and ``<!-- end -->`` is
replaced. The help of commands is generated when the site is built (``docs.hooks``).
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import griffe

from .rule_tables import describe_keys, describe_places, describe_rule_files

_DOCS = Path(__file__).parent
PAGES = (
    _DOCS / "reference/python.md",
    _DOCS / "contributing/index.md",
    _DOCS / "contributing/rules.md",
)
_MARKED = re.compile(
    r"^(<!-- from (\S+) -->\n).*?^(<!-- end -->)$", re.MULTILINE | re.DOTALL
)
_EXAMPLE = re.compile(r"^>>> .*?(?=\n\n|\Z)", re.MULTILINE | re.DOTALL)
_LITERAL = re.compile(r"^::\n\n", re.MULTILINE)
_NEXT_PARAMETER = re.compile(r", (?=[*/],|\*{0,2}\w+: )")
_LAST_BRACKET = re.compile(r"\)(?=( -> [^()]*)?$)")


def generate(page: str) -> str:
    """Return a page with what its marks name."""
    return _MARKED.sub(
        lambda found: f"{found[1]}\n{_describe(found[2])}\n\n{found[3]}", page
    )


def _describe(name: str) -> str:
    if name == "rules":
        return "\n\n".join(describe_rule_files())
    if name == "places":
        return describe_places()
    if name == "cases":
        return describe_keys()
    return "\n\n".join(
        _describe_name(_load()[name.removeprefix("extractor.")], level=3)
    )


@cache
def _load() -> Any:
    return griffe.load("extractor", docstring_parser="google")


def _describe_name(named: Any, level: int) -> Iterator[str]:
    """Yield heading, signature, meaning and fields of a name, then its methods. Of a module,
    only the meaning.
    """
    one = named.final_target if named.is_alias else named
    members = [
        member
        for name, member in one.all_members.items()
        if one.is_class and name[0] != "_"
    ]
    fields = [
        member
        for member in members
        if member.annotation and "instance-attribute" in member.labels
    ]
    above = (
        one.mro() if one.is_class and not one.docstring else []
    )  # a class that only adds to another one
    if not one.is_module:
        yield f"{'#' * level} `{one.name}`"
        yield f"```python\n{_sign(above[0] if above else one, fields)}\n```"
    yield from _describe_docstring(above[0] if above else one)
    if told := [
        f"- `{field.name}`: {told}" for field in fields if (told := _tell(field))
    ]:
        yield "\n".join(("Fields:\n", *told))
    for member in members:
        if (
            member.docstring
            and (above or not member.inherited)
            and (member.is_function or "property" in member.labels)
        ):
            yield from _describe_name(member, level + 1)


def _sign(one: Any, fields: list[Any]) -> str:
    """A function or class with its parameters, a model with its fields, an enumeration with its
    members.
    """
    if one.is_attribute:
        return f"{one.name}: {one.annotation}"
    if one.is_class and any("Enum" in str(base) for base in one.bases):
        return "\n".join(
            f"{one.name}.{name} = {member.value}"
            for name, member in one.attributes.items()
        )
    signed = one.signature()
    if fields and not signed:
        signed = f"{one.name}(*, {', '.join(map(_sign_field, fields))})"
    if len(signed) > 100:
        signed = _LAST_BRACKET.sub(
            ",\n)", _NEXT_PARAMETER.sub(",\n    ", signed).replace("(", "(\n    ", 1)
        )
    return ("async " if "async" in one.labels else "") + (signed or f"class {one.name}")


def _sign_field(field: Any) -> str:
    kind, settings = field.annotation, _read_settings(field)
    if str(kind).startswith("Annotated["):
        kind = kind.slice.elements[0]
    default = settings.get("default") or (
        f"{settings['default_factory']}()" if "default_factory" in settings else ""
    )
    return f"{field.name}: {kind} = {default}" if default else f"{field.name}: {kind}"


def _read_settings(field: Any) -> dict[str, str]:
    """The arguments of pydantic's ``Field``, or the plain default."""
    if not str(field.value).startswith("Field("):
        return {"default": str(field.value)} if field.value is not None else {}
    return {one.name: str(one.value) for one in field.value.arguments}


def _tell(field: Any) -> str:
    """What the docstring or the description of a field says, in one line."""
    told = (
        field.docstring.value
        if field.docstring
        else ast.literal_eval(_read_settings(field).get("description", "''"))
    )
    return " ".join(told.split())


def _describe_docstring(one: Any) -> Iterator[str]:
    for section in one.docstring.parsed if one.docstring else ():
        if section.kind is griffe.DocstringSectionKind.text:
            yield _EXAMPLE.sub(r"```pycon\n\g<0>\n```", _LITERAL.sub("", section.value))
            continue
        lines = [
            (getattr(part, "name", None) or part.annotation, part.description)
            for part in section.value
        ]
        title = (
            "Arguments"
            if section.kind is griffe.DocstringSectionKind.parameters
            else section.kind.value.title()
        )
        yield "\n".join(
            (
                f"{title}:\n",
                *(f"- `{name}`: {' '.join(said.split())}" for name, said in lines),
            )
        )


if __name__ == "__main__":
    for path in PAGES:
        path.write_text(generate(path.read_text("utf-8")), "utf-8")
