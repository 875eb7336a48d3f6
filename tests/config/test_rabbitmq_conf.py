"""leveret.config.rabbitmq_conf and leveret.config.rabbitmq_keys"""

import re
from pathlib import Path

import pytest

from leveret.config.faults import ConfigError
from leveret.config.groups import Groups
from leveret.config.rabbitmq_conf import nearest_key, pattern_of, reason_for, take_conf
from leveret.config.rabbitmq_keys import FIELDS, GROUPS, LISTS, ONE, WITHOUT_EFFECT, WORDS
from leveret.config.settings import Settings
from leveret.config.sources import load
from leveret.config.table import BY_NAME

ENVIRONMENT = {"HARE": "fast"}


def read(text: str) -> Settings:
    settings = Settings()
    faults = take_conf(settings, "f", text, ENVIRONMENT)
    assert [str(fault) for fault in faults] == []
    return settings


def faults_of(text: str) -> list[str]:
    return [str(fault) for fault in take_conf(Settings(), "f", text, ENVIRONMENT)]


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        ("heartbeat = 30", "heartbeat_s", 30),
        ("event_exchange.vhost = v", "event_exchange_vhost", "v"),
        (
            "message_interceptors.incoming.set_header_timestamp.overwrite = true",
            "incoming_timestamp",
            "overwrite",
        ),
        (
            "message_interceptors.incoming.set_header_routing_node.overwrite = false",
            "incoming_routing_node",
            "keep",
        ),
        ("frame_max = 128KB", "frame_max", 131_072),
        ("frame_max = 0", "frame_max", 134_217_728),
        ("channel_max = 0", "channel_max", 65535),
        ("max_channels_per_connection = 5", "channel_max", 5),
        ("connection_max = infinity", "max_connections", -1),
        ("max_message_size = 1000", "max_message_size", 1000),
        ("handshake_timeout = infinity", "handshake_timeout_ms", 3_600_000),
        ("ssl_handshake_timeout = 4000", "tls_handshake_timeout_ms", 4000),
        ("proxy_protocol = true", "proxy_protocol", True),
        ("tcp_listen_options.nodelay = false", "tcp_nodelay", False),
        ("tcp_listen_options.backlog = 128", "tcp_backlog", 128),
        ("tcp_listen_options.linger.on = true", "tcp_linger_s", 0),
        ("tcp_listen_options.linger.timeout = 5", "tcp_linger_s", -1),
        ("ssl_options.verify = verify_peer", "tls_verify", "peer"),
        ("ssl_options.fail_if_no_peer_cert = true", "tls_fail_if_no_peer_cert", True),
        ("default_user = alice", "default_user", "alice"),
        ("default_pass = $(HARE)", "default_pass", "fast"),
        ("default_pass = 'h#re'", "default_pass", "h#re"),
        ("default_vhost = /", "default_vhost", "/"),
        ("default_permissions.read = ^a", "default_permissions_read", "^a"),
        ("default_user_tags.monitoring = true", "default_user_tags", ["monitoring"]),
        ("default_user_tags.administrator = false", "default_user_tags", []),
        ("loopback_users = none", "loopback_users", []),
        ("loopback_users.guest = false", "loopback_users", []),
        ("loopback_users.alice = true", "loopback_users", ["alice"]),
        (
            "auth_mechanisms.2 = PLAIN\nauth_mechanisms.10 = AMQPLAIN\n"
            "auth_mechanisms.1 = EXTERNAL",
            "auth_mechanisms",
            ["EXTERNAL", "PLAIN", "AMQPLAIN"],
        ),
        (
            "ssl_cert_login_from = subject_alt_name",
            "ssl_cert_login_from",
            "subject_alternative_name",
        ),
        (
            "credential_validator.validation_backend = rabbit_credential_validator_password_regexp",
            "credential_validator",
            "regexp",
        ),
        ("log.console.level = warning", "log_level", "warning"),
        ("log.file.level = error\nlog.console.level = notice", "log_level", "info"),
        ("log.file = false\nlog.exchange = false", "log_level", "info"),
        ("consumer_timeout = 31622400000", "consumer_timeout_ms", 31_622_400_000),
        ("log.console = true\nlog.console.formatter = json", "log_format", "json"),
        ("load_definitions = /etc/defs.json", "load_definitions", "/etc/defs.json"),
        ("cluster_name = hares", "cluster_name", "hares"),
        ("listeners.tcp.default = 5673", "port", 5673),
        ("listeners.tcp.1 = 127.0.0.1:5673", "listen", ["127.0.0.1:5673"]),
        ("listeners.tcp.1 = 5673\nlisteners.tcp.2 = ::1:5674", "listen", ["5673", "[::1]:5674"]),
        ("listeners.tcp = none", "listen", ["none"]),
        ("listeners.ssl.default = 5670\nssl_options.certfile = c", "tls_port", 5670),
        ("ssl_options.certfile = c", "tls_listen", ["none"]),
        ("ssl_options.versions.1 = tlsv1.3", "tls_versions", ["tlsv1.3"]),
        ("definitions.import_backend = local_filesystem", "load_definitions", ""),
        ("deprecated_features.permit.global_qos = true", "denied_features", []),
        ("deprecated_features.permit.global_qos = false", "denied_features", ["global_qos"]),
        ("event_exchange.vhost = v", "event_exchange", True),
        ("auth_oauth2.signing_keys.a = k.pem", "auth_oauth2_key_file", "k.pem"),
        (
            "auth_oauth2.preferred_username_claims.1 = sub",
            "auth_oauth2_preferred_username_claims",
            ["sub"],
        ),
    ],
)
def test_a_key_sets_its_setting(line: str, name: str, value: object) -> None:
    settings = read(line)
    assert getattr(settings, name) == value
    assert settings.warnings == []


def test_a_value_comes_from_its_line() -> None:
    settings = read("# RabbitMQ\n\nheartbeat = 30\nlisteners.tcp.a = 1\nlisteners.tcp.b = 2")
    assert settings.origin["heartbeat_s"] == "f:3"
    assert settings.origin["listen"] == "f:4"
    assert settings.origin["port"] == "default"


def test_users_limits_and_operator_policies_have_groups() -> None:
    settings = read(
        "default_users.alice.password = hare\n"
        "default_users.alice.tags = monitoring, management\n"
        "default_limits.vhosts.1.pattern = ^dev\n"
        "default_limits.vhosts.1.max_queues = 10\n"
        "default_policies.operator.all.vhost_pattern = ^dev\n"
        "default_policies.operator.all.max_length = 100\n"
        "default_policies.operator.all.max_length_bytes = 1MB\n"
        "default_policies.operator.all.expires = 1h30m\n"
    )
    alice = settings.default_users["alice"]
    assert (alice["password"], alice["tags"]) == ("hare", ["monitoring", "management"])
    assert (alice["vhost_pattern"], alice["configure"]) == (".*", ".*")
    limits = settings.default_vhost_limits["1"]
    assert limits == {"vhost_pattern": "^dev", "max_connections": -1, "max_queues": 10}
    policy = settings.default_operator_policies["all"]
    assert (policy["vhost_pattern"], policy["max_length"]) == ("^dev", 100)
    assert (policy["max_length_bytes"], policy["expires_ms"]) == (1_048_576, 5_400_000)
    assert policy["message_ttl_ms"] == -1


@pytest.mark.parametrize(
    ("text", "backends"),
    [
        ("auth_backends.1 = internal", ["internal"]),
        (
            "auth_backends.1 = rabbit_auth_backend_http\nauth_backends.2 = internal",
            ["http", "internal"],
        ),
        ("auth_backends.1.authn = http\nauth_backends.1.authz = internal", ["http/internal"]),
        ("auth_backends.1 = cache\nauth_cache.cached_backend = http", ["http"]),
    ],
)
def test_back_ends_are_in_the_order_of_their_numbers(text: str, backends: list[str]) -> None:
    assert read(text).auth_backends == backends


def test_the_http_api_is_where_it_is_said_to_be() -> None:
    settings = read(
        "management.tcp.ip = 127.0.0.1\nmanagement.tcp.port = 8080\nmanagement.path_prefix = /mq\n"
        "management.ssl.ip = ::1\nmanagement.ssl.certfile = c\n"
        "management.ssl.verify = verify_peer\n"
        "management.cors.allow_origins.1 = https://a.example\nmanagement.cors.max_age = 60\n"
        "management.login_session_timeout = 60\nmanagement.rates_mode = detailed"
    )
    assert settings.management_listen == ["127.0.0.1:8080"]
    assert settings.management_tls_listen == ["[::1]:15671"]
    assert (settings.management_path_prefix, settings.management_rates_mode) == ("/mq", "detailed")
    assert (settings.management_tls_certfile, settings.management_tls_verify) == ("c", "peer")
    assert settings.management_cors_allow_origins == ["https://a.example"]
    assert settings.management_cors_max_age_s == 60
    assert settings.management_login_session_timeout_s == 3600
    assert settings.warnings == []


def test_https_alone_is_no_http() -> None:
    assert read("management.ssl.certfile = c").management_listen == ["none"]
    both = read("management.ssl.certfile = c\nmanagement.tcp.port = 1")
    assert (both.management_listen, both.management_port) == ([], 1)


def test_keys_without_effect_get_one_warning_with_their_reasons() -> None:
    settings = read(
        "management.http_log_dir = /var/log\nvm_memory_calculation_strategy = rss\n"
        "management.tcp.compress = true\nmemory_monitor_interval = 2500\nlog.console = false"
    )
    assert settings.warnings == [
        "Without effect in f: management.http_log_dir, management.tcp.compress (the HTTP API does"
        " without); vm_memory_calculation_strategy, memory_monitor_interval (what the system"
        " says of the memory counts, and it is looked at each second); log.console (the log is"
        " one, on standard error)."
    ]


@pytest.mark.parametrize(
    ("text", "memory", "disk"),
    [
        ("vm_memory_high_watermark.relative = 0.4", 0.4, 50_000_000),
        ("vm_memory_high_watermark.relative = 1", 1.0, 50_000_000),
        ("vm_memory_high_watermark.absolute = 2GB", 2_000_000_000, 50_000_000),
        ("vm_memory_high_watermark.absolute = 2GiB", 1 << 31, 50_000_000),
        (
            "vm_memory_high_watermark.absolute = 2GB\nvm_memory_high_watermark.relative = 0.5",
            0.5,
            50_000_000,
        ),
        ("disk_free_limit.absolute = 1073741824", 0.6, 1 << 30),
        ("disk_free_limit.relative = 2", 0.6, 2.0),
        ("disk_free_limit.relative = 1.5\ndisk_free_limit.absolute = 9GB", 0.6, 1.5),
    ],
)
def test_what_alarms_are_set_at_is_a_share_or_a_size(
    text: str, memory: object, disk: object
) -> None:
    settings = read(text)
    assert settings.warnings == []
    assert (settings.vm_memory_high_watermark, settings.disk_free_limit) == (memory, disk)
    assert type(settings.vm_memory_high_watermark) is type(memory)
    assert type(settings.disk_free_limit) is type(disk)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("ssl_options.versions.1 = tlsv1.3\nssl_options.versions.2 = tlsv1.1", "TLS from 1.2 on"),
        ("ssl_options.ciphers.1 = TLS_AES_256_GCM_SHA384", "those of TLS 1.3"),
        ("deprecated_features.permit.amqp_address_v1 = false", "always permitted here, or never"),
        ("definitions.import_backend = https", "only read from a file"),
        ("default_policies.operator.a.max_in_memory_length = 1", "RabbitMQ ignores it"),
        ("default_policies.operator.a.classic_queues.ha_mode = all", "no mirrors any more"),
        ("log.file.rotation.size = 5", "the log is one"),
        ("ssl_options.honor_cipher_order = true", "left to OpenSSL"),
    ],
)
def test_a_part_of_what_is_understood_may_be_without_effect(text: str, reason: str) -> None:
    settings = read(text)
    (warning,) = settings.warnings
    assert reason in warning
    assert settings.tls_versions in (["tlsv1.3"], ["tlsv1.2", "tlsv1.3"])
    assert settings.tls_ciphers == []


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("\nheartbeats = 1", "There is no key 'heartbeats' (f:2); did you mean heartbeat?"),
        (
            "ssl_options.verify = verify_per",
            "ssl_options.verify = 'verify_per' (f:1) is not allowed: it must be one of verify_none,"
            " verify_peer.",
        ),
        ("listeners.tpc.x = 1", "There is no key 'listeners.tpc.x' (f:1); did you mean listeners"),
        ("qqqqqqqq = 1", "There is no key 'qqqqqqqq' (f:1)."),
        ("heartbeat = often", "heartbeat_s = 'often' (f:1) is not allowed: it must be a whole"),
        ("loopback_users = guest", "loopback_users = 'guest' (f:1) is not allowed: it must be"),
        ("loopback_users.guest = no", "loopback_users.guest = 'no' (f:1) is not allowed"),
        ("default_users.a.pasword = x", "There is no key 'default_users.a.pasword' (f:1)"),
        ("default_limits.vhosts.a.max_queues = x", "default_limits.vhosts.a.max_queues (f:1) is"),
        (
            "auth_oauth2.signing_keys.a = a\nauth_oauth2.signing_keys.b = b",
            "auth_oauth2.signing_keys.b = 'b' (f:2) is not allowed: put all keys into one file",
        ),
        ("default_pass = encrypted:x", "default_pass (f:1) is encrypted"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text: str, sentence: str) -> None:
    (fault,) = faults_of(text)
    assert fault.startswith(sentence)


@pytest.mark.parametrize(
    ("key", "near"),
    [
        ("listners.tcp.default", "listeners.tcp.default"),
        ("vm_memory_high_watermrk.relative", "vm_memory_high_watermark.relative"),
        ("ssl_option.certfile", "ssl_options.certfile"),
        ("loopbak_users.guest", "loopback_users.guest"),
        ("mangement.tcp.port", "management.tcp.port"),
    ],
)
def test_the_nearest_key_is_one_that_can_be_written_like_that(key: str, near: str) -> None:
    assert faults_of(f"{key} = x") == [f"There is no key '{key}' (f:1); did you mean {near}?"]


def test_every_fault_is_told() -> None:
    assert len(faults_of("a = 1\nheartbeat = x\nno line\ndefault_user = ok")) == 3


def test_a_password_is_not_shown_in_a_fault() -> None:
    assert "secret" not in "".join(faults_of("default_pass = " + "secret" * 60))


def test_every_key_leads_to_a_setting() -> None:
    assert {name for name in (ONE | LISTS).values() if name not in BY_NAME} == set()


def test_the_fields_of_groups_are_there() -> None:
    for name in GROUPS.values():
        setting = BY_NAME[name]
        assert isinstance(setting, Groups)
        assert set(FIELDS.get(name, {}).values()) <= set(setting.fields)


def test_words_belong_to_settings() -> None:
    assert set(WORDS) - set(BY_NAME) == set()


def test_no_key_is_both_understood_and_without_effect() -> None:
    assert set(ONE) & set(WITHOUT_EFFECT) == set()


@pytest.mark.parametrize("key", ["listeners.tcp.default", "default_users.a.tags", "log.console"])
def test_a_key_is_found_by_its_parts(key: str) -> None:
    assert pattern_of(key.split("."))


def test_a_reason_needs_whole_parts() -> None:
    assert reason_for("management.http_log_dir")
    assert reason_for("managementx") == ""


def test_a_slip_is_recognised() -> None:
    assert nearest_key("loopback_user.guest") == "loopback_users.guest"


def test_a_file_is_recognised_and_read(tmp_path: Path) -> None:
    file = tmp_path / "rabbitmq.conf"
    file.write_text("listeners.tcp.default = 5673\nloopback_users.guest = false\n")
    settings = load(str(file), {}, {})
    assert (settings.port, settings.loopback_users) == (5673, [])
    assert settings.origin["port"] == f"{file}:1"


def test_all_that_is_wrong_with_a_file_stops_the_start(tmp_path: Path) -> None:
    file = tmp_path / "rabbitmq.conf"
    file.write_text("hartbeat = 5\nframe_max = small\n")
    with pytest.raises(ConfigError) as caught:
        load(str(file), {}, {})
    assert re.findall(r"\S+:\d", str(caught.value)) == [f"({file}:1", f"({file}:2"]


def test_a_value_that_a_comment_cuts_gets_a_warning() -> None:
    settings = read("default_pass = h#are\ndefault_user = alice # and bob")
    assert settings.default_pass == "h"
    (warning,) = settings.warnings
    assert warning.startswith("default_pass (f:1) ends where its # begins a comment")


@pytest.mark.oracle
def test_every_key_of_an_installed_rabbitmq_is_known() -> None:
    schemas = list(Path("/usr/lib/rabbitmq/lib").glob("*/plugins/*/priv/schema/*.schema"))
    if not schemas:
        pytest.skip("needs RabbitMQ's schemas (Debian: apt install rabbitmq-server)")
    keys = {
        re.sub(r"\$\w+", "1", key)
        for schema in schemas
        for key in re.findall(r'^\s*\{mapping,\s*"([^"]+)"', schema.read_text(), re.MULTILINE)
    }
    assert len(keys) > 500
    assert [key for key in keys if not pattern_of(key.split(".")) and not reason_for(key)] == []


def test_the_port_of_prometheus() -> None:
    settings = read(
        "prometheus.tcp.port = 9000\nprometheus.tcp.ip = 10.0.0.1\n"
        "prometheus.authentication.enabled = true\nprometheus.return_per_object_metrics = true"
    )
    assert settings.prometheus_listen == ["10.0.0.1:9000"]
    assert (settings.prometheus_authentication, settings.prometheus_per_object) == (True, True)
    assert (read("prometheus.tcp.port = 9000").prometheus_port) == 9000


@pytest.mark.parametrize("name", ["mqtt", "stomp"])
def test_listeners_of_other_protocols_are_read_like_those_of_amqp(name: str) -> None:
    one = read(f"{name}.listeners.tcp.default = 7\n{name}.listeners.ssl.default = 8")
    assert (getattr(one, f"{name}_port"), getattr(one, f"{name}_tls_port")) == (7, 8)
    none = read(f"{name}.listeners.tcp = none")
    assert getattr(none, f"{name}_listen") == ["none"]
    two = read(f"{name}.listeners.tcp.1 = ::1:7\n{name}.listeners.tcp.2 = 8")
    assert getattr(two, f"{name}_listen") == ["[::1]:7", "8"]
    # A certificate alone opens no port for TLS.
    certificate = read("ssl_options.certfile = c")
    assert getattr(certificate, f"{name}_tls_listen") == ["none"]


@pytest.mark.parametrize("name", ["web_mqtt", "web_stomp"])
def test_listeners_of_web_sockets_are_read(name: str) -> None:
    settings = read(f"{name}.tcp.port = 7\n{name}.ssl.port = 8\nssl_options.certfile = c")
    assert (getattr(settings, f"{name}_port"), getattr(settings, f"{name}_tls_port")) == (7, 8)
    assert getattr(settings, f"{name}_tls_listen") == []
    assert getattr(read("ssl_options.certfile = c"), f"{name}_tls_listen") == ["none"]
    assert getattr(read(f"{name}.tcp.listener = none"), f"{name}_listen") == ["none"]
    assert getattr(read(f"{name}.tcp.listener = ::1:7"), f"{name}_listen") == ["[::1]:7"]
    there = read(f"{name}.tcp.ip = 127.0.0.1\n{name}.tcp.port = 7")
    assert getattr(there, f"{name}_listen") == ["127.0.0.1:7"]


def test_what_rabbitmq_says_of_mqtt_stomp_and_web_sockets_is_read() -> None:
    settings = read(
        "mqtt.exchange = e\nmqtt.allow_anonymous = false\nmqtt.subscription_ttl = 5000\n"
        "mqtt.retained_message_store = rabbit_mqtt_retained_msg_store_ets\n"
        "stomp.default_user = u\nstomp.implicit_connect = true\n"
        "web_stomp.ws_frame = binary\nweb_mqtt.ws_path = /mqtt\n"
        "web_mqtt.ws_opts.idle_timeout = 5000\nweb_stomp.ws_opts.max_frame_size = 2048"
    )
    assert (settings.mqtt_exchange, settings.mqtt_allow_anonymous) == ("e", False)
    assert settings.mqtt_max_session_expiry_interval_s == 5
    assert settings.mqtt_retained_store == "memory"
    assert (settings.stomp_default_user, settings.stomp_implicit_connect) == ("u", True)
    assert (settings.web_stomp_ws_frame, settings.web_mqtt_path) == ("binary", "/mqtt")
    assert (settings.web_idle_timeout_ms, settings.web_max_message_size) == (5000, 2048)
    for_ever = read("mqtt.max_session_expiry_interval_seconds = infinity")
    assert for_ever.mqtt_max_session_expiry_interval_s == 4_294_967_295


def test_what_they_do_without_is_said() -> None:
    settings = read("mqtt.sparkplug = true\nweb_mqtt.ssl.certfile = c")
    (warning,) = settings.warnings
    assert "mqtt.sparkplug (leveret's MQTT does without)" in warning
    assert "web_mqtt.ssl.certfile (WebSockets have the certificate of ssl_options)" in warning
