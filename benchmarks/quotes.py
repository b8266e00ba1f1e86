"""Measure which changed quotes `verify_quote` accepts, and print tables.

    python -m benchmarks.quotes --data DIR [--n 20000] [--seed 1] [--json FILE]

Lines and clauses are drawn from the criteria, arms and outcomes of the folder's records. Half of
them get a change in one critical token (a number, exponent, comparator, unit, negation, and/or): a
change that is accepted has escaped. The others are changed only in form: one that is refused, or
found in another place, is wrongly refused. "conflict named" is the share for which the check names
the tokens that differ. ``--json`` stores the counts of all changes.
"""

import json
import random
import re
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
    chosen = parse_options(__doc__, data=..., n=20_000, seed=1, json=Path)
    rng = random.Random(chosen.seed)
    drawn = draw_quotes(chosen.data, rng)
    tallies = tally_verdicts(map(judge, list(make_trials(drawn, chosen.n, rng))))
    print(format_kinds(tallies))
    if chosen.json:
        counts = {"harmful": tallies[True, "all"], "harmless": tallies[False, "all"]}
        chosen.json.write_text(json.dumps(counts, indent=1) + "\n", "utf-8")


def judge(trial: Trial) -> Verdict:
    """Return this project's verdict. A harmless quote must also be found at its place, or at the
    same words.
    """
    text = trial.drawn.text
    found = verify_quote(trial.quote, text)
    accepted = found.status in (QuoteStatus.EXACT, QuoteStatus.FOLDED)
    named = found.status is QuoteStatus.CONFLICT
    if not trial.harmful:
        words = _list_letters(text[found.start : found.end])
        accepted = accepted and words == _list_letters(trial.drawn.quote)
    return Verdict(trial, accepted, named)


def _list_letters(text: str) -> str:
    return re.sub(r"[\W_]", "", text).lower()


def draw_quotes(data: Path, rng: random.Random) -> Iterator[Drawn]:
    """Yield quotes without end: a random line or clause of a random section of a random record.

    Raises ``FileNotFoundError`` if the folder holds no records.
    """
    paths = [data / name for name in _FILES if (data / name).exists()]
    if not paths:
        raise FileNotFoundError(f"{data} holds none of {', '.join(_FILES)}")
    texts: list[str] = []
    for record in read_records(*paths):
        texts += [one.text for one in record.sections if _is_quoted(one.name)]
    while texts:
        text = rng.choice(texts)
        spans = list(_list_spans(text, rng.choice((_LINE, _CLAUSE))))
        if spans:
            yield Drawn(text, *rng.choice(spans))


def _is_quoted(section: str) -> bool:
    return section.partition("[")[0] in _SECTIONS


def _list_spans(text: str, unit: re.Pattern[str]) -> Iterator[tuple[int, int]]:
    for found in unit.finditer(text):
        bullet = _BULLET.match(text, *found.span())
        start = bullet.end() if bullet else found.start()
        quote = text[start : found.end()].rstrip()
        is_length_usual = _SHORTEST <= len(quote) <= _LONGEST
        if is_length_usual and " " in quote and not _IN_ENTITY.search(quote):
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
                if not quote or (harmful and _is_still_true(quote, one)):
                    continue
                made[kind] += 1
                yield Trial(one, kind, quote, harmful)
                break
        if made.total() >= count:
            return


def _is_still_true(quote: str, drawn: Drawn) -> bool:
    return _plain(quote) == _plain(drawn.quote) or stands_elsewhere(quote, drawn)


def stands_elsewhere(quote: str, drawn: Drawn) -> bool:
    """Return whether a text has the changed quote, as whole words, in another place than its
    source, or twice.

    >>> drawn = Drawn("Arm A: 5 mg daily. Arm B: 15 mg daily.", 26, 37)
    >>> stands_elsewhere("5 mg daily", drawn), stands_elsewhere("51 mg daily", drawn)
    (True, False)
    """
    rest = _plain(f"{drawn.text[: drawn.start]}\n\0\n{drawn.text[drawn.end :]}")
    places = re.compile(rf"(?<!\w){re.escape(_plain(quote))}(?!\w)")
    if places.search(rest):
        return True
    return len(places.findall(_plain(drawn.quote))) > 1


def _plain(text: str) -> str:
    return " ".join(text.replace("\\", "").lower().split())


def tally_verdicts(verdicts: Iterable[Verdict]) -> Tallies:
    """Tally each kind, the harmful ones first, each group with its sum at the end."""
    found: dict[tuple[bool, str], Counter[str]] = defaultdict(Counter)
    for one in verdicts:
        for kind in (one.trial.kind, "all"):
            tally = Counter(count=1, wrong=one.wrong, named=one.named)
            found[one.trial.harmful, kind] += tally
    names = sorted(found, key=lambda key: (not key[0], key[1] == "all", key[1]))
    return {name: found[name] for name in names}


def format_kinds(tallies: Tallies) -> str:
    """Format the wrong verdicts, one line per kind, changes of meaning first."""
    rows: dict[bool, list[list[object]]] = {True: [], False: []}
    for (harmful, kind), one in tallies.items():
        count = one["count"]
        low, high = wilson(one["wrong"], count)
        shares = [f"{one['wrong'] / count:.2%}", f"{low:.2%} to {high:.2%}"]
        named = [f"{one['named'] / count:.1%}"] if harmful else []
        rows[harmful].append([kind, count, one["wrong"], *shares, *named])
    columns = ("share", "95 %")
    changed = ("says something else", "quotes", "escaped", *columns, "conflict named")
    kept = ("says the same", "quotes", "refused", *columns)
    tables = (format_table(changed, rows[True]), format_table(kept, rows[False]))
    return "\n\n".join(tables)


if __name__ == "__main__":
    main()
