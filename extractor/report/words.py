"""The words of each record, for the search: gathered once, when the page is written."""

from collections.abc import Iterator
from typing import Any

from .show_record import Json

__all__ = ["gather_words"]

_LARGE = 10_000


def gather_words(shown: Json) -> str:
    """All different words of a record as it is shown, in small letters, in the order of the alphabet.

    A search asks for words, each of which may be a part of one; so these answer it as the whole text would.

    >>> value = {"value": {"quantity": "ECOG", "value": 2.0}}
    >>> sections = [{"name": "eligibility", "text": "ECOG <= 2, or Karnofsky >= 60"}]
    >>> gather_words({"id": "A1", "sections": sections, "items": [{"values": [value]}], "findings": []})
    '2 2, 60 <= >= a1 ecog karnofsky or'
    """
    texts = [shown["id"], *(section["text"] for section in shown["sections"])]
    texts += [finding["message"] for finding in shown["findings"]]
    texts += [text for item in shown["items"] for value in item["values"] for text in _list_texts(value["value"])]
    return " ".join(sorted(set("\n".join(texts).lower().split())))


def _list_texts(value: Any) -> Iterator[str]:
    """The texts and numbers of a value, a large number also as the page shows it: with its thousands apart."""
    if isinstance(value, dict):
        for part in value.values():
            yield from _list_texts(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _list_texts(part)
    elif isinstance(value, float) and value.is_integer():
        yield from _list_texts(int(value))
    elif value is not None:
        yield str(value)
        if isinstance(value, int | float) and abs(value) >= _LARGE:
            yield f"{value:,}"
