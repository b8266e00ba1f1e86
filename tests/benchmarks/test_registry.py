"""The arithmetic of what the whole registry takes."""

from argparse import Namespace

from benchmarks.registry import PerRecord, estimate_hosted, estimate_local, estimate_rules

MEAN = PerRecord(seconds=0.01, calls=0.5, prompt=850, output=100, usd=0.001, batch=0.5)
CHOSEN = Namespace(records=36_000, driver=500.0, model="m", flight=10, latency=2.0, reads=85.0, writes=20.0)


def test_rules_need_more_drivers_where_one_is_the_limit():
    rows = [(row[0], row[2]) for row in estimate_rules(MEAN, CHOSEN)]
    assert rows == [
        ("rules alone, 1 core", "6 min"),
        ("rules alone, 10 cores", "1 min"),
        ("rules alone, 100 cores", "0 min"),
    ]
    assert "one driver" not in list(estimate_rules(MEAN, CHOSEN))[1][1]


def test_a_hosted_model_costs_half_in_batches():
    single, batched = estimate_hosted(MEAN, CHOSEN)
    assert (single[2], single[3], batched[3]) == ("60 min", "36", "18")


def test_a_local_model_takes_the_time_to_read_and_to_write():
    one, many = estimate_local(MEAN, CHOSEN)
    assert (one[2], many[2]) == ("6 days", "90 min")
