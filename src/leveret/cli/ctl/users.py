"""Commands about users: their passwords, tags and limits."""

import base64
import hashlib
import secrets
from typing import Any, Final

from leveret.cli.client import NO_PERMISSION, Api, Refusal
from leveret.cli.ctl.asking import compact, password_of, table_of, user_of
from leveret.cli.ctl.command import BAD_DATA, SOFTWARE, Answer, BadCall, Call, Command, Facts, Rows
from leveret.cli.ctl.erlang import atoms
from leveret.cli.refusals import Failure

_ADVICE: Final = (
    "Done. Don't forget to grant the user permissions to some virtual hosts!"
    " See 'leveret ctl help set_permissions' to learn more."
)
_HASHES: Final = {"sha256": hashlib.sha256, "sha512": hashlib.sha512, "md5": hashlib.md5}
_ALGORITHM: Final = "rabbit_password_hashing_"
_LIMITS: Final = ("max-connections", "max-channels")


def add_user(call: Call) -> Answer:
    """Make one that is not there yet."""
    name = call.arguments[0]
    password = password_of(call, 1)
    call.say(f'Adding user "{name}" ...')
    if call.api.find("users", name) is not None:
        raise Failure(f'User "{name}" already exists', SOFTWARE)
    kind = "password_hash" if call.has("pre-hashed-password") else "password"
    call.api.put("users", name, body={kind: password, "tags": ""})
    return None if call.is_quiet else _ADVICE


def authenticate_user(call: Call) -> Answer:
    """Whether a user could log in."""
    name = call.arguments[0]
    password = password_of(call, 1)
    call.say(f'Authenticating user "{name}" ...')
    # Our own login first: if nobody answers, or to us only, that is not the password's fault.
    call.api.get("whoami")
    address = call.api.address
    user, own = address.user, address.password
    address.user, address.password = name, password
    other = Api(address)
    try:
        other.get("whoami")
    except Refusal as refusal:
        if refusal.exit_code != NO_PERMISSION or is_let_in(refusal):
            return "Success"
        raise Failure(
            f'Error: failed to authenticate user "{name}"\n{refusal.reason}', BAD_DATA
        ) from None
    finally:
        other.close()
        address.user, address.password = user, own
    return "Success"


def is_let_in(refusal: Refusal) -> bool:
    """Whether the password was right: only tags lack, which the API wants and others do not."""
    return "login failed" not in refusal.reason.lower() and "management" in refusal.reason.lower()


def change_password(call: Call) -> Answer:
    """Give a user another password."""
    name = call.arguments[0]
    password = password_of(call, 1)
    call.say(f'Changing password for user "{name}" ...')
    tags = user_of(call, name).get("tags", [])
    call.api.put("users", name, body={"password": password, "tags": joined(tags)})
    return None


def clear_password(call: Call) -> Answer:
    """Leave a user without any password: then it cannot log in with one."""
    name = call.arguments[0]
    call.say(f'Clearing password for user "{name}" ...')
    tags = user_of(call, name).get("tags", [])
    call.api.put("users", name, body={"password_hash": "", "tags": joined(tags)})
    return None


def delete_user(call: Call) -> Answer:
    """Remove a user."""
    name = call.arguments[0]
    call.say(f'Deleting user "{name}" ...')
    user_of(call, name)
    call.api.delete("users", name)
    return None


def set_user_tags(call: Call) -> Answer:
    """Give a user exactly these tags."""
    name, *tags = call.arguments
    call.say(f'Setting tags for user "{name}" to {atoms(tags)} ...')
    user = user_of(call, name)
    body = {"password_hash": user.get("password_hash", ""), "tags": joined(tags)}
    if user.get("hashing_algorithm"):
        body["hashing_algorithm"] = user["hashing_algorithm"]
    call.api.put("users", name, body=body)
    return None


def joined(tags: list[str] | str) -> str:
    """Tags as the API of every version takes them."""
    return tags if isinstance(tags, str) else ",".join(tags)


def list_users(call: Call) -> Answer:
    """Every user with its tags."""
    call.say("Listing users ...")
    users = call.api.get("users")
    return Rows(["user", "tags"], [[user["name"], tags_of(user)] for user in users])


def tags_of(user: dict[str, Any]) -> list[str]:
    """The tags of a user or virtual host; old versions had them as one text."""
    tags = user.get("tags") or []
    return [one for one in tags.split(",") if one] if isinstance(tags, str) else list(tags)


def hash_password(call: Call) -> Answer:
    """What ``password_hash`` is to be for a password; asks no broker."""
    password = password_of(call, 0)
    name = call.text("hashing-algorithm", "sha256").removeprefix(_ALGORITHM)
    if name not in _HASHES:
        known = ", ".join(_HASHES)
        raise BadCall(f"there is no hashing algorithm {name!r}; there are {known}")
    salt = secrets.token_bytes(4)
    digest = _HASHES[name](salt + password.encode()).digest()
    return base64.b64encode(salt + digest).decode()


def set_user_limits(call: Call) -> Answer:
    """Limit a user's connections and channels."""
    name, text = call.arguments
    call.say(f'Setting user limits to "{text}" for user "{name}" ...')
    user_of(call, name)
    limits = table_of(text)
    unknown = [one for one in limits if one not in _LIMITS]
    if unknown:
        raise Failure(f"Unrecognised limit {unknown[0]!r}: there are {', '.join(_LIMITS)}", 69)
    for kind, value in limits.items():
        call.api.put("user-limits", name, kind, body={"value": value})
    return None


def clear_user_limits(call: Call) -> Answer:
    """Lift a limit of a user, or all."""
    name, kind = call.arguments
    call.say(f'Clearing "{kind}" limit for user "{name}" ...')
    user_of(call, name)
    there = limits_by_user(call).get(name, {})
    for one in there if kind == "all" else [kind]:
        if one in there:
            call.api.delete("user-limits", name, one)
    return None


def list_user_limits(call: Call) -> Answer:
    """The limits of one user, or of all."""
    name = call.text("user")
    every = limits_by_user(call)
    if not name:
        call.say("Listing limits for all users ...")
        return Rows(["user", "limits"], [[user, compact(value)] for user, value in every.items()])
    call.say(f'Listing limits for user "{name}" ...')
    user_of(call, name)
    return Facts(every.get(name, {}), compact(every.get(name, {})))


def limits_by_user(call: Call) -> dict[str, dict[str, int]]:
    """The limits of every user that has any."""
    return {one["user"]: one["value"] for one in call.api.get("user-limits") if one["value"]}


_GROUP: Final = "Users"
COMMANDS: Final = (
    Command(
        "add_user",
        "<username> [<password>]",
        add_user,
        "Creates a user; without a password among the words it is read from standard input",
        ["pre-hashed-password"],
        _GROUP,
    ),
    Command(
        "authenticate_user",
        "<username> [<password>]",
        authenticate_user,
        "Tries to log in as a user",
        group=_GROUP,
    ),
    Command(
        "change_password",
        "<username> [<password>]",
        change_password,
        "Changes the password of a user",
        group=_GROUP,
    ),
    Command(
        "clear_password",
        "<username>",
        clear_password,
        "Leaves a user without a password, so that it cannot log in with one",
        group=_GROUP,
    ),
    Command("delete_user", "<username>", delete_user, "Removes a user", group=_GROUP),
    Command(
        "set_user_tags", "<username> [<tag> ...]", set_user_tags, "Sets a user's tags", group=_GROUP
    ),
    Command("list_users", "", list_users, "Lists users and their tags", group=_GROUP),
    Command(
        "hash_password",
        "[<password>]",
        hash_password,
        "Prints the hash of a password, for definition files",
        ["hashing-algorithm="],
        _GROUP,
    ),
    Command(
        "set_user_limits",
        "<username> <definition>",
        set_user_limits,
        "Limits a user's connections and channels",
        group=_GROUP,
    ),
    Command(
        "clear_user_limits",
        "<username> <limit>",
        clear_user_limits,
        "Lifts a limit of a user, or all of them",
        group=_GROUP,
    ),
    Command(
        "list_user_limits",
        "",
        list_user_limits,
        "Shows the limits of one user or of all",
        ["user=", "global"],
        _GROUP,
    ),
)
