"""List the signs that support or weaken each field of a regimen.

``confidence/table.toml`` contains the weight of each sign. ``rules/dose_signs.toml`` lists
the signs that are found in the words next to a mark, and the signs that limit the confidence of a
value.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from math import inf

from extractor.concepts.doses.amounts import is_portion
from extractor.concepts.doses.linking import Linked, count_unexplained, find_gap
from extractor.concepts.doses.marks import within
from extractor.concepts.doses.merging import Regimen
from extractor.concepts.doses.names import is_salt
from extractor.language.book import read_table, rule
from extractor.language.lexer import NUMBER
from extractor.schemas import Amount, Frequency

_MANY_AGENTS = 3
"""Minimum number of agents in a clause that counts as "many"."""
_LONG_NAME = 3
"""Minimum number of words in a long name."""
_IN_DOUBT = 0.7
"""The maximum confidence of a reading of ambiguous words."""
_MANY_WORDS = 3
"""Minimum number of words that counts as "many"."""
_MOST_TAKEN = {"g": 250, "mg": 250_000, "ug": 250_000_000}
"""The largest plausible amount of a substance, by unit: 250 g."""
_SLASHED = re.compile(f"[{NUMBER}]/[{NUMBER}]")


def list_limits(signs: Sequence[str]) -> Iterator[str]:
    """Yield the signs that limit the confidence of a value."""
    for limit, limiting in read_table("dose_signs")["limit"].items():
        if not set(limiting).isdisjoint(signs):
            yield limit


def _list_true(facts: Mapping[str, bool]) -> Iterator[str]:
    return (sign for sign, is_true in facts.items() if is_true)


def describe_around(regimen: Regimen, siblings: int) -> Iterator[str]:
    """Yield the signs that apply to all fields of a regimen. ``siblings`` is the number of
    other regimens with the same agent.
    """
    main = regimen.main
    marks = within(main.text.marks, *main.clause)
    yield f"stated in {main.text.kind}"
    yield f"its agent is {main.owner.how}"
    yield from _list_true(
        {
            "several amounts near": sum(mark.field == "amounts" for mark in marks) > 1,
            "many agents in the clause": main.rivals >= _MANY_AGENTS,
            "two agents in the clause": 1 < main.rivals < _MANY_AGENTS,
            "no amount": not regimen.levels,
            "one of several regimens of its agent": siblings > 0,
            "put together from several places": len(regimen.statements) > 1,
            "a placebo": regimen.agent.is_placebo,
        }
    )


def describe_agent(regimen: Regimen) -> Iterator[str]:
    """Yield the signs found in an agent's name."""
    agent = regimen.agent
    main = regimen.main
    has_schedule = agent.is_registered and bool(main.facts.keys() - {"amounts"})
    tokens = agent.source.tokens
    first, end = agent.place
    adjacent = {*tokens.codes[max(0, first - 1) : first], *tokens.codes[end : end + 1]}
    gaps = [tokens.gap(at) for at in (first, end) if at < len(tokens)]
    is_part = "-" in gaps or not adjacent.isdisjoint("/+")
    rhythms = [mark for mark in agent.source.marks if mark.field == "frequency"]
    is_part |= any(mark.first < end and first < mark.end for mark in rhythms)
    # a record without a list of interventions says nothing about an agent
    if agent.is_registered:
        yield "registered True"
    elif agent.is_extra:
        yield "registered False"
    yield f"kind {agent.kind}"
    yield from _list_true(
        {
            "a part of a longer name": is_part,
            "a salt": is_salt(tokens.words[end - 1]),
            "an agent of a description": not main.text.is_group and not has_schedule,
            "a weak agent": any(link.doubts for link in main.amounts[:1]),
            "a long name": len(agent.name.split()) >= _LONG_NAME,
            "a code": any(sign.isdigit() for sign in agent.name),
        }
    )


def describe_rhythm(value: Frequency, link: Linked) -> Iterator[str]:
    """Yield the signs that a frequency is doubtful: its code, and other frequencies and days
    nearby.
    """
    near = within(link.text.marks, *link.text.find_clause(link.mark.first))
    stated = {mark.value for mark in near if mark.field == "frequency"}
    is_stated = link.mark.field == "frequency"
    levels = link.mark.value if link.mark.field == "amounts" else ()
    yield f"frequency {value}"
    yield from _list_true(
        {
            "a limit or a part": any(level.low is None for level in levels),
            "several rhythms near": is_stated and len(stated) > 1,
            "days beside a rhythm": is_stated
            and "days" in [mark.field for mark in near],
        }
    )


def describe_amount(level: Amount, link: Linked, regimen: Regimen) -> Iterator[str]:
    """Yield the signs that an amount is doubtful."""
    text = link.text
    first, end = link.mark.place
    slashed = _SLASHED.search(text.tokens.codes[max(0, first - 2) : end])
    is_open = level.low is None or level.high is None
    most = level.high or level.low or 0
    yield from describe_link(link, regimen)
    yield from _describe_owner(link, regimen)
    yield from _list_true(
        {
            "a limit": is_open,
            "a range": not is_open and level.low != level.high,
            "nothing given": level.low == 0,
            "more than is taken": most > _MOST_TAKEN.get(level.unit, inf),
            "radiation": level.unit == "Gy",
            "a unit with a slash": "/" in level.unit,
            "a strength": level.unit == "%",
            "a volume or a piece": is_portion(link.mark),
            "arms of its own": bool(level.arms),
            "several levels": len(regimen.levels) > 1,
            "several units": len(regimen.units) > 1,
            # An intervention and a description that state two amounts may contradict each other.
            "levels of several texts": len(regimen.kinds) > 1,
            "an amount of a placebo": regimen.agent.is_placebo,
            "an amount of a description": not text.is_group,
            "levels with a slash": slashed is not None,
        }
    )


def _describe_owner(link: Linked, regimen: Regimen) -> Iterator[str]:
    """Yield signs for the tokens between an amount and the name of its agent."""
    owner = regimen.owners.get(link, regimen.main.owner)
    if owner.how != "named":
        yield from _list_words(link, "unnamed")
        return
    gap = find_gap(owner.place, link.mark.place)
    unexplained = count_unexplained(link.text.tokens, *gap)
    yield f"{unexplained if unexplained < _MANY_WORDS else 'many'} unexplained"
    if owner.place > link.mark.place:
        yield "its agent behind"
    elif rule("joined_name").ends(link.text.tokens, gap[1], gap[0]):
        yield "of another name"


def describe_link(link: Linked, regimen: Regimen) -> Iterator[str]:
    """Yield the signs of a mark's link and of the words around the mark."""
    field = link.mark.field
    values = {rival.mark.value for rival in regimen.main.links(field)}
    yield from link.doubts
    yield f"by {field}"
    yield from _list_true(
        {
            "doubtful words": link.mark.confidence < 1,
            "elsewhere": link.text is not regimen.main.text,
            "words of two meanings": link.mark.confidence <= _IN_DOUBT,
            "rivals": len(values) > 1,
            "contradicted": field in regimen.contradicted,
        }
    )
    gap = find_gap(regimen.main.place, link.mark.place)
    is_here = link.text is regimen.main.text and field != "amounts"
    if is_here and count_unexplained(link.text.tokens, *gap) == 1:
        yield "1 unexplained"
    yield from _list_words(link, "any")
    yield from _list_words(link, field)


def _list_words(link: Linked, kind: str) -> Iterator[str]:
    """Yield the signs found in the words before a mark, after a mark, or in its clause."""
    tokens = link.text.tokens
    first, end = link.mark.place
    for sign, row in read_table("dose_signs")["words"].get(kind, {}).items():
        where, name = row
        if where == "before":
            match = rule(name).ends(tokens, first)
        elif where == "after":
            match = rule(name).starts(tokens, end)
        else:
            match = rule(name).search(tokens, *link.text.find_clause(first))
        if match:
            yield sign
