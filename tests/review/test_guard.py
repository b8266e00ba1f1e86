"""Who is let in, over real sockets."""

import http.client
import json
import signal
import socket

import pytest

from .runs import SEED, serve, serve_by_command

ACCEPT = json.dumps({"kind": "accept", "items": [{"item": "people", "version": 0}]})


@pytest.fixture(scope="module")
def served(seed_run, tmp_path_factory):
    with serve(seed_run, tmp_path_factory.mktemp("gold")) as review:
        yield review


@pytest.fixture(scope="module")
def cookie(served):
    """What the browser gets for the token, which is spent then."""
    status, headers, _ = ask(served, f"/?token={served.token}")
    assert (status, headers["location"]) == (303, "/")
    assert "HttpOnly" in headers["set-cookie"]
    assert "samesite=strict" in headers["set-cookie"].lower()
    return headers["set-cookie"].partition(";")[0]


def ask(served, path, method="GET", body=None, **headers):
    """One request with exactly these headers; names are written with underscores."""
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=60)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.putrequest(method, path, skip_host="host" in named, skip_accept_encoding=True)
    if body is not None:
        named.setdefault("content-length", str(len(body)))
    for name, value in named.items():
        connection.putheader(name, value)
    connection.endheaders(body.encode() if body is not None else None)
    response = connection.getresponse()
    found = {name.lower(): value for name, value in response.getheaders()}
    text = response.read().decode()
    connection.close()
    return response.status, found, text


def test_without_the_cookie_nothing_is_told(served):
    for path in ("/", "/api/queue", "/assets/start.js", "/?token=wrong", f"/api/record?id={SEED}&token={served.token}"):
        status, headers, text = ask(served, path)
        assert status in {401, 403}, path
        assert SEED not in text
        assert "set-cookie" not in headers


def test_the_token_works_once(served, cookie):
    status, _, text = ask(served, f"/?token={served.token}")
    assert status == 403
    assert "used already" in text
    assert ask(served, f"/?token={served.token}", cookie=cookie)[0] == 303
    assert ask(served, "/api/queue", cookie=cookie)[0] == 200


def test_a_wrong_cookie_is_none(served, cookie):
    name = cookie.partition("=")[0]
    assert ask(served, "/api/queue", cookie=f"{name}=guessed")[0] == 401
    assert ask(served, "/api/queue", cookie=cookie.replace(name, "session"))[0] == 401


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1", "127.0.0.1.evil.example", "0.0.0.0", ""]
)
def test_a_foreign_name_that_leads_here_is_refused(served, cookie, host):
    assert ask(served, "/api/queue", cookie=cookie, host=host)[0] in {400, 421}


def test_both_names_of_this_machine_are_right(served, cookie):
    for name in ("127.0.0.1", "localhost"):
        assert ask(served, "/api/queue", cookie=cookie, host=f"{name}:{served.port}")[0] == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:1"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"sec_fetch_site": "none"},
        {"sec_fetch_site": "cross-site", "origin": "OWN"},
    ],
)
def test_a_write_of_another_page_is_refused(served, cookie, headers):
    own = f"http://127.0.0.1:{served.port}"
    sent = {name: own if value == "OWN" else value for name, value in headers.items()}
    path = f"/api/change?id={SEED}"
    status, _, _ = ask(served, path, "POST", ACCEPT, cookie=cookie, content_type="application/json", **sent)
    assert status == 403
    assert json.loads(ask(served, f"/api/version?id={SEED}", cookie=cookie)[2])["version"] == 0


def test_a_read_of_another_page_is_refused(served, cookie):
    assert ask(served, "/api/queue", cookie=cookie, sec_fetch_site="cross-site")[0] == 403
    assert ask(served, "/api/queue", cookie=cookie, origin="http://evil.example")[0] == 403
    assert ask(served, "/api/queue", cookie=cookie, sec_fetch_site="same-origin")[0] == 200


def test_a_form_cannot_write(served, cookie):
    own = f"http://127.0.0.1:{served.port}"
    sent = {"cookie": cookie, "origin": own, "content_type": "text/plain"}
    assert ask(served, f"/api/change?id={SEED}", "POST", ACCEPT, **sent)[0] == 415


def test_what_is_too_large_is_refused(served, cookie):
    own = f"http://127.0.0.1:{served.port}"
    sent = {"cookie": cookie, "origin": own, "content_type": "application/json"}
    assert ask(served, f"/api/change?id={SEED}", "POST", " " * 1_000_001, **sent)[0] == 413


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("{", "delimiter|property name|Expecting"),
        ("{}", "kind"),
        ('{"kind": "set", "item": "people", "version": 0, "path": "criteria", "value": []}', "no such field"),
        ('{"kind": "accept", "items": []}', "items"),
        ('{"kind": "add", "add": "criterion", "selection": {"section": "title", "start": 3, "end": 3}}', "no words"),
        ('{"kind": "add", "add": "people", "selection": {"section": "title", "start": 3, "end": 9}}', "add"),
        ('{"kind": "add", "add": "criterion", "selection": {"section": "x", "start": 3, "end": 9}}', "no section"),
    ],
)
def test_broken_wishes_are_told(served, cookie, body, told):
    own = f"http://127.0.0.1:{served.port}"
    sent = {"cookie": cookie, "origin": own, "content_type": "application/json"}
    status, _, text = ask(served, f"/api/change?id={SEED}", "POST", body, **sent)
    assert status == 422
    assert any(word in json.loads(text)["message"] for word in told.split("|"))


def test_no_file_but_the_page_s_own_is_served(served, cookie):
    for path in ("/assets/../serve.py", "/assets/%2e%2e%2fserve.py", "/assets/serve.py", "/assets/", "/api/nothing"):
        assert ask(served, path, cookie=cookie)[0] == 404, path


def test_the_page_may_load_and_run_its_own_files_alone(served, cookie):
    _, headers, _ = ask(served, "/", cookie=cookie)
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"


def test_other_machines_cannot_connect(served):
    """Every address of this machine but the loopback one is closed."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing: only asks which address would be used
        except OSError:
            pytest.skip("this machine has no other address")
        own = probe.getsockname()[0]
    if own.startswith("127."):
        pytest.skip("this machine has no other address")
    with pytest.raises((ConnectionRefusedError, TimeoutError)), socket.create_connection((own, served.port), timeout=5):
        pass


def test_the_token_is_said_once_and_ctrl_c_ends_well(seed_run, tmp_path):
    with serve_by_command(seed_run, tmp_path / "gold") as (review, process):
        ask(review, f"/?token={review.token}")
        ask(review, "/?token=guessed")
        process.send_signal(signal.SIGINT)
        assert process.stdout
        rest = process.stdout.read()
        assert process.wait(120) == 0
    assert review.token not in rest
    assert "guessed" not in rest
