"""The rule book: all rules and terms of the package, and functions that read text with them.

>>> tokens = read_text("within 2-4 weeks of the first dose")
>>> [(found.read("low"), found.read("high")) for found in rule("duration").find(tokens)]
[('2', '4')]
"""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from importlib.resources.abc import Traversable
from itertools import product
from typing import Any

import ahocorasick

from extractor.language.lexer import (
    LEXICON,
    NAME_NUMBER,
    NUMBER,
    Lexicon,
    Tokens,
    lex,
    list_words,
)
from extractor.language.patterns import (
    Rule,
    RuleError,
    join_rules,
    make_rule,
    read_rules,
    register_words,
)

_PACKAGE = files("extractor")
_RULES = "rules"
"""Each concept has its rules and tables in a folder of this name, and in it the folder
``terms``: its vocabularies.
"""
_WEIGHTS = "weights"
"""What was fitted stands beside them, in a folder of this name."""
_NUMBERS = NUMBER + NAME_NUMBER


@dataclass(frozen=True, slots=True)
class Entry:
    """One meaning, and the terms for it. ``also`` names it too, but is not looked for in texts."""

    vocabulary: str
    value: str
    terms: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    confidence: float = 1.0
    example: str = ""


@dataclass(frozen=True, slots=True)
class Term:
    """An occurrence of an entry: ``tokens.words[first:end]``."""

    entry: Entry
    first: int
    end: int

    @property
    def value(self) -> str:
        return self.entry.value


class TermFinder:
    """Finds the terms of a vocabulary in one pass.

    >>> words = Lexicon()
    >>> finder = TermFinder(
    ...     [Entry("markers", "CD19", ("CD19",)), Entry("markers", "BCMA", ("BCMA",))],
    ...     words,
    ... )
    >>> tokens = lex("CD-19 and CD20, or BCMA", words)
    >>> [
    ...     (term.value, term.first, term.end)
    ...     for term in finder.find(tokens, 0, len(tokens))
    ... ]
    [('CD19', 0, 2), ('BCMA', 7, 8)]
    """

    def __init__(self, entries: Sequence[Entry], lexicon: Lexicon = LEXICON) -> None:
        self._lexicon = lexicon
        self._entries = entries
        for entry in entries:
            for term in entry.terms:
                words = list_words(term)
                lexicon.join(words)
                for word, behind in zip(words, [*words[1:], ""], strict=True):
                    code = lexicon.add(word) if word[0].isalpha() else ""
                    if code and behind[:1].isdigit():
                        lexicon.named.add(code)

    @cached_property
    def _automaton(self) -> Any:
        known: dict[str, list[tuple[tuple[tuple[int, str], ...], Entry]]] = {}
        for entry in self._entries:
            for term in entry.terms:
                tokens = lex(term, self._lexicon)
                numbers = tuple(
                    (at, tokens.words[at].lower())
                    for at, code in enumerate(tokens.codes)
                    if code in _NUMBERS
                )
                choices = [
                    self._lexicon.find(word) if word[0].isalpha() else code
                    for word, code in zip(tokens.words, tokens.codes, strict=True)
                ]
                for codes in product(
                    *(_NUMBERS if codes in _NUMBERS else codes for codes in choices)
                ):
                    known.setdefault("".join(codes), []).append((numbers, entry))
        automaton = ahocorasick.Automaton()
        for spelled, meanings in known.items():
            automaton.add_word(spelled, (len(spelled), meanings))
        automaton.make_automaton()
        return automaton

    def find(self, tokens: Tokens, first: int, end: int) -> list[Term]:
        """Return the terms from left to right, without overlaps. Of terms with the same start,
        the longest.
        """
        found = []
        for last, (length, meanings) in self._automaton.iter(tokens.codes, first, end):
            start = last + 1 - length
            for numbers, entry in meanings:
                if all(
                    tokens.words[start + at].lower() == number for at, number in numbers
                ):
                    found.append(Term(entry, start, last + 1))
        return list(drop_overlaps(found)) if len(found) > 1 else found


def drop_overlaps(terms: list[Term]) -> Iterator[Term]:
    """Remove overlaps from left to right. Of terms with the same start, the longest stays."""
    done = 0
    for term in sorted(terms, key=lambda term: (term.first, -term.end)):
        if term.first >= done:
            yield term
            done = term.end


def read_entries(vocabulary: str, text: str) -> Iterator[Entry]:
    r"""Yield the entries of one file: ``value = [terms]``, or a table of an entry's fields.

    The key is the value, unless the table has another.

    >>> [
    ...     entry.value
    ...     for entry in read_entries(
    ...         "frequencies", 'QD = ["daily"]\ntwice = { value = "BID" }'
    ...     )
    ... ]
    ['QD', 'BID']
    """
    for name, given in tomllib.loads(text).items():
        fields = given if isinstance(given, dict) else {"terms": given}
        lists = {key: tuple(fields.get(key, ())) for key in ("terms", "rules", "also")}
        yield Entry(vocabulary, **{"value": name, **fields, **lists})


@dataclass(frozen=True)
class Book:
    """All rules and vocabularies by name, with the finder and the entry rules of each
    vocabulary.
    """

    rules: Mapping[str, Rule]
    vocabularies: Mapping[str, tuple[Entry, ...]]
    finders: Mapping[str, TermFinder]
    entry_rules: Mapping[str, tuple[tuple[Rule, Entry], ...]]


@cache
def load_book() -> Book:
    """Read the rules and vocabularies of all concepts. Raises ``RuleError`` if two rules have
    the same name.
    """
    folders = list_rule_folders()
    vocabularies: dict[str, tuple[Entry, ...]] = {}
    for name, text in _read_all(folder / "terms" for folder in folders):
        vocabularies[name] = (*vocabularies.get(name, ()), *read_entries(name, text))
    rules: dict[str, Rule] = {}
    for name, text in _read_all(folders):
        # the others are tables
        for each in read_rules(text, rules) if "[rule." in text else ():
            if each.name in rules or each.name in vocabularies:
                raise RuleError(f"{name}: duplicate rule name {each.name}")
            rules[each.name] = each
    for name, entries in vocabularies.items():
        written = []
        for number, entry in enumerate(entries):
            for pattern in entry.rules:
                register_words(pattern)
            # the longest first
            terms = sorted(
                map(_write_term, entry.terms), key=lambda term: -len(term.split())
            )
            if entry.rules or terms:
                written.append(f"e{number}=( {' | '.join([*entry.rules, *terms])} )")
        rules[name] = Rule(name, " | ".join(written), book=rules)
    entry_rules = {
        name: tuple(
            (
                make_rule(name=f"{name}: {entry.value}", pattern=pattern, book=rules),
                entry,
            )
            for entry in entries
            for pattern in entry.rules
        )
        for name, entries in vocabularies.items()
    }
    finders = {name: TermFinder(entries) for name, entries in vocabularies.items()}
    return Book(rules, vocabularies, finders, entry_rules)


@cache
def list_rule_folders(name: str = _RULES) -> tuple[Traversable, ...]:
    """Return the folders of that name below the package: those of the rules, or of the weights.

    >>> [folder.is_dir() for folder in list_rule_folders()][0]
    True
    """
    found: list[Traversable] = []
    waiting: list[Traversable] = [_PACKAGE]
    while waiting:
        folder = waiting.pop()
        inner = [
            path
            for path in folder.iterdir()
            if path.is_dir() and not path.name.startswith("_")
        ]
        found += [path for path in inner if path.name == name]
        waiting += [path for path in inner if path.name not in (_RULES, _WEIGHTS)]
    return tuple(sorted(found, key=str))


def _read_all(folders: Iterable[Traversable]) -> list[tuple[str, str]]:
    """Return the name and text of each file in these folders, in the order of the names."""
    found = [
        named for folder in folders if folder.is_dir() for named in _read_files(folder)
    ]
    return sorted(found, key=lambda named: named[0])


def _read_files(folder: Traversable) -> Iterator[tuple[str, str]]:
    """Yield the name and text of each file. The files of a topic's folder have the folder's
    name.
    """
    for path in sorted(folder.iterdir(), key=lambda path: path.name):
        if path.name.endswith(".toml"):
            yield path.name.removesuffix(".toml"), path.read_text("utf-8")
        elif path.is_dir() and path.name != "terms":
            yield from ((path.name, text) for _, text in _read_files(path))


def _write_term(term: str) -> str:
    r"""Return a term as a pattern in which any number matches.

    >>> _write_term("CD19 (i.v.)")
    'CD ( # | ## ) \\( i \\. v \\. \\)'
    """
    return " ".join(map(_write_word, list_words(term)))


def _write_word(word: str) -> str:
    if word[0].isalpha():
        return word
    return "( # | ## )" if word[0].isdigit() else f"\\{word}"


def read_text(text: str) -> Tokens:
    """Return the tokens of a cleaned text, read with the words of all rules and vocabularies."""
    load_book()
    return lex(text)


@cache
def rule(name: str) -> Rule:
    """Return a rule of the package. Raises ``KeyError`` for an unknown name."""
    return load_book().rules[name]


def read_term(vocabulary: str, tokens: Tokens, first: int, end: int) -> Entry | None:
    """Return the entry whose term, or rule, is exactly ``tokens.words[first:end]``.

    >>> read_term("comparators", read_text("no more than"), 0, 3).value
    '<='
    """
    found = rule(vocabulary).covers(tokens, first, end)
    return (
        terms_of(vocabulary)[int((found.match.lastgroup or "")[1:])] if found else None
    )


def terms_of(vocabulary: str) -> tuple[Entry, ...]:
    """Return the entries of a vocabulary. Raises ``KeyError`` for an unknown name."""
    return load_book().vocabularies[vocabulary]


def find_terms(
    tokens: Tokens, vocabulary: str, first: int = 0, end: int | None = None
) -> list[Term]:
    """Return the terms of a vocabulary in a range of tokens, and the matches of its entries' rules.

    >>> tokens = read_text("IL-6 in bone marrow and in blood")
    >>> [term.value for term in find_terms(tokens, "specimens", 3)]
    ['bone marrow', 'blood']
    """
    end = len(tokens) if end is None else end
    book = load_book()
    found = book.finders[vocabulary].find(tokens, first, end)
    if not any(
        each.occurs(tokens, first, end) for each in _join_entry_rules(vocabulary)
    ):
        return found
    rules = book.entry_rules[vocabulary]
    by_rules = [
        Term(entry, at.first, at.end)
        for each, entry in rules
        for at in each.find(tokens, first, end)
    ]
    return list(drop_overlaps([*found, *by_rules]))


@cache
def _join_entry_rules(vocabulary: str) -> tuple[Rule, ...]:
    return join_rules(rule for rule, _ in load_book().entry_rules[vocabulary])


@cache
def read_table(name: str) -> Mapping[str, Any]:
    """Return a file of rules by its name without the suffix, or all files of a folder; cached.

    Raises ``KeyError`` for an unknown name.
    """
    texts = [text for found, text in _read_all(list_rule_folders()) if found == name]
    if not texts:
        raise KeyError(name)
    return {key: value for text in texts for key, value in tomllib.loads(text).items()}


@cache
def find_weights(name: str) -> Traversable:
    """Return a file of weights by its name. Raises ``FileNotFoundError`` for an unknown name.

    >>> find_weights("measured.toml").is_file()
    True
    """
    for folder in list_rule_folders(_WEIGHTS):
        if (folder / name).is_file():
            return folder / name
    raise FileNotFoundError(name)


@cache
def expression(name: str) -> re.Pattern[str]:
    """An expression over characters by name, of ``language/rules/characters.toml``. Raises
    ``KeyError`` for an unknown name.

    >>> expression("list_mark").match("1. Adult").lastgroup
    'number'
    """
    return re.compile(
        read_table("characters")["expression"][name]["pattern"], re.VERBOSE
    )


@cache
def word_list(name: str) -> frozenset[str]:
    """Return a list of ``language/rules/words.toml``.

    >>> "NRS" in word_list("ratings")
    True
    """
    return word_set(read_table("words")[name])


def word_set(words: str) -> frozenset[str]:
    """Split words at white space into a set."""
    return frozenset(words.split())
