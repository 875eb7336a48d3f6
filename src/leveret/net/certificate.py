"""What a client's certificate says, read from its DER octets.  Verifies nothing, never raises.

Names are spelt as RabbitMQ spells them (RFC 4514), since people have users with those names:
the last name of the sequence comes first, and what is not printable ASCII is escaped.

::

    Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm, signature }
    tbsCertificate ::= SEQUENCE { [0] version, serialNumber, signature, issuer,
                                  validity, subject, key, …, [3] extensions }

Source: RFC 5280, section 4.1.  Behaviour: RabbitMQ, rabbit_cert_info.
"""

from ipaddress import ip_address
from typing import Final, final

from leveret.session import TlsFacts

_SEQUENCE: Final = 0x30
_OBJECT_ID: Final = 0x06
_VERSION: Final = 0xA0
_EXTENSIONS: Final = 0xA3
_ALTERNATIVE_NAMES: Final = "2.5.29.17"
_COMMON_NAME: Final = "2.5.4.3"
_UTC_TIME: Final = 0x17
_BMP_STRING: Final = 0x1E
_UNIVERSAL_STRING: Final = 0x1C
_LATIN_STRING: Final = 0x14

_SHORT: Final = {
    "2.5.4.4": "SN",
    "2.5.4.42": "GIVENNAME",
    "2.5.4.43": "INITIALS",
    "2.5.4.44": "GENERATIONQUALIFIER",
    "2.5.4.3": "CN",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
    "2.5.4.12": "TITLE",
    "2.5.4.6": "C",
    "2.5.4.5": "SERIALNUMBER",
    "2.5.4.65": "PSEUDONYM",
    "0.9.2342.19200300.100.1.25": "DC",
    "1.2.840.113549.1.9.1": "EMAILADDRESS",
    "0.9.2342.19200300.100.1.1": "UID",
}
# The kinds of an alternative name by their tags: what has no text is left out.
_KINDS: Final = {0xA0: "other_name", 0x81: "email", 0x82: "dns", 0x86: "uri", 0x87: "ip"}
_SPECIAL: Final = '"+,;<>\\'


class Malformed(Exception):
    """These octets are no certificate."""


@final
class Item:
    """One value of DER: its tag, and where its content is."""

    def __init__(self, tag: int, content: bytes) -> None:
        self.tag: Final = tag
        self.content: Final = content


def tell(facts: TlsFacts, der: bytes) -> None:
    """Write into ``facts`` what the certificate says; nothing when it cannot be read."""
    try:
        fields = _fields(der)
        issuer = _name(fields[2].content)
        subject = _name(fields[4].content)
        validity = " - ".join([_time(item) for item in _items(fields[3].content)])
        alternative_names = _alternative_names(fields)
    except (Malformed, ValueError, IndexError):
        return
    facts.subject = _spelt(subject)
    facts.issuer = _spelt(issuer)
    facts.validity = validity
    facts.common_name = ",".join(
        [value for relative in subject for kind, value in relative if kind == _COMMON_NAME]
    )
    facts.alternative_names = alternative_names
    facts.is_verified = True


def _fields(der: bytes) -> list[Item]:
    """serialNumber, signature, issuer, validity, subject, …, whether or not there is a version."""
    certificate = _items(der)[0]
    fields = _items(_items(certificate.content)[0].content)
    return fields[1:] if fields[0].tag == _VERSION else fields


def _items(octets: bytes) -> list[Item]:
    """The values that stand one behind the other.  Raises Malformed."""
    items = []
    at = 0
    while at < len(octets):
        if at + 2 > len(octets) or octets[at] & 31 == 31:
            raise Malformed
        tag = octets[at]
        size = octets[at + 1]
        at += 2
        if size >= 128:
            count = size & 127
            if count == 0 or count > 4 or at + count > len(octets):
                raise Malformed
            size = int.from_bytes(octets[at : at + count], "big")
            at += count
        if at + size > len(octets):
            raise Malformed
        items.append(Item(tag, octets[at : at + size]))
        at += size
    return items


def _object_id(content: bytes) -> str:
    """Dotted numbers."""
    if not content or content[-1] >= 128:
        raise Malformed
    numbers: list[int] = []
    number = 0
    for octet in content:
        number = number << 7 | octet & 127
        if octet < 128:
            numbers.append(number)
            number = 0
    first = min(numbers[0] // 40, 2)
    numbers[:1] = [first, numbers[0] - 40 * first]
    return ".".join([str(each) for each in numbers])


def _name(content: bytes) -> list[list[tuple[str, str]]]:
    """The relative names of a Name, each one or more pairs of object identifier and value."""
    relatives = []
    for relative in _items(content):
        pairs = []
        for pair in _items(relative.content):
            kind, value = _items(pair.content)[:2]
            pairs.append((_object_id(kind.content), _text(value)))
        relatives.append(pairs)
    return relatives


def _text(item: Item) -> str:
    """A string of any of ASN.1's kinds."""
    if item.tag == _BMP_STRING:
        return item.content.decode("utf-16-be", "replace")
    if item.tag == _UNIVERSAL_STRING:
        return item.content.decode("utf-32-be", "replace")
    if item.tag == _LATIN_STRING:
        return item.content.decode("latin-1")
    return item.content.decode("utf-8", "replace")


def _time(item: Item) -> str:
    """``2026-01-01T00:00:00Z``.  Two digits are a year from 1950 to 2049."""
    text = item.content.decode("ascii", "replace")
    if item.tag == _UTC_TIME:
        text = ("19" if text[:2] >= "50" else "20") + text
    return f"{text[:4]}-{text[4:6]}-{text[6:8]}T{text[8:10]}:{text[10:12]}:{text[12:14]}Z"


def _alternative_names(fields: list[Item]) -> list[tuple[str, str]]:
    names: list[tuple[str, str]] = []
    for field in fields:
        if field.tag != _EXTENSIONS:
            continue
        for extension in _items(_items(field.content)[0].content):
            parts = _items(extension.content)
            if parts[0].tag == _OBJECT_ID and _object_id(parts[0].content) == _ALTERNATIVE_NAMES:
                names += _general_names(_items(parts[-1].content)[0].content)
    return names


def _general_names(content: bytes) -> list[tuple[str, str]]:
    names = []
    for item in _items(content):
        kind = _KINDS.get(item.tag)
        if kind == "ip":
            names.append((kind, str(ip_address(item.content))))
        elif kind == "other_name":
            # SEQUENCE { type-id, [0] EXPLICIT value }
            names.append((kind, _text(_items(_items(item.content)[1].content)[0])))
        elif kind is not None:
            names.append((kind, item.content.decode("utf-8", "replace")))
    return names


def _spelt(relatives: list[list[tuple[str, str]]]) -> str:
    parts = [
        "+".join([f"{_SHORT.get(kind, kind)}={_escaped(value)}" for kind, value in relative])
        for relative in reversed(relatives)
    ]
    return ",".join(parts)


def _escaped(value: str) -> str:
    octets = value.encode("utf-8", "replace")
    escaped = ""
    for index, octet in enumerate(octets):
        letter = chr(octet)
        is_first = index == 0 and letter in " #"
        is_last = index == len(octets) - 1 and letter == " "
        if is_first or is_last or letter in _SPECIAL:
            escaped += "\\" + letter
        elif octet < 32 or octet >= 126:
            escaped += f"\\{octet:02X}"
        else:
            escaped += letter
    return escaped
