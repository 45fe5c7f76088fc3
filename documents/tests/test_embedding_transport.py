"""A request ends in its time whatever the endpoint does, takes little memory and can be stopped."""

import socket
import ssl
import struct
import threading
import time
import tracemalloc
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from documents import spaces
from documents.embeddings import endpoint as embedding_endpoint
from documents.exceptions import EmbeddingInvalid, EmbeddingUnavailable
from documents.tests.embedding_server import EmbeddingServer
from tasks.exceptions import Fenced

SECONDS = 1.5
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def never():
    return False


def ask(should_stop=never):
    return embedding_endpoint.request(
        spaces.of_settings(), "m", ["one"], seconds=SECONDS, should_stop=should_stop
    )


@pytest.fixture
def over():
    """Set when the test is over: lets a hanging server go."""
    over = threading.Event()
    yield over
    over.set()


def drip(handler, what, over):
    """One byte of `what` after another, for ever."""
    while not over.wait(0.05):
        handler.wfile.write(what)


def hang(over):
    return lambda handler: over.wait(30)


def drip_body(over):
    def speak(handler):
        handler.wfile.write(HEAD + b"Content-Length: 100000\r\n\r\n")
        drip(handler, b" ", over)

    return speak


def drip_head(over):
    def speak(handler):
        handler.wfile.write(HEAD + b"X-Long: ")
        drip(handler, b"x", over)

    return speak


def drip_chunks(over):
    def speak(handler):
        handler.wfile.write(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        drip(handler, b"1\r\n \r\n", over)

    return speak


@pytest.mark.parametrize("silence", [hang, drip_body, drip_head, drip_chunks])
def test_an_answer_that_does_not_end_is_given_up_in_time(embedder, over, silence):
    embedder.misbehave = lambda request: silence(over)
    began = time.monotonic()
    with pytest.raises(EmbeddingUnavailable):
        ask()
    assert SECONDS <= time.monotonic() - began < SECONDS + 2


@pytest.mark.parametrize("silence", [hang, drip_body])
def test_a_stop_is_seen_while_an_answer_is_awaited(embedder, over, silence, monkeypatch):
    monkeypatch.setattr("documents.tests.test_embedding_transport.SECONDS", 60)
    stop = threading.Event()

    def misbehave(request):
        stop.set()
        return silence(over)

    embedder.misbehave = misbehave
    began = time.monotonic()
    with pytest.raises(Fenced):
        ask(stop.is_set)
    assert time.monotonic() - began < 5


def truncated(handler):
    handler.wfile.write(HEAD + b'Content-Length: 1000\r\n\r\n{"object": "list", "da')


def torn(handler):
    handler.wfile.write(HEAD + b'Content-Length: 1000\r\n\r\n{"object"')
    handler.wfile.flush()
    # Closing with a linger of zero sends a reset.
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()


def nothing(handler):
    return None


def gibberish(handler):
    handler.wfile.write(b"\x00\x01 not HTTP at all\r\n\r\n")


@pytest.mark.parametrize("speak", [truncated, torn, nothing, gibberish])
def test_a_broken_answer_counts_as_no_answer(embedder, speak):
    embedder.misbehave = lambda request: speak
    with pytest.raises(EmbeddingUnavailable):
        ask()
    embedder.misbehave = lambda request: None
    assert len(ask()) == 1


@pytest.mark.parametrize(
    "framing", [b"Content-Length: 4000000000\r\n\r\n", b"\r\n"], ids=["length", "until closed"]
)
@pytest.mark.parametrize("status", [b"200 OK", b"400 Bad Request"])
def test_an_endless_answer_takes_little_memory(embedder, over, framing, status):
    def speak(handler):
        handler.wfile.write(
            b"HTTP/1.1 " + status + b"\r\nContent-Type: application/json\r\n" + framing
        )
        while not over.is_set():
            handler.wfile.write(b" " * 65_536)

    embedder.misbehave = lambda request: speak
    tracemalloc.start()
    with pytest.raises(EmbeddingInvalid):
        ask()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 5_000_000


def test_a_closed_port_is_no_answer(settings):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        settings.EMBEDDING_BASE_URL = f"http://127.0.0.1:{port}/v1"
        with pytest.raises(EmbeddingUnavailable):
            ask()


@pytest.fixture
def client_for(settings, monkeypatch):
    """Make the client anew, for another address and environment."""
    made, make_client = [], embedding_endpoint.client.__wrapped__

    def make(url, **environment):
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        client = make_client(url, "")
        made.append(client)
        monkeypatch.setattr(embedding_endpoint, "client", lambda *_: client)
        settings.EMBEDDING_BASE_URL = url

    yield make
    for client in made:
        client.close()


def certificate(path):
    """A key and a certificate of its own for 127.0.0.1, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    address = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(address, critical=False)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(secret + made.public_bytes(Encoding.PEM))
    return str(path)


@pytest.fixture
def over_tls(tmp_path, client_for):
    file = certificate(tmp_path / "test.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    with EmbeddingServer() as server:
        server._server.socket = context.wrap_socket(server._server.socket, server_side=True)
        client_for(server.url.replace("http", "https"), SSL_CERT_FILE=file)
        yield server


@pytest.fixture
def over_proxy(embedder, client_for):
    """The stand-in is the proxy and answers for a host that does not exist."""
    client_for("http://embeddings.invalid/v1", HTTP_PROXY=embedder.url)
    return embedder


@pytest.mark.parametrize("way", ["over_tls", "over_proxy"])
def test_tls_and_proxies_keep_to_the_same_limits(way, request, over):
    server = request.getfixturevalue(way)
    assert len(ask()) == 1
    server.misbehave = lambda _: drip_chunks(over)
    began = time.monotonic()
    with pytest.raises(EmbeddingUnavailable):
        ask()
    assert SECONDS <= time.monotonic() - began < SECONDS + 2
    server.misbehave = lambda _: None
    assert len(ask()) == 1


def test_a_certificate_that_is_not_trusted_is_no_answer(
    over_tls, client_for, settings, monkeypatch
):
    monkeypatch.delenv("SSL_CERT_FILE")
    client_for(settings.EMBEDDING_BASE_URL)
    with pytest.raises(EmbeddingUnavailable):
        ask()
    assert over_tls.requests == 0
