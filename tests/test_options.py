"""What decides an extraction is checked once, and is the same object for all who extract."""

import pickle

import pytest

from extractor import Extractor, Task
from extractor.options import Effort, ExtractionOptions


def test_names_may_be_given_as_text():
    options = ExtractionOptions(tasks=["dosing", "endpoints"], effort="none", min_confidence=1)
    assert options == ExtractionOptions(tasks={Task.DOSING, Task.ENDPOINTS}, effort=Effort.NONE, min_confidence=1.0)
    assert options == Extractor(tasks=["endpoints", "dosing"], effort="none", min_confidence=1).options
    assert pickle.loads(pickle.dumps(options)) == options


def test_without_a_word_everything_is_extracted_and_kept():
    everything = ExtractionOptions(tasks=frozenset(Task), effort=Effort.MEDIUM, min_confidence=0.0)
    assert ExtractionOptions() == everything == Extractor().options


def test_no_effort_asks_nothing():
    none, little, high = (ExtractionOptions(effort=effort) for effort in (0, 0.01, "high"))
    assert none == ExtractionOptions(effort="none")
    assert none.asks_below == none.asks_rare_below == 0
    assert [one.asks for one in (none, little, high)] == [False, True, True]
    assert [one.reads_all for one in (none, little, high)] == [False, False, True]
    assert little.asks_rare_below > 0.5


def test_an_effort_is_a_name_or_the_confidence_below_which_is_asked():
    assert ExtractionOptions(effort="0.8") == ExtractionOptions(effort=0.8) != ExtractionOptions()
    asked = [ExtractionOptions(effort=effort).asks_below for effort in (0, "low", 0.8, "medium", 1, "high")]
    assert asked == sorted(asked)


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({"tasks": ["colours", "dosing"]}, "colours: no such task; choose from eligibility, dosing, endpoints"),
        ({"tasks": []}, "no task is named; choose from eligibility, dosing, endpoints"),
        ({"effort": "huge"}, "huge: no such effort; choose from none, low, medium, high, or a number from 0 to 1"),
        ({"effort": 1.5}, "1.5: no such effort; choose from none, low, medium, high, or a number from 0 to 1"),
        ({"effort": "nan"}, "nan: no such effort; choose from none, low, medium, high, or a number from 0 to 1"),
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
