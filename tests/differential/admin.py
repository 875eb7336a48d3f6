"""What an administrator does to a broker: the same words for RabbitMQ and for Leveret.

RabbitMQ is spoken to over the HTTP API of its management plugin, Leveret (in this process) by
calling its node.  A refusal leaves a line in the trace; what was made is taken back afterwards.
"""

import html
import http.client
import json
from abc import ABC, abstractmethod
from base64 import b64encode
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import quote

from leveret import Broker
from leveret.auth.permissions import Permission, TopicPermission
from leveret.broker.alarms import MEMORY
from leveret.broker.node import Node
from leveret.broker.policies import checked_policy
from leveret.errors import BrokerError, NotFound

ALL: Final = ".*"
MISSING: Final = "not found"
MALFORMED: Final = "not a regular expression"


class Refused(Exception):
    """The broker would not; the text is its reason, in the form that both brokers share."""


class Door(ABC):
    """One broker's way to be administered: an action by its name and its values."""

    @abstractmethod
    def perform(self, action: str, values: dict[str, Any]) -> None:
        """Do it.  Raises Refused."""


class Admin:
    """What a scenario calls.  Each method returns whether the broker did it."""

    def __init__(self, door: Door, note: Callable[[str], None]) -> None:
        self._door = door
        self._note = note
        self._undoings: list[tuple[str, dict[str, Any]]] = []

    # --- users ---------------------------------------------------------------------------------

    def add_user(self, name: str, password: str | None = "secret", tags: str = "") -> bool:
        """Make a user, or change the one of that name; None is no password at all."""
        self._later("delete_user", name=name)
        return self._do("add_user", name=name, password=password, tags=tags)

    def delete_user(self, name: str) -> bool:
        return self._do("delete_user", name=name)

    def set_permissions(
        self, user: str, configure: str = ALL, write: str = ALL, read: str = ALL, vhost: str = "/"
    ) -> bool:
        if user == "guest":
            self._later("set_permissions", user=user, vhost=vhost, rights=(ALL, ALL, ALL))
        rights = (configure, write, read)
        return self._do("set_permissions", user=user, vhost=vhost, rights=rights)

    def clear_permissions(self, user: str, vhost: str = "/") -> bool:
        if user == "guest":
            self._later("set_permissions", user=user, vhost=vhost, rights=(ALL, ALL, ALL))
        return self._do("clear_permissions", user=user, vhost=vhost)

    def set_topic_permissions(
        self, user: str, exchange: str, write: str = ALL, read: str = ALL, vhost: str = "/"
    ) -> bool:
        self._later("clear_topic_permissions", user=user, vhost=vhost)
        values = {"user": user, "exchange": exchange, "write": write, "read": read}
        return self._do("set_topic_permissions", vhost=vhost, **values)

    def clear_topic_permissions(self, user: str, vhost: str = "/") -> bool:
        """Lift the restrictions at every exchange."""
        return self._do("clear_topic_permissions", user=user, vhost=vhost)

    def set_user_limit(self, user: str, name: str, value: Any) -> bool:
        """``name`` is max-connections or max-channels."""
        self._later("clear_user_limit", user=user, name=name)
        return self._do("set_user_limit", user=user, name=name, value=value)

    def clear_user_limit(self, user: str, name: str) -> bool:
        return self._do("clear_user_limit", user=user, name=name)

    # --- vhosts --------------------------------------------------------------------------------

    def add_vhost(self, name: str, grant: str = "guest") -> bool:
        """Make a vhost, which the user ``grant`` may do all in; "" for nobody."""
        self._later("delete_vhost", name=name)
        made = self._do("add_vhost", name=name)
        if made and grant:
            self._do("set_permissions", user=grant, vhost=name, rights=(ALL, ALL, ALL))
        return made

    def delete_vhost(self, name: str) -> bool:
        return self._do("delete_vhost", name=name)

    def set_vhost_limit(self, name: str, value: Any, vhost: str = "/") -> bool:
        """``name`` is max-connections or max-queues."""
        self._later("clear_vhost_limit", name=name, vhost=vhost)
        return self._do("set_vhost_limit", name=name, value=value, vhost=vhost)

    def clear_vhost_limit(self, name: str, vhost: str = "/") -> bool:
        return self._do("clear_vhost_limit", name=name, vhost=vhost)

    def trace(self, on: bool, vhost: str = "/") -> bool:
        """Switch the firehose."""
        if on:
            self._later("trace", on=False, vhost=vhost)
        return self._do("trace", on=on, vhost=vhost)

    # --- alarms --------------------------------------------------------------------------------

    def run_low(self, is_low: bool) -> bool:
        """Set or clear the memory alarm."""
        if is_low:
            self._later("run_low", is_low=False)
        return self._do("run_low", is_low=is_low)

    # --- policies and parameters ---------------------------------------------------------------

    def set_policy(
        self,
        name: str,
        pattern: str,
        definition: dict[str, Any],
        priority: int = 0,
        apply_to: str = "all",
        vhost: str = "/",
    ) -> bool:
        return self._set("policy", name, pattern, definition, priority, apply_to, vhost)

    def delete_policy(self, name: str, vhost: str = "/") -> bool:
        return self._do("delete_policy", name=name, vhost=vhost)

    def set_operator_policy(
        self,
        name: str,
        pattern: str,
        definition: dict[str, Any],
        priority: int = 0,
        apply_to: str = "all",
        vhost: str = "/",
    ) -> bool:
        return self._set("operator_policy", name, pattern, definition, priority, apply_to, vhost)

    def delete_operator_policy(self, name: str, vhost: str = "/") -> bool:
        return self._do("delete_operator_policy", name=name, vhost=vhost)

    def _set(self, kind: str, name: str, *rest: Any) -> bool:
        pattern, definition, priority, apply_to, vhost = rest
        self._later(f"delete_{kind}", name=name, vhost=vhost)
        policy = {
            "pattern": pattern,
            "definition": definition,
            "priority": priority,
            "apply-to": apply_to,
        }
        return self._do(f"set_{kind}", name=name, vhost=vhost, policy=policy)

    def set_parameter(self, component: str, name: str, value: Any, vhost: str = "/") -> bool:
        self._later("delete_parameter", component=component, name=name, vhost=vhost)
        return self._do("set_parameter", component=component, name=name, value=value, vhost=vhost)

    def delete_parameter(self, component: str, name: str, vhost: str = "/") -> bool:
        return self._do("delete_parameter", component=component, name=name, vhost=vhost)

    def set_global_parameter(self, name: str, value: Any) -> bool:
        self._later("delete_global_parameter", name=name)
        return self._do("set_global_parameter", name=name, value=value)

    def delete_global_parameter(self, name: str) -> bool:
        return self._do("delete_global_parameter", name=name)

    # --- how -----------------------------------------------------------------------------------

    def _do(self, action: str, **values: Any) -> bool:
        try:
            self._door.perform(action, values)
        except Refused as refusal:
            self._note(f"admin {action} refused: {refusal}")
            return False
        return True

    def _later(self, action: str, **values: Any) -> None:
        self._undoings.append((action, values))

    def undo(self) -> None:
        """Take back what was made, the last thing first; some of it may be gone already."""
        while self._undoings:
            action, values = self._undoings.pop()
            try:
                self._door.perform(action, values)
            except Refused:
                pass


class RabbitDoor(Door):
    """The HTTP API of RabbitMQ's management plugin; ``evaluate`` does what it lacks in Erlang."""

    def __init__(self, port: int, evaluate: Callable[[str], str] | None = None) -> None:
        self._port = port
        self._evaluate = evaluate
        login = b64encode(b"guest:guest").decode()
        self._headers = {"Authorization": f"Basic {login}", "Content-Type": "application/json"}

    def perform(self, action: str, values: dict[str, Any]) -> None:
        if action == "run_low":
            self._run_low(**values)
            return
        verb, path, body = _request(action, values)
        url = "/api/" + "/".join(quote(part, safe="") for part in path)
        # A DELETE without a body must not carry "null".
        content = None if body is None else json.dumps(body)
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        try:
            # One for each request: RabbitMQ closes what is idle, and scenarios may take a while.
            connection.request(verb, url, content, self._headers)
            reply = connection.getresponse()
            octets = reply.read()
        finally:
            connection.close()
        if reply.status == http.client.NOT_FOUND:
            raise Refused(MISSING)
        if reply.status >= http.client.BAD_REQUEST:
            raise Refused(_reason(octets))

    def _run_low(self, is_low: bool) -> None:
        if self._evaluate is None:
            raise Refused("no Erlang at hand")
        mark = "0.0000001" if is_low else "0.6"
        # Whoever is answered by the alarms knows that the connections have heard of this one.
        self._evaluate(
            f"vm_memory_monitor:set_vm_memory_high_watermark({mark}), rabbit_alarm:get_alarms()"
        )


def _reason(octets: bytes) -> str:
    """The reason of a 400 in words."""
    if not octets:
        return "without a word"
    reason = json.loads(octets)["reason"]
    if isinstance(reason, list) and reason[0] == "invalid_regexp":
        return MALFORMED
    if reason == "vhost_or_user_not_found":
        return MISSING
    return repr(html.unescape(str(reason)).strip())


_Request = tuple[str, list[str], dict[str, Any] | None]

_SETS: Final = {
    "set_user_limit": ("user-limits", "user", "name"),
    "set_vhost_limit": ("vhost-limits", "vhost", "name"),
    "set_parameter": ("parameters", "component", "vhost", "name"),
    "set_global_parameter": ("global-parameters", "name"),
}
_POLICIES: Final = {"set_policy": "policies", "set_operator_policy": "operator-policies"}
_DELETES: Final = {
    "delete_user": ("users", "name"),
    "clear_permissions": ("permissions", "vhost", "user"),
    "clear_topic_permissions": ("topic-permissions", "vhost", "user"),
    "clear_user_limit": ("user-limits", "user", "name"),
    "delete_vhost": ("vhosts", "name"),
    "clear_vhost_limit": ("vhost-limits", "vhost", "name"),
    "delete_policy": ("policies", "vhost", "name"),
    "delete_operator_policy": ("operator-policies", "vhost", "name"),
    "delete_parameter": ("parameters", "component", "vhost", "name"),
    "delete_global_parameter": ("global-parameters", "name"),
}


def _request(action: str, values: dict[str, Any]) -> _Request:
    """The HTTP request that does it."""
    if action in _DELETES:
        kind, *names = _DELETES[action]
        return "DELETE", [kind, *(values[name] for name in names)], None
    if action in _SETS:
        kind, *names = _SETS[action]
        return "PUT", [kind, *(values[name] for name in names)], {"value": values["value"]}
    if action in _POLICIES:
        return "PUT", [_POLICIES[action], values["vhost"], values["name"]], values["policy"]
    return _other_request(action, values)


def _other_request(action: str, values: dict[str, Any]) -> _Request:
    if action == "add_user":
        body = {"tags": values["tags"]}
        if values["password"] is None:
            body["password_hash"] = ""
        else:
            body["password"] = values["password"]
        return "PUT", ["users", values["name"]], body
    if action == "set_permissions":
        rights = dict(zip(("configure", "write", "read"), values["rights"], strict=True))
        return "PUT", ["permissions", values["vhost"], values["user"]], rights
    if action == "set_topic_permissions":
        body = {name: values[name] for name in ("exchange", "write", "read")}
        return "PUT", ["topic-permissions", values["vhost"], values["user"]], body
    if action == "add_vhost":
        return "PUT", ["vhosts", values["name"]], {}
    assert action == "trace"
    return "PUT", ["vhosts", values["vhost"]], {"tracing": values["on"]}


class LeveretDoor(Door):
    """The node of a broker in this process."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def perform(self, action: str, values: dict[str, Any]) -> None:
        function = globals()[f"_{action}"]
        try:
            self._broker.call(lambda node: function(node, **values))
        except (NotFound, KeyError) as missing:
            raise Refused(MISSING) from missing
        except BrokerError as refusal:
            raise Refused(repr(refusal.detail.strip())) from refusal
        except ValueError as malformed:
            raise Refused(MALFORMED) from malformed


def _run_low(node: Node, is_low: bool) -> None:
    if is_low:
        node.alarms.set("scenario", MEMORY)
    else:
        node.alarms.clear("scenario")


def _add_user(node: Node, name: str, password: str | None, tags: str) -> None:
    node.users.put(name, password, [tag.strip() for tag in tags.split(",") if tag.strip()])


def _delete_user(node: Node, name: str) -> None:
    node.users.delete(name)


def _set_permissions(node: Node, user: str, vhost: str, rights: tuple[str, str, str]) -> None:
    _ = node.vhosts[vhost]
    node.users.get(user).grant(vhost, Permission(*rights))


def _clear_permissions(node: Node, user: str, vhost: str) -> None:
    _ = node.vhosts[vhost]
    node.users.get(user).revoke(vhost)


def _set_topic_permissions(
    node: Node, user: str, vhost: str, exchange: str, write: str, read: str
) -> None:
    _ = node.vhosts[vhost]
    node.users.get(user).grant_topic(vhost, exchange, TopicPermission(write, read))


def _clear_topic_permissions(node: Node, user: str, vhost: str) -> None:
    _ = node.vhosts[vhost]
    node.users.get(user).revoke_topic(vhost)


def _set_user_limit(node: Node, user: str, name: str, value: Any) -> None:
    node.users.set_limits(user, {name: value})


def _clear_user_limit(node: Node, user: str, name: str) -> None:
    node.users.set_limits(user, {name: -1})


def _add_vhost(node: Node, name: str) -> None:
    if name not in node.vhosts:
        node.add_vhost(name)


def _delete_vhost(node: Node, name: str) -> None:
    node.delete_vhost(name)


def _set_vhost_limit(node: Node, vhost: str, name: str, value: Any) -> None:
    node.vhosts[vhost].limits.set(name, value)


def _clear_vhost_limit(node: Node, vhost: str, name: str) -> None:
    node.vhosts[vhost].limits.delete(name)


def _trace(node: Node, on: bool, vhost: str) -> None:
    node.vhosts[vhost].trace(on)


def _set_policy(node: Node, vhost: str, name: str, policy: dict[str, Any]) -> None:
    node.vhosts[vhost].policies.set(name, *checked_policy(policy, name))


def _delete_policy(node: Node, vhost: str, name: str) -> None:
    node.vhosts[vhost].policies.delete(name)


def _set_operator_policy(node: Node, vhost: str, name: str, policy: dict[str, Any]) -> None:
    node.vhosts[vhost].operator_policies.set(name, *checked_policy(policy, name))


def _delete_operator_policy(node: Node, vhost: str, name: str) -> None:
    node.vhosts[vhost].operator_policies.delete(name)


def _set_parameter(node: Node, vhost: str, component: str, name: str, value: Any) -> None:
    node.vhosts[vhost].parameters.set(component, name, value)


def _delete_parameter(node: Node, vhost: str, component: str, name: str) -> None:
    node.vhosts[vhost].parameters.delete(component, name)


def _set_global_parameter(node: Node, name: str, value: Any) -> None:
    node.global_parameters.set(name, value)


def _delete_global_parameter(node: Node, name: str) -> None:
    node.global_parameters.delete(name)
