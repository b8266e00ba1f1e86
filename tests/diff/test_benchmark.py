"""Changes that readers found, matched with those that are told."""

from benchmarks.diff import match_changes
from extractor import Extractor, diff_trials

from .planting import make_study, to_record

RULES = Extractor(effort="none")


def test_real_changes_are_matched_once_by_their_words_and_kind():
    old, new = make_study(), make_study()
    new["exclusion"] = [one.replace("9 g/dL", "8 g/dL") for one in new["exclusion"]]
    new["enrollment"] = [150, "ESTIMATED"]
    (limit, enrolment) = compare_studies(old, new)
    real = [
        {"part": "limits", "old": "< 9", "new": "< 8", "kinds": ["loosened"]},
        {"part": "enrolment", "old": "120", "new": "140", "kinds": []},
    ]
    assert match_changes(real, [limit, limit, enrolment]) == [real[0], None, None]


def compare_studies(*studies):
    records = [to_record(one) for one in studies]
    return diff_trials(*map(RULES.extract, records), *records).changes
