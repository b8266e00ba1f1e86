"""Measure how many changed quotes `verify_quote` accepts.

    python -m benchmarks.quotes --data DIR [--n 20000] [--seed 1] [--json FILE]

Lines and clauses are drawn from the criteria, arms and outcomes of the folder's records. In half of
them, one critical token is changed (a number, exponent, comparator, unit, negation or conjunction);
if the changed quote is accepted, the change has escaped. The other quotes are changed only in form;
a quote that is rejected, or found in another place, is wrongly refused. ``--json`` stores the total
counts.
"""

import json
import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from benchmarks.changes import HARMFUL, HARMLESS
from benchmarks.data import format_table, parse_options
from benchmarks.matching import wilson
from extractor import QuoteStatus, verify_quote
from extractor.formats import read_records

_FILES = ("records/ctgov_v2.jsonl.gz", "records/eligibility_general.jsonl.gz")
_SECTION = re.compile(r"(?:eligibility|arms|interventions|[a-z]+_outcomes)\b")
_LINE = re.compile(r"[^\n]+")
# A clause or a whole sentence, such as a reader would quote.
_CLAUSE = re.compile(r"[^\s;.][^;\n]*?(?=;|\.\s|\.?$)", re.MULTILINE)
_BULLET = re.compile(r"\s*(?:[-*•]+|\d{1,2}[.)]|[A-Za-z][.)]|\(\w{1,3}\))\s+")
# a clause does not end at the semicolon in "&amp;"
_IN_ENTITY = re.compile(r"&#?\w{2,8}\Z")
_SHORTEST = 8
_LONGEST = 600
_DRAWS = 40
"""Number of quotes drawn per change, because some kinds of change need a rare token."""


class Drawn(NamedTuple):
    """``text[start:end]`` is the quote."""

    text: str
    start: int
    end: int

    @property
    def quote(self) -> str:
        return self.text[self.start : self.end]


class Trial(NamedTuple):
    """A changed quote; its meaning has changed if ``harmful``."""

    drawn: Drawn
    kind: str
    quote: str
    harmful: bool


def main() -> None:
    """Print the tables."""
    chosen = parse_options(__doc__, data=..., n=20_000, seed=1, json=Path)
    rng = random.Random(chosen.seed)
    drawn = draw_quotes(chosen.data, rng)
    trials = list(make_trials(drawn, chosen.n, rng))
    counts = {}
    for name, verdict in (("harmful", "escaped"), ("harmless", "refused")):
        tally = tally_verdicts(
            trial for trial in trials if trial.harmful is (name == "harmful")
        )
        head = [name, "quotes", verdict, "share", "95 %"]
        print(format_table(head, map(_format_row, tally.items())), end="\n\n")
        counts[name] = tally["all"]
    if chosen.json:
        chosen.json.write_text(json.dumps(counts, indent=1) + "\n", "utf-8")


def tally_verdicts(trials: Iterable[Trial]) -> dict[str, Counter[str]]:
    """Count the quotes and the wrong verdicts for each kind of change, followed by the totals."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for trial in trials:
        for kind in (trial.kind, "all"):
            found[kind].update(count=1, wrong=int(is_wrong(trial)))
    return {
        kind: found[kind]
        for kind in sorted(found, key=lambda kind: (kind == "all", kind))
    }


def _format_row(tallied: tuple[str, Counter[str]]) -> list[object]:
    kind, tally = tallied
    count, wrong = tally["count"], tally["wrong"]
    low, high = wilson(wrong, count)
    return [kind, count, wrong, f"{wrong / count:.2%}", f"{low:.2%} to {high:.2%}"]


def is_wrong(trial: Trial) -> bool:
    """Return whether a harmful quote is accepted, or a harmless quote not found at its words."""
    text = trial.drawn.text
    found = verify_quote(trial.quote, text)
    is_accepted = found.status in (QuoteStatus.EXACT, QuoteStatus.FOLDED)
    if trial.harmful:
        return is_accepted
    words = _list_letters(text[found.start : found.end])
    return not is_accepted or words != _list_letters(trial.drawn.quote)


def _list_letters(text: str) -> str:
    return re.sub(r"[\W_]", "", text).lower()


def draw_quotes(data: Path, rng: random.Random) -> Iterator[Drawn]:
    """Yield quotes indefinitely, each a random line or clause from a random section.

    Raises ``FileNotFoundError`` if the folder contains no records.
    """
    paths = [data / name for name in _FILES if (data / name).exists()]
    if not paths:
        raise FileNotFoundError(f"{data} has none of {', '.join(_FILES)}")
    texts: list[str] = []
    for record in read_records(*paths):
        texts += [
            section.text for section in record.sections if _SECTION.match(section.name)
        ]
    while texts:
        text = rng.choice(texts)
        spans = list(_list_spans(text, rng.choice((_LINE, _CLAUSE))))
        if spans:
            yield Drawn(text, *rng.choice(spans))


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
    """Yield about ``count`` changed quotes, half of them harmful, with the kinds of change as
    evenly distributed as the quotes allow.

    The kind of change that has been made least often is applied first. A harmful change is omitted
    if the changed quote occurs elsewhere in the text, because it is then true.
    """
    made: Counter[str] = Counter()
    for original in islice(drawn, _DRAWS * count):
        for kinds, harmful in ((HARMFUL, True), (HARMLESS, False)):
            wanted = [kind for kind in kinds if made[kind] < count / 2 / len(kinds)]
            for kind in sorted(wanted, key=lambda kind: (made[kind], kind)):
                quote = kinds[kind](original.quote, rng)
                if not quote or quote == original.quote:
                    continue
                if harmful and is_still_true(quote, original):
                    continue
                made[kind] += 1
                yield Trial(original, kind, quote, harmful)
                break
        if made.total() >= count:
            return


def is_still_true(quote: str, drawn: Drawn) -> bool:
    """Return whether a changed quote is still true: it has the same words, or its words occur
    elsewhere in the text, or several times in the original quote.

    >>> drawn = Drawn("Arm A: 5 mg daily. Arm B: 15 mg daily.", 26, 37)
    >>> is_still_true("5 mg daily", drawn), is_still_true("51 mg daily", drawn)
    (True, False)
    """
    plain = _plain(quote)
    original = _plain(drawn.quote)
    places = re.compile(rf"(?<!\w){re.escape(plain)}(?!\w)")
    rest = _plain(f"{drawn.text[: drawn.start]}\n\0\n{drawn.text[drawn.end :]}")
    is_elsewhere = places.search(rest) is not None
    return plain == original or is_elsewhere or len(places.findall(original)) > 1


def _plain(text: str) -> str:
    return " ".join(text.replace("\\", "").replace("-", " ").lower().split())


if __name__ == "__main__":
    main()
