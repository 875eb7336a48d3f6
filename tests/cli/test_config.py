"""leveret.cli.config"""

import json
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from leveret.cli.config import config
from leveret.config.sources import load
from leveret.config.table import TABLE

RABBITMQS = """
default_user = alice
default_pass = h"are
listeners.tcp.default = 5673
heartbeat = 30
default_users.b\\.c.password = x
management.tcp.port = 15673
cluster_partition_handling = ignore
"""


@pytest.fixture(autouse=True)
def no_settings_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LEVERET_CONFIG", "LEVERET_PORT", "RABBITMQ_CONFIG_FILE"):
        monkeypatch.delenv(name, raising=False)


def run(*words: str) -> Result:
    return CliRunner().invoke(config, words)


def written(folder: Path, name: str, text: str) -> str:
    (folder / name).write_text(text)
    return str(folder / name)


def test_every_setting_is_shown_but_no_password() -> None:
    done = run("show")
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert [line.split(" = ")[0] for line in lines] == [row.name for row in TABLE]
    assert "port = 5672" in lines
    assert 'default_pass = "(hidden)"' in lines
    assert tomllib.loads(done.stdout)["max_connections"] == "unlimited"


def test_the_origin_of_each_value_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = written(tmp_path, "leveret.toml", "heartbeat_s = 7\n")
    monkeypatch.setenv("LEVERET_PORT", "5673")
    said = run("show", "--origin", "--config", file).stdout
    origins = {line.split(" = ")[0]: line.rsplit("  # ")[1] for line in said.splitlines()}
    assert origins["heartbeat_s"] == f"{file}:1"
    assert origins["port"] == "LEVERET_PORT"
    assert origins["host"] == "default"
    assert tomllib.loads(said)["heartbeat_s"] == 7


def test_the_file_may_come_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEVERET_CONFIG", written(tmp_path, "a.toml", "heartbeat_s = 7\n"))
    assert json.loads(run("show", "--json").stdout)["heartbeat_s"] == 7


def test_json_has_values_or_values_with_origins() -> None:
    plain = json.loads(run("show", "--json").stdout)
    both = json.loads(run("show", "--json", "--origin").stdout)
    assert plain["loopback_users"] == ["guest"]
    assert plain["default_pass"] == "(hidden)"
    assert both["loopback_users"] == {"value": ["guest"], "origin": "default"}


def test_a_file_that_is_right_is_fine(tmp_path: Path) -> None:
    done = run("check", written(tmp_path, "a.toml", "heartbeat_s = 7\nport = 1"))
    assert done.exit_code == 0
    assert f"is fine: it sets 2 of {len(TABLE)} settings." in done.stdout


@pytest.mark.parametrize(
    ("name", "text", "count"),
    [
        ("a.toml", "prot = 1\nheartbeat_s = -1\nhost = 1", 3),
        ("a.toml", "port =", 1),
        ("a.toml", "frame_max = 4096\nmin_frame_max = 8192", 1),
        ("rabbitmq.conf", "a.b = 1\nheartbeat = x\nno line", 3),
        ("advanced.config", "[].", 1),
    ],
)
def test_all_that_is_wrong_with_a_file_is_told(
    tmp_path: Path, name: str, text: str, count: int
) -> None:
    done = run("check", written(tmp_path, name, text))
    assert done.exit_code == 78
    assert len(done.stderr.splitlines()) == count
    assert done.stdout == ""


@pytest.mark.parametrize(
    "text",
    ['load_definitions = "no/such.json"', 'auth_backends = ["ldap"]', 'tls_certfile = "no/such"'],
)
def test_a_start_may_be_tried(tmp_path: Path, text: str) -> None:
    file = written(tmp_path, "a.toml", text)
    assert run("check", file).exit_code == 0
    done = run("check", "--start", file)
    assert done.exit_code == 78
    assert text.split(" ")[0] in done.stderr
    assert run("check", "--start", written(tmp_path, "b.toml", "port = 1")).exit_code == 0


def test_a_missing_file_is_told() -> None:
    done = run("check", "no/such.toml")
    assert done.exit_code == 78
    assert (
        done.stderr == "The config file no/such.toml cannot be read: No such file or directory.\n"
    )


def test_what_is_without_effect_is_told(tmp_path: Path) -> None:
    done = run("check", written(tmp_path, "rabbitmq.conf", RABBITMQS))
    assert done.exit_code == 0
    assert "cluster_partition_handling (one node is all there is yet)" in done.stderr


def test_a_rabbitmq_conf_is_converted_and_means_the_same(tmp_path: Path) -> None:
    file = written(tmp_path, "rabbitmq.conf", RABBITMQS)
    done = run("convert", file)
    assert done.exit_code == 0
    assert done.stdout.startswith("# Without effect in ")
    assert "port = 5673\n" in done.stdout
    assert "management_port = 15673\n" in done.stdout
    converted = load(written(tmp_path, "leveret.toml", done.stdout), {}, {})
    original = load(file, {}, {})
    for row in TABLE:
        assert getattr(converted, row.name) == getattr(original, row.name)
    assert list(converted.default_users) == ["b.c"]


def test_a_wrong_configuration_is_not_shown(tmp_path: Path) -> None:
    done = run("show", "--config", written(tmp_path, "a.toml", "port = 0.5"))
    assert done.exit_code == 78
    assert "port = 0.5" in done.stderr


def test_a_slip_in_the_command_is_recognised() -> None:
    assert "Did you mean check?" in run("chek").output
