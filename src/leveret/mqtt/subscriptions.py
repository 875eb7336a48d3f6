"""Which of a session's subscriptions a message is for, and how it is to be sent.

A message is sent once, whatever number of them match: at the highest QoS among them, with the
identifiers of all.  They are bindings of the session's queues; the options are arguments of these.
Source: MQTT 5.0, section 3.3.4.
"""

from typing import Final, final

from mypy_extensions import mypyc_attr

from leveret.mqtt.properties import SUBSCRIPTION_IDENTIFIER, PropertyWriter
from leveret.tables import BOOL, INTEGERS, TABLE, UINT8, UINT32, Field, Table

# As RabbitMQ calls the argument; it is absent where nothing is asked for.
OPTIONS: Final = "x-mqtt-subscription-opts"
_QOS: Final = "qos"
_NO_LOCAL: Final = "no-local"
_RETAIN: Final = "retain-as-published"
_IDENTIFIER: Final = "id"
# Verdicts are remembered for so many routing keys.
_MAX_KEYS: Final = 1024


@final
class Subscription:
    """One filter of a session, with its options.  ``identifier`` is 0 for none."""

    def __init__(
        self,
        key: str,
        qos: int,
        is_no_local: bool = False,
        is_retain_as_published: bool = False,
        identifier: int = 0,
    ) -> None:
        self.key: Final = key
        self.qos: Final = qos
        self.is_no_local: Final = is_no_local
        self.is_retain_as_published: Final = is_retain_as_published
        self.identifier: Final = identifier

    def arguments(self) -> Table:
        """Those of its binding."""
        is_plain = not (self.is_no_local or self.is_retain_as_published or self.identifier)
        if is_plain and self.qos < 2:
            # The name of the queue says as much.
            return {}
        options: Table = {_QOS: Field(UINT8, self.qos)}
        options[_NO_LOCAL] = Field(BOOL, self.is_no_local)
        options[_RETAIN] = Field(BOOL, self.is_retain_as_published)
        if self.identifier:
            options[_IDENTIFIER] = Field(UINT32, self.identifier)
        return {OPTIONS: Field(TABLE, options)}


def read_subscription(key: str, arguments: Table, qos: int) -> Subscription:
    """That of a binding; ``qos`` is what its queue is for."""
    field = arguments.get(OPTIONS)
    if field is None or field.kind != TABLE:
        return Subscription(key, qos)
    assert isinstance(field.value, dict)
    options: Table = field.value
    return Subscription(
        key,
        min(_number(options, _QOS, qos), 2),
        _flag(options, _NO_LOCAL),
        _flag(options, _RETAIN),
        _number(options, _IDENTIFIER, 0),
    )


def _number(options: Table, name: str, default: int) -> int:
    field = options.get(name)
    if field is None or field.kind not in INTEGERS:
        return default
    assert isinstance(field.value, int)
    return max(field.value, 0)


def _flag(options: Table, name: str) -> bool:
    field = options.get(name)
    return field is not None and field.value is True


@final
@mypyc_attr(acyclic=True)
class Verdict:
    """How messages with one routing key are sent to a client: at most with ``qos``.

    ``is_wanted`` is false when they are not for it at all.  ``identifiers`` are the octets of the
    properties that name the subscriptions.
    """

    def __init__(
        self, is_wanted: bool, qos: int, is_retain_as_published: bool, identifiers: bytes
    ) -> None:
        self.is_wanted: Final = is_wanted
        self.qos: Final = qos
        self.is_retain_as_published: Final = is_retain_as_published
        self.identifiers: Final = identifiers


# For what somebody else let into a session's queue.
STRANGE: Final = Verdict(True, 2, False, b"")
_UNWANTED: Final = Verdict(False, 0, False, b"")


@final
class Branch:
    """One place in a trie of subscriptions: the levels that may come next, and what ends here."""

    def __init__(self) -> None:
        self.next: Final[dict[str, Branch]] = {}
        self.subscription: Subscription | None = None


@final
class Subscriptions:
    """Those of one session, by binding key.

    ``is_plain``: none asks for more than QoS 0 and what every message is sent with, so that none
    needs to be looked at, unless its topic begins with ``$``.
    """

    def __init__(self) -> None:
        self.by_key: Final[dict[str, Subscription]] = {}
        self.is_plain = True
        self._root = Branch()
        self._verdicts: dict[str, Verdict] = {}

    def add(self, subscription: Subscription) -> None:
        """Take it in, in place of one with the same filter."""
        self.by_key[subscription.key] = subscription
        branch = self._root
        for level in subscription.key.split("."):
            following = branch.next.get(level)
            if following is None:
                following = Branch()
                branch.next[level] = following
            branch = following
        branch.subscription = subscription
        self._verdicts = {}
        if not _is_plain(subscription):
            self.is_plain = False

    def remove(self, key: str) -> None:
        """Forget the one with this key."""
        if self.by_key.pop(key, None) is None:
            return
        path = [self._root]
        levels = key.split(".")
        for level in levels:
            path.append(path[-1].next[level])
        path[-1].subscription = None
        for index in range(len(levels), 0, -1):
            if path[index].next or path[index].subscription is not None:
                break
            del path[index - 1].next[levels[index - 1]]
        self._verdicts = {}
        self.is_plain = min([_is_plain(each) for each in self.by_key.values()], default=True)

    def verdict(self, key: str, is_own: bool) -> Verdict:
        """How a message with the routing ``key`` is sent; ``is_own``: the client published it."""
        if is_own:
            return self._find(key, True)
        found = self._verdicts.get(key)
        if found is None:
            found = self._find(key, False)
            if len(self._verdicts) >= _MAX_KEYS:
                self._verdicts = {}
            self._verdicts[key] = found
        return found

    def _find(self, key: str, is_own: bool) -> Verdict:
        found = self.matching(key)
        if not found:
            # Wildcards of AMQP match topics that begin with a dollar, those of MQTT do not.
            return _UNWANTED if key.startswith("$") else STRANGE
        if is_own:
            found = [each for each in found if not each.is_no_local]
            if not found:
                return _UNWANTED
        writer = PropertyWriter()
        for each in found:
            if each.identifier:
                writer.number(SUBSCRIPTION_IDENTIFIER, each.identifier)
        qos = max([each.qos for each in found])
        is_kept = max([each.is_retain_as_published for each in found])
        return Verdict(True, qos, is_kept, writer.octets())

    def matching(self, key: str) -> list[Subscription]:
        """Those that messages with the routing ``key`` are for.

        Wildcards do not match a first level that begins with ``$``.
        """
        found: list[Subscription] = []
        places = [self._root]
        is_reserved = key.startswith("$")
        for level in key.split("."):
            following: list[Branch] = []
            for place in places:
                if not is_reserved:
                    _take(found, place.next.get("#"))
                    _go(following, place.next.get("*"))
                if level != "*" and level != "#":
                    _go(following, place.next.get(level))
            is_reserved = False
            places = following
        for place in places:
            _take(found, place)
            _take(found, place.next.get("#"))
        return found


def _take(found: list[Subscription], branch: Branch | None) -> None:
    if branch is not None and branch.subscription is not None:
        found.append(branch.subscription)


def _go(following: list[Branch], branch: Branch | None) -> None:
    if branch is not None:
        following.append(branch)


def _is_plain(subscription: Subscription) -> bool:
    """Whether it asks for nothing but what everybody gets, with QoS 0."""
    each = subscription
    has_options = each.is_no_local or each.is_retain_as_published or each.identifier > 0
    return each.qos == 0 and not has_options
