"""Read statements: what each clause of a section says about each agent, directly or in shared
words.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from extractor.concepts.doses.agents import (
    PROCEDURES,
    Agent,
    AgentNames,
    Mention,
    is_joint,
    is_substance,
)
from extractor.concepts.doses.amounts import AmountMark
from extractor.concepts.doses.clauses import Clause, Statement
from extractor.concepts.doses.cutting import Piece, cut_section
from extractor.concepts.doses.marks import Fact, drop_touching, within
from extractor.concepts.doses.new_names import add_listed_names
from extractor.concepts.doses.parts import NOBODY, Part, list_parts
from extractor.concepts.doses.sections import FIELDS, DosingSection, Findings
from extractor.concepts.doses.sharing import (
    Fields,
    choose_fact,
    counts_cycles,
    gather_fields,
    list_alternatives,
    list_own,
)
from extractor.language.book import rule
from extractor.language.lexer import Tokens

_SPREAD_REACH = 200
"""How many statements back a clause without an agent can refer to."""
_GIVING = frozenset({"route", "frequency", "days", "length"})
"""Fields that say how, when or how long an agent is given."""


def read_statements(
    section: DosingSection, lexicon: AgentNames, default: Agent | None
) -> list[Statement]:
    """Return what each clause of a section says of each agent, in reading order. ``default`` is the
    agent of clauses that name none; None if they are about nobody.
    """
    names = lexicon.find(section)
    marks = section.marks
    listed = add_listed_names(section, names, lexicon.agents)
    # a name that is part of an amount or a moment is no agent of its own
    mentions = drop_touching(listed, [*marks.amounts, *marks.moment])
    reader = _Reader(section, _drop_timing(section, names), mentions, default)
    for piece in cut_section(section, mentions):
        reader.read(piece)
    return reader.statements


def _drop_timing(section: DosingSection, names: Sequence[Mention]) -> Findings:
    """Return the marks of a section without the amounts of agents that only say when another one
    is given: "after A 5 mg, B 3 mg". Such agents are named within a moment.
    """
    marks = section.marks
    timing: list[Mention] = []
    for mention in names:
        for moment in marks.moment:
            if moment.first <= mention.first and mention.end <= moment.end:
                timing.append(mention)
                break
    amounts: list[AmountMark] = []
    for amount in marks.amounts:
        if any(_doses(section.tokens, mention, amount) for mention in timing):
            continue
        amounts.append(amount)
    return replace(marks, amounts=tuple(amounts))


def _doses(tokens: Tokens, mention: Mention, amount: AmountMark) -> bool:
    """Return whether an amount stands behind the name of an agent, with nothing but words such as
    "at a dose of" between the two: "A 5 mg".
    """
    if mention.end > amount.first:
        return False
    return is_joint("dosed_at", tokens, mention.end, amount.first)


@dataclass
class _Reader:
    """Reads a section piece by piece.

    ``marks`` are those of the section that count, ``mentions`` the names of agents. ``topic`` is
    the agent of clauses that name none: at first ``default``, then the one named last, but an
    intervention's own agent throughout. ``has_one_topic``: the title of an arm or intervention
    names no second agent. ``cyclic``: the section mentions cycles.
    """

    section: DosingSection
    marks: Findings
    mentions: Sequence[Mention]
    default: Agent | None
    statements: list[Statement] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.topic = self.default
        self.last_start = 0
        titled = within(self.mentions, *self.section.title)
        titled_agents = {mention.value.key for mention in titled}
        self.has_one_topic = self.section.is_group and len(titled_agents) < 2
        self.cyclic = rule("cycle_word").search(self.section.tokens) is not None

    def read(self, piece: Piece) -> None:
        """Add the statements of a piece; a piece without an agent, an amount or a step of a regimen
        adds its facts to the statements before it instead.
        """
        tokens = self.section.tokens
        first, end, is_step, is_cut = piece
        # an agent named in one paragraph of a description is not that of the next one
        is_new_paragraph = "\n" in tokens.codes[self.last_start : first]
        if is_new_paragraph and not self.section.is_group:
            self.topic = self.default
        self.last_start = first
        marks = self.marks.inside(first, end)
        named = _drop_labels(tokens, within(self.mentions, first, end))
        follows = bool(self.statements)
        # "then twice daily"
        is_bare_step = is_step and follows and not named
        says_own = bool(named or marks.amounts) or is_bare_step
        # "Treatment repeats every 3 weeks."
        if follows and not says_own:
            self._spread(marks, first)
            return
        topic = self.topic
        if is_bare_step or (is_cut and follows):
            # the rest of a sentence is about its last agent
            topic = self.statements[-1].agent
        clause = Clause(
            tokens,
            first,
            end,
            marks,
            named,
            topic,
            about_topic=self.section.is_intervention,
            has_one_topic=self.has_one_topic,
        )
        statements = list(self._describe(clause))
        if is_step and follows:
            statements = self._continue(statements)
        self.statements += statements
        if named and not self.section.is_intervention:
            self.topic = named[-1].value

    def _describe(self, clause: Clause) -> Iterator[Statement]:
        """Yield what a clause says of each agent; nothing of agents that nobody knows, and of those
        that it only names.
        """
        parts = list_parts(clause)
        for place, part in enumerate(parts):
            if part.agent is NOBODY:
                continue
            own = list_own(clause, part)
            fields = gather_fields(clause, parts, place, own)
            is_last = place == len(parts) - 1
            if not _says_something(part, own, fields, is_last=is_last):
                continue
            first, end = _find_extent(clause, part, own)
            facts: dict[str, Any] = {**fields, "amounts": tuple(part.amounts)}
            statement = Statement(
                part.agent,
                self.section.name,
                first,
                end,
                part.linked,
                part.mention,
                self.cyclic,
                clause,
                part.reach,
                **facts,
            )
            yield from _split_routes(statement, own)

    def _continue(self, steps: list[Statement]) -> list[Statement]:
        """Return the statements of a step after "then": those of the last agent go on from the last
        statement, and have what they do not say themselves from it.

        If only the dose changes, none of them keeps a length, which would be that of a step.
        """
        last = self.statements[-1]
        if any(_is_titrated(last, step) for step in steps):
            # "10 mg daily for 2 weeks, then 20 mg daily": no length is that of the treatment
            last = replace(last, length=None)
            self.statements[-1] = last
            steps = [replace(step, length=None) for step in steps]
        continued: list[Statement] = []
        for step in steps:
            is_same = step.agent.key == last.agent.key
            continued.append(_continue(last, step) if is_same else step)
        return continued

    def _spread(self, marks: Findings, first: int) -> None:
        """Add the facts of a clause without an agent, which begins at token ``first``, to the
        statements of its paragraph so far; if it opens a paragraph, to all statements before it.
        Only fields that a statement lacks are added.
        """
        facts: dict[str, Fact] = {}
        for name in self._list_shared():
            fact = choose_fact(marks, name)
            if fact:
                facts[name] = fact
        if not facts:
            return
        statements = self.statements
        paragraph = self.section.tokens.codes.rfind("\n", 0, first)
        opens_paragraph = statements[-1].clause.first <= paragraph
        if opens_paragraph:
            paragraph = -1
        earliest = max(0, len(statements) - _SPREAD_REACH)
        for place in range(len(statements) - 1, earliest - 1, -1):
            statement = statements[place]
            if statement.first <= paragraph:
                break
            statements[place] = _add(statement, facts)

    def _list_shared(self) -> Sequence[str]:
        """Return the fields that a clause without an agent can state for the agents so far: all for
        a single agent, but of several not how often or when each is given.
        """
        agents = {statement.agent.key for statement in self.statements}
        if len(agents) == 1:
            return FIELDS
        if self.section.is_group:
            return ("cycle", "length", "route")
        return ("cycle", "length")


def _drop_labels(tokens: Tokens, named: Sequence[Mention]) -> tuple[Mention, ...]:
    """Return the mentions without those that name arms: "for the A + B and C arms: A 5 mg
    daily". From the word "arms" backwards, names are labels as far as "and" or a sign joins them.
    """
    if len(named) < 2:
        return tuple(named)
    labels = set[Mention]()
    for word in rule("arm_word").find(tokens, named[0].end, named[-1].first):
        label_end = word.first
        before = [mention for mention in named if mention.end <= word.first]
        for mention in reversed(before):
            if not is_joint("label_joint", tokens, mention.end, label_end):
                break
            labels.add(mention)
            label_end = mention.first
    return tuple(mention for mention in named if mention not in labels)


def _says_something(
    part: Part, own: Findings, fields: Fields, *, is_last: bool
) -> bool:
    """Return whether a part of a clause says how its agent is given: it has an amount, or says how,
    when or how long by marks of its own. A named agent before the last part of a list may share
    those of the next ones: "A and B daily".

    ``own`` are the marks of the part, ``fields`` its facts with those that it shares.
    """
    if part.amounts:
        return True
    # a treatment without a substance may have a moment alone
    is_dated = bool(own.moment) and part.agent.kind in PROCEDURES
    if part.agent.kind == "class":
        # "inhaled corticosteroids": the route is part of the name
        needed = {"frequency", "days"}
    elif is_dated:
        needed = {*_GIVING, "moment"}
    else:
        needed = {*_GIVING}
    if fields.keys().isdisjoint(needed):
        return False
    is_listed = part.mention is not None and not is_last
    if is_dated or is_listed:
        return True
    return bool(own.route or own.frequency or own.days or own.length)


def _find_extent(clause: Clause, part: Part, own: Findings) -> tuple[int, int]:
    """Return the shortest range of tokens with the amounts and all other marks of a part, and
    without an amount with its name; the whole clause if the part has nothing of its own.
    """
    places = [(amount.first, amount.end) for amount in part.amounts]
    for name in FIELDS:
        fact = choose_fact(own, name)
        if fact:
            places.append((fact.first, fact.end))
    if part.mention and not part.amounts:
        places.append((part.first, part.end))
    if not places:
        return clause.first, clause.end
    first = min(start for start, _ in places)
    end = max(stop for _, stop in places)
    return first, end


def _add(statement: Statement, facts: Fields) -> Statement:
    """Return a statement with the facts that it lacks. An agent that is no substance gets no
    route.
    """
    changes: dict[str, Any] = {}
    for name, fact in facts.items():
        if getattr(statement, name) is not None:
            continue
        if name == "route" and not is_substance(statement.agent):
            continue
        changes[name] = fact
    return replace(statement, **changes) if changes else statement


def _is_titrated(before: Statement, step: Statement) -> bool:
    """Return whether a step changes only the dose of an agent, and the statement before it has a
    length, which is then that of a step. A length in cycles is that of the treatment.
    """
    if step.agent.key != before.agent.key or before.length is None:
        return False
    if not before.amounts or not step.amounts:
        return False
    if counts_cycles(before.length):
        return False
    if before.frequency is None or step.frequency is None:
        return False
    return bool(before.frequency.value == step.frequency.value)


def _continue(before: Statement, step: Statement) -> Statement:
    """Return a step after ``before`` of the same agent. Name, amounts, route and cycle that it
    does not state are those of ``before``.
    """
    changes: dict[str, Any] = {}
    for name in ("mention", "amounts", "route", "cycle"):
        changes[name] = getattr(step, name) or getattr(before, name)
    return replace(step, step=before.step + 1, **changes)


def _split_routes(statement: Statement, own: Findings) -> list[Statement]:
    """Return one statement for each route that "or" joins to the statement's own ("IV or orally"),
    else the statement alone. ``own`` are the marks of its part of the clause.
    """
    routes = list_alternatives(statement.clause, own.route)
    stated = statement.route.value if statement.route else None
    if stated not in {route.value for route in routes}:
        return [statement]
    return [replace(statement, route=route) for route in routes]
