"""Merged statements become regimens whose every field says how sure it is and where it stands.

A stated confidence only ranks: calibration (``extractor.parse.scoring``) turns it into the share that was right on
annotated records.
"""

from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from operator import itemgetter
from typing import Any

from extractor.parse.parsed import ParsedRegimen, Reading, Span
from extractor.schemas import Amount, Frequency, Route, Support
from extractor.text.book import rule
from extractor.text.lexer import Tokens, lex

from .agents import find_substance
from .amounts import choose_levels
from .clauses import has_rule
from .facts import FIELDS, Fact, Findings, Statement
from .marks import Mark
from .merging import find_trial_cycle, is_cyclic, is_rate, settle_frequency, settle_length, settle_timing
from .names import is_code, is_salt, is_short_form, is_vague, name_key, span_of
from .passages import RecordText
from .roles import Trial, read_role
from .statements import is_between


def find_name(statement: Statement, source: RecordText) -> Span:
    """Where the agent is named: in the clause, except where an intervention's own name is the fuller one."""
    agent, mention = statement.agent, statement.mention
    tokens = source.passages[statement.section].tokens
    if agent.kind != "placebo" and is_vague(agent.key) and (substance := _find_substance(statement, source)):
        return source.span(statement.section, *substance)
    if mention is None:
        return _find_own_name(statement, source)
    called = tokens.text[mention.start : mention.end]
    own = source.passages[agent.section].text[agent.start : agent.end] if agent.section in source.passages else ""
    if is_shorter(called, own):
        return source.span(statement.section, mention.start, mention.end)
    if _is_fuller(own, called, statement):
        return _find_own_name(statement, source)
    end = tokens.before(mention.end)
    while is_salt(tokens, end):
        end += 1
    return source.span(statement.section, *span_of(tokens, (tokens.at(mention.start), end)))


def is_shorter(called: str, name: str) -> bool:
    """Whether a text calls by its bare name what is registered with words of its kind before: a code, a placebo.

    >>> is_shorter("EX9283", "kinase inhibitor EX9283"), is_shorter("placebo", "Saline Placebo")
    (True, True)
    >>> is_shorter("vincristine", "liposomal vincristine")
    False
    """
    if not name.casefold().endswith(f" {called.casefold()}"):
        return False
    tokens = lex(called)
    return called.casefold() == "placebo" or is_code(tokens, 0, len(tokens))


def _is_fuller(own: str, called: str, statement: Statement) -> bool:
    """Whether the registered name says more than the one in the clause: of a placebo, of an abbreviation, or nearby."""
    agent = statement.agent
    if agent.kind == "placebo" and own:
        return True
    if name_key(called) == agent.key:
        return False
    if own and is_short_form(called):
        return True
    return agent.section == statement.section and not is_vague(agent.key)


def _find_substance(statement: Statement, source: RecordText) -> tuple[int, int] | None:
    """What "oral immunotherapy" and the like are done with, where the dose says so: "300 mg of oat flour"."""
    tokens = source.passages[statement.section].tokens
    own = (fact.mark for fact in statement.amounts if fact.section == statement.section)
    found = next((place for mark in own if (place := find_substance(tokens, tokens.at(mark.end)))), None)
    return span_of(tokens, found) if found else None


def _find_own_name(statement: Statement, source: RecordText) -> Span:
    """Where the agent's own name stands, in an intervention mostly; without its salt if the record leaves it out."""
    agent = statement.agent
    end = agent.end
    if agent.section in source.passages:
        tokens = source.passages[agent.section].tokens
        first, last = tokens.at(agent.start), tokens.before(agent.end)
        bare = last
        while bare - first > 1 and is_salt(tokens, bare - 1):
            bare -= 1
        if bare < last and _is_called(tokens.read(first, bare), source):
            end = tokens.ends[bare - 1]
    return source.span(agent.section, agent.start, end)


def _is_called(name: str, source: RecordText) -> bool:
    """Whether the record calls an agent so, without a salt behind the name."""
    words = [word.lower() for word in lex(name).words]
    for passage in source.passages.values():
        tokens = passage.tokens
        folded = [word.lower() for word in tokens.words]
        for at in range(len(folded) - len(words) + 1):
            if (
                folded[at] == words[0]
                and folded[at : at + len(words)] == words
                and not is_salt(tokens, at + len(words))
            ):
                return True
    return False


_LIST_GAP = 60
"""How many characters may stand between the doses of one list, or before what the next sentence says of a dose."""
_GAP = 120
"""How many characters may stand between a dose and what the same clause says of its giving."""
_LATER = ("route", "frequency", "days")
"""What the next sentence says that belongs to the quote; cycles and lengths are mostly those of the whole trial."""


def choose_quote(statement: Statement) -> tuple[int, int]:
    """Start and end of the quote in the section's cleaned text."""
    start, end = find_anchor(statement)
    end = _extend_end(statement, end)
    start = _extend_start(statement, start)
    return _close_brackets(statement.clause.text, start, end)


def find_anchor(statement: Statement) -> tuple[int, int]:
    """What the quote has to hold: the doses that follow each other closely, else the first mark of the statement."""
    facts = [mark for _, mark in _list_facts(statement)]
    amounts = sorted(_inside([fact.mark for fact in statement.amounts if fact.section == statement.section], statement))
    if not amounts:
        behind = [mark for mark in facts if statement.mention and mark.start >= statement.mention.end]
        own = sorted(_inside(behind, statement)) or sorted(_inside(facts, statement))
        return own[0] if own else (statement.start, statement.end)
    start, end = amounts[0]
    for (_, last), (first, following) in pairwise(amounts):
        parted = any(last <= mark.start < first for name, mark in _list_facts(statement) if name in _PARTS)
        if first - last > _LIST_GAP or parted or "\n" in statement.clause.text[last:first]:
            break
        end = following
    return start, end


_PARTS = ("frequency", "length")
"""What stands between two doses that are no list."""


def _inside(marks: list[Mark[object]], statement: Statement) -> list[tuple[int, int]]:
    return [(m.start, m.end) for m in marks if statement.start <= m.start and m.end <= statement.end]


def _list_facts(statement: Statement) -> list[tuple[str, Mark[object]]]:
    """What the statement says in its own section, doses apart; not what a dose shares with the agents behind it.

    A placebo beside the agent is no other agent: "5 mg of Examplumab or placebo once a day".
    """
    facts = ((name, getattr(statement, name)) for name in FIELDS)
    border, clause = statement.reach[1], statement.clause
    alone = all(m.value.kind == "placebo" or m.start < border for m in clause.named)
    return [
        (name, fact.mark)
        for name, fact in facts
        if fact
        and fact.section == statement.section
        and (alone or not statement.amounts or not border <= fact.mark.start < clause.end)
    ]


def _extend_end(statement: Statement, end: int) -> int:
    clause = statement.clause
    end = _extend_tail(statement, end)
    for name, mark in sorted(_list_facts(statement), key=lambda fact: fact[1].start):
        later = mark.start >= clause.end
        gap = mark.start - end
        if mark.end <= end or gap > (_LIST_GAP if later else _GAP) or (later and name not in _LATER):
            continue
        if clause.text.count("\n", end, mark.start) > 1:
            continue  # from an arm's label, over its type, into its description
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
    start = _open(statement, start)
    if mention is None or not clause.start <= mention.start < start:
        return start if statement.amounts else _include_verb(tokens, start)
    first = tokens.at(mention.start)
    if statement.amounts:
        opened = _open(statement, mention.start)
        if start - mention.end >= 3:
            return start
        begins_line = first == 0 or tokens.codes[first - 1] == "\n"
        return opened if opened < mention.start else start if begins_line else mention.start
    if is_between("name_to_giving", clause, mention.end, start):
        return _open(statement, mention.start)
    return _include_verb(tokens, start)


def _include_verb(tokens: Tokens, start: int) -> int:
    place = tokens.before(start)
    given = rule("given").ends(tokens, place, max(0, place - 2))
    return given.span[0] if given else start


def _open(statement: Statement, start: int) -> int:
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


def _close_brackets(text: str, start: int, end: int) -> tuple[int, int]:
    """The quote with the brackets that it opens or closes, where those stand near."""
    opened, closed = text.count("(", start, end), text.count(")", start, end)
    if opened > closed and (close := text.find(")", end, end + _BRACKET)) >= 0:
        return start, close + 1
    return (start - 1, end) if closed > opened and text[start - 1 : start] == "(" else (start, end)


_BRACKET = 25
"""How many characters behind a quote the bracket that it opens may close."""


_ALONE, _RIVALS, _ELSEWHERE = 0.97, 0.85, 0.8
"""Of what the clause of a dose states alone, beside other values of the field, and of what another clause states."""
_NOWHERE, _IN_RECORD, _IN_CLAUSE = 0.98, 0.9, 0.65
"""That a field is empty: no word of the record tells of such a thing; other clauses do; the own one does."""
_SIGNS = {"cycle": "cycle_word", "length": "duration"}
"""Rules that find words about a field, even where none of its values is read."""
_MENTIONED, _OF_TOPIC = 0.95, 0.85
"""Of an agent that the clause names by its registered name; of one that the clause is about."""
_RENAMED = 0.65


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
    lengths = [settle_length(statement, findings[statement.section]) for statement in ordered]
    if trial_length and any(length and length.value not in {None, trial_length.value} for length in lengths):
        trial_length = None
    told = {name for found in findings.values() for name in ("amounts", *FIELDS) if getattr(found, name)}
    texts = [passage.tokens for passage in source.passages.values()]
    told |= {name for name, sign in _SIGNS.items() if any(rule(sign).search(tokens) for tokens in texts)}
    return tuple(
        _Builder(statement, source, raw, told).build(trial, next(numbers), length, trial_length)
        for statement, length in zip(ordered, lengths, strict=True)
    )


class _Builder:
    """Builds the regimen of one statement. ``told`` names the kinds of findings that the record has anywhere."""

    def __init__(self, statement: Statement, source: RecordText, raw: Mapping[str, str], told: Collection[str]) -> None:
        self.statement = statement
        self.source = source
        self.raw = raw
        self.told = told
        self.near = statement.clause.marks.inside(*statement.reach)

    def build(self, trial: Trial, number: int, length: Fact | None, trial_length: Fact | None) -> ParsedRegimen:
        statement, source = self.statement, self.source
        name, passage = find_name(statement, source), source.passages[statement.section]
        frequency = self.read_frequency()
        duration = self.read_fact("length", length)
        if trial_length and length is None and frequency.value not in {None, Frequency.ONCE}:
            spans = (self.span(trial_length),)
            duration = Reading(trial_length.value, trial_length.mark.confidence, spans, Support.PARSED)
        role, role_confidence = read_role(statement, passage.text, trial)
        return ParsedRegimen(
            chunk=source.chunk(number, statement.section, *self.find_clause()),
            quote=source.span(statement.section, *choose_quote(statement)),
            agent=Reading(self.raw[name.section][name.start : name.end], self.trust_agent(), (name,)),
            role=Reading(role, role_confidence, (name,), Support.INFERRED),
            amounts=self.read_amounts(),
            route=self.read_route(),
            frequency=frequency,
            cycle=self.read_fact("cycle", statement.cycle),
            duration=duration,
            timing=self.read_timing(),
        )

    def span(self, fact: Fact) -> Span:
        return self.source.span(fact.section, fact.mark.start, fact.mark.end)

    def find_clause(self) -> tuple[int, int]:
        """The clause, or title, in which the statement begins, as far as the statement reaches."""
        statement, passage = self.statement, self.source.passages[self.statement.section]
        place = bisect_right(passage.clauses, statement.start, key=itemgetter(0))
        start, end = passage.clauses[place - 1] if place else passage.title
        if not start <= statement.start < end:
            start, end = statement.start, statement.end
        return min(start, statement.start), max(end, statement.end)

    def trust(self, name: str, fact: Fact | None) -> float:
        """How sure a field is, by where it stands and by what else in the record could be meant."""
        if fact is None:
            return self.trust_absence(name)
        if not self.statement.holds(fact):
            return _ELSEWHERE
        return _ALONE if len({mark.value for mark in getattr(self.near, name)}) <= 1 else _RIVALS

    def trust_absence(self, name: str) -> float:
        clause, sign = self.statement.clause, _SIGNS.get(name)
        if getattr(self.near, name) or (sign and has_rule(sign, clause.tokens, clause.start, clause.end)):
            return _IN_CLAUSE
        return _IN_RECORD if name in self.told else _NOWHERE

    def trust_agent(self) -> float:
        statement = self.statement
        if statement.mention is None:
            return _OF_TOPIC
        return _MENTIONED if statement.linked == 1 else _RENAMED

    def read_amounts(self) -> Reading[tuple[Amount, ...] | None]:
        spans: dict[Amount, Span] = {}
        for fact in self.statement.amounts:
            for amount in fact.value:
                spans.setdefault(amount, self.span(fact))
        levels = choose_levels(spans)
        confidence = self.trust("amounts", self.statement.amounts[0] if levels else None)
        return Reading(levels, confidence, tuple(spans[level] for level in levels), Support.PARSED)

    def read_route(self) -> Reading[Route | None]:
        route = self.statement.route
        reading: Reading[Route | None] = self.read_fact("route", route)
        return Reading(reading.value, reading.confidence, reading.spans, Support.INFERRED) if route else reading

    def read_frequency(self) -> Reading[Frequency | None]:
        statement = self.statement
        value = settle_frequency(statement)
        stated = statement.frequency or statement.days
        fact = stated or (statement.amounts[0] if is_rate(statement) else statement.moment)
        if value is None or fact is None:
            timed = statement.days or self.near.frequency or self.near.days
            return Reading(None, _IN_CLAUSE if timed else self.trust("frequency", None))
        confidence = self.trust("frequency", statement.frequency) if statement.frequency else _RIVALS
        return Reading(value, confidence, (self.span(fact),), Support.PARSED if stated else Support.INFERRED)

    def read_fact(self, name: str, fact: Fact | None) -> Reading[Any]:
        """A field that one fact states as it is."""
        if fact is None or fact.value is None:
            return Reading(None, self.trust(name, None))
        return Reading(fact.value, self.trust(name, fact), (self.span(fact),), Support.PARSED)

    def read_timing(self) -> Reading[str | None]:
        timing = settle_timing(self.statement)
        if timing is None:
            return Reading(None, min(self.trust("days", None), self.trust("moment", None)))
        fact, start, end = timing
        span = self.source.span(fact.section, start, end)
        confidence = self.trust("days" if fact is self.statement.days else "moment", fact)
        return Reading(self.raw[span.section][span.start : span.end], confidence, (span,))
