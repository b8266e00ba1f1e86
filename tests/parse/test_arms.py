"""Which arms get a regimen and its amounts: by the registry's links, the arms' own texts, and
sentences.
"""

import pytest

from extractor.concepts.parse import parse_record
from extractor.schemas import RegistryFields
from tests.trust import trial

DRUG = {"name": "Examplumab"}
SHAM = {"name": "Placebo"}


def linked(record, *links):
    """The record, whose interventions are linked to these arms, "01" for the first two."""
    found = {
        f"interventions[{at}]": tuple(f"arms[{arm}]" for arm in link)
        for at, link in enumerate(links)
    }
    return record.model_copy(update={"registry": RegistryFields(arm_links=found)})


def read(arms, interventions, links=(), **sections):
    """The regimens of a record: agent, arms, and amounts with their arms. Arms are "label:
    description".
    """
    split = (arm.partition(": ") for arm in arms)
    kinds = (
        "PLACEBO_COMPARATOR" if arm.startswith("Placebo") else "EXPERIMENTAL"
        for arm in arms
    )
    texts = [
        {"label": a, "type": kind, "description": b or " "}
        for (a, _, b), kind in zip(split, kinds, strict=True)
    ]
    parsed = parse_record(
        linked(trial(arms=texts, interventions=list(interventions), **sections), *links)
    )
    return [
        (
            regimen.rules["agent"].value,
            *(regimen.rules[name] for name in ("arms", "amounts")),
        )
        for regimen in parsed.regimens
    ]


def agents(*args, **sections):
    return [(agent, arms.value) for agent, arms, _ in read(*args, **sections)]


@pytest.mark.parametrize(
    ("arms", "interventions", "links", "expected"),
    [
        # The registry's links.
        (
            ["A", "B"],
            [
                DRUG | {"description": "5 mg daily"},
                SHAM | {"description": "1 tablet daily"},
            ],
            ("0", "01"),
            [("Examplumab", ("A",)), ("Placebo", ("A", "B"))],
        ),
        # An arm's own text gives what nothing is linked to.
        (
            [
                "A: Examplumab 5 mg daily and prednisone 10 mg daily",
                "B: Examplumab 5 mg daily",
            ],
            [DRUG],
            ("01",),
            [("Examplumab", ("A", "B")), ("prednisone", ("A",))],
        ),
        # An intervention that describes all arms is that of its own.
        # An arm that gets another regimen of the agent.
        (
            ["A: Examplumab 5 mg once daily", "B: Examplumab 20 mg once weekly"],
            [DRUG],
            ("01",),
            [("Examplumab", ("A",)), ("Examplumab", ("B",))],
        ),
        # Cross-over sequences get both.
        (
            ["Active then sham", "Sham then active"],
            [
                DRUG | {"description": "5 mg daily"},
                SHAM | {"description": "1 tablet daily"},
            ],
            ("01", "01"),
            [
                ("Examplumab", ("Active then sham", "Sham then active")),
                ("Placebo", ("Active then sham", "Sham then active")),
            ],
        ),
        # A placebo that has no intervention of its own: its arm is linked to the drug's.
        # One intervention for both arms names two drugs; each arm's text says which it gets.
        # What is given beside a placebo.
        (
            ["Drug", "Placebo"],
            [
                DRUG | {"description": "5 mg daily"},
                SHAM | {"description": "1 tablet daily"},
                {"name": "Fictumab", "description": "2 mg daily"},
            ],
            ("0", "1", "01"),
            [
                ("Examplumab", ("Drug",)),
                ("Placebo", ("Placebo",)),
                ("Fictumab", ("Drug", "Placebo")),
            ],
        ),
        # Three schedules in three cohorts.
        # The same dose for other times.
        # One arm.
        (
            ["Treatment"],
            [DRUG | {"description": "5 mg daily"}],
            (),
            [("Examplumab", ("Treatment",))],
        ),
        # The record does not tell.
        (["A", "B"], [DRUG | {"description": "5 mg daily"}], (), [("Examplumab", ())]),
    ],
)
def test_arms_of_regimens(arms, interventions, links, expected):
    assert agents(arms, interventions, links) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Placebo: Tablets identical to Examplumab 5 mg daily",
        "Placebo: Tablets daily. After week 12 they may switch to Examplumab 5 mg daily",
        "Placebo: Tablets daily without Examplumab",
        "Control: Examplumab 5 mg or placebo daily",
    ],
)
def test_an_arm_that_only_mentions_an_agent_does_not_get_it(text):
    found = agents([text, "Drug: Examplumab 5 mg daily"], [DRUG, SHAM], ("1", "0"))
    assert ("Examplumab", ("Drug",)) in found


@pytest.mark.parametrize(
    ("arms", "interventions", "links", "expected"),
    [
        (
            ["High: Examplumab 10 mg daily", "Low: Examplumab 5 mg daily"],
            [DRUG],
            ("01",),
            ["10 mg (High)", "5 mg (Low)"],
        ),
        (
            ["Examplumab 10 mg", "Examplumab 5 mg"],
            [DRUG],
            ("01",),
            ["10 mg (Examplumab 10 mg)", "5 mg (Examplumab 5 mg)"],
        ),
        (
            ["High dose: 10 mg", "Low dose: 5 mg"],
            [DRUG],
            ("01",),
            ["10 mg (High dose)", "5 mg (Low dose)"],
        ),
        (
            ["A", "B", "C"],
            [
                DRUG | {"description": "10 mg daily"},
                DRUG | {"description": "5 mg daily"},
            ],
            ("0", "12"),
            ["10 mg (A)", "5 mg (B, C)"],
        ),
        # No difference between arms.
        (
            ["A", "B"],
            [DRUG | {"description": "5 mg or 10 mg daily"}],
            ("01",),
            ["5 mg", "10 mg"],
        ),
        (
            ["A"],
            [DRUG | {"description": "5 mg or 10 mg daily"}],
            ("0",),
            ["5 mg", "10 mg"],
        ),
        (["High: Examplumab 10 mg daily", "Low"], [DRUG], ("01",), ["10 mg"]),
    ],
)
def test_amounts_have_arms_where_these_differ(arms, interventions, links, expected):
    ((_, given, amounts),) = read(arms, interventions, links)
    assert list(map(str, amounts.value)) == expected
    assert len(given.value) == len(arms)
