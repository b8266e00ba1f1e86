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
        named = set(_list_groups(clause))
        arms = [arm for arm, names in self._names.items() if names & named]
        if arms:
            return arms
        if rule("in_all_arms").search(clause.tokens, clause.first, clause.end):
            return [*self.labels]
        return []

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
    """Yield what a clause may call arms by: the groups that it names, and its first words."""
    tokens = clause.tokens
    for found in rule("group_name").find(tokens, clause.first, clause.end):
        if rule("arm_word").starts(tokens, found.first):
            yield found.text.casefold()
            yield tokens.words[found.end - 1].casefold()
    for end in range(clause.first + 1, min(clause.first + _OPENING, clause.end)):
        opening = tokens.read(clause.first, end).casefold()
        if len(opening) > 1:
            yield opening
