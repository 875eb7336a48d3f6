"""The commands of leveret.cli.ctl, asking a Leveret."""

import io
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pika
import pytest
from pika.exceptions import ConnectionClosedByBroker
from tests.cli.conftest import Ctl, Done, call

import leveret
from leveret.cli.ctl.catalogue import COMMANDS
from leveret.cli.ctl.program import run


def connect(broker: leveret.Broker) -> pika.BlockingConnection:
    return pika.BlockingConnection(pika.URLParameters(broker.url))


def fails(done: Done, status: int, sentence: str) -> None:
    assert (done.status, sentence in done.err) == (status, True), done.err


# ------------------------------------------------------------------------------------ what is said


def test_a_banner_comes_first_and_is_left_out_for_programs(ctl: Ctl) -> None:
    assert ctl("list_users").lines == ["Listing users ...", "user\ttags", "guest\t[administrator]"]
    assert ctl("list_users", "-q").lines == ["user\ttags", "guest\t[administrator]"]
    assert ctl("-s", "list_users").lines == ["guest\t[administrator]"]
    assert ctl("list_users", "-q", "--no-table-headers").lines == ["guest\t[administrator]"]
    assert json.loads(ctl("list_users", "--formatter", "json").out) == [
        {"user": "guest", "tags": ["administrator"]}
    ]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_names_cannot_steer_a_terminal_and_reach_programs_as_they_are(
    managed: leveret.Broker,
) -> None:
    managed.call(lambda node: node.add_vhost("\x1b[2J", ""))
    terminal, pipe = Terminal(), io.StringIO()
    assert [run(["list_vhosts", "-s"], out, io.StringIO()) for out in (terminal, pipe)] == [0, 0]
    assert sorted(terminal.getvalue().splitlines()) == ["/", "·[2J"]
    assert sorted(pipe.getvalue().splitlines()) == ["\x1b[2J", "/"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["add_vhost"], "not enough arguments"),
        (["list_users", "extra"], "too many arguments"),
        (["list_queues", "--odd"], "--odd"),
        (["list_queues", "bogus", "name"], "Info key(s) bogus are not supported"),
        (["list_vhosts", "bogus"], "Info key(s) bogus are not supported"),
        (["list_queu"], "Did you mean 'list_queues'?"),
        (["list_users", "--formatter", "xml"], "no formatter 'xml'"),
        (["list_users", "--timeout", "soon"], "is not a timeout"),
        (["status", "--unit", "acre"], "no unit 'acre'"),
    ],
)
def test_a_wrong_call_is_a_mistake_of_usage(ctl: Ctl, words: list[str], sentence: str) -> None:
    fails(ctl(*words), 64, sentence)


def test_no_password_is_ever_repeated(ctl: Ctl) -> None:
    done = [
        ctl("--password", "sesame", "list_users", "extra"),
        ctl("add_user", "anna", "sesame", "extra"),
        ctl("add_user", "anna", "sesame", "--odd=sesame"),
        ctl("add_user", "anna", "sesame"),
        ctl("--user", "anna", "--password", "sesame2", "list_users"),
        ctl("authenticate_user", "anna", "sesame2"),
        ctl("report"),
    ]
    assert [one for one in done if "sesame" in one.out + one.err] == []


def test_help_needs_no_broker(alone: None) -> None:
    assert "list_queues" in call("help").out
    assert "list_queues" in call("--help").out
    assert "messages_unacknowledged" in call("help", "list_queues").out
    assert "<conf> <write> <read>" in call("set_permissions", "--help").out
    assert call("autocomplete", "list_q").lines == ["list_queues"]
    fails(call("help", "bogus"), 64, "not found")
    nothing = call()
    fails(nothing, 64, "list_queues")


def test_no_command_lacks_its_help(alone: None) -> None:
    for name in COMMANDS:
        assert f"leveret ctl {name}" in call("help", name).out


def test_nobody_there_is_status_69(alone: None) -> None:
    fails(call("--port", "1", "list_users"), 69, "no broker answers at http://127.0.0.1:1")


def test_who_may_not_is_told_so(ctl: Ctl) -> None:
    fails(ctl("--user", "guest", "--password", "x", "list_users"), 77, "Login failed")
    ctl("add_user", "anna", "pw")
    ctl("set_user_tags", "anna", "monitoring")
    fails(ctl("--user", "anna", "--password", "pw", "add_vhost", "v"), 77, "user 'anna'")


@pytest.mark.parametrize("name", ["eval", "stop_app", "join_cluster", "rotate_logs", "stop"])
def test_what_has_no_meaning_here_says_why(ctl: Ctl, name: str) -> None:
    done = ctl(name, "x")
    fails(done, 69, f"{name} has no meaning here: ")
    assert "Traceback" not in done.err


# -------------------------------------------------------------------------------- users and rights


def test_the_life_of_a_user(ctl: Ctl) -> None:
    done = ctl("add_user", "anna", "pw")
    assert done.status == 0
    assert done.lines[0] == 'Adding user "anna" ...'
    assert ctl("add_user", "ben", "pw", "-q").out == ""
    fails(ctl("add_user", "anna", "pw"), 70, 'User "anna" already exists')
    assert ctl("authenticate_user", "anna", "pw").lines[-1] == "Success"
    fails(ctl("authenticate_user", "anna", "no"), 65, "failed to authenticate")
    assert ctl("change_password", "anna", "other").status == 0
    assert ctl("authenticate_user", "anna", "other").status == 0
    assert ctl("set_user_tags", "anna", "monitoring", "policymaker").lines == [
        'Setting tags for user "anna" to [monitoring, policymaker] ...'
    ]
    assert "anna\t[monitoring, policymaker]" in ctl("list_users").lines
    assert ctl("authenticate_user", "anna", "other").status == 0, "the tags took the password away"
    ctl("clear_password", "anna")
    fails(ctl("authenticate_user", "anna", "other"), 65, "failed to authenticate")
    assert ctl("delete_user", "anna").status == 0
    for words in (
        ["delete_user", "anna"],
        ["change_password", "anna", "x"],
        ["set_user_tags", "anna"],
        ["set_permissions", "anna", "", "", ""],
        ["list_user_permissions", "anna"],
        ["set_user_limits", "anna", "{}"],
    ):
        fails(ctl(*words), 67, 'User "anna" does not exist')


def test_a_hash_may_be_made_and_used(ctl: Ctl) -> None:
    made = ctl("hash_password", "pw").out.strip()
    assert ctl("add_user", "anna", made, "--pre-hashed-password").status == 0
    assert ctl("authenticate_user", "anna", "pw").status == 0


def test_a_password_may_come_from_standard_input(managed: leveret.Broker) -> None:
    command = [sys.executable, "-m", "leveret", "ctl", "add_user", "anna"]
    done = subprocess.run(
        command, input="from a pipe\n", capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert call("authenticate_user", "anna", "from a pipe").status == 0


def test_permissions(ctl: Ctl) -> None:
    ctl("add_vhost", "v1")
    ctl("add_user", "anna", "pw")
    assert ctl("set_permissions", "-p", "v1", "anna", "^a", ".*", "").status == 0
    assert "anna\t^a\t.*\t" in ctl("list_permissions", "-p", "v1").lines
    assert ctl("list_user_permissions", "-q", "anna").lines == [
        "vhost\tconfigure\twrite\tread",
        "v1\t^a\t.*\t",
    ]
    fails(ctl("set_permissions", "-p", "no", "anna", "", "", ""), 65, "'no' does not exist")
    fails(ctl("list_permissions", "-p", "no"), 65, "'no' does not exist")
    fails(ctl("set_permissions", "anna", "(", "", ""), 69, "invalid_regexp")
    assert ctl("clear_permissions", "-p", "v1", "anna").status == 0
    assert ctl("clear_permissions", "-p", "v1", "anna").status == 0
    assert ctl("list_user_permissions", "-q", "anna").out == ""
    ctl("set_permissions_globally", "anna", "a", "b", "c")
    assert sorted(ctl("list_user_permissions", "-s", "anna").lines) == [
        "/\ta\tb\tc",
        "v1\ta\tb\tc",
    ]


def test_topic_permissions(ctl: Ctl) -> None:
    ctl("add_user", "anna", "pw")
    for exchange in ("amq.topic", "other"):
        assert ctl("set_topic_permissions", "anna", exchange, "^a", "^b").status == 0
    assert sorted(ctl("list_topic_permissions", "-s").lines) == [
        "anna\tamq.topic\t^a\t^b",
        "anna\tother\t^a\t^b",
    ]
    ctl("clear_topic_permissions", "anna", "other")
    assert ctl("list_user_topic_permissions", "-s", "anna").lines == ["/\tamq.topic\t^a\t^b"]
    ctl("clear_topic_permissions", "anna")
    assert ctl("list_user_topic_permissions", "-s", "anna").lines == []


def test_limits_of_users(ctl: Ctl) -> None:
    ctl("add_user", "anna", "pw")
    assert ctl("set_user_limits", "anna", '{"max-connections":3}').status == 0
    assert ctl("list_user_limits", "-q", "--user", "anna").lines == ['{"max-connections":3}']
    assert ctl("list_user_limits", "-s").lines == ['anna\t{"max-connections":3}']
    fails(ctl("set_user_limits", "anna", '{"odd":3}'), 69, "'odd'")
    fails(ctl("set_user_limits", "anna", "{odd"), 69, "JSON decoding error")
    ctl("clear_user_limits", "anna", "all")
    assert ctl("list_user_limits", "-q").lines == []


# ------------------------------------------------------------------------------------ virtual hosts


def test_the_life_of_a_virtual_host(ctl: Ctl) -> None:
    told = ("--description", "A place", "--tags", "a,b", "--default-queue-type", "quorum")
    assert ctl("add_vhost", "v1", *told).lines == ['Adding vhost "v1" ...']
    assert ctl("add_vhost", "v1", *told).status == 0, "it is there already, which is no mistake"
    columns = ("name", "description", "tags", "default_queue_type", "tracing")
    assert "v1\tA place\t[a, b]\tquorum\tfalse" in ctl("list_vhosts", *columns).lines
    assert ctl("trace_on", "-p", "v1").lines[-1] == "Trace enabled for vhost v1"
    assert ctl("set_vhost_tags", "v1", "c").status == 0
    assert ctl("update_vhost_metadata", "v1", "--description", "Other").status == 0
    assert "v1\tOther\t[c]\tquorum\ttrue" in ctl("list_vhosts", *columns).lines
    ctl("trace_off", "-p", "v1")
    assert "v1\tOther\t[c]\tquorum\tfalse" in ctl("list_vhosts", *columns).lines
    assert ctl("list_queues", "-p", "v1", "-q").out == ""
    assert ctl("delete_vhost", "v1").status == 0
    fails(ctl("delete_vhost", "v1"), 65, "'v1' does not exist")
    fails(ctl("list_queues", "-p", "v1"), 65, "'v1' does not exist")
    fails(ctl("trace_on", "-p", "v1"), 65, "'v1' does not exist")


def test_limits_of_virtual_hosts(ctl: Ctl) -> None:
    limits = '{"max-connections":10,"max-queues":5}'
    assert ctl("set_vhost_limits", limits).status == 0
    assert ctl("list_vhost_limits", "-q").lines == [limits]
    assert ctl("list_vhost_limits", "-s", "--global").lines == [f"/\t{limits}"]
    ctl("set_vhost_limits", '{"max-queues":6}')
    assert ctl("list_vhost_limits", "-q").lines == ['{"max-queues":6}'], "the others were lifted"
    fails(ctl("set_vhost_limits", '{"odd":1}'), 69, "'odd'")
    ctl("clear_vhost_limits")
    assert ctl("list_vhost_limits", "-q").out == ""


# ------------------------------------------------------------------------- policies and parameters


def test_policies(ctl: Ctl) -> None:
    words = ["lim", "^short", '{"max-length":5}', "--priority", "3", "--apply-to", "queues"]
    assert ctl("set_policy", *words).status == 0
    assert ctl("list_policies", "-q").lines == [
        "vhost\tname\tpattern\tapply-to\tdefinition\tpriority",
        '/\tlim\t^short\tqueues\t{"max-length":5}\t3',
    ]
    fails(ctl("set_policy", "bad", "^x", '{"foo":1}'), 69, "not recognised policy settings")
    fails(ctl("set_policy", "bad", "^x", "{bad"), 69, "JSON decoding error")
    fails(ctl("set_policy", "bad", "^x", "{}", "--priority", "high"), 64, "is not a priority")
    fails(ctl("set_policy", "-p", "no", "bad", "^x", '{"max-length":5}'), 65, "does not exist")
    assert ctl("clear_policy", "lim").status == 0
    fails(ctl("clear_policy", "lim"), 69, "Parameter does not exist")
    assert ctl("set_operator_policy", "op", "^x", '{"max-length":9}').status == 0
    assert ctl("list_operator_policies", "-s").lines == ['/\top\t^x\tall\t{"max-length":9}\t0']
    assert ctl("clear_operator_policy", "op").status == 0


def test_parameters(ctl: Ctl) -> None:
    assert ctl("set_global_parameter", "mine", '{"a":1,"b":["x"]}').status == 0
    assert 'mine\t{"a":1,"b":["x"]}' in ctl("list_global_parameters").lines
    assert ctl("clear_global_parameter", "mine").status == 0
    fails(ctl("clear_global_parameter", "mine"), 69, "Parameter does not exist")
    fails(ctl("set_parameter", "bogus", "a", "{}"), 69, "")
    ctl("set_vhost_limits", '{"max-queues":5}')
    assert 'vhost-limits\tlimits\t{"max-queues":5}' in ctl("list_parameters").lines


# ----------------------------------------------------------------------------- queues and the rest


def test_lists_show_what_there_is(ctl: Ctl, managed: leveret.Broker) -> None:
    with connect(managed) as connection:
        channel = connection.channel()
        channel.queue_declare("jobs", durable=True, arguments={"x-max-length": 10})
        channel.exchange_declare("orders", "topic", durable=True)
        channel.queue_bind("jobs", "orders", "orders.#", arguments={"a": 1, "b": "x"})
        for _ in range(3):
            channel.basic_publish("", "jobs", b"12345")
        channel.basic_qos(prefetch_count=1)
        channel.basic_consume("jobs", lambda *_: None, consumer_tag="eater")
        connection.process_data_events(0)
        columns = ("name", "messages_ready", "messages_unacknowledged", "durable", "arguments")
        listed = ctl("list_queues", *columns, "-s").out
        assert listed.startswith('jobs\t2\t1\ttrue\t[{"x-max-length",10}')
        assert ctl("list_queues", "-q").lines == ["name\tmessages", "jobs\t3"]
        assert "orders\ttopic\ttrue" in ctl("list_exchanges", "name", "type", "durable").lines
        assert '\torders.#\t[{"a",1},{"b","x"}]' in ctl("list_bindings").out
        channels = ctl("list_channels", "-s", "pid", "connection", "number", "prefetch_count")
        name = ctl("list_connections", "-s", "name").lines[0]
        assert channels.lines == [f"{name} (1)\t{name}\t1\t1"]
        assert ctl("list_connections", "-s", "protocol", "user").lines == ["{0,9,1}\tguest"]
        assert ctl("list_consumers", "-s").lines == [f"jobs\t{name} (1)\teater\ttrue\t1\ttrue\t[]"]
        assert ctl("list_unresponsive_queues", "-q").out == ""


def test_queues_are_purged_and_deleted(ctl: Ctl, managed: leveret.Broker) -> None:
    with connect(managed) as connection:
        channel = connection.channel()
        channel.queue_declare("jobs")
        channel.confirm_delivery()
        channel.basic_publish("", "jobs", b"x")
        fails(ctl("delete_queue", "jobs", "--if-empty"), 64, "not empty")
        assert ctl("purge_queue", "jobs").lines == ["Purging queue 'jobs' in vhost '/' ..."]
        assert ctl("list_queues", "-s").lines == ["jobs\t0"]
        channel.basic_consume("jobs", lambda *_: None)
        fails(ctl("delete_queue", "jobs", "--if-unused"), 64, "in use")
    assert ctl("delete_queue", "jobs", "--if-empty", "--if-unused").status == 0
    fails(ctl("delete_queue", "jobs"), 64, "Queue not found")
    fails(ctl("purge_queue", "jobs"), 69, "not_found")


@pytest.mark.parametrize(
    "words",
    [
        ["close_connection", "NAME", "for a reason"],
        ["close_all_connections", "for a reason"],
        ["close_all_connections", "for a reason", "--global", "--limit", "1"],
        ["close_all_user_connections", "guest", "for a reason"],
    ],
)
def test_connections_are_closed_with_the_reason(
    ctl: Ctl, managed: leveret.Broker, words: list[str]
) -> None:
    connection = connect(managed)
    name = ctl("list_connections", "-s", "name").lines[0]
    assert ctl(*[name if word == "NAME" else word for word in words]).status == 0
    deadline = time.monotonic() + 60
    with pytest.raises(ConnectionClosedByBroker, match="for a reason"):
        while time.monotonic() < deadline:
            connection.process_data_events(0.1)


def test_connections_of_others_stay(ctl: Ctl, managed: leveret.Broker) -> None:
    with connect(managed):
        ctl("add_vhost", "v1")
        assert ctl("close_all_connections", "-p", "v1", "x").lines[-1] == "Closed 0 connections"
        assert ctl("close_all_user_connections", "nobody", "x").status == 0
        assert len(ctl("list_connections", "-s").lines) == 1
        fails(ctl("close_connection", "bogus", "x"), 69, "no connection 'bogus'")


def test_definitions_go_out_and_come_in(ctl: Ctl, tmp_path: Path) -> None:
    file = str(tmp_path / "all.json")
    ctl("add_vhost", "v1")
    ctl("set_policy", "-p", "v1", "lim", "^x", '{"max-length":5}')
    assert ctl("export_definitions", file).status == 0
    written = json.loads(Path(file).read_text())
    assert "v1" in [one["name"] for one in written["vhosts"]]
    assert json.loads(ctl("export_definitions", "-").out)["policies"] == written["policies"]
    ctl("delete_vhost", "v1")
    assert ctl("import_definitions", file).status == 0
    assert ctl("list_policies", "-s", "-p", "v1").lines == ['v1\tlim\t^x\tall\t{"max-length":5}\t0']
    fails(ctl("export_definitions", str(tmp_path / "no" / "f")), 73, "cannot write")
    fails(ctl("import_definitions", str(tmp_path / "no")), 65, "cannot read")
    Path(file).write_text("[]")
    fails(ctl("import_definitions", file), 65, "holds no definitions")
    Path(file).write_text("{")
    fails(ctl("import_definitions", file), 65, "is no JSON")


# --------------------------------------------------------------------------------------- the broker


def test_the_broker_tells_of_itself(ctl: Ctl, managed: leveret.Broker) -> None:
    assert ctl("ping").lines[-1] == "Ping succeeded"
    assert ctl("version").out.strip() == leveret.__version__
    status = ctl("status")
    assert status.status == 0
    assert f"OS PID: {os.getpid()}" in status.lines
    assert f"port: {managed.port}, protocol: amqp" in status.out
    facts = json.loads(ctl("status", "--formatter", "json").out)
    assert facts["totals"] == {"connection_count": 0, "queue_count": 0, "virtual_host_count": 1}
    assert "Running Nodes" in ctl("cluster_status").lines
    assert "heartbeat_s = 60" in ctl("environment").lines
    assert any(line.startswith('default_pass = "(hidden)"') for line in ctl("environment").lines)
    report = ctl("report").out
    assert "Listing queues for vhost /" in report
    assert "Status of node" in report


def test_a_ping_needs_no_login(ctl: Ctl) -> None:
    assert ctl("--user", "nobody", "--password", "x", "ping").status == 0
    assert ctl("--user", "nobody", "--password", "x", "await_startup").status == 0


def test_waiting_for_a_broker_ends(alone: None) -> None:
    fails(call("--port", "1", "-t", "1", "await_startup"), 75, "within 1 seconds")


@pytest.mark.parametrize(
    "name",
    [
        *("check_alarms", "check_local_alarms", "check_virtual_hosts", "check_running"),
        *("check_port_connectivity", "node_health_check", "check_if_node_is_quorum_critical"),
        *("check_certificate_expiration", "alarms", "list_feature_flags", "is_running"),
    ],
)
def test_a_healthy_broker_passes_every_check(ctl: Ctl, name: str) -> None:
    done = ctl(name)
    assert done.status == 0, done.err


def test_listeners_are_checked(ctl: Ctl, managed: leveret.Broker) -> None:
    assert ctl("check_port_listener", str(managed.port)).status == 0
    assert ctl("check_port_listener", "1").status == 69
    assert ctl("check_protocol_listener", "amqp").status == 0
    assert ctl("check_protocol_listener", "bogus").status == 69


# ---------------------------------------------------------------------------------------- the shims


def test_a_script_for_rabbitmqctl_runs_as_it_is(managed: leveret.Broker, tmp_path: Path) -> None:
    assert call("install-shim", str(tmp_path / "bin")).status == 0
    calls = [
        "rabbitmqctl -q -n rabbit@localhost list_users",
        "rabbitmq-diagnostics -q ping",
        "rabbitmq-plugins list -E prom",
    ]
    path = f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", "-ec", "\n".join(calls)],
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.splitlines() == [
        "user\ttags",
        "guest\t[administrator]",
        "Ping succeeded",
        "[E*] rabbitmq_prometheus",
    ]


def test_plugins_are_part_of_it_or_not_there(alone: None) -> None:
    enabled = call("plugins", "enable", "--offline", "rabbitmq_management", "rabbitmq_prometheus")
    assert (enabled.status, "always enabled" in enabled.out) == (0, True)
    fails(call("plugins", "enable", "rabbitmq_odd"), 69, "does not do what rabbitmq_odd does")
    fails(call("plugins", "disable", "rabbitmq_management"), 69, "part of Leveret")
    fails(call("plugins", "paint", "rabbitmq_management"), 64, "'paint'")
    assert "[E*] rabbitmq_management" in call("plugins", "list").lines
    assert call("plugins", "list", "--minimal", "prom").lines == ["rabbitmq_prometheus"]


def test_a_program_that_is_not_ours_stays(tmp_path: Path) -> None:
    theirs = tmp_path / "rabbitmqctl"
    theirs.write_text("#!/bin/sh\n")
    fails(call("install-shim", str(tmp_path)), 73, "not ours")
    assert theirs.read_text() == "#!/bin/sh\n"
    assert call("install-shim", str(tmp_path), "--force").status == 0
    assert call("install-shim", str(tmp_path)).status == 0
