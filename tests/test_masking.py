"""What counts as a credential, and in which forms it is masked."""

import os
import tomllib
from pathlib import Path

import pytest

from extractor.errors import ArgumentError
from extractor.masking import mask, without_credentials

ROWS = tomllib.loads(Path(__file__).with_name("masking.toml").read_text("utf-8"))


@pytest.mark.parametrize(("name", "value", "text", "masked"), ROWS["variables"])
def test_credentials_of_the_environment_are_masked(
    name, value, text, masked, monkeypatch
):
    monkeypatch.setenv(name, value)

    assert mask(text) == masked
    assert str(ArgumentError(text)) == masked


@pytest.mark.parametrize(("options", "shown"), ROWS["options"])
def test_credentials_among_options_are_masked(options, shown, monkeypatch):
    monkeypatch.setattr("extractor.masking._remembered", set())
    assert without_credentials(options) == shown


def test_a_variable_that_another_thread_removes_meanwhile_is_no_error(monkeypatch):
    listed = lambda _: iter(["REMOVED_TOKEN"])  # noqa: E731
    monkeypatch.setattr(type(os.environ), "__iter__", listed)

    assert mask("a text") == "a text"
