"""Every rule matches its examples, and none of its counter-examples; the rule book reads and finds."""

import pytest

from extractor.language.book import find_terms, read_text
from extractor.language.clean import clean_text
from extractor.language.lexer import (
    Lexicon,
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
    )

    faults = list(list_faults(rule, path))

    beginnings = [
        "it does not find its example 'zorp'",
        "its pattern has 364 characters, at most 300 are allowed",
        "nothing uses it: name it in another rule, as <no_such_rule>",
        "long.toml has 501 lines, at most 500 are allowed",
        "long.toml does not say in its first line what it decides",
    ]
    assert len(faults) == len(beginnings)
    for fault, beginning in zip(faults, beginnings, strict=True):
        assert fault.startswith(beginning)
        assert ": " in fault


def test_files_are_short_and_say_what_they_decide():
    """Also those without rules, such as vocabularies."""
    faults = [fault for path in RULE_FILES for fault in list_faults_of_file(path)]
    assert faults == []


def read_book(text: str) -> tuple[dict[str, Rule], Lexicon]:
    """A book of the rules of a text alone."""
    book: dict[str, Rule] = {}
    words = Lexicon()
    book |= {rule.name: rule for rule in read_rules(text, book, words)}
    return book, words


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
