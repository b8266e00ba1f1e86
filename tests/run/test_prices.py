"""Prices of tokens: the user's own, else those of genai-prices."""

import re
from pathlib import Path

import pytest

from extractor.model.cost.prices import Price, read_prices
from extractor.model.spec import ModelSpec
from extractor.schemas import Usage

OWN = """
as_of = 2026-11-01
[model."gpt-4o"]
prompt = 1
output = 2
[model."http://gpu:8000/v1#team-a"]
prompt = 0.0
output = 0.0
[model."team-*"]
prompt = 0.5
output = 0.5
"""


@pytest.fixture
def write(tmp_path):
    """Write a file of prices. Returns its path."""

    def write(text, name="prices.toml"):
        (tmp_path / name).write_text(text, "utf-8")
        return tmp_path / name

    return write


@pytest.mark.parametrize(
    ("model", "name", "prompt"),
    [
        ("gpt-4o", "gpt-4o", 1),
        ("gpt-4o-2024-08-06", "gpt-4o", 1),
        ("gpt-4o-mini", "gpt-4o-mini", 0.15),
        ("gpt-4o-new", None, None),
        ("team-a", "team-*", 0.5),
        ("http://gpu:8000/v1#team-a", "http://gpu:8000/v1#team-a", 0),
        ("http://other:8000/v1#team-a", "team-*", 0.5),
        ("http://other:8000/v1#gpt-4o-mini", None, None),
        # also takes sound, at another price
        ("google/gemini-2.5-flash", "gemini-2.5-flash", 0.3),
        # the first tier of a price by length
        ("google/gemini-2.5-pro", "gemini-2.5-pro", 1.25),
    ],
)
def test_the_users_own_price_goes_first_and_a_server_has_no_other(
    write, model, name, prompt
):
    found = read_prices([write(OWN)]).find(ModelSpec.parse(model))

    assert (found and found.name, found and found.price.prompt) == (name, prompt)


def test_of_two_files_the_first_counts(write):
    own = write(OWN)
    later = write(OWN.replace("prompt = 1", "prompt = 9"), "later.toml")
    for files, prompt in (([own, later], 1), ([later, own], 9)):
        found = read_prices(files).find(ModelSpec.parse("gpt-4o"))
        assert found.price.prompt == prompt


@pytest.mark.parametrize(
    ("prices", "reported"),
    [
        ("prompt = -1\noutput = 1", "model.m.prompt"),
        ("prompt = 1", "model.m.output"),
        ("prompt = 1\noutput = 1\ninput = 2", "model.m.input"),
    ],
)
def test_the_problem_of_a_broken_price_is_named(write, prices, reported):
    with pytest.raises(ValueError, match=reported):
        read_prices([write(f"as_of = 2026-01-01\n[model.m]\n{prices}\n")])
    with pytest.raises(ValueError, match="as_of"):
        read_prices([write("[model]\n")])


@pytest.mark.parametrize(
    ("price", "usage", "dollars"),
    [
        ({"cached": 0.5}, {"cached_tokens": 400_000}, 1.2 + 0.2 + 1.0),
        ({"written": 3}, {"written_tokens": 400_000}, 1.2 + 1.2 + 1.0),
        ({}, {"cached_tokens": 400_000, "written_tokens": 9}, 2.0 + 1.0),
    ],
)
def test_tokens_from_and_into_a_cache_have_their_prices(price, usage, dollars):
    used = Usage(prompt_tokens=1_000_000, output_tokens=100_000, **usage)
    price = Price(prompt=2, output=10, batch=0.5, **price)
    assert price.cost(used) == pytest.approx(dollars)
    assert price.batched().cost(used) == pytest.approx(dollars / 2)


def test_the_example_of_the_documentation_is_a_file_of_prices(write):
    page = Path("docs/how-to/cost.md").read_text("utf-8")
    (shown,) = re.findall(r"^```toml\n(.*?)^```", page, re.M | re.S)

    model = ModelSpec.parse("http://gpu-1:8000/v1#llama-3.3-70b")
    assert read_prices([write(shown)]).find(model).price.output == 0
