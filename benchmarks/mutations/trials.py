"""Changed quotes, so many of each kind, each beside the text that it was drawn from."""

import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from .harmful import HARMFUL, Mutation
from .harmless import HARMLESS
from .quotes import Drawn

__all__ = ["Trial", "make_trials"]

_DRAWS = 40
"""How many quotes are drawn for each change wanted: some kinds of change need a rare token."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A quote, changed. ``harmful`` tells whether it says something else now."""

    drawn: Drawn
    kind: str
    quote: str
    harmful: bool


def make_trials(drawn: Iterable[Drawn], count: int, rng: random.Random) -> Iterator[Trial]:
    """About ``count`` changed quotes, half of them harmful, as many of each kind as the quotes allow.

    A harmful change is left out if what the quote says now stands elsewhere in the text: it is true then.
    """
    made: Counter[str] = Counter()
    for one in islice(drawn, _DRAWS * count):
        for kinds, harmful in ((HARMFUL, True), (HARMLESS, False)):
            wanted = [kind for kind in kinds if made[kind] < count / 2 / len(kinds)]
            if trial := _change(one, kinds, sorted(wanted, key=lambda kind: (made[kind], kind)), rng, harmful=harmful):
                made[trial.kind] += 1
                yield trial
        if made.total() >= count:
            return


def _change(
    drawn: Drawn, kinds: Mapping[str, Mutation], wanted: Iterable[str], rng: random.Random, *, harmful: bool
) -> Trial | None:
    """The quote changed in the first of the wanted kinds that it has a token for."""
    for kind in wanted:
        quote = kinds[kind](drawn.quote, rng)
        if quote and not (harmful and (_plain(quote) == _plain(drawn.quote) or stands_elsewhere(quote, drawn))):
            return Trial(drawn, kind, quote, harmful)
    return None


def stands_elsewhere(quote: str, drawn: Drawn) -> bool:
    """Whether a text has the changed quote, as whole words, in a place other than the one it was drawn from, or twice.

    >>> drawn = Drawn("Arm A: 5 mg daily. Arm B: 15 mg daily.", 26, 37)
    >>> stands_elsewhere("5 mg daily", drawn), stands_elsewhere("51 mg daily", drawn)
    (True, False)
    """
    rest = _plain(f"{drawn.text[: drawn.start]}\n\0\n{drawn.text[drawn.end :]}")
    places = re.compile(rf"(?<!\w){re.escape(_plain(quote))}(?!\w)")
    return places.search(rest) is not None or len(places.findall(_plain(drawn.quote))) > 1


def _plain(text: str) -> str:
    return " ".join(text.replace("\\", "").lower().split())
