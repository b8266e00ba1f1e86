"""Vocabulary files term by term: read, put into the package for a while, and written.

Beside the keys that the package reads, an entry may have

    prior = 0.83         # what a reader of the words expects, set by hand; labels move the confidence from there
    by_hand = true       # the confidence itself is set by hand: it stays whatever the labels say

An entry without ``prior`` has its confidence for one.
"""

import json
import re
import tomllib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from types import ModuleType
from typing import Any
from unittest.mock import patch

from extractor.parse.vocabulary import Entry, Vocabulary, load_vocabulary

__all__ = ["Term", "format_terms", "read_terms", "use_vocabulary", "vocabulary_of"]

_WIDTH = 112


@dataclass(frozen=True, slots=True)
class Term:
    """A term or a pattern and what it says of a text that holds it."""

    text: str
    value: str
    confidence: float
    prior: float
    by_hand: bool
    is_pattern: bool
    example: str


def read_terms(text: str) -> list[Term]:
    r"""The terms of a vocabulary file, each once, in order.

    >>> [term.text for term in read_terms('[[entry]]\nvalue = "a"\nterms = ["b", "B"]\nexample = "b"')]
    ['b']
    """
    terms = (term for raw in tomllib.loads(text)["entry"] for term in _terms_of(raw))
    once: dict[str, Term] = {}
    for term in terms:
        once.setdefault(term.text if term.is_pattern else term.text.lower(), term)
    return list(once.values())


def _terms_of(raw: dict[str, Any]) -> Iterator[Term]:
    confidence = raw.get("confidence", 1.0)
    for kind in ("terms", "patterns"):
        for text in raw.get(kind, ()):
            yield Term(
                text=text,
                value=raw["value"],
                confidence=confidence,
                prior=raw.get("prior", confidence),
                by_hand=raw.get("by_hand", False),
                is_pattern=kind == "patterns",
                example=raw["example"],
            )


def vocabulary_of(terms: Iterable[Term], *, split_digits: bool = False) -> Vocabulary:
    """A vocabulary in which each term is an entry of its own."""
    return Vocabulary(
        tuple(
            Entry(
                value=term.value,
                terms=() if term.is_pattern else (term.text,),
                patterns=(term.text,) if term.is_pattern else (),
                confidence=term.confidence,
                example=term.example,
            )
            for term in terms
        ),
        split_digits=split_digits,
    )


@contextmanager
def use_vocabulary(
    module: ModuleType, name: str, terms: Iterable[Term], *, split_digits: bool = False
) -> Iterator[None]:
    """Let a module of the package read other terms than those of the file, as long as the block lasts."""
    with patch.object(
        module, load_vocabulary.__name__, {name: vocabulary_of(terms, split_digits=split_digits)}.__getitem__
    ):
        yield


def format_terms(terms: Iterable[Term], head: str) -> str:
    """A vocabulary file: by value in order of first use, the surest terms first.

    A pattern with an example of its own has an entry of its own, the others stand with terms.
    """
    kept = list(terms)
    order = {value: place for place, value in reversed(list(enumerate(term.value for term in kept)))}

    def place(term: Term) -> tuple[object, ...]:
        return order[term.value], -term.confidence, -term.prior, term.by_hand, term.text if _stands_alone(term) else ""

    blocks = [_format_entry(list(group)) for _, group in groupby(sorted(kept, key=place), key=place)]
    return "\n".join([head, *blocks])


def _stands_alone(term: Term) -> bool:
    return term.is_pattern and re.search(term.text, term.example, re.IGNORECASE) is not None


def _format_entry(group: list[Term]) -> str:
    first = group[0]
    terms = [_quote(term.text) for term in group if not term.is_pattern]
    patterns = [_quote(term.text) for term in group if term.is_pattern]
    lines = ["[[entry]]", f"value = {_quote(first.value)}"]
    lines += [*_format_list("terms", terms), *_format_list("patterns", patterns)]
    lines.append(f"confidence = {first.confidence}")
    lines.append("by_hand = true" if first.by_hand else f"prior = {first.prior}")
    example = next((term.text for term in group if not term.is_pattern), first.example)
    lines.append(f"example = {_quote(example)}\n")
    return "\n".join(lines)


def _format_list(key: str, quoted: list[str]) -> list[str]:
    """A list in one line if it fits, else wrapped; nothing for an empty one."""
    line = f"{key} = [{', '.join(quoted)}]"
    if len(line) <= _WIDTH or len(quoted) == 1:
        return [line] if quoted else []
    return [f"{key} = [", *_wrap(quoted), "]"]


def _wrap(quoted: list[str]) -> Iterator[str]:
    line = ""
    for piece in quoted:
        if line and len(line) + len(piece) > _WIDTH:
            yield f"    {line.rstrip()}"
            line = ""
        line += f"{piece}, "
    yield f"    {line.rstrip()}"


def _quote(text: str) -> str:
    if "\\" not in text:
        return json.dumps(text, ensure_ascii=False)
    return f"'''{text}'''" if "'" in text else f"'{text}'"
