"""Which lines of a copied text are the edges of its pages, and which are criteria."""

import pytest

from extractor.formats.layout import undo_layout

_HEADER = "Protocol ABC-1 of a study in patients with asthma"


def _list_kept(*lines: str) -> list[str]:
    text = undo_layout("\n".join(lines))
    return [line.strip() for line in text.split("\n") if line.strip()]


def test_a_header_recurs_at_the_same_distance_from_the_number_of_its_page():
    kept = _list_kept(
        "Smokers", _HEADER, "Page 1 of 2", "Gout", "COPD", _HEADER, "Page 2 of 2"
    )

    assert kept == ["Smokers", "Gout", "COPD"]


@pytest.mark.parametrize(
    "criterion", ["No pregnancy", "Age > 18 years", "- Asthma", "Any cancer"]
)
def test_a_criterion_that_recurs_near_the_numbers_of_pages_stays(criterion):
    kept = _list_kept(
        "Adults", criterion, "Page 1 of 2", "Gout", criterion, "Page 2 of 2"
    )

    assert kept.count(criterion) == 2


def test_a_line_is_no_header_far_from_the_number_of_a_page():
    far = ["Smokers", "Gout", "COPD", "Heart failure"]
    kept = _list_kept(
        *(_HEADER, "Page 1 of 2", *far, _HEADER, *far, _HEADER, "Page 2 of 2")
    )

    assert kept.count(_HEADER) == 1


def test_a_line_at_another_distance_is_no_header():
    kept = _list_kept(
        *("Asthma", "Page 1 of 2", "Gout", "COPD", "Heart failure"),
        *("Cancer", "Page 2 of 2", "Diabetes", "Asthma"),
    )

    assert kept.count("Asthma") == 2
