"""Find the item to which a mark belongs, where annotators joined marks by relations.

A relation has no direction here, and may lead over other marks: a frequency is joined to an amount,
and the amount to its agent.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from extractor.apps.gold.marks import DOSING, RECORD, Labels, Mark, Problem
from extractor.errors import ArgumentError

_AGENT = "agent"


class Joined(NamedTuple):
    """Marks that know their item, those whose item is not clear with what is wrong, and
    relations that say nothing.
    """

    marks: list[Mark]
    unclear: list[tuple[Mark, str]]
    unused: list[Problem]


def join_marks(marks: Sequence[Mark], labels: Labels) -> Joined:
    """Return the marks of a record, each with the item to which relations lead.

    A mark that leads to several items that are equally near is unclear, and not among the marks. A
    mark whose relations lead to no item, and have no other use, stays, with a warning.

    >>> agent = Mark("A", "region 1", "agent", "Examplib", id="1")
    >>> amount = Mark("A", "region 2", "amounts", "10 mg", id="2", links=("1",))
    >>> [mark.of for mark in join_marks([agent, amount], Labels()).marks]
    ['', '1']
    """
    finder = _Finder(marks, labels)
    joined = Joined([], [], [])
    for mark in marks:
        hosts = finder.find_hosts(mark)
        if len(hosts) > 1:
            ids = " and ".join(sorted(hosts))
            problem = f"is joined to several items ({ids}); join it to one, or mark it for each"
            joined.unclear.append((mark, problem))
            continue
        if hosts:
            joined.marks.append(replace(mark, of=hosts[0]))
            continue
        joined.marks.append(mark)
        if not mark.links or finder.is_used(mark):
            continue
        problem = f"a relation of this {mark.label} leads to no item"
        remedy = "mark the item (criterion, regimen or endpoint), and join both to it"
        joined.unused.append(Problem(mark.place, problem, remedy, warns=True))
    return joined


class _Finder:
    """The graph of the relations between the marks of a record."""

    def __init__(self, marks: Sequence[Mark], labels: Labels) -> None:
        self._labels = labels
        self._by_id = {mark.id: mark for mark in marks if mark.id}
        self._beside: dict[str, set[str]] = defaultdict(set)
        for mark in marks:
            # A relation has no direction: it joins both ways.
            for other in mark.links:
                self._beside[mark.id].add(other)
                self._beside[other].add(mark.id)

    def find_hosts(self, mark: Mark) -> list[str]:
        """Return the ids of the nearest marks, over any number of relations, that make an item
        which may have what ``mark`` says; several if they are equally near, none if no such item
        is reached.
        """
        wanted = self._list_groups(mark)
        if mark.id not in self._beside or not wanted:
            return []
        # Breadth first: the nearest item is the one that is meant.
        visited = {mark.id}
        reached = {mark.id}
        while reached:
            neighbours = {other for near in reached for other in self._beside[near]}
            reached = neighbours - visited
            visited |= reached
            hosts = [other for other in reached if self._hold(other, mark) in wanted]
            if hosts:
                return hosts
        return []

    def _list_groups(self, mark: Mark) -> set[str]:
        """Return the groups of items that may have what a mark says, such as ``dosing``; none for
        an item that stands by itself, and for an unknown label. The item of a user's field may
        belong to an item of the guideline.
        """
        group = self._labels.items.get(mark.label)
        if group is None:
            try:
                return {labelled.group for labelled in self._labels.find(mark.label)}
            except ArgumentError:
                return set()
        if not group.startswith("custom."):
            return set()
        host = self._labels.fields[mark.label].group.of
        if not host:
            return set()
        return {host}

    def _hold(self, other_id: str, mark: Mark) -> str:
        """Return the group of the item that the mark with the id ``other_id`` makes for ``mark``;
        empty if it makes none. An agent makes a regimen for all but other agents.
        """
        other = self._by_id.get(other_id)
        if other is None or other.label == RECORD:
            return ""
        is_agent = other.label.endswith(_AGENT)
        if is_agent and not mark.label.endswith(_AGENT):
            return DOSING
        return self._labels.items.get(other.label, "")

    def is_used(self, mark: Mark) -> bool:
        """Return whether the relations of a mark that leads to no item say something.

        They do if the mark is the item of a mark beside it. An agent's do if a mark beside it leads
        to any item. Those of another part of a dose always count, since its missing agent becomes
        a problem when the part is taken over.
        """
        beside = self._beside[mark.id]
        others = [self._by_id[other] for other in beside if other in self._by_id]
        is_of_dose = DOSING in self._list_groups(mark)
        if is_of_dose and not mark.label.endswith(_AGENT):
            return True
        if is_of_dose:
            return any(self.find_hosts(other) for other in others)
        return any(mark.id in self.find_hosts(other) for other in others)
