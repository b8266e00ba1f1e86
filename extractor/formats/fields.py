"""Look up values by path in a tree of objects, lists and texts. All registers use the same paths.

A reader converts a JSON or XML record, a table row, or the numbered fields of a text into a tree.
For an XML element, each key ``@name`` contains an attribute, and the key ``TEXT`` contains the
element's text.

``extractor/schemas/paths.py`` explains paths. Lists are traversed, and null is ignored.
``a[language.code=en].b`` selects the list entry in a language. An object in place of a text, or a
text in place of an object, is treated as an error, so that no text is lost silently.
"""

import json
from collections.abc import Sequence

from extractor.formats.found import AGAIN, FoundText, UnreadableSource
from extractor.formats.registers import load_table
from extractor.schemas.paths import Step, read_path, write_path

TEXT = ""

_Steps = tuple[Step, ...]


def find_at_path(tree: object, path: str) -> list[object]:
    """Return the values at a path. A list at the end of the path is replaced by its entries. Raises
    ``UnreadableSource`` if the tree has text where fields are expected.

    >>> tree = {"arms": [{"label": "A"}, None, {"label": "B"}]}
    >>> find_at_path(tree, "arms.label")
    ['A', 'B']
    """
    return _walk(tree, read_path(path))


def read_texts(tree: object, paths: str | Sequence[str]) -> list[str]:
    """Return the non-blank texts at a path, or at the first of several paths that has any."""
    if isinstance(paths, str):
        return _read_filled(tree, read_path(paths))
    for path in paths:
        texts = _read_filled(tree, read_path(path))
        if texts:
            return texts
    return []


def _read_filled(tree: object, steps: _Steps) -> list[str]:
    """Return the non-blank texts at the end of a path."""
    place = write_path(steps)
    texts = (write_text(value, place) for value in _walk(tree, steps))
    return [text for text in texts if text.strip()]


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
        raise UnreadableSource(
            "a list, an object or NaN where text is expected",
            f"write it as one text, or {AGAIN}",
            place=place,
        )
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
    first = str(steps[0])
    below = steps[1:]
    if not value:
        return []
    if "=" in first:
        return _choose_translation(value, first, below)
    if isinstance(value, list):
        return [part for entry in value for part in _walk(entry, steps)]
    if first[0] != "@":
        raise UnreadableSource(
            "text where fields are expected", place=write_path(steps)
        )
    if isinstance(value, dict):
        return _walk(value.get(first), below)
    return []


def _choose_translation(entries: object, condition: str, below: _Steps) -> list[object]:
    """Return the text of the first entry in the wanted language. If no entry is in this language,
    return the text of the first entry, marked with the name of its language. At the end of a path,
    return the entries themselves.
    """
    code_path, _, wanted = condition.partition("=")
    coded: list[tuple[str, object]] = []
    for entry in _walk(entries, ()):
        code = "".join(read_texts(entry, code_path))
        coded.append((code, entry))
    preferred = [pair for pair in coded if pair[0] == wanted]
    if not below:
        return [entry for _, entry in preferred or coded]
    # the first entry with a text
    for code, entry in preferred + coded:
        texts = _read_filled(entry, below)
        if not texts:
            continue
        language = None
        if code != wanted:
            language = name_language(code)
        text = texts[0].replace("\r\n", "\n").strip()
        return [FoundText(text, language=language)]
    return []


def name_language(code: str) -> str:
    """Return the name of the language with a given code. An unknown code is returned in quotation
    marks.

    >>> name_language("de"), name_language("xx")
    ('German', '"xx"')
    """
    names: dict[str, str] = load_table("eu_register")["settings"]["languages"]
    return names.get(code, f'"{code}"')
