"""Dockerfile, docker-compose.yml and packaging/: as far as it goes without running any of them."""

import json
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.cli.conftest import call

import leveret
from leveret.config.settings import Settings
from leveret.config.sources import check_file

ROOT = Path(__file__).resolve().parents[2]
PACKAGING = ROOT / "packaging"
DOCKERFILE = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
SERVICE = PACKAGING / "leveret.service"
IMAGE_FOLDER = "/var/lib/leveret"


def documents(path: Path) -> list[Any]:
    return list(yaml.safe_load_all(path.read_text()))


def instruction(name: str) -> list[str]:
    """What follows an instruction of the Dockerfile, wherever it stands."""
    return [text.strip() for text in re.findall(rf"^{name} (.*)$", DOCKERFILE, re.MULTILINE)]


def ctl_words(words: list[str]) -> list[str]:
    """The words that are for ``leveret ctl``."""
    assert words[:2] == ["leveret", "ctl"]
    return words[2:]


def health_check() -> list[str]:
    """The command of the Dockerfile's HEALTHCHECK."""
    words: list[str] = json.loads(instruction("HEALTHCHECK")[0].partition("CMD ")[2])
    return words


def kubernetes() -> tuple[dict[str, Any], dict[str, Any]]:
    """The pod and its container."""
    _, stateful_set = documents(PACKAGING / "kubernetes.yaml")
    pod = stateful_set["spec"]["template"]["spec"]
    return pod, pod["containers"][0]


def test_the_image_is_small_and_runs_as_nobody_in_particular() -> None:
    assert instruction("FROM")[-1].startswith("python:3.11-slim")
    assert instruction("USER") == ["leveret"]
    assert instruction("CMD") == ['["leveret", "serve"]']
    assert {"5672", "15672", "15692"} <= set(instruction("EXPOSE")[0].split())
    assert instruction("VOLUME") == [IMAGE_FOLDER]


def test_what_the_image_copies_is_there_and_not_ignored() -> None:
    allowed = (ROOT / ".dockerignore").read_text().splitlines()
    for source, *_ in [text.split() for text in instruction("COPY") if "--from" not in text]:
        assert (ROOT / source).exists()
        assert source == "." or f"!{source.split('/')[0]}" in allowed
    for needed in ("src", "pyproject.toml", "setup.py", "README.md", "LICENSE"):
        assert f"!{needed}" in allowed
        assert (ROOT / needed).exists()


def test_the_settings_of_the_image_are_right() -> None:
    settings = Settings()
    assert check_file(settings, str(PACKAGING / "container.toml"), {}) == []
    assert settings.warnings == []
    assert settings.loopback_users == []
    assert settings.data_dir == IMAGE_FOLDER


def test_the_health_checks_tell_a_broker_from_none(
    managed: leveret.Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    probes = [health_check(), kubernetes()[1]["livenessProbe"]["exec"]["command"]]
    # Whatever user and password the broker has.
    monkeypatch.setenv("LEVERET_PASSWORD", "another")
    assert [call(*ctl_words(words)).status for words in probes] == [0, 0]
    monkeypatch.setenv("LEVERET_URL", "http://127.0.0.1:1")
    assert [call(*ctl_words(words)).status for words in probes] == [69, 69]


def test_compose_honours_rabbitmqs_variables() -> None:
    (composed,) = documents(ROOT / "docker-compose.yml")
    broker = composed["services"]["broker"]
    assert broker["ports"] == ["5672:5672", "15672:15672"]
    assert broker["environment"]["RABBITMQ_DEFAULT_USER"] == "${RABBITMQ_DEFAULT_USER:-guest}"
    assert broker["environment"]["RABBITMQ_DEFAULT_PASS"] == "${RABBITMQ_DEFAULT_PASS:-guest}"
    name, _, folder = broker["volumes"][0].partition(":")
    assert folder == IMAGE_FOLDER
    assert name in composed["volumes"]


def test_kubernetes_names_its_ports_and_its_disk_alike() -> None:
    service, stateful_set = documents(PACKAGING / "kubernetes.yaml")
    pod, container = kubernetes()
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert {port["targetPort"]: port["port"] for port in service["spec"]["ports"]} == ports
    labels = stateful_set["spec"]["template"]["metadata"]["labels"]
    assert service["spec"]["selector"] == labels == stateful_set["spec"]["selector"]["matchLabels"]
    (claim,) = stateful_set["spec"]["volumeClaimTemplates"]
    assert container["volumeMounts"] == [
        {"name": claim["metadata"]["name"], "mountPath": IMAGE_FOLDER}
    ]
    assert pod["securityContext"]["runAsUser"] == int(re.findall(r"--uid (\d+)", DOCKERFILE)[0])
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_systemd_is_told_when_the_broker_is_ready() -> None:
    lines = SERVICE.read_text().splitlines()
    assert "Type=notify" in lines
    (command,) = [line for line in lines if line.startswith("ExecStart=")]
    assert shlex.split(command.removeprefix("ExecStart="))[1:] == ["serve"]
    for hardening in ("DynamicUser=yes", "ProtectSystem=strict", "NoNewPrivileges=yes"):
        assert hardening in lines


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_systemd_finds_nothing_wrong(tmp_path: Path) -> None:
    # It looks whether the program is there.
    program = shutil.which("true") or ""
    text = re.sub(r"^ExecStart=\S+", f"ExecStart={program}", SERVICE.read_text(), flags=re.M)
    unit = tmp_path / SERVICE.name
    unit.write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", str(unit)],
        env=os.environ | {"SYSTEMD_LOG_LEVEL": "warning"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    complaints = [line for line in done.stderr.splitlines() if SERVICE.name in line]
    assert complaints == []
