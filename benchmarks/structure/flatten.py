"""Lists whose items are known, and ways of writing them so that their form is lost.

A list is clean if each line of a record's eligibility section is the heading of a list or a marked
item. ``read_lists`` reads such lists, and ``present`` writes them as blocks whose inner boundaries
are known.
"""

import json
import random
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.gold.standoff import hash_text
from extractor.formats import read_records
from extractor.language.clean import clean_text

FILES = ("all_areas.jsonl.gz", "all_areas_more.jsonl.gz", "ctgov_v2.jsonl.gz")
_GOLD = Path(__file__).parents[1] / "gold"
_ITEM = re.compile(r"(\s*)([*•-]|\(?\d{1,2}[.)]|\(?[a-z][.)])\s+(?=\S)(.*\S)")
_HEADING = re.compile(
    r"(?i)^\W*(?:(?:key|main|general)\s)?(?:inclusion|exclusion|eligibility)\b.{0,30}$"
)
_ANNOUNCED = re.compile(r":|follow|either|one of|any of|all of|defined")
_RUN_IN = re.compile(r"\s\(?(?:[2-9]|1\d|b|ii)[.)]\s|\s[-*•]\s+[A-Z].*\s[-*•]\s+[A-Z]")
"""Matches items within an item, which belong to it by the guideline if words announce them."""
_LONGEST = 700
_NUMBERS = ("{}. ", "{}) ", "({}) ", "{} ", "{}- ")
_NESTED = ("5.2.{}. ", "4.{}. ", "3.{} ", "6.1.{} ")
_LETTERS = ("{}. ", "{}) ", "({}) ")
_CODES = ("({}-{}) ", "{}{}. ", "{}{}: ")
_DASHES = (
    (" ", "- "),
    (",", " - "),
    (" ", "– "),
    (" ", "* "),
    (" ", "• "),
    (" ", "- "),
)
_TILDES = ("~", "~{}. ", "~*", "~ - ", "~\\* ", "\uf0b7 ", "• ")
WAYS = {
    "nothing": 4.0,
    "sentence": 1.5,
    "semicolon": 2.5,
    "number": 3.0,
    "tight number": 1.5,
    "nested number": 0.6,
    "letter": 1.0,
    "roman": 0.6,
    "code": 1.0,
    "dash": 3.0,
    "tilde": 1.0,
    "circled": 0.5,
}
"""The ways of writing a list, with their weights in training."""
_MANNERS = {"whole": 0.12, "merged": 0.28, "intact": 0.6}
"""How much of a list is written without its form: all, some items, or none. The shares are like
those of registry records; with more, items would be cut where none begins.
"""
_MERGED = 0.08
"""The share of the items of a merged list that are joined to the item above."""
_MARKED = 0.7
_WHOLE_MARKED = 0.15
"""The share of blocks that keep a list marker of their own."""
_ROMAN = ("i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii")


class Written(NamedTuple):
    """A block as written: its text, the offsets at which inner items begin, and its own marker."""

    text: str
    starts: frozenset[int]
    mark: str = ""


def read_lists(records: Path) -> Iterator[tuple[str, list[list[str]]]]:
    """Yield the clean lists of each trial, each as the texts of its items. Trials of any gold are
    left out by their number and by the hash of their text.
    """
    known, texts = _read_gold()
    for name in FILES:
        for record in read_records(records / name):
            section = record.section("eligibility")
            if section is None or record.record_id in known:
                continue
            if hash_text(section.text) in texts:
                continue
            found = _find_lists(clean_text(section.text).text)
            if found:
                known.add(record.record_id)
                yield record.record_id, found


def _read_gold() -> tuple[set[str], set[str]]:
    known, texts = set(), set()
    for path in _GOLD.glob("*.jsonl"):
        for line in path.read_text("utf-8").splitlines():
            row = json.loads(line)
            known.add(row.get("record_id") or row.get("record"))
            texts.add(row.get("sections", {}).get("eligibility"))
    return known, texts


def _find_lists(text: str) -> list[list[str]]:
    """Return the lists of which each line is a marked item, if they have two items or more."""
    lists: list[list[str]] = []
    is_clean = False
    for line in filter(str.strip, text.split("\n")):
        item = _ITEM.match(line)
        if item:
            is_clean = is_clean and not _may_be_several(item[2], item[3])
            if is_clean:
                lists[-1].append(item[3])
            elif lists:
                lists[-1].clear()
        elif _HEADING.match(line.strip()):
            lists.append([])
            is_clean = True
        elif lists:
            lists[-1].clear()
            is_clean = False
    return [items for items in lists if len(items) > 1]


def _may_be_several(mark: str, words: str) -> bool:
    """Return whether an item is not surely one item: it is long, or has markers of its own that no
    words announce.
    """
    if len(words) > _LONGEST:
        return True
    inner = _RUN_IN.search(words)
    if inner is None:
        return False
    is_counted = mark[-1].isalnum() or mark[0].isdigit()
    return is_counted or not _ANNOUNCED.search(words[: inner.start()])


def present(
    items: Sequence[str], rng: random.Random, manner: str = "", way: str = ""
) -> list[Written]:
    """Write a list as blocks."""
    manner = manner or rng.choices([*_MANNERS], [*_MANNERS.values()])[0]
    way = way or rng.choices([*WAYS], [*WAYS.values()])[0]
    without_marks = way in ("semicolon", "sentence", "nothing")
    form = rng.randrange(10**9)
    if manner == "whole":
        keeps_mark = rng.random() < _WHOLE_MARKED and way != "semicolon"
        return [flatten(items, way, form, keeps_mark=keeps_mark)]
    is_marked = rng.random() < _MARKED and way not in ("semicolon", "sentence")
    blocks: list[Written] = []
    group: list[str] = []
    first = 0
    for place, item in enumerate(items):
        joins = manner == "merged" and rng.random() < _MERGED
        if group and not joins:
            blocks.append(flatten(group, way, form, first, keeps_mark=True))
            group, first = [], place
        group.append(item)
    blocks.append(flatten(group, way, form, first, keeps_mark=True))
    if without_marks or is_marked:
        mark = "*" if is_marked else ""
        blocks = [
            block._replace(mark=mark if without_marks or not block.mark else block.mark)
            for block in blocks
        ]
    return blocks


def flatten(
    items: Sequence[str],
    way: str,
    form: int,
    first: int = 0,
    *,
    keeps_mark: bool = False,
) -> Written:
    """Join items to one block. ``form`` selects the shape of the markers; ``first`` is the number
    of the first item, whose marker is apart from the text if ``keeps_mark`` is true.
    """
    text, mark = "", ""
    starts = []
    for place, item in enumerate(items):
        before, own = _mark(way, random.Random(form), first + place)
        if place == 0:
            mark = own.strip() if keeps_mark else ""
            text = "" if keeps_mark else own.lstrip()
        else:
            if not before.isspace():
                text = text.rstrip(" .;,")
            text += before + own
            starts.append(len(text))
        text += item
    return Written(text, frozenset(starts), mark)


def _mark(way: str, rng: random.Random, number: int) -> tuple[str, str]:
    """Return what follows the item above, and the marker of an item with a number from 0."""
    code = rng.choice(("I", "E", "IC"))
    letter = chr(ord(rng.choice("aA")) + number % 26)
    if way == "number":
        return " ", rng.choice(_NUMBERS).format(number + 1)
    if way == "tight number":
        return "", rng.choice(_NUMBERS[:3]).format(number + 1)
    if way == "nested number":
        return " ", rng.choice(_NESTED).format(number + 1)
    if way == "letter":
        return " ", rng.choice(_LETTERS).format(letter)
    if way == "roman":
        return " ", rng.choice(_LETTERS).format(_ROMAN[number % len(_ROMAN)])
    if way == "code":
        return " ", rng.choice(_CODES).format(code, number + 1)
    if way == "dash":
        return rng.choice(_DASHES)
    if way == "tilde":
        return "", rng.choice(_TILDES).format(number + 1)
    if way == "circled":
        return " ", chr(ord("①") + number % 20)
    if way == "semicolon":
        return "; ", ""
    return (". ", "") if way == "sentence" else (" ", "")
