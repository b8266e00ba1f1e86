"""Drug names from a public list, and the substances that they name.

``drug_names.tsv.gz`` has a line for each substance: its name, its DrugBank number and all its
names, in lower case. ``drug_names.md`` gives its source and licence.
"""

import gzip
from collections.abc import Iterator, Set
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from extractor.concepts.doses.marks import Place
from extractor.language.lexer import Tokens

_TABLE = "drug_names.tsv.gz"
_MOST_WORDS = 4
"""Maximum number of words in a listed name."""


class Substance(NamedTuple):
    """A substance with its DrugBank number: "DB00654"."""

    name: str
    number: str


@cache
def _load() -> tuple[dict[str, Substance], Set[str]]:
    """Return the substances by name, and the first words of the names."""
    substances: dict[str, Substance] = {}
    packed = files(__package__).joinpath(_TABLE).read_bytes()
    for line in gzip.decompress(packed).decode().splitlines():
        name, number, names = line.split("\t")
        substances |= dict.fromkeys(names.split("|"), Substance(name, number))
    return substances, {name.partition(" ")[0] for name in substances}


def find_drugs(tokens: Tokens) -> Iterator[Place]:
    """Yield the places of drug names from left to right, the longest name at each place.

    >>> from extractor.language.book import read_text
    >>> list(find_drugs(read_text("latanoprost or insulin glargine")))
    [(0, 1), (2, 4)]
    """
    substances, first_words = _load()
    # a name is listed without its hyphens
    places = [at for at, word in enumerate(tokens.words) if word != "-"]
    words = [tokens.words[at].lower() for at in places]
    end = 0
    for at, word in enumerate(words):
        if at < end:
            continue
        if word not in first_words:
            continue
        for stop in range(min(at + _MOST_WORDS, len(words)), at, -1):
            if " ".join(words[at:stop]) in substances:
                end = stop
                yield places[at], places[end - 1] + 1
                break


def find_substance(name: str) -> Substance | None:
    """Return the substance that a name means; None if it is not in the list.

    >>> find_substance("Xalatan")
    Substance(name='latanoprost', number='DB00654')
    """
    return _load()[0].get(" ".join(name.lower().replace("-", " ").split()))
