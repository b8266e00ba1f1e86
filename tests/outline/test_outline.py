import tomllib
from pathlib import Path

import pytest

from extractor.concepts.criteria.lists import LISTS
from extractor.language.passage import read_section
from extractor.outline import BlockKind, read_outline

CASES = tomllib.loads(Path(__file__).with_name("blocks.toml").read_text("utf-8"))


def _outline(text):
    blocks = read_outline(read_section("eligibility", text), LISTS)
    return [[block.kind.value, block.mark, block.text] for block in blocks]


@pytest.mark.parametrize(
    ("text", "expected"),
    CASES.items(),
)
def test_lines_become_blocks(text, expected):
    assert _outline(text) == expected


def test_a_misspelt_heading_is_doubted_with_its_reason():
    section = read_section("eligibility", "Exclusoin critera:\n- Gout")

    heading, item = read_outline(section, LISTS)

    assert (heading.kind, heading.name) == (BlockKind.HEADING, "exclusion")
    assert "misspelt" in heading.doubt
    assert item.parent == 0
