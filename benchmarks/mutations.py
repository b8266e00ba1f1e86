"""Measure which changed quotes `verify_quote` accepts, and print tables.

    python -m benchmarks.mutations --data DIR [--n 20000] [--seed 1] [--json FILE]

Lines and clauses are drawn from the criteria, arms and outcomes of the folder's records. Half of
them get a change in one critical token (a number, exponent, comparator, unit, negation, and/or): a
change that is accepted has escaped. The others are changed only in form: one that is refused, or
found in another place, is wrongly refused. "conflict named" is the share for which the check names
the tokens that differ. ``--json`` stores the counts of all changes.
"""

import json
import random
import re
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from benchmarks.changes import HARMFUL, HARMLESS
from benchmarks.data import format_table, parse_options
from benchmarks.matching import wilson
from extractor import QuoteStatus, verify_quote
from extractor.formats import read_records

Tallies = Mapping[tuple[bool, str], Counter[str]]
"""Counts, "wrong" verdicts and "named" conflicts, by whether a change is harmful and by its kind
or "all".
"""

_FILES = ("records/ctgov_v2.jsonl.gz", "records/eligibility_general.jsonl.gz")
_SECTIONS = (
    "eligibility",
    "arms",
    "interventions",
    "primary_outcomes",
    "secondary_outcomes",
    "other_outcomes",
)
_LINE = re.compile(r"[^\n]+")
# A clause or a whole sentence, as a reader would quote it.
_CLAUSE = re.compile(r"[^\s;.][^;\n]*?(?=;|\.\s|\.?$)", re.MULTILINE)
_BULLET = re.compile(r"\s*(?:[-*•]+|\d{1,2}[.)]|[A-Za-z][.)]|\(\w{1,3}\))\s+")
# a clause does not end at the semicolon of "&amp;"
_IN_ENTITY = re.compile(r"&#?\w{2,8}\Z")
_SHORTEST = 8
_LONGEST = 600
_DRAWS = 40
"""Quotes drawn per change: some kinds of change need a rare token."""


class Drawn(NamedTuple):
    """``text[start:end]`` is the quote."""

    text: str
    start: int
    end: int

    @property
    def quote(self) -> str:
        return self.text[self.start : self.end]


class Trial(NamedTuple):
    """A changed quote, with another meaning if ``harmful``."""

    drawn: Drawn
    kind: str
    quote: str
    harmful: bool


class Verdict(NamedTuple):
    """A checker's verdict on a changed quote; ``named``: it also named a token in conflict."""

    trial: Trial
    accepted: bool
    named: bool = False

    @property
    def wrong(self) -> bool:
        return self.accepted is self.trial.harmful


def main() -> None:
    """Print the tables."""
    chosen = parse_options(__doc__, data=..., n=20_000, seed=1, json="")
    rng = random.Random(chosen.seed)
    trials = list(make_trials(draw_quotes(chosen.data, rng), chosen.n, rng))
    begun = time.perf_counter()
    own = [judge(trial) for trial in trials]
    each = (time.perf_counter() - begun) / len(trials)
    print(format_kinds(tally_verdicts(own)), f"\n{each * 1000:.2f} ms a quote\n")
    if chosen.json:
        tallies = tally_verdicts(own)
        counts = {
            word: tallies[harmful, "all"]
            for word, harmful in (("harmful", True), ("harmless", False))
        }
        Path(chosen.json).write_text(json.dumps(counts, indent=1) + "\n", "utf-8")


def judge(trial: Trial) -> Verdict:
    """Return this project's verdict. A harmless quote must also be found at its place, or at the
    same words.
    """
    text = trial.drawn.text
    found = verify_quote(trial.quote, text)
    accepted = found.status in (QuoteStatus.EXACT, QuoteStatus.FOLDED)
    placed, drawn = (
        re.sub(r"[\W_]", "", one).lower()
        for one in (text[found.start : found.end], trial.drawn.quote)
    )
    return Verdict(
        trial,
        accepted and (placed == drawn or trial.harmful),
        found.status is QuoteStatus.CONFLICT,
    )


def draw_quotes(data: Path, rng: random.Random) -> Iterator[Drawn]:
    """Yield quotes without end: a random line or clause of a random section of a random record.

    Raises ``FileNotFoundError`` if the folder holds no records.
    """
    paths = [data / name for name in _FILES if (data / name).exists()]
    if not paths:
        raise FileNotFoundError(f"{data} holds none of {', '.join(_FILES)}")
    sections = (
        section for record in read_records(*paths) for section in record.sections
    )
    texts = [
        section.text
        for section in sections
        if section.name.partition("[")[0] in _SECTIONS
    ]
    while texts:
        text = rng.choice(texts)
        if spans := list(_list_spans(text, rng.choice((_LINE, _CLAUSE)))):
            yield Drawn(text, *rng.choice(spans))


def _list_spans(text: str, unit: re.Pattern[str]) -> Iterator[tuple[int, int]]:
    for found in unit.finditer(text):
        bullet = _BULLET.match(text, *found.span())
        start = bullet.end() if bullet else found.start()
        quote = text[start : found.end()].rstrip()
        if (
            _SHORTEST <= len(quote) <= _LONGEST
            and " " in quote
            and not _IN_ENTITY.search(quote)
        ):
            yield start, start + len(quote)


def make_trials(
    drawn: Iterable[Drawn], count: int, rng: random.Random
) -> Iterator[Trial]:
    """Yield about ``count`` changed quotes, half of them harmful, as many of each kind as the
    quotes allow.

    A quote gets the rarest kind of change that applies to it. A harmful change is left out if the
    changed quote occurs elsewhere in the text: it is true then.
    """
    made: Counter[str] = Counter()
    for one in islice(drawn, _DRAWS * count):
        for kinds, harmful in ((HARMFUL, True), (HARMLESS, False)):
            wanted = [kind for kind in kinds if made[kind] < count / 2 / len(kinds)]
            for kind in sorted(wanted, key=lambda kind: (made[kind], kind)):
                quote = kinds[kind](one.quote, rng)
                if quote and not (
                    harmful
                    and (
                        _plain(quote) == _plain(one.quote)
                        or stands_elsewhere(quote, one)
                    )
                ):
                    made[kind] += 1
                    yield Trial(one, kind, quote, harmful)
                    break
        if made.total() >= count:
            return


def stands_elsewhere(quote: str, drawn: Drawn) -> bool:
    """Return whether a text has the changed quote, as whole words, in another place than its
    source, or twice.

    >>> drawn = Drawn("Arm A: 5 mg daily. Arm B: 15 mg daily.", 26, 37)
    >>> stands_elsewhere("5 mg daily", drawn), stands_elsewhere("51 mg daily", drawn)
    (True, False)
    """
    rest = _plain(f"{drawn.text[: drawn.start]}\n\0\n{drawn.text[drawn.end :]}")
    places = re.compile(rf"(?<!\w){re.escape(_plain(quote))}(?!\w)")
    return (
        places.search(rest) is not None or len(places.findall(_plain(drawn.quote))) > 1
    )


def _plain(text: str) -> str:
    return " ".join(text.replace("\\", "").lower().split())


def tally_verdicts(verdicts: Iterable[Verdict]) -> Tallies:
    """Tally each kind, the harmful ones first, each group with its sum at the end."""
    found: dict[tuple[bool, str], Counter[str]] = defaultdict(Counter)
    for one in verdicts:
        for kind in (one.trial.kind, "all"):
            found[one.trial.harmful, kind] += Counter(
                count=1, wrong=one.wrong, named=one.named
            )
    return {
        key: found[key]
        for key in sorted(found, key=lambda key: (not key[0], key[1] == "all", key[1]))
    }


def format_kinds(tallies: Tallies) -> str:
    """Format one checker's wrong verdicts, one line per kind, changes of meaning first."""
    parts = []
    for harmful, title, wrong in (
        (True, "says something else", "escaped"),
        (False, "says the same", "refused"),
    ):
        rows = []
        for kind, one in (
            (kind, one) for (its, kind), one in tallies.items() if its is harmful
        ):
            low, high = wilson(one["wrong"], one["count"])
            shares = (f"{one['wrong'] / one['count']:.2%}", f"{low:.2%} to {high:.2%}")
            named = [f"{one['named'] / one['count']:.1%}"] if harmful else []
            rows.append((kind, one["count"], one["wrong"], *shares, *named))
        head = (
            title,
            "quotes",
            wrong,
            "share",
            "95 %",
            *(["conflict named"] if harmful else []),
        )
        parts.append(format_table(head, rows))
    return "\n\n".join(parts)


if __name__ == "__main__":
    main()
