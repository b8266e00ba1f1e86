"""One path language for all registers: values in a tree of objects, lists and texts.

A reader turns a record of JSON or XML, a row, or the numbered fields of a text into such a tree. Of
an element of XML, ``@name`` is an attribute; an object's own text is at the key ``TEXT``.

A path is ``a.b.c``. Lists are traversed, and null is ignored. A dot before a digit belongs to
a name (``E.5.1``). ``a[language.code=en].b`` takes the entry of a list that is in a language;
``a|b`` is the first of several paths with a text. An object where a text belongs, or vice
versa, is an error, so that nothing is lost silently.
"""

import json
import re
from functools import cache
from typing import Any

from extractor.formats.found import UnreadableSource, Words
from extractor.formats.registers import load_table

TEXT = ""

_STEP = re.compile(r"\[[^\]]+|(?:[^.\[\]]|\.(?=\d))+")
"""A key or, in brackets, the path to an entry's language and the wanted language."""
_Steps = list[str]


@cache
def _parse(path: str) -> list[_Steps]:
    """Return the steps of each alternative in a path."""
    return [_STEP.findall(choice) for choice in path.split("|")]


def find_values(tree: Any, path: str) -> list[Any]:
    """Return the values at a path; a list at its end is replaced by its entries. Raises
    ``UnreadableSource`` for text where fields are expected.

    >>> tree = {"arms": [{"label": "A"}, None, {"label": "B"}]}
    >>> find_values(tree, "arms.label")
    ['A', 'B']
    """
    [steps] = _parse(path)
    return _walk(tree, steps)


def read_texts(tree: Any, path: str) -> list[str]:
    """Return the non-blank texts at a path, or at the first alternative that has any."""
    for steps in _parse(path):
        found = _walk(tree, steps)
        if not found:  # as most
            continue
        stated = [
            text
            for value in found
            if (text := write_text(value, path)) and not text.isspace()
        ]
        if stated:
            return stated
    return []


def write_text(value: Any, place: str) -> str:
    """Return a value as text: numbers and booleans as JSON writes them. Raises
    ``UnreadableSource`` for an object, a list, or NaN, which pandas has for nothing.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, dict) and all(key[:1] in (TEXT, "@") for key in value):
        return str(value.get(TEXT, ""))
    if isinstance(value, dict | list) or value != value:  # noqa: PLR0124 - NaN
        raise UnreadableSource("other data where text is expected", place=place)
    return "" if value is None else json.dumps(value)


def _walk(value: Any, steps: _Steps) -> list[Any]:
    for depth, step in enumerate(steps):
        if not isinstance(value, dict) or TEXT in value:
            return _walk_on(value, steps[depth:])
        value = value.get(step)
    if isinstance(value, list):
        return value
    return [] if value is None else [value]


def _walk_on(value: Any, steps: _Steps) -> list[Any]:
    """Walk on from anything but an object without text."""
    first, *below = steps
    if not value:
        return []
    if first[0] == "[":
        return _choose_translation(value, first, below)
    if isinstance(value, list):
        return [one for entry in value for one in _walk(entry, steps)]
    if first[0] != "@":
        place = ".".join(steps)
        raise UnreadableSource("text where fields are expected", place=place)
    fields = value if isinstance(value, dict) else {}
    return _walk(fields.get(first), below)


def _choose_translation(entries: Any, step: str, below: _Steps) -> list[Any]:
    """Return the text of the entry in the wanted language or, if there is none, the first entry in
    another language, marked with the language's name. At the end of a path, return the entries
    themselves.
    """
    of, _, wanted = step[1:].partition("=")
    coded = [("".join(read_texts(entry, of)), entry) for entry in _walk(entries, [])]
    own = [one for one in coded if one[0] == wanted]
    if not below:
        return [entry for _, entry in own or coded]
    for code, entry in own + coded:
        for text in read_texts(entry, ".".join(below)):
            language = None if code == wanted else name_language(code)
            return [Words(text.replace("\r\n", "\n").strip(), language=language)]
    return []


def name_language(code: str) -> str:
    """Return the name of a language from its code; an unknown code is returned in quotation marks.

    >>> name_language("de"), name_language("xx")
    ('German', '"xx"')
    """
    names: dict[str, str] = load_table("eu_register")["settings"]["languages"]
    return names.get(code, f'"{code}"')
