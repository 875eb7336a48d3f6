"""What a new vhost gets by the settings: the event exchange, interceptors, the node's name."""

from leveret.broker.event_exchange import EventExchange
from leveret.broker.interceptors import OFF, Interceptors
from leveret.broker.vhost import VHost
from leveret.config.settings import Settings
from leveret.events import Events
from leveret.ports import Clock


def fit_out(vhost: VHost, settings: Settings, events: Events, clock: Clock) -> None:
    """Give ``vhost`` what ``settings`` say that it has."""
    node = settings.cluster_name or "leveret"
    vhost.firehose.node = node
    if settings.event_exchange:
        place = settings.event_exchange_vhost or settings.default_vhost
        if vhost.name == place:
            vhost.install(EventExchange(events, vhost.post))
    if settings.incoming_timestamp != OFF or settings.incoming_routing_node != OFF:
        vhost.interceptors = Interceptors(
            settings.incoming_timestamp, settings.incoming_routing_node, node, clock
        )
