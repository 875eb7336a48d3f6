"""leveret.net.certificate: against what Python's cryptography puts into certificates."""

import datetime
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from leveret.net.certificate import tell
from leveret.session import TlsFacts

KEY = ec.generate_private_key(ec.SECP256R1())
DAY = datetime.datetime(2026, 1, 2, 3, 4, 5)


def made(name: x509.Name, *alternatives: x509.GeneralName) -> bytes:
    """The DER of a certificate with this name."""
    builder = x509.CertificateBuilder(
        issuer_name=x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "the CA")]),
        subject_name=name,
        public_key=KEY.public_key(),
        serial_number=7,
        not_valid_before=DAY,
        not_valid_after=DAY.replace(year=2052),
    ).add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    if alternatives:
        builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
    return builder.sign(KEY, hashes.SHA256()).public_bytes(Encoding.DER)


def facts_of(der: bytes) -> TlsFacts:
    facts = TlsFacts("TLSv1.3", "TLS_AES_256_GCM_SHA384")
    tell(facts, der)
    return facts


def named(*pairs: tuple[x509.ObjectIdentifier, str]) -> x509.Name:
    return x509.Name([x509.NameAttribute(kind, value, _validate=False) for kind, value in pairs])


def test_the_last_name_comes_first() -> None:
    facts = facts_of(
        made(
            named(
                (NameOID.COUNTRY_NAME, "DE"),
                (NameOID.ORGANIZATION_NAME, "Example"),
                (NameOID.ORGANIZATIONAL_UNIT_NAME, "Mail"),
                (NameOID.COMMON_NAME, "client"),
            )
        )
    )
    assert facts.is_verified
    assert facts.subject == "CN=client,OU=Mail,O=Example,C=DE"
    assert facts.issuer == "CN=the CA"
    assert facts.common_name == "client"
    assert facts.validity == "2026-01-02T03:04:05Z - 2052-01-02T03:04:05Z"
    assert facts.alternative_names == []


@pytest.mark.parametrize(
    ("value", "spelt"),
    [
        ("a,b", r"a\,b"),
        (" a b ", r"\ a b\ "),
        ("#a#", r"\#a#"),
        ('"+,;<>\\=', r"\"\+\,\;\<\>\\="),
        ("a\nb~c", r"a\0Ab\7Ec"),
        ("Häse", r"H\C3\A4se"),
        (" ", r"\ "),
    ],
)
def test_what_is_special_is_escaped(value: str, spelt: str) -> None:
    assert facts_of(made(named((NameOID.COMMON_NAME, value)))).subject == f"CN={spelt}"


def test_an_unknown_kind_of_name_is_shown_by_its_numbers() -> None:
    name = named((x509.ObjectIdentifier("2.5.4.97"), "x"), (NameOID.DOMAIN_COMPONENT, "org"))
    assert facts_of(made(name)).subject == "DC=org,2.5.4.97=x"


def test_names_may_be_of_several_parts() -> None:
    relative = x509.RelativeDistinguishedName(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, "a"),
            x509.NameAttribute(NameOID.USER_ID, "7"),
        ]
    )
    subject = facts_of(made(x509.Name([relative]))).subject
    assert sorted(subject.split("+")) == ["CN=a", "UID=7"]


def test_several_common_names_are_joined() -> None:
    name = named((NameOID.COMMON_NAME, "a"), (NameOID.COMMON_NAME, "b"))
    assert facts_of(made(name)).common_name == "a,b"


@pytest.mark.parametrize("kind", [_ASN1Type.BMPString, _ASN1Type.UniversalString])
def test_wide_strings_are_read(kind: _ASN1Type) -> None:
    encoding = "utf_16_be" if kind == _ASN1Type.BMPString else "utf_32_be"
    attribute = x509.NameAttribute(NameOID.COMMON_NAME, "Häse", kind)
    der = made(x509.Name([attribute]))
    assert "Häse".encode(encoding) in der
    assert facts_of(der).common_name == "Häse"


def test_other_names_are_told_with_their_kinds() -> None:
    other = x509.OtherName(x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2.3"), b"\x0c\x05a@b.c")
    facts = facts_of(
        made(
            named((NameOID.COMMON_NAME, "client")),
            x509.DNSName("client.example"),
            x509.IPAddress(ip_address("192.0.2.7")),
            x509.IPAddress(ip_address("2001:db8::7")),
            x509.RFC822Name("client@example"),
            x509.UniformResourceIdentifier("urn:client"),
            x509.DirectoryName(named((NameOID.COMMON_NAME, "left out"))),
            other,
        )
    )
    assert facts.alternative_names == [
        ("dns", "client.example"),
        ("ip", "192.0.2.7"),
        ("ip", "2001:db8::7"),
        ("email", "client@example"),
        ("uri", "urn:client"),
        ("other_name", "a@b.c"),
    ]


def test_a_certificate_without_a_name_has_none() -> None:
    facts = facts_of(made(x509.Name([]), x509.DNSName("client.example")))
    assert facts.is_verified
    assert (facts.subject, facts.common_name) == ("", "")


WHOLE = made(named((NameOID.COMMON_NAME, "client")), x509.DNSName("client.example"))


@given(st.integers(0, len(WHOLE) - 1), st.binary(max_size=3))
def test_no_damage_makes_it_raise(at: int, octets: bytes) -> None:
    facts_of(WHOLE[:at] + octets + WHOLE[at + 1 :])


@given(st.binary(max_size=200))
def test_what_is_no_certificate_says_nothing(octets: bytes) -> None:
    facts = facts_of(octets)
    assert (facts.is_verified, facts.subject) == (False, "")
