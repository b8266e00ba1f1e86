"""Gateways that repeat a key, and keys that cannot be sent: a key is in nothing that leaves the
process.
"""

import json
import os
import sqlite3
import subprocess
import sys
import traceback
import zlib
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import quote

import pytest

from extractor.apps.cli.console import LATER
from extractor.apps.cli.environment import read_model_spec
from extractor.errors import ArgumentError, ModelError
from extractor.masking import mask
from extractor.model.asking.querying import ask
from extractor.model.client import Model
from extractor.model.sdk import open_client
from extractor.model.spec import ModelSpec
from tests.commands import extractor
from tests.llm.colours import ask_about, patient, render
from tests.llm.stub import completion
from tests.loopback import QuietHandler, run_server

pytestmark = pytest.mark.slow

KEYS = (
    "3f9c12ab77e04d5f9b1c2d3e4f5a6b7c",
    "zX/81+kd=Qm_44-plainly.long~key",
    "correct-horse-battery-staple",
)
"""Keys without a beginning that tells what they are."""
KEY = KEYS[0]
KEY_HEADERS = (
    "authorization",
    "api-key",
    "x-api-key",
    "x-goog-api-key",
    "x-gateway-auth",
)
QUICK = ("--timeout", "30", "--effort", "all", "--concurrency", "1")
RECORD = "tests/records/study.json"


@dataclass
class Gateway:
    """A server of any provider. It answers with the key that it got, as ``says`` writes it, with
    ``status``.
    """

    says: Callable[[str], str] = str
    status: int = 400
    url: str = ""
    headers: list[dict[str, str]] = field(default_factory=list)

    def answer(self, headers: dict[str, str]) -> tuple[int, bytes]:
        sent = (
            headers[name].rpartition(" ")[2] for name in KEY_HEADERS if name in headers
        )
        said = self.says(next(sent, "none"))
        if self.status == 200:
            return 200, completion(
                None, message={"refusal": said}, model=said
            ).body.encode()
        error = {
            "message": said,
            "code": self.status,
            "type": "gateway_error",
            "status": "INVALID_ARGUMENT",
        }
        return self.status, json.dumps({"type": "error", "error": error}).encode()


@contextmanager
def serve_gateway(**settings) -> Iterator[Gateway]:
    gateway = Gateway(**settings)

    class Handler(QuietHandler, BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            gateway.headers.append(headers)
            status, body = gateway.answer(headers)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with run_server(Handler) as url:
        gateway.url = url
        yield gateway


PROVIDERS = {
    "openai": (
        "openai/gpt-4o-mini",
        lambda url, key: {"OPENAI_API_KEY": key, "OPENAI_BASE_URL": f"{url}/v1"},
    ),
    "azure": (
        "azure_openai/gpt-4o",
        lambda url, key: {"AZURE_OPENAI_API_KEY": key, "AZURE_OPENAI_ENDPOINT": url},
    ),
    "anthropic": (
        "anthropic/claude-haiku-4-5",
        lambda url, key: {"ANTHROPIC_API_KEY": key, "ANTHROPIC_BASE_URL": url},
    ),
    "google": (
        "google/gemini-2.5-flash",
        lambda url, key: {"GOOGLE_API_KEY": key, "GOOGLE_GEMINI_BASE_URL": url},
    ),
    "server": (None, lambda url, key: {"EXTRACTOR_MODEL_TOKEN": key}),
}
"""The model of each provider, and the variables by which its SDK finds the gateway and the key."""


def list_written(folder: Path) -> Iterator[tuple[str, bytes]]:
    """All that a run wrote: its files, and the values of its store, unpacked."""
    for path in filter(Path.is_file, folder.rglob("*")):
        yield str(path), path.read_bytes()
    if (folder / "run.sqlite").exists():
        with closing(sqlite3.connect(folder / "run.sqlite")) as store:
            for (table,) in store.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table'"
            ).fetchall():
                for row in store.execute(f"SELECT * FROM {table}"):
                    for value in row:
                        yield f"table {table}", _unpack(value)


def _unpack(value) -> bytes:
    if not isinstance(value, bytes):
        return str(value).encode()
    try:
        return zlib.decompress(value)
    except zlib.error:
        return value


def assert_masked(key: str, folder: Path, *outputs: bytes) -> None:
    """Fail if any form of the key, or a long part of it, is in an output or in what was written."""
    forms = {
        key,
        key[:12],
        key[-12:],
        quote(key, safe=""),
        b64encode(key.encode()).decode().rstrip("=")[:-2],
    }
    for place, content in (
        *(("output", output) for output in outputs),
        *list_written(folder),
    ):
        shown = [form for form in forms if form.encode() in content]
        assert not shown, f"{shown} in {place}: {content[:2000]!r}"


def run(gateway, provider, key, out, *options, **more):
    name, environment = PROVIDERS[provider]
    model = name or f"{gateway.url}/v1#m"
    words = (
        "run",
        RECORD,
        *QUICK,
        "--model",
        model,
        "--out",
        out,
        "--log-json",
        out.parent / "log.jsonl",
        *options,
    )
    return extractor(*words, **environment(gateway.url, key), **more)


@pytest.mark.parametrize(
    ("provider", "key"),
    [
        *((provider, KEY) for provider in PROVIDERS),
        ("azure", KEYS[1]),
        ("server", KEYS[2]),
    ],
)
def test_a_key_that_a_gateway_repeats_is_masked_in_all_that_leaves_the_process(
    provider, key, tmp_path
):
    with serve_gateway(
        says=lambda sent: f"the key {sent} may not use this model, see key={sent}&x=1"
    ) as gateway:
        ended = run(gateway, provider, key, tmp_path / "run")
    assert any(key in str(headers) for headers in gateway.headers), (
        "the gateway got the key"
    )
    assert ended.returncode == LATER
    assert b"the key *** may not use this model" in ended.stderr
    assert_masked(key, tmp_path, ended.stdout, ended.stderr)


FORMS = {
    "in quotes": lambda key: f"“{key}”, '{key}', b'{key}\\n'",
    "after a line break": lambda key: f"one\n{key}\r\ntwo",
    "for an address": lambda key: (
        f"https://gateway.test/?key={quote(key, safe='')}&v=1"
    ),
    "as basic auth": lambda key: f"Basic {b64encode(f'user:{key}'.encode()).decode()}",
    "in Base64": lambda key: b64encode(f"Bearer {key}".encode()).decode(),
    "cut at its end": lambda key: f"unknown key {key[:16]}",
    "cut at its beginning": lambda key: f"unknown key ...{key[-16:]}",
    "with stars": lambda key: f"unknown key {key[:6]}******{key[-6:]}",
    "behind a long text": lambda key: f"{'no ' * 95}{key}",
    "as an answer": lambda key: f"my key is {key}",
}


@pytest.mark.parametrize("status", [200, 401, 403, 500])
@pytest.mark.parametrize("form", FORMS)
async def test_every_form_of_a_key_is_masked_in_errors_and_logs(form, status, caplog):
    with serve_gateway(says=FORMS[form], status=status) as gateway:
        model = Model(
            ModelSpec.parse(f"{gateway.url}/v1#m", server_key=KEY),
            policy=patient(attempts=1),
        )
        with pytest.raises(ModelError) as caught:
            await ask(model, ask_about(1), render)
    shown = "".join(traceback.format_exception(caught.value)) + caplog.text

    assert KEY in str(gateway.headers)
    assert not [
        part
        for part in (KEY[:6], KEY[-6:], b64encode(KEY.encode()).decode()[4:20])
        if part in shown
    ]


def test_a_traceback_in_python_has_no_key(tmp_path):
    lines = (
        "from extractor import Extractor, read_records",
        "import logging; logging.basicConfig()",
        f"record = next(read_records({RECORD!r}))",
        "Extractor('azure_openai/gpt-4o', timeout=30, effort='all').extract(record)",
    )
    with serve_gateway(says="the key {} is unknown".format) as gateway:
        environment = {
            **os.environ,
            "AZURE_OPENAI_API_KEY": KEY,
            "AZURE_OPENAI_ENDPOINT": gateway.url,
        }
        command = [sys.executable, "-c", "\n".join(lines)]
        ended = subprocess.run(
            command, capture_output=True, check=False, env=environment
        )
    assert b"Traceback" in ended.stderr
    assert b"the key *** is unknown" in ended.stderr
    assert_masked(KEY, tmp_path, ended.stdout, ended.stderr)


@pytest.mark.filterwarnings(
    "ignore:Inheritance class AiohttpClientSession:DeprecationWarning"
)  # of google-genai
@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_service_that_sends_on_to_another_address_gets_no_key_and_no_record_there(
    provider, monkeypatch
):
    others: list[str] = []

    class Other(QuietHandler, BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            others.append(str(self.headers))
            self.send_error(400)

    class Moved(QuietHandler, BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(307)
            self.send_header(
                "Location", f"{other.replace('127.0.0.1', 'localhost')}/v1"
            )
            self.send_header("Content-Length", "0")
            self.end_headers()

    with run_server(Other) as other, run_server(Moved) as url:
        name, environment = PROVIDERS[provider]
        for variable, value in environment(url, KEY).items():
            monkeypatch.setenv(variable, value)
        spec = read_model_spec(name or f"{url}/v1#m")
        with pytest.raises(
            ModelError, match=r"moved to http://localhost:.*; give that address"
        ):
            await ask(Model(spec, policy=patient(attempts=1)), ask_about(1), render)
    assert others == []


HEADERS = {"X-Gateway-Auth": KEY, "X-Tenant": "oncology-4711"}


@pytest.mark.parametrize("status", [200, 403])
def test_headers_of_an_option_reach_a_server_without_a_key_and_are_masked(
    status, tmp_path
):
    option = f"extra_headers={json.dumps(HEADERS)}"
    with serve_gateway(says="for {} alone".format, status=status) as gateway:
        out = tmp_path / "run"
        words = (
            "run",
            RECORD,
            *QUICK,
            "--model",
            f"{gateway.url}/v1#m",
            "--model-option",
            option,
            "--out",
            out,
        )
        ended = extractor(*words, "--log-json", tmp_path / "log.jsonl")
    assert gateway.headers
    assert {headers["x-gateway-auth"] for headers in gateway.headers} == {KEY}
    assert {headers["x-tenant"] for headers in gateway.headers} == {"oncology-4711"}
    assert not any("authorization" in headers for headers in gateway.headers)
    assert b"unexpected" not in ended.stderr
    assert status == 200 or b"for *** alone" in ended.stderr
    masked = {"extra_headers": dict.fromkeys(HEADERS, "***")}
    assert (
        json.loads((out / "run.json").read_text("utf-8"))["settings"]["model_options"]
        == masked
    )
    assert_masked(KEY, tmp_path, ended.stdout, ended.stderr)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("api_key", KEY),
        ("extra_body", {"api_key": KEY}),
        ("extra_query", {"key": KEY}),
        ("azure_ad_token", KEY),
    ],
)
def test_a_key_of_an_option_is_masked_and_is_no_setting(option, value, tmp_path):
    given = value if isinstance(value, str) else json.dumps(value)
    with serve_gateway(
        says=lambda _: f"the key {KEY} is unknown", status=403
    ) as gateway:
        words = (
            "run",
            RECORD,
            *QUICK,
            "--model",
            f"{gateway.url}/v1#m",
            "--out",
            tmp_path / "run",
        )
        ended = extractor(*words, "--model-option", f"{option}={given}")
    assert ended.returncode == 1
    assert b"the key *** is unknown" in ended.stderr
    assert_masked(KEY, tmp_path, ended.stdout, ended.stderr)


NAMES = {
    "OPENAI_API_KEY": "gpt-4o-mini",
    "EXTRACTOR_MODEL_TOKEN": "http://127.0.0.1:9/v1#m",
    "AZURE_OPENAI_API_KEY": "azure_openai/gpt-4o",
    "AZURE_OPENAI_AD_TOKEN": "azure_openai/gpt-4o",
    "ANTHROPIC_API_KEY": "anthropic/claude-haiku-4-5",
    "ANTHROPIC_AUTH_TOKEN": "anthropic/claude-haiku-4-5",
    "GOOGLE_API_KEY": "google/gemini-2.5-flash",
    "MISTRAL_API_KEY": "mistral/mistral-small-latest",
    "GROQ_API_KEY": "groq/llama-3.1-8b-instant",
    "XAI_API_KEY": "xai/grok-4",
    "AWS_SECRET_ACCESS_KEY": "bedrock/anthropic.claude-3-haiku",
    "COHERE_API_KEY": "litellm/cohere/command-a-03-2025",
}
SPOILT = ("{}\n", "{}\r", "{} ", " {}", "{}\r\n", "{}\t", "{}\u00a0", "{}\x07")


@pytest.mark.parametrize(("name", "model"), NAMES.items())
def test_a_key_with_white_space_is_refused_by_name_before_anything_is_sent(
    name, model, monkeypatch
):
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", "http://127.0.0.1:9")
    for spoilt in SPOILT:
        value = spoilt.format(KEY)
        monkeypatch.setenv(name, value)
        with pytest.raises(ArgumentError) as caught:
            open_client(read_model_spec(model), "TOOLS")
        assert str(caught.value).startswith(
            f"{name}: the key has characters that no key has"
        )
        assert KEY not in "".join(traceback.format_exception(caught.value))


def test_doctor_and_run_refuse_such_a_key_in_one_line(tmp_path):
    environment = {
        "AZURE_OPENAI_API_KEY": f"{KEY}\n",
        "AZURE_OPENAI_ENDPOINT": "http://127.0.0.1:9",
    }
    model = ("--model", "azure_openai/gpt-4o")
    said = (
        b"AZURE_OPENAI_API_KEY: the key has characters that no key has, such as a blank, a "
        b"line break"
    )
    ended = extractor(
        "run", RECORD, *QUICK, *model, "--out", tmp_path / "run", **environment
    )
    assert (ended.returncode, ended.stderr.count(b"\n")) == (2, 1)
    assert said in ended.stderr
    looked = extractor("doctor", *model, **environment)
    assert looked.returncode != 0
    assert said in looked.stdout + looked.stderr
    for each in (ended, looked):
        assert_masked(KEY, tmp_path, each.stdout, each.stderr)


def test_a_key_in_a_traceback_of_a_library_is_masked_on_standard_error():
    """Whatever prints it: a bug of this program or of a library, a warning, or a log."""
    lines = (
        "import logging, sys, warnings",
        "from extractor.masking import mask_standard_error",
        "mask_standard_error()",
        f"warnings.warn('the key {KEY}')",
        f"logging.error('header %s', 'Bearer {KEY}')",
        f"raise ValueError(b'{KEY}\\n')",
    )
    environment = {**os.environ, "MISTRAL_API_KEY": KEY}

    ended = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)],
        capture_output=True,
        check=False,
        env=environment,
    )

    assert b"Traceback" in ended.stderr
    assert ended.stderr.count(b"***") >= 3
    assert KEY.encode() not in ended.stderr


@pytest.mark.parametrize(
    ("name", "value", "text", "masked"),
    [
        (
            "HTTPS_PROXY",
            "http://me:pa%23ss1@proxy:3128",
            "Invalid port: 'pa#ss1'",
            "Invalid port: '***'",
        ),
        (
            "HTTPS_PROXY",
            "me:pass-word-1@proxy:3128",
            "no such host: me:pass-word-1",
            "no such host: ***",
        ),
        (
            "ANTHROPIC_CUSTOM_HEADERS",
            "X-Team: red-team-77\nX-B: b",
            "header red-team-77",
            "header ***",
        ),
        (
            "EXTRACTOR_REGISTRY",
            "https://me:mirror-9@host/api",
            "for mirror-9",
            "for ***",
        ),
        (
            "AWS_SESSION_TOKEN",
            "FwoGZX//IvYXdz+9",
            "token FwoGZX%2F%2FIvYXdz%2B9",
            "token ***",
        ),
        ("COHERE_API_KEY", "none", "there is none", "there is none"),
        ("TOKENIZERS_PARALLELISM", "very-false", "very-false", "very-false"),
        ("SSH_AUTH_SOCK", "/tmp/agent.sock", "/tmp/agent.sock", "/tmp/agent.sock"),
    ],
)
def test_what_counts_as_a_credential(name, value, text, masked, monkeypatch):
    monkeypatch.setenv(name, value)
    assert mask(text) == masked
    assert str(ArgumentError(text)) == masked
