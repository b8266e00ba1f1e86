"""Why an agent is given, decided from its name, the words around it and the arms that name it.

A log-linear model chooses among the roles: ``role_weights.toml`` says how much each feature that is named here counts
for each role.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from math import exp

from extractor.schemas import Role

from .agents import Agent, Lexicon
from .facts import Statement
from .passages import Passage
from .titles import TitleUse, view_titles

__all__ = ["Trial", "describe_role", "read_role", "view_trial"]

_TRIAL_SIGNS = {
    "cell therapy": r"\bCAR\b|CAR-?T|\bT[- ](?:cells?|lymphocytes)\b|\bNK cells?|\bTILs?\b|lympho-?\s?deplet",
    "graft": r"stem[- ]cell|transplant|\bHS?CT\b|bone marrow|cord blood|conditioning|\bgraft",
    "vaccine": r"vaccin",
    "allergen": r"allerg|desensiti[sz]|immunotherapy|food challenge",
    "asthma": r"asthma",
}
_NAME_SIGNS = {
    "ablative": r"cyclophosphamide|fludarabine|busulfan|melphalan|thiotepa|treosulfan|carmustine|bendamustine|"
    r"thymocyte|\batg\b|irradiation|\btbi\b",
    "standard": r"platin|taxel|gemcitabine|fluorouracil|5 fu|capecitabine|pemetrexed|etoposide|irinotecan|leucovorin|"
    r"folinic|vincristine|rubicin|cytarabine|methotrexate|rituximab|bendamustine|radiotherapy|radiation|folic acid|"
    r"vitamin b|eribulin|vinorelbine|temozolomide|letrozole|anastrozole|fulvestrant",
    "lymphodepleting": r"cyclophosphamide|fludarabine|bendamustine",
    "steroid": r"predniso|dexamethas|cortis|corticoster|budesonide|fluticasone|mometasone|beclomet",
    "reliever": r"formoterol|salmeterol|salbutamol|albuterol|montelukast|histamine|cetirizine|loratadine|epinephrine|"
    r"adrenaline|paracetamol|acetaminophen|diphenhydramine",
    "suppressant": r"tacrolimus|cyclosporin|mycophenolate|sirolimus|methotrexate",
    "growth factor": r"grastim|g csf|gm csf|sargramostim|\bil 2\b|interleukin 2|aldesleukin|mesna",
    "novel": r"(?<!rituxi)(?<!omalizu)(?<!trastuzu)(?<!bevacizu)(?<!cetuxi)mab$|nib$|vedotin|deruxtecan|\d{3,}|"
    r"car[ -]?t|cells?$|leucel|vaccine|lisib|ciclib|parib",
    "inactive": r"saline|vehicle|sham|water|sodium chloride|diluent|maltodextrin|starch",
}
_NEAR_SIGNS = {
    "premedication": r"pre-?medicat",
    "rescue": r"\brescue\b|as needed|on demand|if necessary|as required",
    "background": r"background|standard of care|in addition to|on top of|concomitant|maintenance therapy",
    "conditioning": r"conditioning|lympho-?\s?deplet|preparative|prior to (?:the )?(?:car|t[ -]cell|infusion)|"
    r"prior to (?:the )?transplant",
    "prophylaxis": r"prophyla|immunosuppress",
    "combination": r"combin|\bplus\b|\+|together with",
    "placebo": r"placebo",
    "comparator": r"comparator|control|reference|versus|conventional",
    "standard": r"standard",
    "challenge": r"challenge|skin test|\btest\b",
}
_LEAST_SURE = 0.5
"""Every agent has a role: the likeliest one is given, however many compete with it."""
_BEHIND, _AHEAD = 150, 100
_TRIAL = {name: re.compile(pattern, re.IGNORECASE) for name, pattern in _TRIAL_SIGNS.items()}
_NAME = {name: re.compile(pattern, re.IGNORECASE) for name, pattern in _NAME_SIGNS.items()}
_NEAR = {name: re.compile(pattern, re.IGNORECASE) for name, pattern in _NEAR_SIGNS.items()}


@dataclass(frozen=True, slots=True)
class Trial:
    """What decides roles: the kinds of the arms, which arms (by place) name which agent, and what it is all about."""

    arms: Sequence[str]
    use: Mapping[str, frozenset[int]]
    agents: tuple[str, ...]
    kinds: Mapping[str, str]
    signs: tuple[str, ...]
    titles: TitleUse = TitleUse()


def view_trial(
    passages: Sequence[Passage], lexicon: Lexicon, statements: Sequence[Statement], titles: Sequence[str] = ()
) -> Trial:
    """The trial as the roles of its agents depend on it; ``titles`` are its cleaned titles, if they are known."""
    arms = [passage for passage in passages if passage.is_arm]
    use: dict[str, set[int]] = {}
    for place, arm in enumerate(arms):
        for mention in lexicon.find(arm.text, arm.section):
            use.setdefault(mention.value.key, set()).add(place)
    text = " ".join(passage.text for passage in passages)
    return Trial(
        [_class_arm(arm.kind) for arm in arms],
        {key: frozenset(places) for key, places in use.items()},
        tuple(dict.fromkeys(statement.agent.key for statement in statements)),
        {passage.section: passage.kind for passage in passages},
        tuple(name for name, sign in _TRIAL.items() if sign.search(text)),
        view_titles(titles, lexicon),
    )


def _class_arm(kind: str) -> str:
    for word in ("experimental", "active", "placebo", "sham"):
        if word in kind:
            return word
    return "other"


def read_role(statement: Statement, text: str, trial: Trial) -> tuple[Role, float]:
    """The role and the probability that it is right; ``text`` is that of the statement's section."""
    weights, features = _load_weights(), describe_role(statement, text, trial)
    scores = {role: sum(weights[role].get(feature, 0.0) for feature in features) for role in Role if role in weights}
    best = max(scores, key=lambda role: scores[role])
    sure = 1 / sum(exp(score - scores[best]) for score in scores.values())
    return best, max(sure, _LEAST_SURE)


def describe_role(statement: Statement, text: str, trial: Trial) -> list[str]:
    """What is true of the agent, of its statement, and of the trial, by name."""
    agent = statement.agent
    near = text[max(0, statement.start - _BEHIND) : statement.end + _AHEAD]
    names = [name for name, sign in _NAME.items() if sign.search(agent.key)]
    days = statement.days.value if statement.days else ()
    features = ["always", f"kind {agent.kind}", f"type {trial.kinds.get(agent.section, '')}"]
    features += [f"name {name}" for name in names]
    features += [f"near {name}" for name, sign in _NEAR.items() if sign.search(near)]
    features += [f"trial {name}" for name in trial.signs]
    features += [f"{name} for {sign}" for name in names for sign in trial.signs if sign in {"cell therapy", "graft"}]
    features += _describe_use(agent, trial)
    features.append(f"expected {_expect(agent, names, days, near, trial)}")
    if _stands_beside_novel(agent, trial):
        features += ["beside novel", *(f"{name} beside novel" for name in names)]
        if "standard" in names and "novel" not in names:
            features.append("standard alone beside novel")
    if days and min(days) < 0:
        features += ["before day 0", *(f"before day 0 for {sign}" for sign in trial.signs)]
    if days and min(days) < 0 and max(days) <= 0 and ("ablative" in names or "graft" in trial.signs):
        features.append("prepares")
    if agent.section == statement.section:
        features.append("own section")
    if statement.linked < 1:
        features.append(f"linked {statement.linked}")
    if not statement.amounts:
        features.append("no dose")
    return features


def _expect(agent: Agent, names: Sequence[str], days: Sequence[int], near: str, trial: Trial) -> Role:
    """The role that the usual designs of trials give an agent."""
    preparing = bool(days) and min(days) < 0 and max(days) <= 0 and ("ablative" in names or "graft" in trial.signs)
    if agent.kind == "placebo":
        return Role.PLACEBO
    if agent.kind in {"drug", "radiation"} and (
        preparing or ("lymphodepleting" in names and "cell therapy" in trial.signs)
    ):
        return Role.CONDITIONING
    if _NEAR["premedication"].search(near):
        return Role.PREMEDICATION
    if agent.kind == "procedure" or trial.kinds.get(agent.section) == "procedure":
        return Role.PROCEDURE
    return Role.RESCUE if _NEAR["rescue"].search(near) else _compare_agents(agent, names, trial)


def _compare_agents(agent: Agent, names: Sequence[str], trial: Trial) -> Role:
    if "standard" in names and _stands_beside_novel(agent, trial):
        return Role.BACKGROUND
    named = trial.use.get(agent.key, frozenset())
    kinds = {trial.arms[place] for place in named}
    if kinds == {"active"} and "experimental" in trial.arms:
        return Role.COMPARATOR
    everywhere = len(trial.arms) > 1 and len(named) == len(trial.arms) and set(trial.arms) != {"experimental"}
    if everywhere and any(use < named for key, use in trial.use.items() if key != agent.key):
        return Role.BACKGROUND
    return Role.INVESTIGATIONAL


def _stands_beside_novel(agent: Agent, trial: Trial) -> bool:
    """Whether another agent is what the trial is about, by the names of both; titles tell more than names."""
    titles = trial.titles
    novel = {key for key in trial.agents if key != agent.key and _NAME["novel"].search(key)}
    if agent.key in titles.tested:
        return False
    if titles.tested | titles.beside:
        return bool(novel & (titles.tested | titles.beside))
    return bool(novel) and not titles.schemes


def _describe_use(agent: Agent, trial: Trial) -> Iterator[str]:
    """How the arms use an agent, and what other agents there are."""
    named = trial.use.get(agent.key, frozenset())
    kinds = {trial.arms[place] for place in named}
    yield f"arms {min(len(trial.arms), 3)}"
    yield f"agents {min(len(trial.agents), 4)}"
    yield f"in {'+'.join(sorted(kinds)) or 'no arm'}"
    yield f"in {'+'.join(sorted(kinds)) or 'no arm'} of {'+'.join(sorted(set(trial.arms)))}"
    if named and kinds == {"active"} and "experimental" in trial.arms:
        yield "in active arms alone"
    if named and "experimental" not in kinds and "experimental" in trial.arms:
        yield "in no experimental arm"
    if len(trial.arms) > 1 and len(named) == len(trial.arms):
        yield "in every arm"
        others = any(use < named for use in trial.use.values())
        yield "in every arm, others not" if others else "in every arm as all"
        if others and set(trial.arms) != {"experimental"}:
            yield "in every arm, others not, arms compared"
    if any(use > named for use in trial.use.values()):
        yield "others in more arms"
    if any(use < named for use in trial.use.values()):
        yield "others in fewer arms"
    if trial.agents and trial.agents[0] == agent.key:
        yield "first agent"
    if agent.section == "interventions[0]":
        yield "first intervention"
    if not agent.section.startswith("interventions"):
        yield "no intervention"


@cache
def _load_weights() -> dict[Role, dict[str, float]]:
    table = tomllib.loads((files(__package__) / "role_weights.toml").read_text("utf-8"))
    return {Role(role): weights for role, weights in table.items()}
