"""CONNECT: who comes, to which vhost, for how long; and what CONNACK says.

Behaviour: RabbitMQ 4.3, "MQTT Plugin", "Authentication", "Virtual Host Selection".
"""

import base64
import re
from typing import Final, final

from leveret.auth.backends import Attempt
from leveret.auth.sasl import EXTERNAL, PLAIN, Credentials
from leveret.broker.node import Node
from leveret.errors import LimitReached, NotAllowed
from leveret.mqtt.codes import (
    BAD_AUTHENTICATION_METHOD,
    BAD_USER_NAME_OR_PASSWORD,
    CLIENT_IDENTIFIER_NOT_VALID,
    NOT_AUTHORIZED,
    QUOTA_EXCEEDED,
    VERSION_5,
    MqttFault,
)
from leveret.mqtt.filters import routing_key
from leveret.mqtt.packets import Connect
from leveret.mqtt.properties import (
    ASSIGNED_CLIENT_IDENTIFIER,
    AUTHENTICATION_METHOD,
    MAXIMUM_PACKET_SIZE,
    RECEIVE_MAXIMUM,
    REQUEST_PROBLEM_INFORMATION,
    RETAIN_AVAILABLE,
    SERVER_KEEP_ALIVE,
    SESSION_EXPIRY,
    TOPIC_ALIAS_MAXIMUM,
    PropertyWriter,
)
from leveret.mqtt.reasons import Reasons
from leveret.mqtt.state import FOREVER_S
from leveret.session import Peer, TlsFacts
from leveret.sessions.entry import Entry

# Queues are named after clients, and a name has 255 octets at most.
_CLIENT_ID_OCTETS: Final = 255 - len("mqtt-subscription-qos0")
# What stands before the last colon is a vhost.
_LAST_COLON: Final = re.compile(":(?!.*:)", re.DOTALL)
# What RabbitMQ calls the versions: in lists, and in metrics.
_PROTOCOLS: Final = {3: "MQTT 3-1-0", 4: "MQTT 3-1-1", 5: "MQTT 5-0"}
LABELS: Final = {3: "mqtt310", 4: "mqtt311", 5: "mqtt50"}


@final
class Greeting:
    """One CONNECT and what it comes to.  ``entry`` has user and vhost once it has entered."""

    def __init__(self, node: Node, peer: Peer, connect: Connect, carrier: str) -> None:
        self._node: Final = node
        self._peer: Final = peer
        self.connect: Final = connect
        self.version: Final = connect.version
        protocol = carrier + _PROTOCOLS[connect.version]
        self.entry: Final = Entry(node, peer, protocol, LABELS[connect.version])
        self.client_id = connect.client_id
        self.is_assigned = False
        # Kept while the login waits for a decision from outside.
        self._attempt: Attempt | None = None
        self._vhost = ""
        settings = node.settings
        self.keep_alive_s = connect.keep_alive_s
        limit_s = settings.mqtt_keep_alive_max_s
        if self.version == VERSION_5 and limit_s > 0:
            self.keep_alive_s = min(connect.keep_alive_s or limit_s, limit_s)
        self.expiry_s = expiry_s(connect, settings.mqtt_max_session_expiry_interval_s)

    def enter(self) -> None:
        """Let the client in.  Raises MqttFault; Pending: then call it again later."""
        if self._attempt is None:
            if self.connect.properties.has(AUTHENTICATION_METHOD):
                raise MqttFault(BAD_AUTHENTICATION_METHOD, "there are no authentication methods")
            self._name_client()
            will = self.connect.will
            if will is not None:
                # One that nobody could publish is refused before anything is done.
                routing_key(will.topic)
            self._attempt = self._begin()
        entry = self.entry
        if entry.login is None:
            if self._vhost not in self._node.vhosts:
                raise self._refused(f"there is no vhost '{self._vhost}'")
            failure = entry.log_in(self._attempt)
            if failure is not None:
                raise self._refused(failure.reason)
        try:
            entry.enter(self._vhost, {"client_id": self.client_id})
        except LimitReached as limit:
            raise MqttFault(QUOTA_EXCEEDED, limit.detail) from None
        except NotAllowed as refusal:
            raise MqttFault(NOT_AUTHORIZED, refusal.detail) from None
        # They are needed no more, and have the password.
        self._attempt = None
        self.connect.password = None

    def _refused(self, why: str) -> MqttFault:
        """What a stranger is told; the log alone says ``why``: he must not learn who is known."""
        self._node.notices.warn(f"MQTT connection {self._peer.name}: login refused: {why}")
        return MqttFault(BAD_USER_NAME_OR_PASSWORD, "login refused")

    # --- the client identifier -------------------------------------------------------------

    def _name_client(self) -> None:
        self._check_certified()
        if self.client_id == "":
            if self.version != VERSION_5 and not self.connect.is_clean:
                why = "a session that is kept needs a client identifier"
                raise MqttFault(CLIENT_IDENTIFIER_NOT_VALID, why)
            token = base64.urlsafe_b64encode(self._node.random.octets(16)).decode()
            self.client_id = token.rstrip("=")
            self.is_assigned = True
        elif len(self.client_id.encode()) > _CLIENT_ID_OCTETS:
            why = f"a client identifier has {_CLIENT_ID_OCTETS} octets at most"
            raise MqttFault(CLIENT_IDENTIFIER_NOT_VALID, why)

    def _check_certified(self) -> None:
        """Where the certificate names the client, it must not call itself otherwise."""
        settings = self._node.settings
        source = settings.mqtt_ssl_cert_client_id_from
        tls = self._peer.tls
        if source == "none" or tls is None or not tls.is_verified:
            return
        if source == "distinguished_name":
            certified = tls.subject
        else:
            kind = settings.mqtt_ssl_cert_login_san_type
            certified = _alternative(tls, kind, settings.mqtt_ssl_cert_login_san_index)
        if not certified:
            why = "the certificate names no client identifier"
            raise MqttFault(CLIENT_IDENTIFIER_NOT_VALID, why)
        if self.client_id not in ("", certified):
            why = "the client identifier is not that of the certificate"
            raise MqttFault(CLIENT_IDENTIFIER_NOT_VALID, why)
        self.client_id = certified

    # --- user and vhost --------------------------------------------------------------------

    def _begin(self) -> Attempt:
        settings = self._node.settings
        connect = self.connect
        tls = self._peer.tls
        name = connect.user_name
        password = connect.password
        if self._peer.login is not None:
            # HTTP has said who it is: what the packet says does not count.
            name, text = self._peer.login
            password = text.encode()
        if name is not None and password is not None:
            self._vhost, user = self._place(name)
            try:
                credentials = Credentials(user, password.decode("utf-8"))
            except UnicodeDecodeError:
                raise MqttFault(BAD_USER_NAME_OR_PASSWORD, "the password is no text") from None
            return Attempt(credentials, PLAIN, self._peer)
        if name is not None or password is not None:
            raise MqttFault(BAD_USER_NAME_OR_PASSWORD, "user name and password belong together")
        if settings.mqtt_ssl_cert_login and tls is not None and tls.is_verified:
            certified = self._node.sasl.external_name(tls)
            self._vhost, user = self._certified_place(certified), certified
            return Attempt(Credentials(user, "", True), EXTERNAL, self._peer)
        return self._anonymous()

    def _anonymous(self) -> Attempt:
        settings = self._node.settings
        name, password = settings.mqtt_default_user, settings.mqtt_default_pass
        if not name:
            name, password = settings.anonymous_login_user, settings.anonymous_login_pass
        if not settings.mqtt_allow_anonymous or name in ("", "none"):
            raise MqttFault(BAD_USER_NAME_OR_PASSWORD, "nobody may come without a user name")
        self._vhost, user = self._place(name)
        return Attempt(Credentials(user, password), "ANONYMOUS", self._peer)

    def _place(self, name: str) -> tuple[str, str]:
        """The vhost that a client with this user name comes to, and the user's name proper."""
        parts = _LAST_COLON.split(name, maxsplit=1)
        if len(parts) == 2:
            return parts[0], parts[1]
        return self._place_of_port(), name

    def _place_of_port(self) -> str:
        mapping = self._node.global_parameters.values.get("mqtt_port_to_vhost_mapping")
        if isinstance(mapping, dict):
            vhost = mapping.get(str(self._peer.local_port))
            if isinstance(vhost, str):
                return vhost
        return self._node.settings.mqtt_vhost

    def _certified_place(self, name: str) -> str:
        mapping = self._node.global_parameters.values.get("mqtt_default_vhosts")
        if isinstance(mapping, dict):
            vhost = mapping.get(name)
            if isinstance(vhost, str):
                return vhost
        return self._place_of_port()

    # --- the answer ------------------------------------------------------------------------

    @property
    def receive_maximum(self) -> int:
        """How many messages of QoS 1 and 2 may be on their way to the client."""
        prefetch = self._node.settings.mqtt_prefetch
        if self.version != VERSION_5:
            return prefetch
        return self.connect.properties.number(RECEIVE_MAXIMUM, 65535)

    @property
    def size_max(self) -> int:
        """The largest packet that the client takes; 0 for any."""
        return self.connect.properties.number(MAXIMUM_PACKET_SIZE, 0)

    @property
    def reasons(self) -> Reasons:
        """What is said in words to the client, with most packets."""
        wants = self.connect.properties.number(REQUEST_PROBLEM_INFORMATION, 1) == 1
        return Reasons(wants and self.version == VERSION_5, self.size_max)

    @property
    def last_reasons(self) -> Reasons:
        """The same with CONNACK and DISCONNECT, where it need not be wanted."""
        return Reasons(self.version == VERSION_5, self.size_max)

    def answer(self) -> bytes:
        """The properties of the CONNACK that lets the client in."""
        if self.version != VERSION_5:
            return b""
        settings = self._node.settings
        writer = PropertyWriter()
        if self.expiry_s != self.connect.properties.number(SESSION_EXPIRY, 0):
            writer.number(SESSION_EXPIRY, self.expiry_s)
        if self.is_assigned:
            writer.text(ASSIGNED_CLIENT_IDENTIFIER, self.client_id)
        if self.keep_alive_s != self.connect.keep_alive_s:
            writer.number(SERVER_KEEP_ALIVE, self.keep_alive_s)
        writer.number(MAXIMUM_PACKET_SIZE, settings.mqtt_max_packet_size)
        if settings.mqtt_topic_alias_maximum > 0:
            writer.number(TOPIC_ALIAS_MAXIMUM, settings.mqtt_topic_alias_maximum)
        if settings.mqtt_retained_store == "none":
            writer.number(RETAIN_AVAILABLE, 0)
        return writer.octets()


def expiry_s(connect: Connect, limit_s: int) -> int:
    """How long a session outlives its connection.

    Before MQTT 5 a session that is not clean lasts as long as any may.
    """
    if connect.version != VERSION_5:
        return 0 if connect.is_clean else limit_s
    wanted = connect.properties.number(SESSION_EXPIRY, 0)
    return min(wanted, limit_s) if limit_s != FOREVER_S else wanted


def _alternative(tls: TlsFacts, kind: str, index: int) -> str:
    names = [name for each, name in tls.alternative_names if each == kind]
    return names[index] if index < len(names) else ""
