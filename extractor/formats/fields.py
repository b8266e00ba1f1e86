"""One path language for all registers: values in a tree of objects, lists and texts.

A reader turns a record of JSON or XML, a row, or the numbered fields of a text into such a tree. Of
an element of XML, ``@name`` is an attribute; an object's own text is at the key ``TEXT``.

A path is ``a.b.c``. Lists are walked through, and null is nothing. A dot before a digit belongs to
a name (``E.5.1``). ``a[language.code=en].b`` takes the entry of a list that is in a language;
``a|b`` is the first of several paths with a text. An object where a text belongs, or the other way
round, is an error with its place, so that nothing is lost silently.
"""

import json
import re
from functools import cache
from typing import Any

from extractor.formats.found import UnreadableSource, Words
from extractor.formats.registers import load_table

TEXT = ""
Place = tuple[Any, ...]
"""Keys and positions in lists, from the record on."""
Value = tuple[Any, Place]

_STEP = re.compile(r"\[[^\]]+|(?:[^.\[\]]|\.(?=\d))+")
"""A key; or, behind a bracket, the path of an entry's language and the wanted one."""


@cache
def _parse(path: str) -> list[list[str]]:
    """Return the steps of each of the paths in a path."""
    return [_STEP.findall(choice) for choice in path.split("|")]


def find_values(tree: Any, path: str, place: Place = ()) -> list[Value]:
    """Return the values at a path, each with its place; the entries of a list at its end.

    >>> tree = {"arms": [{"label": "A"}, None, {"label": "B"}]}
    >>> find_values(tree, "arms.label")
    [('A', ('arms', 0, 'label')), ('B', ('arms', 2, 'label'))]
    """
    [steps] = _parse(path)
    return _walk(tree, steps, place)


def read_texts(tree: Any, path: str, place: Place = ()) -> list[str]:
    """Return the texts at a path that are not blank; of alternatives, at the first that has one."""
    for steps in _parse(path):
        texts = [write_text(*value) for value in _walk(tree, steps, place)]
        stated = [text for text in texts if text and not text.isspace()]
        if stated:
            return stated
    return []


def write_text(value: Any, place: Place) -> str:
    """Return a value as text: numbers and booleans as JSON writes them, NaN as nothing. Raises
    ``UnreadableSource`` for an object or a list.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        raise _refuse("a list where text is expected", place)
    if isinstance(value, dict):
        if any(key[:1] not in (TEXT, "@") for key in value):
            raise _refuse("fields where text is expected", place)
        return str(value.get(TEXT, ""))
    is_nothing = value is None or value != value  # noqa: PLR0124 - NaN, which pandas has for nothing
    return "" if is_nothing else json.dumps(value)


def _walk(value: Any, steps: list[str], place: Place) -> list[Value]:
    for depth, step in enumerate(steps):
        if step[0] == "[":
            return _choose_translation(value, steps[depth:], place)
        if isinstance(value, list):
            found: list[Value] = []
            for number, entry in enumerate(value):
                found += _walk(entry, steps[depth:], (*place, number))
            return found
        if not value:
            return []
        fields = value if isinstance(value, dict) else {TEXT: value}
        if TEXT in fields and step[0] != "@":
            raise _refuse("text where fields are expected", place)
        value = fields.get(step)
        place = (*place, step)
    if isinstance(value, list):
        return [(entry, (*place, number)) for number, entry in enumerate(value)]
    return [] if value is None else [(value, place)]


def _choose_translation(entries: Any, steps: list[str], place: Place) -> list[Value]:
    """Return the text of the entry in the wanted language; if there is none, the first other one,
    marked with the name of its language.
    """
    of, _, wanted = steps[0][1:].partition("=")
    others: list[Value] = []
    for entry, where in _walk(entries, [], place):
        code = "".join(read_texts(entry, of, where))
        for value, at in _walk(entry, steps[1:], where):
            text = write_text(value, at).replace("\r\n", "\n").strip()
            if text and code == wanted:
                return [(text, at)]
            if text:
                others.append((Words(text, language=name_language(code)), at))
    return others[:1]


def _refuse(problem: str, place: Place) -> UnreadableSource:
    steps = [f"[{step}]" if isinstance(step, int) else f".{step}" for step in place]
    remedy = "correct it or download the record again"
    return UnreadableSource(problem, remedy, place="".join(steps).lstrip(".") or None)


def name_language(code: str) -> str:
    """Return the name of a language by its code; a code that is not known in quotation marks.

    >>> name_language("de"), name_language("xx")
    ('German', '"xx"')
    """
    names: dict[str, str] = load_table("eu_register")["settings"]["languages"]
    return names.get(code, f'"{code}"')
