"""Where the HTTP API's answers are meant to differ from RabbitMQ 3.10's, and why.

Each entry: which paths (a pattern), how (``less`` or ``more`` of a field, another ``type`` or
``status``), which fields (a pattern), and the reason.  The answers follow 4.3 where it differs.
"""

from fnmatch import fnmatchcase
from typing import Final

_ERLANG: Final = "of Erlang's machine: processes, reductions, its memory and its collector"
_MNESIA: Final = "of RabbitMQ's ways to the disk: Mnesia, its message store and its index"
_NEWER: Final = "4.x has it"
_WHO: Final = "told without rates_mode = detailed, too, as it costs nothing here"
_TIME: Final = "there only while something has been idle for a while"
_WEB: Final = "of RabbitMQ's web server and its sockets"
_KINDS: Final = "the same fields for every type of queue, by 4.x's names"


def _less(reason: str, *fields: str, path: str = "*") -> list[tuple[str, str, str, str]]:
    return [(path, "less", field, reason) for field in fields]


def _more(reason: str, *fields: str, path: str = "*") -> list[tuple[str, str, str, str]]:
    return [(path, "more", field, reason) for field in fields]


KNOWN: Final = [
    *_less(_ERLANG, "*garbage_collection", "*reductions", "*reductions_details"),
    *_less(_ERLANG, "erlang_version", "erlang_full_version", "*recoverable_slaves"),
    *_less(_ERLANG, "*gc_bytes_reclaimed*", "*gc_num_details", "*context_switches_details"),
    *_less(_ERLANG, "*metrics_gc_queue_length", "*ra_open_file_metrics", "*net_ticktime"),
    *_less(_ERLANG, "*memory.*", path="/api/nodes/*"),
    *_less(_MNESIA, "*mnesia_*", "*msg_store_*", "*queue_index_*", "*io_*"),
    *_less(_MNESIA, "message_stats.disk_*", path="/api/overview*"),
    *_less(_MNESIA, "*backing_queue_status", "*open_files"),
    *_less(_WEB, "*cowboy_opts", "listeners[[]].socket_opts.*"),
    *_more(_WEB, "*contexts[[]].node", "*contexts[[]].ssl_opts", path="/api/nodes*"),
    *_less("who supports which release is RabbitMQ's own affair", "release_series_support_status"),
    *_less("no plugin brings a page of its own", "[[]]", path="/api/extensions"),
    *_less("there need not be any", "*config_files[[]]", path="/api/nodes*"),
    *_less("only the last value is kept", "*fd_used_details", "*disk_free_details"),
    *_less("events tell it; it is not kept", "*user_who_performed_action", path="/api/exchanges*"),
    *_less("not counted", "*messages_persistent", "*message_bytes_persistent"),
    *_less("looked up for one queue only", "*[[]].head_message_timestamp"),
    *_more(_KINDS, "head_message_timestamp"),
    *_less(_TIME, "*idle_since"),
    *_more(_TIME, "*idle_since"),
    *_less("4.x calls it single_active_consumer_tag", "*single_active_consumer_ctag"),
    *_more(_KINDS, "exclusive_consumer_tag", "single_active_consumer_tag"),
    *_more(_KINDS, "messages_paged_out", "message_bytes_paged_out", "messages_*_ram"),
    *_more(_NEWER, "*cluster_tags", "*node_tags", "*default_queue_type", "*being_drained"),
    *_more(_NEWER, "*is_op_policy_updating_enabled", "*protected_from_deletion"),
    *_more(_NEWER, "*is_internal_user", "*login_session_timeout", "*consumer_timeout"),
    *_more(_NEWER, "*arguments.x-queue-type", "*rabbitmq_version", path="/api/[nq]*"),
    *_more(_NEWER, "*owner_pid_details", path="/api/queues*"),
    *_more(_NEWER, "*", path="/api/definitions*"),
    *_less("not in 4.x's definitions of a vhost", "*[[]].vhost", path="/api/definitions/*"),
    *_more(_WHO, "*deliveries[[]]", "*publishes[[]]", "*incoming[[]]", "*outgoing[[]]"),
    ("/api/connections/*", "type", "ssl_*", "null as in the list, where 3.10 has an empty string"),
    ("/api/connections/*", "type", "peer_cert_*", "as ssl_*"),
    ("/api/auth/hash_password/*", "status", "404 here 200", _NEWER),
    ("/api/nodes/nothing", "status", "500 here 404", "RabbitMQ crashes over it"),
]


def reason_for(difference: str) -> str:
    """Why a difference that ``http_shapes.differences`` tells is meant; empty if it is not."""
    path, _, rest = difference.partition(": ")
    how, _, what = rest.partition(" ")
    field = what if how == "status" else what.split(" ")[0]
    for known_path, known_how, known_field, reason in KNOWN:
        if how == known_how and fnmatchcase(path, known_path) and fnmatchcase(field, known_field):
            return reason
    return ""
