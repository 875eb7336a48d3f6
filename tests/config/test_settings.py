"""leveret.config: the settings from every source"""

from pathlib import Path

import pytest

from leveret.config.environment import config_file
from leveret.config.faults import ConfigError
from leveret.config.settings import Settings
from leveret.config.sources import load
from leveret.config.table import TABLE, find, nearest


def refused(file: str = "", environment: dict[str, str] | None = None, **options: str) -> str:
    """The sentence with which these sources are refused."""
    with pytest.raises(ConfigError) as caught:
        load(file, environment or {}, options)
    return str(caught.value)


def written(folder: Path, text: str) -> str:
    path = folder / "leveret.toml"
    path.write_text(text)
    return str(path)


def test_the_defaults_are_rabbitmqs() -> None:
    settings = Settings()
    assert (settings.port, settings.heartbeat_s, settings.channel_max) == (5672, 60, 2047)
    assert (settings.frame_max, settings.max_message_size) == (131072, 16777216)
    assert (settings.default_user, settings.default_pass) == ("guest", "guest")
    assert settings.loopback_users == ["guest"]


def test_every_setting_has_an_attribute_a_good_default_and_a_sentence() -> None:
    settings = Settings()
    for setting in TABLE:
        assert getattr(settings, setting.name) == setting.check(setting.default)
        assert settings.origin[setting.name] == "default"
        assert setting.text.endswith(".")


def test_no_attribute_lacks_its_row() -> None:
    others = {"origin", "warnings", "take", "take_text", "take_value", "check_together"}
    public = {name for name in dir(Settings()) if not name.startswith("_")}
    assert public - others == {setting.name for setting in TABLE}


def test_each_source_is_stronger_than_the_one_before(tmp_path: Path) -> None:
    file = written(tmp_path, 'default_user = "a"\nport = 1\nheartbeat_s = 7\nhost = "h"')
    environment = {
        "RABBITMQ_DEFAULT_USER": "b",
        "LEVERET_DEFAULT_USER": "c",
        "LEVERET_PORT": "2",
        "RABBITMQ_DEFAULT_PASS": "p",
        "RABBITMQ_DEFAULT_VHOST": "v",
    }
    settings = load(file, environment, {"port": "3"})
    assert (settings.default_user, settings.default_pass, settings.default_vhost) == ("c", "p", "v")
    assert (settings.port, settings.heartbeat_s, settings.host) == (3, 7, "h")
    assert settings.origin["default_user"] == "LEVERET_DEFAULT_USER"
    assert settings.origin["default_pass"] == "RABBITMQ_DEFAULT_PASS"
    assert settings.origin["port"] == "--port"
    assert settings.origin["host"] == f"{file}:4"
    assert settings.origin["data_dir"] == "default"


def test_another_default_user_leaves_the_loopback_users_alone() -> None:
    settings = load("", {"RABBITMQ_DEFAULT_USER": "alice"}, {})
    assert (settings.default_user, settings.loopback_users) == ("alice", ["guest"])


def test_settings_share_no_list() -> None:
    Settings().loopback_users.append("alice")
    assert Settings().loopback_users == ["guest"]


def test_a_list_is_comma_separated_in_the_environment() -> None:
    settings = load("", {"LEVERET_LOOPBACK_USERS": "guest, alice,"}, {})
    assert settings.loopback_users == ["guest", "alice"]


def test_an_empty_variable_says_nothing() -> None:
    settings = load("", {"LEVERET_PORT": "", "RABBITMQ_DEFAULT_USER": ""}, {})
    assert (settings.port, settings.default_user) == (5672, "guest")


def test_the_home_folder_is_expanded() -> None:
    assert not Settings().data_dir.startswith("~")


def test_a_word_may_be_written_in_capitals() -> None:
    assert load("", {}, {"log_level": "DEBUG"}).log_level == "debug"


def test_an_unknown_key_names_the_file_and_the_nearest_key(tmp_path: Path) -> None:
    file = written(tmp_path, "prot = 5672")
    assert refused(file) == f"There is no setting 'prot' ({file}:1); did you mean port?"


@pytest.mark.parametrize(
    ("wrong", "right"),
    [("heartbeat", "heartbeat_s"), ("data-dir", "data_dir"), ("LOG_LEVEL", "log_level")],
)
def test_slips_are_recognised(wrong: str, right: str) -> None:
    assert nearest(wrong, 0.5) == right


def test_a_key_like_none_gets_the_list_of_all() -> None:
    with pytest.raises(ConfigError, match=r"there are: host, port, .*log_level"):
        find("qqqqqqq", "argument")


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("port = 65536", "port = 65536 ({}:1) is not allowed: it must be a whole number from 0 to"),
        ("port = -1", "port = -1 ({}:1) is not allowed"),
        ('port = "5672"', "port = '5672' ({}:1) is not allowed"),
        ("port = true", "port = True ({}:1) is not allowed"),
        ("port = 1.0", "port = 1.0 ({}:1) is not allowed"),
        ("host = 1", "host = 1 ({}:1) is not allowed: it must be a string of 0 to 255 octets."),
        (
            'default_vhost = ""',
            "default_vhost = '' ({}:1) is not allowed: it must be a string of 1",
        ),
        (
            "loopback_users = [1]",
            "loopback_users = [1] ({}:1) is not allowed: it must be a list of",
        ),
        ('loopback_users = "guest"', "loopback_users = 'guest' ({}:1) is not allowed"),
        (
            'log_level = "loud"',
            "log_level = 'loud' ({}:1) is not allowed: it must be one of debug,",
        ),
        ('data_dir = ""', "data_dir = '' ({}:1) is not allowed: it must be a path."),
        ("max_message_size = 536870913", "it must be a whole number from 1 to 536870912, or"),
        ("frame_max = 4095", "it must be a whole number from 4096 to"),
    ],
)
def test_a_wrong_value_names_key_value_source_and_what_is_allowed(
    tmp_path: Path, line: str, sentence: str
) -> None:
    file = written(tmp_path, line)
    assert sentence.format(file) in refused(file)


def test_255_octets_are_counted_not_characters() -> None:
    assert Settings(default_vhost="é" * 127).default_vhost == "é" * 127
    with pytest.raises(ConfigError):
        Settings(default_vhost="é" * 128)


def test_a_wrong_password_is_not_shown() -> None:
    with pytest.raises(ConfigError) as caught:
        Settings(default_pass=31337)
    assert "31337" not in str(caught.value)
    assert "default_pass" in str(caught.value)


def test_text_that_is_no_number_names_the_variable() -> None:
    expected = "port = 'http' (LEVERET_PORT) is not allowed: it must be a whole number from 0 to"
    assert expected in refused(environment={"LEVERET_PORT": "http"})


def test_an_option_is_named_as_it_is_typed() -> None:
    assert "log_level = 'loud' (--log-level) is not allowed" in refused(log_level="loud")


def test_limits_that_contradict_each_other_are_refused() -> None:
    sentence = refused(environment={"LEVERET_MIN_FRAME_MAX": "8192", "LEVERET_FRAME_MAX": "4096"})
    assert "min_frame_max = 8192 (LEVERET_MIN_FRAME_MAX) is more than frame_max = 4096" in sentence


def test_a_file_that_is_missing_or_no_toml_is_named(tmp_path: Path) -> None:
    missing = str(tmp_path / "missing.toml")
    assert refused(missing) == (
        f"The config file {missing} cannot be read: No such file or directory."
    )
    file = written(tmp_path, "port: 5672")
    assert refused(file).startswith(f"The config file {file} is not TOML: ")
    Path(file).write_bytes(b"\xff\xfe")
    assert refused(file).startswith(f"The config file {file} is not TOML: ")


def test_an_unknown_variable_is_a_warning_at_most() -> None:
    settings = load("", {"LEVERET_PROT": "1", "LEVERET_EXPECT": "compiled"}, {})
    assert settings.warnings == [
        "LEVERET_PROT means nothing to leveret; did you mean LEVERET_PORT?"
    ]


def test_the_variables_that_kubernetes_adds_for_a_service_are_not_ours() -> None:
    environment = {
        "LEVERET_PORT": "tcp://10.0.0.1:5672",
        "LEVERET_PORT_5672_TCP_ADDR": "10.0.0.1",
        "LEVERET_SERVICE_HOST": "10.0.0.1",
        "LEVERET_SERVICE_PORT": "5672",
    }
    settings = load("", environment, {})
    assert (settings.port, settings.warnings) == (5672, [])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("rabbitmq.conf", "listeners.tcp.default = 5673"),  # TOML could read this one
        ("rabbitmq.conf", "## RabbitMQ\n\ndefault_user = alice\nlisteners.tcp.default = 5673"),
        ("leveret.toml", "default_user = alice\nlisteners.tcp.default = 5673"),
    ],
)
def test_a_configuration_of_rabbitmqs_is_recognised(tmp_path: Path, name: str, text: str) -> None:
    file = tmp_path / name
    file.write_text(text)
    assert load(str(file), {}, {}).port == 5673


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("rabbitmq.conf", "heartbeat = 7"),  # TOML could read this one
        ("rabbitmq.conf", "heartbeat = 5\nheartbeat = 7"),
        ("10-mine.conf", "heartbeat = 7\ndefault_pass = $(PASS)"),
        ("10-mine.conf", "heartbeat = 7\nframe_max = 128KB"),
    ],
)
def test_so_is_one_without_dots(tmp_path: Path, name: str, text: str) -> None:
    file = tmp_path / name
    file.write_text(text)
    assert load(str(file), {"PASS": "p"}, {}).heartbeat_s == 7


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("advanced.config", "%% RabbitMQ\n[\n  {rabbit, [{tcp_listeners, [5672]}]}\n]."),
        ("rabbitmq.config", "[]."),
    ],
)
def test_erlang_terms_get_one_sentence(tmp_path: Path, name: str, text: str) -> None:
    file = tmp_path / name
    file.write_text(text)
    assert refused(str(file)) == (
        f"The config file {file} is one of Erlang terms (advanced.config), which leveret cannot"
        " read: say the same in TOML, or as 'key = value' of a rabbitmq.conf."
    )


def test_all_that_is_wrong_with_a_file_is_told(tmp_path: Path) -> None:
    file = written(tmp_path, "prot = 1\nheartbeat_s = 7\nhost = 1")
    assert refused(file).splitlines() == [
        f"There is no setting 'prot' ({file}:1); did you mean port?",
        f"host = 1 ({file}:3) is not allowed: it must be a string of 0 to 255 octets.",
    ]


def test_groups_are_tables(tmp_path: Path) -> None:
    file = written(tmp_path, '[default_users.alice]\npassword = "hare"\n[default_users.bob]\n')
    settings = load(file, {}, {})
    assert list(settings.default_users) == ["alice", "bob"]
    assert settings.default_users["alice"]["password"] == "hare"
    assert settings.default_users["bob"]["read"] == ".*"
    assert settings.origin["default_users"] == f"{file}:1"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("default_users = 1", "it must be a table of tables with the keys password, tags"),
        ("default_users.a = {pasword = 1}", "default_users.a has no 'pasword', only password,"),
        ("default_users.a = {password = 31337}", "default_users.a.password = (hidden), but it"),
        ("default_users = {a = 1}", "default_users.a must be a table"),
    ],
)
def test_a_wrong_group_names_the_field(tmp_path: Path, text: str, sentence: str) -> None:
    sentence_about = refused(written(tmp_path, text))
    assert sentence in sentence_about
    assert "31337" not in sentence_about


def test_groups_are_shown_without_secrets() -> None:
    users = Settings(default_users={"a": {"password": "31337"}}).default_users
    shown = find("default_users", "").shown(users)
    assert "31337" not in shown
    assert "a = {password = (hidden), tags = []" in shown


@pytest.mark.parametrize("text", ["default_user = alice", "[[x", "port = 5672 5673"])
def test_toml_with_a_slip_is_not_taken_for_it(tmp_path: Path, text: str) -> None:
    assert "is not TOML" in refused(written(tmp_path, text))


def test_toml_may_have_any_name(tmp_path: Path) -> None:
    file = tmp_path / "leveret.conf"
    file.write_text('host = "h"  # a.b = c\nport = 1\nloopback_users = ["a.b"]')
    assert load(str(file), {}, {}).port == 1


def test_variables_of_rabbitmqs_without_effect_get_one_warning() -> None:
    environment = {
        "RABBITMQ_NODENAME": "hare@localhost",
        "RABBITMQ_ERLANG_COOKIE": "hare",
        "RABBITMQ_CONF_ENV_FILE": "",
        "RABBITMQ_DEFAULT_USER": "alice",
        "RABBITMQ_URL": "amqp://localhost",
    }
    assert load("", environment, {}).warnings == [
        "Without effect: RABBITMQ_NODENAME, RABBITMQ_ERLANG_COOKIE.  Which of RabbitMQ's variables"
        " leveret reads, and its own, are in docs/configuration.md."
    ]


def test_address_and_port_may_come_from_rabbitmqs_variables() -> None:
    environment = {"RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1", "RABBITMQ_NODE_PORT": "5673"}
    settings = load("", environment, {})
    assert (settings.host, settings.port) == ("127.0.0.1", 5673)
    assert settings.origin["port"] == "RABBITMQ_NODE_PORT"
    assert load("", {"RABBITMQ_NODE_PORT": "tcp://10.0.0.1:5672"}, {}).port == 5672


def test_the_file_may_be_named_by_a_variable(tmp_path: Path) -> None:
    (tmp_path / "rabbitmq.conf").touch()
    whole, bare = str(tmp_path / "rabbitmq.conf"), str(tmp_path / "rabbitmq")
    assert config_file({}) == ""
    assert config_file({"RABBITMQ_CONFIG_FILE": whole}) == whole
    assert config_file({"RABBITMQ_CONFIG_FILE": bare}) == whole
    assert config_file({"RABBITMQ_CONFIG_FILE": "no/such"}) == "no/such"
    assert config_file({"RABBITMQ_CONFIG_FILE": whole, "LEVERET_CONFIG": "a"}) == "a"
