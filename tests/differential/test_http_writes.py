"""Requests that change things are answered as by RabbitMQ, but for what is meant to differ."""

import pytest
from tests.differential.http_asks import ASKS
from tests.differential.http_writes import compared
from tests.oracle import MANAGEMENT, Oracle, is_installed, missing

import leveret


@pytest.mark.oracle
def test_leveret_answers_as_rabbitmq_does() -> None:
    reason = missing()
    if reason is not None:
        pytest.skip(reason)
    if not is_installed(MANAGEMENT):
        pytest.skip("needs RabbitMQ's management plugin")
    with Oracle(plugins=(MANAGEMENT,)) as oracle, leveret.Broker(management=True) as broker:
        theirs = f"http://127.0.0.1:{oracle.management_port}"

        assert compared(broker.management_url, theirs, ASKS) == []
