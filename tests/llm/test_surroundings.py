"""Proxies, certificates and addresses in the environment: each fault is one line that names the
variable.
"""

import os
import ssl
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
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
from tests.loopback import QuietHandler

from .colours import ask_about, patient, render
from .stub import completion, items

HOSTED = ModelSpec.parse("http://gpu-1.test:8000/v1#m")
HERE = ModelSpec.parse("http://127.0.0.1:9/v1#m")
VARIABLES = (
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
)


@pytest.fixture(autouse=True)
def _bare(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


NO_ADDRESS = (
    "this is no address of a proxy; write http://HOST:PORT, and in a password %23 for #"
)
NO_SOCKS = "a SOCKS proxy needs a package that is not installed; pip install socksio"
PROXIES = {
    "http://me:hun#ter2@proxy:3128": NO_ADDRESS,
    "http://me:hun/ter2@proxy:3128": NO_ADDRESS,
    "http://me:hun?ter2@proxy:3128": NO_ADDRESS,
    "me:hun/ter2@proxy:3128": NO_ADDRESS,
    "http://me:hunter2@proxy:port": NO_ADDRESS,
    "http://me:hunter2@proxy:3128\n": NO_ADDRESS,
    "ftp://me:hunter2@proxy:3128": NO_ADDRESS,
    "socks4://me:hunter2@proxy:1080": NO_ADDRESS,
    "socks5://me:hunter2@proxy:1080": NO_SOCKS,
    "socks5h://me:hunter2@proxy:1080": NO_SOCKS,
}


@pytest.mark.parametrize("proxy", PROXIES, ids=repr)
@pytest.mark.parametrize(
    "name", ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "https_proxy", "all_proxy"]
)
def test_a_proxy_that_cannot_be_used_is_named_and_its_password_is_not_shown(
    name, proxy, monkeypatch
):
    monkeypatch.setenv(name, proxy)

    with pytest.raises(ArgumentError) as caught:
        open_client(HOSTED, "TOOLS")

    message = str(caught.value)
    assert message.startswith(f"{name}: ")
    assert PROXIES[proxy] in message
    assert "hun" not in message
    assert "ter2" not in message
    assert "\n" not in message


@pytest.mark.parametrize(
    "proxy",
    [
        "http://proxy:3128",
        "proxy:3128",
        "http://me:p%23w%2Fx@proxy:3128/",
        "https://proxy",
        "http://[::1]:8080",
    ],
)
def test_a_usable_proxy_is_taken(proxy, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    monkeypatch.setenv(
        "no_proxy",
        "localhost,127.0.0.1,::1,[::1]:80,.corp.test,*.lab.test,10.0.0.0/8,host:80",
    )

    assert open_client(HOSTED, "TOOLS")


def test_a_wrong_proxy_is_not_asked_for_a_server_of_this_machine(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "socks5://proxy:port")

    assert open_client(HERE, "TOOLS")


def test_a_wrong_proxy_is_not_asked_if_no_proxy_has_all_servers(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "socks5://proxy:port")
    monkeypatch.setenv("NO_PROXY", "*")

    assert open_client(HOSTED, "TOOLS")


def test_of_two_spellings_the_one_in_lower_case_counts(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "socks5://proxy:port")
    monkeypatch.setenv("https_proxy", "http://proxy:3128")

    assert open_client(HOSTED, "TOOLS")


@pytest.mark.parametrize("spec", [HOSTED, HERE], ids=["hosted", "here"])
@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("SSL_CERT_FILE", "missing.pem"),
        ("SSL_CERT_FILE", "empty.pem"),
        ("SSL_CERT_FILE", ""),
        ("SSL_CERT_DIR", "missing.pem"),
    ],
)
def test_certificates_that_cannot_be_read_are_named(
    name, path, spec, tmp_path, monkeypatch
):
    (tmp_path / "empty.pem").write_text("no certificate")
    certificates = tmp_path / path
    monkeypatch.setenv(name, str(certificates))

    with pytest.raises(
        ArgumentError, match=f"^{name}: .*{certificates.name}.*unset it$"
    ):
        open_client(spec, "TOOLS")


@pytest.mark.parametrize(
    ("name", "value"),
    [("HTTPS_PROXY", "http://me:hun#ter2@proxy"), ("SSL_CERT_FILE", "/missing.pem")],
)
def test_the_registry_checks_the_same(name, value, monkeypatch):
    monkeypatch.setenv(name, value)

    with pytest.raises(ArgumentError, match=f"^{name}: "), Registry().open():
        raise AssertionError("it must not open")


@pytest.mark.parametrize(
    "address", ["localhost:8000", "http://host:port/v1", "http://", "ftp://host/v1"]
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
    with pytest.raises(
        ArgumentError, match=f"^{name}: this is no address of a service"
    ):
        open_client(
            ModelSpec.parse(model, base_url=os.environ.get("OPENAI_BASE_URL")), "TOOLS"
        )


COMMANDS = {
    "run": (
        "run",
        "tests/records/study.json",
        "--model",
        "gpt-4o-mini",
        "--effort",
        "all",
    ),
    "fetch": ("fetch", "NCT01234567"),
    "doctor": ("doctor", "--model", "gpt-4o-mini"),
}


@pytest.mark.parametrize(
    ("command", "name", "value"),
    [
        ("run", "SSL_CERT_FILE", "/missing.pem"),
        ("run", "HTTPS_PROXY", "http://me:hun#ter2@proxy:3128"),
        ("fetch", "ALL_PROXY", "socks5://me:hunter2@proxy:1080"),
        ("doctor", "HTTP_PROXY", "http://me:hunter2@proxy:port"),
    ],
)
def test_a_command_says_so_in_one_line(command, name, value):
    ended = extractor(
        *COMMANDS[command], OPENAI_API_KEY="a-key-of-mine", **{name: value}
    )
    said = ended.stdout.decode() + ended.stderr.decode()
    line = next(line for line in said.splitlines() if f"{name}: " in line)

    assert ended.returncode == (1 if command == "doctor" else 2)
    assert "Traceback" not in said
    assert "standard output" not in said
    assert "hun" not in said
    assert command == "doctor" or said.splitlines() == [line]


@contextmanager
def serve_tls(folder):
    """A chat server on this machine with a certificate that an authority of our own signed, in
    ``folder``.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a model of ours")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "ours.pem").write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
    )
    form = (
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (folder / "key.pem").write_bytes(key.private_bytes(*form))

    class Handler(QuietHandler, BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            body = completion(items({"n": 1, "colour": "red"})).body.encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *_: (
        None
    )  # a client that does not trust the certificate
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "ours.pem", folder / "key.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"https://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


async def test_certificates_of_our_own_count_on_this_machine_too(tmp_path, monkeypatch):
    with serve_tls(tmp_path) as url:
        spec = ModelSpec.parse(f"{url}#m")
        with pytest.raises(
            ModelUnavailable, match="name that one's file in SSL_CERT_FILE"
        ):
            await ask(Model(spec, policy=patient(attempts=1)), ask_about(1), render)
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ours.pem"))
        reply = await ask(Model(spec, policy=patient(attempts=1)), ask_about(1), render)
    assert [item.n for item in reply.items] == [1]
