"""How a difference that is meant is written down; known.py has the table of them."""

from typing import Final


class Known:
    """One difference that is meant to be.  ``rabbitmq`` may span several lines."""

    def __init__(self, scenario: str, rabbitmq: str, leveret: str, reason: str) -> None:
        self.scenario: Final = scenario
        self.rabbitmq: Final = rabbitmq
        self.leveret: Final = leveret
        self.reason: Final = reason


def closed(label: str, code: int, text: str, class_id: int = 0, method_id: int = 0) -> str:
    """The line of a connection.close."""
    ids = f"class_id={class_id} method_id={method_id}"
    return f"{label} 0 connection.close reply_code={code} reply_text={text!r} {ids}"


def refused(code: int, text: str, class_id: int, method_id: int) -> str:
    """The line of a channel.close, as `Stage.attempt` records it."""
    ids = f"class_id={class_id} method_id={method_id}"
    return f"t 9 channel.close reply_code={code} reply_text={text!r} {ids}"


def silence(label: str) -> str:
    """The line of a connection that ends without a word."""
    return f"{label} end of connection"


def differ(reason: str, scenario: str, *pairs: tuple[str, str]) -> list[Known]:
    """One entry for each pair (RabbitMQ's line, Leveret's line)."""
    return [Known(scenario, rabbitmq, leveret, reason) for rabbitmq, leveret in pairs]


def named(
    reason: str, scenario: str, ids: tuple[int, int], *closes: tuple[str, int, str]
) -> list[Known]:
    """Entries for connections that 3.10 just ends; closes are (label, code, text)."""
    pairs = [(silence(label), closed(label, code, text, *ids)) for label, code, text in closes]
    return differ(reason, scenario, *pairs)
