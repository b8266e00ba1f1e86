"""A key never leaves the process, wherever it is stored and however a server repeats it.

A key might leak through standard output or error, tracebacks, logs, or the files and store of a
run. ``assert_masked`` searches all of these for every form of the key.
"""

import json
import os
import re
import sqlite3
import subprocess
import sys
import traceback
import zlib
from base64 import b64encode
from collections.abc import Iterator
from contextlib import closing
from html import unescape
from pathlib import Path
from urllib.parse import quote, unquote

import pytest

from extractor.apps.cli.console import LATER
from extractor.apps.cli.environment import read_model_spec
from extractor.errors import ArgumentError, ModelError
from extractor.masking import mask
from extractor.model.client import Model
from extractor.model.providers import list_providers
from extractor.model.sdk import open_client
from extractor.model.spec import ModelSpec
from tests.commands import extractor
from tests.llm.colours import ask, ask_about, patient, render
from tests.llm.stub import Scripted, completion, serve
from tests.tables import read_cases

pytestmark = [
    pytest.mark.slow,
    # of google-genai
    pytest.mark.filterwarnings(
        "ignore:Inheritance class AiohttpClientSession:DeprecationWarning"
    ),
]

CASES = read_cases(__file__)
KEY = "3f9c12ab77e04d5f9b1c2d3e4f5a6b7c"
"""A key without a beginning that tells what it is; so are the other two."""
SYMBOLS = "zX/81+kd=Qm_44-plainly.long~key"
WORDS = "correct-horse-battery-staple"
RECORD = "tests/records/study.json"
QUICK = ("run", RECORD, "--timeout", "30", "--effort", "full", "--concurrency", "1")
PROVIDERS = {
    "openai/gpt-4o-mini": ("OPENAI_API_KEY", "OPENAI_BASE_URL", "/v1"),
    "anthropic/claude-haiku-4-5": ("ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL", ""),
    "google/gemini-2.5-flash": ("GOOGLE_API_KEY", "GOOGLE_GEMINI_BASE_URL", ""),
    "server": ("EXTRACTOR_MODEL_TOKEN", "UNUSED", ""),
}
"""The variables by which an SDK finds its key and the gateway, and the end of the address."""


def use(model, url, key):
    """The name of a model behind a gateway, and the environment with its key."""
    key_name, address, end = PROVIDERS[model]
    name = f"{url}#m" if model == "server" else model
    return name, {key_name: key, address: f"{url.removesuffix('/v1')}{end}"}


def answering(said, status=400):
    """A gateway of any provider, whose answers repeat a key, as a refusal of the model with 200."""
    if status == 200:
        return serve([completion(None, message={"refusal": said}, model=said)])
    error = {"message": said, "code": status, "type": "gateway", "status": "INVALID"}
    return serve([Scripted(status, json.dumps({"type": "error", "error": error}))])


def list_written(folder: Path) -> Iterator[tuple[str, bytes]]:
    """All that a run wrote: its files, and the values of its store, unpacked."""
    for path in filter(Path.is_file, folder.rglob("*")):
        yield str(path), path.read_bytes()
        if path.name != "run.sqlite":
            continue
        with closing(sqlite3.connect(path)) as store:
            tables = "SELECT name FROM sqlite_master WHERE type = 'table'"
            for (table,) in store.execute(tables).fetchall():
                for row in store.execute(f"SELECT * FROM {table}"):
                    yield from ((f"table {table}", _unpack(value)) for value in row)


def _unpack(value) -> bytes:
    try:
        return zlib.decompress(value)
    except (TypeError, zlib.error):
        return value if isinstance(value, bytes) else str(value).encode()


def assert_masked(key: str, folder: Path, *outputs: bytes) -> None:
    """Fail if any form of the key, or a long part of it, is in an output or in a written file."""
    encoded = b64encode(key.encode()).decode().rstrip("=")[:-2]
    forms = {key, key[:12], key[8:20], key[-12:], quote(key, safe=""), encoded}
    forms |= {_encode_all(key[:12]), _encode_all(key[-12:])}
    places = [("output", output) for output in outputs] + list(list_written(folder))
    for place, content in places:
        shown = [form for form in forms if form.encode() in content]
        assert not shown, f"{shown} in {place}: {content[:2000]!r}"


def run(model, environment, folder, *options):
    """The command, whose run and log are in the folder."""
    log = ("--log-json", folder / "log.jsonl")
    return extractor(
        *QUICK, "--model", model, "--out", folder / "run", *log, *options, **environment
    )


@pytest.mark.parametrize(
    ("model", "key"),
    [
        ("anthropic/claude-haiku-4-5", KEY),
        ("google/gemini-2.5-flash", KEY),
        ("openai/gpt-4o-mini", SYMBOLS),
        ("server", WORDS),
    ],
)
def test_a_key_that_a_gateway_repeats_is_in_no_output_file_or_store(
    model, key, tmp_path
):
    encoded = _encode_all(key)
    said = f"the key {key} may not use this, see key={key}&x=1&y={encoded}"
    with answering(said) as gateway:
        ended = run(*use(model, gateway.url, key), tmp_path)
    assert key in str(gateway.headers)
    assert ended.returncode == LATER
    assert b"the key *** may not use this" in ended.stderr
    assert_masked(key, tmp_path, ended.stdout, ended.stderr)


def _encode_all(text: str) -> str:
    return "".join(f"%{ord(character):02x}" for character in text)


FORMS = {
    "in quotes": lambda key: f"“{key}”, '{key}', b'{key}\\n'",
    "after a line break": lambda key: f"one\n{key}\r\ntwo",
    "for an address": lambda key: f"https://b.test/?key={quote(key, safe='')}&v=1",
    "all encoded": lambda key: f"?key={_encode_all(key)} {_encode_all(key[:14])}",
    "half encoded": lambda key: f"?key={key[:7]}{_encode_all(key[7:])}&v=1",
    "as basic auth": lambda key: f"Basic {b64encode(f'user:{key}'.encode()).decode()}",
    "in Base64": lambda key: b64encode(f"Bearer {key}".encode()).decode(),
    "in JSON": lambda key: "".join(f"\\u{ord(each):04x}" for each in key),
    "in HTML": lambda key: "".join(f"&#{ord(each)};" for each in key),
    "encoded twice": lambda key: quote(_encode_all(key)),
    "cut at its end": lambda key: f"unknown key {key[:16]}",
    "cut at its beginning": lambda key: f"unknown key ...{key[-16:]}",
    "cut at both": lambda key: f"unknown key ({key[5:19]})",
    "with stars": lambda key: f"unknown key {key[:6]}******{key[-6:]}",
    "behind a long text": lambda key: f"{'no ' * 95}{key}",
    "as an answer": lambda key: f"my key is {key}",
}


@pytest.mark.parametrize("status", [200, 401])
@pytest.mark.parametrize("form", FORMS)
async def test_every_form_of_a_key_is_masked_in_errors_and_logs(form, status, caplog):
    with answering(FORMS[form](KEY), status) as gateway:
        spec = ModelSpec.parse(f"{gateway.url}#m", server_key=KEY)
        with pytest.raises(ModelError) as caught:
            await ask(Model(spec, policy=patient(attempts=1)), ask_about(1), render)
    shown = "".join(traceback.format_exception(caught.value)) + caplog.text

    assert KEY in str(gateway.headers)
    parts = (KEY[:6], KEY[6:18], KEY[-6:], b64encode(KEY.encode()).decode()[4:20])
    shown = unescape(unquote(unquote(re.sub(r"\\+u00", "%", shown))))
    assert not [part for part in parts if part in shown]


PROGRAMS = {
    "of an extraction": f"""
from extractor import Extractor, read_records
import logging; logging.basicConfig()
record = next(read_records({RECORD!r}))
Extractor('anthropic/claude-haiku-4-5', timeout=30, effort='full').extract(record)
""",
    "of a library": f"""
import logging, warnings
from extractor.masking import mask_standard_error
mask_standard_error()
warnings.warn('the key {KEY}')
logging.error('header %s', 'Bearer {KEY}')
raise ValueError('the key {KEY} is unknown', b'{KEY}\\n')
""",
}


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_a_traceback_a_warning_and_a_log_have_no_key(program, tmp_path):
    with answering(f"the key {KEY} is unknown", 403) as gateway:
        _, variables = use("anthropic/claude-haiku-4-5", gateway.url, KEY)
        command = [sys.executable, "-c", program]
        environment = {**os.environ, **variables}
        ended = subprocess.run(
            command, capture_output=True, check=False, env=environment
        )
    assert b"Traceback" in ended.stderr
    assert b"the key *** is unknown" in ended.stderr
    assert_masked(KEY, tmp_path, ended.stdout, ended.stderr)


@pytest.mark.parametrize("model", PROVIDERS)
async def test_a_service_that_sends_on_to_another_address_gets_no_key_and_no_record_there(
    model, monkeypatch
):
    with serve([]) as other:
        elsewhere = other.url.replace("127.0.0.1", "localhost")
        with serve([Scripted(307, "", {"Location": elsewhere})]) as moved:
            name, environment = use(model, moved.url, KEY)
            for variable, value in environment.items():
                monkeypatch.setenv(variable, value)
            asked = Model(read_model_spec(name), policy=patient(attempts=1))
            said = r"moved to http://localhost:.*; use that address"
            with pytest.raises(ModelError, match=said):
                await ask(asked, ask_about(1), render)
    assert KEY in str(moved.headers)
    assert other.headers == []


@pytest.mark.parametrize(("option", "value", "setting"), CASES["options"])
def test_a_key_of_an_option_is_masked_and_is_no_setting(
    option, value, setting, tmp_path
):
    given = value if isinstance(value, str) else json.dumps(value)
    option_given = ("--model-option", f"{option}={given}")
    with answering(f"the key {KEY} is unknown", 403) as gateway:
        ended = run(f"{gateway.url}#m", {}, tmp_path, *option_given)

    assert {one["authorization"] for one in gateway.headers} == {"Bearer none"}
    if option == "extra_headers":
        sent = {(one["x-gateway-auth"], one["x-tenant"]) for one in gateway.headers}
        assert sent == {(KEY, "oncology-4711")}
    assert b"the key *** is unknown" in ended.stderr
    manifest = tmp_path / "run" / "run.json"
    if manifest.exists():
        settings = json.loads(manifest.read_text("utf-8"))["settings"]
        assert settings["model_options"] == {option: setting}
    assert_masked(KEY, tmp_path, ended.stdout, ended.stderr)


VARIABLES = {
    variable: f"{name}/m"
    for name, provider in list_providers().items()
    for variable in filter(None, (provider.key, *provider.secrets))
} | {"EXTRACTOR_MODEL_TOKEN": "http://127.0.0.1:9/v1#m"}
"""All variables from which an SDK takes a credential, and a model of its provider."""


@pytest.mark.parametrize(("name", "model"), VARIABLES.items())
def test_the_key_in_each_variable_is_masked_and_refused_with_white_space(
    name, model, monkeypatch
):
    monkeypatch.setenv(name, KEY)
    assert mask(f"the key {KEY} is unknown") == "the key *** is unknown"

    for spoilt in ("{}\n", "{}\r", "{} ", " {}", "{}\t", "{}\u00a0", "{}\x07"):
        monkeypatch.setenv(name, spoilt.format(KEY))
        with pytest.raises(ArgumentError) as caught:
            open_client(read_model_spec(model))
        problem = f"{name}: the key contains characters that are not allowed"
        assert str(caught.value).startswith(problem)
        assert KEY not in "".join(traceback.format_exception(caught.value))
