"""Many at once: all are answered, or told to come again."""

import asyncio
import signal
import subprocess

import httpx2

from tests.llm.stub import serve as serve_stub

from .running import TOKEN, check_problem, one, say_nothing_slowly, serve

TOGETHER = 100


async def post_all(url, key, count):
    limits = httpx2.Limits(max_connections=None)
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    async with httpx2.AsyncClient(base_url=url, headers=headers, timeout=300, limits=limits, trust_env=False) as client:
        posted = (client.post("/v1/extractions", content=one(number)) for number in range(count))
        return await asyncio.gather(*posted)


async def test_many_requests_at_once_get_their_own_answers(served):
    answers = await post_all(served.url, TOKEN, TOGETHER)
    assert {answer.status_code for answer in answers} == {200}
    assert [answer.json()["record_id"] for answer in answers] == [f"NCT{number:08d}" for number in range(TOGETHER)]
    assert all(answer.json()["usage"]["calls"] for answer in answers)


async def test_a_small_service_from_its_start_to_its_end(tmp_path):
    """It makes a token, says where that is, takes no more than its queue, and ends well at Ctrl-C."""
    options = ("--workers", "1", "--queue", "4", "--concurrency", "2")
    with (
        serve_stub(say_nothing_slowly) as stub,
        serve(tmp_path / "root", "--model", f"{stub.url}#stub", *options, EXTRACTOR_TOKEN="") as service,
    ):
        command = service.errors.partition("in their shell: ")[2].splitlines()[0]
        token = subprocess.run(
            ["sh", "-c", f'{command}; printf %s "$EXTRACTOR_TOKEN"'], capture_output=True, text=True, check=True
        )
        token = token.stdout
        assert len(token) == 64
        assert (tmp_path / "root" / "token").stat().st_mode & 0o777 == 0o600
        check_problem(service.client.get("/v1/jobs"), 401, "no-key")
        check_queue(await post_all(service.url, token, 30))
        assert service.client.get("/healthz").status_code == 200
        service.process.send_signal(signal.SIGINT)
        assert await asyncio.to_thread(service.process.wait, 300) == 0
        assert token not in service.errors + service.log.read_text("utf-8")


def check_queue(answers):
    """That some were answered, and the others are told to come again."""
    statuses = [answer.status_code for answer in answers]
    assert statuses.count(200) >= 4
    assert set(statuses) == {200, 429}
    refused = answers[statuses.index(429)]
    check_problem(refused, 429, "queue-full")
    assert refused.headers["retry-after"] == "1"
