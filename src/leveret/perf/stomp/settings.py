"""What a run over STOMP is asked to do, besides what every run is."""

from typing import Final, final

from leveret.perf.faults import BadSetting
from leveret.perf.settings import Settings

VERSIONS: Final = ("1.0", "1.1", "1.2")
AUTO: Final = "auto"
CLIENT: Final = "client"
INDIVIDUAL: Final = "client-individual"
ACKS: Final = (AUTO, CLIENT, INDIVIDUAL)
COPIES: Final = ("/topic/", "/exchange/")  # where every subscriber gets a queue of its own


@final
class StompSettings(Settings):
    """One run's options; the places are destinations."""

    consumers_word = "subscribers"

    def __init__(self) -> None:
        super().__init__()
        self.url = "stomp://guest:guest@127.0.0.1:61613/%2F"
        self.protocol = "1.2"
        self.receipts = 0  # sent messages per publisher that wait for a receipt; 0: no receipts
        self.ack = AUTO
        self.ack_every = 1  # messages; one ACK for so many, with the mode ``client``
        self.prefetch = 0  # messages per subscriber; 0: nothing is said about it
        self.persistent = False
        self.destinations = 1
        self.destination = ""  # empty: a made-up one
        self.topic = False  # the made-up destination is a topic, not a queue
        self.in_turn = False  # each publisher sends to all destinations in turn

    @property
    def window(self) -> int:
        """Messages per publisher whose receipt is still to come."""
        return self.receipts

    @property
    def place_count(self) -> int:
        """The destinations."""
        return self.destinations

    @property
    def copies(self) -> bool:
        """Whether every subscriber gets every message."""
        if self.destination:
            return self.destination.startswith(COPIES)
        return self.topic

    @property
    def fan(self) -> int:
        """Every subscriber of a topic gets each message, those of a queue share them."""
        return self.consumers if self.copies else min(1, self.consumers)

    @property
    def is_single_file(self) -> bool:
        """Whether each ledger sees what one subscriber got."""
        return self.copies or self.consumers == 1

    @property
    def publisher_count(self) -> int:
        """All publishers: each destination has its own, unless they send to all in turn."""
        return self.publishers if self.in_turn else self.publishers * self.destinations

    def check(self) -> None:
        """Refuse combinations that cannot work.  Raises BadSetting."""
        if self.destinations < 1:
            raise BadSetting("--destinations: at least one")
        if self.ack_every < 1:
            raise BadSetting("--ack-every: at least one")
        if self.ack_every > 1 and self.ack != CLIENT:
            raise BadSetting("--ack-every needs --ack client: only there an ACK stands for several")
        if self.ack != AUTO and self.prefetch and self.ack_every > self.prefetch:
            raise BadSetting(
                f"--ack-every {self.ack_every} with --prefetch {self.prefetch} would wait for ever:"
                " the broker stops sending before the first acknowledgement is due"
            )
        if self.destination and self.topic:
            raise BadSetting("--topic is for made-up destinations; the --destination says it")
        super().check()
        if self.publishers == 0 and self.consumers and not self.destination:
            raise BadSetting(
                "--publishers 0 needs the --destination where others send: nobody knows one made"
                " up for the run"
            )
