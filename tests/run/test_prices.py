import re
from pathlib import Path

import pytest

from extractor.model.cost.prices import ListedPrice, Price, PriceList, read_prices
from extractor.model.spec import ModelSpec
from extractor.schemas import Usage

OWN = """
as_of = 2026-11-01
[model."gpt-4o"]
prompt = 1
output = 2
[model."team-*"]
prompt = 0.5
output = 0.5
[model."http://gpu:8000/v1#llama"]
prompt = 0.0
output = 0.0
"""


@pytest.fixture
def own(tmp_path):
    path = tmp_path / "prices.toml"
    path.write_text(OWN, "utf-8")
    return path


@pytest.mark.parametrize(
    ("model", "name", "prompt"),
    [
        ("gpt-4o", "gpt-4o", 1),
        ("gpt-4o-2024-08-06", "gpt-4o", 1),
        ("gpt-4o-mini", "gpt-4o-mini", "0.15"),
        ("gpt-4o-new", None, None),
        ("team-a", "team-*", "0.5"),
        ("http://gpu:8000/v1#llama", "http://gpu:8000/v1#llama", 0),
        ("http://other:8000/v1#team-b", "team-*", "0.5"),
        ("http://other:8000/v1#gpt-4o-mini", None, None),
        (
            "google/gemini-2.5-flash",
            "gemini-2.5-flash",
            "0.3",
        ),  # also takes sound, at another price
        (
            "google/gemini-2.5-pro",
            "gemini-2.5-pro",
            "1.25",
        ),  # the first tier of a price by length
    ],
)
def test_the_users_own_price_goes_first_and_a_server_has_no_other(
    own, model, name, prompt
):
    found = read_prices([own]).find(ModelSpec.parse(model))
    assert (found and found.name) == name
    assert (found and found.price.prompt) == (
        Price(prompt=prompt, output=0).prompt if name else None
    )


@pytest.mark.parametrize(
    ("text", "reported"),
    [
        ("[model]\n", "as_of"),
        ("as_of = 2026-01-01\n[model.m]\nprompt = -1\noutput = 1\n", "model.m.prompt"),
        ("as_of = 2026-01-01\n[model.m]\nprompt = 1\n", "model.m.output"),
        (
            "as_of = 2026-01-01\n[model.m]\nprompt = 1\noutput = 1\ninput = 2\n",
            "model.m.input",
        ),
        ("as_of = [", "prices.toml"),
        ("as_of = " + "[" * 100_000, "prices.toml"),
    ],
)
def test_the_problem_of_a_broken_file_is_reported(tmp_path, text, reported):
    path = tmp_path / "prices.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(ValueError, match=reported):
        read_prices([path])


def test_cached_tokens_cost_what_the_list_says_and_a_batch_its_share():
    price = Price(prompt=2, cached="0.5", output=10, batch="0.5")

    usage = Usage(prompt_tokens=1_000_000, cached_tokens=400_000, output_tokens=100_000)

    assert price.cost(usage) == pytest.approx(1.2 + 0.2 + 1.0)
    assert price.batched().cost(usage) == pytest.approx(1.2)


def test_the_example_of_the_documentation_is_a_file_of_prices(tmp_path):
    (shown,) = re.findall(
        r"^```toml\n(.*?)^```",
        Path("docs/how-to/cost.md").read_text("utf-8"),
        re.M | re.S,
    )
    (tmp_path / "prices.toml").write_text(shown, "utf-8")

    found = read_prices([tmp_path / "prices.toml"]).find(
        ModelSpec.parse("http://gpu-1:8000/v1#llama-3.3-70b")
    )

    assert found
    assert found.price.output == 0


def test_tokens_written_into_a_cache_are_billed_at_their_price():
    price = read_prices().find(ModelSpec.parse("anthropic/claude-sonnet-4-5")).price
    assert price.written > price.prompt > price.cached
    usage = Usage(
        prompt_tokens=1_000_000, cached_tokens=300_000, written_tokens=200_000
    )
    assert price.cost(usage) == pytest.approx(
        0.5 * price.prompt + 0.3 * price.cached + 0.2 * price.written
    )


@pytest.mark.parametrize(
    ("entries", "name", "prompt"),
    [
        (["m", "openai/m"], "openai/m", 1),
        (["team-*", "team-a*"], "team-a*", 1),
        (["team-*", "http://gpu/v1#team-a"], "http://gpu/v1#team-a", 1),
    ],
)
def test_of_several_prices_of_a_model_the_one_that_names_it_best_counts(
    entries, name, prompt
):
    own = tuple(
        ListedPrice(name, Price(prompt=n, output=0), "own")
        for n, name in enumerate(entries)
    )
    model = "openai/m" if entries[0] == "m" else "http://gpu/v1#team-a"

    found = PriceList(own).find(ModelSpec.parse(model))

    assert (found.name, found.price.prompt) == (name, prompt)


def test_of_two_files_with_a_price_of_a_model_the_first_counts(own, tmp_path):
    later = tmp_path / "later.toml"

    later.write_text(OWN.replace("prompt = 1", "prompt = 9"), "utf-8")

    assert read_prices([own, later]).find(ModelSpec.parse("gpt-4o")).price.prompt == 1
    assert read_prices([later, own]).find(ModelSpec.parse("gpt-4o")).price.prompt == 9
