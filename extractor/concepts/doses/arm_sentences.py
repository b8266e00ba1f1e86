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
        """Return the arms that a clause names, by a group or by their label at its beginning; all
        of them if it is about everybody, none if it names no arm.
        """
        named = set(_list_groups(clause))
        named.update(opening for _, opening in _place_openings(clause))
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
        named = set(_list_groups(clause))
        for end, opening in _place_openings(clause):
            if rule("ends_label").starts(clause.tokens, end):
                named.add(opening)
        return self._find(named)

    def _find(self, named: Set[str]) -> list[str]:
        """Return the arms with one of the names, which are in lower case."""
        return [arm for arm, names in self._names.items() if names & named]

    @cached_property
    def _names(self) -> Mapping[str, Set[str]]:
        """What a sentence can call each arm, in lower case: its label, and the group in it ("Arm B"
        of "Arm B: examplumab").
        """
        names_of: dict[str, Set[str]] = {}
        for arm, label in self.labels.items():
            text = self.texts[arm]
            groups = rule("group_name").find(text.tokens, *text.title)
            names = [label, *(group.text for group in groups)]
            names_of[arm] = {name.casefold() for name in names if name}
        return names_of


def _list_groups(clause: Clause) -> Iterator[str]:
    """Yield the groups that a clause names, in lower case, and their numbers: "arm b" and "b"."""
    tokens = clause.tokens
    for group in rule("group_name").find(tokens, clause.first, clause.end):
        if rule("arm_word").starts(tokens, group.first):
            yield group.text.casefold()
            yield tokens.words[group.end - 1].casefold()


def _place_openings(clause: Clause) -> Iterator[tuple[int, str]]:
    """Yield the first words of a clause in lower case, which may be the label of an arm, each with
    the token behind it: one word, two words, and so on.
    """
    tokens = clause.tokens
    for end in range(clause.first + 1, min(clause.first + _OPENING, clause.end)):
        opening = tokens.read(clause.first, end).casefold()
        if len(opening) > 1:
            yield end, opening
