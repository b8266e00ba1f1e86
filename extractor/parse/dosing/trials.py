"""The trial as the roles of its agents depend on it: its arms, which of them name which agent, what it is about."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from extractor.text.lexer import Tokens

from .agents import Agent, Lexicon
from .facts import Statement
from .passages import Passage
from .titles import TitleUse, view_titles

__all__ = ["Trial", "class_name", "view_trial"]

# Searched in lower case. Each alternative begins with a letter, which is found far faster than the edge of a word.
_TRIAL_SIGNS = {
    "cell therapy": r"car(?<=\bcar)\b|car-?t|t(?<=\bt)[- ](?:cells?|lymphocytes)\b|nk(?<=\bnk) cells?|"
    r"til(?<=\btil)s?\b|lympho-?\s?deplet",
    "graft": r"stem[- ]cell|transplant|hct(?<=\bhct)\b|hsct(?<=\bhsct)\b|bone marrow|cord blood|conditioning|"
    r"graft(?<=\bgraft)",
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
    r"car[ -]?t|cells?$|leucel|vaccine|lisib|ciclib|parib|"
    r"clax$|zomib$|degib$|stat$|tansine$|sen$|lidomide$",
    "inactive": r"saline|vehicle|sham|water|sodium chloride|diluent|maltodextrin|starch",
}
_TRIAL = {name: re.compile(pattern) for name, pattern in _TRIAL_SIGNS.items()}
_NAME = {name: re.compile(pattern, re.IGNORECASE) for name, pattern in _NAME_SIGNS.items()}


@dataclass(frozen=True, slots=True)
class Trial:
    """What decides roles: the kinds of the arms, which arms (by place) name which agent, and what it is all about.

    ``agents`` are those that are given; ``novel`` and ``standard`` hold the keys of those whose names say so;
    ``frequencies`` counts the different ones that are named where agents are given. ``labels`` says which arms have the
    agent in their label, ``kinds_of_arms`` what kind of arm each section is.
    """

    arms: Sequence[str]
    use: Mapping[str, frozenset[int]]
    agents: tuple[str, ...]
    kinds: Mapping[str, str]
    signs: tuple[str, ...]
    novel: frozenset[str] = frozenset()
    standard: frozenset[str] = frozenset()
    titles: TitleUse = field(default_factory=TitleUse)
    frequencies: int = 0
    labels: Mapping[str, frozenset[int]] = field(default_factory=dict)
    kinds_of_arms: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_compared(self) -> bool:
        """Whether an arm gets something else than what is tested."""
        return not {"active", "placebo", "sham"}.isdisjoint(self.arms)

    def tests_beside(self, agent: Agent) -> bool:
        """Whether another agent is what the trial is about, by the names of both; titles tell more than names."""
        novel = self.novel - {agent.key}
        if self.titles.tests(agent.key):
            return False
        if self.titles.standings:
            return not novel.isdisjoint(self.titles.standings)
        return bool(novel) and not self.titles.schemes


def view_trial(
    passages: Sequence[Passage], lexicon: Lexicon, statements: Sequence[Statement], titles: Sequence[Tokens] = ()
) -> Trial:
    """The trial as the roles of its agents depend on it; ``titles`` are its cleaned titles, if they are known."""
    arms = [passage for passage in passages if passage.is_arm]
    use: dict[str, set[int]] = {}
    labels: dict[str, set[int]] = {}
    for place, arm in enumerate(arms):
        for mention in lexicon.find(arm.tokens, arm.section):
            use.setdefault(mention.value.key, set()).add(place)
            if mention.end <= arm.title[1]:
                labels.setdefault(mention.value.key, set()).add(place)
    text = " ".join(passage.text for passage in passages).lower()
    agents = tuple(dict.fromkeys(statement.agent.key for statement in statements))
    return Trial(
        arms=[_class_arm(arm.kind) for arm in arms],
        use={key: frozenset(places) for key, places in use.items()},
        agents=agents,
        kinds={passage.section: passage.kind for passage in passages},
        signs=tuple(name for name, sign in _TRIAL.items() if sign.search(text)),
        novel=frozenset(filter(_NAME["novel"].search, agents)),
        standard=frozenset(filter(_NAME["standard"].search, agents)),
        titles=view_titles(titles, lexicon),
        labels={key: frozenset(places) for key, places in labels.items()},
        kinds_of_arms={arm.section: _class_arm(arm.kind) for arm in arms},
        frequencies=len({mark.value for statement in statements for mark in statement.clause.marks.frequency}),
    )


def class_name(key: str) -> list[str]:
    """What an agent's name tells of it.

    >>> class_name("fludarabine"), class_name("fictumab")
    (['ablative', 'lymphodepleting'], ['novel'])
    """
    return [name for name, sign in _NAME.items() if sign.search(key)]


def _class_arm(kind: str) -> str:
    for word in ("experimental", "active", "placebo", "sham"):
        if word in kind:
            return word
    return "other"
