"""Fields of a value parsed from JSON, by path.

A wrong type in a field that is read is an error with the field's path, so that nothing is lost
silently. null means absent, and a field that is not read may have any type.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple, TypeVar

from extractor.formats.found import UnreadableSource

_Value = TypeVar("_Value", str, list[Any], dict[str, Any])


class Node(NamedTuple):
    """A value and its place in the document."""

    value: Any
    place: str


def find_nodes(node: Node, path: str) -> list[Node]:
    """Return the values at a path; ``[]`` marks a list. Null means absent; in a list the indices
    after it stay.

    >>> [
    ...     value.place
    ...     for value in find_nodes(
    ...         Node({"arms": [{"label": "A"}, None]}, "study"), "arms[].label"
    ...     )
    ... ]
    ['study.arms[0].label', 'study.arms[1].label']
    """
    nodes = [node]
    for name, is_list in _split_path(path):
        nodes = [
            Node(_expect(value, {}, place).get(name), f"{place}.{name}")
            for value, place in nodes
        ]
        if is_list:
            nodes = [item for listed in nodes for item in _list_nodes(listed)]
    return nodes


def _list_nodes(node: Node) -> Iterator[Node]:
    """Yield the values of a list, each with its index in its place."""
    for number, value in enumerate(_expect(node.value, [], node.place)):
        yield Node(value, f"{node.place}[{number}]")


@cache
def _split_path(path: str) -> tuple[tuple[str, bool], ...]:
    """Return the names of a path, each with whether it is that of a list."""
    return tuple(
        (step.removesuffix("[]"), step.endswith("[]")) for step in path.split(".")
    )


def read_texts(node: Node, path: str) -> list[str]:
    """Return the texts at a path, or at the first of several paths (separated by bars) that has
    one.
    """
    for choice in path.split("|"):
        texts: list[str] = []
        for value, place in find_nodes(node, choice):
            if value is None:
                continue
            text = _read_text(value, choice, place)
            _check_unicode(text, place)
            texts.append(text)
        if texts:
            return texts
    return []


def _read_text(value: Any, path: str, place: str) -> str:
    """Return a value as text. Flags and counts are texts in some records, booleans and numbers in
    others.
    """
    if path.endswith("healthyVolunteers") and isinstance(value, bool):
        return str(value).lower()
    # To Python, true is an integer too, and no count.
    if path.endswith(_COUNTS) and type(value) is int:
        return str(value)
    return _expect(value, "", place)


_COUNTS = ("count", "totalNumberEnrolled")


def _check_unicode(text: str, place: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:  # JSON can escape half a surrogate pair
        raise UnreadableSource(
            "text that is not valid Unicode",
            "correct the escapes of its characters",
            place=place,
        ) from None


_KINDS = {str: "text", bool: "true or false", list: "a list", dict: "an object"}


def _expect(value: Any, empty: _Value, place: str) -> _Value:
    """Return the value if it has the type of ``empty``, ``empty`` for null. Raises
    ``UnreadableSource`` for other types.
    """
    if value is None:
        return empty
    if isinstance(value, type(empty)):
        return value
    found = _KINDS.get(type(value), "a number")
    expected = _KINDS[type(empty)]
    raise UnreadableSource(
        f"{found} where {expected} is expected",
        "correct it or download the record again",
        place=place,
    )
