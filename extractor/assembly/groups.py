"""Group criteria: ``group_criteria`` builds the tree of the lines above each criterion, and names
its groups. A line with several members becomes a group, and so does a run of alternatives; a line
with a single member does not.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from extractor.assembly.provenance import ItemBuilder
from extractor.concepts.criteria.groups import find_runs, read_rule, usual_rule
from extractor.evidence.drafts import Reading, Span
from extractor.evidence.items import CriterionDraft, Read
from extractor.evidence.parsed import ParsedRecord
from extractor.schemas import CriterionGroup, CriterionKind, Evidence, GroupRule


@dataclass(frozen=True, slots=True)
class Grouping:
    """The groups of a record with their evidence and, for each criterion, the name of its group or
    None.
    """

    groups: tuple[CriterionGroup, ...]
    evidence: tuple[Evidence, ...]
    group_names: tuple[str | None, ...]


@dataclass(eq=False, slots=True)
class _Node:
    """A list, an introducing line, a criterion, or a run of alternatives.

    Attributes:
        draft: The criterion or introducing line; None for a heading, a list or a run.
        line: The reading of the line that introduces the members.
        rule: The reading of how the members are combined.
        members: The nodes below it.
    """

    kind: CriterionKind
    span: Span
    draft: CriterionDraft | None = None
    line: Reading[object] | None = None
    rule: Read[CriterionGroup] | None = None
    above: "_Node | None" = None
    members: "list[_Node]" = field(default_factory=list)

    def take(self, members: "Sequence[_Node]") -> None:
        """Add members and set this node as their parent."""
        for member in members:
            member.above = self
        self.members += members


def group_criteria(
    parsed: ParsedRecord, criteria: Sequence[tuple[CriterionDraft, CriterionKind]]
) -> Grouping:
    """Group the criteria of a record, given with their kinds, and name the groups in the order of
    the text.

    A line that introduces criteria forms a group, and is a member of the group of the line that
    introduces it.
    """
    lists = {kind: _Node(kind, Span("", 0, 0)) for kind in CriterionKind}
    nodes = _build_tree(parsed, criteria, lists)
    # a list of the nodes, because nested runs are added to the tree
    for node in list(_walk(lists.values())):
        _set_rule_and_nest_runs(parsed, node)
    walked = sorted(_walk(lists.values()), key=lambda node: node.span.start)
    visible = [
        (node, node.rule, node.rule.value)
        for node in walked
        if node.rule and node.rule.value
    ]
    names = {node: f"g{number}" for number, (node, _, _) in enumerate(visible, 1)}
    builder = ItemBuilder(parsed, parsed.whole, "eligibility")
    groups: list[CriterionGroup] = []
    for number, (node, reading, group) in enumerate(visible):
        lead_in = None
        if node.line:
            lead_in = builder.add(f"groups[{number}].lead_in", node.line)
        builder.add(f"groups[{number}].rule", reading)
        parent = _name_above(node, names)
        update = {"id": names[node], "lead_in": lead_in, "parent": parent}
        groups.append(group.model_copy(update=update))
    holders = tuple(_name_above(node, names) for node in nodes)
    return Grouping(tuple(groups), builder.build()["evidence"], holders)


def _name_above(node: _Node, names: Mapping[_Node, str]) -> str | None:
    """Return the name of the innermost visible group that contains a node; None if there is no
    such group.
    """
    above = node.above
    while above and above not in names:
        above = above.above
    if above:
        return names[above]
    return None


def _build_tree(
    parsed: ParsedRecord,
    criteria: Sequence[tuple[CriterionDraft, CriterionKind]],
    lists: Mapping[CriterionKind, _Node],
) -> list[_Node]:
    """Add each criterion to its list, below the lines that introduce it, and return the nodes of
    the criteria.
    """
    drafts = {
        (draft.span.section, draft.span.start): draft for draft in parsed.criteria
    }
    by_place: dict[tuple[CriterionKind, str, int], _Node] = {}
    nodes: list[_Node] = []
    for draft, kind in criteria:
        above = lists[kind]
        # the criterion, and the lines above it that do not have a node yet, from the bottom up
        new = [_Node(kind, draft.span, draft)]
        while line := _find_line(parsed, new[-1].draft):
            span = line.spans[0]
            known = by_place.get((kind, span.section, span.start))
            if known:
                known.line = line
                above = known
                break
            introducing = drafts.get((span.section, span.start))
            new.append(_Node(kind, span, introducing, line))
        for node in reversed(new):
            above.take([node])
            by_place[kind, node.span.section, node.span.start] = node
            above = node
        nodes.append(above)
    return nodes


def _find_line(
    parsed: ParsedRecord, draft: CriterionDraft | None
) -> Reading[object] | None:
    """Return the line that introduces a criterion; None if no preceding line in its section
    introduces it, or if the draft is None.
    """
    if draft is None:
        return None
    line = _resolve(parsed, draft).resolve("lead_in")
    # a model may name a line of another section, or one below the criterion
    for span in line.spans[:1]:
        if span.section == draft.span.section and span.start < draft.span.start:
            return line
    return None


def _resolve(parsed: ParsedRecord, draft: CriterionDraft) -> ItemBuilder:
    return ItemBuilder(parsed, draft, draft.group)


def _walk(nodes: Iterable[_Node]) -> Iterator[_Node]:
    """Yield the nodes and all their descendants, each node before its members."""
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        yield node
        waiting += node.members


def _set_rule_and_nest_runs(parsed: ParsedRecord, node: _Node) -> None:
    """Set the rule that combines the members of a node, and move each run of members that are
    joined by "or" or "and", or by the members' names, into a separate group below that node. A
    list does not have its own rule. The members of an "at least two" group are left unchanged.
    """
    passages = [parsed.passage(member.span).alone() for member in node.members]
    usual = usual_rule(node.kind)
    if node.line:
        if node.draft:
            node.rule = _resolve(parsed, node.draft).resolve_as(CriterionGroup, "rule")
        # a heading, or a line that only a model considers an introduction
        if node.rule is None or node.rule.value is None:
            line = parsed.passage(node.span).alone()
            node.rule = read_rule(line, passages, node.kind)
        if node.rule.value:
            usual = node.rule.value.rule
    if usual is GroupRule.AT_LEAST:
        return
    # from the last run to the first, so that the positions of earlier members stay valid
    for first, end, combined in reversed(list(find_runs(passages, usual))):
        is_whole = end - first == len(passages)
        # the rule of the line takes account of what joins all its members
        if node.line and is_whole:
            continue
        members = node.members[first:end]
        run = _Node(node.kind, members[0].span, rule=combined, above=node)
        run.take(members)
        node.members[first:end] = [run]
