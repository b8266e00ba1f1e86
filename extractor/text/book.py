"""The rule book: all rules and terms of the package, and how a text is read with them.

>>> tokens = read_text("within 2-4 weeks of the first dose")
>>> [(found.read("low"), found.read("high")) for found in rule("duration").find(tokens)]
[('2', '4')]
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from .lexer import Tokens, lex
from .patterns import Rule, RuleError, read_rules
from .terms import Entry, TermFinder, read_entries

__all__ = ["Book", "load_book", "read_text", "rule", "terms_of"]


@dataclass(frozen=True)
class Book:
    """All rules by name, all vocabularies by name, and what finds the terms of the vocabularies."""

    rules: Mapping[str, Rule]
    vocabularies: Mapping[str, tuple[Entry, ...]]
    finder: TermFinder


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
        rules[name] = Rule(name, " | ".join(term for entry in entries for term in map(_write_term, entry.terms)))
    return Book(rules, vocabularies, TermFinder([entry for entries in vocabularies.values() for entry in entries]))


def _read_files(folder: Traversable) -> Iterator[tuple[str, str]]:
    for path in sorted(folder.iterdir(), key=lambda path: path.name):
        if path.name.endswith(".toml"):
            yield path.name.removesuffix(".toml"), path.read_text("utf-8")


def _write_term(term: str) -> str:
    r"""A term as a pattern: any number stands for its numbers.

    >>> _write_term("CD19 (i.v.)")
    'CD # \\( i \\. v \\. \\)'
    """
    return " ".join(
        word if word[0].isalpha() else "#" if word[0].isdigit() else f"\\{word}" for word in lex(term).words
    )


def read_text(text: str) -> Tokens:
    """The tokens of a cleaned text, with the terms of all vocabularies."""
    book = load_book()
    tokens = lex(text)
    return replace(tokens, terms=book.finder.find(tokens))


def rule(name: str) -> Rule:
    """A rule of the package. Raises ``KeyError`` for an unknown name."""
    return load_book().rules[name]


def terms_of(vocabulary: str) -> tuple[Entry, ...]:
    """The entries of a vocabulary. Raises ``KeyError`` for an unknown name."""
    return load_book().vocabularies[vocabulary]
