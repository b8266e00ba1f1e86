"""What decides an extraction is checked once, and is the same object for all who extract."""

import pickle

import pytest

from extractor import Extractor, Task
from extractor.options import Assist, ExtractionOptions


def test_names_may_be_given_as_text():
    options = ExtractionOptions(["dosing", "endpoints"], "never", 1)
    assert options == ExtractionOptions({Task.DOSING, Task.ENDPOINTS}, Assist.NEVER, 1.0)
    assert options == Extractor(tasks=["endpoints", "dosing"], assist="never", min_confidence=1).options
    assert pickle.loads(pickle.dumps(options)) == options


def test_without_a_word_everything_is_extracted_and_kept():
    assert ExtractionOptions() == ExtractionOptions(frozenset(Task), Assist.AUTO, 0.0) == Extractor().options


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({"tasks": ["colours", "dosing"]}, "colours: no such task; choose from eligibility, dosing, endpoints"),
        ({"tasks": []}, "no task is named; choose from eligibility, dosing, endpoints"),
        ({"assist": "sometimes"}, "sometimes: no such assist; choose from auto, always, never"),
        ({"min_confidence": 1.1}, "1.1 is not a confidence; choose a number from 0 to 1"),
        ({"min_confidence": -0.1}, "-0.1 is not a confidence; choose a number from 0 to 1"),
        ({"min_confidence": float("nan")}, "nan is not a confidence; choose a number from 0 to 1"),
    ],
)
def test_what_is_no_option_is_refused_with_a_remedy(wrong, problem):
    with pytest.raises(ValueError, match=problem):
        ExtractionOptions(**wrong)
    with pytest.raises(ValueError, match=problem):
        Extractor(**wrong)
