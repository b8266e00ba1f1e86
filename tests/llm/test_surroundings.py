"""Proxies, certificates and addresses in the environment: an error names the variable, and shows no
password.
"""

import ssl
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from extractor.apps.fetch.client import Registry
from extractor.errors import ArgumentError, ModelUnavailable
from extractor.model.asking.querying import ask
from extractor.model.client import Model
from extractor.model.sdk import open_client
from extractor.model.spec import ModelSpec
from tests.commands import extractor
from tests.loopback import QuietHandler, run_server

from .colours import ask_about, patient, render
from .stub import completion, items

HOSTED = ModelSpec.parse("http://gpu-1.test:8000/v1#m")
HERE = ModelSpec.parse("http://127.0.0.1:9/v1#m")
NETWORK = (
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
)
NO_SERVICE = "this is no address of a service; write https://HOST:PORT/PATH"


@pytest.fixture(autouse=True)
def _bare(monkeypatch):
    for name in NETWORK:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HTTP_PROXY", "http://me:hun#ter2@proxy:3128"),
        ("HTTPS_PROXY", "http://me:hun/ter2@proxy:3128"),
        ("ALL_PROXY", "http://me:hun?ter2@proxy:3128"),
        ("https_proxy", "me:hun/ter2@proxy:3128"),
        ("all_proxy", "http://me:hunter2@proxy:port"),
        ("HTTPS_PROXY", "http://me:hunter2@proxy:3128\n"),
        ("HTTPS_PROXY", "ftp://me:hunter2@proxy:3128"),
        ("HTTPS_PROXY", "socks5://me:hunter2@proxy:1080"),
        ("SSL_CERT_FILE", "/missing.pem"),
        ("SSL_CERT_FILE", __file__),
        ("SSL_CERT_FILE", "/tmp"),
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
        with pytest.raises(ArgumentError) as caught:
            attempt()
        message = str(caught.value)
        assert message.startswith(f"{name}: cannot be used (")
        assert not [part for part in ("hun", "ter2", "\n") if part in message]


@pytest.mark.parametrize(
    "proxy", ["http://proxy:3128", "proxy:3128", "http://me:p%23w%2Fx@proxy/"]
)
def test_a_usable_proxy_is_taken(proxy, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    monkeypatch.setenv(
        "no_proxy", "localhost,::1,[::1]:80,.corp.test,*.lab.test,10.0.0.0/8"
    )

    assert open_client(HOSTED, "TOOLS")


@pytest.mark.parametrize(("spec", "without"), [(HERE, ""), (HOSTED, "*")])
def test_a_proxy_that_is_not_asked_need_not_be_right(spec, without, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "socks5://proxy:port")
    monkeypatch.setenv("NO_PROXY", without)

    assert open_client(spec, "TOOLS")


@pytest.mark.parametrize(
    "address", ["localhost:8000", "http://me:hun#ter2@host", "http://", "ftp://host/v1"]
)
@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("ANTHROPIC_BASE_URL", "anthropic/claude-haiku-4-5"),
        ("GOOGLE_GEMINI_BASE_URL", "google/gemini-2.5-flash"),
        ("AZURE_OPENAI_ENDPOINT", "azure_openai/gpt-4o"),
        ("OPENAI_BASE_URL", "openai/gpt-4o"),
    ],
)
def test_an_address_that_cannot_be_asked_is_named(name, model, address, monkeypatch):
    monkeypatch.setenv(name, address)
    for spec in (ModelSpec.parse(model), ModelSpec.parse(model, base_url=address)):
        with pytest.raises(ArgumentError, match=f"^{name}: {NO_SERVICE}$"):
            open_client(spec, "TOOLS")


RUN = ("run", "tests/records/study.json", "--model", "gpt-4o-mini", "--effort", "all")


@pytest.mark.parametrize(
    ("command", "code", "name", "value"),
    [
        (RUN, 2, "SSL_CERT_FILE", "/missing.pem"),
        (RUN, 2, "HTTPS_PROXY", "http://me:hun#ter2@proxy:3128"),
        (("fetch", "NCT01234567"), 2, "ALL_PROXY", "socks5://me:hunter2@proxy:1080"),
        (
            ("doctor", "--model", "gpt-4o-mini"),
            1,
            "HTTP_PROXY",
            "http://me:hunter2@proxy:port",
        ),
    ],
)
def test_a_command_reports_it_in_one_line(command, code, name, value):
    ended = extractor(*command, OPENAI_API_KEY="a-key-of-mine", **{name: value})

    output = ended.stdout.decode() + ended.stderr.decode()
    assert ended.returncode == code
    assert [line for line in output.splitlines() if f"{name}: " in line]
    assert code == 1 or len(output.splitlines()) == 1
    assert not [part for part in ("Traceback", "hun") if part in output]


def sign(folder):
    """Write a certificate for this machine that an authority of our own signed, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a model of ours")])
    here = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    now, day = datetime.now(UTC), timedelta(days=1)
    draft = x509.CertificateBuilder(
        name, name, key.public_key(), 7, now - day, now + day
    )
    draft = draft.add_extension(here, critical=False)
    draft = draft.add_extension(
        x509.BasicConstraints(ca=True, path_length=0), critical=True
    )
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    (folder / "ours.pem").write_bytes(
        draft.sign(key, hashes.SHA256()).public_bytes(pem)
    )
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
    (folder / "key.pem").write_bytes(private)


async def test_certificates_of_our_own_count_on_this_machine_too(tmp_path, monkeypatch):
    sign(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "ours.pem", tmp_path / "key.pem")

    class Handler(QuietHandler, BaseHTTPRequestHandler):
        def setup(self):
            try:
                self.request = context.wrap_socket(self.request, server_side=True)
            except ssl.SSLError as error:  # the client does not trust the certificate
                raise ConnectionError from error
            super().setup()

        def finish(self):
            super().finish()
            self.request.close()

        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            body = completion(items({"n": 1, "colour": "red"})).body.encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with run_server(Handler) as url:
        spec = ModelSpec.parse(f"{url.replace('http:', 'https:')}/v1#m")
        with pytest.raises(
            ModelUnavailable, match="name that one's file in SSL_CERT_FILE"
        ):
            await ask(Model(spec, policy=patient(attempts=1)), ask_about(1), render)
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ours.pem"))
        reply = await ask(Model(spec, policy=patient(attempts=1)), ask_about(1), render)
    assert [item.n for item in reply.items] == [1]
