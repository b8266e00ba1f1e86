"""Why an agent is given, decided from its name, the words around it and the arms that name it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from extractor.schemas import Role

from .agents import Agent, Lexicon
from .facts import Statement
from .passages import Passage

__all__ = ["Trial", "read_role", "view_trial"]

_CELL_THERAPY = re.compile(
    r"\bCAR\b|CAR-?T|\bT[- ](?:cells?|lymphocytes)\b|\bNK cells?|\bTILs?\b|lympho-?\s?deplet", re.IGNORECASE
)
_GRAFT = re.compile(
    rf"{_CELL_THERAPY.pattern}|stem[- ]cell|transplant|\bHS?CT\b|bone marrow|cord blood|conditioning|\bgraft",
    re.IGNORECASE,
)
_ABLATIVE = re.compile(
    r"cyclophosphamide|fludarabine|busulfan|melphalan|thiotepa|treosulfan|carmustine|thymocyte|\batg\b|irradiation|\btbi\b"
)
_LYMPHODEPLETING = re.compile(r"cyclophosphamide|fludarabine|bendamustine", re.IGNORECASE)
_STANDARD = re.compile(
    r"platin|taxel|gemcitabine|fluorouracil|5 fu|capecitabine|pemetrexed|etoposide|irinotecan|leucovorin|folinic|"
    r"dexamethasone|radiotherapy|radiation|folic acid|vitamin b|eribulin|"
    r"vinorelbine|il 2|aldesleukin|interleukin 2|filgrastim|temozolomide|letrozole|anastrozole|fulvestrant",
    re.IGNORECASE,
)
_NOVEL = re.compile(
    r"(?<!rituxi)(?<!omalizu)(?<!trastuzu)(?<!bevacizu)(?<!cetuxi)mab$|"
    r"nib$|vedotin|deruxtecan|\d{3,}|car[ -]?t|cells?$|leucel|vaccine|lisib|ciclib|parib",
    re.IGNORECASE,
)
_PREMEDICATION = re.compile(r"pre-?medicat", re.IGNORECASE)
_RESCUE = re.compile(r"\brescue\b|as needed|\bleucovorin\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Trial:
    """What decides roles: the arms, which of them (by place) name which agent, and the whole of the text."""

    arms: Sequence[Passage]
    use: Mapping[str, frozenset[int]]
    agents: frozenset[str]
    kinds: Mapping[str, str]
    text: str


def view_trial(passages: Sequence[Passage], lexicon: Lexicon, statements: Sequence[Statement]) -> Trial:
    """The trial as the roles of its agents depend on it."""
    arms = [passage for passage in passages if passage.is_arm]
    use: dict[str, set[int]] = {}
    for place, arm in enumerate(arms):
        for mention in lexicon.find(arm.text, arm.section):
            use.setdefault(mention.value.key, set()).add(place)
    return Trial(
        arms,
        {key: frozenset(places) for key, places in use.items()},
        frozenset(statement.agent.key for statement in statements),
        {passage.section: passage.kind for passage in passages},
        " ".join(passage.text for passage in passages),
    )


def read_role(statement: Statement, text: str, trial: Trial) -> tuple[Role, float]:
    """The role and how sure it is; ``text`` is that of the statement's section."""
    agent = statement.agent
    near = text[max(0, statement.start - 150) : statement.end + 100]
    if agent.kind == "placebo":
        return Role.PLACEBO, 0.96
    if _prepares(statement, trial):
        return Role.CONDITIONING, 0.93
    if _PREMEDICATION.search(near):
        return Role.PREMEDICATION, 0.5
    if agent.kind == "procedure" or trial.kinds.get(agent.section) == "procedure":
        return Role.PROCEDURE, 0.6
    if "rescue" in agent.key or _RESCUE.search(text[statement.start : statement.end]):
        return Role.RESCUE, 0.5
    return _compare_agents(agent, trial)


def _prepares(statement: Statement, trial: Trial) -> bool:
    """Whether a drug makes room for cells: given before day 0, or the usual lymphodepletion beside a cell therapy."""
    agent = statement.agent
    if agent.kind not in {"drug", "radiation"} or _CELL_THERAPY.search(agent.key):
        return False
    days = statement.days.value if statement.days else ()
    if days and min(days) < 0 and max(days) <= 0 and (_ABLATIVE.search(agent.key) or _GRAFT.search(trial.text)):
        return True
    return bool(_LYMPHODEPLETING.search(agent.key) and _CELL_THERAPY.search(trial.text))


def _compare_agents(agent: Agent, trial: Trial) -> tuple[Role, float]:
    if _STANDARD.search(agent.key) and any(_NOVEL.search(key) for key in trial.agents - {agent.key}):
        return Role.BACKGROUND, 0.65
    named = trial.use.get(agent.key, frozenset())
    experimental = {place for place, arm in enumerate(trial.arms) if arm.kind == "experimental"}
    active = {place for place, arm in enumerate(trial.arms) if "active" in arm.kind}
    if named and named <= active and experimental:
        return Role.COMPARATOR, 0.85
    everywhere = len(trial.arms) > 1 and len(named) == len(trial.arms) and len(experimental) < len(trial.arms)
    if everywhere and any(places < named for key, places in trial.use.items() if key != agent.key):
        return Role.BACKGROUND, 0.65
    return Role.INVESTIGATIONAL, 0.85 if experimental else 0.8
