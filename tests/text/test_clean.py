import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractor.language.clean import clean_text

# Pieces that cleaning changes, and plain text around them.
PIECES = st.sampled_from([
    "a", "12", "\\", "\\>", "\\~", "\n", "\n        ", "\r\n", "Â±", "â€™", "ﬁ", "\u200b", "⁹", "10⁻³", "²",
    "&lt;", "&amp;", "&bogus;", "–", "“", "\u00a0", "Ⅲ", "（", "\t", "é", "×", "Ã",
])  # fmt: skip
TEXTS = st.lists(PIECES, max_size=25).map("".join) | st.text(max_size=40)


@pytest.mark.parametrize(
    ("raw", "cleaned"),
    [
        (r"CD19 \>95% \[local lab\] 3\~12", "CD19 >95% [local lab] 3~12"),
        ("day 30 (Â±2)", "day 30 (±2)"),
        ("1.5 × 10⁹/L and 30 mg/m²", "1.5 x 10^9/L and 30 mg/m2"),
        ("age &gt;= 18 &amp; &lt; 65", "age >= 18 & < 65"),
        ("NYHA Ⅲ–Ⅳ （any）", "NYHA III-IV (any)"),
        ("a\u00a0b\u200bc", "a bc"),
        ("Age ³ 18 years, BMI £35", "Age ≥ 18 years, BMI ≤35"),
        ("Age³18 years", "Age≥18 years"),
        ("toxicity ³ Grade 2", "toxicity ≥ Grade 2"),
        ("(³ 2 relapses)", "(≥ 2 relapses)"),
        ("ECOG £ 2 and INR £1.5", "ECOG ≤ 2 and INR ≤1.5"),
        ("ANC ³ 1,500/mm³", "ANC ≥ 1,500/mm3"),
        (
            "a volume of 3 cm³ or 1000 cells/mm³ 2 days before",
            "a volume of 3 cm3 or 1000 cells/mm3 2 days before",
        ),
        ("WBC 4 x 10³ /µL", "WBC 4 x 10^3 /μL"),
        ("a voucher of £ 10", "a voucher of £ 10"),
        ("income below £20,000", "income below £20,000"),
        ("paid in cash: £ 50", "paid in cash: £ 50"),
        ("£ 5 per visit", "£ 5 per visit"),
        (
            "age \uf0b3 18, pain \uf0a3 3, \uf0b1 2 days, 5 \uf06dg",
            "age ≥ 18, pain ≤ 3, ± 2 days, 5 μg",
        ),
        ("age >\u0332 18, pain <\u0332 3", "age >= 18, pain <= 3"),
        ("age <u>></u> 18, pain <u>&lt;</u> 3", "age >= 18, pain <= 3"),
        ("ANC > 1.5 x 10<sup>9</sup>/L", "ANC > 1.5 x 10^9/L"),
        (
            r"weight \u0026gt; 50 kg, age \u2265 18, INR \u003c 2",
            "weight > 50 kg, age ≥ 18, INR < 2",
        ),
    ],
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
