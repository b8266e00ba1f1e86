"""Measure doses on published abstracts that people annotated, with the rules alone.

    python -m benchmarks.abstracts DATA [--split test] [--show 20]

DATA contains the folder ``data`` of github.com/ag-sc/Clinical-Trial-Information-Extraction
(Comparing Generative and Extractive Approaches to Information Extraction from Abstracts Describing
Randomized Clinical Trials, J Biomed Semantics 2024) and the unpacked ``Corpus.zip`` of
github.com/ag-sc/CT-Corpus: 211 abstracts about glaucoma and type 2 diabetes. None of their text is
part of this project. Without them, the command fails.

Amounts, frequencies, durations and drugs are compared as sets for each abstract. The amounts of all
medications count, including those that participants already take. Each heading of an abstract
begins a line.
"""

import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from benchmarks.data import format_table, parse_options
from extractor import Extractor, TrialExtraction
from extractor.concepts.doses.names import find_substance
from extractor.schemas.vocabulary import DOUBTFUL_BELOW

_AREAS = (("diabetes", "dm2", "dm2"), ("glaucoma", "gl", "glaucoma"))
"""The areas, each with the prefix of its files, and the name in its lists of splits."""
_TRIPLE = re.compile(r"<[^>]*#([^>]+)> <[^>]*#has(\w+)> (?:<[^>]*#([^>]+)>|\"(.*)\")")
_HEADING = re.compile(r"\n(?=[A-Z][A-Z ,/&-]{4,60}:)")
_NUMBER = re.compile(r"\d[\d.]*")
_NO_TEXT = re.compile(
    r"(?:author information|comment |erratum|pmid|pmcid|doi|copyright|©|trial registration|\(\d)",
    re.IGNORECASE,
)
_UNITS = {"Percentage": "%", "Gram": "g", "Microgram": "mcg", "Int_Unit": "IU"}
_IN_MG = {"g": 1000.0, "mcg": 0.001, "µg": 0.001, "ug": 0.001}
_DAYS = {"day": 1, "week": 7, "month": 30, "year": 365}
_WORDS = {
    word: number
    for number, word in enumerate(
        [
            "zero",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
        ]
    )
}
_CODES = {
    "QW": r"once( a)? ?weekly|(once|one time) (a|per) week|qw|weekly",
    "BID": r"(twice|two times|2 times)( a| per|/)? ?(daily|day)|bid|2x1|morning and evening",
    "TID": r"(thrice|three times|3 times|3x)( a| per|/)? ?(daily|day)|tid|three daily",
    "QID": r"(four times|4 times|4x)( a| per|/)? ?(daily|day)|qid",
    "QD": r"(once|one|1 time|1x)?( a| per| in the| each|/)? ?(daily|day|evening|morning|night)"
    r"|d|qd|qam|qpm|every (day|evening|morning|night)|at bedtime|nightly",
}


class Facts(NamedTuple):
    """The values of an abstract, by field."""

    amounts: set[tuple[str, str]]
    frequency: set[str]
    duration: set[float]
    drugs: set[str]


def read_annotated(path: Path) -> Facts:
    """Return the annotated values of an abstract."""
    facts = Facts(set(), set(), set(), set())
    values: dict[str, list[str]] = defaultdict(list)
    units: dict[str, str] = {}
    for line in path.read_text("utf-8").splitlines():
        match = _TRIPLE.match(line)
        if match is None:
            continue
        subject, name, concept, literal = match.groups()
        value = re.sub(r"\s+", " ", literal or "").strip()
        if name == "DoseValue":
            values[subject].append(value)
        elif name == "DoseUnit":
            units[subject] = _UNITS.get(concept, concept)
        elif name == "Frequency":
            facts.frequency.update(_code(value))
        elif name in ("Duration", "CTduration"):
            facts.duration.update(_count_days(value))
        elif name == "Drug":
            facts.drugs.add(_read_drug(path, concept))
    for subject, parts in values.items():
        number = "".join(parts).replace(" ", "").replace(",", "")
        if subject in units and re.fullmatch(r"[\d.]+(?:[-–][\d.]+)?", number):
            facts.amounts.add(_key(map(float, _NUMBER.findall(number)), units[subject]))
    facts.drugs.discard("")
    return facts


def _key(numbers: Iterable[float], unit: str) -> tuple[str, str]:
    """Return an amount with its mass in milligrams."""
    base = unit.partition("/")[0]
    factor = _IN_MG.get(base, 1.0)
    values = [f"{number * factor:g}" for number in dict.fromkeys(numbers)]
    return "-".join(values), "mg" if base in _IN_MG else base


def _code(words: str) -> Iterator[str]:
    """Yield the code of a frequency; nothing if it has none."""
    folded = re.sub(r"[\s.-]+", " ", words.lower().replace("×", "x")).strip()
    tight = folded.replace(" ", "")
    for code, pattern in _CODES.items():
        if re.fullmatch(pattern, folded) or re.fullmatch(pattern, tight):
            yield code
            return


def _count_days(words: str) -> Iterator[float]:
    """Yield the number of days of a duration."""
    match = re.search(r"(\w+)[\s-]*(day|week|month|year)", words.lower())
    if match:
        number = _WORDS.get(match[1], match[1])
        if str(number).isdigit():
            yield float(number) * _DAYS[match[2]]


def _read_drug(path: Path, concept: str) -> str:
    """Return the name of a drug: that of its class, or its words in the text."""
    name, _, number = concept.rpartition("_")
    if not number.isdigit():
        return _fold(concept)
    if name not in ("Drug", "FixedCombDrug", "Insulin"):
        return _fold(name)
    marks = path.with_suffix(".annodb").read_text("utf-8")
    found = re.search(rf', "(.*?)", "", "[^\n]*{concept}>', marks)
    return _fold(found[1] if found else name)


def _fold(name: str) -> str:
    """Return a drug's substance, or the letters of its name: "InsulinGlargine", "Lantus"."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", name).lower()
    substance = find_substance(words)
    return re.sub(r"\W", "", substance.name if substance else words)


def read_text(path: Path) -> tuple[str, str]:
    """Return the title of an abstract and its text, with each heading at the start of a line."""
    paragraphs = path.read_text("utf-8", "replace").strip().split("\n\n")
    title = " ".join(paragraphs[1].split())
    bodies = [part for part in paragraphs[3:] if not _NO_TEXT.match(part.strip())]
    body = max(bodies, key=len, default="")
    lines = [" ".join(piece.split()) for piece in _HEADING.split(f"\n{body}")]
    return title, "\n".join(filter(None, lines))


def read_extracted(extraction: TrialExtraction, least: float = 0) -> Facts:
    """Return the extracted values of at least a confidence."""
    facts = Facts(set(), set(), set(), set())
    for regimen in extraction.dosing:
        sure = {
            piece.field
            for piece in regimen.evidence
            if (piece.confidence or 0) >= least
        }
        for number, amount in enumerate(regimen.amounts):
            if f"amounts[{number}]" in sure:
                ends = [end for end in (amount.low, amount.high) if end is not None]
                facts.amounts.add(_key(ends, amount.unit))
        if regimen.frequency and "frequency" in sure:
            facts.frequency.add(str(regimen.frequency))
        if regimen.duration and "duration" in sure:
            days = _DAYS.get(str(regimen.duration.unit), 0)
            facts.duration.add(float(regimen.duration.value or 0) * days)
        if regimen.agent and "agent" in sure:
            facts.drugs.add(_fold(regimen.agent))
    return facts


def _match(found: set[object], wanted: set[object]) -> int:
    """Return how many found values are right. A found name may be longer than the wanted one."""
    exact = found & wanted
    rest = [name for name in wanted - exact if isinstance(name, str)]
    longer = {
        value
        for value in found - exact
        if isinstance(value, str) and any(name in value for name in rest)
    }
    return len(exact) + min(len(longer), len(rest))


def _count(
    wanted: set[object], found: set[object], sure: set[object]
) -> dict[str, int]:
    """Return the counts of the values of a field, by the column that shows them."""
    return {
        "wanted": len(wanted),
        "found": len(found),
        "right": _match(found, wanted),
        "sure": len(sure),
        "sure and right": _match(sure, wanted),
    }


class _Abstract(NamedTuple):
    """The area and number of an abstract, and the files of its annotations and its text."""

    area: str
    number: str
    annotations: Path
    text: Path


def _list_abstracts(folder: Path, split: str) -> Iterator[_Abstract]:
    """Yield all abstracts, or those of a split."""
    for area, prefix, name_of_splits in _AREAS:
        numbers = None
        if split:
            listed = folder / f"data/dataset_splits/{name_of_splits}_{split}_ids.txt"
            numbers = listed.read_text().split()
        for path in sorted(folder.glob(f"data/{prefix} [0-9]*_admin.n-triples")):
            # of "dm2 12_admin.n-triples", there may also be a copy, "dm2 12 copy_admin.n-triples"
            number = path.name.split()[1].partition("_")[0]
            if " copy" in path.name:
                continue
            if numbers is not None and number not in numbers:
                continue
            [text] = folder.glob(f"Corpus/{area}_corpus/*_TXT/{prefix}_{number}_*")
            yield _Abstract(area, number, path, text)


def main() -> None:
    """Print the F1 of each field, and the sure amounts that are right."""
    chosen = parse_options(__doc__, "data", split="", show=0)
    folder = chosen.data
    if not (folder / "Corpus").is_dir() or not (folder / "data").is_dir():
        sys.exit(f"{folder} does not contain the abstracts; see --help")
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    shown = 0
    for abstract in _list_abstracts(folder, chosen.split):
        title, text = read_text(abstract.text)
        extraction = Extractor().extract_text(text, title=title)
        wanted = read_annotated(abstract.annotations)
        found = read_extracted(extraction)
        sure = read_extracted(extraction, DOUBTFUL_BELOW)
        for field in Facts._fields:
            of_field = [getattr(facts, field) for facts in (wanted, found, sure)]
            tally = _count(*of_field)
            counts[field].update(tally)
            counts[f"{field}, {abstract.area}"].update(tally)
        if shown < chosen.show and found != wanted:
            shown += 1
            print(abstract.number, "\n  wanted", *wanted, "\n  found ", *found)
    rows = []
    for field, tally in sorted(counts.items()):
        f1 = 2 * tally["right"] / max(tally["wanted"] + tally["found"], 1)
        rows.append((field, f"{f1:.2f}", *(tally[name] for name in tally)))
    header = ("", "F1", "wanted", "found", "right", "sure", "sure and right")
    print(format_table(header, rows))


if __name__ == "__main__":
    main()
