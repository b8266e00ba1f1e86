"""Which changes of a record make it another one, so that a run reads it again."""

from extractor.run.store import digest_record
from extractor.schemas import RegistryFields, Source, TrialRecord


def digest(**fields):
    source = Source(path="a", format="ctgov_json")
    registry = RegistryFields(**fields)
    record = TrialRecord(record_id="A", source=source, sections=(), registry=registry)
    return digest_record(record)


def test_a_new_status_does_not_make_another_record():
    first = digest(status="RECRUITING")
    assert digest(status="COMPLETED", who_masked=["PARTICIPANT"]) == first
    assert digest(sex="ALL") != first
