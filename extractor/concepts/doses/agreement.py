"""Agreement: the same value for an agent in several places of a record makes it more certain.

An arm and its intervention that state the same amount, or a label ("Fictumab 10 mg") and the text
below it, were written apart from each other. The rules seldom misread both in the same way.
"""

from collections.abc import Iterator

from extractor.concepts.doses.linking import Linked
from extractor.concepts.doses.merging import Regimen
from extractor.concepts.doses.roles import Trial

AGREED = "stated by a group and a description"


def describe_agreement(link: Linked, regimen: Regimen, value: object) -> Iterator[str]:
    """Yield the features of a value that several places of a record state. ``value`` is the value
    of the mark or one of its dose levels, as in ``Regimen.stating``.
    """
    places = regimen.stating[link.mark.field].get(value, set())
    sections = {section for section, _ in places}
    arms = {section for section in sections if section.startswith("arms[")}
    has_entry = any(section.startswith("interventions[") for section in sections)
    if arms and has_entry:
        yield "stated by an arm and an entry"
    if len(arms) > 1:
        yield "stated by several arms"
    if _is_described(sections):
        yield AGREED
    if value in regimen.in_names[link.mark.field]:
        yield "stated in a name"


def _is_described(sections: set[str]) -> bool:
    """Return whether both a group and a description are among the sections."""
    groups = {section for section in sections if section.endswith("]")}
    return bool(groups) and groups < sections


def describe_naming(regimen: Regimen, trial: Trial) -> Iterator[str]:
    """Yield the features of an agent that the titles, the arms or the whole record name."""
    agent = regimen.agent
    key = agent.key
    if key in trial.namings:
        yield "named in a title"
    linked = {
        arm
        for arm, agents in trial.agents.linked.items()
        if agent in agents and arm in trial.arms.places
    }
    if linked and linked <= trial.arms.mentioning[key]:
        yield "named by each of its arms"
    if trial.actives == {key}:
        yield "the only agent but placebos"
