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
            for entry in BOOK.vocabularies[name]:
                yield from list_words(" ".join(entry.terms))
        else:
            yield from list_pattern_words(BOOK.rules[name].pattern)
    own_words = re.sub(r"\w+=|<\+?\w+>|\\n|\{[\d,]*\}", " ", pattern)
    yield from list_words(own_words.replace("#", "5"))


def has_near_misses(rule: Rule) -> bool:
    """Whether a text can share a word with the rule and not match: not if the rule is a list of
    words.
    """
    if is_list(rule.pattern):
        return False
    return not all(rule.search(read_text(word)) for word in find_known(rule))


def is_list(pattern: str) -> bool:
    """Whether a pattern is one of several words, also by the rules that it names."""
    alternatives = pattern.strip().removeprefix("( ").removesuffix(" )").split("|")
    for alternative in alternatives:
        if len(alternative.split()) != 1 or "(" in alternative:
            return False
    for name in re.findall(r"<(\w+)>", pattern):
        is_rule = name in BOOK.rules and name not in BOOK.vocabularies
        if not is_rule or not is_list(BOOK.rules[name].pattern):
            return False
    return True


def find_known(rule: Rule) -> set[str]:
    """The words of a rule and its examples; common ones only if there are no others."""
    words = {*list_pattern_words(rule.pattern), *list_words(" ".join(rule.examples))}
    return words - _COMMON or words


def is_near(text: str, rule: Rule) -> bool:
    """Whether a text shares a word with a rule or its examples; a sign, if the rule has no
    words.
    """
    rule_words = find_known(rule)
    text_words = list_words(text)
    if rule_words & text_words:
        return True
    stems = tuple(stem.lower() for stem in re.findall(r"([^\W\d_]+)~", rule.pattern))
    if any(word.startswith(stems) for word in text_words):
        return True
    has_words = bool(rule_words - {"5"} - _COMMON)
    shares_sign = bool(set(text) & set("".join(rule.examples)))
    return shares_sign and not has_words


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_matches_only_its_examples(rule):
    assert rule.examples, "a rule needs examples"
    if has_near_misses(rule):
        assert rule.counter_examples, "a rule needs counter-examples"

    missed = [text for text in rule.examples if not rule.search(read_text(text))]
    wrong = [text for text in rule.counter_examples if rule.search(read_text(text))]

    assert missed == []
    assert wrong == []


def test_a_counter_example_is_a_near_miss():
    far = [
        (rule.name, text)
        for rule in RULES
        for text in rule.counter_examples
        if not is_near(text, rule)
    ]
    assert far == []


def test_files_are_short():
    lengths = {
        str(path): len(path.read_text("utf-8").splitlines()) for path in RULE_FILES
    }
    assert {path: lines for path, lines in lengths.items() if lines > 500} == {}


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
    long = [
        (rule.name, alternative)
        for rule in RULES
        for alternative in list_alternatives(rule.pattern)
        if len(alternative) > 300
    ]
    assert long == []


def test_every_rule_is_used():
    """By another rule, by an entry of a vocabulary, by its name in the code, or by its
    ``gives``.
    """
    patterns = [rule.pattern for rule in RULES]
    for vocabulary in BOOK.vocabularies.values():
        for entry in vocabulary:
            patterns += entry.rules
    code = "\n".join(path.read_text("utf-8") for path in PACKAGE.rglob("*.py"))
    used = set(re.findall(r"<\+?(\w+)>", " ".join(patterns)))
    used |= set(re.findall(r'"(\w+)"', code))
    prefixes = tuple(re.findall(r'rule\(f"(\w+)\{', code))

    unused = []
    for rule in RULES:
        is_used = rule.name in used or rule.name.startswith(prefixes)
        if not is_used and not rule.gives:
            unused.append(rule.name)

    assert unused == []


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

    for code in range(ord(CODES[0]), ord(CODES[-1]) + 1):
        assert re.fullmatch(ANY_WORD, chr(code))
    for code in (NUMBER, NAME_NUMBER, "s", *SIGNS):
        assert not re.fullmatch(ANY_WORD, code)


def test_the_book_reads_no_file_without_rules(monkeypatch):
    read = []
    loads = tomllib.loads

    def note(text):
        read.append(text)
        return loads(text)

    monkeypatch.setattr(tomllib, "loads", note)
    terms = {path.read_text("utf-8") for path in RULE_FILES if "terms" in path.parts}

    load_book.__wrapped__()

    assert read
    for text in read:
        assert "[rule." in text or text in terms


def read_book(text: str) -> tuple[dict[str, Rule], Lexicon]:
    """A book of the rules of a text alone."""
    book: dict[str, Rule] = {}
    words = Lexicon()
    book |= {rule.name: rule for rule in read_rules(text, book, words)}
    return book, words


def test_only_a_reference_with_a_plus_keeps_named_parts():
    book, words = read_book("""
        [rule.dose]
        pattern = "amount=( # ) mg"
        [rule.plain]
        pattern = "give <dose>"
        [rule.kept]
        pattern = "give <+dose>"
    """)
    tokens = lex("give 5 mg", words)

    plain = book["plain"].search(tokens).match
    kept = book["kept"].search(tokens).match

    assert plain.groupdict() == {}
    assert kept.groupdict() == {"amount": "n"}


@pytest.mark.parametrize(
    "entry",
    [entry for vocabulary in BOOK.vocabularies.values() for entry in vocabulary],
    ids=lambda entry: entry.value,
)
def test_a_term_finds_its_entry(entry):
    for term in entry.terms:
        tokens = read_text(clean_text(term).text)
        whole = [
            found.value
            for found in find_terms(tokens, entry.vocabulary)
            if found.end - found.first == len(tokens)
        ]
        assert entry.value in whole, term


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("<nothing>", "does not exist"),
        ("<self>", "refers to itself"),
        ("a 5", "cannot read '5'"),
    ],
)
def test_an_error_names_an_invalid_rule(pattern, message):
    book, _ = read_book(f"[rule.self]\npattern = '{pattern}'")

    with pytest.raises(RuleError, match=f"rule self.*{message}"):
        _ = book["self"].expression


@pytest.mark.parametrize(
    "entry",
    [entry for rules in BOOK.entry_rules.values() for _, entry in rules],
    ids=lambda entry: f"{entry.vocabulary}-{entry.value}",
)
def test_the_rules_of_an_entry_are_valid_and_find_its_example(entry):
    terms = find_terms(read_text(entry.example), entry.vocabulary)
    assert entry.value in [term.value for term in terms]
