import pytest

from benchmarks.records import write_distinct_records, write_open_records


@pytest.fixture(scope="module")
def records(request, tmp_path_factory):
    """A file of as many records as the module says: those of one question each where it counts them by ``IDS``."""
    path = tmp_path_factory.mktemp("in") / "records.jsonl"
    write = write_open_records if hasattr(request.module, "IDS") else write_distinct_records
    write(path, request.module.RECORDS)
    return path
