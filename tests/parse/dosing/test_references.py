"""What another arm gets is given again in other cycles."""

import pytest

from .records import make_section, read

_FIRST = "Arm I: Patients receive fictumab IV on day 1 and examplinib orally on days 1-5. Courses repeat every 21 days."


def _cycles(second: str) -> set[tuple[str | None, int]]:
    section = make_section("detailed_description", text=f"OUTLINE: {_FIRST} {second}")
    regimens = read(section).regimens
    return {(one.agent.value, int(one.cycle.value.value)) for one in regimens if one.cycle.value}


@pytest.mark.parametrize(
    "second",
    [
        "Arm II: Patients receive the regimen as in arm I. Courses repeat every 14 days.",
        "Arm II: Patients receive treatment as described in arm I, but courses repeat every 14 days.",
    ],
)
def test_all_agents_of_the_other_arm_are_given_again_in_other_cycles(second: str) -> None:
    given = {("fictumab", 21), ("examplinib", 21)}
    assert _cycles(second) == given | {(agent, 14) for agent, _ in given}


@pytest.mark.parametrize(
    "second",
    [
        "Arm II: Patients receive the regimen as in arm I. Courses repeat every 3 weeks.",
        "Arm II: Patients receive the regimen as in arm I.",
        "Arm II: Patients receive the regimen as in arm III. Courses repeat every 14 days.",
    ],
)
def test_the_same_cycles_or_an_unknown_arm_add_nothing(second: str) -> None:
    assert _cycles(second) == {("fictumab", 21), ("examplinib", 21)}


def test_what_the_arm_itself_states_is_not_given_again() -> None:
    second = "Arm II: Patients receive treatment as in arm I and fictumab IV on day 1. Courses repeat every 14 days."
    assert sorted(_cycles(second)) == [("examplinib", 14), ("examplinib", 21), ("fictumab", 14), ("fictumab", 21)]
