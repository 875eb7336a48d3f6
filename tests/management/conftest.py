"""A broker with its HTTP API, and somebody who asks it."""

from collections.abc import Callable, Iterator

import pytest
from tests.management.client import Client

import leveret
from leveret.auth.permissions import Permission


@pytest.fixture
def managed() -> "Iterator[leveret.Broker]":
    """A fresh broker with an HTTP API."""
    with leveret.Broker(management=True) as broker:
        yield broker


@pytest.fixture
def client(managed: leveret.Broker) -> Client:
    """The administrator."""
    return Client(managed.management_url)


@pytest.fixture
def somebody(managed: leveret.Broker) -> Callable[..., Client]:
    """Makes a user with these tags who may do all in these vhosts."""

    def make(name: str, *tags: str, vhosts: tuple[str, ...] = ()) -> Client:
        def add(node: "leveret.broker.node.Node") -> None:
            user = node.users.add(name, "secret", list(tags))
            for vhost in vhosts:
                user.grant(vhost, Permission(".*", ".*", ".*"))

        managed.call(add)
        return Client(managed.management_url, name, "secret")

    return make
