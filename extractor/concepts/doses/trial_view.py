"""The facts of a trial that decide the roles of its agents: its arms and what they get, its
titles, its interventions.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from extractor.concepts.doses.agents import AgentNames, Mention
from extractor.concepts.doses.arms import Arms
from extractor.concepts.doses.clauses import Statement
from extractor.concepts.doses.sections import DosingSection
from extractor.language.book import read_table, rule
from extractor.language.lexer import Tokens, lex
from extractor.language.passage import LexedSection

_TITLES = ("title", "official_title")
_JOINTS = (
    "title_versus",
    "title_optional",
    "title_added",
    "title_combined",
    "title_choice",
)
"""Rules for the words between two agents of a title, the more telling ones first."""
_THEMES = ("title_chemotherapy", "title_transplant")
_KINDS_OF_ARMS = ("experimental", "active", "placebo", "sham")


@dataclass(frozen=True, slots=True)
class Trial:
    """The facts that decide roles.

    ``arms`` lists the kinds of the arms, ``gets`` the keys of the agents of each. ``use`` and
    ``labels`` give, for each agent, the indexes of the arms that get it and of those that name it
    in their label. ``agents`` lists the keys of the given agents, ``novel`` those whose names say
    so. ``types`` maps sections to registered types, ``titles`` agents to what the titles say,
    ``themes`` are kinds of treatment that a title names.
    """

    arms: Sequence[str]
    gets: Sequence[frozenset[str]]
    use: Mapping[str, frozenset[int]]
    labels: Mapping[str, frozenset[int]]
    agents: tuple[str, ...]
    types: Mapping[str, str]
    novel: frozenset[str]
    titles: Mapping[str, frozenset[str]]
    themes: tuple[str, ...] = ()

    def name_cover(self, agent: str) -> str:
        """Return whether one arm, every arm, some arms or no arm gets an agent."""
        if len(self.arms) < 2:
            return "one arm"
        number = len(self.use.get(agent, ()))
        if number == 0:
            return "no arm"
        return "every arm" if number == len(self.arms) else "some arms"


def view_trial(
    sections: Sequence[DosingSection],
    lexicon: AgentNames,
    statements: Sequence[Statement],
    arms: Arms,
) -> Trial:
    """Collect the facts of a trial that decide roles.

    ``sections`` are those that state doses, and the titles; ``statements`` those about the agents
    that are given, which alone are counted as agents.
    """
    groups = [section for section in sections if section.is_arm]
    agents = tuple(dict.fromkeys(statement.agent.key for statement in statements))
    use, labels = _read_use(groups, lexicon, agents, arms)
    gets: list[frozenset[str]] = []
    for place in range(len(groups)):
        given = frozenset(key for key, places in use.items() if place in places)
        gets.append(given)
    return Trial(
        arms=[_class_group(arm) for arm in groups],
        gets=gets,
        use=use,
        labels=labels,
        agents=agents,
        types={section.name: section.type for section in sections},
        novel=frozenset(key for key in agents if "novel" in class_name(key)),
        titles=_read_titles(sections, lexicon),
        themes=_read_themes(sections),
    )


def _read_use(
    groups: Sequence[DosingSection],
    lexicon: AgentNames,
    agents: Sequence[str],
    arms: Arms,
) -> tuple[dict[str, frozenset[int]], dict[str, frozenset[int]]]:
    """Return the arms that get each agent, by their text or the registry's links, and those that
    name it in their label. Arms are told by their places in ``groups``.
    """
    places = {section.name: place for place, section in enumerate(groups)}
    used = defaultdict[str, set[int]](set)
    labelled = defaultdict[str, set[int]](set)
    for place, arm in enumerate(groups):
        for mention in lexicon.find(arm):
            key = mention.value.key
            used[key].add(place)
            if mention.end <= arm.title[1]:
                labelled[key].add(place)
    for key in agents:
        for name in arms.list_registered(key):
            if name in places:
                used[key].add(places[name])
    return _freeze(used), _freeze(labelled)


def _freeze(places: Mapping[str, set[int]]) -> dict[str, frozenset[int]]:
    return {key: frozenset(arms) for key, arms in places.items()}


def _read_themes(sections: Sequence[DosingSection]) -> tuple[str, ...]:
    """Return the kinds of treatment that the titles name: rules of ``_THEMES``."""
    titles = [section.tokens for section in sections if section.name in _TITLES]

    def is_named(theme: str) -> bool:
        return any(rule(theme).search(tokens) for tokens in titles)

    return tuple(filter(is_named, _THEMES))


def read_title(sections: Mapping[str, LexedSection]) -> Iterator[DosingSection]:
    """Yield the short title, which states no doses, but how agents are compared; nothing without
    one.
    """
    title = sections.get("title")
    if title is not None:
        yield DosingSection(title, (0, 0), (0, len(title.tokens)))


def class_arm(kind: str) -> str:
    """Return the class of an arm by its registered type: "experimental", "active", "placebo",
    "sham", else "other".
    """
    for word in _KINDS_OF_ARMS:
        if word in kind:
            return word
    return "other"


def _class_group(arm: DosingSection) -> str:
    """Return the class of an arm by its registered type. One of another or sham type whose label
    says "control", and not "sham", is active.
    """
    kind = class_arm(arm.type)
    if kind not in {"other", "sham"}:
        return kind
    if rule("control_label").search(arm.tokens, *arm.title) is None:
        return kind
    # a control that gets a sham gets nothing active
    is_sham = rule("sham_word").search(arm.tokens, *arm.title) is not None
    return kind if is_sham else "active"


def class_name(key: str) -> list[str]:
    """Return the classes that an agent's name indicates, by its ends and parts. A code with a
    number of three digits or more means a new drug.

    >>> class_name("fludarabine"), class_name("fictumab")
    (['ablative', 'lymphodepleting'], ['novel'])
    """
    key = key.lower()
    numbers = [word for word in lex(key).words if word.isdigit()]
    is_coded = any(len(number) > 2 for number in numbers)
    classes: list[str] = []
    for name, row in read_table("agent_classes").items():
        is_of_class = _has_part(key, row)
        if name == "novel" and is_coded:
            is_of_class = True
        if is_of_class:
            classes.append(name)
    return classes


def _has_part(key: str, row: Mapping[str, Any]) -> bool:
    """Return whether a name in lower case has one of the ends or parts of a class. ``row`` is a
    line of the table of classes: its ``ends``, those of them that are none (``not``), and
    ``parts``.
    """
    is_excepted = key.endswith(tuple(row.get("not", ())))
    if key.endswith(tuple(row.get("ends", ()))) and not is_excepted:
        return True
    return any(part in f" {key} " for part in row["parts"])


def _read_titles(
    sections: Sequence[DosingSection], lexicon: AgentNames
) -> dict[str, frozenset[str]]:
    """Return what the titles say of each agent that they name: by the short title, else by the
    official one.
    """
    by_name = {section.name: section for section in reversed(sections)}
    titles: dict[str, frozenset[str]] = {}
    for name in _TITLES:
        section = by_name.get(name)
        if section is None:
            continue
        features = defaultdict[str, set[str]](set)
        mentions = lexicon.find(section)
        for place, mention in enumerate(mentions):
            features[mention.value.key].update(_read_joints(section, mentions, place))
        for key, words in features.items():
            titles.setdefault(key, frozenset(words))
    return titles


def _read_joints(
    section: DosingSection, mentions: Sequence[Mention], place: int
) -> Iterator[str]:
    """Yield how a title names the mention at ``place``: alone, first or later, and how it joins it
    to the agents beside it, "after title_versus".
    """
    tokens = section.tokens
    mention = mentions[place]
    keys = {other.value.key for other in mentions}
    if len(keys) == 1:
        yield "alone"
    yield "later" if place else "first"
    start = mentions[place - 1].end if place else 0
    joint = _find_joint(tokens, start, mention.first)
    if joint:
        yield f"after {joint}"
    is_last = place + 1 == len(mentions)
    end = len(tokens) if is_last else mentions[place + 1].first
    joint = _find_joint(tokens, mention.end, end)
    if joint:
        yield f"before {joint}"


def _find_joint(tokens: Tokens, first: int, end: int) -> str | None:
    """Return the most telling rule for the words ``first:end`` between two agents of a title; None
    if none matches.
    """
    for name in _JOINTS:
        if rule(name).search(tokens, first, end):
            return name
    return None
