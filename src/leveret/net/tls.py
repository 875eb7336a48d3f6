"""Our side of TLS: certificate, key, and what is asked of clients.  Knows no connection.

``server_context`` is for every listener there is; ``ServerTls`` lets a listener take a new
certificate while it runs.
"""

import ssl
from typing import Any, Final, final

from leveret.config.faults import ConfigError
from leveret.config.settings import Settings
from leveret.net.certificate import tell
from leveret.session import TlsFacts

_VERSIONS: Final = {"tlsv1.2": ssl.TLSVersion.TLSv1_2, "tlsv1.3": ssl.TLSVersion.TLSv1_3}
# OpenSSL has suites of TLS 1.3 always on.
_TLS13_SUITE: Final = "TLS_"
_BEGIN: Final = "-----BEGIN CERTIFICATE-----"
_END: Final = "-----END CERTIFICATE-----"


@final
class ServerTls:
    """The context that new connections get.  ``reload`` makes another one of the same files."""

    def __init__(self, settings: Settings) -> None:
        self._settings: Final = settings
        self.context: ssl.SSLContext = server_context(settings)
        self.facts: TlsFacts = own_facts(settings)
        self.depth: Final = settings.tls_depth

    def reload(self) -> None:
        """Read the files anew; living connections keep what they have.

        Raises ConfigError when a file is not good, and goes on with the old ones.
        """
        self.context = server_context(self._settings)
        self.facts = own_facts(self._settings)

    @property
    def expires(self) -> str:
        """When the broker's own certificate does: ``2027-01-01T00:00:00Z``."""
        return self.facts.validity.rpartition(" ")[2]


def server_context(settings: Settings) -> ssl.SSLContext:
    """What the settings say, as Python's ssl has it.  Raises ConfigError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # A client that wants other keys connects anew; nor does it keep us busy by asking for them.
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    # Connections live long here: tickets would cost more than they save.
    context.num_tickets = 0
    versions = settings.tls_versions
    if not versions:
        raise _fault(settings, "tls_versions", "names no version", "name tlsv1.2, tlsv1.3 or both")
    context.minimum_version = _VERSIONS[min(versions)]
    context.maximum_version = _VERSIONS[max(versions)]
    _take_certificate(context, settings)
    _take_clients(context, settings)
    _take_ciphers(context, settings)
    return context


def own_facts(settings: Settings) -> TlsFacts:
    """What the broker's own certificate says: it is the first in its file."""
    facts = TlsFacts("", "")
    pem = _read(settings, "tls_certfile").decode("latin-1")
    begin, end = pem.find(_BEGIN), pem.find(_END)
    if 0 <= begin < end:
        tell(facts, ssl.PEM_cert_to_DER_cert(pem[begin : end + len(_END)] + "\n"))
    return facts


def _take_certificate(context: ssl.SSLContext, settings: Settings) -> None:
    if not settings.tls_certfile:
        raise _fault(
            settings, "tls_certfile", "is needed for TLS", "name a PEM file with a certificate"
        )
    _read(settings, "tls_certfile")
    _check_certificates(settings, "tls_certfile")
    key = "tls_keyfile" if settings.tls_keyfile else "tls_certfile"
    octets = _read(settings, key)
    # Never without a password: OpenSSL would ask for it on the terminal, and wait.
    password = settings.tls_password
    try:
        context.load_cert_chain(
            settings.tls_certfile, settings.tls_keyfile or None, lambda: password.encode()
        )
    except (ssl.SSLError, ValueError) as error:
        raise _key_fault(settings, key, octets, reason_of(error)) from error


def _check_certificates(settings: Settings, name: str) -> None:
    """Read the file by itself, as OpenSSL does not say which of several files it dislikes."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_verify_locations(getattr(settings, name))
    except ssl.SSLError as error:
        raise _fault(
            settings,
            name,
            f"holds no certificate ({reason_of(error)})",
            "it must be a PEM file of certificates",
        ) from error


def _key_fault(settings: Settings, key: str, octets: bytes, reason: str) -> ConfigError:
    """What OpenSSL dislikes about the key, now that the certificate can be read."""
    if "key values mismatch" in reason:
        return _fault(
            settings, key, "is not the key of tls_certfile", "name the key it was made with"
        )
    if b"ENCRYPTED" in octets:
        return _fault(
            settings, key, "cannot be decrypted", "set tls_password to the key's password"
        )
    if reason.startswith(("ee key", "ca key", "ca md")):
        return _fault(settings, "tls_certfile", f"is too weak ({reason})", "make a new certificate")
    return _fault(
        settings,
        key,
        f"holds no private key ({reason})",
        "it must be a PEM file with the key of tls_certfile",
    )


def _take_clients(context: ssl.SSLContext, settings: Settings) -> None:
    if settings.tls_verify == "none":
        if settings.tls_fail_if_no_peer_cert:
            raise _fault(
                settings,
                "tls_fail_if_no_peer_cert",
                "asks for what nobody looks at",
                "set tls_verify = 'peer', too",
            )
        return
    if not settings.tls_cacertfile:
        raise _fault(
            settings,
            "tls_verify",
            "needs the certificates of those who sign clients' certificates",
            "name a PEM file with them in tls_cacertfile",
        )
    _read(settings, "tls_cacertfile")
    _check_certificates(settings, "tls_cacertfile")
    context.load_verify_locations(settings.tls_cacertfile)
    needs_one = settings.tls_fail_if_no_peer_cert
    context.verify_mode = ssl.CERT_REQUIRED if needs_one else ssl.CERT_OPTIONAL


def _take_ciphers(context: ssl.SSLContext, settings: Settings) -> None:
    chosen = [name for name in settings.tls_ciphers if not name.startswith(_TLS13_SUITE)]
    if not chosen:
        return
    try:
        context.set_ciphers(":".join(chosen))
    except ssl.SSLError as error:
        raise _fault(
            settings,
            "tls_ciphers",
            "names no suite that OpenSSL has",
            "'openssl ciphers' lists them",
        ) from error


def _read(settings: Settings, name: str) -> bytes:
    """The octets of the file that a setting names.  Raises ConfigError."""
    path = str(getattr(settings, name))
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        why = error.strerror or str(error)
        raise _fault(
            settings, name, f"cannot be read: {why}", "check the path and who may read it"
        ) from error


def _fault(settings: Settings, name: str, why: str, cure: str) -> ConfigError:
    origin = settings.origin[name]
    value = getattr(settings, name)
    shown = str(value).lower() if isinstance(value, bool) else repr(value)
    return ConfigError(f"{name} = {shown} ({origin}) {why}; {cure}.", origin)


def reason_of(error: Exception) -> str:
    """Why OpenSSL refused, in words."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not accepted: {error.verify_message}"
    # Any: the stubs promise a string, which compiled code insists on, but None it may be.
    reason: Any = getattr(error, "reason", None)
    if reason:
        return str(reason).lower().replace("_", " ")
    # Without a reason there is but the place in Python's source.
    return "OpenSSL cannot read it" if isinstance(error, ssl.SSLError) else str(error)
