"""The rule book: all rules and terms of the package, and how a text is read with them.

>>> tokens = read_text("within 2-4 weeks of the first dose")
>>> [(found.read("low"), found.read("high")) for found in rule("duration").find(tokens)]
[('2', '4')]
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from .lexer import Tokens, lex
from .patterns import Rule, RuleError, learn_words, make_rule, read_rules, write_trigger
from .terms import Entry, Term, TermFinder, drop_overlaps, read_entries

__all__ = ["Book", "find_terms", "load_book", "read_term", "read_text", "rule", "terms_of"]


@dataclass(frozen=True)
class Book:
    """All rules by name, all vocabularies by name, what finds the terms of each, and the rules of its entries."""

    rules: Mapping[str, Rule]
    vocabularies: Mapping[str, tuple[Entry, ...]]
    finders: Mapping[str, TermFinder]
    entry_rules: Mapping[str, tuple[tuple[Rule, Entry], ...]]


@cache
def load_book() -> Book:
    """Read ``extractor/rulebook``. Raises ``RuleError`` for two rules of one name."""
    folder = files("extractor") / "rulebook"
    vocabularies = {name: read_entries(name, text) for name, text in _read_files(folder / "terms")}
    rules: dict[str, Rule] = {}
    for name, text in _read_files(folder):
        for each in read_rules(text, rules):
            if each.name in rules or each.name in vocabularies:
                raise RuleError(f"{name}.toml: the name {each.name} is taken")
            rules[each.name] = each
    for name, entries in vocabularies.items():
        written = (_write_entry(at, entry) for at, entry in enumerate(entries) if entry.rules or entry.terms)
        rules[name] = Rule(name, " | ".join(written), book=rules)
    entry_rules = {name: tuple(_read_entry_rules(entries, rules)) for name, entries in vocabularies.items()}
    finders = {name: TermFinder(entries) for name, entries in vocabularies.items()}
    return Book(rules, vocabularies, finders, entry_rules)


def _read_entry_rules(entries: Iterable[Entry], book: Mapping[str, Rule]) -> Iterator[tuple[Rule, Entry]]:
    for entry in entries:
        for pattern in entry.rules:
            yield make_rule(name=f"{entry.vocabulary}: {entry.value}", pattern=pattern, book=book), entry


def _read_files(folder: Traversable) -> Iterator[tuple[str, str]]:
    for path in sorted(folder.iterdir(), key=lambda path: path.name):
        if path.name.endswith(".toml"):
            yield path.name.removesuffix(".toml"), path.read_text("utf-8")


def _write_entry(number: int, entry: Entry) -> str:
    """All that stands for an entry as one pattern, the longest terms first."""
    for each in entry.rules:
        learn_words(each)
    terms = sorted(map(_write_term, entry.terms), key=lambda term: -len(term.split()))
    return f"e{number}=( {' | '.join([*entry.rules, *terms])} )"


def _write_term(term: str) -> str:
    r"""A term as a pattern: any number stands for its numbers.

    >>> _write_term("CD19 (i.v.)")
    'CD ( # | ## ) \\( i \\. v \\. \\)'
    """
    return " ".join(
        word if word[0].isalpha() else "( # | ## )" if word[0].isdigit() else f"\\{word}" for word in lex(term).words
    )


def read_text(text: str) -> Tokens:
    """The tokens of a cleaned text, with all words of rules and vocabularies known."""
    load_book()
    return lex(text)


@cache
def rule(name: str) -> Rule:
    """A rule of the package. Raises ``KeyError`` for an unknown name."""
    return load_book().rules[name]


def read_term(vocabulary: str, tokens: Tokens, first: int, end: int) -> Entry | None:
    """The entry whose term, or rule, is exactly ``tokens.words[first:end]``.

    >>> read_term("comparators", read_text("no more than"), 0, 3).value
    '<='
    """
    found = rule(vocabulary).covers(tokens, first, end)
    return terms_of(vocabulary)[int((found.match.lastgroup or "")[1:])] if found else None


def terms_of(vocabulary: str) -> tuple[Entry, ...]:
    """The entries of a vocabulary. Raises ``KeyError`` for an unknown name."""
    return load_book().vocabularies[vocabulary]


def find_terms(tokens: Tokens, vocabulary: str, first: int = 0, end: int | None = None) -> list[Term]:
    """The terms of a vocabulary in a range of tokens, and what the rules of its entries find there.

    >>> tokens = read_text("IL-6 in bone marrow and in blood")
    >>> [term.value for term in find_terms(tokens, "specimens", 3)]
    ['bone marrow', 'blood']
    """
    end = len(tokens) if end is None else end
    book = load_book()
    found = book.finders[vocabulary].find(tokens, first, end)
    if not _trigger_of(vocabulary).search(tokens.codes, first, end):
        return found
    rules = book.entry_rules[vocabulary]
    by_rules = [Term(entry, at.first, at.end) for each, entry in rules for at in each.find(tokens, first, end)]
    return list(drop_overlaps([*found, *by_rules])) if by_rules else found


@cache
def _trigger_of(vocabulary: str) -> re.Pattern[str]:
    """Finds where a text has a code that one of the rules of a vocabulary's entries needs."""
    needs = [each.needs for each, _ in load_book().entry_rules[vocabulary]]
    return write_trigger(None if None in needs else frozenset().union(*filter(None, needs)))
