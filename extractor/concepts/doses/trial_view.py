"""The facts of a trial that decide the roles of its agents: its arms and what they get, its
titles, its interventions.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from extractor.concepts.doses.agents import AgentNames, Mention
from extractor.concepts.doses.arms import Arms
from extractor.concepts.doses.clauses import Statement
from extractor.concepts.doses.sections import DosingSection
from extractor.language.book import read_table, rule
from extractor.language.lexer import lex
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
        if not number:
            return "no arm"
        return "every arm" if number == len(self.arms) else "some arms"


def view_trial(
    sections: Sequence[DosingSection],
    lexicon: AgentNames,
    statements: Sequence[Statement],
    arms: Arms,
) -> Trial:
    """Collect the facts of a trial that decide roles. ``sections`` are those that state doses,
    and the titles.
    """
    groups = [section for section in sections if section.is_arm]
    agents = tuple(dict.fromkeys(statement.agent.key for statement in statements))
    use, labels = _read_use(groups, lexicon, agents, arms)
    gets = [
        frozenset(key for key in use if place in use[key])
        for place in range(len(groups))
    ]
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
    name it in their label.
    """
    places = {section.name: place for place, section in enumerate(groups)}
    used: list[tuple[str, int]] = []
    labelled: list[tuple[str, int]] = []
    for place, arm in enumerate(groups):
        for mention in lexicon.find(arm):
            used.append((mention.value.key, place))
            if mention.end <= arm.title[1]:
                labelled.append((mention.value.key, place))
    for key in agents:
        linked = arms.list_registered(key)
        used += [(key, places[arm]) for arm in linked if arm in places]
    return _group(used), _group(labelled)


def _read_themes(sections: Sequence[DosingSection]) -> tuple[str, ...]:
    """Return the kinds of treatment that the titles name."""
    titles = [section.tokens for section in sections if section.name in _TITLES]
    return tuple(
        theme for theme in _THEMES if any(rule(theme).search(one) for one in titles)
    )


def read_title(sections: Mapping[str, LexedSection]) -> Iterator[DosingSection]:
    """Yield the short title, which states no doses, but how agents are compared."""
    title = sections.get("title")
    if title is not None:
        yield DosingSection(title, (0, 0), (0, len(title.tokens)))


def _group(pairs: Iterable[tuple[str, int]]) -> dict[str, frozenset[int]]:
    found: dict[str, set[int]] = defaultdict(set)
    for key, place in pairs:
        found[key].add(place)
    return {key: frozenset(places) for key, places in found.items()}


def class_arm(kind: str) -> str:
    """Return the class of an arm by its registered type: "experimental", "other" and so on."""
    return next((word for word in _KINDS_OF_ARMS if word in kind), "other")


def _class_group(arm: DosingSection) -> str:
    """Return the class of an arm: one of another type whose label says "control" is active."""
    kind = class_arm(arm.type)
    if kind not in {"other", "sham"}:
        return kind
    is_control = rule("control_label").search(arm.tokens, *arm.title) is not None
    is_sham = rule("sham_word").search(arm.tokens, *arm.title) is not None
    return "active" if is_control and not is_sham else kind


def class_name(key: str) -> list[str]:
    """Return the classes that an agent's name indicates. A code with a number means a new drug.

    >>> class_name("fludarabine"), class_name("fictumab")
    (['ablative', 'lymphodepleting'], ['novel'])
    """
    found = []
    key = key.lower()
    for name, row in read_table("agent_classes").items():
        numbered = name == "novel" and any(
            len(word) > 2 and word.isdigit() for word in lex(key).words
        )
        ends = key.endswith(tuple(row.get("ends", ()))) and not key.endswith(
            tuple(row.get("not", ()))
        )
        if numbered or ends or any(part in f" {key} " for part in row["parts"]):
            found.append(name)
    return found


def _read_titles(
    sections: Sequence[DosingSection], lexicon: AgentNames
) -> dict[str, frozenset[str]]:
    """Return what the titles say of each agent that they name: by the short title, else by the
    official one.
    """
    found: dict[str, frozenset[str]] = {}
    for name in _TITLES:
        section = next((one for one in sections if one.name == name), None)
        if section is None:
            continue
        said = defaultdict[str, set[str]](set)
        mentions = lexicon.find(section)
        for place, mention in enumerate(mentions):
            said[mention.value.key].update(_read_joints(section, mentions, place))
        for key, words in said.items():
            found.setdefault(key, frozenset(words))
    return found


def _read_joints(
    section: DosingSection, mentions: Sequence[Mention], place: int
) -> Iterator[str]:
    """Yield how a title joins an agent to those beside it: "after title_versus", "alone"."""
    tokens = section.tokens
    mention = mentions[place]
    before = mentions[place - 1] if place else None
    behind = mentions[place + 1] if place + 1 < len(mentions) else None
    if len({one.value.key for one in mentions}) == 1:
        yield "alone"
    yield "first" if before is None else "later"
    start = before.end if before else 0
    for side, first, end in (
        ("after", start, mention.first),
        ("before", mention.end, behind.first if behind else len(tokens)),
    ):
        joint = next(
            (name for name in _JOINTS if rule(name).search(tokens, first, end)), None
        )
        if joint:
            yield f"{side} {joint}"
