"""The keys of rabbitmq.conf: which setting each one is, and which have no effect here and why.

In a key ``$`` stands for one part of any name.  Control plane; loaded only for a rabbitmq.conf.
"""

from typing import Final

# One key, one setting, whose value is written alike or as WORDS says.
ONE: Final[dict[str, str]] = {
    "heartbeat": "heartbeat_s",
    "frame_max": "frame_max",
    "channel_max": "channel_max",
    "max_channels_per_connection": "channel_max",
    "connection_max": "max_connections",
    "max_connections": "max_connections",
    "channel_max_per_node": "channel_max_per_node",
    "consumer_max_per_channel": "consumer_max_per_channel",
    "max_message_size": "max_message_size",
    "handshake_timeout": "handshake_timeout_ms",
    "ssl_handshake_timeout": "tls_handshake_timeout_ms",
    "proxy_protocol": "proxy_protocol",
    "tcp_listen_options.backlog": "tcp_backlog",
    "tcp_listen_options.nodelay": "tcp_nodelay",
    "tcp_listen_options.keepalive": "tcp_keepalive",
    "ssl_options.cacertfile": "tls_cacertfile",
    "ssl_options.certfile": "tls_certfile",
    "ssl_options.keyfile": "tls_keyfile",
    "ssl_options.password": "tls_password",
    "ssl_options.verify": "tls_verify",
    "ssl_options.fail_if_no_peer_cert": "tls_fail_if_no_peer_cert",
    "ssl_options.depth": "tls_depth",
    "default_user": "default_user",
    "default_pass": "default_pass",
    "default_vhost": "default_vhost",
    "default_permissions.configure": "default_permissions_configure",
    "default_permissions.write": "default_permissions_write",
    "default_permissions.read": "default_permissions_read",
    "anonymous_login_user": "anonymous_login_user",
    "anonymous_login_pass": "anonymous_login_pass",
    "password_hashing_module": "password_hashing",
    "credential_validator.validation_backend": "credential_validator",
    "credential_validator.min_length": "credential_validator_min_length",
    "credential_validator.regexp": "credential_validator_regexp",
    "ssl_cert_login_from": "ssl_cert_login_from",
    "ssl_cert_login_san_type": "ssl_cert_login_san_type",
    "ssl_cert_login_san_index": "ssl_cert_login_san_index",
    "auth_cache.cache_ttl": "auth_cache_ttl_ms",
    "auth_http.http_method": "auth_http_method",
    "auth_http.user_path": "auth_http_user_path",
    "auth_http.vhost_path": "auth_http_vhost_path",
    "auth_http.resource_path": "auth_http_resource_path",
    "auth_http.topic_path": "auth_http_topic_path",
    "auth_http.request_timeout": "auth_http_timeout_ms",
    "auth_oauth2.resource_server_id": "auth_oauth2_resource_server_id",
    "auth_oauth2.jwks_uri": "auth_oauth2_jwks_uri",
    "auth_oauth2.jwks_url": "auth_oauth2_jwks_uri",
    "auth_oauth2.issuer": "auth_oauth2_issuer",
    "auth_oauth2.verify_aud": "auth_oauth2_verify_aud",
    "auth_oauth2.additional_scopes_key": "auth_oauth2_additional_scopes_key",
    "auth_oauth2.scope_prefix": "auth_oauth2_scope_prefix",
    "default_queue_type": "default_queue_type",
    "consumer_timeout": "consumer_timeout_ms",
    "cluster_name": "cluster_name",
    "cluster_queue_limit": "cluster_queue_limit",
    "cluster_exchange_limit": "cluster_exchange_limit",
    "vhost_max": "vhost_max",
    "load_definitions": "load_definitions",
    "definitions.local.path": "load_definitions",
    "management.load_definitions": "load_definitions",
    "message_interceptors.incoming.set_header_timestamp.overwrite": "incoming_timestamp",
    "message_interceptors.incoming.set_header_routing_node.overwrite": "incoming_routing_node",
    "log.console.formatter": "log_format",
    "prometheus.tcp.port": "prometheus_port",
    "prometheus.authentication.enabled": "prometheus_authentication",
    "prometheus.return_per_object_metrics": "prometheus_per_object",
    "management.tcp.port": "management_port",
    "management.listener.port": "management_port",
    "management.ssl.port": "management_tls_port",
    "management.ssl.certfile": "management_tls_certfile",
    "management.ssl.keyfile": "management_tls_keyfile",
    "management.ssl.password": "management_tls_password",
    "management.ssl.cacertfile": "management_tls_cacertfile",
    "management.ssl.verify": "management_tls_verify",
    "management.ssl.fail_if_no_peer_cert": "management_tls_fail_if_no_peer_cert",
    "management.path_prefix": "management_path_prefix",
    "management.rates_mode": "management_rates_mode",
    "management.cors.max_age": "management_cors_max_age_s",
    "management.http.max_body_size": "management_max_body_size",
    "management.http_max_body_size": "management_max_body_size",
    "management.tcp.request_timeout": "management_timeout_ms",
    "management.ssl.request_timeout": "management_timeout_ms",
    "mqtt.vhost": "mqtt_vhost",
    "mqtt.exchange": "mqtt_exchange",
    "mqtt.allow_anonymous": "mqtt_allow_anonymous",
    "mqtt.default_user": "mqtt_default_user",
    "mqtt.default_pass": "mqtt_default_pass",
    "mqtt.ssl_cert_login": "mqtt_ssl_cert_login",
    "mqtt.ssl_cert_client_id_from": "mqtt_ssl_cert_client_id_from",
    "mqtt.ssl_cert_login_san_type": "mqtt_ssl_cert_login_san_type",
    "mqtt.ssl_cert_login_san_index": "mqtt_ssl_cert_login_san_index",
    "mqtt.login_timeout": "mqtt_login_timeout_ms",
    "mqtt.prefetch": "mqtt_prefetch",
    "mqtt.durable_queue_type": "mqtt_durable_queue_type",
    "mqtt.max_session_expiry_interval_seconds": "mqtt_max_session_expiry_interval_s",
    "mqtt.topic_alias_maximum": "mqtt_topic_alias_maximum",
    "mqtt.max_packet_size_authenticated": "mqtt_max_packet_size",
    "mqtt.max_packet_size_unauthenticated": "mqtt_max_packet_size_unauthenticated",
    "mqtt.mailbox_soft_limit": "mqtt_mailbox_soft_limit",
    "mqtt.disconnect_on_unauthorized": "mqtt_disconnect_on_unauthorized",
    "mqtt.retained_message_store": "mqtt_retained_store",
    "mqtt.proxy_protocol": "mqtt_proxy_protocol",
    "stomp.default_user": "stomp_default_user",
    "stomp.default_pass": "stomp_default_pass",
    "stomp.default_vhost": "stomp_default_vhost",
    "stomp.default_topic_exchange": "stomp_default_topic_exchange",
    "stomp.default_nack_requeue": "stomp_default_nack_requeue",
    "stomp.implicit_connect": "stomp_implicit_connect",
    "stomp.ssl_cert_login": "stomp_ssl_cert_login",
    "stomp.hide_server_info": "stomp_hide_server_info",
    "stomp.login_timeout": "stomp_login_timeout_ms",
    "stomp.max_frame_size": "stomp_max_frame_size",
    "stomp.max_frame_size_unauthenticated": "stomp_max_frame_size_unauthenticated",
    "stomp.proxy_protocol": "stomp_proxy_protocol",
    "web_mqtt.tcp.port": "web_mqtt_port",
    "web_mqtt.ssl.port": "web_mqtt_tls_port",
    "web_mqtt.ws_path": "web_mqtt_path",
    "web_mqtt.use_http_auth": "web_mqtt_use_http_auth",
    "web_mqtt.proxy_protocol": "web_mqtt_proxy_protocol",
    "web_stomp.port": "web_stomp_port",
    "web_stomp.tcp.port": "web_stomp_port",
    "web_stomp.ssl.port": "web_stomp_tls_port",
    "web_stomp.ws_path": "web_stomp_path",
    "web_stomp.ws_frame": "web_stomp_ws_frame",
    "web_stomp.use_http_auth": "web_stomp_use_http_auth",
    "web_stomp.proxy_protocol": "web_stomp_proxy_protocol",
    **dict.fromkeys(
        ("web_mqtt.ws_opts.max_frame_size", "web_stomp.ws_opts.max_frame_size"),
        "web_max_message_size",
    ),
    **dict.fromkeys(
        ("web_mqtt.ws_opts.idle_timeout", "web_stomp.ws_opts.idle_timeout"), "web_idle_timeout_ms"
    ),
    **dict.fromkeys(("web_mqtt.ws_opts.compress", "web_stomp.ws_opts.compress"), "web_compress"),
}

# Keys that together are one list, in the order of their last part.
LISTS: Final[dict[str, str]] = {
    "auth_mechanisms.$": "auth_mechanisms",
    "ssl_options.versions.$": "tls_versions",
    "ssl_options.ciphers.$": "tls_ciphers",
    "auth_oauth2.preferred_username_claims.$": "auth_oauth2_preferred_username_claims",
    "auth_oauth2.algorithms.$": "auth_oauth2_algorithms",
    "management.cors.allow_origins.$": "management_cors_allow_origins",
}

# Keys that together are a setting of groups: the parts are those of the group and of its field.
GROUPS: Final[dict[str, str]] = {
    "default_users.$.$": "default_users",
    "default_limits.vhosts.$.$": "default_vhost_limits",
    "default_policies.operator.$.$": "default_operator_policies",
}

# Fields of groups that are called otherwise here, by setting.
FIELDS: Final[dict[str, dict[str, str]]] = {
    "default_vhost_limits": {"pattern": "vhost_pattern"},
    "default_operator_policies": {"expires": "expires_ms", "message_ttl": "message_ttl_ms"},
}

# Fields of groups that are RabbitMQ's, and why they are not ours.
FIELDS_WITHOUT_EFFECT: Final[dict[str, str]] = dict.fromkeys(
    ("max_in_memory_length", "max_in_memory_bytes"), "RabbitMQ ignores it, too, since 4.0"
)

# Settings and fields with Cuttlefish's units: KB is 1024 octets there, and 1h30m a time.
BYTE_SIZES: Final = frozenset(("frame_max", "max_length_bytes"))
DURATIONS: Final = frozenset(("expires_ms", "message_ttl_ms"))

# Read by a function of their own in leveret.config.rabbitmq_conf.
SPECIAL: Final = (
    *("listeners.tcp", "listeners.tcp.$", "listeners.ssl", "listeners.ssl.$"),
    *("loopback_users", "loopback_users.$", "default_user_tags.$"),
    *("auth_backends.$", "auth_backends.$.authn", "auth_backends.$.authz"),
    *("log.default.level", "log.file.level", "log.console.level", "log.console"),
    *("log.file", "log.exchange"),
    *("tcp_listen_options.linger.on", "tcp_listen_options.linger.timeout"),
    *("definitions.import_backend", "deprecated_features.permit.$", "event_exchange.vhost"),
    *("auth_cache.cached_backend", "auth_oauth2.signing_keys.$"),
    *("vm_memory_high_watermark.relative", "vm_memory_high_watermark.absolute"),
    *("disk_free_limit.relative", "disk_free_limit.absolute"),
    *("management.tcp.ip", "management.ssl.ip", "management.login_session_timeout"),
    "prometheus.tcp.ip",
    *("mqtt.listeners.tcp", "mqtt.listeners.tcp.$", "mqtt.listeners.ssl", "mqtt.listeners.ssl.$"),
    *("stomp.listeners.tcp", "stomp.listeners.tcp.$"),
    *("stomp.listeners.ssl", "stomp.listeners.ssl.$"),
    *("web_mqtt.tcp.ip", "web_mqtt.tcp.listener", "web_mqtt.ssl.ip", "web_mqtt.ssl.listener"),
    *("web_stomp.tcp.ip", "web_stomp.tcp.listener", "web_stomp.ssl.ip", "web_stomp.ssl.listener"),
    "mqtt.subscription_ttl",
)

# What cannot be said of a list here, by setting: how it begins, and why it is left out.
LEFT_OUT: Final[dict[str, tuple[tuple[str, ...], str]]] = {
    "tls_versions": (("tlsv1", "tlsv1.1", "sslv3"), "leveret speaks TLS from 1.2 on"),
    "tls_ciphers": (("TLS_",), "OpenSSL always has those of TLS 1.3"),
}

# RabbitMQ's word, by setting, to ours.
WORDS: Final[dict[str, dict[str, str]]] = {
    "channel_max": {"0": "65535"},
    "frame_max": {"0": "134217728"},
    "handshake_timeout_ms": {"infinity": "3600000"},
    "tls_handshake_timeout_ms": {"infinity": "3600000"},
    "consumer_timeout_ms": {"infinity": "0", "undefined": "0"},
    "incoming_timestamp": {"true": "overwrite", "false": "keep"},
    "incoming_routing_node": {"true": "overwrite", "false": "keep"},
    "tls_verify": {"verify_none": "none", "verify_peer": "peer"},
    "management_tls_verify": {"verify_none": "none", "verify_peer": "peer"},
    "ssl_cert_login_from": {"subject_alt_name": "subject_alternative_name"},
    "mqtt_ssl_cert_client_id_from": {"subject_alt_name": "subject_alternative_name"},
    "mqtt_max_session_expiry_interval_s": {"infinity": "4294967295"},
    "mqtt_retained_store": {
        "rabbit_mqtt_retained_msg_store_dets": "disk",
        "rabbit_mqtt_retained_msg_store_ets": "memory",
        "rabbit_mqtt_retained_msg_store_noop": "none",
    },
    "credential_validator": {
        "rabbit_credential_validator_accept_everything": "accept_everything",
        "rabbit_credential_validator_min_password_length": "min_length",
        "rabbit_credential_validator_password_regexp": "regexp",
    },
    "password_hashing": {
        "rabbit_password_hashing_sha256": "sha256",
        "rabbit_password_hashing_sha512": "sha512",
        "rabbit_password_hashing_md5": "md5",
    },
    "default_queue_type": {
        "rabbit_classic_queue": "classic",
        "rabbit_quorum_queue": "quorum",
        "rabbit_stream_queue": "stream",
    },
    "auth_backends": {
        "rabbit_auth_backend_internal": "internal",
        "rabbit_auth_backend_http": "http",
        "rabbit_auth_backend_oauth2": "oauth2",
        "rabbit_auth_backend_cache": "cache",
        "rabbit_auth_backend_ldap": "ldap",
    },
    "log_level": {
        "notice": "info",
        "none": "critical",
        "alert": "critical",
        "emergency": "critical",
    },
}

_MANAGEMENT: Final = "the HTTP API does without"
_PROTOCOL: Final = "leveret does not speak that protocol yet"
_CLUSTER: Final = "one node is all there is yet"
_MEMORY: Final = "what the system says of the memory counts, and it is looked at each second"
_DISK: Final = "the journal and the checkpoints need no such tuning"
_ERLANG: Final = "that tunes Erlang's machine"
_SYSTEM: Final = "that is left to the operating system"
_OPENSSL: Final = "that is left to OpenSSL"
_LOG: Final = "the log is one, on standard error"
_OAUTH: Final = "leveret's OAuth 2 does without"

# What a key begins with, and why it has no effect here.  A part of a name does not count: the
# text must be the whole key or be followed by a dot.  The longest one that fits says why.
WITHOUT_EFFECT: Final[dict[str, str]] = {
    **dict.fromkeys(("management", "management_agent", "prometheus"), _MANAGEMENT),
    **dict.fromkeys(("collect_statistics", "collect_statistics_interval"), _MANAGEMENT),
    **dict.fromkeys(("http_dispatch", "track_auth_attempt_source"), _MANAGEMENT),
    **dict.fromkeys(("stream", "amqp1_0"), _PROTOCOL),
    "mqtt": "leveret's MQTT does without",
    "stomp": "leveret's STOMP does without",
    **dict.fromkeys(("web_mqtt", "web_stomp"), "leveret's WebSockets do without"),
    **dict.fromkeys(
        ("mqtt.tcp_listen_options", "stomp.tcp_listen_options"), "those of AMQP are for all"
    ),
    **dict.fromkeys(
        ("web_mqtt.ssl", "web_stomp.ssl"), "WebSockets have the certificate of ssl_options"
    ),
    **dict.fromkeys(("cluster_formation", "cluster_partition_handling"), _CLUSTER),
    **dict.fromkeys(("cluster_keepalive_interval", "cluster_tags", "node_tags"), _CLUSTER),
    **dict.fromkeys(("net_ticktime", "distribution", "delegate_count"), _CLUSTER),
    **dict.fromkeys(("mirroring_sync_batch_size", "mirroring_sync_max_throughput"), _CLUSTER),
    **dict.fromkeys(("queue_master_locator", "queue_leader_locator"), _CLUSTER),
    **dict.fromkeys(("federation", "shovel", "aws"), _CLUSTER),
    **dict.fromkeys(("vm_memory_calculation_strategy", "memory_monitor_interval"), _MEMORY),
    "total_memory_available_override_value": _MEMORY,
    "vm_memory_high_watermark_paging_ratio": "long queues go to the disk by queue_memory",
    **dict.fromkeys(("raft", "classic_queue", "quorum_queue", "queue_types"), _DISK),
    **dict.fromkeys(("message_store_shutdown_timeout", "queue_index_embed_msgs_below"), _DISK),
    **dict.fromkeys(("mnesia_table_loading_retry_timeout",), _DISK),
    **dict.fromkeys(("mnesia_table_loading_retry_limit", "vhost_restart_strategy"), _DISK),
    **dict.fromkeys(("metadata_store", "khepri", "consumer_disconnected_timeout"), _DISK),
    **dict.fromkeys(("erlang", "hipe_compile", "background_gc_enabled"), _ERLANG),
    **dict.fromkeys(("background_gc_target_interval", "num_acceptors"), _ERLANG),
    **dict.fromkeys(("socket_writer", "sysmon_handler", "default_worker_pool_size"), _ERLANG),
    **dict.fromkeys(("tcp_listen_options", "reverse_dns_lookups"), _SYSTEM),
    **dict.fromkeys(("ssl_options", "ssl_allow_poodle_attack"), _OPENSSL),
    "initial_frame_max": "leveret takes small frames only until the size is agreed",
    "log": _LOG,
    "definitions": "definitions are only read from a file or a folder",
    "runtime_parameters": "parameters are not limited by component",
    "product": "leveret names itself",
    "motd_file": "leveret greets nobody",
    "auth_ldap": "there is no LDAP back end",
    "auth_http": "the HTTP back end does without",
    "auth_cache": "answers of back ends are always cached",
    "auth_oauth2": _OAUTH,
    "deprecated_features": "that feature is always permitted here, or never",
    "message_interceptors": "there is no such interceptor yet",
    "event_exchange": "events are always AMQP 0-9-1 messages",
    **dict.fromkeys(("session_max_per_connection", "link_max_per_session"), _PROTOCOL),
    **dict.fromkeys(("ranch_connection_max", "channel_interceptor"), _ERLANG),
    "default_policies.operator": "classic queues have no mirrors any more",
    "trust_store": "certificates are only read from files",
    "max_heap_size": _ERLANG,
}
