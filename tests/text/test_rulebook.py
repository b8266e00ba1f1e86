"""Every rule matches its examples, and none of its counter-examples; each term finds its entry."""

import pytest

from extractor.language.book import find_terms, read_text
from extractor.language.clean import clean_text
from tests.text.rule_check import (
    BOOK,
    PACKAGE,
    RULE_FILES,
    RULES,
    list_faults,
    list_faults_of_file,
    list_names,
)


def test_each_rule_is_in_a_file():
    assert {name for path in RULE_FILES for name in list_names(path)} == {
        rule.name for rule in RULES
    }


@pytest.mark.parametrize(
    "path", RULE_FILES, ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_the_rules_of_a_file_are_well_made(path):
    faults = [*list_faults_of_file(path)]
    for name in list_names(path):
        faults += [f"{name}: {fault}" for fault in list_faults(BOOK.rules[name])]
    assert not faults, "\n".join(faults)


def find_values(text, vocabulary):
    """Return the values of a text's terms, and of those that are the whole of it."""
    tokens = read_text(text)
    terms = find_terms(tokens, vocabulary)
    whole = [term for term in terms if term.end - term.first == len(tokens)]
    return [term.value for term in terms], [term.value for term in whole]


def test_each_term_finds_its_entry():
    wrong = []
    for name, entries in BOOK.vocabularies.items():
        for entry in entries:
            for term in entry.terms:
                _, found = find_values(clean_text(term).text, name)
                if entry.value not in found:
                    wrong.append(f"{name}: {term!r} finds {found}, not {entry.value!r}")
    assert not wrong, "\n".join(wrong)


def test_the_rules_of_an_entry_are_valid_and_find_its_example():
    wrong = []
    for rules in BOOK.entry_rules.values():
        for _, entry in rules:
            found, _ = find_values(entry.example, entry.vocabulary)
            if entry.value not in found:
                wrong.append(
                    f"{entry.vocabulary}: the rule of {entry.value!r} finds {found} in its example "
                    f"{entry.example!r}"
                )
    assert not wrong, "\n".join(wrong)
