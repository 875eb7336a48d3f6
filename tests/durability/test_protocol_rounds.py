"""Brokers killed while MQTT and STOMP clients talk to them: a few rounds of the programs."""

from pathlib import Path

import pytest
from tests.durability.mqtt_rounds import crash
from tests.durability.stomp_rounds import Rounds


@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", ["classic", "quorum"])
def test_mqtt_keeps_its_promises(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEVERET_MQTT_DURABLE_QUEUE_TYPE", kind)
    assert crash(2, 1, tmp_path / "data") > 0


@pytest.mark.timeout(300)
def test_stomps_receipts_are_kept(tmp_path: Path) -> None:
    rounds = Rounds(tmp_path / "data", 1)
    rounds.run(1)
    assert rounds.known.receipted
