"""The metrics there are, by families: RabbitMQ's names, and our own with ``leveret_``.

A table for each kind of thing, in the order in which ``leveret.broker.totals`` counts it; what a
table has no name for is None.  Behaviour: RabbitMQ 4.3, "Prometheus", and 3.10's names where a
dashboard of that time asks for them.
"""

from typing import Final

from leveret.management.exposition import COUNTER, GAUGE, HISTOGRAM, UNTYPED, Metric

PREFIX: Final = "rabbitmq_"
DETAILED: Final = "rabbitmq_detailed_"
CLUSTER: Final = "rabbitmq_cluster_"
OWN: Final = "leveret_"


def _counter(name: str, meaning: str) -> Metric:
    return Metric(name, COUNTER, meaning)


def _gauge(name: str, meaning: str) -> Metric:
    return Metric(name, GAUGE, meaning)


# --- the node ------------------------------------------------------------------------------

BUILD_INFO: Final = Metric("build_info", UNTYPED, "Which broker this is")
IDENTITY_INFO: Final = Metric("identity_info", UNTYPED, "Which node and cluster this is")
TOTALS: Final = (
    _gauge("connections", "Connections currently open"),
    _gauge("channels", "Channels currently open"),
    _gauge("consumers", "Consumers currently connected"),
    _gauge("queues", "Queues there are"),
)
ALARMS: Final = {
    "memory": Metric("alarms_memory_used_watermark", UNTYPED, "1 while memory runs low"),
    "disk": Metric("alarms_free_disk_space_watermark", UNTYPED, "1 while the disk runs low"),
}
CHURN: Final = (
    _counter("connections_opened_total", "Connections opened"),
    _counter("connections_closed_total", "Connections closed"),
    _counter("channels_opened_total", "Channels opened"),
    _counter("channels_closed_total", "Channels closed"),
    _counter("queues_declared_total", "Declarations of queues, new or not"),
    _counter("queues_created_total", "Queues created"),
    _counter("queues_deleted_total", "Queues deleted"),
)
# By the names of /api/nodes; each with what its values are multiplied with.
NODE_COARSE: Final = (
    ("fd_used", 1.0, _gauge("process_open_fds", "Open files and sockets")),
    ("sockets_used", 1.0, _gauge("process_open_tcp_sockets", "Connections")),
    ("mem_used", 1.0, _gauge("process_resident_memory_bytes", "Memory that the process takes")),
    ("disk_free", 1.0, _gauge("disk_space_available_bytes", "What is free where data_dir is")),
    ("proc_used", 1.0, _gauge("erlang_processes_used", "Threads; RabbitMQ counts its processes")),
    ("gc_num", 1.0, _counter("erlang_gc_runs_total", "Runs of the garbage collector")),
    (
        "context_switches",
        1.0,
        _counter("erlang_scheduler_context_switches_total", "Context switches"),
    ),
)
NODE: Final = (
    ("fd_total", 1.0, _gauge("process_max_fds", "Open files and sockets allowed")),
    ("sockets_total", 1.0, _gauge("process_max_tcp_sockets", "Connections allowed")),
    ("mem_limit", 1.0, _gauge("resident_memory_limit_bytes", "Memory from which publishers wait")),
    (
        "disk_free_limit",
        1.0,
        _gauge("disk_space_available_limit_bytes", "Free space below which publishers wait"),
    ),
    ("proc_total", 1.0, _gauge("erlang_processes_limit", "Threads allowed")),
    ("run_queue", 1.0, _gauge("erlang_scheduler_run_queue", "Always 0; for RabbitMQ's dashboards")),
    ("uptime", 0.001, _gauge("erlang_uptime_seconds", "Time since the node was started")),
)
AUTH: Final = (
    _counter("auth_attempts_total", "Logins that were tried"),
    _counter("auth_attempts_succeeded_total", "Logins that succeeded"),
    _counter("auth_attempts_failed_total", "Logins that failed"),
)

# --- queues --------------------------------------------------------------------------------

QUEUE_COARSE: Final = (
    _gauge("queue_messages_ready", "Messages that wait for consumers"),
    _gauge("queue_messages_unacked", "Messages delivered and not yet acknowledged"),
    _gauge("queue_messages", "Messages that wait or are not yet acknowledged"),
)
QUEUE_CONSUMERS: Final = _gauge("queue_consumers", "Consumers of queues")
QUEUE_METRICS: Final = (
    _gauge("queue_consumer_capacity", "1 if a consumer could take one message more"),
    _gauge("queue_consumer_utilisation", "The same as consumer capacity"),
    _gauge("queue_messages_bytes", "Size of the bodies of all messages"),
    _gauge("queue_messages_ready_bytes", "Size of the bodies of messages that wait"),
    _gauge("queue_messages_unacked_bytes", "Size of the bodies of messages not acknowledged"),
    _gauge("queue_messages_ram", "Messages in memory"),
    _gauge("queue_messages_ram_bytes", "Size of the bodies in memory"),
    _gauge("queue_messages_ready_ram", "Messages that wait, in memory"),
    _gauge("queue_messages_unacked_ram", "Messages not acknowledged, in memory"),
    _gauge("queue_messages_paged_out", "Messages that are on the disk only"),
    _gauge("queue_messages_paged_out_bytes", "Size of the bodies that are on the disk only"),
)
QUEUE_INFO: Final = _gauge("queue_info", "What queues there are")
# What came in, then what was read in the order of ``READS``.
QUEUE_DELIVERY: Final = (
    _counter("queue_messages_published_total", "Messages put into queues"),
    _counter("queue_messages_delivered_ack_total", "Deliveries that must be acknowledged"),
    _counter("queue_messages_delivered_total", "Deliveries that are not acknowledged"),
    _counter("queue_get_ack_total", "Messages asked for that must be acknowledged"),
    _counter("queue_get_total", "Messages asked for that are not acknowledged"),
    _counter("queue_get_empty_total", "Messages asked for when there were none"),
    _counter("queue_messages_redelivered_total", "Messages delivered that came back before"),
    _counter("queue_messages_acked_total", "Messages acknowledged"),
)
QUEUE_EXCHANGE: Final = _counter(
    "queue_exchange_messages_published_total", "Messages that an exchange put into a queue"
)

# --- channels, exchanges and connections ---------------------------------------------------

CHANNEL: Final = (
    _gauge("channel_consumers", "Consumers on channels"),
    _gauge("channel_messages_unacked", "Messages delivered and not yet acknowledged"),
    _gauge("channel_messages_unconfirmed", "Messages published and not yet confirmed"),
    _gauge("channel_messages_uncommitted", "Messages published in open transactions"),
    _gauge("channel_acks_uncommitted", "Acknowledgements in open transactions"),
    _gauge("consumer_prefetch", "Prefetch of later consumers"),
    _gauge("channel_prefetch", "Prefetch of all consumers together"),
)
# In the order of ``PUBLISHES``.
CHANNEL_EXCHANGE: Final = (
    _counter("channel_messages_published_total", "Messages published"),
    _counter("channel_messages_confirmed_total", "Messages published and confirmed"),
    _counter(
        "channel_messages_unroutable_returned_total",
        "Mandatory messages that no queue was found for, returned",
    ),
    _counter(
        "channel_messages_unroutable_dropped_total",
        "Messages that no queue was found for, dropped",
    ),
)
# In the order of ``READS``.
CHANNEL_QUEUE: Final = (
    _counter("channel_messages_delivered_ack_total", "Deliveries that must be acknowledged"),
    _counter("channel_messages_delivered_total", "Deliveries that are not acknowledged"),
    _counter("channel_get_ack_total", "Messages asked for that must be acknowledged"),
    _counter("channel_get_total", "Messages asked for that are not acknowledged"),
    _counter("channel_get_empty_total", "Messages asked for when there were none"),
    _counter("channel_messages_redelivered_total", "Messages delivered that came back before"),
    _counter("channel_messages_acked_total", "Messages acknowledged"),
)
EXCHANGE: Final = (
    _counter("exchange_messages_published_total", "Messages published to exchanges"),
    _counter("exchange_messages_confirmed_total", "Messages published to exchanges and confirmed"),
    _counter(
        "exchange_messages_unroutable_returned_total",
        "Mandatory messages that an exchange found no queue for, returned",
    ),
    _counter(
        "exchange_messages_unroutable_dropped_total",
        "Messages that an exchange found no queue for, dropped",
    ),
)
CONNECTION_COARSE: Final = (
    _counter("connection_incoming_bytes_total", "Octets received"),
    _counter("connection_outgoing_bytes_total", "Octets sent"),
)
CONNECTION: Final = (
    _counter("connection_incoming_packets_total", "Pieces in which octets were received"),
    _counter("connection_outgoing_packets_total", "Pieces in which octets were sent"),
)
CONNECTION_NOW: Final = (
    _gauge("connection_pending_packets", "Always 0; for RabbitMQ's dashboards"),
    _gauge("connection_channels", "Channels of connections"),
)

# --- by protocol ---------------------------------------------------------------------------

GLOBAL_PUBLISHES: Final = (
    _counter("global_messages_received_total", "Messages received from publishers"),
    _counter(
        "global_messages_received_confirm_total",
        "Messages received from publishers that want confirms",
    ),
    _counter("global_messages_confirmed_total", "Messages confirmed to publishers"),
    _counter("global_messages_routed_total", "Copies of messages put into queues"),
    _counter(
        "global_messages_unroutable_dropped_total",
        "Messages that no queue was found for, dropped",
    ),
    _counter(
        "global_messages_unroutable_returned_total",
        "Mandatory messages that no queue was found for, returned",
    ),
)
GLOBAL_NOW: Final = (
    _gauge("global_publishers", "Channels that published something"),
    _gauge("global_consumers", "Consumers currently connected"),
)
# In the order of ``READS``.
GLOBAL_READS: Final = (
    _counter(
        "global_messages_delivered_consume_manual_ack_total",
        "Messages delivered to consumers that acknowledge",
    ),
    _counter(
        "global_messages_delivered_consume_auto_ack_total",
        "Messages delivered to consumers that do not acknowledge",
    ),
    _counter(
        "global_messages_delivered_get_manual_ack_total",
        "Messages asked for that must be acknowledged",
    ),
    _counter(
        "global_messages_delivered_get_auto_ack_total",
        "Messages asked for that are not acknowledged",
    ),
    _counter("global_messages_get_empty_total", "Messages asked for when there were none"),
    _counter("global_messages_redelivered_total", "Messages delivered that came back before"),
    _counter("global_messages_acknowledged_total", "Messages acknowledged"),
    _counter("global_messages_delivered_total", "Messages delivered or asked for"),
)
MESSAGE_SIZE: Final = Metric("message_size_bytes", HISTOGRAM, "Size of the bodies published")
# By reason: what can die so, and what may become of it.
_MOST_ONCE: Final = ("at_most_once", "disabled")
_ANY: Final = ("at_least_once", *_MOST_ONCE)
DEAD: Final[dict[str, tuple[Metric, dict[str, tuple[str, ...]]]]] = {
    "maxlen": (
        _counter(
            "global_messages_dead_lettered_maxlen_total", "Dead letters as queues were too long"
        ),
        {"classic": _MOST_ONCE, "quorum": _MOST_ONCE},
    ),
    "expired": (
        _counter("global_messages_dead_lettered_expired_total", "Dead letters that expired"),
        {"classic": _MOST_ONCE, "quorum": _ANY},
    ),
    "rejected": (
        _counter("global_messages_dead_lettered_rejected_total", "Dead letters that were rejected"),
        {"classic": _MOST_ONCE, "quorum": _ANY},
    ),
    "delivery_limit": (
        _counter(
            "global_messages_dead_lettered_delivery_limit_total",
            "Dead letters whose delivery failed too often",
        ),
        {"quorum": _ANY},
    ),
}

# --- the cluster ---------------------------------------------------------------------------

VHOST_STATUS: Final = _gauge("vhost_status", "1 for each vhost that runs")
EXCHANGE_BINDINGS: Final = _gauge("exchange_bindings", "Bindings that leave an exchange")
EXCHANGE_NAME: Final = _gauge("exchange_name", "What exchanges there are")

# --- our own -------------------------------------------------------------------------------

HEAD_AGE: Final = _gauge(
    "queue_head_age_seconds", "How long the oldest message that waits has done so, at least"
)
WAIT: Final = Metric(
    "queue_wait_seconds", HISTOGRAM, "How long messages waited in queues, good to five seconds"
)
UNROUTABLE: Final = _counter(
    "messages_unroutable_total", "Messages that no queue was found for, by what became of them"
)
DROPPED: Final = _counter(
    "messages_dropped_total", "Messages that left a queue unread, or were not let in, by reason"
)
UNROUTABLE_REASONS: Final = ("dropped", "returned")
DROP_REASONS: Final = (
    *("maxlen", "expired", "rejected", "delivery_limit"),
    *("refused", "purged", "queue_deleted"),
)
