"""Proxies, certificates and addresses in the environment: an error names the variable, and shows no
password.
"""

import pytest

from extractor.apps.fetch.client import Registry
from extractor.errors import ArgumentError
from extractor.model.sdk import open_client
from extractor.model.spec import ModelSpec
from tests.commands import extractor

HOSTED = ModelSpec.parse("http://gpu-1.test:8000/v1#m")
NETWORK = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE")
RUN = ("run", "tests/records/study.json", "--model", "gpt-4o-mini", "--effort", "all")


@pytest.fixture(autouse=True)
def _bare(monkeypatch):
    for name in NETWORK:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HTTP_PROXY", "http://me:hun#ter2@proxy:3128"),
        ("https_proxy", "me:hun/ter2@proxy:3128"),
        ("ALL_PROXY", "http://me:hunter2@proxy:port"),
        ("HTTPS_PROXY", "http://me:hunter2@proxy:3128\n"),
        ("HTTPS_PROXY", "socks5://me:hunter2@proxy:1080"),
        ("SSL_CERT_FILE", "/missing.pem"),
        ("SSL_CERT_FILE", __file__),
    ],
)
def test_proxies_and_certificates_that_cannot_be_used_are_named(
    name, value, monkeypatch
):
    monkeypatch.setenv(name, value)
    for attempt in (
        lambda: open_client(HOSTED, "TOOLS"),
        lambda: Registry().open().__enter__(),
    ):
        with pytest.raises(ArgumentError, match=f"^{name}: cannot be used") as caught:
            attempt()
        assert not [part for part in ("hun", "ter2", "\n") if part in str(caught.value)]


def test_a_server_on_this_machine_needs_no_proxy(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "socks5://proxy:port")
    assert open_client(ModelSpec.parse("http://127.0.0.1:9/v1#m"), "TOOLS")


@pytest.mark.parametrize("address", ["localhost:8000", "http://me:hun#ter2@host"])
@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("ANTHROPIC_BASE_URL", "anthropic/claude-haiku-4-5"),
        ("GOOGLE_GEMINI_BASE_URL", "google/gemini-2.5-flash"),
        ("OPENAI_BASE_URL", "openai/gpt-4o"),
    ],
)
def test_an_address_that_cannot_be_asked_is_named(name, model, address, monkeypatch):
    monkeypatch.setenv(name, address)
    with pytest.raises(ArgumentError, match=f"^{name}: this is no address of a serv"):
        open_client(ModelSpec.parse(model), "TOOLS")


@pytest.mark.parametrize(
    ("command", "name", "value"),
    [
        (RUN, "SSL_CERT_FILE", "/missing.pem"),
        (("fetch", "NCT01234567"), "ALL_PROXY", "socks5://me:hunter2@proxy:1080"),
    ],
)
def test_a_command_reports_it_in_one_line(command, name, value):
    ended = extractor(*command, OPENAI_API_KEY="a-key-of-mine", **{name: value})
    output = ended.stdout.decode() + ended.stderr.decode()
    assert ended.returncode == 2
    assert len(output.splitlines()) == 1
    assert f"{name}: " in output
    assert "hun" not in output
