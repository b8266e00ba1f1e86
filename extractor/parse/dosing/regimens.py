"""Merged statements become regimens: how the agent is named, what is quoted, and how sure each field is.

A stated confidence only ranks: calibration (``extractor.parse.scoring``) turns it into the share that was right on
annotated records.
"""

from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from operator import itemgetter
from typing import Any

from extractor.parse.parsed import ParsedRegimen, Reading, Span
from extractor.parse.scoring import measured
from extractor.schemas import Amount, Frequency, Route, Support
from extractor.text.book import rule
from extractor.text.lexer import lex

from .agents import find_substance, is_joint
from .amounts import choose_levels
from .clauses import has_rule
from .facts import FIELDS, Fact, Findings, Statement
from .merging import find_trial_cycle, is_cyclic, is_rate, resolve_frequency, resolve_length, resolve_timing
from .names import is_code, is_salt, is_short_form, is_vague, name_key
from .passages import RecordText
from .roles import Trial, read_role

_LIST_GAP, _GAP, _BRACKET = 60, 120, 25
"""Most characters between the doses of one list, or before what the next sentence says of a dose; between a dose and
what the same clause says of its giving; between a quote and the bracket that closes one it opens."""
_LATER = ("route", "frequency", "days")
"""What the next sentence says that belongs to the quote; cycles and lengths are mostly those of the whole trial."""
_SIGNS = {"cycle": "cycle_word", "length": "duration"}
"""Rules that find words about a field, even where none of its values is read."""


def build_regimens(
    statements: Sequence[Statement],
    source: RecordText,
    findings: Mapping[str, Findings],
    trial: Trial,
    numbers: Iterator[int],
    raw: Mapping[str, str],
    trial_length: Fact | None = None,
) -> tuple[ParsedRegimen, ...]:
    """One regimen for each statement, in reading order; ``raw`` is the raw text of each section.

    ``trial_length`` is that of regimens that are given more than once and state none, if no regimen states another.
    """
    order = {section: place for place, section in enumerate(source.passages)}
    ordered = sorted(statements, key=lambda s: (order[s.section], s.start))
    if trial_cycle := find_trial_cycle(findings):
        ordered = [replace(s, cycle=trial_cycle) if s.cycle is None and s.days and is_cyclic(s) else s for s in ordered]
    lengths = [resolve_length(statement, findings[statement.section]) for statement in ordered]
    if trial_length and any(length and length.value not in {None, trial_length.value} for length in lengths):
        trial_length = None
    stated = {name for found in findings.values() for name in ("amounts", *FIELDS) if getattr(found, name)}
    texts = [passage.tokens for passage in source.passages.values()]
    stated |= {name for name, sign in _SIGNS.items() if any(rule(sign).search(tokens) for tokens in texts)}
    return tuple(
        _Builder(statement, source, raw, stated).build(trial, next(numbers), length, trial_length)
        for statement, length in zip(ordered, lengths, strict=True)
    )


@dataclass(frozen=True)
class _Builder:
    """Builds the regimen of one statement. ``stated`` names the kinds of findings that the record has anywhere."""

    statement: Statement
    source: RecordText
    raw: Mapping[str, str]
    stated: Collection[str]

    def build(self, trial: Trial, number: int, length: Fact | None, trial_length: Fact | None) -> ParsedRegimen:
        statement, source = self.statement, self.source
        name, passage = find_name(statement, source), source.passages[statement.section]
        frequency = self.read_frequency()
        duration = self.read_fact("length", length)
        if trial_length and length is None and frequency.value not in {None, Frequency.ONCE}:
            duration = Reading(trial_length.value, trial_length.confidence, (self.span(trial_length),), Support.PARSED)
        role, role_confidence = read_role(statement, passage.text, trial)
        case = "agent is topic" if statement.mention is None else "agent named"
        if statement.mention and statement.linked < 1:
            case = "agent renamed"
        # The clause, or title, in which the statement begins, as far as the statement reaches.
        place = bisect_right(passage.clauses, statement.start, key=itemgetter(0))
        start, end = passage.clauses[place - 1] if place else passage.title
        if not start <= statement.start < end:
            start, end = statement.start, statement.end
        start, end = min(start, statement.start), max(end, statement.end)
        return ParsedRegimen(
            chunk=source.chunk(number, statement.section, start, end),
            quote=source.span(statement.section, *choose_quote(statement)),
            agent=Reading(self.raw[name.section][name.start : name.end], measured("regimen", case), (name,)),
            role=Reading(role, role_confidence, (name,), Support.INFERRED),
            amounts=self.read_amounts(),
            route=self.read_route(),
            frequency=frequency,
            cycle=self.read_fact("cycle", statement.cycle),
            duration=duration,
            timing=self.read_timing(),
        )

    def span(self, fact: Fact) -> Span:
        return self.source.span(fact.section, fact.start, fact.end)

    def list_near(self, name: str) -> set[Any]:
        """The values of a field in the part of the clause that speaks of this agent."""
        start, end = self.statement.reach
        return {mark.value for mark in getattr(self.statement.clause.marks.inside(start, end), name)}

    def trust(self, name: str, fact: Fact | None) -> float:
        """How sure a field is, by where it stands and by what else in the record could be meant."""
        clause, sign = self.statement.clause, _SIGNS.get(name)
        if fact is None:
            near = self.list_near(name) or (sign and has_rule(sign, clause.tokens, clause.start, clause.end))
            return measured("regimen", "in clause" if near else "in record" if name in self.stated else "nowhere")
        if not self.statement.holds(fact):
            return measured("regimen", "elsewhere")
        return measured("regimen", "alone" if len(self.list_near(name)) <= 1 else "rivals")

    def read_amounts(self) -> Reading[tuple[Amount, ...] | None]:
        spans: dict[Amount, Span] = {}
        for fact in self.statement.amounts:
            for amount in fact.value:
                spans.setdefault(amount, self.span(fact))
        levels = choose_levels(spans)
        confidence = self.trust("amounts", self.statement.amounts[0] if levels else None)
        return Reading(levels, confidence, tuple(spans[level] for level in levels), Support.PARSED)

    def read_route(self) -> Reading[Route | None]:
        reading: Reading[Route | None] = self.read_fact("route", self.statement.route)
        return replace(reading, support=Support.INFERRED) if reading.spans else reading

    def read_frequency(self) -> Reading[Frequency | None]:
        statement = self.statement
        value = resolve_frequency(statement)
        fact = stated = statement.frequency or statement.days
        fact = stated or (statement.amounts[0] if is_rate(statement) else statement.moment)
        if value is None or fact is None:
            timed = statement.days or self.list_near("frequency") or self.list_near("days")
            return Reading(None, measured("regimen", "in clause") if timed else self.trust("frequency", None))
        confidence = measured("regimen", "rivals")
        if statement.frequency:
            confidence = self.trust("frequency", statement.frequency)
        return Reading(value, confidence, (self.span(fact),), Support.PARSED if stated else Support.INFERRED)

    def read_fact(self, name: str, fact: Fact | None) -> Reading[Any]:
        """A field that one fact states as it is."""
        if fact is None or fact.value is None:
            return Reading(None, self.trust(name, None))
        return Reading(fact.value, self.trust(name, fact), (self.span(fact),), Support.PARSED)

    def read_timing(self) -> Reading[str | None]:
        timing = resolve_timing(self.statement)
        if timing is None:
            return Reading(None, min(self.trust("days", None), self.trust("moment", None)))
        fact, start, end = timing
        span = self.source.span(fact.section, start, end)
        confidence = self.trust("days" if fact is self.statement.days else "moment", fact)
        return Reading(self.raw[span.section][span.start : span.end], confidence, (span,))


def find_name(statement: Statement, source: RecordText) -> Span:
    """Where the agent is named: in the clause, except where the registered name says more."""
    agent, mention = statement.agent, statement.mention
    tokens = source.passages[statement.section].tokens
    if agent.kind != "placebo" and is_vague(agent.key):  # what "oral immunotherapy" is done with: "300 mg of oat flour"
        own = (fact for fact in statement.amounts if fact.section == statement.section)
        if place := next((found for fact in own if (found := find_substance(tokens, tokens.at(fact.end)))), None):
            return source.span(statement.section, *tokens.span(*place))
    if mention is None:
        return _find_own_name(statement, source)
    short = tokens.text[mention.start : mention.end]
    own_name = source.passages[agent.section].text[agent.start : agent.end] if agent.section in source.passages else ""
    if is_shorter(short, own_name):
        return source.span(statement.section, mention.start, mention.end)
    differs = name_key(short) != agent.key
    nearby = agent.section == statement.section and not is_vague(agent.key)
    if (agent.kind == "placebo" and own_name) or (differs and ((own_name and is_short_form(short)) or nearby)):
        return _find_own_name(statement, source)
    end = tokens.before(mention.end)
    while is_salt(tokens, end):
        end += 1
    return source.span(statement.section, *tokens.span(tokens.at(mention.start), end))


def is_shorter(short: str, name: str) -> bool:
    """Whether a text gives only the last word of a registered name: a code, "placebo".

    >>> is_shorter("EX9283", "kinase inhibitor EX9283"), is_shorter("placebo", "Saline Placebo")
    (True, True)
    >>> is_shorter("vincristine", "liposomal vincristine")
    False
    """
    if not name.casefold().endswith(f" {short.casefold()}"):
        return False
    tokens = lex(short)
    return short.casefold() == "placebo" or is_code(tokens, 0, len(tokens))


def _find_own_name(statement: Statement, source: RecordText) -> Span:
    """Where the agent's own name stands, in an intervention mostly; without its salt if the record leaves it out."""
    agent, end = statement.agent, statement.agent.end
    if agent.section in source.passages:
        tokens = source.passages[agent.section].tokens
        first, last = tokens.at(agent.start), tokens.before(agent.end)
        bare = last
        while bare - first > 1 and is_salt(tokens, bare - 1):
            bare -= 1
        if bare < last and _is_named(tokens.read(first, bare), source):
            end = tokens.ends[bare - 1]
    return source.span(agent.section, agent.start, end)


def _is_named(name: str, source: RecordText) -> bool:
    """Whether the record has this name without a salt behind it."""
    words = [word.lower() for word in lex(name).words]
    for passage in source.passages.values():
        folded = [word.lower() for word in passage.tokens.words]
        for at, word in enumerate(folded):
            end = at + len(words)
            if word == words[0] and folded[at:end] == words and not is_salt(passage.tokens, end):
                return True
    return False


def choose_quote(statement: Statement) -> tuple[int, int]:
    """Start and end of the quote in the section's cleaned text: the shortest text that carries the dose.

    A quote reaches from the dose, with the words that open it ("a single", "intravenous injection of"), to the last
    mark of its giving. It begins with the agent's name where that stands in the middle of a sentence directly before
    the dose, and where there is no amount. It holds both of two brackets.
    """
    start, end = _find_anchor(statement)
    start, end = _extend_start(statement, start), _extend_end(statement, end)
    text = statement.clause.text
    opened, closed = text.count("(", start, end), text.count(")", start, end)
    if opened > closed and (close := text.find(")", end, end + _BRACKET)) >= 0:
        return start, close + 1
    return (start - 1, end) if closed > opened and text[start - 1 : start] == "(" else (start, end)


def _find_anchor(statement: Statement) -> tuple[int, int]:
    """What the quote has to hold: the doses that follow each other closely, else the first mark of the statement."""

    def inside(marks: Sequence[Fact]) -> list[tuple[int, int]]:
        return sorted((m.start, m.end) for m in marks if statement.start <= m.start and m.end <= statement.end)

    facts = _list_facts(statement)
    amounts = inside([fact for fact in statement.amounts if fact.section == statement.section])
    if not amounts:
        marks = [mark for _, mark in facts]
        behind = [mark for mark in marks if statement.mention and mark.start >= statement.mention.end]
        return next(iter(inside(behind) or inside(marks)), (statement.start, statement.end))
    start, end = amounts[0]
    for (_, last), (first, following) in pairwise(amounts):
        parted = any(last <= mark.start < first for name, mark in facts if name in ("frequency", "length"))
        if first - last > _LIST_GAP or parted or "\n" in statement.clause.text[last:first]:
            break
        end = following
    return start, end


def _list_facts(statement: Statement) -> list[tuple[str, Fact]]:
    """What the statement says in its own section, doses apart; not what a dose shares with the agents behind it.

    A placebo beside the agent is no other agent: "5 mg of Examplumab or placebo once a day".
    """
    border, clause = statement.reach[1], statement.clause
    alone = not statement.amounts or all(m.value.kind == "placebo" or m.start < border for m in clause.named)
    facts = ((name, getattr(statement, name)) for name in FIELDS)
    own = [(name, fact) for name, fact in facts if fact and fact.section == statement.section]
    return [(name, fact) for name, fact in own if alone or not border <= fact.start < clause.end]


def _extend_end(statement: Statement, end: int) -> int:
    clause = statement.clause
    end = _extend_tail(statement, end)
    for name, mark in sorted(_list_facts(statement), key=lambda fact: fact[1].start):
        later = mark.start >= clause.end
        far = mark.start - end > (_LIST_GAP if later else _GAP) or (later and name not in _LATER)
        # Two ends of lines lead from an arm's label, over its type, into its description.
        if mark.end > end and not far and clause.text.count("\n", end, mark.start) < 2:
            end = _extend_tail(statement, mark.end)
    return end


def _extend_tail(statement: Statement, end: int) -> int:
    """The end with the agent's name behind a dose ("5 mg of Examplumab") and what says how one giving is done."""
    tokens, mention = statement.clause.tokens, statement.mention
    while True:
        place = tokens.before(end)
        if mention and end <= mention.start and tokens.read(place, tokens.before(mention.start)).lower() in {"", "of"}:
            end = mention.end
        elif (found := rule("dose_tail").starts(tokens, place)) and found.span[1] > end:
            end = found.span[1]
        else:
            return end


def _extend_start(statement: Statement, start: int) -> int:
    tokens, mention, clause = statement.clause.tokens, statement.mention, statement.clause
    start = _include_opening(statement, start)
    near = mention if mention and clause.start <= mention.start < start else None
    if near and not statement.amounts and is_joint("name_to_giving", tokens, near.end, start):
        return _include_opening(statement, near.start)
    if not statement.amounts:
        place = tokens.before(start)
        given = rule("given").ends(tokens, place, place - 2)
        return given.span[0] if given else start
    if not near or start - near.end >= 3:
        return start
    opened, first = _include_opening(statement, near.start), tokens.at(near.start)
    if opened < near.start:
        return opened
    return start if first == 0 or tokens.codes[first - 1] == "\n" else near.start


def _include_opening(statement: Statement, start: int) -> int:
    """The start with the words that open a dose, and marks of its route and frequency before it."""
    tokens, clause = statement.clause.tokens, statement.clause
    opens = {mark.end: mark.start for mark in (*clause.marks.route, *clause.marks.frequency) if mark.end <= start}
    first = tokens.at(clause.start)
    while True:
        place = tokens.before(start)
        joint = place - ((place > first and tokens.codes[place - 1] == ",") or tokens.read(place - 1, place) == "or")
        before = tokens.ends[joint - 1] if joint > first else -1
        found = rule("dose_opening").ends(tokens, place, max(first, place - 8))
        if opens.get(before, start) < start:
            start = opens[before]
        elif found and found.end > found.first and found.span[0] < start:
            start = found.span[0]
        else:
            article = place > first and rule("dose_article").covers(tokens, place - 1, place)
            return tokens.starts[place - 1] if article and not statement.amounts else start
