"""The settings of users and rights: who may come in, and what the first user is."""

from typing import Final

from leveret.config.kinds import (
    UNLIMITED,
    Choice,
    Duration,
    Limit,
    Names,
    Number,
    Secret,
    Setting,
    Text,
)

ACCESS: Final[list[Setting]] = [
    Text("default_user", "guest", "User that exists at the first start.", 1),
    Secret("default_pass", "guest", "Password of the default user."),
    Text("default_vhost", "/", "Virtual host that exists at the first start.", 1),
    Names("loopback_users", ["guest"], "", "Users who may only connect from this machine."),
    Names(
        "auth_mechanisms",
        ["PLAIN", "AMQPLAIN", "ANONYMOUS"],
        "",
        "Ways to log in that are offered; EXTERNAL only where the client showed a certificate.",
        ["PLAIN", "AMQPLAIN", "EXTERNAL", "ANONYMOUS"],
    ),
    Text("anonymous_login_user", "guest", "User of ANONYMOUS logins; none to have no such."),
    Secret("anonymous_login_pass", "guest", "Password of ANONYMOUS logins."),
    Choice(
        "ssl_cert_login_from",
        "distinguished_name",
        ["distinguished_name", "common_name", "subject_alternative_name"],
        "What in a client's certificate is its user's name, for EXTERNAL.",
    ),
    Choice(
        "ssl_cert_login_san_type",
        "dns",
        ["dns", "ip", "email", "uri", "other_name"],
        "Which kind of alternative name that is.",
    ),
    Number("ssl_cert_login_san_index", 0, "", 0, 255, "Which one of that kind; 0 is the first."),
    Choice(
        "password_hashing",
        "sha256",
        ["sha256", "sha512", "md5"],
        "How new passwords are hashed; old ones stay as they are.",
    ),
    Choice(
        "credential_validator",
        "accept_everything",
        ["accept_everything", "min_length", "regexp"],
        "What a new password must satisfy.",
    ),
    Number("credential_validator_min_length", 5, "octets", 0, 255, "Length for min_length."),
    Text("credential_validator_regexp", ".*", "Pattern for regexp."),
    Names(
        "auth_backends",
        ["internal"],
        "",
        "Who knows users, asked in turn; http/internal: who knows them, who their rights.",
    ),
    Duration("auth_cache_ttl_ms", 15_000, 1000, 86_400_000, "How long an answer of HTTP holds."),
    Choice("auth_http_method", "get", ["get", "post"], "How auth_backends = http asks."),
    Text("auth_http_user_path", "", "Where http asks about logins.", 0, 2048),
    Text("auth_http_vhost_path", "", "Where http asks about vhosts.", 0, 2048),
    Text("auth_http_resource_path", "", "Where http asks about queues and exchanges.", 0, 2048),
    Text("auth_http_topic_path", "", "Where http asks about routing keys.", 0, 2048),
    Duration("auth_http_timeout_ms", 5000, 1, 60_000, "How long http waits for an answer."),
    Limit("max_connections", UNLIMITED, "connections", 1_000_000, "Open connections of the node."),
    Limit("channel_max_per_node", UNLIMITED, "channels", 1_000_000_000, "Channels of the node."),
    Limit("consumer_max_per_channel", UNLIMITED, "consumers", 1_000_000, "Consumers of a channel."),
]
