"""Terms and words of rules that no real record holds."""

import gzip
import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import ahocorasick

_WORD = re.compile(r"[^\W\d_]+|\d+")
_PATTERN_WORD = re.compile(r"(?<![\\<+\w=?])(?P<word>[^\W\d_]{2,}~?)(?![\w=>])")
_LISTS = frozenset({"terms", "names", "also", "loose", "others"})
"""Lists that belong to one entry of a table."""
_NOT_TERMS = frozenset(
    {
        "examples",
        "counter_examples",
        "example",
        "note",
        "rules",
        "definition",
        "pattern",
    }
)


def fold(text: str) -> str:
    """Return the words of a text in lower case, one blank around each.

    >>> fold("Non-small-cell (NSCLC)")
    ' non small cell nsclc '
    """
    return f" {' '.join(_WORD.findall(text.lower()))} "


def list_terms(table: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the terms of a table, each with the path of its list. A text of several lines is a list
    of words.

    >>> list(list_terms({"unit": {"mg": {"terms": ["mg", "milligram"]}}}))
    [('unit.mg.terms', 'mg'), ('unit.mg.terms', 'milligram')]
    """
    for key, value in table.items():
        if key in _NOT_TERMS:
            continue
        if isinstance(value, dict):
            yield from ((f"{key}.{path}", term) for path, term in list_terms(value))
        elif isinstance(value, list):
            yield from ((key, term) for term in value if isinstance(term, str))
        elif isinstance(value, str) and "\n" in value:
            yield from ((key, term) for term in value.split())


def list_pattern_words(table: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the words of the patterns of rules; one with "~" stands for all that begin so.

    >>> list(
    ...     list_pattern_words(
    ...         {"rule": {"sex": {"pattern": "only ( men | wom~ ) <age> span=( x )"}}}
    ...     )
    ... )
    [('rule.sex', 'only'), ('rule.sex', 'men'), ('rule.sex', 'wom~')]
    """
    for name, rule in table.get("rule", {}).items():
        words = dict.fromkeys(
            found["word"] for found in _PATTERN_WORD.finditer(rule.get("pattern", ""))
        )
        yield from ((f"rule.{name}", word) for word in words)


def read_texts(paths: Sequence[Path], every: int) -> Iterator[str]:
    """Yield the strings of each so many records of JSON lines, and the whole text of other
    files.
    """
    for path in paths:
        if path.name.endswith((".jsonl", ".jsonl.gz")):
            with (
                gzip.open(path, "rt")
                if path.suffix == ".gz"
                else path.open(encoding="utf-8") as file
            ):
                for line in islice(file, 0, None, every):
                    yield "\n".join(_list_strings(json.loads(line)))
        else:
            yield path.read_text("utf-8", "replace")


def _list_strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _list_strings(inner)


def count_terms(terms: Iterable[str], texts: Iterable[str]) -> tuple[Counter[str], int]:
    """Return in how many texts each term occurs, and the number of texts. Case, signs and a final
    "s" do not count.

    >>> count_terms(["IV", "by mouth", "wom~"], ["Given IV, by mouth.", "Women; IVIG"])[
    ...     0
    ... ]
    Counter({'IV': 1, 'by mouth': 1, 'wom~': 1})
    """
    automaton = ahocorasick.Automaton()
    meant: dict[str, list[str]] = {}
    for term in dict.fromkeys(terms):
        folded = fold(term)
        searched = folded.rstrip() if term.endswith("~") else folded
        for form in (searched, f"{folded.rstrip()}s ") if searched.strip() else ():
            meant.setdefault(form, []).append(term)
            automaton.add_word(form, form)
    automaton.make_automaton()
    counts = Counter[str]()
    number = 0
    for number, text in enumerate(texts, 1):  # noqa: B007 - it is returned
        counts.update(
            {term for _, form in automaton.iter(fold(text)) for term in meant[form]}
        )
    return counts, number


def format_words(folder: Path, paths: Sequence[Path], every: int) -> str:
    """Format, by file, the terms and the words of patterns that no record holds."""
    named: dict[Path, list[tuple[str, str]]] = {}
    for file in sorted(folder.rglob("*.toml")):
        if "rules" in file.parts:
            table = tomllib.loads(file.read_text("utf-8"))
            named[file] = [*list_terms(table), *list_pattern_words(table)]
    terms = [term for own in named.values() for _, term in own]
    counts, number = count_terms(terms, read_texts(paths, every))
    parts = []
    unmet_total = 0
    for file, own in named.items():
        unmet = [
            (path, term)
            for path, term in own
            if not counts[term] and fold(term).strip()
        ]
        if unmet:
            unmet_total += len(unmet)
            head = f"## {file.relative_to(folder)}: {len(unmet)} of {len(own)}"
            parts.append((len(unmet), f"{head}\n\n{_format_unmet(unmet, own)}"))
    parts.sort(key=lambda part: -part[0])
    head = (
        f"{unmet_total} of {len(terms)} terms and words of patterns stand in none of {number} "
        "records."
    )
    return "\n\n".join([head, *(text for _, text in parts)]) + "\n"


def _format_unmet(
    unmet: Sequence[tuple[str, str]], own: Sequence[tuple[str, str]]
) -> str:
    """Format first the entries of which no record holds any term, then the terms of others."""
    missing = Counter(_name_entry(path) for path, _ in unmet)
    existing = Counter(_name_entry(path) for path, _ in own)
    whole = [entry for entry in missing if missing[entry] == existing[entry]]
    lines = []
    if whole:
        names = ", ".join(f"`{entry}`" for entry in whole)
        lines += [f"Whole entries ({len(whole)}): {names}", ""]
    others: dict[str, list[str]] = {}
    for path, term in unmet:
        if _name_entry(path) not in whole:
            others.setdefault(path, []).append(f"`{term}`")
    for path, terms in others.items():
        lines.append(f"- `{path}`: {', '.join(terms)}")
    return "\n".join(lines)


def _name_entry(path: str) -> str:
    """Return the entry that a list of terms belongs to.

    >>> _name_entry("unit.mg.terms"), _name_entry("ACR70")
    ('unit.mg', 'ACR70')
    """
    entry, _, last = path.rpartition(".")
    return entry if last in _LISTS else path
