import pytest

from extractor.concepts.criteria.lists import LISTS
from extractor.language.passage import read_section
from extractor.outline import BlockKind, explain_line, read_outline


def _outline(text):
    blocks = read_outline(read_section("eligibility", text), LISTS)
    return [(block.kind.value, block.mark, block.text) for block in blocks]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Inclusion Criteria: 1. Adults 2. Asthma",
            [
                ("heading", "", "Inclusion Criteria:"),
                ("item", "1.", "Adults"),
                ("item", "2.", "Asthma"),
            ],
        ),
        (
            "Exclusion: - Gout - COPD",
            [
                ("heading", "", "Exclusion:"),
                ("item", "-", "Gout"),
                ("item", "-", "COPD"),
            ],
        ),
        (
            "  Cohort 1\n\n  •Adults with\n  asthma\n\n  Cohort 2\n\n    -  Gout",
            [
                ("heading", "", "Cohort 1"),
                ("item", "•", "Adults with asthma"),
                ("heading", "", "Cohort 2"),
                ("item", "-", "Gout"),
            ],
        ),
        (
            "<ul><li>Adults</li><li>Asthma</li></ul>",
            [("item", "<li>", "Adults"), ("item", "<li>", "Asthma")],
        ),
        (
            "| Adults | yes |\n| Asthma | no |",
            [("row", "", "Adults | yes"), ("row", "", "Asthma | no")],
        ),
        (
            "- Adults with\n  asthma\nConfidential Page 3 of 9\n- Gout",
            [
                ("item", "-", "Adults with asthma"),
                ("furniture", "", "Confidential Page 3 of 9"),
                ("item", "-", "Gout"),
            ],
        ),
        (
            "1) infectious, 2)\n  inflammatory 3) neoplastic\n- Gout",
            [
                ("item", "1)", "infectious"),
                ("item", "2)", "inflammatory"),
                ("item", "3)", "neoplastic"),
                ("item", "-", "Gout"),
            ],
        ),
        (
            "  - Steroids in the last month\n  before inclusion\n  - Gout",
            [
                ("item", "-", "Steroids in the last month before inclusion"),
                ("item", "-", "Gout"),
            ],
        ),
        (
            "①Adults ②Asthma",
            [("item", "①", "Adults"), ("item", "②", "Asthma")],
        ),
        (
            "- CD20 positive\n- E. coli in the urine",
            [("item", "-", "CD20 positive"), ("item", "-", "E. coli in the urine")],
        ),
    ],
)
def test_lines_become_blocks(text, expected):
    assert _outline(text) == expected


def test_a_misspelt_heading_is_doubted_with_its_reason():
    section = read_section("eligibility", "Exclusoin critera:\n- Gout")

    heading, item = read_outline(section, LISTS)

    assert (heading.kind, heading.name) == (BlockKind.HEADING, "exclusion")
    assert "misspelt" in heading.doubt
    assert item.parent == 0


def test_a_line_is_explained_by_signs_with_their_weights():
    text = "Inclusion:\n\nCardiac:\n* Angina"

    [(kind, _, signs)] = explain_line(
        read_section("eligibility", text), "Cardiac", LISTS
    )

    assert kind == "heading"
    assert signs["colon"] > 0
    assert sum(signs.values()) > 0
