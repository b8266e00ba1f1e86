"""Every rule matches its examples, and none of its counter-examples."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import extractor
from extractor.language.book import find_terms, load_book, read_text, word_set
from extractor.language.clean import clean_text
from extractor.language.lexer import (
    ANY_WORD,
    CODES,
    NAME_NUMBER,
    NUMBER,
    SIGNS,
    Lexicon,
    lex,
)
from extractor.language.patterns import Rule, RuleError, read_rules

PACKAGE = Path(extractor.__file__).parent
RULE_FILES = [path for path in PACKAGE.rglob("*.toml") if "rules" in path.parts]
BOOK = load_book()
RULES = [rule for rule in BOOK.rules.values() if rule.name not in BOOK.vocabularies]


_COMMON = word_set(
    "a an and are as at be been by for from in is it of on or s that the this to was were with"
)
"""Words that make no text a near miss."""


def list_words(text: str) -> set[str]:
    """The words of a text in lower case. A number is "5"."""
    return {
        "5" if word.isdigit() else word.lower()
        for word in re.findall(r"[^\W\d_]+|\d+", text)
    }


def list_pattern_words(pattern: str) -> Iterator[str]:
    """The words of a pattern and of the rules and vocabularies that it names. A number is "5"; a
    stem has no "~".
    """
    for name in re.findall(r"<\+?(\w+)>", pattern):
        if name in BOOK.vocabularies:
            yield from list_words(
                " ".join(
                    term for entry in BOOK.vocabularies[name] for term in entry.terms
                )
            )
        else:
            yield from list_pattern_words(BOOK.rules[name].pattern)
    yield from list_words(
        re.sub(r"\w+=|<\+?\w+>|\\n|\{[\d,]*\}", " ", pattern).replace("#", "5")
    )


def has_near_misses(each: Rule) -> bool:
    """Whether a text can share a word with the rule and not match: not if the rule is a list of
    words.
    """
    return not (
        is_list(each.pattern)
        or all(each.search(read_text(word)) for word in find_known(each))
    )


def is_list(pattern: str) -> bool:
    """Whether a pattern is one of several words, also by the rules that it names."""
    parts = pattern.strip().removeprefix("( ").removesuffix(" )").split("|")
    return all(len(part.split()) == 1 and "(" not in part for part in parts) and all(
        name in BOOK.rules
        and name not in BOOK.vocabularies
        and is_list(BOOK.rules[name].pattern)
        for name in re.findall(r"<(\w+)>", pattern)
    )


def find_known(each: Rule) -> set[str]:
    known = {*list_pattern_words(each.pattern), *list_words(" ".join(each.examples))}
    return known - _COMMON or known


def is_near(text: str, each: Rule) -> bool:
    """Whether a text shares a word with a rule or its examples; a sign, if the rule has no
    words.
    """
    known = find_known(each)
    stems = tuple(stem.lower() for stem in re.findall(r"([^\W\d_]+)~", each.pattern))
    if known & list_words(text) or (
        stems and any(word.startswith(stems) for word in list_words(text))
    ):
        return True
    return known <= {"5"} | _COMMON and bool(set(text) & set("".join(each.examples)))


@pytest.mark.parametrize("each", RULES, ids=lambda each: each.name)
def test_a_rule_matches_only_its_examples(each):
    assert each.examples, "a rule needs examples"
    assert each.counter_examples or not has_near_misses(each), (
        "a rule needs counter-examples"
    )
    assert [text for text in each.examples if not each.search(read_text(text))] == []
    assert [
        text for text in each.counter_examples if each.search(read_text(text))
    ] == []


def test_a_counter_example_is_a_near_miss():
    far = {
        rule.name: text
        for rule in RULES
        for text in rule.counter_examples
        if not is_near(text, rule)
    }
    assert far == {}


def test_files_are_short():
    files = {path: len(path.read_text("utf-8").splitlines()) for path in RULE_FILES}
    assert {str(path): lines for path, lines in files.items() if lines > 500} == {}


def list_alternatives(pattern: str) -> list[str]:
    """The alternatives of a pattern that stand outside brackets: "a | ( b | c ) d" has two."""
    alternatives = [""]
    depth = 0
    for word in pattern.split():
        plain = re.sub(r"\\.", "", word)
        depth += plain.count("(") - plain.count(")")
        if word == "|" and not depth:
            alternatives.append("")
        else:
            alternatives[-1] += f" {word}"
    return [alternative.strip() for alternative in alternatives]


def test_patterns_are_short():
    """A list of phrases may be long, but none of its phrases."""
    lengths = {
        rule.name: max(map(len, list_alternatives(rule.pattern))) for rule in RULES
    }
    assert {name: length for name, length in lengths.items() if length > 300} == {}


def test_every_rule_is_used():
    """By another rule, by an entry of a vocabulary, by its name in the code, or by its
    ``gives``.
    """
    by_rules = [rule.pattern for rule in RULES]
    by_entries = [
        pattern
        for vocabulary in BOOK.vocabularies.values()
        for entry in vocabulary
        for pattern in entry.rules
    ]
    code = "\n".join(
        path.read_text("utf-8")
        for path in Path(extractor.__file__).parent.rglob("*.py")
    )
    used = set(re.findall(r"<\+?(\w+)>", " ".join([*by_rules, *by_entries]))) | set(
        re.findall(r'"(\w+)"', code)
    )
    prefixes = tuple(re.findall(r'rule\(f"(\w+)\{', code))
    unused = [rule.name for rule in RULES if rule.name not in used and not rule.gives]
    assert [name for name in unused if not name.startswith(prefixes)] == []


def test_no_expression_holds_the_range_of_all_codes():
    """It would be compiled code by code, which takes most of the time of a start."""
    wide = [
        rule.name
        for rule in RULES
        if re.search(f"[^{CODES[-1]}]-{CODES[-1]}", rule.expression.pattern)
    ]
    assert wide == []
    assert any(ANY_WORD in rule.expression.pattern for rule in RULES)


def test_any_word_is_a_known_or_unknown_word_and_nothing_else():
    tokens = lex("Zorp 5 dose, AB12 _ ×\n", Lexicon())
    words = [
        word
        for word, code in zip(tokens.words, tokens.codes, strict=True)
        if re.fullmatch(ANY_WORD, code)
    ]
    assert words == ["Zorp", "dose", "AB"]
    ends = [chr(code) for code in range(ord(CODES[0]), ord(CODES[-1]) + 1)]
    assert all(re.fullmatch(ANY_WORD, code) for code in ends)
    assert not any(
        re.fullmatch(ANY_WORD, code) for code in (NUMBER, NAME_NUMBER, "s", *SIGNS)
    )


def test_the_book_reads_no_file_without_rules(monkeypatch):
    read = []
    loads = tomllib.loads
    monkeypatch.setattr(tomllib, "loads", lambda text: read.append(text) or loads(text))
    load_book.__wrapped__()
    assert read
    terms = {path.read_text("utf-8") for path in RULE_FILES if "terms" in path.parts}
    assert [
        text[:80] for text in read if "[rule." not in text and text not in terms
    ] == []


def test_only_a_reference_with_a_plus_keeps_named_parts():
    book = {}
    words = Lexicon()
    text = """
        [rule.dose]
        pattern = "amount=( # ) mg"
        [rule.plain]
        pattern = "give <dose>"
        [rule.kept]
        pattern = "give <+dose>"
    """
    book |= {rule.name: rule for rule in read_rules(text, book, words)}
    tokens = lex("give 5 mg", words)
    assert [
        book[name].search(tokens).match.groupdict() for name in ("plain", "kept")
    ] == [
        {},
        {"amount": "n"},
    ]


@pytest.mark.parametrize(
    "entry",
    [one for found in BOOK.vocabularies.values() for one in found],
    ids=lambda one: one.value,
)
def test_a_term_finds_its_entry(entry):
    for term in entry.terms:
        tokens = read_text(clean_text(term).text)
        found = [
            each
            for each in find_terms(tokens, entry.vocabulary)
            if each.end - each.first == len(tokens)
        ]
        assert entry.value in [each.value for each in found], term


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("<nothing>", "does not exist"),
        ("<self>", "refers to itself"),
        ("a 5", "cannot read '5'"),
    ],
)
def test_an_error_names_an_invalid_rule(pattern, message):
    book = {}
    book |= {
        rule.name: rule
        for rule in read_rules(f"[rule.self]\npattern = '{pattern}'", book, Lexicon())
    }
    with pytest.raises(RuleError, match=f"rule self.*{message}"):
        _ = book["self"].expression


@pytest.mark.parametrize(
    ("vocabulary", "entry"),
    [
        (entry.vocabulary, entry)
        for rules in BOOK.entry_rules.values()
        for _, entry in rules
    ],
    ids=lambda one: getattr(one, "value", one),
)
def test_the_rules_of_an_entry_are_valid_and_find_its_example(vocabulary, entry):
    assert entry.value in [
        term.value for term in find_terms(read_text(entry.example), vocabulary)
    ]
