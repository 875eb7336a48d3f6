"""Which right is missing where: RabbitMQ 3.10 does not say it in its refusals, 4.x does.

By scenario: right, kind and name (the scenario's own, or one with amq. in front) of each refusal.
"""

from typing import Final

from tests.differential.differences import Known

TOLD: Final[dict[str, list[str]]] = {
    "rights_queue_declare": ["configure queue q"],
    "rights_queue_redeclare": ["configure queue q"],
    "rights_queue_declare_dead_letters_read": ["read queue q"],
    "rights_queue_declare_dead_letters_write": ["write exchange x"],
    "rights_queue_delete": ["configure queue q"],
    "rights_queue_delete_missing": ["configure queue q"],
    "rights_queue_purge": ["read queue q"],
    "rights_queue_purge_missing": ["read queue q"],
    "rights_queue_bind_queue": ["write queue q"],
    "rights_queue_bind_exchange": ["read exchange amq.direct"],
    "rights_queue_bind_missing": ["read exchange x"],
    "rights_queue_unbind_queue": ["write queue q"],
    "rights_queue_unbind_exchange": ["read exchange amq.fanout"],
    "rights_exchange_declare": ["configure exchange x"],
    "rights_exchange_declare_alternate_read": ["read exchange x"],
    "rights_exchange_declare_alternate_write": ["write exchange other"],
    "rights_exchange_delete": ["configure exchange x"],
    "rights_exchange_bind_destination": ["write exchange to"],
    "rights_exchange_bind_source": ["read exchange from"],
    "rights_exchange_unbind_destination": ["write exchange to"],
    "rights_exchange_unbind_source": ["read exchange from"],
    "rights_default_exchange_first": ["write exchange amq.default", "write queue q"],
    "rights_publish": ["write exchange x"],
    "rights_publish_default": ["write exchange amq.default"],
    "rights_publish_missing_exchange": ["write exchange x"],
    "rights_publish_in_transaction": ["write exchange amq.direct"],
    "rights_get": ["read queue q"],
    "rights_get_missing": ["read queue q"],
    "rights_consume": ["read queue q"],
    "rights_a_change_counts_for_what_is_new": ["read queue b"],
    "rights_a_pattern_is_searched_for": ["configure queue other"],
    "rights_the_empty_pattern": ["configure queue q", "configure exchange x"],
    "tags_give_no_rights": ["configure queue q"],
}

# The routing keys that are refused.
TOLD_OF_TOPICS: Final[dict[str, list[str]]] = {
    "topic_rights_publish": ["write b.a", "write "],
    "topic_rights_publish_nothing": ["write a"],
    "topic_rights_variables": ["write someone./", "write {username}.{vhost}"],
    "topic_rights_bind": ["read b.a", "read #"],
    "topic_rights_unbind": ["read #"],
    "topic_rights_bind_exchange": ["read b.a"],
    "topic_rights_lifted": ["write b.1"],
}


def texts(right: str, what: str) -> tuple[str, str]:
    """The beginning of a refusal as 3.10 has it, and as 4.x has it."""
    return (
        f"ACCESS_REFUSED - access to {what} in",
        f"ACCESS_REFUSED - {right} access to {what} in",
    )


def _told() -> list[tuple[str, tuple[str, str]]]:
    """Scenario and both texts of every refusal."""
    found: list[tuple[str, tuple[str, str]]] = []
    for scenario, refusals in TOLD.items():
        for refusal in refusals:
            right, kind, name = refusal.split(" ")
            full = name if name.startswith("amq.") else f"{scenario}.{name}"
            found.append((scenario, texts(right, f"{kind} '{full}'")))
    for scenario, refusals in TOLD_OF_TOPICS.items():
        for refusal in refusals:
            right, _, key = refusal.partition(" ")
            found.append((scenario, texts(right, f"topic '{key}'")))
    return found


def _rights() -> list[Known]:
    said = "4.x: a refusal says which right is missing"
    found = [Known(scenario, old, new, said) for scenario, (old, new) in _told()]
    for kind in ("carbon", "blind"):
        name = f"topic_rights_publish_refused_{kind}_copy"
        text = (
            f"ACCESS_REFUSED - write access to topic 'b.c' in exchange '{name}.x' in vhost '/' "
            f"refused for user '{name}.user'"
        )
        close = f'u 1 channel.close reply_code=403 reply_text="{text}" class_id=60 method_id=40'
        reason = "4.x: the rights on further routing keys are checked too"
        settled = f"u 1 basic.qos-ok\n{name}.q: 1"
        found.append(Known(name, settled, f"{close}\n{name}.q: 0", reason))
    return found


RIGHTS: Final = _rights()
