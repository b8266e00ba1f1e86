"""Every rule matches its examples, and none of its counter-examples; the rule book reads and finds."""

import re
import tomllib

import pytest

from extractor.language.book import find_terms, load_book, read_text
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
from tests.text.rule_check import (
    BOOK,
    PACKAGE,
    RULE_FILES,
    RULES,
    find_files,
    list_faults,
    list_faults_of_file,
)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_is_well_made(rule):
    path = find_files().get(rule.name)
    faults = [f"- {fault}" for fault in list_faults(rule, path)]

    place = path.relative_to(PACKAGE.parent) if path else "no file"
    assert not faults, "\n".join((f"{rule.name} in {place}:", *faults))


def test_each_fault_of_a_rule_is_named_with_what_mends_it(tmp_path):
    path = tmp_path / "long.toml"
    path.write_text("[rule.a]\n" + "\n" * 500, "utf-8")
    rule = Rule(
        "no_such_rule",
        f"zorp {'blick ' * 60}",
        examples=("zorp",),
        counter_examples=("the minimum",),
    )

    faults = list(list_faults(rule, path))

    beginnings = [
        "it does not find its example 'zorp'",
        "its counter-example 'the minimum' has no word of the rule",
        "its pattern has 364 characters, at most 300 are allowed",
        "nothing uses it: name it in another rule, as <no_such_rule>",
        "long.toml has 501 lines, at most 500 are allowed",
        "long.toml does not say in its first line what it decides",
    ]
    assert len(faults) == len(beginnings)
    for fault, beginning in zip(faults, beginnings, strict=True):
        assert fault.startswith(beginning)
        assert ": " in fault


def test_a_rule_without_examples_is_named():
    rule = Rule("no_such_rule", "zorp blick")
    assert [fault.partition(":")[0] for fault in list_faults(rule, None)] == [
        "it has no examples",
        "it has no counter_examples",
        "nothing uses it",
    ]


def test_files_are_short_and_say_what_they_decide():
    """Also those without rules, such as vocabularies."""
    faults = [fault for path in RULE_FILES for fault in list_faults_of_file(path)]
    assert faults == []


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


def read_book(text: str) -> dict[str, Rule]:
    """A book of the rules of a text alone."""
    book: dict[str, Rule] = {}
    book |= {rule.name: rule for rule in read_rules(text, book)}
    return book


def test_only_a_reference_with_a_plus_keeps_named_parts():
    book = read_book("""
        [rule.dose]
        pattern = "amount=( # ) mg"
        [rule.plain]
        pattern = "give <dose>"
        [rule.kept]
        pattern = "give <+dose>"
    """)
    tokens = lex("give 5 mg")

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
    book = read_book(f"[rule.self]\npattern = '{pattern}'")

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
