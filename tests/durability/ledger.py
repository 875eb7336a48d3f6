"""What clients know of messages: what must be there after a crash, and what must not.

The rules, for a crash of the process:

- a persistent message that was confirmed, and that no client acknowledged, is in each of its
  queues, once, in the order in which its publisher sent it;
- an acknowledgement is durable when the broker answered anything that the client sent after it on
  the same connection: such a message does not come back.  One that was sent and not answered may;
- what any client was given before has redelivered=1 when it comes again;
- transient messages are gone after a restart.
"""

import threading


class Line:
    """One queue as its clients know it.  Messages are known by publisher and number."""

    def __init__(self, name: str, kind: str, keys: set[str]) -> None:
        self.name = name
        self.kind = kind
        self.keys = keys
        # Of persistent messages: every one that was sent, those confirmed, those acknowledged and
        # those whose acknowledgement is durable; and all that any client was given.
        self.sent: set[bytes] = set()
        self.confirmed: set[bytes] = set()
        self.acked: set[bytes] = set()
        self.settled: set[bytes] = set()
        self.seen: set[bytes] = set()
        # In this life of the broker, and who was given it last.
        self.seen_now: dict[bytes, object] = {}
        # Transient ones, where they are not kept: of this life, and of those before.
        self.passing: set[bytes] = set()
        self.gone: set[bytes] = set()


class Faults(Exception):
    """Promises that were broken."""


class Ledger:
    """Of all queues; used by several threads."""

    def __init__(self, lines: list[Line]) -> None:
        self.lines = {line.name: line for line in lines}
        self.lock = threading.Lock()
        self.faults: list[str] = []
        self.counts = {"published": 0, "confirmed": 0, "delivered": 0, "acked": 0, "redelivered": 0}

    def lines_of(self, key: str) -> list[Line]:
        return [line for line in self.lines.values() if key in line.keys]

    def sent(self, key: str, body: bytes, is_persistent: bool) -> None:
        with self.lock:
            self.counts["published"] += 1
            for line in self.lines_of(key):
                is_kept = is_persistent or line.kind == "quorum"
                (line.sent if is_kept else line.passing).add(body)

    def confirmed(self, key: str, body: bytes) -> None:
        with self.lock:
            self.counts["confirmed"] += 1
            for line in self.lines_of(key):
                if body in line.sent:
                    line.confirmed.add(body)

    def given(self, name: str, body: bytes, redelivered: bool, who: object) -> None:
        """The client ``who`` got a message.

        Of two clients in one life nobody knows who got it first: they read at their own pace.
        """
        line = self.lines[name]
        with self.lock:
            self.counts["delivered"] += 1
            self.counts["redelivered"] += redelivered
            is_again = body in line.seen or line.seen_now.get(body) is who
            if is_again and not redelivered:
                self.faults.append(f"{name}: {body!r} came again without redelivered=1")
            if body in line.settled:
                self.faults.append(f"{name}: {body!r} came back, its acknowledgement was durable")
            if body in line.gone:
                self.faults.append(f"{name}: {body!r} is transient and survived a restart")
            if body not in line.sent and body not in line.passing and body not in line.gone:
                self.faults.append(f"{name}: {body!r} was never sent there")
            line.seen_now[body] = who

    def acked(self, name: str, bodies: list[bytes]) -> None:
        with self.lock:
            self.counts["acked"] += len(bodies)
            self.lines[name].acked.update(bodies)

    def settled(self, name: str, bodies: list[bytes]) -> None:
        """Something that was asked after these were acknowledged was answered."""
        with self.lock:
            self.lines[name].settled.update(bodies)

    def crashed(self) -> None:
        for line in self.lines.values():
            line.gone |= line.passing
            line.passing = set()
            line.seen.update(line.seen_now)
            line.seen_now = {}

    def drained(self, name: str, found: list[tuple[bytes, bool, int]]) -> None:
        """All that a queue held, in order: bodies, whether redelivered, and priorities."""
        line = self.lines[name]
        bodies = [body for body, _, _ in found]
        if len(set(bodies)) < len(bodies):
            twice = sorted({body for body in bodies if bodies.count(body) > 1})
            self.faults.append(f"{name}: there twice: {twice[:5]}")
        lost = line.confirmed - line.acked - set(bodies)
        if lost:
            self.faults.append(f"{name}: {len(lost)} confirmed are lost: {sorted(lost)[:5]}")
        self._check_order(line, found)
        line.confirmed.clear()
        line.acked.clear()
        line.settled.update(line.sent)
        line.sent = set()
        line.passing = set()

    def _check_order(self, line: Line, found: list[tuple[bytes, bool, int]]) -> None:
        last: dict[tuple[bytes, int], int] = {}
        for body, redelivered, priority in found:
            # What comes back goes to the end of a quorum queue.
            if redelivered and line.kind == "quorum":
                continue
            publisher, _, number = body.split(b" ")[0].partition(b"-")
            rank = 0 if line.kind == "classic" else priority
            if int(number) < last.get((publisher, rank), -1):
                self.faults.append(
                    f"{line.name}: {body!r} (redelivered {redelivered}) is out of order,"
                    f" after {last[publisher, rank]}"
                )
            last[publisher, rank] = int(number)
