"""leveret.amqp091.roster: what the session's tests do not show of the channels of a connection."""

import pytest
from tests.fakes import Talk, new_node

from leveret.events import Event, Listener


class Troublemaker(Listener):
    """Fails over the first consumer that goes."""

    def __init__(self) -> None:
        super().__init__()
        self.gone: list[str] = []

    def on_event(self, event: Event) -> None:
        if event.name != "consumer.deleted":
            return
        self.gone.append(str(event.facts["consumer_tag"]))
        if len(self.gone) == 1:
            raise RuntimeError("a bug")


def test_a_channel_that_fails_to_end_keeps_nothing_else(caplog: pytest.LogCaptureFixture) -> None:
    node = new_node()
    talk = Talk(node).open(1, 2)
    for number, queue in ((1, "first"), (2, "second")):
        talk.send("queue.declare", number, queue=queue, exclusive=True)
        talk.send("basic.consume", number, queue=queue, consumer_tag=queue)
    talk.read()
    ear = Troublemaker()
    node.events.listen(ear)
    talk.session.lost()
    assert "channel 1 did not end as it should" in caplog.text
    assert ear.gone == ["first", "second"]
    assert list(node.vhosts["/"].queues) == []
    assert (len(node.connections.by_id), node.connections.channel_count) == (0, 0)


def test_a_number_may_be_used_again_once_both_sides_know_that_it_is_free() -> None:
    node = new_node()
    talk = Talk(node).open()
    talk.send("queue.declare", queue="none", passive=True)
    assert [frame.name for frame in talk.read()] == ["Channel.Close"]
    assert node.connections.channel_count == 0
    talk.send("basic.qos")
    assert talk.read() == []
    talk.send("channel.close-ok")
    talk.send("channel.open")
    assert [frame.name for frame in talk.read()] == ["Channel.OpenOk"]
    assert node.connections.channel_count == 1
