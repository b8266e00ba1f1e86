"""Access to the review, over real sockets."""

import json
import re
import signal

import pytest

from extractor.apps.review.app import open_review
from tests.commands import start_extractor
from tests.tables import read_cases

from .reviewing import SEED, Served, ask, serve

PATCH = {"path": "eligibility", "value": {"sex": "male"}}
CHECK = json.dumps({"version": 0, "patch": PATCH})
CHANGE = f"/api/change?id={SEED}"
CASES = read_cases(__file__)


@pytest.fixture(scope="module")
def served(seed_run, tmp_path_factory):
    with serve(seed_run, tmp_path_factory.mktemp("gold")) as review:
        yield review


@pytest.fixture(scope="module")
def cookie(served):
    """The cookie that the browser gets in exchange for the token."""
    status, headers, _ = ask(served, f"/?token={served.token}")
    assert (status, headers["location"]) == (303, "/")
    assert "HttpOnly" in headers["set-cookie"]
    assert "samesite=strict" in headers["set-cookie"].lower()
    return headers["set-cookie"].partition(";")[0]


def post(served, cookie, body, kind="application/json"):
    own = f"http://127.0.0.1:{served.port}"
    return ask(
        served, CHANGE, "POST", body, cookie=cookie, origin=own, content_type=kind
    )


def test_without_the_cookie_nothing_is_shown(served):
    record = f"/api/record?id={SEED}&token={served.token}"
    for path in ("/", "/api/queue", "/guideline", "/?token=wrong", record):
        status, headers, text = ask(served, path)
        assert status in {401, 403}, path
        assert SEED not in text
        assert "set-cookie" not in headers


def test_the_token_works_once(served, cookie):
    status, _, text = ask(served, f"/?token={served.token}")
    assert (status, "already been used" in text) == (403, True)
    assert ask(served, f"/?token={served.token}", cookie=cookie)[0] == 303
    name = cookie.partition("=")[0]
    for sent, status in (
        (cookie, 200),
        (f"{name}=guessed", 401),
        (cookie.replace(name, "session"), 401),
    ):
        assert ask(served, "/api/queue", cookie=sent)[0] == status


@pytest.mark.parametrize(("host", "is_right"), CASES["hosts"])
def test_only_the_names_of_this_machine_are_right(served, cookie, host, is_right):
    host = host.replace("PORT", str(served.port))
    status, _, _ = ask(served, "/api/queue", cookie=cookie, host=host)
    assert status in ({200} if is_right else {400, 421})


@pytest.mark.parametrize(("headers", "may_read"), CASES["pages"])
def test_requests_of_another_page_are_refused(served, cookie, headers, may_read):
    sent = {"cookie": cookie, "content_type": "application/json", **headers}
    assert ask(served, CHANGE, "POST", CHECK, **sent)[0] == 403
    assert ask(served, "/api/queue", **sent)[0] == (200 if may_read else 403)
    _, _, record = ask(served, f"/api/record?id={SEED}", cookie=cookie)
    assert json.loads(record)["version"] == 0


@pytest.mark.parametrize(("change", "message"), CASES["broken_changes"])
def test_broken_changes_are_refused(served, cookie, change, message):
    body = f'{{"version": 0, "patch": {{{change}}}}}'
    status, _, text = post(served, cookie, body)
    assert status == 422
    assert message in json.loads(text)["message"]


@pytest.mark.parametrize("depth", [900, 150_000])
@pytest.mark.parametrize(("begin", "end"), ["[]", ('{"a":', "}")])
def test_deep_json_is_refused_with_a_message(served, cookie, depth, begin, end):
    deep = begin * depth + "1" + end * depth
    patch = '{"version": 0, "patch": {"path": "eligibility", "value": {"sex": %s}}}'
    for body in (deep, patch % deep, "{", "{}"):
        status, _, text = post(served, cookie, body)
        assert status == 422
        assert 0 < len(json.loads(text)["message"]) < 500


def test_requests_of_a_form_and_large_ones_are_refused(served, cookie):
    assert post(served, cookie, CHECK, "text/plain")[0] == 415
    assert post(served, cookie, " " * 1_000_001)[0] == 413


def test_the_page_runs_its_own_script_alone(served, cookie):
    for path in ("/assets/../app.py", "/app.py", "/api/nothing", "/favicon.ico"):
        assert ask(served, path, cookie=cookie)[0] == 404, path
    _, headers, page = ask(served, "/", cookie=cookie)
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)[1]

    assert "unsafe" not in policy
    assert policy.startswith("default-src &#39;none&#39;")
    assert headers["content-security-policy"] == "frame-ancestors 'none'"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    guideline = ask(served, "/guideline", cookie=cookie)[2]
    linked = re.findall(r'href="#(section-\d+)"', guideline)
    assert len(linked) > 10
    assert set(linked) <= set(re.findall(r'id="(section-\d+)"', guideline))


def test_other_machines_cannot_connect(seed_run, tmp_path):
    with open_review(seed_run, tmp_path) as opened:
        assert opened.listening.getsockname()[0] == "127.0.0.1"


@pytest.mark.slow
def test_the_token_is_printed_once_and_ctrl_c_ends_well(seed_run, tmp_path):
    with start_extractor("review", seed_run, "--gold", tmp_path) as running:
        running.wait_for(lambda: running.stdout.read_text("utf-8").endswith("\n"))
        first = running.stdout.read_text("utf-8")
        assert first.startswith("review: http://"), first
        review = Served(first.removeprefix("review: ").strip(), tmp_path)
        ask(review, f"/?token={review.token}")
        ask(review, "/?token=guessed")
        running.send_signal(signal.SIGINT)
        ended = running.wait()

    said = (ended.stdout + ended.stderr).decode()

    assert ended.returncode == 0
    assert said.count(review.token) == 1
    assert "guessed" not in said
