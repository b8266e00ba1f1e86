"""Each format: sections and parts hold the source's text unchanged, under the names of the
guideline.
"""

import json
import tomllib
from pathlib import Path

import pytest

from extractor import make_record
from extractor.schemas import DocumentText

from .conftest import read_all

ROWS = tomllib.loads(Path(__file__).with_name("tables.toml").read_text("utf-8"))

ROOT = Path(__file__).parents[2]
SEEDS = ROOT / "seeds" / "records"


@pytest.mark.parametrize(
    ("labels", "names", "bare", "linked"),
    [
        ([["A", "B"]], [None, None], (), ["arms[0]", "arms[1]"]),
        ([[" b"]], [["Drug: X"], None], (), ["arms[1]"]),  # case and blanks
        ([[]], [["Drug: X"], []], ("arms[1]",), ["arms[0]"]),
        ([[]], [["X"], ["Drug: Xylo"]], (), ["arms[0]"]),
        ([[]], [None, None], (), []),  # the study links nothing: nothing is known
        ([["A", "Bee"]], [None, None], (), ["arms[0]"]),  # another spelling of an arm
    ],
)
def test_an_arm_may_name_its_interventions_or_an_intervention_its_arms(
    read_bytes, labels, names, bare, linked
):
    arms = [
        {"label": label, "interventionNames": named}
        for label, named in zip("AB", names, strict=True)
    ]
    interventions = [{"name": "X", "armGroupLabels": named} for named in labels]
    module = {"armGroups": arms, "interventions": interventions}
    study = {"protocolSection": {"armsInterventionsModule": module}}

    [record] = read_bytes(json.dumps(study).encode()).records

    links = {"interventions[0]": tuple(linked)} if linked else {}
    assert record.registry.bare_arms == bare
    assert record.registry.arm_links == links


def test_a_record_is_read_back_from_its_own_json(read_bytes):
    record = make_record("A Trial\n\nInclusion criteria\n- Adults")
    source = record.source.model_copy(update={"notes": ("was repaired",)})
    document = DocumentText(text="A Trial", pages=(0,))
    stored = record.model_copy(update={"source": source, "document": document})

    [read] = read_bytes(stored.model_dump_json().encode()).records

    assert read.sections == record.sections
    assert (read.source.notes, read.document) == (source.notes, document)


@pytest.mark.parametrize(
    ("number", "secondary", "paragraphs"),
    ROWS["test_sections_are_the_lines_of_the_file"],
)
def test_sections_are_the_lines_of_the_file(number, secondary, paragraphs):
    [path] = SEEDS.glob(f"{number}_*.txt")
    [record] = read_all(path).records

    assert record.record_id == path.stem
    assert (
        "\n".join(section.text for section in record.sections)
        == path.read_bytes().decode()
    )
    names = [section.name for section in record.sections]
    assert names[:4] == ["title", "brief_summary", "conditions", "interventions[0]"]
    seconds = ["secondary_outcomes"] if secondary else []
    assert names[4:] == ["primary_outcomes", *seconds, "detailed_description"]
    assert len(record.section("detailed_description").text.split("\n\n")) == paragraphs
