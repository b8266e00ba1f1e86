"""The rule book: all rules and terms in the package, and the functions that apply them to text.

>>> tokens = read_text("within 2-4 weeks of the first dose")
>>> [(span.read("low"), span.read("high")) for span in rule("duration").find(tokens)]
[('2', '4')]
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from itertools import pairwise, product
from pathlib import Path
from typing import Any, NamedTuple

import ahocorasick
import tomli

from extractor.errors import RuleError
from extractor.language.lexer import (
    LEXICON,
    NAME_NUMBER,
    NUMBER,
    Tokens,
    lex,
    list_term_words,
)
from extractor.language.patterns import (
    TokenRule,
    check_texts,
    make_rule,
    read_rules,
)
from extractor.language.values import value_class
from extractor.schemas.arguments import suggest

_PACKAGE = Path(__file__).parents[1]
_RULES = "rules"
"""The name of the folder that contains a concept's rules and tables; its subfolder ``terms``
contains the vocabularies.
"""
_WEIGHTS = "weights"
"""The name of the folder that contains a concept's fitted weights."""
_NUMBERS = NUMBER + NAME_NUMBER
"""The codes of numbers, inside and outside a name."""
_ENTRY_KEYS = ("value", "terms", "rules", "also", "confidence", "example")
"""What the table of an entry may contain."""
_PlacedNumbers = list[tuple[int, str]]
"""The numbers in a term, as (index of the token, number) pairs."""


@value_class()
class Entry:
    """A meaning and its terms. ``rules`` are patterns that also express the meaning. The terms in
    ``also`` have the same meaning, but are not searched for in texts. ``confidence`` is lower than
    1 if the terms may have another meaning. ``example`` is a text that contains a term.
    """

    vocabulary: str
    value: str
    terms: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    confidence: float = 1.0
    example: str = ""


@value_class()
class Term:
    """An occurrence of an entry in the tokens ``first:end``."""

    entry: Entry
    first: int
    end: int

    @property
    def value(self) -> str:
        return self.entry.value


class TermFinder:
    """Finds the terms of a vocabulary in one pass.

    >>> finder = TermFinder(
    ...     [Entry("markers", "CD19", ("CD19",)), Entry("markers", "BCMA", ("BCMA",))]
    ... )
    >>> tokens = lex("CD-19 and CD20, or BCMA")
    >>> [
    ...     (term.value, term.first, term.end)
    ...     for term in finder.find(tokens, 0, len(tokens))
    ... ]
    [('CD19', 0, 2), ('BCMA', 7, 8)]
    """

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._entries = entries
        for entry in entries:
            for term in entry.terms:
                self._register_words(list_term_words(term))

    def _register_words(self, words: list[str]) -> None:
        """Assign a code to each word of a term, and record the words that are followed by a
        number.
        """
        LEXICON.add_together(words)
        for word, following in pairwise(words):
            if not following[0].isdigit():
                continue
            if not word[0].isalpha():
                continue
            LEXICON.name_codes.add(LEXICON.add(word))

    @cached_property
    def _automaton(self) -> Any:
        """An automaton that finds all terms at once by their token codes. Each string of codes maps
        to its length and its entries. All numbers share two codes, so "CD19" and "CD20" have the
        same string. Each entry is therefore stored with the numbers in its term, which ``find``
        compares. A term has several strings if a word in it has a different code when written in
        capitals.
        """
        meanings: dict[str, list[tuple[_PlacedNumbers, Entry]]] = {}
        for entry in self._entries:
            for term in entry.terms:
                tokens = lex(term)
                numbers = [
                    (place, word.lower())
                    for place, word in enumerate(tokens.words)
                    if tokens.codes[place] in _NUMBERS
                ]
                # "car" is also found as "CAR", which has a different code
                for codes in product(*self._list_possible_codes(tokens)):
                    meanings.setdefault("".join(codes), []).append((numbers, entry))
        automaton = ahocorasick.Automaton()
        for codes_of_term, entries in meanings.items():
            automaton.add_word(codes_of_term, (len(codes_of_term), entries))
        automaton.make_automaton()
        return automaton

    def _list_possible_codes(self, tokens: Tokens) -> Iterator[str]:
        """Yield, for each token of a term, a string of the codes that the token may have in a text:
        both number codes for a number; for a word, its own code and the code it has in capitals.
        """
        for word, code in zip(tokens.words, tokens.codes, strict=True):
            codes = code
            if word[0].isalpha():
                codes = LEXICON.find(word)
            yield _NUMBERS if codes in _NUMBERS else codes

    def find(self, tokens: Tokens, first: int, end: int) -> list[Term]:
        """Return the terms from left to right, without overlaps, preferring the longest term at
        each start.
        """
        terms: list[Term] = []
        if not self._automaton:  # no terms: ``iter`` would raise an error
            return terms
        for last, (length, entries) in self._automaton.iter(tokens.codes, first, end):
            start = last + 1 - length
            for numbers, entry in entries:
                if not numbers or _has_numbers(tokens, start, numbers):
                    terms.append(Term(entry, start, last + 1))
        if len(terms) > 1:
            terms = list(drop_overlapping_terms(terms))
        return terms


def _has_numbers(tokens: Tokens, start: int, numbers: _PlacedNumbers) -> bool:
    """Return whether the tokens starting at ``start`` have the same numbers as a term at the
    corresponding positions.
    """
    return all(tokens.words[start + at].lower() == number for at, number in numbers)


def drop_overlapping_terms(terms: list[Term]) -> Iterator[Term]:
    """Remove overlaps from left to right, keeping the longest term at each start."""
    done = 0
    for term in sorted(terms, key=lambda term: (term.first, -term.end)):
        if term.first >= done:
            yield term
            done = term.end


def read_book_entries(vocabulary: str, text: str) -> Iterator[Entry]:
    r"""Yield the entries in the text of a file: ``value = [terms]``, or a table with the fields of
    an entry. The key is the value unless the table specifies ``value``.

    >>> [
    ...     entry.value
    ...     for entry in read_book_entries(
    ...         "frequencies", 'QD = ["daily"]\ntwice = { value = "BID" }'
    ...     )
    ... ]
    ['QD', 'BID']
    """
    for key, written in tomli.loads(text).items():
        fields: dict[str, Any] = {"value": key}
        if isinstance(written, dict):
            fields |= written
        else:
            fields["terms"] = written
        for name in fields:
            if name not in _ENTRY_KEYS:
                raise RuleError(
                    f"{key}: unknown key {name}{suggest(name, _ENTRY_KEYS)}"
                )
        for name in ("terms", "rules", "also"):
            texts = fields.get(name, [])
            check_texts(texts, f"{key}: {name}")
            fields[name] = tuple(texts)
        yield Entry(vocabulary, **fields)


@dataclass(frozen=True)
class Book:
    """All rules and vocabularies by name, with the finder and the entry rules of each
    vocabulary.
    """

    rules: Mapping[str, TokenRule]
    vocabularies: Mapping[str, tuple[Entry, ...]]
    finders: Mapping[str, TermFinder]
    entry_rules: Mapping[str, list[tuple[TokenRule, Entry]]]


class _Rules(dict[str, TokenRule]):
    """Rules by name. A vocabulary is also a rule, which matches any of its terms; it is written
    when a text first needs it.
    """

    def __init__(self, vocabularies: Mapping[str, tuple[Entry, ...]]) -> None:
        super().__init__()
        self._vocabularies = vocabularies

    def __missing__(self, name: str) -> TokenRule:
        pattern = _write_entries(self._vocabularies[name])
        self[name] = TokenRule(name, pattern, book=self)
        return self[name]


@cache
def load_book() -> Book:
    """Read the rules and vocabularies of all concepts. Raises ``RuleError`` if two rules have
    the same name, or if a file cannot be read.
    """
    folders = list_rule_folders()
    vocabularies: dict[str, tuple[Entry, ...]] = {}
    for file in _list_files(tuple(folder / "terms" for folder in folders)):
        with file.named_in_errors():
            entries = tuple(read_book_entries(file.topic, file.text))
        vocabularies[file.topic] = (*vocabularies.get(file.topic, ()), *entries)
    rules = _Rules(vocabularies)
    for file in _list_files(folders):
        if "[rule." not in file.text:
            continue  # a table, not a file of rules
        # a rule looks up the rules that it names when a text first needs it, so it may be read
        # before them
        with file.named_in_errors():
            read = read_rules(file.text, rules, file.path)
        for new in read:
            if new.name in vocabularies:
                raise RuleError(f"{new.place}: a vocabulary has the same name")
            if new.name in rules:
                raise RuleError(
                    f"{new.place}: another rule has the same name, in {rules[new.name].file}"
                )
            rules[new.name] = new
    entry_rules = {
        name: [
            (
                make_rule(name=f"{name}: {entry.value}", pattern=pattern, book=rules),
                entry,
            )
            for entry in entries
            for pattern in entry.rules
        ]
        for name, entries in vocabularies.items()
    }
    finders = {name: TermFinder(entries) for name, entries in vocabularies.items()}
    return Book(rules, vocabularies, finders, entry_rules)


def _write_entries(entries: Sequence[Entry]) -> str:
    """Return a pattern that matches any term of a vocabulary. The name of the matched group
    identifies the entry: ``e3`` is entry number 3.
    """
    parts = []
    for number, entry in enumerate(entries):
        # A regular expression takes the first alternative that matches: the patterns of the entry,
        # then its terms, of which the longest comes first.
        terms = sorted(
            map(_write_term, entry.terms), key=lambda term: -len(term.split())
        )
        alternatives = [*entry.rules, *terms]
        if alternatives:
            parts.append(f"e{number}=( {' | '.join(alternatives)} )")
    return " | ".join(parts)


@cache
def list_rule_folders(name: str = _RULES) -> tuple[Path, ...]:
    """Return the package's folders with this name, such as ``rules`` or ``weights``.

    >>> [folder.is_dir() for folder in list_rule_folders()][0]
    True
    """
    return tuple(sorted(folder for folder in _PACKAGE.rglob(name) if folder.is_dir()))


class _RuleFile(NamedTuple):
    """A TOML file of rules, terms or tables. ``topic`` is the name of the file or, if the file is
    in a subfolder, of the subfolder; ``path`` is relative to the folder of the package.
    """

    topic: str
    path: str
    text: str

    @contextmanager
    def named_in_errors(self) -> Iterator[None]:
        """Say in errors of this block that they are about this file."""
        try:
            yield
        except tomli.TOMLDecodeError as error:
            raise RuleError(f"{self.path}: it is no TOML: {error}") from error
        except RuleError as error:
            message = str(error)
            if message.startswith(self.path):
                raise
            raise RuleError(f"{self.path}: {message}") from error


@cache
def _list_files(folders: tuple[Path, ...]) -> list[_RuleFile]:
    """Return the TOML files in these folders, sorted by topic. Files in a ``terms`` subfolder are
    skipped.
    """
    files: list[_RuleFile] = []
    for folder in folders:
        for path in sorted(folder.rglob("*.toml")):
            topic = path.parent.name
            if path.parent == folder:
                topic = path.stem
            if topic != "terms":
                name = path.relative_to(_PACKAGE.parent).as_posix()
                files.append(_RuleFile(topic, name, path.read_text("utf-8")))
    return sorted(files, key=lambda file: file.topic)


def _write_term(term: str) -> str:
    r"""Return a term as a pattern in which each number matches any number.

    >>> _write_term("CD19 (i.v.)")
    'CD ( # | ## ) \\( i \\. v \\. \\)'
    """
    pieces: list[str] = []
    for word in list_term_words(term):
        sign_or_number = "( # | ## )" if word[0].isdigit() else f"\\{word}"
        pieces.append(word if word[0].isalpha() else sign_or_number)
    return " ".join(pieces)


def read_text(text: str) -> Tokens:
    """Return the tokens of a cleaned text, coded with the words of all rules and vocabularies."""
    load_book()
    return lex(text)


@lru_cache(maxsize=1024)
def read_words(text: str) -> Tokens:
    """Return the tokens of a short text, such as a heading or a unit, that is read many times."""
    return read_text(text)


@cache
def rule(name: str) -> TokenRule:
    """Return the rule with the given name. Raises ``KeyError`` if the name is unknown."""
    return load_book().rules[name]


class RuleIndex:
    """Rules by the codes that they need, so that only rules are asked that may match.

    >>> index = RuleIndex([rule("duration"), rule("half_lives")])
    >>> (
    ...     index.list_possible(read_text("for 3 weeks"), 0, 3),
    ...     index.list_possible(read_text("-"), 0, 1),
    ... )
    ([0], [])
    """

    def __init__(self, rules: Iterable[TokenRule]) -> None:
        by_code: dict[str, list[int]] = {}
        for place, indexed in enumerate(rules):
            # "" stands for a rule that may match without any particular code
            rarest = indexed.needs[0] if indexed.needs else ("",)
            for code in rarest:
                by_code.setdefault(code, []).append(place)
        self._always = by_code.pop("", [])
        self._by_code = by_code
        self._codes = frozenset(by_code)

    def list_possible(self, tokens: Tokens, first: int, end: int) -> list[int]:
        """Return the places of the rules that may match within the tokens ``first:end``, in order.
        The others need a token that the range lacks.
        """
        codes = self._codes & tokens.codes_in(first, end)
        if not codes:
            return self._always
        possible = set(self._always)
        for code in codes:
            possible.update(self._by_code[code])
        return sorted(possible)


@cache
def _index_rules(names: tuple[str, ...]) -> RuleIndex:
    return RuleIndex(map(rule, names))


def list_possible(
    names: tuple[str, ...], tokens: Tokens, first: int = 0, end: int | None = None
) -> list[str]:
    """Return the names of the rules that may match within the tokens ``first:end``, in the same
    order.
    """
    if end is None:
        end = len(tokens)
    places = _index_rules(names).list_possible(tokens, first, end)
    return [names[place] for place in places]


def read_term(vocabulary: str, tokens: Tokens, first: int, end: int) -> Entry | None:
    """Return the entry whose term or rule exactly matches the tokens ``first:end``, or None.

    >>> read_term("comparators", read_text("no more than"), 0, 3).value
    '<='
    """
    match = rule(vocabulary).covers(tokens, first, end)
    if match is None:
        return None
    group = match.match.lastgroup or ""  # "e3", see _write_entries
    return terms_of(vocabulary)[int(group[1:])]


def terms_of(vocabulary: str) -> tuple[Entry, ...]:
    """Return the entries of a vocabulary. Raises ``KeyError`` if the name is unknown."""
    return load_book().vocabularies[vocabulary]


def find_terms(
    tokens: Tokens, vocabulary: str, first: int = 0, end: int | None = None
) -> list[Term]:
    """Return the terms of a vocabulary that occur in the tokens ``first:end``, and the matches for
    its entries' rules. If ``end`` is None, search to the last token. The results are in order and
    do not overlap; the longest of several results with the same start is kept. Raises ``KeyError``
    if the vocabulary is unknown.

    >>> tokens = read_text("IL-6 in bone marrow and in blood")
    >>> [term.value for term in find_terms(tokens, "specimens", 3)]
    ['bone marrow', 'blood']
    """
    if end is None:
        end = len(tokens)
    book = load_book()
    terms = book.finders[vocabulary].find(tokens, first, end)
    possible = _index_entry_rules(vocabulary).list_possible(tokens, first, end)
    if not possible:
        return terms
    for place in possible:
        entry_rule, entry = book.entry_rules[vocabulary][place]
        for match in entry_rule.find(tokens, first, end):
            terms.append(Term(entry, match.first, match.end))
    return list(drop_overlapping_terms(terms))


@cache
def _index_entry_rules(vocabulary: str) -> RuleIndex:
    return RuleIndex(rule for rule, _ in load_book().entry_rules[vocabulary])


@cache
def read_table(name: str) -> Mapping[str, Any]:
    """Return the contents of a rules file, given its name without the suffix, or of all files in a
    subfolder. The result is cached. Raises ``KeyError`` if the name is unknown.
    """
    files = [file for file in _list_files(list_rule_folders()) if file.topic == name]
    if not files:
        raise KeyError(name)
    table: dict[str, Any] = {}
    for file in files:
        with file.named_in_errors():
            table |= tomli.loads(file.text)
    return table


@cache
def find_weights(name: str) -> Path:
    """Return the path of a weights file. Raises ``FileNotFoundError`` if the name is unknown.

    >>> find_weights("criteria.npz").is_file()
    True
    """
    for folder in list_rule_folders(_WEIGHTS):
        path = folder / name
        if path.is_file():
            return path
    raise FileNotFoundError(name)


@cache
def read_weights(name: str) -> Mapping[str, Mapping[str, float]]:
    """Return the weights in a TOML file, keyed by class and feature. If the file has no classes,
    the only class is "". Raises ``FileNotFoundError`` if the name is unknown.

    >>> read_weights("line_signs")["heading"]["colon"]
    2.0
    """
    table = tomli.loads(find_weights(f"{name}.toml").read_text("utf-8"))
    if all(isinstance(weights, dict) for weights in table.values()):
        return table
    return {"": table}


@cache
def expression(name: str) -> re.Pattern[str]:
    """Return a regular expression from ``language/rules/characters.toml``. Raises ``KeyError`` if
    the name is unknown.

    >>> expression("list_mark").match("1. Adult").lastgroup
    'number'
    """
    expressions = read_table("characters")["expression"]
    return re.compile(expressions[name]["pattern"], re.VERBOSE)


@cache
def word_list(name: str) -> frozenset[str]:
    """Return a list from ``language/rules/words.toml``.

    >>> "NRS" in word_list("ratings")
    True
    """
    return word_set(read_table("words")[name])


def word_set(words: str) -> frozenset[str]:
    """Split a text at white space into a set of words."""
    return frozenset(words.split())
