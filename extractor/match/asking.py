"""Ask a model about the criteria that stay open, given a patient's chart and other data.

One call asks about all open criteria of a trial: the static prompt (``match.v1.md``), the
sentences of the chart and those that the other data make, then the criteria. An answer counts only
with words of the criterion and words of a sentence, both copied exactly; any other one is a
finding. What the rules have decided is not asked, and no answer changes it.
"""

import asyncio
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import Any, NamedTuple

from extractor.errors import BudgetReached, ExtractorError, MissingKey, ModelError
from extractor.language.shown import show_line
from extractor.match.decide import Match, decide, list_open_criteria
from extractor.match.facts import ONLY_A_MODEL, Facts
from extractor.match.judge import Decision, Verdict
from extractor.match.plan import Plan, Rule
from extractor.match.words import find_spans, words_of
from extractor.measures.names import spell_words
from extractor.model.asking.answers import CONTRADICTED
from extractor.model.asking.prompt import PLACE, flatten, make_prompt
from extractor.model.asking.querying import ask_part
from extractor.model.calls import PROMPTS, Call, Prompt, ReplyItem, ReplyModel
from extractor.model.client import Model
from extractor.model.cost.tokens import RequestSize, measure_call
from extractor.schemas import Usage

_VERSION = 1
_PROMPT = PROMPTS / f"match.v{_VERSION}.md"
_PER_REPLY = 250
_PER_ITEM = 120
"""Output tokens for a reply, and for an item with its two quotes, that a valid answer does not
reach.
"""
_ANSWERED = 0.4
_ANSWER = 150.0
"""The share of criteria that are expected to have an item, and its expected characters."""
_MOST_LINES = 120
"""The number of criteria in one call, so that its reply is not too long."""
_LONGEST_LINE = 2_000
"""The number of characters of a criterion that can be asked about."""
_DENIES = frozenset({"denies", "denied", "deny", "negative", "refuses", "refused"})
_CLAUSE = re.compile(
    r"[.;,:()\n]|\bbut\b|\band (?:has|had|is|was|takes|took)\b", re.IGNORECASE
)
"""What ends the words that a "no" belongs to."""


class MatchItem(ReplyItem, frozen=True):
    """What a model says of a criterion."""

    holds: bool | None = None
    line: str | None = None
    fact: str | None = None


class MatchReply(ReplyModel, frozen=True):
    """The criteria that the sentences decide."""

    # this docstring is sent to providers as the description of the tool

    schema_file = "match_schema.json"
    items: tuple[MatchItem, ...]


@cache
def load_match_prompt() -> Prompt:
    """Return the static part of all calls."""
    return make_prompt("match", _VERSION, _PROMPT.read_text("utf-8").strip())


@dataclass(frozen=True, slots=True)
class LineRequest:
    """What a model is asked about a trial and a patient: the open criteria, numbered from 1.

    Attributes:
        record_id: The trial.
        facts: The sentences.
        places: The place of each open criterion among the rules of the trial.
        rules: The rules of these criteria.
    """

    record_id: str
    facts: tuple[str, ...]
    places: tuple[int, ...]
    rules: tuple[Rule, ...]

    @property
    def parts(self) -> tuple[range, ...]:
        """The numbers of each call: one range, unless a trial has very many open criteria."""
        end = len(self.rules) + 1
        starts = range(1, end, _MOST_LINES)
        return tuple(range(start, min(start + _MOST_LINES, end)) for start in starts)

    def render(self, part: range) -> Call:
        """Return the call for a part."""
        lines = ["Patient:", *map(_show, self.facts), "Criteria:"]
        for number in part:
            rule = self.rules[number - 1]
            above = _show(rule.above).translate(_HINT_MARKS)
            head = "|".join(filter(None, (str(number), rule.kind, above)))
            lines.append(f"[{head}] {_show(rule.quote)}")
        output = _PER_REPLY + _PER_ITEM * len(part)
        return Call(
            load_match_prompt(), "\n".join(lines), MatchReply, output, self.record_id
        )

    def count_items(self, part: range) -> int:
        """Return the number of criteria of a part."""
        return len(part)

    def allows_one(self, number: int) -> bool:  # noqa: ARG002 - of other requests, it depends
        """Return whether a criterion has one item."""
        return True

    def needs_items(self, part: range) -> bool:  # noqa: ARG002 - as above
        """Return whether a reply must have items: the sentences may decide nothing."""
        return False

    def halve(self, part: range) -> tuple[range, ...]:
        """Return two halves of a part; the part itself if it has one criterion."""
        middle = part.start + len(part) // 2
        if middle == part.start:
            return (part,)
        return range(part.start, middle), range(middle, part.stop)


_HINT_MARKS = str.maketrans("[]|", "()/")


def _show(text: str) -> str:
    """Return text on one line, without anything that could be mistaken for a line of the prompt."""
    return PLACE.sub("[ ", flatten(text[:_LONGEST_LINE]))


def plan_match_request(plan: Plan, facts: Facts) -> LineRequest | None:
    """Return what to ask; None if nothing is known of the patient, or nothing is open."""
    sentences = facts.sentences + facts.stated
    if not sentences:
        return None
    places = [
        place
        for place in list_open_criteria(plan, facts)
        if len(plan.rules[place].quote) <= _LONGEST_LINE
    ]
    if not places:
        return None
    rules = tuple(plan.rules[place] for place in places)
    return LineRequest(plan.record_id, sentences, tuple(places), rules)


def measure_request(plan: Plan, facts: Facts) -> RequestSize:
    """Return the size of the calls about a trial and a patient, for a forecast."""
    request = plan_match_request(plan, facts)
    if request is None:
        return RequestSize()
    total = RequestSize()
    for part in request.parts:
        answer = _ANSWER * _ANSWERED * len(part)
        size = measure_call(request.render(part))
        total += size._replace(answer=answer, questions=len(part))
    return total


class Asked(NamedTuple):
    """A match with a model's answers.

    Attributes:
        match: The match.
        usage: The calls and tokens.
        problem: Why criteria stayed unasked or unanswered, if so.
        pending: The calls that a replay has no answer to.
    """

    match: Match
    usage: Usage = Usage()
    problem: ExtractorError | None = None
    pending: int = 0


_AT_ONCE = 64
"""The number of pairs whose calls are prepared at the same time."""


async def ask_matches(
    pairs: Iterable[tuple[Plan, Facts]], model: Model | None
) -> list[Asked]:
    """Return the match of each pair, in order; without a model, by the rules alone."""
    found: list[Asked] = []
    waiting = iter(pairs)
    while window := list(islice(waiting, _AT_ONCE)):
        if model is None:
            found += [Asked(decide(plan, facts)) for plan, facts in window]
            continue
        calls = (ask_match(plan, facts, model) for plan, facts in window)
        found += await asyncio.gather(*calls)
    return found


async def ask_match(plan: Plan, facts: Facts, model: Model) -> Asked:
    """Compare a trial with a patient's data, and ask the model about what stays open.

    If the budget is reached or the model fails, the verdicts of the rules are returned with a
    finding. Raises ``MissingKey``, with which all other calls would fail.
    """
    request = plan_match_request(plan, facts)
    if request is None:
        return Asked(_forget_unread(decide(plan, facts)))
    answers: dict[int, Verdict] = {}
    findings: list[str] = []
    usage = Usage()
    pending = 0
    problem: ExtractorError | None = None
    for part in request.parts:
        try:
            reply = await ask_part(request, part, model)
        except MissingKey:
            raise
        except (BudgetReached, ModelError) as error:
            problem = error
            usage += getattr(error, "usage", None) or Usage()
            findings.append(f"{len(part)} open criteria were not answered: {error}")
            continue
        usage += reply.usage
        pending += reply.pending
        for item in reply.items:
            place = request.places[item.n - 1]
            verdict = read_answer(request.rules[item.n - 1], facts, item.values)
            if isinstance(verdict, Verdict):
                answers[place] = verdict
            else:
                findings.append(_tell(request.rules[item.n - 1], verdict))
        for number, reason in reply.dropped:
            is_of_line = number is not None and number in part
            rule = request.rules[number - 1] if number and is_of_line else None
            findings.append(_tell(rule, reason))
    match = decide(plan, facts, answers)._replace(findings=tuple(findings))
    return Asked(_forget_unread(match), usage, problem, pending)


def _forget_unread(match: Match) -> Match:
    """Return a match that does not say that the facts were not read."""
    return match._replace(
        unused=tuple(line for line in match.unused if line != ONLY_A_MODEL)
    )


def _tell(rule: Rule | None, problem: str) -> str:
    """Return a finding about an answer that is not used."""
    if rule is None:
        return f"an answer of the model is not used: {problem}"
    shown = show_line(rule.quote)[:80]
    return f"the model's answer to “{shown}” is not used: {problem}"


def read_answer(rule: Rule, facts: Facts, values: Mapping[str, Any]) -> Verdict | str:
    """Return the verdict of an answer about a criterion, or why it is not used."""
    holds, line, fact = (values.get(key) for key in ("holds", "line", "fact"))
    if values.get(CONTRADICTED) or not isinstance(holds, bool):
        return "it is not clear"
    if not isinstance(line, str) or not isinstance(fact, str):
        return "it lacks a quote"
    problem = _check_quote(line, [rule.quote], "criterion")
    problem = problem or _check_quote(fact, facts.sentences + facts.stated, "facts")
    if problem:
        return problem
    quoted = show_line(fact)
    why = f"a model, by the words “{quoted}”"
    if rule.doubt:
        return Verdict(
            "doubtful", f"{why}; it depends on {rule.doubt}", (), "model", quoted
        )
    verdict: Decision = "met" if holds is (rule.kind == "inclusion") else "not_met"
    return Verdict(verdict, why, (), "model", quoted)


def _check_quote(quote: str, texts: Sequence[str], where: str) -> str:
    """Return why a quote proves nothing, or an empty string."""
    said = set(spell_words(quote)) - words_of("neutral", "links", "denials")
    if not said:
        return "its quote says nothing"
    words = _squeeze(quote)
    expression = re.compile(rf"(?<!\w){re.escape(words)}(?!\w)")
    starts = [
        (squeezed, found.start())
        for squeezed in map(_squeeze, texts)
        for found in expression.finditer(squeezed)
    ]
    if not starts:
        return f"its quote is not in the {where}"
    if all(_leaves_out_denial(text, start) for text, start in starts):
        return f"its quote leaves out a negation of the {where}"
    return ""


def _squeeze(text: str) -> str:
    """Return text with single spaces, without those that the prompt adds behind brackets."""
    return " ".join(text.replace("[ ", "[").split())


def _leaves_out_denial(text: str, start: int) -> bool:
    """Return whether a negation stands before a quote in its clause, or before its list."""
    if any(begin < start < end for begin, end in find_spans("match_denied_list", text)):
        return True
    begin = max((one.end() for one in _CLAUSE.finditer(text, 0, start)), default=0)
    before = set(re.findall(r"[a-z]+", text[begin:start].casefold()))
    return not before.isdisjoint(words_of("denials") | _DENIES)
