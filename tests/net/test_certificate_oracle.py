"""leveret.net.certificate against RabbitMQ: users have these names, so they must be the same."""

import datetime
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import serialization as serial
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from tests.certificates import Certificates, TlsWire
from tests.oracle import Oracle, free_port, missing

from leveret.net.certificate import tell
from leveret.session import TlsFacts

pytestmark = pytest.mark.oracle

KINDS = [
    *(NameOID.SURNAME, NameOID.GIVEN_NAME, NameOID.INITIALS, NameOID.GENERATION_QUALIFIER),
    *(NameOID.LOCALITY_NAME, NameOID.STATE_OR_PROVINCE_NAME, NameOID.ORGANIZATION_NAME),
    *(NameOID.ORGANIZATIONAL_UNIT_NAME, NameOID.TITLE, NameOID.SERIAL_NUMBER),
    *(NameOID.PSEUDONYM, NameOID.DOMAIN_COMPONENT, NameOID.EMAIL_ADDRESS),
    *(NameOID.STREET_ADDRESS, NameOID.USER_ID, x509.ObjectIdentifier("2.5.4.97")),
]
VALUES = ["client", "a,b+c", ' #"<>;\\=~x ', "Häse€", "a\nb\x7f", "#", " "]


def common(value: str, kind: _ASN1Type | None = None) -> x509.NameAttribute[str]:
    return x509.NameAttribute(NameOID.COMMON_NAME, value, kind, _validate=False)


def names() -> Iterator[x509.Name]:
    for value in VALUES:
        yield x509.Name([common(value)])
    for kind in (_ASN1Type.BMPString, _ASN1Type.UniversalString, _ASN1Type.PrintableString):
        yield x509.Name([common("wide", kind)])
    every = [x509.NameAttribute(kind, "x", _validate=False) for kind in KINDS]
    yield x509.Name([*every, x509.NameAttribute(NameOID.COUNTRY_NAME, "DE"), common("a")])
    yield x509.Name([common("a"), common("b")])
    user = x509.NameAttribute(NameOID.USER_ID, "7")
    yield x509.Name([x509.RelativeDistinguishedName([common("a"), user])])


def issue(certificates: Certificates, name: x509.Name, path: Path) -> bytes:
    """Write a client's certificate and key into the file; returns the certificate's DER."""
    authority = x509.load_pem_x509_certificate(certificates.ca.cert_pem.bytes())
    authority_key = serial.load_pem_private_key(certificates.ca.private_key_pem.bytes(), None)
    assert isinstance(authority_key, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        x509.CertificateBuilder(
            issuer_name=authority.subject,
            subject_name=name,
            public_key=key.public_key(),
            serial_number=x509.random_serial_number(),
            not_valid_before=datetime.datetime(2025, 1, 2, 3, 4, 5),
            not_valid_after=datetime.datetime(2049, 6, 7, 8, 9, 10),
        )
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    path.write_bytes(
        certificate.public_bytes(serial.Encoding.PEM)
        + key.private_bytes(serial.Encoding.PEM, serial.PrivateFormat.PKCS8, serial.NoEncryption())
    )
    return certificate.public_bytes(serial.Encoding.DER)


def test_certificates_are_told_as_rabbitmq_tells_them(tmp_path: Path) -> None:
    if (reason := missing()) is not None:
        pytest.skip(reason)
    certificates, port = Certificates(tmp_path), free_port()
    settings = (
        f"listeners.ssl.1 = 127.0.0.1:{port}",
        f"ssl_options.cacertfile = {certificates.ca_file}",
        f"ssl_options.certfile = {certificates.cert}",
        f"ssl_options.keyfile = {certificates.key}",
        "ssl_options.verify = verify_peer",
        "ssl_options.fail_if_no_peer_cert = true",
    )
    ours: dict[str, list[str]] = {}
    wires = []
    with Oracle(settings=settings) as oracle:
        for number, name in enumerate(names()):
            path = tmp_path / f"{number}.pem"
            facts = TlsFacts("", "")
            tell(facts, issue(certificates, name, path))
            context = certificates.context()
            context.load_cert_chain(str(path))
            wires.append(TlsWire(port, context))
            wires[-1].open()
            key = str(wires[-1].socket.getsockname()[1])
            ours[key] = [facts.validity, facts.issuer, facts.subject]
        fields = ["peer_port", "peer_cert_validity", "peer_cert_issuer", "peer_cert_subject"]
        listed = oracle.ctl("list_connections", *fields, "--no-table-headers")
        for wire in wires:
            wire.drop()
    theirs = {line.split("\t")[0]: line.split("\t")[1:] for line in listed.splitlines()}
    assert ours == theirs
