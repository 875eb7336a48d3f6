"""leveret.net.tls"""

import ssl
from pathlib import Path

import pytest
from tests.certificates import Certificates

from leveret.config.faults import ConfigError
from leveret.config.settings import Settings
from leveret.net.tls import ServerTls, server_context


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    return Certificates(tmp_path)


def refused(settings: dict[str, object]) -> str:
    with pytest.raises(ConfigError) as caught:
        server_context(Settings(**settings))
    assert caught.value.origin == "argument"
    return str(caught.value)


def test_the_defaults_are_todays(certificates: Certificates) -> None:
    context = server_context(Settings(**certificates.settings))
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert context.maximum_version == ssl.TLSVersion.TLSv1_3
    assert context.verify_mode == ssl.CERT_NONE
    assert context.options & ssl.OP_NO_RENEGOTIATION


@pytest.mark.parametrize(
    ("versions", "least", "most"),
    [
        (["tlsv1.3"], ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_3),
        (["tlsv1.2"], ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2),
        (["tlsv1.3", "tlsv1.2"], ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3),
    ],
)
def test_the_versions_are_those_named(
    certificates: Certificates, versions: list[str], least: int, most: int
) -> None:
    context = server_context(Settings(**certificates.settings, tls_versions=versions))
    assert (context.minimum_version, context.maximum_version) == (least, most)


def test_clients_may_or_must_have_a_certificate(certificates: Certificates) -> None:
    assert server_context(Settings(**certificates.mutual)).verify_mode == ssl.CERT_REQUIRED
    may = certificates.mutual | {"tls_fail_if_no_peer_cert": False}
    assert server_context(Settings(**may)).verify_mode == ssl.CERT_OPTIONAL


def test_ciphers_are_those_named(certificates: Certificates) -> None:
    one = "ECDHE-ECDSA-AES256-GCM-SHA384"
    names = [one, "TLS_AES_256_GCM_SHA384"]
    context = server_context(Settings(**certificates.settings, tls_ciphers=names))
    old = [each["name"] for each in context.get_ciphers() if each["protocol"] != "TLSv1.3"]
    assert old == [one]


def test_key_and_certificate_may_be_in_one_file_and_the_key_encrypted(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives import serialization

    certificates = Certificates(tmp_path)
    key = serialization.load_pem_private_key(Path(certificates.key).read_bytes(), None)
    both = tmp_path / "both.pem"
    both.write_bytes(
        Path(certificates.cert).read_bytes()
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"carrot"),
        )
    )
    settings: dict[str, object] = {"tls_certfile": str(both)}
    server_context(Settings(**settings, tls_password="carrot"))
    for wrong in ({}, {"tls_password": "turnip"}):
        assert refused(settings | wrong) == (
            f"tls_certfile = '{both}' (argument) cannot be decrypted; set tls_password to the"
            " key's password."
        )


@pytest.mark.parametrize("name", ["tls_certfile", "tls_keyfile", "tls_cacertfile"])
def test_a_file_that_is_not_there_is_named(certificates: Certificates, name: str) -> None:
    assert refused(certificates.mutual | {name: "/nowhere/x.pem"}) == (
        f"{name} = '/nowhere/x.pem' (argument) cannot be read: No such file or directory;"
        " check the path and who may read it."
    )


@pytest.mark.parametrize("name", ["tls_certfile", "tls_keyfile", "tls_cacertfile"])
@pytest.mark.parametrize("octets", [b"", b"hello", b"-----BEGIN CERTIFICATE-----\nhello\n"])
def test_a_file_of_something_else_is_named(
    certificates: Certificates, tmp_path: Path, name: str, octets: bytes
) -> None:
    path = tmp_path / "other"
    path.write_bytes(octets)
    text = refused(certificates.mutual | {name: str(path)})
    assert text.startswith(f"{name} = '{path}' (argument) ")
    assert "PEM" in text


def test_the_key_of_another_certificate_is_told(certificates: Certificates) -> None:
    text = refused(certificates.settings | {"tls_keyfile": certificates.client_key})
    assert "is not the key of tls_certfile; name the key it was made with." in text


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (
            {"tls_certfile": ""},
            "tls_certfile = '' (argument) is needed for TLS; name a PEM file with a certificate.",
        ),
        (
            {"tls_cacertfile": ""},
            "tls_verify = 'peer' (argument) needs the certificates of those who sign clients'"
            " certificates; name a PEM file with them in tls_cacertfile.",
        ),
        (
            {"tls_verify": "none"},
            "tls_fail_if_no_peer_cert = true (argument) asks for what nobody looks at; set"
            " tls_verify = 'peer', too.",
        ),
        (
            {"tls_versions": []},
            "tls_versions = [] (argument) names no version; name tlsv1.2, tlsv1.3 or both.",
        ),
        (
            {"tls_ciphers": ["ROT13"]},
            "tls_ciphers = ['ROT13'] (argument) names no suite that OpenSSL has;"
            " 'openssl ciphers' lists them.",
        ),
    ],
)
def test_what_does_not_go_together_is_told(
    certificates: Certificates, wrong: dict[str, object], sentence: str
) -> None:
    assert refused(certificates.mutual | wrong) == sentence


def test_reading_anew_makes_another_context_and_keeps_the_old_one_if_the_files_are_bad(
    certificates: Certificates,
) -> None:
    tls = ServerTls(Settings(**certificates.settings))
    first = tls.context
    tls.reload()
    second = tls.context
    assert second is not first
    Path(certificates.key).write_text("half a file")
    with pytest.raises(ConfigError):
        tls.reload()
    assert tls.context is second
