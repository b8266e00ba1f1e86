"""What a criterion means for a patient."""

import pytest

from extractor import Extractor
from tests.commands import invoke
from tests.tables import read_cases

CASES = read_cases(__file__)


@pytest.mark.parametrize(
    ("kind", "line", "patient", "verdict"), CASES["a_criterion_is_judged"]
)
def test_a_criterion_is_judged(kind, line, patient, verdict):
    text = f"{kind.capitalize()} Criteria:\n\n* {line}"
    trial = Extractor().extract_text(text, record_id="A")

    match = trial.match(patient)

    judged = [one for one in match.criteria if one["index"] is not None]
    assert judged[-1]["verdict"] == verdict, judged[-1]["why"]


@pytest.mark.parametrize(
    ("text", "patient", "answer", "verdicts"), CASES["a_list_is_judged"]
)
def test_a_list_is_judged(text, patient, answer, verdicts):
    trial = Extractor().extract_text(text, record_id="A")

    match = trial.match(patient)

    assert match.answer == answer
    assert [
        one["verdict"] for one in match.criteria if one["index"] is not None
    ] == verdicts


@pytest.mark.parametrize(("patient", "told"), CASES["what_is_not_used_is_told"])
def test_what_is_not_used_is_told(patient, told):
    trial = Extractor().extract_text("Inclusion criteria:\n- ECOG 0-1", record_id="A")

    match = trial.match(patient)

    assert match.unused == (told,)
    assert match.answer != "excluded"


def test_an_unknown_field_is_an_error():
    trial = Extractor().extract_text("Inclusion criteria:\n- ECOG 0-1", record_id="A")

    with pytest.raises(ValueError, match="height"):
        trial.match({"height": 3})


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("deep.json", "[" * 100_000, "JSON that is nested too deeply"),
        (
            "deep.jsonl",
            '{"id": "a"}\n' + "[" * 100_000,
            "JSON that is nested too deeply",
        ),
        ("deep.yaml", "[" * 10_000, "not YAML (maximum recursion depth exceeded"),
        ("broken.yaml", "id: a\nage: [", "not YAML (while parsing a flow node"),
    ],
)
def test_a_file_of_patients_that_cannot_be_read_is_one_line(
    name, text, problem, tmp_path
):
    (tmp_path / name).write_text(text)

    done = invoke("match", "seeds/gold", "--patient", tmp_path / name)

    (line,) = done.stderr.splitlines()
    assert done.exit_code == 2
    assert f"{name}: cannot be read: {problem}" in line
