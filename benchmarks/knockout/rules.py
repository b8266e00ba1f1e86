"""The rules and vocabularies of the rule book, each to be taken out: it matches nothing, alone
and inside of others.
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from benchmarks.knockout.probes import Probe, run_probe
from benchmarks.knockout.recording import clear_caches, list_caches
from benchmarks.knockout.trials import Stub, Target
from extractor.language.book import Book, Entry, TermFinder, load_book
from extractor.language.lexer import Tokens
from extractor.language.patterns import Rule

_REFERENCE = re.compile(r"<\+?(\w+)>")
_START = re.compile(r"(?<![\\\[])\^")
_PART = re.compile(r"\(\?P<\w+>")
_NEVER = "neverwrittenanywhere"
_COMPILED = ("expression", "_ending", "anchored")
"""What a rule keeps of its compiled form."""
_UNCHANGED = frozenset({"load_book", "read_table", "rule", "word_list"})
"""Caches that hold what files say. Others may hold what was made of a rule."""


def list_rule_targets(matched: dict[str, tuple[str, ...]]) -> Iterator[Target]:
    """Yield a target for each rule and each vocabulary, with the probes in which it matches.

    ``nodes`` are the words of a pattern, or the terms of a vocabulary.
    """
    book = load_book()
    for name, rule in book.rules.items():
        entries = book.vocabularies.get(name)
        if entries is None:
            key = f"rule {name}"
            size = len(rule.pattern.split())
            source = rule.pattern
            drop = drop_rule
        else:
            size = sum(
                len(entry.terms) + len(entry.also) + len(entry.rules)
                for entry in entries
            )
            key = f"terms {name}"
            source = repr(entries)
            drop = drop_vocabulary
        digest = hashlib.md5(source.encode(), usedforsecurity=False).hexdigest()[:12]
        probes = matched.get(name, ())
        yield Target(
            key,
            size,
            digest,
            len(probes),
            (Stub("never", probes, partial(drop, book, name)),),
        )


def match_probes(probes: Sequence[Probe]) -> dict[str, list[str]]:
    """Return, for each rule, the probes in which it may match: anywhere in what they read."""
    rules = {
        name: re.compile(_START.sub("", rule.expression.pattern))
        for name, rule in load_book().rules.items()
    }
    matched: dict[str, list[str]] = {}
    for probe in probes:
        text = "\n\n".join(_collect_codes(probe))
        for name, expression in rules.items():
            if expression.search(text):
                matched.setdefault(name, []).append(probe.key)
    return matched


def _collect_codes(probe: Probe) -> set[str]:
    """Return the codes of all that a probe reads into tokens."""
    codes: set[str] = set()
    make = Tokens.__init__

    def note(tokens: Tokens, *args: object, **named: object) -> None:
        make(tokens, *args, **named)  # type: ignore[arg-type]
        codes.add(tokens.codes)

    Tokens.__init__ = note  # type: ignore[method-assign, assignment]
    try:
        clear_caches()
        run_probe(probe)
    finally:
        Tokens.__init__ = make  # type: ignore[method-assign]
    return codes


def drop_rule(book: Book, name: str) -> Callable[[], None]:
    """Make a rule match nothing. Its named parts stay, so that those who ask for them find them
    empty.
    """
    rule = book.rules[name]
    parts = "".join(f"{part})" for part in _PART.findall(rule.expression.pattern))
    changed = [rule, *_list_users(book, {name})]
    before = [(each, list(each.written)) for each in changed]
    _forget(changed)
    rule.written.append(f"(?!{parts})")

    def put_back() -> None:
        _forget(changed)
        for each, written in before:
            each.written.extend(written)

    return put_back


def _list_users(book: Book, names: set[str]) -> list[Rule]:
    """Return the rules that hold one of these, directly or in another."""
    own = [rule for pairs in book.entry_rules.values() for rule, _ in pairs]
    found: dict[int, Rule] = {}
    grown = True
    while grown:
        using = [
            each
            for each in [*book.rules.values(), *own]
            if names & {*_REFERENCE.findall(each.pattern)}
        ]
        found |= {id(each): each for each in using}
        grown = not {each.name for each in using} <= names
        names = names | {each.name for each in using}
    return list(found.values())


def _forget(rules: Sequence[Rule]) -> None:
    """Forget the compiled forms of rules, and what was made of them."""
    for each in rules:
        each.written.clear()
        for name in _COMPILED:
            each.__dict__.pop(name, None)
    for cache in list_caches(of_files=True):
        if cache.__name__ not in _UNCHANGED:
            cache.cache_clear()


def drop_vocabulary(book: Book, name: str) -> Callable[[], None]:
    """Empty a vocabulary: none of its terms is found, alone or in a rule."""
    kept = book.vocabularies[name], book.finders[name], book.entry_rules[name]
    put_back = drop_rule(book, name)
    _set(book, name, (), TermFinder([Entry(name, _NEVER, (_NEVER,))]), ())

    def put_all_back() -> None:
        _set(book, name, *kept)
        put_back()

    return put_all_back


def _set(book: Book, name: str, *values: object) -> None:
    for mapping, value in zip(
        (book.vocabularies, book.finders, book.entry_rules), values, strict=True
    ):
        assert isinstance(mapping, dict)
        mapping[name] = value
