"""Every rule matches its examples, and none of its counter-examples; the rule book reads and finds."""

import pytest

from extractor.language.book import find_terms, read_text
from extractor.language.clean import clean_text
from tests.text.rule_check import (
    BOOK,
    PACKAGE,
    RULES,
    find_files,
    list_faults,
)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_is_well_made(rule):
    path = find_files().get(rule.name)
    faults = [f"- {fault}" for fault in list_faults(rule, path)]

    place = path.relative_to(PACKAGE.parent) if path else "no file"
    assert not faults, "\n".join((f"{rule.name} in {place}:", *faults))


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
    "entry",
    [entry for rules in BOOK.entry_rules.values() for _, entry in rules],
    ids=lambda entry: f"{entry.vocabulary}-{entry.value}",
)
def test_the_rules_of_an_entry_are_valid_and_find_its_example(entry):
    terms = find_terms(read_text(entry.example), entry.vocabulary)
    assert entry.value in [term.value for term in terms]
