import pytest

from extractor.parse.outcomes.kind_features import Guess, describe_kind
from extractor.parse.outcomes.kind_scores import KINDS, choose_kind
from extractor.parse.outcomes.moments import find_moment_groups
from extractor.parse.outcomes.time_kind import guess_kind
from extractor.parse.outcomes.time_points import mask_intervals, select_time_points
from extractor.schemas import TimeKind


def guess(text):
    masked = mask_intervals(text)
    groups = list(find_moment_groups(masked))
    return guess_kind(text, masked, groups, select_time_points(masked, groups))


@pytest.mark.parametrize(
    ("text", "kind", "rule", "skeleton"),
    [
        ("Up to 2 years", "up_to", "limit", "Up to #"),
        ("Baseline, weeks 4, 8 and 12", "at", "moments", "Baseline, @@"),
        ("Weeks 4-12", "from_to", "range", "@-@"),
        ("Weeks 1-12", "up_to", "from beginning", "0 to @"),
        ("Between 4 and 12 weeks", "from_to", "span", "Between ##"),
        ("Through study completion", "unspecified", "vague", "Through study completion"),
    ],
)
def test_the_rules_give_a_kind_and_say_which_rule_did(text, kind, rule, skeleton):
    assert guess(text) == Guess(TimeKind(kind), rule, skeleton)


def test_features_tell_where_words_stand():
    masked = "at week 4 after surgery"
    groups = list(find_moment_groups(masked))
    features = describe_kind(guess(masked), groups, select_time_points(masked, groups))
    assert {"signs @", "beside first: at", "behind last: after", "before AT", "behind AFTER"} <= set(features)
    assert len(features) == len(set(features))


def test_the_order_of_features_does_not_depend_on_hashes():
    found = describe_kind(Guess(TimeKind.AT, "named", "on day of surgery"), (), ())
    assert found == describe_kind(Guess(TimeKind.AT, "named", "on day of surgery"), (), ())
    assert found.index("word on") < found.index("word surgery")


def test_no_known_feature_leaves_every_kind_as_probable():
    assert choose_kind(["zorp"])[1] == pytest.approx(1 / len(KINDS))


def test_a_plain_limit_is_certain():
    kind, confidence = choose_kind(describe_kind(guess("Up to 2 years"), (), ()))
    assert kind is TimeKind.UP_TO
    assert confidence > 0.95
