"""Group criteria that one line introduces, that "or" or "and" joins, or that exclude each other."""

from collections.abc import Iterator, Sequence
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
    which it stands.
    """

    groups: tuple[CriterionGroup, ...]
    evidence: tuple[Evidence, ...]
    of: tuple[str | None, ...]


@dataclass(eq=False, slots=True)
class _Node:
    """A list, a group in it, or a criterion, which also holds the group that it introduces.

    ``place`` is that of the criterion, or of the first in the group. A group below a line has its
    ``line``, and the ``draft`` of that, unless it is a heading.
    """

    kind: CriterionKind
    span: Span
    place: int = 0
    parent: "_Node | None" = None
    line: Reading[Any] | None = None
    draft: Draft | None = None
    rule: Reading[CriterionGroup] | None = None
    members: "list[_Node]" = field(default_factory=list)

    def hold(self, node: "_Node") -> "_Node":
        """Take in a member."""
        node.parent = self
        self.members.append(node)
        return node


_NOWHERE = Span("", 0, 0)


def group_criteria(parsed: ParsedRecord, criteria: Sequence[Draft]) -> Grouping:
    """Group the criteria of a record, and name the groups in the order of the text.

    A line that introduces criteria makes a group, and stands itself in the group of the line that
    introduces it. A group of one member says nothing, and is left out, unless it is one of several
    alternatives.
    """
    lists, nodes = _plant(parsed, criteria)
    for node in [each for each in _walk(lists) if each.line or each in lists]:
        _find_rule(parsed, node)
    groups = sorted(
        (node for node in _walk(lists) if _is_shown(node)), key=lambda node: node.place
    )
    names = {node: f"g{number}" for number, node in enumerate(groups, 1)}

    def name_around(node: _Node) -> str | None:
        above = node.parent
        while above and above not in names:
            above = above.parent
        return names[above] if above else None

    builder = ItemBuilder(parsed, parsed.whole, "eligibility")
    stated: list[CriterionGroup] = []
    for number, node in enumerate(groups):
        lead_in = (
            builder.add(f"groups[{number}].lead_in", node.line) if node.line else None
        )
        if node.rule and (said := builder.add(f"groups[{number}].rule", node.rule)):
            update = {
                "id": names[node],
                "lead_in": lead_in,
                "parent": name_around(node),
            }
            stated.append(said.model_copy(update=update))
    return Grouping(
        tuple(stated), builder.build()["evidence"], tuple(map(name_around, nodes))
    )


def _plant(
    parsed: ParsedRecord, criteria: Sequence[Draft]
) -> tuple[list[_Node], list[_Node]]:
    """Return the lists with all groups that lines make in them, and the node of each criterion."""
    lists = {kind: _Node(kind, _NOWHERE) for kind in CriterionKind}
    drafts = {(one.span.section, one.span.start): one for one in parsed.criteria}
    groups: dict[tuple[CriterionKind, str, int], _Node] = {}
    stated: dict[tuple[CriterionKind, str, int], _Node] = {}
    nodes: list[_Node] = []
    for place, draft in enumerate(criteria):
        kind: CriterionKind = _resolve(parsed, draft, "kind").value
        group = lists[kind]
        above = list[tuple[Reading[Any], Draft | None]]()
        line = _find_line(parsed, draft)
        while line:  # the lines above it that are new, from the innermost one
            span = line.spans[0]
            known = groups.get((kind, span.section, span.start))
            if known:
                group = known
                break
            above.append((line, drafts.get((span.section, span.start))))
            line = _find_line(parsed, above[-1][1])
        for line, introducing in reversed(above):
            key = (kind, line.spans[0].section, line.spans[0].start)
            holder = stated.get(key, group)  # a criterion that introduces others
            group = groups[key] = holder.hold(
                _Node(kind, line.spans[0], place, line=line, draft=introducing)
            )
        nodes.append(group.hold(_Node(kind, draft.span, place)))
        stated[kind, draft.span.section, draft.span.start] = nodes[-1]
    return list(lists.values()), nodes


def _find_line(parsed: ParsedRecord, draft: Draft | None) -> Reading[Any] | None:
    """Return the line that introduces another one, and stands before it."""
    line = _resolve(parsed, draft, "lead_in") if draft else None
    if draft is None or line is None or not line.spans:
        return None
    span = line.spans[0]
    return (
        line
        if span.section == draft.span.section and span.start < draft.span.start
        else None
    )


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
    alternative = node.parent and node.parent.rule and not node.parent.line
    return node.rule is not None and (len(node.members) > 1 or bool(alternative))


def _find_rule(parsed: ParsedRecord, node: _Node) -> None:
    """Find how the members of a list or group belong together, and the groups among them that no
    line introduces.
    """
    passages = [parsed.passage(one.span).alone() for one in node.members]
    usual = usual_rule(node.kind)
    if node.line:
        node.rule = _resolve(parsed, node.draft, "rule") if node.draft else None
        # a heading, or a line that a model alone says to introduce
        if node.rule is None or node.rule.value is None:
            node.rule = read_rule(
                parsed.passage(node.span).alone(), passages, node.kind
            )
        usual = node.rule.value.rule
    if usual is GroupRule.AT_LEAST:
        return
    members = node.members
    node.members = []
    done = 0
    for first, end, rule in find_runs(passages, usual):
        if node.line and end - first == len(members):
            continue
        for one in members[done:first]:
            node.hold(one)
        run = node.hold(
            _Node(node.kind, members[first].span, members[first].place, rule=rule)
        )
        for one in members[first:end]:
            run.hold(one)
        done = end
    for one in members[done:]:
        node.hold(one)
