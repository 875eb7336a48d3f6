"""One request of ``http_writes``, and what many of them have in common."""

from typing import Any, Final

# Why some answers differ.
CRASHES: Final = "RabbitMQ crashes over it with a 500; here it is refused"
STRICTER: Final = (
    "what cannot be sent, or means nothing, is refused and not cut, wrapped or retyped"
)
NEWER: Final = "RabbitMQ 3.10 does not have it yet; as in 4.3"
LATER: Final = "as in RabbitMQ 4.3"
WORDS: Final = "the same refusal in other words"
OWN: Final = "of the broker itself: what it is, and how it writes it down"
NO_FORM: Final = "there is no login by a form: the page sends what others send"


class Ask:
    """One request; ``differs`` says why its answer is another than RabbitMQ's, if it is."""

    def __init__(
        self, method: str, path: str, body: Any = None, user: str = "guest", differs: str = ""
    ) -> None:
        self.method, self.path, self.body = method, path, body
        self.user, self.differs = user, differs

    def __repr__(self) -> str:
        return f"{self.method} {self.path} {self.body!r:.200} by {self.user or 'nobody'}"


def get(path: str, body: Any = None, user: str = "guest", differs: str = "") -> Ask:
    return Ask("GET", path, body, user, differs)


def put(path: str, body: Any = None, user: str = "guest", differs: str = "") -> Ask:
    return Ask("PUT", path, body, user, differs)


def post(path: str, body: Any = None, user: str = "guest", differs: str = "") -> Ask:
    return Ask("POST", path, body, user, differs)


def delete(path: str, body: Any = None, user: str = "guest", differs: str = "") -> Ask:
    return Ask("DELETE", path, body, user, differs)


def patch(path: str, body: Any = None, user: str = "guest", differs: str = "") -> Ask:
    return Ask("PATCH", path, body, user, differs)


def without(values: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key != name}


LONG: Final = "n" * 256
RIGHTS: Final = {"configure": ".*", "write": ".*", "read": ".*"}
POLICY: Final = {
    "pattern": "^p\\.",
    "definition": {"max-length": 5},
    "priority": 1,
    "apply-to": "queues",
}
PUBLISH: Final = {
    "properties": {},
    "routing_key": "q1",
    "payload": "hello",
    "payload_encoding": "string",
}
GET: Final = {"count": 2, "ackmode": "ack_requeue_true", "encoding": "auto"}
TOPIC: Final = {"exchange": "amq.topic", "write": "^a", "read": ".*"}
