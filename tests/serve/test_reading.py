"""A posted record is read within the limits of an extraction."""

import pytest

from extractor import record_limits
from extractor.errors import RecordTooSlow
from extractor.serve.reading import Posted, read_posted


# The signal may come inside a destructor, where Python prints and drops what is raised; it comes again.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_reading_has_a_limit_of_time(monkeypatch):
    monkeypatch.setattr(record_limits, "MAX_SECONDS", 0.02)
    with pytest.raises(RecordTooSlow):
        read_posted(Posted("a.xml", b"<clinical_study>" + b"<a/>" * 2_000_000 + b"</clinical_study>"))
