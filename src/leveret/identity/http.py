"""Users and rights that a web service knows, as RabbitMQ's ``rabbitmq_auth_backend_http`` asks.

The service answers ``allow``, ``deny``, or to a login ``allow administrator monitoring``.  It is
asked in threads; its answers hold for ``auth_cache_ttl_ms``.  What it does not answer in time, or
not so, is a no, which holds for a second.

Behaviour: RabbitMQ 4.3, plugins rabbitmq_auth_backend_http and rabbitmq_auth_backend_cache.
"""

import hashlib
import http.client
import urllib.parse
from typing import Final, final

from leveret.auth.backends import Attempt, Backend, Login
from leveret.auth.rights import Inquiry, Pending, Rights, Waiter
from leveret.auth.users import LoginFailure, User
from leveret.broker.node import Node
from leveret.config.faults import ConfigError
from leveret.config.settings import Settings
from leveret.identity.memory import Answer, Memory
from leveret.identity.pool import Errand, Pool

NAME: Final = "http"
_MAX_REPLY_OCTETS: Final = 65_536
# How long a failure counts as a no: long enough for whoever asked, short for whoever comes next.
_FAILURE_NS: Final = 1_000_000_000
_PATHS: Final = ("user", "vhost", "resource", "topic")
Fields = dict[str, str]


@final
class Service:
    """Where the service is and how it is asked.  Raises ConfigError for a missing address."""

    def __init__(self, settings: Settings) -> None:
        self.is_post: Final = settings.auth_http_method == "post"
        self.timeout_s: Final = settings.auth_http_timeout_ms / 1000
        urls = {
            "user": settings.auth_http_user_path,
            "vhost": settings.auth_http_vhost_path,
            "resource": settings.auth_http_resource_path,
            "topic": settings.auth_http_topic_path,
        }
        for name in _PATHS:
            parts = urllib.parse.urlsplit(urls[name])
            if parts.scheme not in ("http", "https") or not parts.hostname:
                setting = f"auth_http_{name}_path"
                raise ConfigError(
                    f"{setting} = {urls[name]!r} ({settings.origin[setting]}) is not allowed: "
                    "with auth_backends = http it must be an address such as "
                    f"'http://localhost:8000/auth/{name}'.",
                    settings.origin[setting],
                )
        self._urls: Final = urls

    def ask(self, path: str, fields: Fields) -> str:
        """What the service replies.  Blocks.  Raises OSError, http.client.HTTPException."""
        parts = urllib.parse.urlsplit(self._urls[path])
        query = urllib.parse.urlencode(fields, errors="surrogateescape")
        target = parts.path or "/"
        assert parts.hostname is not None
        kind = http.client.HTTPSConnection if parts.scheme == "https" else None
        connection = (kind or http.client.HTTPConnection)(
            parts.hostname, parts.port, timeout=self.timeout_s
        )
        try:
            if self.is_post:
                headers = {"Content-Type": "application/x-www-form-urlencoded"}
                connection.request("POST", _with(target, parts.query), query, headers)
            else:
                joined = f"{parts.query}&{query}" if parts.query else query
                connection.request("GET", _with(target, joined))
            response = connection.getresponse()
            body = response.read(_MAX_REPLY_OCTETS)
            if response.status not in (200, 201):
                raise http.client.HTTPException(f"its status was {response.status}")
            return body.decode("utf-8", "replace").strip()
        finally:
            connection.close()


def _with(target: str, query: str) -> str:
    return f"{target}?{query}" if query else target


@final
class Question(Errand, Inquiry):
    """One request to the service, and who waits for its answer."""

    def __init__(self, backend: "HttpBackend", name: str, path: str, fields: Fields) -> None:
        self.name: Final = name
        self.path: Final = path
        self.fields: Final = fields
        self._backend: Final = backend
        self._waiters: Final[list[Waiter]] = []
        self.reply = ""
        self.failure = "too many questions to it are under way"

    def begin(self, waiter: Waiter) -> None:
        """Ask, unless that is done already."""
        self._waiters.append(waiter)
        if len(self._waiters) == 1:
            self._backend.ask(self)

    def run(self) -> None:
        """Ask the service, in a thread."""
        try:
            self.reply = self._backend.service.ask(self.path, self.fields)
            self.failure = ""
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.failure = str(error) or type(error).__name__

    def done(self) -> None:
        """Remember the answer and let everybody go on."""
        self._backend.answered(self)
        for waiter in self._waiters:
            waiter.go_on()


@final
class HttpBackend(Backend):
    """Asks the service, and remembers what it said."""

    def __init__(self, node: Node, pool: Pool) -> None:
        self.service: Final = Service(node.settings)
        self._clock: Final = node.clock
        self._notices: Final = node.notices
        self._ttl_ns: Final = node.settings.auth_cache_ttl_ms * 1_000_000
        # Passwords are remembered as their hashes, with a salt of this run.
        self._salt: Final = node.random.octets(16)
        self._pool: Final = pool
        self._memory: Final = Memory()
        self._asked: Final[dict[str, Question]] = {}

    # --- who somebody is -------------------------------------------------------------------

    def authenticate(self, attempt: Attempt) -> User | LoginFailure:
        """The user with the tags that the service gives.  Raises Pending."""
        known = attempt.answers.get(NAME)
        if known is not None:
            return known
        credentials = attempt.credentials
        fields = {"username": credentials.name}
        if not credentials.is_proven:
            fields["password"] = credentials.password
        answer = self.decide("user", fields)
        if answer.is_yes:
            known = User(credentials.name, "", "", answer.words)
        else:
            known = LoginFailure(answer.reason)
        attempt.answers[NAME] = known
        return known

    def authorise(self, user: User, attempt: Attempt) -> Login | LoginFailure:
        """The service decides, for whoever it knows.  Raises Pending."""
        known = self.authenticate(attempt)
        if isinstance(known, LoginFailure):
            return known
        both = User(user.name, "", "", list(dict.fromkeys(user.tags + known.tags)))
        return Login(both, HttpRights(self, both, attempt.peer.host), self)

    # --- asking ----------------------------------------------------------------------------

    def decide(self, path: str, fields: Fields) -> Answer:
        """What the service said to this lately.  Raises Pending when it must be asked."""
        name = self._named(path, fields)
        answer = self._memory.get(name, self._clock.now_ns())
        if answer is not None:
            return answer
        question = self._asked.get(name)
        if question is None:
            question = Question(self, name, path, fields)
        raise Pending(question)

    def _named(self, path: str, fields: Fields) -> str:
        words = [path]
        for key, value in fields.items():
            if key == "password":
                octets = value.encode("utf-8", "surrogateescape")
                value = hashlib.blake2b(octets, key=self._salt, digest_size=16).hexdigest()
            # With its length: whatever is in a name, no two questions look the same.
            words.append(f"{key}={len(value)}:{value}")
        return "&".join(words)

    def ask(self, question: Question) -> None:
        """Send ``question`` on its way."""
        self._asked[question.name] = question
        self._pool.ask(question)

    def answered(self, question: Question) -> None:
        """Remember what became of ``question``."""
        self._asked.pop(question.name, None)
        now = self._clock.now_ns()
        words = question.reply.split()
        if words and words[0] == "allow":
            answer = Answer(True, words[1:], "", now + self._ttl_ns)
        elif words and words[0] == "deny":
            reason = " ".join(words[1:]) or "denied by the HTTP service"
            answer = Answer(False, [], reason, now + self._ttl_ns)
        else:
            why = question.failure or f"it replied {question.reply[:60]!r}"
            reason = f"the HTTP service ({question.path}) gave no answer: {why}"
            self._notices.warn(reason)
            answer = Answer(False, [], reason, now + _FAILURE_NS)
        self._memory.put(question.name, answer)

    def now_ns(self) -> int:
        """The time."""
        return self._clock.now_ns()


@final
class HttpRights(Rights):
    """The service decides what ``user`` may do."""

    def __init__(self, backend: HttpBackend, user: User, host: str) -> None:
        super().__init__()
        self._backend: Final = backend
        self._user: Final = user
        self._host: Final = host
        # When the first of the decisions in use is to be asked for again; 0 for never.
        self._until_ns = 0

    def enters(self, vhost: str) -> bool:
        """Whether the service lets the user into ``vhost`` from where it comes."""
        return self._decided("vhost", {"vhost": vhost, "ip": self._host})

    def allows(self, operation: str, kind: str, vhost: str, name: str) -> bool:
        """Whether the service allows it."""
        fields = {"vhost": vhost, "resource": kind, "name": name, "permission": operation}
        return self._decided("resource", fields)

    def allows_topic(
        self, operation: str, vhost: str, exchange: str, key: str, variables: dict[str, str]
    ) -> bool:
        """Whether the service allows it."""
        fields = {"vhost": vhost, "resource": "topic", "name": exchange, "permission": operation}
        fields["routing_key"] = key
        for name, value in variables.items():
            fields[f"variable_map.{name}"] = value
        return self._decided("topic", fields)

    def grow_old(self, now_ns: int) -> bool:
        """True once when a decision that was relied on is too old."""
        if self._until_ns == 0 or now_ns < self._until_ns:
            return False
        self._until_ns = 0
        return True

    def _decided(self, path: str, fields: Fields) -> bool:
        user = self._user
        tags = " ".join(user.tags)
        answer = self._backend.decide(path, {"username": user.name, **fields, "tags": tags})
        if self._until_ns == 0 or answer.until_ns < self._until_ns:
            self._until_ns = answer.until_ns
        return answer.is_yes
