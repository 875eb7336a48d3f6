"""QoS 2 is exactly once on real sockets.  ``python -m tests.mqtt.rounds 200`` for many."""

from tests.mqtt.rounds import Rounds

import leveret

ROUNDS = 5


def test_connections_end_at_any_moment(broker: leveret.Broker) -> None:
    rounds = Rounds(broker.mqtt_port, seed=ROUNDS)
    rounds.run(ROUNDS)
    assert rounds.messages > 0
