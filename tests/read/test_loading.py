"""What opens and reads files is imported when a file is opened, and a reader with its format."""

import subprocess
import sys

import pytest

from .conftest import RECORDS

_LIST = "import sys; print(*sorted(one for one in sys.modules if one.startswith('extractor.formats')))"
_TEXT = "from extractor import Extractor; Extractor().extract_text('Inclusion criteria\\n- Adults');"
_FILE = "from extractor import read_records; list(read_records({path!r}));"
_READERS = {
    "aact",
    "document_records",
    "eu_register",
    "json_records",
    "tables",
    "xml_records",
}


def list_loaded(code: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", code + _LIST], capture_output=True, text=True, check=True
    )
    return done.stdout.split()


@pytest.mark.slow
def test_a_text_loads_no_reader_of_files():
    assert len(list_loaded(_TEXT)) <= 9


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "reader"), [("study.json", "json_records"), ("study.xml", "xml_records")]
)
def test_a_file_loads_the_reader_of_its_format(name, reader):
    loaded = list_loaded(_FILE.format(path=str(RECORDS / name)))
    names = {name.rpartition(".")[2] for name in loaded}
    assert names & _READERS == {reader}
