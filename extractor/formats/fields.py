"""One path language for all registers: values in a tree of objects, lists and texts.

A reader turns a record of JSON or XML, a row, or the numbered fields of a text into such a tree. Of
an element of XML, ``@name`` is an attribute; an object's own text is at the key ``TEXT``.

A path is ``a.b.c``. Lists are walked through, and null is nothing. A dot before a digit belongs to
a name (``E.5.1``). ``a[language.code=en].b`` takes the entry of a list that is in a language;
``a|b`` is the first of several paths with a text. An object where a text belongs, or the other way
round, is an error with its place, so that nothing is lost silently.
"""

import re
from functools import cache
from typing import Any, NamedTuple

from extractor.formats.found import UnreadableSource, Words
from extractor.formats.registers import load_table

TEXT = ""
Place = tuple[Any, ...]
"""Keys and positions in lists, from the record on."""
Value = tuple[Any, Place]

_STEP = re.compile(
    r"(?P<key>(?:[^.\[]|\.(?=\d))+)(?:\[(?P<of>[^=\[\]]++)=(?P<code>[^\[\]]++)\])?\.?"
)


class _Translations(NamedTuple):
    """The step into a list of translations: the path of an entry's language, and the wanted one."""

    of: str
    code: str


_Steps = tuple[str | _Translations, ...]


@cache
def _parse(path: str) -> list[_Steps]:
    """Return the steps of each of the paths in a path."""
    choices: list[_Steps] = []
    for choice in path.split("|"):
        steps: list[str | _Translations] = []
        for step in _STEP.finditer(choice):
            steps.append(step["key"])
            if step["of"]:
                steps.append(_Translations(step["of"], step["code"]))
        choices.append(tuple(steps))
    return choices


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
        plain = tree
        is_found = False
        # Most values are found so, several times faster than by a walk.
        for key in steps:
            if type(plain) is not dict or TEXT in plain:
                break
            plain = plain.get(key)
        else:
            is_found = type(plain) is str
        if plain is None:
            continue
        if is_found and plain and not plain.isspace():
            return [plain]
        texts = [write_text(*value) for value in _walk(tree, steps, place)]
        stated = [text for text in texts if text and not text.isspace()]
        if stated:
            return stated
    return []


def write_text(value: Any, place: Place) -> str:
    """Return a value as text: numbers and booleans as JSON writes them. Raises
    ``UnreadableSource`` for an object, a list, or NaN.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, dict) and all(key[:1] in ("", "@") for key in value):
        return str(value.get(TEXT, ""))
    if isinstance(value, dict | list):
        kind = "fields" if isinstance(value, dict) else "a list"
        raise _refuse(f"{kind} where text is expected", place)
    if isinstance(value, bool):
        return str(value).lower()
    if value != value:  # noqa: PLR0124 - NaN, which pandas has for nothing
        raise _refuse("no number where text is expected", place)
    return "" if value is None else str(value)


def _walk(value: Any, steps: _Steps, place: Place) -> list[Value]:
    for depth, key in enumerate(steps):
        if isinstance(key, _Translations):
            return _choose_translation(value, key, steps[depth + 1 :], place)
        if isinstance(value, list):
            found: list[Value] = []
            for number, entry in enumerate(value):
                found += _walk(entry, steps[depth:], (*place, number))
            return found
        if not value:
            return []
        if not isinstance(value, dict) or TEXT in value:
            if key[0] != "@":
                raise _refuse("text where fields are expected", place)
            value = value if isinstance(value, dict) else {}
        value = value.get(key)
        place = (*place, key)
    if isinstance(value, list):
        return [(entry, (*place, number)) for number, entry in enumerate(value)]
    return [] if value is None else [(value, place)]


def _choose_translation(
    entries: Any, wanted: _Translations, rest: _Steps, place: Place
) -> list[Value]:
    """Return the text of the entry in the wanted language; if there is none, the first other one,
    marked with the name of its language.
    """
    others: list[Value] = []
    listed = entries if isinstance(entries, list) else [entries]
    for number, entry in enumerate(listed):
        code = "".join(read_texts(entry, wanted.of, (*place, number)))
        for value, where in _walk(entry, rest, (*place, number)):
            text = write_text(value, where).replace("\r\n", "\n").strip()
            if text and code == wanted.code:
                return [(text, where)]
            if text:
                others.append((Words(text, language=name_language(code)), where))
    return others[:1]


def _refuse(problem: str, place: Place) -> UnreadableSource:
    written = "".join(
        f"[{step}]" if isinstance(step, int) else f".{step}" for step in place
    )
    remedy = "correct it or download the record again"
    return UnreadableSource(problem, remedy, place=written.lstrip(".") or None)


def name_language(code: str) -> str:
    """Return the name of a language by its code; a code that is not known in quotation marks.

    >>> name_language("de"), name_language("xx")
    ('German', '"xx"')
    """
    names: dict[str, str] = load_table("eu_register")["settings"]["languages"]
    return names.get(code, f'"{code}"')
