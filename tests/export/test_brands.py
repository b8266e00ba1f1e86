"""A brand and its substance, and a company's code, are names of one agent."""

import pytest

from extractor.apps.export.agent_names import AgentNamer
from extractor.apps.export.arms import Arm
from extractor.apps.export.dosage_forms import find_form
from extractor.apps.export.interventions import Intervention


@pytest.mark.parametrize(
    ("registered", "arm", "agent", "name"),
    [
        (["Genotropin (somatropin)"], "", "Genotropin", "somatropin"),
        (["Genotropin (somatropin)"], "", "Genotropin (somatropin)", "somatropin"),
        (["Ozempic(R) (semaglutide)"], "", "Ozempic", "semaglutide"),
        (["metformin (Glucophage)"], "", "Glucophage", "metformin"),
        (["omeprazole"], "Miracid\u00ae (Omeprazole) daily", "Miracid", "omeprazole"),
        (
            ["Flupentixol +Melitracen"],
            "Deanxit\u00ae (Flupentixol + Melitracen)",
            "Deanxit",
            "flupentixol + melitracen",
        ),
        (["Keytruda"], "pembrolizumab (Keytruda\u00ae)", "Keytruda", "pembrolizumab"),
        (["Xolair"], "Xolair\u00ae (Novartis)", "Xolair", "xolair"),
        (["Xolair"], "Xolair\u00ae (subcutaneous)", "Xolair", "xolair"),
        (["Vitamin D (intravenous)"], "", "vitamin D", "vitamin d"),
    ],
)
def test_a_brand_is_named_by_its_substance(registered, arm, agent, name):
    interventions = [
        Intervention(name, "DRUG", (), None, f"interventions[{at}]")
        for at, name in enumerate(registered)
    ]
    namer = AgentNamer(interventions, arms=[Arm("Active", description=arm)])
    assert namer.name(agent) == name


def test_the_code_of_an_arm_names_the_only_agent_of_the_arm():
    interventions = [
        Intervention(name, "BIOLOGICAL", (), None, "interventions[0]")
        for name in ("IGE-1", "IGE-2")
    ]
    arms = [
        Arm("PF-06444753", description="Subjects get IGE-1 monthly"),
        Arm("PF-06444759", description="IGE-1, then IGE-2"),
        Arm("Placebo", description="IGE-2"),
    ]

    namer = AgentNamer(interventions, arms=arms)

    names = [namer.name(arm.label) for arm in arms]
    assert names == ["ige-1", "pf-06444759", "placebo"]


@pytest.mark.parametrize(
    ("quote", "arm", "form"),
    [
        ("10 mg daily", "Black seed oil capsules: ", "capsule"),
        ("10 mg daily", "", None),
        ("10 mg cream", "tablets, then ", "cream"),
        ("A capsule containing a tablet of 10 mg", "", "capsule"),
        ("capsules filled with powder, 10 mg", "", "capsule"),
        ("capsule or tablet of 10 mg", "", None),
    ],
)
def test_a_form_stands_in_the_dose_or_before_it(quote, arm, form):
    assert find_form([quote], (), [arm]) == form
