"""Every answer of the HTTP API has RabbitMQ's fields and types; http_known.py has the others."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.differential.http_known import KNOWN, reason_for
from tests.differential.http_shapes import PATHS, Site, differences, shape_of, wait_until
from tests.oracle import MANAGEMENT, Oracle, is_installed, missing

import leveret


@pytest.fixture(scope="module")
def rabbitmq() -> Iterator[Site]:
    reason = missing()
    if reason is not None or not is_installed(MANAGEMENT):
        pytest.skip(reason or "needs RabbitMQ's management plugin")
    with Oracle(plugins=(MANAGEMENT,)) as oracle:
        site = Site(oracle.url, f"http://{oracle.host}:{oracle.management_port}")
        wait_until(site.is_settled, "RabbitMQ's statistics")
        yield site
        site.close()


@pytest.fixture(scope="module")
def ours(rabbitmq: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder: Path = tmp_path_factory.mktemp("data")
    with leveret.Broker(management=True, data_dir=folder) as broker:
        site = Site(broker.url, broker.management_url)
        wait_until(site.is_settled, "our statistics")
        yield site
        site.close()


@pytest.mark.oracle
@pytest.mark.slow
def test_every_answer_has_the_same_shape(rabbitmq: Site, ours: Site) -> None:
    found = [
        difference
        for path in PATHS
        for difference in differences(path, rabbitmq.shape(path), ours.shape(path))
    ]
    new = [difference for difference in found if not reason_for(difference)]
    assert not new, "\n".join(new)


def test_every_known_difference_has_a_reason() -> None:
    assert [known for known in KNOWN if not known[3]] == []


def test_a_shape_is_names_and_types() -> None:
    assert shape_of({"a": [{"b": 1}, {"b": None, "c": True}]}) == {
        "": {"object"},
        "a": {"list"},
        "a[]": {"object"},
        "a[].b": {"number", "null"},
        "a[].c": {"boolean"},
    }


def test_differences_are_told_once() -> None:
    theirs = 200, shape_of({"a": {"b": 1}, "c": "x", "d": None})
    ours = 200, shape_of({"c": 1, "d": None, "e": 1})
    assert list(differences("/p", theirs, ours)) == [
        "/p: less a",
        "/p: type c string here number",
        "/p: more e",
    ]
    assert list(differences("/p", theirs, (404, {}))) == ["/p: status 200 here 404"]
    assert reason_for("/p: less a") == ""
    assert reason_for("/api/queues: less [].reductions") != ""
