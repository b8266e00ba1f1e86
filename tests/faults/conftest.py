import pytest

from tests.stand_ins import write_distinct_records, write_open_records


@pytest.fixture(scope="module")
def records(request, tmp_path_factory):
    """A file of ``RECORDS`` records of the module; they have one question each if the module has
    ``IDS``.
    """
    path = tmp_path_factory.mktemp("in") / "records.jsonl"
    is_open = hasattr(request.module, "IDS")
    write = write_open_records if is_open else write_distinct_records
    write(path, request.module.RECORDS)
    return path
