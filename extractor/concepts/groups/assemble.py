"""Group criteria that one line introduces, that "or" or "and" joins, or that exclude each other."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from extractor.concepts.groups.read import find_runs, read_rule, usual_rule
from extractor.concepts.provenance import ItemBuilder
from extractor.evidence.drafts import Draft, Reading, Span
from extractor.evidence.parsed import ParsedRecord
from extractor.schemas import CriterionGroup, CriterionKind, Evidence, GroupRule


@dataclass(frozen=True, slots=True)
class Grouping:
    """The groups of a record with their evidence, and for each criterion the name of the one in
    which it is.
    """

    groups: tuple[CriterionGroup, ...]
    evidence: tuple[Evidence, ...]
    of: tuple[str | None, ...]


@dataclass(eq=False, slots=True)
class _Node:
    """A list, a group in it, or a criterion, which also holds the group that it introduces.

    ``position`` is that of the criterion among all, or of the first in the group. A group below a
    line has its ``line``, and the ``draft`` of that, unless it is a heading.
    """

    kind: CriterionKind
    span: Span
    position: int = 0
    parent: "_Node | None" = None
    line: Reading[Any] | None = None
    draft: Draft | None = None
    rule: Reading[CriterionGroup] | None = None
    members: "list[_Node]" = field(default_factory=list)

    def hold(self, node: "_Node") -> "_Node":
        """Add a member."""
        node.parent = self
        self.members.append(node)
        return node


_NOWHERE = Span("", 0, 0)


def group_criteria(parsed: ParsedRecord, criteria: Sequence[Draft]) -> Grouping:
    """Group the criteria of a record, and name the groups in the order of the text.

    A line that introduces criteria makes a group, and is itself in the group of the line that
    introduces it. A group with one member is meaningless and left out, unless it is one of
    several alternatives.
    """
    lists, nodes = _plant(parsed, criteria)
    for node in list(_walk(lists)):
        if node.line or node in lists:
            _find_rule(parsed, node)
    shown = [node for node in _walk(lists) if _is_shown(node)]
    shown.sort(key=lambda node: node.position)
    names = {node: f"g{number}" for number, node in enumerate(shown, 1)}
    builder = ItemBuilder(parsed, parsed.whole, "eligibility")
    groups: list[CriterionGroup] = []
    for number, node in enumerate(shown):
        lead_in = None
        if node.line:
            lead_in = builder.add(f"groups[{number}].lead_in", node.line)
        if not node.rule:
            continue
        group = builder.add(f"groups[{number}].rule", node.rule)
        if not group:
            continue
        parent = _name_around(node, names)
        update = {"id": names[node], "lead_in": lead_in, "parent": parent}
        groups.append(group.model_copy(update=update))
    evidence = builder.build()["evidence"]
    holders = tuple(_name_around(node, names) for node in nodes)
    return Grouping(tuple(groups), evidence, holders)


def _name_around(node: _Node, names: Mapping[_Node, str]) -> str | None:
    """Return the name of the innermost shown group in which a node is, None if in none."""
    above = node.parent
    while above and above not in names:
        above = above.parent
    return names[above] if above else None


_Location = tuple[CriterionKind, str, int]
"""Where a line or criterion of a list begins: the list, the section, the offset in it."""


def _plant(
    parsed: ParsedRecord, criteria: Sequence[Draft]
) -> tuple[list[_Node], list[_Node]]:
    """Return the lists with all groups that lines make in them, and the node of each criterion.

    A line makes one group in each list in which criteria are below it. Its group is in the
    node of the line itself, if that is a criterion of the list, else in the group of the line
    above it.
    """
    lists = {kind: _Node(kind, _NOWHERE) for kind in CriterionKind}
    draft_by_place: dict[tuple[str, int], Draft] = {}
    for draft in parsed.criteria:
        draft_by_place[draft.span.section, draft.span.start] = draft
    groups: dict[_Location, _Node] = {}
    planted: dict[_Location, _Node] = {}
    nodes: list[_Node] = []
    for position, draft in enumerate(criteria):
        kind: CriterionKind = _resolve(parsed, draft, "kind").value
        holder = lists[kind]
        # the lines above the criterion that have no group yet, from the innermost one
        new: list[tuple[Reading[Any], Draft | None]] = []
        line = _find_line(parsed, draft)
        while line:
            span = line.spans[0]
            group = groups.get((kind, span.section, span.start))
            if group:
                holder = group
                break
            introducing = draft_by_place.get((span.section, span.start))
            new.append((line, introducing))
            line = _find_line(parsed, introducing)
        for line, introducing in reversed(new):
            span = line.spans[0]
            location = (kind, span.section, span.start)
            # a criterion that introduces others holds their group
            around = planted.get(location, holder)
            group = _Node(kind, span, position, line=line, draft=introducing)
            holder = around.hold(group)
            groups[location] = holder
        node = holder.hold(_Node(kind, draft.span, position))
        nodes.append(node)
        planted[kind, draft.span.section, draft.span.start] = node
    return list(lists.values()), nodes


def _find_line(parsed: ParsedRecord, draft: Draft | None) -> Reading[Any] | None:
    """Return the line that introduces a criterion; None if none is before it in its section,
    or if the draft is None.
    """
    if draft is None:
        return None
    line = _resolve(parsed, draft, "lead_in")
    if not line.spans:
        return None
    span = line.spans[0]
    if span.section != draft.span.section or span.start >= draft.span.start:
        return None
    return line


def _resolve(parsed: ParsedRecord, draft: Draft, name: str) -> Reading[Any]:
    return ItemBuilder(parsed, draft, draft.group).resolve(name)


def _walk(lists: Sequence[_Node]) -> Iterator[_Node]:
    """Yield all nodes, each before its members."""
    waiting = list(lists)
    while waiting:
        node = waiting.pop()
        yield node
        waiting += node.members


def _is_shown(node: _Node) -> bool:
    """Return whether a group states something: it has several members, or is an alternative to
    others beside it.
    """
    if node.rule is None:
        return False
    if len(node.members) > 1:
        return True
    around = node.parent
    return around is not None and bool(around.rule) and not around.line


def _find_rule(parsed: ParsedRecord, node: _Node) -> None:
    """Set how the members of a group belong together, and put members that "or", "and" or their
    names join into groups of their own within it.

    A list has no rule of its own. Of "at least two", the members stay as they are.
    """
    members = node.members
    passages = [parsed.passage(member.span).alone() for member in members]
    usual = usual_rule(node.kind)
    if node.line:
        node.rule = _resolve(parsed, node.draft, "rule") if node.draft else None
        # a heading, or a line that a model alone says to introduce
        if node.rule is None or node.rule.value is None:
            line = parsed.passage(node.span).alone()
            node.rule = read_rule(line, passages, node.kind)
        usual = node.rule.value.rule
    if usual is GroupRule.AT_LEAST:
        return
    node.members = []
    held = 0
    for first, end, rule in find_runs(passages, usual):
        is_whole = end - first == len(members)
        if node.line and is_whole:
            continue
        for member in members[held:first]:
            node.hold(member)
        start = members[first]
        run = node.hold(_Node(node.kind, start.span, start.position, rule=rule))
        for member in members[first:end]:
            run.hold(member)
        held = end
    for member in members[held:]:
        node.hold(member)
