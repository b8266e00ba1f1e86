"""Quotes drawn from the criteria, arms and outcomes of records."""

import random
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from extractor.read import read_records
from extractor.schemas import TrialRecord

__all__ = ["Drawn", "draw_quotes"]

_FILES = ("records/ctgov_v2.jsonl.gz", "records/eligibility_general.jsonl.gz")
_SECTIONS = ("eligibility", "arms", "interventions", "primary_outcomes", "secondary_outcomes", "other_outcomes")
_LINE = re.compile(r"[^\n]+")
# A clause, or a whole sentence: what a reader would quote.
_CLAUSE = re.compile(r"[^\s;.][^;\n]*?(?=;|\.\s|\.?$)", re.MULTILINE)
_BULLET = re.compile(r"\s*(?:[-*•]+|\d{1,2}[.)]|[A-Za-z][.)]|\(\w{1,3}\))\s+")
_IN_ENTITY = re.compile(r"&#?\w{2,8}\Z")  # a clause does not end at the semicolon of "&amp;"
_SHORTEST, _LONGEST = 8, 600


@dataclass(frozen=True, slots=True)
class Drawn:
    """``text[start:end]`` is the quote."""

    text: str
    start: int
    end: int

    @property
    def quote(self) -> str:
        return self.text[self.start : self.end]


def draw_quotes(data: Path, rng: random.Random) -> Iterator[Drawn]:
    """Quotes without end: a record, a section of it, a line or clause of that, each drawn at random.

    Raises ``FileNotFoundError`` if the folder holds no records.
    """
    texts = [text for record in _read_all(data) for text in _list_texts(record)]
    while texts:
        text = rng.choice(texts)
        spans = list(_list_spans(text, rng.choice((_LINE, _CLAUSE))))
        if spans:
            yield Drawn(text, *rng.choice(spans))


def _read_all(data: Path) -> Iterable[TrialRecord]:
    paths = [data / name for name in _FILES if (data / name).exists()]
    if not paths:
        raise FileNotFoundError(f"{data} holds none of {', '.join(_FILES)}")
    return read_records(*paths)


def _list_texts(record: TrialRecord) -> Iterator[str]:
    return (section.text for section in record.sections if section.name.partition("[")[0] in _SECTIONS)


def _list_spans(text: str, unit: re.Pattern[str]) -> Iterator[tuple[int, int]]:
    for found in unit.finditer(text):
        start, end = found.span()
        if bullet := _BULLET.match(text, start, end):
            start = bullet.end()
        end = start + len(text[start:end].rstrip())
        if _IN_ENTITY.search(text[start:end]):
            continue
        if _SHORTEST <= end - start <= _LONGEST and " " in text[start:end]:
            yield start, end
