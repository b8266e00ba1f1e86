"""Free text: usual headings make sections, whose characters are those of the text."""

import re
import tomllib
from pathlib import Path

import pytest

from extractor import Extractor, make_record
from extractor.errors import RecordError
from extractor.schemas import Section

from .conftest import read_all
from .test_packaging import zip_members

CASES = tomllib.loads(Path(__file__).with_name("free_texts.toml").read_text("utf-8"))
NOTE = "A Trial\n\nInclusion criteria\n- Adults\n"
PROSE = "Fictumab is given to adults with asthma."


def show(section: Section, expected: object) -> object:
    """The section as in ``expected``: its text, or its parts."""
    if isinstance(expected, dict):
        return {part.name: section.part(part.name) for part in section.parts}
    return section.text


def tidy(shown: object) -> object:
    """The lines that a reader sees: without soft hyphens, and without the blanks that fill up
    what was undone.
    """
    if isinstance(shown, dict):
        return {name: tidy(text) for name, text in shown.items()}
    text = re.sub(r"(?<=\S) {2,}(?=\S)", " ", str(shown).replace("\u00ad", ""))
    return re.sub(r"\s*\n\s*", "\n", text).strip()


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_sections(name, newline):
    expected = CASES[name]["sections"]

    record = make_record(CASES[name]["text"].replace("\n", newline))

    found = {
        section.name: tidy(show(section, expected.get(section.name)))
        for section in record.sections
    }
    assert found == expected


@pytest.mark.parametrize("name", CASES)
def test_places_lead_back_to_the_text(name):
    text = CASES[name]["text"]
    for section in make_record(text).sections:
        starts = [piece.start for piece in section.pieces]
        # a piece ends where the break before the next one begins
        ends = [*(start - 1 for start in starts[1:]), len(section.text)]
        for start, end in zip(starts, ends, strict=True):
            original = text[slice(*section.locate(start, end))]
            cut = section.text[start:end]
            assert len(original) == len(cut)
            for given, read in zip(original, cut, strict=True):
                assert given == read or read in " \n\u00ad"


@pytest.mark.parametrize(
    ("text", "record_id"),
    [
        (NOTE, "note"),
        ("NCT90000001\n" + NOTE, "NCT90000001"),
        ("Trial ID: ISRCTN12345678\n" + NOTE, "ISRCTN12345678"),
        ("Compared with NCT90000001\n" + NOTE, "note"),
    ],
)
@pytest.mark.parametrize("suffix", ["txt", "md", ""])
def test_a_file_has_the_number_of_its_trial_or_its_own_name(
    tmp_path, text, record_id, suffix
):
    path = tmp_path / f"note.{suffix}".rstrip(".")

    path.write_text(text, "utf-8")

    [record] = read_all(path).records
    assert (record.record_id, record.source.format) == (record_id, "text")


def test_a_text_without_headings_is_read_in_a_folder_as_it_is_alone(tmp_path):
    """A folder may hold a README and a program beside the records."""
    texts = {
        "note.md": NOTE,
        "more.txt": PROSE,
        "31415926": PROSE,
        "README.md": PROSE,
        "run.py": PROSE,
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text, "utf-8")
    packed = tmp_path.with_name("all.zip")
    packed.write_bytes(
        zip_members({name: text.encode() for name, text in texts.items()})
    )

    for place in (tmp_path, packed):
        reading = read_all(place)
        assert sorted(reading.ids) == ["31415926", "more", "note"]
        assert {error.problem for error in reading.errors} == {
            'a text without a heading such as "Inclusion Criteria"'
        }
        assert len(reading.errors) == 2
        remedy = reading.errors[0].remedy
        assert remedy.startswith("pass it as a file of its own")
    data = tmp_path / "run.json"
    data.write_text(PROSE, "utf-8")
    [error] = read_all(data).errors
    assert error.remedy.startswith("give the file the suffix .txt")
    assert read_all(tmp_path / "README.md").ids == ["README"]


@pytest.mark.parametrize(
    ("text", "registry_id", "note"),
    [
        ("A study in gout (NCT99300007)\n\nAdults with gout.", "NCT99300007", None),
        ("Gout.\n\nRegistered at ClinicalTrials.gov, NCT 99300007. See NCT99300008.", "NCT99300007", None),
        ("Gout.\n\nTrial registration: ISRCTN99300007.", "ISRCTN99300007", None),
        ("Gout.\n\nAdults, as in NCT99300007.", "NCT99300007", "the text does not say that it is"),
        ("Gout.\n\nAs in NCT99300007 and NCT99300008.", None, "several trial numbers are stated"),
        ("Gout.\n\nAdults of 1993000.", None, None),
    ],
)  # fmt: skip
def test_the_number_that_a_text_states_is_that_of_its_trial(
    tmp_path, text, registry_id, note
):
    path = tmp_path / "note.txt"
    path.write_text(text, "utf-8")

    [record] = read_all(path).records

    assert (record.record_id, record.registry_id) == ("note", registry_id)
    assert [note in told for told in record.source.notes] == ([True] if note else [])
    # a text without a name is named after its trial, if the text says that it is its own
    assert make_record(text).record_id == (registry_id if not note else None) or "text"


@pytest.mark.parametrize(
    ("first", "is_title"),
    [
        ("Fictumab in severe asthma: a randomised trial.", True),
        ("Is fictumab better than placebo in asthma?", True),
        ("Fictumab improves sleep in adults.", True),
        ("This study tests fictumab.", False),
        ("Fictumab was given to adults. It was safe.", False),
    ],
)
def test_a_title_may_end_with_a_full_stop(first, is_title):
    text = f"{first}\n\nMETHODS: Adults with asthma took fictumab.\n"
    names = [section.name for section in make_record(text).sections]
    assert ("title" in names) is is_title


@pytest.mark.parametrize(
    "text",
    [
        "HbA1c above 7,5 %\nBMI below 30,5 kg/m2",
        "Gout, asthma, no cancer\nAdults, children, seniors",
        "asthma,gout\nfever, cough",
        "HIV/AIDS",
        "Fictumab 5 mg/kg weekly",
        "Age 18.5 years or more",
    ],
)
def test_lines_with_commas_a_slash_or_a_point_are_text(text):
    record = make_record(text)
    assert [section.name for section in record.sections] == ["detailed_description"]
    assert len(Extractor().run({"text": text})) == 1


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("", RecordError, "contains no text"),
        (" \n", RecordError, "contains no text"),
        ('{"a": 1}', RecordError, "an unknown format"),
        ("a,b\n1,2\n", RecordError, "an unknown format"),
        ("[[[[", RecordError, "an unknown format"),
        ("Arms\n" * 20_001, RecordError, "text of more than 20,000 lines"),
        ("README.md", ValueError, "'README.md' is the name of a file, or like one; read it with"),
        ("tests/records", ValueError, "is the name of a file, or like one"),
        ("data/protocol v2.docx", ValueError, "is the name of a file, or like one"),
        ("missing.csv", ValueError, "is the name of a file, or like one"),
        ("./trials/2031", ValueError, "or state the section of the text"),
        ("\ud800", ValueError, "not valid Unicode at character 0"),
        (b"Arms", ValueError, "bytes is not one text"),
    ],
    ids=repr,
)  # fmt: skip
def test_what_is_no_text_of_a_trial_is_refused(text, error, words):
    with pytest.raises(error, match=words):
        make_record(text)
