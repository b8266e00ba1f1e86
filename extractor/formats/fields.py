"""Look up values by path in a tree of objects, lists and texts. All registers use the same paths.

A reader converts a JSON or XML record, a table row, or the numbered fields of a text into a tree.
For an XML element, each key ``@name`` contains an attribute, and the key ``TEXT`` contains the
element's text.

A path is written ``a.b.c``. Lists are traversed, and null is ignored. A dot before a digit is part
of a name (``E.5.1``). ``a[language.code=en].b`` selects the list entry in a language; ``a|b`` uses
the first of several paths that has a text. An object in place of a text, or a text in place of an
object, is treated as an error, so that no text is lost silently.
"""

import json
import re
from functools import cache

from extractor.formats.found import FoundText, UnreadableSource
from extractor.formats.registers import load_table

TEXT = ""

_STEP = re.compile(r"\[[^\]]+|(?:[^.\[\]]|\.(?=\d))+")
"""A key or, in brackets, the path to an entry's language and the requested language."""
_Steps = list[str]


@cache
def _parse(path: str) -> list[_Steps]:
    """Return the steps of each alternative in a path."""
    return [_STEP.findall(choice) for choice in path.split("|")]


def find_values(tree: object, path: str) -> list[object]:
    """Return the values at a path. A list at the end of the path is replaced by its entries. Raises
    ``UnreadableSource`` if the tree has text where fields are expected.

    >>> tree = {"arms": [{"label": "A"}, None, {"label": "B"}]}
    >>> find_values(tree, "arms.label")
    ['A', 'B']
    """
    [steps] = _parse(path)
    return _walk(tree, steps)


def read_texts(tree: object, path: str) -> list[str]:
    """Return the non-blank texts at a path, or at the first alternative that has any."""
    for steps in _parse(path):
        texts = [write_text(value, path) for value in _walk(tree, steps)]
        filled = [text for text in texts if text and not text.isspace()]
        if filled:
            return filled
    return []


def write_text(value: object, place: str) -> str:
    """Return a value as text; numbers and booleans are written as in JSON. Raises
    ``UnreadableSource`` for an object, a list, or NaN, which pandas uses for missing values.
    """
    if isinstance(value, str):
        return value
    # an XML element with attributes and a text, but without child elements
    if isinstance(value, dict) and all(key[:1] in (TEXT, "@") for key in value):
        return str(value.get(TEXT, ""))
    if isinstance(value, dict | list) or value != value:  # noqa: PLR0124 - NaN
        raise UnreadableSource("other data where text is expected", place=place)
    if value is None:
        return ""
    return json.dumps(value)


def _walk(value: object, steps: _Steps) -> list[object]:
    """Return the values at the end of a path, or an empty list if the path leads nowhere."""
    for depth, step in enumerate(steps):
        if not isinstance(value, dict) or TEXT in value:
            return _walk_on(value, steps[depth:])
        value = value.get(step)
    if isinstance(value, list):
        return value
    if value is None:
        return []
    return [value]


def _walk_on(value: object, steps: _Steps) -> list[object]:
    """Return the values at a path below a value that is not a plain object: a list, a text, or an
    object with a text. Raises ``UnreadableSource`` if the path leads into a text, which has no
    fields.
    """
    first, *below = steps
    if not value:
        return []
    if first[0] == "[":
        return _choose_translation(value, first, below)
    if isinstance(value, list):
        return [part for entry in value for part in _walk(entry, steps)]
    if first[0] != "@":
        place = ".".join(steps)
        raise UnreadableSource("text where fields are expected", place=place)
    if isinstance(value, dict):
        fields = value
    else:
        fields = {}
    return _walk(fields.get(first), below)


def _choose_translation(entries: object, step: str, below: _Steps) -> list[object]:
    """Return the text of the first entry in the wanted language. If no entry is in this language,
    return the text of the first entry, marked with the name of its language. At the end of a path,
    return the entries themselves.
    """
    code_path, _, wanted = step[1:].partition("=")
    coded = [
        ("".join(read_texts(entry, code_path)), entry) for entry in _walk(entries, [])
    ]
    preferred = [pair for pair in coded if pair[0] == wanted]
    if not below:
        return [entry for _, entry in preferred or coded]
    for code, entry in preferred + coded:
        for text in read_texts(entry, ".".join(below)):
            if code == wanted:
                language = None
            else:
                language = name_language(code)
            return [FoundText(text.replace("\r\n", "\n").strip(), language=language)]
    return []


def name_language(code: str) -> str:
    """Return the name of the language with a given code. An unknown code is returned in quotation
    marks.

    >>> name_language("de"), name_language("xx")
    ('German', '"xx"')
    """
    names: dict[str, str] = load_table("eu_register")["settings"]["languages"]
    return names.get(code, f'"{code}"')
