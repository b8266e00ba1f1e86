"""Ways into the body in their many spellings."""

import pytest

from extractor.parse.dosing.facts import find_all
from extractor.text.book import read_text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5 mg IVPB over 30 minutes", ["intravenous"]),
        ("fictumab IT on day 1", ["intrathecal"]),
        ("Given IT", ["intrathecal"]),
        ("Given ID", ["intradermal"]),
        ("vaccine ID on days 1 and 8", ["intradermal"]),
        ("ragweed IT beside examplumab", []),
        ("patient ID 12", []),
        ("injected intra-muscularly", ["intramuscular"]),
        ("100 U by intra-detrusor injection", ["other"]),
        ("delivered into the ventricular system", ["other"]),
        ("20 mL as a femoral nerve block", ["other"]),
        ("atrioventricular block", []),
        ("5 mg by oral inhalation", ["inhaled"]),
        ("2 puffs from a metered dose inhaler", ["inhaled"]),
        ("one drop in both eyes", ["ophthalmic"]),
        ("a gel put into the vagina", ["vaginal"]),
        ("gel applied to the scalp", ["topical"]),
        ("injected intra-articularly", ["other"]),
        ("54 Gy by 3D-CRT", ["external_beam"]),
        ("5 mg iv over one hour", ["intravenous"]),
        ("a diagnosis by DSM-IV", []),
        ("grade IV disease", []),
        ("oral hygiene", []),
    ],
)
def test_routes(text: str, expected: list[str]) -> None:
    assert [mark.value.value for mark in find_all(read_text(text)).route] == expected
