"""``extractor doctor``: Python, extras, keys, and a model that answers or fails."""

from importlib.metadata import PackageNotFoundError, version

import pytest

from tests.commands import invoke
from tests.llm.stub import fault, serve
from tests.stand_ins import serve_counting


def examine(*options, code=0):
    done = invoke("doctor", *options)
    assert done.exit_code == code, done.output
    _, *rows = (line.split("\t") for line in done.stdout.splitlines())
    return {check: (state, detail) for check, state, detail in rows}


def test_the_table_has_the_version_python_extras_and_keys_by_name(monkeypatch):
    def find(name):
        if name == "fastapi":
            raise PackageNotFoundError(name)
        return version(name) if name == "trial-extractor" else "1"

    monkeypatch.setattr("extractor.apps.cli.doctor.version", find)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-nobody")
    done = examine()
    assert done["extractor"] == ("ok", version("trial-extractor"))
    assert done["keys"] == ("ok", "OPENAI_API_KEY")
    assert "serve (no fastapi)" in done["not installed"][1].split(", ")
    assert "export" in done["extras"][1].split(", ")
    assert "model" not in done


def test_a_model_that_answers_is_named():
    with serve_counting() as server:
        state, detail = examine("--model", f"{server.url}#stub")["model"]
        assert server.calls == 1
    assert (state, detail) == ("ok", f"{server.url}#stub answers")


TOO_LONG = "request (6619 tokens) exceeds the available context size (4096 tokens)"


@pytest.mark.parametrize(
    ("answer", "reason"), [(fault(401), "401"), (fault(400, TOO_LONG), TOO_LONG[24:57])]
)
def test_a_model_that_takes_no_question_fails_with_the_reason(answer, reason):
    with serve([answer] * 9) as server:
        state, detail = examine("--model", f"{server.url}#stub", code=1)["model"]
    assert state == "failed"
    assert reason in detail
