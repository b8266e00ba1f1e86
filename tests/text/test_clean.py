import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractor.language.clean import clean_text

CASES = tomllib.loads(Path(__file__).with_name("clean.toml").read_text("utf-8"))

# Pieces that cleaning changes, and plain text around them.
PIECES = st.sampled_from([
    "a", "12", "\\", "\\>", "\\~", "\n", "\n        ", "\r\n", "Â±", "â€™", "ﬁ", "\u200b", "⁹", "10⁻³", "²",
    "&lt;", "&amp;", "&bogus;", "–", "“", "\u00a0", "Ⅲ", "（", "\t", "é", "×", "Ã",
])  # fmt: skip
TEXTS = st.lists(PIECES, max_size=25).map("".join) | st.text(max_size=40)


@pytest.mark.parametrize(
    ("raw", "cleaned"),
    CASES.items(),
)
def test_undoes_escapes_damage_and_typography(raw, cleaned):
    assert clean_text(raw).text == cleaned


def test_joins_wrapped_lines_but_keeps_list_items_and_paragraphs():
    raw = (
        "\n        Inclusion Criteria:\n\n          -  adults with relapsed\n             "
        "disease\n\n"
        "          -  consent\n      "
    )
    assert clean_text(raw).text.split("\n\n") == [
        "\n        Inclusion Criteria:",
        "          -  adults with relapsed disease",
        "          -  consent\n      ",
    ]


@given(TEXTS)
def test_every_span_maps_to_ordered_raw_offsets(raw):
    cleaned = clean_text(raw)

    spans = []
    for index in range(len(cleaned.text)):
        start, end = cleaned.raw_span(index, index + 1)
        assert 0 <= start < end <= len(raw)
        spans.append((start, end))
    assert spans == sorted(spans)


@given(TEXTS)
def test_raw_positions_map_back_to_their_origin(raw):
    cleaned = clean_text(raw)
    changed = {
        i
        for start, end in zip(cleaned.starts, cleaned.ends, strict=True)
        for i in range(start, end)
    }
    for position in set(range(len(cleaned.text))) - changed:
        start, _ = cleaned.raw_span(position, position + 1)
        assert cleaned.clean_position(start) == position
