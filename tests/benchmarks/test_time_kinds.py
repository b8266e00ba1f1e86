import pytest

pytest.importorskip("numpy")

from benchmarks.label_files import FOLDS
from benchmarks.training.time_kinds import count_features, cross_validate, describe_label, fit, format_weights

FRAMES = [("Up to {} weeks", "up_to"), ("At week {}", "at"), ("Weeks {}-60", "from_to"), ("Every {} weeks", "per")]


def describe(text, kind, fold=0):
    return describe_label({"time_frame": text, "time_kind": kind, "fold": fold, "area": "Cardiology"})


LABELLED = [describe(text.format(week), kind, week % FOLDS) for text, kind in FRAMES for week in range(2, 12)]


def test_what_is_clear_is_learned():
    assert all(guess.right for guess in cross_validate(LABELLED))


def test_rare_features_are_left_out():
    odd = describe("Zorp season", "unspecified")
    assert "word zorp" in odd.features
    assert "word zorp" not in count_features([*LABELLED, odd])


def test_the_file_holds_one_weight_for_each_kind():
    names = count_features(LABELLED)
    *_, last = format_weights(fit(LABELLED, names), names).splitlines()
    assert last.startswith('"word ')
    assert last.count(",") == 4
