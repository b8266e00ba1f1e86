"""The recorded exchange with a registry, replayed without a server (``python -m tests.fetch.recording``)."""

from .recording import RECORDED, exchange, play


def test_the_recorded_exchange_gives_the_same_records_waits_and_messages():
    assert play(RECORDED, exchange, record=False) == {
        "query": [f"NCT{number:08} Wheeze study {number} – ≥ 18 years" for number in range(1, 8)],
        "numbers": ["NCT00000002 Wheeze study 2 – ≥ 18 years"],
        "waits": [12.0],
        "told": [
            f"NCT99999999: not known to {RECORDED}; check the number",
            f"{RECORDED}: the registry refuses the request, HTTP 400: `recrs` is unknown parameter",
        ],
    }
