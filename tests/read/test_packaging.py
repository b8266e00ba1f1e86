"""Every format reads the same from every packaging, with any file name."""

import gzip
import io
import zipfile
from pathlib import Path

import pytest

from extractor.schemas import Section, TrialRecord

from .conftest import RECORDS, read_all

IDS = {
    "flat.txt": ["flat"],
    "studies.csv": ["NCT90000010", "NCT90000011", "NCT90000012"],
    "studies.jsonl": ["NCT90000006", "NCT90000007"],
    "studies_array.json": ["NCT90000002", "NCT90000003"],
    "studies_page.json": ["NCT90000004", "NCT90000005"],
    "study.json": ["NCT90000001"],
    "study.xml": ["NCT90000008"],
}


def zip_members(members: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return packed.getvalue()


PACKAGINGS = {
    "plain": lambda content: content,
    "gzip": gzip.compress,
    "zip": lambda content: zip_members({"folder/flat.txt": content}),
    "gzip in zip": lambda content: zip_members({"flat.dat.gz": gzip.compress(content)}),
    "byte order mark": lambda content: b"\xef\xbb\xbf" + content,
    "leading blank lines": lambda content: (
        content if content.startswith((b"<", b"NCT")) else b"\n\n" + content
    ),
}


def list_sections(record: TrialRecord) -> list[Section]:
    """The sections without their places in the file, which blank lines before them move."""
    return [section.model_copy(update={"pieces": ()}) for section in record.sections]


@pytest.mark.parametrize("pack", PACKAGINGS.values(), ids=PACKAGINGS.keys())
@pytest.mark.parametrize("name", sorted(path.name for path in RECORDS.iterdir()))
def test_packaging_changes_nothing(tmp_path, name, pack):
    path = tmp_path / "flat.unknown"
    path.write_bytes(pack((RECORDS / name).read_bytes()))
    plain = read_all(RECORDS / name)

    packed = read_all(path)

    assert packed.errors == plain.errors == []
    assert packed.ids == IDS[name]
    assert [list_sections(record) for record in packed.records] == [
        list_sections(record) for record in plain.records
    ]
    assert [record.registry for record in packed.records] == [
        record.registry for record in plain.records
    ]


def test_hostile_member_names_are_read_and_never_written(tmp_path):
    packed = tmp_path / "in" / "hostile.zip"
    packed.parent.mkdir()

    packed.write_bytes(
        zip_members({"../../evil.txt": (RECORDS / "flat.txt").read_bytes()})
    )

    assert read_all(packed).ids == ["evil"]
    assert [path for path in Path(tmp_path).rglob("*") if path.is_file()] == [packed]
