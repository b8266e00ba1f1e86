"""Drug names from a public list, and the substances that they name.

``drug_names.tsv.gz`` has a line for each substance: its name, its DrugBank number and all its
names, in lower case. ``drug_names.md`` gives its source and licence.
"""

import gzip
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from extractor.concepts.doses.marks import Place
from extractor.language.lexer import Tokens

_TABLE = "drug_names.tsv.gz"


class Substance(NamedTuple):
    """A substance with its DrugBank number: "DB00654"."""

    name: str
    number: str


class _Names(NamedTuple):
    """The substances by name, and the most words of the names that begin with each word."""

    substances: dict[str, Substance]
    lengths: dict[str, int]


@cache
def _load() -> _Names:
    substances: dict[str, Substance] = {}
    lengths: dict[str, int] = {}
    packed = files(__package__).joinpath(_TABLE).read_bytes()
    for line in gzip.decompress(packed).decode().splitlines():
        name, number, names = line.split("\t")
        substances |= dict.fromkeys(names.split("|"), Substance(name, number))
    for name in substances:
        first, _, others = name.partition(" ")
        size = others.count(" ") + 2 if others else 1
        if size > lengths.get(first, 0):
            lengths[first] = size
    return _Names(substances, lengths)


def find_drugs(tokens: Tokens) -> Iterator[Place]:
    """Yield the places of drug names from left to right, the longest name at each place.

    >>> from extractor.language.book import read_text
    >>> list(find_drugs(read_text("latanoprost or insulin glargine")))
    [(0, 1), (2, 4)]
    """
    substances, lengths = _load()
    # a name is listed without its hyphens
    places = [at for at, word in enumerate(tokens.words) if word != "-"]
    words = [tokens.words[at].lower() for at in places]
    end = 0
    for at, word in enumerate(words):
        if at < end or word not in lengths:
            continue
        for size in range(min(lengths[word], len(words) - at), 0, -1):
            if " ".join(words[at : at + size]) in substances:
                end = at + size
                yield places[at], places[end - 1] + 1
                break


def find_substance(name: str) -> Substance | None:
    """Return the substance that a name means; None if it is not in the list.

    >>> find_substance("Xalatan")
    Substance(name='latanoprost', number='DB00654')
    """
    return _load().substances.get(" ".join(name.lower().replace("-", " ").split()))
