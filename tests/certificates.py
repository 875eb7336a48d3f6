"""Certificates for tests, made when they are needed: nothing of the kind is in the repository."""

import ssl
from pathlib import Path
from typing import Any

import trustme
from tests.wire import Wire


class Certificates:
    """A CA with a broker's and a client's certificate, as files in a folder."""

    def __init__(self, folder: Path, client: str = "client") -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.ca = trustme.CA(key_type=trustme.KeyType.ECDSA)
        self.ca_file = str(folder / "ca.pem")
        self.ca.cert_pem.write_to_path(self.ca_file)
        self.cert, self.key = self.issue("localhost", "127.0.0.1", "::1", name="broker")
        self.client_cert, self.client_key = self.issue("client.example", name=client)

    def issue(self, *identities: str, name: str, **options: Any) -> tuple[str, str]:
        """Certificate and key of this CA, for the host names, as files."""
        options.setdefault("key_type", trustme.KeyType.ECDSA)
        leaf = self.ca.issue_cert(*identities, common_name=name, **options)
        cert, key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        cert.write_bytes(b"".join([pem.bytes() for pem in leaf.cert_chain_pems]))
        leaf.private_key_pem.write_to_path(str(key))
        return str(cert), str(key)

    @property
    def settings(self) -> dict[str, object]:
        """What a broker with this certificate is set to; nothing is asked of clients."""
        return {"tls_certfile": self.cert, "tls_keyfile": self.key}

    @property
    def mutual(self) -> dict[str, object]:
        """As ``settings``, and clients must have a certificate of the same CA."""
        return self.settings | {
            "tls_cacertfile": self.ca_file,
            "tls_verify": "peer",
            "tls_fail_if_no_peer_cert": True,
        }

    def context(self, with_certificate: bool = False) -> ssl.SSLContext:
        """For a client that believes this CA."""
        context = ssl.create_default_context(cafile=self.ca_file)
        if with_certificate:
            context.load_cert_chain(self.client_cert, self.client_key)
        return context


class TlsWire(Wire):
    """A connection over TLS, after ``first`` without it."""

    def __init__(self, port: int, context: ssl.SSLContext, first: bytes = b"") -> None:
        super().__init__(port=port, timeout=20)
        self.send_octets(first)
        self.socket = context.wrap_socket(self.socket, server_hostname="localhost")
