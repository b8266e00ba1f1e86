"""Name what speaks for or against each field of a regimen.

The names are those of ``evidence/weights/signs.toml``, which says how much each counts.
"""

from collections.abc import Iterator, Sequence

from extractor.concepts.doses.amounts import is_portion
from extractor.concepts.doses.marks import Place, within
from extractor.concepts.doses.merging import Regimen
from extractor.concepts.doses.names import is_salt
from extractor.concepts.doses.sections import DoseText
from extractor.concepts.doses.statements import Linked
from extractor.language.book import rule
from extractor.schemas import Amount, Frequency

_MANY_AGENTS = 3
_LONG_CLAUSE = 60
_LONG_NAME = 3
_IN_DOUBT = 0.7
"""The most confidence of words that may mean something else."""
_LEAST_SURE = 0.02
_DOUBTFUL = frozenset(
    {
        "a name of no list",
        "a part of a longer name",
        "a sum",
        "a piece beside a substance",
        "nothing given",
        "speaks of supply",
        "one of a choice",
        "days beside a rhythm",
        "times of the day",
    }
)
_NEVER_SURE = frozenset(
    {
        "a salt",
        "a volume or a piece",
        "an agent of a description",
        "radiation",
        "another rhythm",
        "by days",
        "by cycle",
    }
)
"""Signs that gold has too seldom, or under which a value is never sure."""
_STEPS = (0.6, 0.75, 0.9, 0.97)
"""Probabilities of the scorers from which on another sign counts."""


def list_limits(signs: Sequence[str]) -> Iterator[str]:
    """Yield the signs that limit how sure a value is at most."""
    if not _DOUBTFUL.isdisjoint(signs):
        yield "a doubtful dose"
    if not _NEVER_SURE.isdisjoint(signs):
        yield "a dose that is never sure"


def describe_around(regimen: Regimen, siblings: int) -> Iterator[str]:
    """Yield the signs of a regimen that count for all of its fields. ``siblings`` are the regimens
    of its agent.
    """
    main = regimen.main
    text = main.text
    if text.is_intervention:
        yield "stated in an intervention"
    elif text.is_arm:
        yield "stated in an arm"
    else:
        yield "stated in a description"
    yield f"its agent is {main.owner.how}"
    yield f"its agent, {_measure(main.sure)}"
    marks = within(text.marks, *main.clause)
    amounts = sum(mark.field == "amounts" for mark in marks)
    if amounts > 1:
        yield "several amounts near"
    if main.rivals >= _MANY_AGENTS:
        yield "many agents in the clause"
    elif main.rivals > 1:
        yield "two agents in the clause"
    if not regimen.amounts():
        yield "no amount"
    if siblings > 1:
        yield "one of several regimens of its agent"
    if len(regimen.statements) > 1:
        yield "put together from several places"
    if main.clause[1] - main.clause[0] > _LONG_CLAUSE:
        yield "a long clause"
    if regimen.agent.is_placebo:
        yield "a placebo"


def describe_agent(regimen: Regimen) -> Iterator[str]:
    """Yield the signs of the name of an agent."""
    agent = regimen.agent
    yield f"registered {agent.is_registered}"
    yield from describe_name(agent.source, agent.place)
    mention = regimen.main.owner.mention
    if mention and mention.is_new:
        yield "a name of no list"
    is_of_group = regimen.main.text.is_arm or regimen.main.text.is_intervention
    if not is_of_group and not agent.is_registered:
        yield "an agent of a description"
    yield f"kind {agent.kind}"
    yield f"registered {agent.is_registered}, kind {agent.kind}"
    if len(agent.name.split()) >= _LONG_NAME:
        yield "a long name"
    if any(sign.isdigit() for sign in agent.name):
        yield "a code"


def describe_name(text: DoseText, place: Place) -> Iterator[str]:
    """Yield what makes the words of an agent's name doubtful."""
    tokens = text.tokens
    first, end = place
    beside = tokens.codes[max(0, first - 1) : first] + tokens.codes[end : end + 1]
    if "/" in beside or ":" in tokens.codes[first:end]:
        yield "a part of a longer name"
    if is_salt(tokens.words[end - 1]):
        yield "a salt"


def describe_rhythm(value: Frequency, link: Linked) -> Iterator[str]:
    """Yield what makes a frequency doubtful: other rhythms, days and times of the day beside it."""
    yield f"frequency {value}"
    if value is Frequency.OTHER:
        yield "another rhythm"
    text = link.text
    first, end = link.mark.place
    around = (
        *text.tokens.words[max(0, first - 1) : first],
        *text.tokens.words[end : end + 1],
    )
    if "or" in around:
        yield "one of a choice"
    near = within(text.marks, *_find_clause(text, link))
    fields = [mark.field for mark in near]
    if (
        link.mark.field == "frequency"
        and "days" in fields
        and value is not Frequency.QD
    ):
        yield "days beside a rhythm"
    times = [
        mark for mark in near if rule("time_of_day").search(text.tokens, *mark.place)
    ]
    if times and value is Frequency.QD:
        yield "times of the day"


def _find_clause(text: DoseText, link: Linked) -> Place:
    for first, end in text.clauses:
        if first <= link.mark.first < end:
            return first, end
    return link.mark.place


def describe_amount(level: Amount, link: Linked, regimen: Regimen) -> Iterator[str]:
    """Yield what makes one amount doubtful."""
    yield from describe_link(link, regimen)
    if is_portion(link.mark):
        near = within(link.text.marks, *regimen.main.clause)
        others = [mark for mark in near if mark.field == "amounts"]
        is_beside = any(not is_portion(mark) for mark in others)
        yield "a piece beside a substance" if is_beside else "a volume or a piece"
    if level.arms:
        yield "arms of its own"
    if len(regimen.amounts()) > 1:
        yield "several levels"
    if link.mark.also:
        yield "a sum"
    yield from _describe_size(level)
    if rule("speaks_of_supply").search(
        link.text.tokens, *_find_clause(link.text, link)
    ):
        yield "speaks of supply"


def _describe_size(level: Amount) -> Iterator[str]:
    if level.low is None or level.high is None:
        yield "a limit"
    elif level.high != level.low:
        yield "a range"
    if level.high == 0:
        yield "nothing given"
    if level.unit == "Gy":
        yield "radiation"
    if "/" in level.unit:
        yield "a unit with a slash"


def describe_link(link: Linked, regimen: Regimen) -> Iterator[str]:
    """Yield how a mark is linked, and whether its words are doubtful."""
    field = link.mark.field
    yield f"linked, {_measure(link.sure)}"
    if link.is_shared:
        yield "shared"
    if link.text is not regimen.main.text:
        yield "elsewhere"
    if link.mark.confidence < 1:
        yield "doubtful words"
    if link.mark.confidence <= _IN_DOUBT:
        yield "words of two meanings"
    values = {one.mark.value for one in regimen.main.links(field)}
    if len(values) > 1:
        yield "rivals"
    if field in ("days", "cycle", "amounts"):
        yield f"by {field}"


def estimate(links: Sequence[Linked]) -> float:
    """Return the least probability of a mark's reading and of its link."""
    sure = min(link.sure * link.mark.confidence for link in links)
    return round(max(sure, _LEAST_SURE), 2)


def _measure(sure: float) -> str:
    reached = [step for step in _STEPS if sure >= step]
    return f"{reached[-1]} or more" if reached else "doubtful"
