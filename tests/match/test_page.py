"""The page of matches as a file: its content, its policy, and what it can open."""

import base64
import gzip
import json
import re

import pytest

from extractor import Patient, read_results
from extractor.apps import match as matching
from tests.commands import extract, invoke

TEXT = """A trial of <img src=x onerror=broken> Fictumab
Inclusion criteria:
- ECOG 0-1
- Age over 18 years
- Platelets >= 100 x 10^9/L
Exclusion criteria:
- HIV infection
- Severe infection"""
PATIENT = {"id": "p<b>", "age": 70, "values": {"ECOG": 1}, "absent": ["HIV"]}


def unpack(page, name):
    (packed,) = re.findall(rf'octet-stream" id="{name}">([^<]*)</script>', page)
    return json.loads(gzip.decompress(base64.b64decode(packed)))


@pytest.fixture
def run(tmp_path):
    texts = tmp_path / "texts"
    texts.mkdir()
    (texts / "open.txt").write_text(TEXT, "utf-8")
    (texts / "shut.txt").write_text(TEXT.replace("ECOG 0-1", "ECOG 0"), "utf-8")
    return extract(texts, tmp_path / "run")


@pytest.fixture
def page(run, tmp_path):
    patient = tmp_path / "patient.json"
    patient.write_text(json.dumps(PATIENT), "utf-8")
    done = invoke("match", run, "--patient", patient, "--html", tmp_path / "a.html")
    assert done.exit_code == 0
    return (tmp_path / "a.html").read_text("utf-8")


def test_a_verdict_stands_next_to_the_words_of_the_trial_and_of_the_patient(page):
    first, second = unpack(page, "index")
    assert [first["answer"], second["answer"]] == ["no_reason_against", "excluded"]
    assert (first["met"], first["not_met"], first["open"]) == (4, 0, 2)
    by_id = {trial["id"]: trial for trial in unpack(page, "chunk-0")}
    trial = by_id[first["id"]]
    cards = {card["quote"]: card for card in trial["cards"]}
    ecog = cards["ECOG 0-1"]
    assert (ecog["verdict"], ecog["facts"]) == ("met", ["ECOG: 1"])
    assert cards["HIV infection"]["facts"] == ["absent: HIV"]
    platelets = cards["Platelets >= 100 x 10^9/L"]
    assert platelets["ask"] == ["What is the platelet count?"]
    [span] = ecog["spans"]
    section, start, end, *_ = trial["spans"][span]
    assert trial["sections"][section]["text"][start:end] == "ECOG 0-1"


def test_the_page_is_escaped_and_runs_only_its_own_script(page):
    assert page.count("<script>") == 1
    assert "<img" not in page
    assert "p<b>" not in page
    assert "Trials for p&lt;b&gt;" in page
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', page)
    assert "default-src &#39;none&#39;" in policy
    assert "unsafe" not in policy


def test_a_page_counts_all_and_opens_the_first_of_many(run, tmp_path, monkeypatch):
    monkeypatch.setattr(matching.page, "MOST_SHOWN", 1)
    path = read_results(run).match_page(PATIENT, tmp_path / "a.html")
    page = path.read_text("utf-8")
    [row] = unpack(page, "index")
    assert row["answer"] == "no_reason_against"
    assert "The first 1 of 2 answers can be opened here" in page


def test_a_page_shows_quotes_if_the_text_is_gone_and_names_patients(run, tmp_path):
    (tmp_path / "texts" / "open.txt").unlink()
    people = [PATIENT, Patient(id="q", age=17)]
    page = read_results(run).match_page(people, tmp_path / "a.html").read_text("utf-8")
    rows = unpack(page, "index")
    assert {row["patient"] for row in rows} == {"p<b>", "q"}
    assert len({row["id"] for row in rows}) == 4
    assert "The texts of 1 trial are missing" in page
    texts = [trial["text"] for trial in unpack(page, "chunk-0")]
    assert sorted(texts) == ["missing", "missing", "same", "same"]


def test_too_many_pairs_for_a_page_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("extractor.apps.cli.match._MOST_SORTED", 3)
    done = invoke("match", "seeds/gold", "--age", 70, "--html", tmp_path / "a.html")
    assert done.exit_code == 2
    assert "--html and --model take at most 3 pairs" in done.stderr
    assert not (tmp_path / "a.html").exists()
