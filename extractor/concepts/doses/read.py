"""Read the regimens of a record: merge statements into regimens, and find their arms and roles."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from operator import itemgetter
from typing import NamedTuple

from extractor.concepts.doses.agents import Agents
from extractor.concepts.doses.amounts import find_amounts
from extractor.concepts.doses.arms import Arms, OfAgent
from extractor.concepts.doses.drafts import make_draft
from extractor.concepts.doses.linking import Statement, is_aside, read_clauses
from extractor.concepts.doses.marks import Mark, Place, within
from extractor.concepts.doses.merging import Regimen, merge, repeat_referred
from extractor.concepts.doses.roles import Trial
from extractor.concepts.doses.sections import DoseText, list_texts
from extractor.concepts.doses.steps import number_steps
from extractor.evidence.drafts import Chunk
from extractor.evidence.parsed import Doses
from extractor.language.book import rule
from extractor.language.passage import LexedSections
from extractor.schemas import TrialRecord
from extractor.schemas.record_limits import MAX_ARMS, refuse_larger

_TITLES = ("title", "official_title")


class ReadDoses(NamedTuple):
    """The regimens of a record, with the texts and the trial data from which they were read."""

    regimens: list[Regimen]
    texts: list[DoseText]
    trial: Trial


def read_dosing(
    record: TrialRecord, sections: LexedSections, numbers: Iterator[int]
) -> Doses:
    """Return a draft for each regimen of a record, the clauses that seem to contain an unread
    regimen, and the label of each arm, or None for an arm without a label.
    """
    doses = read_regimens(record, sections)
    by_agent = defaultdict[str, OfAgent](OfAgent)
    for regimen in doses.regimens:
        stating = doses.trial.arms.list_stating(regimen)
        by_agent[regimen.agent.key].add(stating)
    drafts = []
    arms_of_doses = 0
    for regimen in doses.regimens:
        of_agent = by_agent[regimen.agent.key]
        draft = make_draft(regimen, of_agent, doses.trial, next(numbers))
        drafts.append(draft)
        of_regimen = len(draft.rules.arms.members)
        amounts = draft.rules.amounts.list_values()
        of_amounts = sum(len(amount.arms) or of_regimen for amount in amounts)
        # each dose may be given in each arm
        arms_of_doses += of_amounts or of_regimen
        refuse_larger(record.source, MAX_ARMS, arms_of_doses, "arms of doses")
    labels = doses.trial.arms.places
    arms = (text.name for text in doses.texts if text.is_arm)
    return (
        tuple(drafts),
        tuple(_list_unread(doses, numbers)),
        tuple(map(labels.get, arms)),
    )


def read_regimens(record: TrialRecord, sections: LexedSections) -> ReadDoses:
    """Read the regimens of a record from its texts."""
    texts = list_texts(record, sections)
    agents = Agents(texts, record.registry.arm_links)
    statements: list[Statement] = []
    for text in texts:
        found = read_clauses(text, agents)
        number_steps(found)
        statements += found
    regimens = [
        regimen
        for regimen in merge(repeat_referred(texts, statements))
        if _is_given(regimen, agents)
    ]
    arms = Arms(record, texts, agents)
    titles = [
        DoseText(sections[name], (0, 0), (0, len(sections[name].tokens)))
        for name in _TITLES
        if name in sections
    ]
    return ReadDoses(regimens, texts, Trial(titles, agents, arms, regimens))


def _is_given(regimen: Regimen, agents: Agents) -> bool:
    """Return whether the statements contain enough information for a regimen. A placebo needs no
    more than a registered agent if the record does not register any. An unregistered drug class,
    as in "steroids daily", needs an amount, because it is usually a background treatment.
    """
    fields = {name for statement in regimen.statements for name in statement.facts}
    if "amounts" in fields:
        return True
    is_placebo = regimen.agent.is_placebo and not agents.registered
    if regimen.agent.is_registered or is_placebo:
        return bool(fields & {"frequency", "route", "duration", "days", "timing"})
    if not fields & {"frequency", "days", "cycle"}:
        return False
    return regimen.agent.kind != "class"


def _list_unread(doses: ReadDoses, numbers: Iterator[int]) -> Iterator[Chunk]:
    """Yield the clauses with an amount that is not in any regimen, except asides, such as what a
    tablet contains. Outside arms and interventions, a clause must also state that an agent is given
    by a route or at a frequency.
    """
    levels = {
        level.amount for regimen in doses.regimens for level in regimen.levels.values()
    }
    for text in doses.texts:
        for clause in text.clauses:
            amounts = within(find_amounts(text.tokens), *clause)
            is_new = any(not levels.issuperset(mark.value) for mark in amounts)
            is_given = text.is_group or _gives(doses.trial.agents, text, clause)
            if is_new and is_given and not is_aside(text, clause):
                yield text.chunk(next(numbers), *clause)


def _gives(agents: Agents, text: DoseText, clause: Place) -> bool:
    """Return whether a clause says that something is given: it contains a verb of administration,
    and a route, a frequency, days or an amount of a day. What is given may be no known drug:
    "received zinc 20 mg daily".
    """
    first, end = clause
    marks = within(text.marks, first, end)
    fields = {mark.field for mark in marks}
    if fields.isdisjoint(("route", "frequency", "days")) and not _is_daily(marks):
        return False
    if rule("taking_verb").occurs(text.tokens, first, end):
        return True
    if not rule("giving_verb").occurs(text.tokens, first, end):
        return False
    named = [mention.first for mention in agents.find(text)]
    return any(first <= at < end for at in (*named, *map(itemgetter(0), text.drugs)))


def _is_daily(marks: Iterable[Mark]) -> bool:
    """Return whether one of the amounts is that of a day: "150 ug/d"."""
    return any(
        level.unit.endswith("/day")
        for mark in marks
        if mark.field == "amounts"
        for level in mark.value
    )
