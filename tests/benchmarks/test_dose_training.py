"""What the scorers of doses learn from, and the files they write."""

import tomllib

import numpy as np

from benchmarks.training import dose_quotes, dose_roles
from extractor.schemas import Role

ROW = {
    "id": "d1",
    "record": "NCT90000001",
    "sections": {
        "arms[0]": "Arm A (EXPERIMENTAL)\nParticipants receive fictumab 5 mg orally once daily.",
        "interventions[0]": "DRUG: Fictumab",
    },
    "dosing": [
        {
            "agent": "Fictumab",
            "section": "arms[0]",
            "quote": "fictumab 5 mg orally once daily",
            "role": "investigational",
        }
    ],
}


def test_a_labelled_quote_is_among_the_candidates() -> None:
    (quoted,) = dose_quotes.read_quoted(ROW)
    text = ROW["sections"]["arms[0]"]
    assert text[quoted.start : quoted.end] == "fictumab 5 mg orally once daily"
    assert quoted.start in [place for place, _ in quoted.starts]
    assert quoted.end in [place for place, _ in quoted.ends]


def test_a_labelled_role_comes_with_what_is_true_of_the_agent() -> None:
    ((trial, features, role),) = dose_roles.read_labelled(ROW)
    assert (trial, role) == ("NCT90000001", Role.INVESTIGATIONAL)
    assert "in experimental of experimental" in features


def test_weights_are_written_as_data() -> None:
    quotes = dose_quotes.format_weights(np.array([1.234, 0.01]), {'s:sign "': 0, "e:words 0": 1})
    assert tomllib.loads(quotes) == {'s:sign "': 1.23}
    weights = np.zeros(len(Role))
    weights[list(Role).index(Role.PLACEBO)] = 2.0
    assert tomllib.loads(dose_roles.format_weights(weights, {"always": 0}))["placebo"] == {"always": 2.0}
