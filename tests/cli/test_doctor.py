"""``extractor doctor``: extras, folders, a model that answers or does not."""

import json
import re
import tomllib
from pathlib import Path

import pytest

from benchmarks.servers import serve_counting
from extractor.apps.cli.doctor import PURPOSES
from tests.commands import invoke
from tests.llm.stub import fault, serve


def examine(*options, code=0):
    done = invoke("doctor", "--json", *options)
    assert done.exit_code == code, done.output
    return {check["name"]: check for check in json.loads(done.stdout)}


@pytest.fixture
def lacking(monkeypatch):
    """Everything is installed but the libraries in this set."""
    found = set()
    monkeypatch.setattr(
        "extractor.apps.cli.doctor._is_installed", lambda name: name not in found
    )
    return found


def test_it_lists_every_extra_and_finds_each_library_that_is_missing(lacking):
    extras = tomllib.loads(Path("pyproject.toml").read_text("utf-8"))["project"][
        "optional-dependencies"
    ]
    assert {f"extra {name}" for name in extras} == {
        name for name in examine() if name.startswith("extra ")
    }
    for name, requirements in extras.items():
        for library in filter(re.compile(r"(?!trial-extractor)").match, requirements):
            lacking.clear()
            lacking.add(
                re.match(r"[\w.-]+", library)[0]
                .lower()
                .replace("_", "-")
                .replace(".", "-")
            )
            assert examine()[f"extra {name}"]["state"] == "missing", library


@pytest.mark.parametrize(
    ("library", "extra"), [("fastapi", "serve"), ("mkdocs-material", "site")]
)
def test_a_missing_library_is_named_with_the_command_that_installs_it(
    lacking, library, extra
):
    lacking.add(library)
    found = examine()[f"extra {extra}"]
    assert found["state"] == "missing"
    assert library in found["detail"]
    assert found["remedy"] == f"pip install '.[{extra}]'"
    assert examine("--needs", extra, code=1)[f"extra {extra}"]["state"] == "failed"


def test_a_folder_that_cannot_be_written_fails(tmp_path):
    file = tmp_path / "file"
    file.write_text("", "utf-8")
    found = examine("--out", file / "results", code=1)["folder of results"]
    assert (found["state"], found["remedy"]) == (
        "failed",
        "name another folder with --out",
    )


def test_a_model_that_answers_is_shown_with_its_tokens_and_without_one_nothing_is_asked():
    with serve_counting() as server:
        found = examine("--model", f"{server.url}#stub")["model"]
        assert server.calls > 0
    assert found["state"] == "ok"
    assert "prompt and" in found["detail"]
    assert "model" not in examine()


TOO_LONG = "request (6619 tokens) exceeds the available context size (4096 tokens)"


@pytest.mark.parametrize(
    ("answer", "reason"), [(fault(401), "401"), (fault(400, TOO_LONG), TOO_LONG[24:57])]
)
def test_a_model_that_takes_no_question_fails_with_the_reason(answer, reason):
    with serve([answer] * 9) as server:
        found = examine("--model", f"{server.url}#stub", code=1)["model"]
    assert found["state"] == "failed"
    assert reason in found["detail"] + found["remedy"]


def test_one_line_says_that_all_is_well(lacking):
    done = invoke("doctor")
    assert done.exit_code == 0
    (line,) = done.output.splitlines()
    assert re.match(r"extractor [\d.]+: all is well", line)
    lacking.add("fastapi")
    said = invoke("doctor").output
    assert (
        "1 optional extra not installed (--verbose)\n" in said or "extras not" in said
    )


def test_what_failed_is_named_with_its_remedy(lacking, tmp_path):
    lacking.add("fastapi")
    file = tmp_path / "file"
    file.write_text("", "utf-8")
    done = invoke("doctor", "--needs", "serve", "-o", file / "results")
    assert done.exit_code == 1
    verdict, *failed = done.output.splitlines()
    assert re.search(r": 2 of \d+ checks failed", verdict)
    assert failed == [
        "extra serve: extractor serve; not installed: fastapi; pip install '.[serve]'",
        f"folder of results: {file}: Not a directory; name another folder with --out",
    ]


def test_a_model_that_answers_is_named_in_the_line():
    with serve_counting() as server:
        said = invoke("doctor", "--model", f"{server.url}#stub").output
    assert re.search(r": all is well; \S+ answers: [\d,]+ prompt and ", said)


@pytest.mark.parametrize("option", ["--verbose", "-v"])
def test_the_table_names_the_version_and_each_extra(option):
    done = invoke("doctor", option)
    assert done.exit_code == 0
    assert "extractor\tok\t" in done.stdout
    assert [name for name in PURPOSES if f"extra {name}\t" not in done.stdout] == []
