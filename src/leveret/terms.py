"""Values as RabbitMQ's refusals print them: Erlang terms.

Clients' test-suites, and people's runbooks, match on these texts.
"""

from typing import Final

_SHOWN_OCTETS: Final = 16


def binary(octets: bytes) -> str:
    """``octets`` as a binary: ``<<"text">>`` when printable, else ``<<1,2,3>>``."""
    if not octets:
        return "<<>>"
    if all(32 <= octet < 127 for octet in octets):
        return f'<<"{octets.decode("ascii")}">>'
    return "<<" + ",".join([str(octet) for octet in octets]) + ">>"


def frame(kind: int, payload: bytes) -> str:
    """How a faulty frame is described."""
    which = "all" if len(payload) <= _SHOWN_OCTETS else f"first {_SHOWN_OCTETS}"
    return f"type {kind}, {which} octets = {binary(payload[:_SHOWN_OCTETS])}"


def text(words: str) -> str:
    """``words`` as a string: in double quotes."""
    return f'"{words}"'


def atom(value: object) -> str:
    """A plain value: true, false, undefined for none, else as it is."""
    if value is None:
        return "undefined"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def term(value: object) -> str:
    """A value out of JSON, whatever it is."""
    if value is None:
        return "null"
    if isinstance(value, str):
        return binary(_octets(value))
    if isinstance(value, list):
        return "[" + ",".join([term(each) for each in value]) + "]"
    if isinstance(value, dict):
        return "#{" + ",".join([f"{term(k)} => {term(v)}" for k, v in value.items()]) + "}"
    return atom(value)


def _octets(text: str) -> bytes:
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        # Half a character, as JSON can say it.
        return text.encode("utf-8", "surrogatepass")
