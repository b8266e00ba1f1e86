"""What the scorers of doses learn from, and the files they write."""

import tomllib

import numpy as np

from benchmarks.label_files import Row
from benchmarks.labels.dosing import build_record
from benchmarks.training import dose_places, dose_quotes, dose_roles
from benchmarks.training.dose_records import read_dose_record
from extractor.schemas import Role

ROW: Row = {
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
    record = read_dose_record("NCT90000001", build_record(ROW), ROW["dosing"])
    ((trial, features, role),) = dose_roles.read_labelled(record)
    assert (trial, role) == ("NCT90000001", Role.INVESTIGATIONAL)
    assert "in experimental of experimental" in features


def test_a_dose_that_two_sections_state_is_learned_from_where_it_is_quoted() -> None:
    row = ROW | {"sections": ROW["sections"] | {"interventions[0]": "DRUG: Fictumab\n5 mg"}}
    record = read_dose_record("NCT90000001", build_record(row), row["dosing"])
    ((trial, candidates, right),) = dose_places.read_told(record)
    assert (trial, len(candidates)) == ("NCT90000001", 2)
    assert "arms first" in candidates[right]


def test_a_dose_that_one_section_states_teaches_nothing_of_places() -> None:
    assert not list(dose_places.read_told(read_dose_record("NCT90000001", build_record(ROW), ROW["dosing"])))


def test_weights_are_written_as_data() -> None:
    quotes = dose_quotes.format_weights(np.array([1.234, 0.01]), {'s:sign "': 0, "e:words 0": 1})
    assert tomllib.loads(quotes) == {'s:sign "': 1.23}
    assert tomllib.loads(dose_places.format_weights(np.array([1.234, 0.01]), {"body": 0, "always": 1})) == {
        "body": 1.23
    }
    weights = np.zeros(len(Role))
    weights[list(Role).index(Role.PLACEBO)] = 2.0
    assert tomllib.loads(dose_roles.format_weights(weights, {"always": 0}))["placebo"] == {"always": 2.0}
