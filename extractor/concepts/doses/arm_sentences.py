"""The arms that a clause names: "Arm B adds examplumab", "both groups"."""

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from functools import cached_property

from extractor.concepts.doses.clauses import Clause
from extractor.concepts.doses.sections import DosingSection
from extractor.language.book import rule

_OPENING = 6
"""The most tokens of a label with which a clause begins."""


@dataclass(frozen=True)
class ArmSentences:
    """Finds arms in clauses. ``labels`` are those of the arms by their sections, as the record
    writes them.
    """

    labels: Mapping[str, str]
    texts: Mapping[str, DosingSection]

    def find_named(self, clause: Clause) -> list[str]:
        """Return the arms that a clause names, all of them if it is about everybody."""
        named = {*_list_groups(clause), *_list_openings(clause)}
        arms = self._find(named)
        if arms:
            return arms
        if rule("in_all_arms").search(clause.tokens, clause.first, clause.end):
            return [*self.labels]
        return []

    def find_labelled(self, clause: Clause) -> list[str]:
        """Return the arms that a clause names by a group or by a label before a colon: "Cohort 1:
        5 mg", "High dose group: 10 mg".
        """
        labels = {
            opening
            for end, opening in _place_openings(clause)
            if rule("ends_label").starts(clause.tokens, end)
        }
        return self._find({*_list_groups(clause), *labels})

    def _find(self, named: Set[str]) -> list[str]:
        return [arm for arm, names in self._names.items() if names & named]

    @cached_property
    def _names(self) -> Mapping[str, Set[str]]:
        """What a sentence can call each arm: its label, and the group in it ("Arm B" of "Arm B:
        examplumab").
        """
        return {arm: self._list_names(arm) for arm in self.labels}

    def _list_names(self, arm: str) -> Set[str]:
        text = self.texts[arm]
        groups = rule("group_name").find(text.tokens, *text.title)
        names = [self.labels[arm], *(found.text for found in groups)]
        return {name.casefold() for name in names if name}


def _list_groups(clause: Clause) -> Iterator[str]:
    """Yield the groups that a clause names, and their numbers."""
    tokens = clause.tokens
    for found in rule("group_name").find(tokens, clause.first, clause.end):
        if rule("arm_word").starts(tokens, found.first):
            yield found.text.casefold()
            yield tokens.words[found.end - 1].casefold()


def _list_openings(clause: Clause) -> Iterator[str]:
    return (opening for _, opening in _place_openings(clause))


def _place_openings(clause: Clause) -> Iterator[tuple[int, str]]:
    """Yield the first words of a clause, which may be the label of an arm, each with its end."""
    tokens = clause.tokens
    for end in range(clause.first + 1, min(clause.first + _OPENING, clause.end)):
        opening = tokens.read(clause.first, end).casefold()
        if len(opening) > 1:
            yield end, opening
