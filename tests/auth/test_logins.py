"""leveret.auth.backends, and ways to log in over real connections"""

from collections.abc import Iterator

import pika
import pytest
from tests.certificates import Certificates, TlsWire
from tests.fakes import FakeRandom
from tests.wire import HEADER, Method, Wire

import leveret
from leveret.auth.backends import Attempt, Backend, Login, Logins
from leveret.auth.permissions import Permission
from leveret.auth.rights import InternalRights
from leveret.auth.sasl import Credentials
from leveret.auth.users import LoginFailure, User, Users
from leveret.broker.node import Node
from leveret.events import Events
from leveret.session import Peer

NEAR = Peer("127.0.0.1", 1, "127.0.0.1", 2)
FAR = Peer("192.0.2.1", 1, "192.0.2.2", 2)


class Knows(Backend):
    """Knows one user."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self.asked = 0

    def authenticate(self, attempt: Attempt) -> User | LoginFailure:
        self.asked += 1
        if attempt.credentials.name != self.name:
            return LoginFailure(f"not {self.name}")
        return User(self.name, "", "", ["outside"])

    def authorise(self, user: User, attempt: Attempt) -> Login | LoginFailure:
        return Login(user, InternalRights(user), self)


def users() -> Users:
    made = Users(FakeRandom(), ["guest"], Events())
    made.add("guest", "guest", [])
    made.add("alice", "secret", [])
    return made


def attempt(
    name: str, password: str = "secret", peer: Peer = NEAR, proven: bool = False
) -> Attempt:
    return Attempt(Credentials(name, password, proven), "PLAIN", peer)


def test_the_first_back_end_that_says_yes_wins() -> None:
    logins = Logins(["internal", "one", "two"], users())
    one, two = Knows("bob"), Knows("bob")
    logins.register("one", one)
    logins.register("two", two)
    found = logins.login(attempt("bob"))
    assert isinstance(found, Login) and found.backend is one
    assert (one.asked, two.asked) == (1, 0)


def test_every_no_is_told_to_the_log() -> None:
    logins = Logins(["internal", "one"], users())
    logins.register("one", Knows("bob"))
    found = logins.login(attempt("carol"))
    assert isinstance(found, LoginFailure)
    assert found.reason == "there is no user 'carol'; not bob"


def test_one_back_end_may_say_who_and_another_what() -> None:
    known = users()
    logins = Logins(["one/internal"], known)
    logins.register("one", Knows("alice"))
    found = logins.login(attempt("alice", "whatever"))
    assert isinstance(found, Login) and found.user is known.by_name["alice"]
    assert isinstance(logins.login(attempt("guest", "guest")), LoginFailure)


def test_a_name_that_is_proven_needs_no_password_but_a_user() -> None:
    logins = Logins(["internal"], users())
    assert isinstance(logins.login(attempt("alice", "", proven=True)), Login)
    assert isinstance(logins.login(attempt("alice", "")), LoginFailure)
    assert isinstance(logins.login(attempt("", "", proven=True)), LoginFailure)
    assert isinstance(logins.login(attempt("guest", "", FAR, True)), LoginFailure)


@pytest.mark.parametrize("chain", [["internal"], ["one/internal"], ["one"], ["other", "one"]])
def test_guest_is_from_here_only_whoever_says_who_it_is(chain: list[str]) -> None:
    logins = Logins(chain, users())
    logins.register("one", Knows("guest"))
    logins.register("other", Knows("other"))
    assert isinstance(logins.login(attempt("guest", "guest", NEAR)), Login)
    assert isinstance(logins.login(attempt("guest", "guest", FAR)), LoginFailure)


def test_limits_go_by_the_name_whoever_vouches_for_it() -> None:
    known = users()
    known.set_limits("alice", {"max-channels": 7})
    logins = Logins(["one"], known)
    logins.register("one", Knows("alice"))
    found = logins.login(attempt("alice"))
    assert isinstance(found, Login)
    assert found.user.limit("max-channels") == 7
    known.set_limits("alice", {"max-channels": 8})
    assert found.user.limit("max-channels") == 8
    known.clear_limits("alice")
    assert found.user.limit("max-channels") == -1


def test_without_back_ends_nobody_comes_in() -> None:
    assert isinstance(Logins([], users()).login(attempt("alice")), LoginFailure)


@pytest.mark.parametrize("item", ["a/b/c", "/", "", "a/", "/b"])
def test_an_item_has_one_name_or_two(item: str) -> None:
    with pytest.raises(ValueError, match="no item of auth_backends"):
        Logins([item], users())


def test_a_back_end_that_is_not_there_is_missing() -> None:
    logins = Logins(["internal", "b/a", "a"], users())
    assert logins.missing() == ["a", "b"]
    logins.register("a", Knows("x"))
    assert logins.missing() == ["b"]


# ------------------------------------------------------------------------------ over the wire


def begin(wire: Wire, mechanism: str, response: str = "") -> Method:
    wire.send_octets(HEADER)
    wire.start = wire.expect("connection.start")
    properties = {"capabilities": {"authentication_failure_close": True}}
    values = {"client_properties": properties, "mechanism": mechanism, "response": response}
    return wire.call("connection.start-ok", 0, locale="en_US", **values)


def test_anonymous_is_guest_unless_it_is_switched_off() -> None:
    with leveret.Broker() as broker, Wire(port=broker.port) as wire:
        assert begin(wire, "ANONYMOUS").name == "connection.tune"
    settings = {"anonymous_login_user": "none"}
    with leveret.Broker(settings=settings) as broker, Wire(port=broker.port) as wire:
        close = begin(wire, "ANONYMOUS")
        assert close.reply_text == "COMMAND_INVALID - unknown authentication mechanism 'ANONYMOUS'"
        assert wire.start is not None and wire.start.mechanisms == "PLAIN AMQPLAIN"


def test_a_mechanism_that_is_not_in_the_settings_is_none() -> None:
    settings = {"auth_mechanisms": ["AMQPLAIN"]}
    with leveret.Broker(settings=settings) as broker, Wire(port=broker.port) as wire:
        assert begin(wire, "PLAIN", "\0guest\0guest").reply_code == 503
        assert wire.start is not None and wire.start.mechanisms == "AMQPLAIN"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"), "robot")


@pytest.fixture(scope="module")
def sealed(certificates: Certificates) -> Iterator[leveret.Broker]:
    """Takes certificates, insists on none, and knows the user ``robot``, who has no password."""
    settings = certificates.mutual | {
        "tls_fail_if_no_peer_cert": False,
        "auth_mechanisms": ["PLAIN", "EXTERNAL"],
        "ssl_cert_login_from": "common_name",
    }
    with leveret.Broker(settings=settings) as broker:
        broker.call(add_robot)
        yield broker


def add_robot(node: Node) -> None:
    node.users.add("robot", None, []).grant("/", Permission(".*", ".*", ".*"))


def tls_port(broker: leveret.Broker) -> int:
    return int(broker.tls_url.split(":")[-1].split("/")[0])


def test_a_certificate_logs_in_by_its_name(
    sealed: leveret.Broker, certificates: Certificates
) -> None:
    context = certificates.context(with_certificate=True)
    with TlsWire(tls_port(sealed), context) as wire:
        assert begin(wire, "EXTERNAL").name == "connection.tune"


def test_external_is_not_for_who_shows_no_certificate(
    sealed: leveret.Broker, certificates: Certificates
) -> None:
    with TlsWire(tls_port(sealed), certificates.context()) as wire:
        assert begin(wire, "EXTERNAL", "robot").reply_code == 503
        assert wire.start is not None and wire.start.mechanisms == "PLAIN"
    with Wire(port=sealed.port) as wire:
        assert begin(wire, "EXTERNAL", "robot").reply_code == 503


def test_who_has_a_certificate_and_no_user_stays_outside(
    sealed: leveret.Broker, certificates: Certificates
) -> None:
    cert, key = certificates.issue("stranger.example", name="stranger")
    context = certificates.context()
    context.load_cert_chain(cert, key)
    with TlsWire(tls_port(sealed), context) as wire:
        assert begin(wire, "EXTERNAL").reply_code == 403


def test_pika_logs_in_with_its_certificate(
    sealed: leveret.Broker, certificates: Certificates
) -> None:
    parameters = pika.ConnectionParameters(
        "localhost",
        tls_port(sealed),
        ssl_options=pika.SSLOptions(certificates.context(with_certificate=True), "localhost"),
        credentials=pika.credentials.ExternalCredentials(),
    )
    with pika.BlockingConnection(parameters) as connection:
        connection.channel().queue_declare("q")
