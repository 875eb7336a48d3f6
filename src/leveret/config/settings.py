"""The value of every setting, and where each value came from.  Reads no file and no environment."""

from collections.abc import Mapping
from typing import Final, final

from leveret.config.faults import ConfigError
from leveret.config.kinds import Setting, Wrong
from leveret.config.table import TABLE, find, refusal


@final
class Settings:
    """The value of every setting in ``TABLE``, which has their defaults, units and limits.

    ``Settings(port=0)`` takes values from a program; ``leveret.config.sources.load`` takes them
    from a file, the environment and the command line.  ``origin`` says of each where its value
    came from.  As in RabbitMQ, naming another ``default_user`` makes that user instead of guest.
    """

    # leveret.config.network
    host: str
    port: int
    heartbeat_s: int
    channel_max: int
    frame_max: int
    min_frame_max: int
    max_message_size: int
    handshake_timeout_ms: int
    # leveret.config.tls
    listen: list[str]
    proxy_protocol: bool
    proxy_protocol_sources: list[str]
    tcp_backlog: int
    tcp_nodelay: bool
    tcp_keepalive: bool
    tcp_linger_s: int
    tls_port: int
    tls_listen: list[str]
    tls_certfile: str
    tls_keyfile: str
    tls_password: str
    tls_cacertfile: str
    tls_verify: str
    tls_fail_if_no_peer_cert: bool
    tls_depth: int
    tls_versions: list[str]
    tls_ciphers: list[str]
    tls_handshake_timeout_ms: int
    # leveret.config.management
    management_port: int
    management_listen: list[str]
    management_tls_port: int
    management_tls_listen: list[str]
    management_tls_certfile: str
    management_tls_keyfile: str
    management_tls_password: str
    management_tls_cacertfile: str
    management_tls_verify: str
    management_tls_fail_if_no_peer_cert: bool
    management_path_prefix: str
    management_rates_mode: str
    management_cors_allow_origins: list[str]
    management_cors_max_age_s: int
    management_max_body_size: int
    management_max_connections: int
    management_timeout_ms: int
    management_login_session_timeout_s: int
    # leveret.config.prometheus
    prometheus_port: int
    prometheus_listen: list[str]
    prometheus_authentication: bool
    prometheus_per_object: bool
    # leveret.config.mqtt
    mqtt_port: int
    mqtt_listen: list[str]
    mqtt_tls_port: int
    mqtt_tls_listen: list[str]
    mqtt_proxy_protocol: bool
    mqtt_vhost: str
    mqtt_exchange: str
    mqtt_allow_anonymous: bool
    mqtt_default_user: str
    mqtt_default_pass: str
    mqtt_ssl_cert_login: bool
    mqtt_ssl_cert_client_id_from: str
    mqtt_ssl_cert_login_san_type: str
    mqtt_ssl_cert_login_san_index: int
    mqtt_login_timeout_ms: int
    mqtt_keep_alive_max_s: int
    mqtt_prefetch: int
    mqtt_durable_queue_type: str
    mqtt_max_session_expiry_interval_s: int
    mqtt_topic_alias_maximum: int
    mqtt_max_packet_size: int
    mqtt_max_packet_size_unauthenticated: int
    mqtt_mailbox_soft_limit: int
    mqtt_disconnect_on_unauthorized: bool
    mqtt_retained_store: str
    mqtt_retained_messages: int
    mqtt_retained_size: int
    mqtt_sys_interval_s: int
    # leveret.config.stomp
    stomp_port: int
    stomp_listen: list[str]
    stomp_tls_port: int
    stomp_tls_listen: list[str]
    stomp_proxy_protocol: bool
    stomp_default_user: str
    stomp_default_pass: str
    stomp_default_vhost: str
    stomp_default_topic_exchange: str
    stomp_implicit_connect: bool
    stomp_ssl_cert_login: bool
    stomp_default_nack_requeue: bool
    stomp_hide_server_info: bool
    stomp_login_timeout_ms: int
    stomp_max_frame_size: int
    stomp_max_frame_size_unauthenticated: int
    # leveret.config.websockets
    web_mqtt_port: int
    web_mqtt_listen: list[str]
    web_mqtt_tls_port: int
    web_mqtt_tls_listen: list[str]
    web_mqtt_path: str
    web_mqtt_use_http_auth: bool
    web_mqtt_proxy_protocol: bool
    web_stomp_port: int
    web_stomp_listen: list[str]
    web_stomp_tls_port: int
    web_stomp_tls_listen: list[str]
    web_stomp_path: str
    web_stomp_ws_frame: str
    web_stomp_use_http_auth: bool
    web_stomp_proxy_protocol: bool
    management_websockets: bool
    web_allowed_origins: list[str]
    web_max_message_size: int
    web_idle_timeout_ms: int
    web_compress: bool
    # leveret.config.access
    default_user: str
    default_pass: str
    default_vhost: str
    loopback_users: list[str]
    auth_mechanisms: list[str]
    anonymous_login_user: str
    anonymous_login_pass: str
    ssl_cert_login_from: str
    ssl_cert_login_san_type: str
    ssl_cert_login_san_index: int
    password_hashing: str
    credential_validator: str
    credential_validator_min_length: int
    credential_validator_regexp: str
    auth_backends: list[str]
    auth_cache_ttl_ms: int
    auth_http_method: str
    auth_http_user_path: str
    auth_http_vhost_path: str
    auth_http_resource_path: str
    auth_http_topic_path: str
    auth_http_timeout_ms: int
    auth_oauth2_resource_server_id: str
    auth_oauth2_scope_prefix: str
    auth_oauth2_verify_aud: bool
    auth_oauth2_issuer: str
    auth_oauth2_key_file: str
    auth_oauth2_jwks_uri: str
    auth_oauth2_algorithms: list[str]
    auth_oauth2_preferred_username_claims: list[str]
    auth_oauth2_additional_scopes_key: str
    max_connections: int
    channel_max_per_node: int
    consumer_max_per_channel: int
    # leveret.config.defaults
    default_user_tags: list[str]
    default_permissions_configure: str
    default_permissions_write: str
    default_permissions_read: str
    default_users: dict[str, dict[str, object]]
    default_vhost_limits: dict[str, dict[str, object]]
    default_operator_policies: dict[str, dict[str, object]]
    # leveret.config.telling
    event_exchange: bool
    event_exchange_vhost: str
    incoming_timestamp: str
    incoming_routing_node: str
    # leveret.config.queues
    consumer_timeout_ms: int
    compat: str
    denied_features: list[str]
    # leveret.config.node
    data_dir: str
    journal_size: int
    queue_memory: int
    queues_memory: int
    vm_memory_high_watermark: object
    disk_free_limit: object
    log_level: str
    log_format: str
    cluster_name: str
    default_queue_type: str
    vhost_max: int
    cluster_queue_limit: int
    cluster_exchange_limit: int
    load_definitions: str

    def __init__(self, **values: object) -> None:
        self.origin: Final[dict[str, str]] = {}
        # What is odd but not wrong; for whoever starts the broker to log.
        self.warnings: Final[list[str]] = []
        for setting in TABLE:
            self._put(setting, setting.check(setting.default), "default")
        self.take(values, "argument")

    def take(self, values: Mapping[str, object], origin: str) -> None:
        """Set typed values by name.  Raises ConfigError, with some of them maybe set."""
        for name, value in values.items():
            self.take_value(find(name, origin), value, origin)
        self.check_together()

    def take_value(self, setting: Setting, value: object, origin: str) -> None:
        """Set one typed value.  Raises ConfigError."""
        try:
            checked = setting.check(value)
        except ValueError as error:
            raise refusal(setting, value, origin, detail(error)) from None
        self._put(setting, checked, origin)

    def take_text(self, setting: Setting, text: str, origin: str) -> None:
        """Set one value that came as text.  Raises ConfigError."""
        try:
            value = setting.read(text)
        except ValueError as error:
            raise refusal(setting, text, origin, detail(error)) from None
        self._put(setting, value, origin)

    def _put(self, setting: Setting, value: object, origin: str) -> None:
        setattr(self, setting.name, value)
        self.origin[setting.name] = origin

    def check_together(self) -> None:
        """See whether the values fit each other.  Raises ConfigError."""
        if self.min_frame_max > self.frame_max:
            raise ConfigError(
                f"min_frame_max = {self.min_frame_max} ({self.origin['min_frame_max']}) is more"
                f" than frame_max = {self.frame_max} ({self.origin['frame_max']}): lower it.",
                self.origin["min_frame_max"],
            )


def detail(error: ValueError) -> str:
    """What a setting itself said about a wrong value; other errors only mean that it is wrong."""
    return str(error) if isinstance(error, Wrong) else ""
