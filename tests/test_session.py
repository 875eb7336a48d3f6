"""leveret.session"""

import pytest

from leveret.session import Peer, TlsFacts


@pytest.mark.parametrize(
    ("host", "is_loopback"),
    [
        ("127.0.0.1", True),
        ("127.8.9.10", True),
        ("::1", True),
        ("", False),
        ("10.0.0.1", False),
        ("2001:db8::1", False),
    ],
)
def test_a_peer_knows_whether_it_runs_on_this_machine(host: str, is_loopback: bool) -> None:
    assert Peer(host, 1, "127.0.0.1", 5672).is_loopback is is_loopback


def test_a_peer_is_named_by_both_ends() -> None:
    assert Peer("10.0.0.1", 4321, "10.0.0.2", 5672).name == "10.0.0.1:4321 -> 10.0.0.2:5672"
    assert Peer("10.0.0.1", 1, "fd00::1", 2).name == "10.0.0.1:1 -> [fd00::1]:2"
    assert Peer("::1", 1, "::1", 2).name == "[::1]:1 -> [::1]:2"


def test_who_is_said_to_be_local_by_a_proxy_elsewhere_is_not() -> None:
    assert not Peer("127.0.0.1", 1, "127.0.0.1", 5672, may_be_near=False).is_loopback


def test_without_tls_there_are_no_facts_about_it() -> None:
    assert Peer("127.0.0.1", 1, "127.0.0.1", 5672).tls is None
    facts = TlsFacts("TLSv1.3", "TLS_AES_256_GCM_SHA384")
    assert not facts.is_verified
    assert Peer("127.0.0.1", 1, "127.0.0.1", 5672, facts).tls is facts
