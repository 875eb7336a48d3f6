"""leveret.net.seal: against a client of Python's own, with the octets carried by hand."""

import ssl
from pathlib import Path
from typing import Any

import pytest
from tests.certificates import Certificates

from leveret.config.settings import Settings
from leveret.net.seal import Landing, Seal
from leveret.net.tls import ServerTls


class Client:
    """The other end."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname="localhost")

    def handshake(self) -> None:
        try:
            self.tls.do_handshake()
        except ssl.SSLWantReadError:
            pass

    def read(self, octets: bytes) -> bytes:
        self.incoming.write(octets)
        read = b""
        try:
            while chunk := self.tls.read(1 << 20):
                read += chunk
        except ssl.SSLWantReadError:
            pass
        return read

    def write(self, octets: bytes) -> bytes:
        at = 0
        while at < len(octets):
            at += self.tls.write(octets[at:])
        return self.outgoing.read()


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    return Certificates(tmp_path)


def seal_of(settings: dict[str, object]) -> Seal:
    return Seal(ServerTls(Settings(**settings)), Landing())


def greet(seal: Seal, client: Client) -> None:
    """Carry octets to and fro until both have nothing to say."""
    client.handshake()
    while octets := client.outgoing.read():
        seal.handshake(octets)
        client.incoming.write(seal.take_output())
        if seal.is_open or seal.is_over:
            break
        client.handshake()


def opened(certificates: Certificates, **more: object) -> tuple[Seal, Client]:
    seal = seal_of(certificates.settings | more)
    client = Client(certificates.context())
    greet(seal, client)
    assert seal.is_open and not seal.is_over
    return seal, client


@pytest.mark.parametrize("versions", [["tlsv1.2"], ["tlsv1.3"]])
@pytest.mark.parametrize("size", [0, 1, 16384, 16385, 250_000])
def test_octets_go_to_and_fro(certificates: Certificates, versions: list[str], size: int) -> None:
    seal, client = opened(certificates, tls_versions=versions)
    octets = bytes(range(256)) * (size // 256 + 1)
    octets = octets[:size]
    assert client.read(seal.seal([octets])) == octets
    assert client.read(seal.seal([octets, b"", octets])) == octets * 2
    assert seal.unseal(client.write(octets)) == octets
    assert not seal.is_over


@pytest.mark.parametrize("step", [1, 1000, 16384])
def test_records_may_come_in_pieces(certificates: Certificates, step: int) -> None:
    seal, client = opened(certificates)
    octets = bytes(40_000)
    sealed = client.write(octets)
    read = b"".join([seal.unseal(sealed[at : at + step]) for at in range(0, len(sealed), step)])
    assert read == octets


def test_words_that_come_with_the_end_of_the_handshake_are_not_lost(
    certificates: Certificates,
) -> None:
    seal = seal_of(certificates.settings)
    client = Client(certificates.context())
    client.handshake()
    seal.handshake(client.outgoing.read())
    client.incoming.write(seal.take_output())
    client.handshake()
    seal.handshake(client.outgoing.read() + client.write(b"early"))
    assert seal.is_open
    assert seal.unseal(b"") == b"early"


def test_both_can_say_goodbye(certificates: Certificates) -> None:
    seal, client = opened(certificates)
    assert client.read(seal.seal([b"last"]) + seal.farewell()) == b"last"
    assert seal.is_over
    assert client.tls.read(1) == b""
    seal, client = opened(certificates)
    sealed = client.write(b"last")
    with pytest.raises(ssl.SSLWantReadError):
        client.tls.unwrap()
    assert seal.unseal(sealed + client.outgoing.read()) == b"last"
    assert (seal.is_over, seal.fault) == (True, "")


def test_damage_ends_it(certificates: Certificates) -> None:
    seal, client = opened(certificates)
    sealed = bytearray(client.write(b"hello"))
    sealed[-1] ^= 1
    assert seal.unseal(client.write(b"")) == b""
    assert seal.unseal(bytes(sealed)) == b""
    assert seal.is_over
    assert seal.fault.startswith("TLS failed: ")
    assert seal.take_output()


@pytest.mark.parametrize(
    ("octets", "fault"),
    [
        (b"AMQP\0\0\x09\x01", "it speaks AMQP without TLS to a port for TLS"),
        (b"GET / HTTP/1.1\r\n", "it speaks HTTP without TLS to a port for AMQP over TLS"),
        (b"hello world", "the TLS handshake failed: wrong version number"),
        (b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00", "the TLS handshake failed: "),
    ],
)
def test_what_is_no_tls_is_told(certificates: Certificates, octets: bytes, fault: str) -> None:
    seal = seal_of(certificates.settings)
    assert not seal.has_begun
    seal.handshake(octets)
    assert seal.has_begun
    assert (seal.is_open, seal.is_over) == (False, True)
    assert seal.fault.startswith(fault)


def test_a_client_that_does_not_believe_our_certificate_is_told(
    certificates: Certificates,
) -> None:
    seal = seal_of(certificates.settings)
    client = Client(ssl.create_default_context())
    client.handshake()
    seal.handshake(client.outgoing.read())
    client.incoming.write(seal.take_output())
    with pytest.raises(ssl.SSLCertVerificationError):
        client.tls.do_handshake()
    seal.handshake(client.outgoing.read())
    assert seal.fault == "the client ended the TLS handshake: tlsv1 alert unknown ca"


def test_a_client_without_a_certificate_is_not_let_in_where_it_needs_one(
    certificates: Certificates,
) -> None:
    seal = seal_of(certificates.mutual)
    greet(seal, Client(certificates.context()))
    assert seal.fault == "the TLS handshake failed: peer did not return a certificate"


def test_nor_is_one_with_a_strangers_certificate(
    certificates: Certificates, tmp_path: Path
) -> None:
    seal = seal_of(certificates.mutual)
    stranger = Certificates(tmp_path / "other")
    context = certificates.context()
    context.load_cert_chain(stranger.client_cert, stranger.client_key)
    greet(seal, Client(context))
    assert "its certificate is not accepted: unable to get local issuer" in seal.fault


def test_the_facts_tell_what_was_agreed_on_and_who_it_is(certificates: Certificates) -> None:
    seal, _ = opened(certificates, tls_versions=["tlsv1.3"])
    facts = seal.facts()
    assert (facts.protocol, facts.is_verified, facts.subject) == ("TLSv1.3", False, "")
    assert facts.cipher.startswith("TLS_")
    seal = seal_of(certificates.mutual)
    greet(seal, Client(certificates.context(with_certificate=True)))
    assert seal.is_open
    facts = seal.facts()
    assert facts.is_verified
    assert facts.common_name == "client"
    assert "CN=client" in facts.subject
    assert facts.alternative_names == [("dns", "client.example")]


@pytest.mark.parametrize(("depth", "is_let_in"), [(2, True), (1, True), (0, False)])
def test_no_more_cas_than_allowed_may_stand_between(
    certificates: Certificates, depth: int, is_let_in: bool
) -> None:
    between = certificates.ca.create_child_ca()
    leaf = between.issue_cert("client.example", common_name="deep")
    folder = certificates.folder
    path = folder / "deep.pem"
    path.write_bytes(
        leaf.private_key_pem.bytes() + b"".join([one.bytes() for one in leaf.cert_chain_pems])
    )
    context: Any = certificates.context()
    context.load_cert_chain(str(path))
    seal = seal_of(certificates.mutual | {"tls_depth": depth})
    greet(seal, Client(context))
    assert seal.is_open is is_let_in
    if not is_let_in:
        assert seal.fault == "more than tls_depth = 0 CAs are between it and the root"
