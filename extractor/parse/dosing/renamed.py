"""One agent under two names: by one it is registered, by the other the arms or descriptions tell how it is given."""

from collections.abc import Mapping, Sequence

from .agents import Lexicon
from .facts import Statement
from .passages import Passage
from .settling import settle_frequency

__all__ = ["drop_renamed"]


def drop_renamed(
    statements: Sequence[Statement], passages: Mapping[str, Passage], lexicon: Lexicon
) -> tuple[Statement, ...]:
    """The merged statements without those that only say again, by another name, what another one says.

    That is "Given IV" of a registered agent which the arms call otherwise; and what a description says of an agent
    that is not registered, where the same holds of one that is and that the description never names.
    """
    registered = {agent.key for agent in lexicon.agents}
    strangers = [s for s in statements if s.agent.key not in registered and not s.section.startswith("interventions")]
    if not strangers:
        return tuple(statements)

    def names(section: str, statement: Statement) -> bool:
        passage = passages[section]
        return any(m.value.key == statement.agent.key for m in lexicon.find(passage.tokens, section))

    def is_repeated(one: Statement) -> bool:
        if one.agent.key not in registered:
            return one.section in _DESCRIPTIONS and any(
                _are_alike(one, other) and not names(one.section, other)
                for other in statements
                if other.agent.key in registered and one.agent.kind in {other.agent.kind, "introduced"}
            )
        return _tells_route_alone(one) and any(
            s.route and s.route.value == one.route.value and not names(s.section, one) for s in strangers if one.route
        )

    return tuple(statement for statement in statements if not is_repeated(statement))


_DESCRIPTIONS = frozenset({"brief_summary", "detailed_description"})


def _tells_route_alone(statement: Statement) -> bool:
    told = (statement.amounts, statement.frequency, statement.days, statement.length)
    return statement.section.startswith("interventions") and not any(told)


def _are_alike(one: Statement, other: Statement) -> bool:
    """Whether both tell of the same route and frequency, and the first of no dose of its own."""
    if one.amounts or one.route is None or other.route is None or one.route.value != other.route.value:
        return False
    frequency = settle_frequency(one)
    return frequency is not None and frequency == settle_frequency(other)
