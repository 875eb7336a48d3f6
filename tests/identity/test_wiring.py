"""leveret.identity.wiring"""

import sys

import pytest
from tests.fakes import new_node

from leveret.config.faults import ConfigError
from leveret.identity.wiring import connect


def test_the_internal_users_need_nothing_else() -> None:
    node = new_node()
    loaded = set(sys.modules)
    connect(node).close()
    assert set(sys.modules) == loaded
    assert node.logins.missing() == []


def test_a_name_that_nobody_has_stops_the_start_and_says_what_there_is() -> None:
    with pytest.raises(ConfigError) as error:
        connect(new_node(auth_backends=["internal", "ldap"]))
    assert str(error.value) == (
        "auth_backends (argument) names 'ldap', which is none: there are internal, http, oauth2, "
        "and what packages install as leveret.auth_backends."
    )


def test_what_is_named_is_there_afterwards() -> None:
    paths = {f"auth_http_{name}_path": "http://localhost:1/x" for name in ("user", "vhost")}
    paths |= {f"auth_http_{name}_path": "http://localhost:1/x" for name in ("resource", "topic")}
    node = new_node(auth_backends=["http/internal", "http"], **paths)
    assert node.logins.missing() == ["http"]
    connect(node).close()
    assert node.logins.missing() == []
