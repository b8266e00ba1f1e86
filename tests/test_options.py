"""What decides an extraction is checked once, and is the same object for all who extract."""

import pickle

import pytest

from extractor import Extractor, Task
from extractor.apps.cli.options import CollectOptions, RunOptions
from extractor.apps.serve.settings import ServiceOptions
from extractor.errors import ArgumentError
from extractor.options import ExtractionOptions, ExtractorOptions, Keywords
from extractor.schemas import Usage
from extractor.schemas.vocabulary import Effort
from tests.commands import invoke


def test_names_may_be_given_as_text_and_the_default_is_everything():
    words = {"tasks": ["dosing", "endpoints"], "effort": "none", "min_confidence": 1}
    options = ExtractionOptions(**words)
    assert options.tasks == {Task.DOSING, Task.ENDPOINTS}
    assert options == Extractor(**words).setup.options
    assert pickle.loads(pickle.dumps(options)) == options
    assert Extractor(tasks="dosing").setup.options.tasks == {Task.DOSING}
    everything = Extractor().setup.options
    assert (everything.tasks, everything.effort) == (set(Task), Effort.FULL)
    assert everything.min_confidence == 0.0


def test_options_of_the_model_have_defaults():
    assert Extractor(prices=None).price(Usage()) == 0.0
    extractor = Extractor("openai/none-of-this-name", key="a-key-of-tests", timeout=900)
    assert extractor.price(Usage(calls=1)) is None
    assert extractor.setup.asking.patience == 900


def test_no_effort_asks_nothing():
    asks = [ExtractionOptions(effort=effort).asks for effort in Effort]
    assert asks == [False, True]


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        (
            {"tasks": ["colours", "dosing"]},
            "'colours': input should be 'eligibility', ",
        ),
        ({"tasks": []}, "at least 1 item"),
        ({"tasks": "dosign"}, "'dosign': input should be"),
        ({"tasks": 3}, "3: input should be 'eligibility', 'dosing' or 'endpoints'"),
        ({"model_options": 3}, "an option does not have the form KEY=VALUE"),
        (
            {"model_options": {"extra_headers": "X: 1"}},
            "extra_headers: not a JSON object",
        ),
        ({"max_usd": 1}, "no paid model is set; choose a model with model"),
        ({"effort": "huge"}, "'huge': input should be 'none' or 'full'"),
        ({"effort": "all"}, "a model reads the whole record once now"),
        ({"effort": 0.5}, "0.5: input should be 'none' or 'full'"),
        ({"min_confidence": 1.1}, "1.1: input should be less than or equal to 1"),
        ({"min_confidence": float("nan")}, "nan: input should be"),
        ({"efort": "all"}, "no such option; choose from .* effort,"),
    ],
)
def test_what_is_no_option_is_refused_with_a_remedy(wrong, problem):
    (name,) = wrong
    with pytest.raises(ArgumentError, match=f"^{name}: .*{problem}"):
        Extractor(**wrong)


def test_the_keywords_of_python_are_the_options():
    """Type checkers see ``Keywords``, readers the docstring."""
    options = ExtractorOptions.model_fields.keys() - {"model"}
    assert Keywords.__annotations__.keys() == options
    assert all(f"``{name}``" in Extractor.__doc__ for name in options)
    assert all(field.description for field in ExtractorOptions.model_fields.values())


def test_the_command_line_shows_what_the_models_declare():
    for model, words in (
        (RunOptions, ("run",)),
        (ServiceOptions, ("serve",)),
        (CollectOptions, ("batch", "collect")),
    ):
        said = " ".join(
            invoke(*words, "--help", COLUMNS="200").stdout.replace("│", " ").split()
        )
        for name, field in model.model_fields.items():
            assert " ".join(field.description.split()) in said, name
    assert len(RunOptions.model_fields) - 1 <= 21
