"""Statements of one agent that are two ways of giving it, and those that are one."""

import pytest

from .records import give


@pytest.mark.parametrize(
    ("text", "regimens"),
    [
        ("5 mg orally daily for 4 weeks\n5 mg orally daily for 48 weeks", 2),
        ("5 mg orally daily for 4 weeks\n10 mg orally daily for 4 weeks", 1),
        ("5 mg orally daily for 4 weeks\n10 mg orally", 1),
        ("1 mg/kg IV before surgery\n0.5 mg/kg/h IV during surgery", 2),
        ("5 mg orally daily for 4 weeks followed by 2 mg orally daily for 4 weeks", 1),
        ("5 mg orally daily for 4 weeks followed by 2 mg orally weekly for 4 weeks", 2),
        ("Examplumab IV continuously for 5 days. Examplumab therapy repeats every 7 days for 4 courses.", 1),
        ("Examplumab IV continuously for 5 days. Examplumab 5 mg IV every 7 days", 1),
        ("5 mg IV on day 1 and 8\n10 mg IV on day 15", 2),
        ("Part 1: 5 mg IV on day 1 of each 21-day cycle. Part 2: 5 mg IV on day 1 of each 28-day cycle", 2),
        ("5 mg IV on day 1 of each 21-day cycle\n10 mg IV on day 1 of each 3-week cycle", 1),
    ],
)
def test_what_differs_in_days_lengths_cycles_or_rates_is_given_in_two_ways(text: str, regimens: int) -> None:
    assert len(give(text)) == regimens
