"""The score page as a file: its content, its policy, its size."""

import json
import re

import pytest
from typer.testing import CliRunner

from extractor.apps.cli.app import app
from extractor.apps.evaluation import evaluate
from extractor.apps.evaluation.page import render_score_page
from extractor.concepts.own.models import read_fields
from extractor.language.clean import clean_text

from .pages import HOSTILE, NAME, TEXT, make_page, write_sources


@pytest.fixture
def sources(tmp_path):
    return write_sources(tmp_path)


def _read_data(page):
    (data,) = re.findall(
        r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL
    )
    return json.loads(data)


def _list_texts(page):
    views = _read_data(page)["views"]
    return {
        name: {section["name"]: section["text"] for section in view["sections"]}
        for name, view in views.items()
    }


def test_no_text_of_a_record_breaks_out_of_the_page(sources):
    page = make_page(sources)
    assert HOSTILE not in page
    assert page.count("<script") == page.count("</script>") == 2
    assert "<img" not in page
    assert (
        "&lt;img src=x" not in page
    )  # the name is only in the data, where < is written as \u003c
    assert _list_texts(page) == {NAME: {"eligibility": clean_text(TEXT).text}}
    # A record that is missing is named by the template.
    sources.predicted.write_text(
        sources.predicted.read_text("utf-8").splitlines()[1], "utf-8"
    )
    page = make_page(sources)
    assert "R&#34;&gt;&lt;img src=x onerror=window.broken=1&gt;" in page
    assert "<img" not in page


def test_every_error_is_there_with_its_places(sources):
    errors = _read_data(make_page(sources))["errors"]
    assert sorted((error["kind"], error["field"]) for error in errors) == [
        ("missed", "eligibility.criteria"),
        ("missed", "eligibility.sex"),
        ("number", "eligibility.criteria.constraints"),
        ("wrong_category", "eligibility.criteria.category"),
    ]
    assert [error["harm"] for error in errors] == sorted(
        (error["harm"] for error in errors), reverse=True
    )
    assert errors[0]["predicted"]["path"] == "eligibility.criteria[0].constraints"


def test_above_the_limit_the_page_counts_the_errors_left_out(sources):
    everything = _read_data(make_page(sources))["errors"]
    page = make_page(sources, examples=1)
    assert make_page(sources, examples=1) == page
    shown = _read_data(page)["errors"]
    assert [error["kind"] for error in shown] == ["number", "missed", "wrong_category"]
    # A link to an error does not depend on the others.
    assert {error["id"] for error in shown} < {error["id"] for error in everything}
    assert "The most harmful errors of each kind are here, 3 of 4." in page
    assert "--examples 4" in page


def test_without_texts_the_page_gives_a_remedy(sources, tmp_path):
    folder = tmp_path / "moved"
    folder.mkdir()
    sources.record.rename(folder / sources.record.name)

    page = make_page(sources, records=())

    assert _list_texts(page) == {}
    assert "The texts of 1 of 1 record with errors could not be read" in page
    assert "--records INPUT" in page
    assert _list_texts(make_page(sources, records=(folder,))).keys() == {NAME}


def test_a_comparison_is_drawn(sources):
    page = make_page(sources, compare=sources.gold)
    assert "Paired differences of normalised F1" in page
    assert re.search(r'aria-label="all: difference -0\.\d+ \(-', page)
    assert re.search(
        r'aria-label="eligibility.criteria.constraints: difference -0\.\d+"', page
    )  # too few values
    other = sources.gold.with_name("other.jsonl")
    other.write_text(sources.gold.read_text("utf-8").splitlines()[0], "utf-8")
    assert "which lacks 1 record of gold" in make_page(sources, compare=other)


def test_the_command_writes_the_page(sources, tmp_path):
    path = tmp_path / "page.html"
    arguments = [
        "evaluate",
        str(sources.gold),
        str(sources.predicted),
        "--html",
        str(path),
        "--resamples",
        "20",
    ]

    result = CliRunner().invoke(
        app, [*arguments, "--records", str(sources.record), "--examples", "1"]
    )

    assert result.exit_code == 0, result.output
    assert len(_read_data(path.read_text("utf-8"))["errors"]) == 3  # one of each kind


@pytest.mark.parametrize(
    ("words", "message"), [(["--html", "nowhere/page.html"], "the folder nowhere does not exist"),
                           (["--records", "seeds/records"], "give --html FILE too")]
)  # fmt: skip
def test_wrong_usage_is_reported_before_anything_is_scored(sources, words, message):
    result = CliRunner().invoke(
        app, ["evaluate", str(sources.gold), str(sources.predicted), *words]
    )
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr


def test_gold_of_own_fields_alone_has_a_headline_and_no_rows_of_dashes(sources):
    own = [
        {
            "record_id": "A",
            "eligibility": {},
            "custom": {"blinding": [{"of": None, "values": {"level": "double"}}]},
        }
    ]
    report = evaluate(
        own, own, resamples=0, fields=read_fields("extractor.catalogue:Blinding")
    )

    page = render_score_page(report)

    assert re.search(r"F1, mean over fields, normalised</dt><dd>1\.000", page)
    assert "eligibility.sex" not in page
    assert "<b>Scored</b>: custom.blinding.level; not scored (no key in gold)" in page
