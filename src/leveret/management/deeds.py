"""Changing things for whoever asks: what the body says, the deed, its refusals, and the disk.

A view that changes something calls ``perform``: it returns when what was changed is on the disk,
if there is one.  Behaviour: RabbitMQ 4.3, "HTTP API"; 3.10, compared.  Control plane.
"""

import asyncio
import base64
import binascii
from collections.abc import Callable
from typing import Any, Final, TypeVar, final

from leveret.auth.access import Access
from leveret.auth.rights import Pending
from leveret.broker.actor import Actor
from leveret.broker.node import Node
from leveret.broker.shapes import Shape
from leveret.broker.vhost import VHost
from leveret.errors import (
    AccessRefused,
    BrokerError,
    Invalid,
    NotAllowed,
    PreconditionFailed,
    ResourceLocked,
)
from leveret.errors import NotFound as NoSuchThing
from leveret.management.api import BadRequest, Call, NotAuthorised, Refusal, View, answered
from leveret.store.catalog import CommitWaiter
from leveret.store.journal import Waiter
from leveret.tables import Table

# RabbitMQ's words for whatever the rights on a queue or exchange do not allow.
REFUSED: Final = "Access refused."
Result = TypeVar("Result")
Schema = dict[str, Any]


def takes(**properties: Schema) -> Callable[[View], View]:
    """Say what the body of a view is, as JSON Schema; those with ``required`` must be there."""
    schema = {
        "type": "object",
        "properties": {
            name.replace("__", "-"): {key: one for key, one in facts.items() if key != "required"}
            for name, facts in properties.items()
        },
        "required": [name for name, facts in properties.items() if facts.get("required")],
    }

    def mark(view: View) -> View:
        setattr(view, "schema", schema)  # noqa: B010 functions have any attribute
        return view

    return mark


# --- what the body says ----------------------------------------------------------------------


class Body:
    """A JSON object.  Readers raise BadRequest, in RabbitMQ's words."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.values: Final = values

    def need(self, *keys: str) -> None:
        """Insist on those."""
        missing = [f"{{key_missing,{key}}}" for key in keys if key not in self.values]
        if missing:
            raise BadRequest(f"[{','.join(missing)}]")

    def text(self, key: str, default: str = "") -> str:
        """A string, of characters that can be sent."""
        value = self.values.get(key)
        if value is None:
            return default
        if not isinstance(value, str):
            raise BadRequest(["not_string", key])
        try:
            value.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:  # half a character, as JSON can say it
            raise BadRequest(["not_string", key]) from None
        return value

    def name(self, key: str, default: str = "") -> str:
        """A string that the protocols can carry as a name."""
        return short(key, self.text(key, default))

    def flag(self, key: str, default: bool = False) -> bool:
        """A boolean, or one as text."""
        value = self.values.get(key)
        if value is None:
            return default
        if value in ("true", "false"):
            return bool(value == "true")
        if not isinstance(value, bool):
            raise BadRequest(["not_boolean", value])
        return value

    def number(self, key: str, default: int) -> int:
        """A whole number, or one as text."""
        value = self.values.get(key)
        if value is None:
            return default
        if isinstance(value, str) and _is_number(value):
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 1 << 63:
            raise BadRequest(["not_integer", value])
        return value

    def words(self, key: str) -> list[str]:
        """A list of strings, or one with commas."""
        value = self.values.get(key)
        if isinstance(value, str):
            return [word.strip() for word in value.split(",") if word.strip()]
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise BadRequest(["not_a_list_of_strings", key])
        return [Body({key: word}).text(key) for word in value]

    def arguments(self, key: str = "arguments") -> Table:
        """A field table."""
        value = self.values.get(key)
        if value is None:
            return {}
        try:
            return Shape("", self.values).arguments(key)
        except Invalid as invalid:
            raise BadRequest(_nulls(invalid.detail)) from None


def _is_number(text: str) -> bool:
    digits = text.removeprefix("-")
    return digits.isascii() and digits.isdecimal() and len(digits) < 20


def _nulls(detail: str) -> str:
    return "null_not_allowed" if detail.endswith("not null") else detail


def short(what: str, text: str) -> str:
    """``text``, if the protocols can carry it as a short string.  Raises BadRequest."""
    try:
        size = len(text.encode("utf-8", "surrogateescape"))
    except UnicodeEncodeError:
        raise BadRequest(["not_string", what]) from None
    if size > 255:
        raise BadRequest(f"{what} should be less than 255 bytes, actually was {size}\n")
    return text


async def body_of(call: Call, *needed: str) -> Body:
    """The body, which must have the keys that are ``needed``.  Raises BadRequest."""
    try:
        value = await call.json()
    except BadRequest:
        raise BadRequest("not_json") from None
    if value is None:
        value = {}
    if not isinstance(value, dict):
        raise BadRequest("not_json")
    body = Body(value)
    body.need(*needed)
    return body


def octets_of(text: str, encoding: str) -> bytes:
    """A payload as it came in JSON.  Raises BadRequest."""
    if encoding == "string":
        return text.encode("utf-8", "surrogatepass")
    if encoding != "base64":
        raise BadRequest(["unsupported_encoding", encoding])
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise BadRequest(["not_base64", text]) from None


# --- deeds -----------------------------------------------------------------------------------


@final
class Written(CommitWaiter):
    """Somebody who waits until what was declared is on the disk."""

    def __init__(self) -> None:
        self.done: Final = asyncio.Event()

    def on_committed(self, number: int) -> None:
        """It is."""
        self.done.set()


@final
class Synced(Waiter):
    """Somebody who waits until what was published is on the disk."""

    def __init__(self) -> None:
        self.done: Final = asyncio.Event()

    def on_synced(self, number: int) -> None:
        """It is."""
        self.done.set()


async def perform(call: Call, deed: Callable[[], Result]) -> Result:
    """Do ``deed``, again as often as it raises Pending, and wait for the disk.

    Raises the Refusal that tells of what the broker refused, and what else ``deed`` raises.
    """
    node = call.node
    while True:
        commits = node.commits
        before = commits.change_count if commits is not None else 0
        try:
            result = deed()
        except Pending as pending:
            await answered(pending.inquiry)
            continue
        except BrokerError as refusal:
            raise refused(refusal) from None
        finally:
            hold_funerals(node)
        if commits is not None and commits.change_count != before:
            written = Written()
            commits.wait_for_commit(written)
            call.wake()
            await written.done.wait()
        return result


def hold_funerals(node: Node) -> None:
    """Send on what died of a deed."""
    for vhost in node.vhosts.values():
        if vhost.dying:
            vhost.hold_funerals()


async def synced(call: Call, vhost: VHost, owed: int) -> None:
    """Wait until batch ``owed`` of the journal is on the disk; 0 is nothing to wait for."""
    ledger = vhost.ledger
    if ledger is None or owed <= ledger.journal.safe:
        return
    waiter = Synced()
    ledger.journal.wait(owed, waiter)
    call.wake()
    await waiter.done.wait()


def actor_in(call: Call, vhost: VHost) -> Actor:
    """Whoever asks, at work in ``vhost``."""
    return Actor(vhost, Access(call.user, vhost.name, call.rights))


def refused(refusal: BrokerError) -> Refusal:
    """What the client is told of a deed that was refused."""
    if isinstance(refusal, NoSuchThing):
        return Refusal(404, "not_found", refusal.detail)
    if isinstance(refusal, AccessRefused | NotAllowed):
        return NotAuthorised(REFUSED)
    return BadRequest(refusal.detail)


async def target(call: Call) -> VHost:
    """The vhost that something is to be made or changed in.  Raises Refusal."""
    name = call.names["vhost"]
    if name not in call.node.vhosts:
        raise Refusal(404, "not_found", "vhost_not_found")
    return await call.vhost()


def code_of(refusal: BrokerError) -> str:
    """A refusal's code and name, as AMQP 0-9-1 has them."""
    if isinstance(refusal, NoSuchThing):
        return "404 NOT_FOUND"
    if isinstance(refusal, ResourceLocked):
        return "405 RESOURCE_LOCKED"
    if isinstance(refusal, PreconditionFailed):
        return "406 PRECONDITION_FAILED"
    return "541 INTERNAL_ERROR"
