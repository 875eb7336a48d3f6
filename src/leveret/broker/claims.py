"""What a message says of itself that must be true, or make sense, before it is taken in.

Behaviour: RabbitMQ 4.3, "Validated User-ID", "Sender-selected Distribution", "Time-to-Live", and
its refusals' texts.
"""

import re
from typing import Final

from leveret.auth.users import IMPERSONATOR, User
from leveret.broker.arguments import MAX_MILLISECONDS
from leveret.broker.properties import PERSISTENT, TRANSIENT, Properties
from leveret.errors import PreconditionFailed
from leveret.tables import ARRAY, LONGSTR, Field, Table
from leveret.terms import text

_LEADING_INTEGER: Final = re.compile(r"[+-]?[0-9]+")


def check_claims(properties: Properties, user: User) -> None:
    """Refuse what ``user`` may not claim, or nobody.  Raises PreconditionFailed."""
    name = properties.user_id
    if name is not None and name != user.name and IMPERSONATOR not in user.tags:
        raise PreconditionFailed(
            f"user_id property set to '{name}' but authenticated user was '{user.name}'"
        )
    if properties.expiration is not None:
        _check_expiration(properties.expiration)
    if properties.delivery_mode not in (TRANSIENT, PERSISTENT):
        mode = properties.delivery_mode
        raise PreconditionFailed(f"invalid message: {{delivery_mode_unknown,{mode}}}")


def _check_expiration(words: str) -> None:
    """Refuse an expiration that is no decimal number of milliseconds.

    Behaviour: RabbitMQ 4.3; the texts are those of Erlang's string:to_integer.
    """
    found = _LEADING_INTEGER.match(words)
    if found is None:
        why = "no_integer"
    elif found.end() < len(words):
        why = f"{{leftover_string,{text(words[found.end() :])}}}"
    elif int(words) < 0:
        why = f"{{value_negative,{int(words)}}}"
    elif int(words) > MAX_MILLISECONDS:
        why = f"{{value_too_large,{int(words)}}}"
    else:
        return
    raise PreconditionFailed(f"invalid expiration '{words}': {why}")


def copies(headers: Table, name: str) -> list[str]:
    """The extra routing keys in the header ``name``, CC or BCC.  Raises PreconditionFailed."""
    field = headers.get(name)
    if field is None:
        return []
    if field.kind != ARRAY:
        raise PreconditionFailed(
            f"invalid message: {{unacceptable_type_in_header,{text(name)},{field.kind_name}}}"
        )
    assert isinstance(field.value, list)
    keys: list[str] = []
    for key in field.value:
        assert isinstance(key, Field)
        if key.kind == LONGSTR:
            keys.append(str(key.value))
    return keys
