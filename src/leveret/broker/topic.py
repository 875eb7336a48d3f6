"""The topic exchange: a trie over the words of binding keys.

``*`` is one word, ``#`` zero or more; words are what stands between dots, and may be empty.

::

    bindings a.*.c and a.#        a ─┬─ * ── c   [first]
                                     └─ #        [second]

Source: AMQP 0-9-1 specification, section 3.1.3.3.
"""

from typing import Final, final

from leveret.broker.exchange import Binding, Exchange
from leveret.broker.properties import Properties
from leveret.broker.wishes import ExchangeWish
from leveret.errors import PreconditionFailed

# More of them in one pattern make no sense, and matching dear.
_MAX_HASHES: Final = 2

# More words than any key has: in AMQP 0-9-1 it has 255 octets, in MQTT 65,535.
_WORDS: Final = 1 << 17


@final
class Node:
    """One place in the trie: the words that may come next and the bindings that end here."""

    def __init__(self, number: int, is_many: bool) -> None:
        self.number: Final = number
        self.is_many: Final = is_many
        self.next: Final[dict[str, Node]] = {}
        self.bindings: Final[list[Binding]] = []


@final
class Search:
    """One walk through the trie with the words of a key.

    Goes to no place twice, so that many ``#`` stay harmless: without that, keys and patterns made
    for it would take exponential time.  Keeps its own stack, so that no key is too long for it.
    """

    def __init__(self, words: list[str]) -> None:
        self._words: Final = words
        self._been: Final[set[int]] = set()
        self._nodes: Final[list[Node]] = []
        self._indexes: Final[list[int]] = []
        self.found: Final[list[Binding]] = []

    def run(self, root: Node) -> list[Binding]:
        """The bindings that the words lead to from ``root``."""
        self._go(root, 0)
        while self._nodes:
            self._look(self._nodes.pop(), self._indexes.pop())
        return self.found

    def _go(self, node: Node | None, index: int) -> None:
        """Look below ``node`` later, with the words from ``index`` on still to come."""
        if node is None:
            return
        place = node.number * _WORDS + index
        if place not in self._been:
            self._been.add(place)
            self._nodes.append(node)
            self._indexes.append(index)

    def _look(self, node: Node, index: int) -> None:
        following = node.next
        self._go(following.get("#"), index)
        if index == len(self._words):
            self.found.extend(node.bindings)
            return
        word = self._words[index]
        if node.is_many:
            self._go(node, index + 1)
        # A word of a message may itself be a star or a hash: it is no wildcard there.
        if word not in ("*", "#"):
            self._go(following.get(word), index + 1)
        self._go(following.get("*"), index + 1)


@final
class TopicExchange(Exchange):
    """A binding matches when its pattern does."""

    def __init__(self, wish: ExchangeWish) -> None:
        super().__init__(wish)
        self._root: Final = Node(0, False)
        self._node_count = 1

    def check(self, binding: Binding) -> None:
        """Refuse a pattern with too many hashes.  Raises PreconditionFailed.

        Behaviour: RabbitMQ 4.3.5; the words are ours.
        """
        count = _words(binding.routing_key).count("#")
        if count > _MAX_HASHES:
            raise PreconditionFailed(
                f"binding key '{binding.routing_key}' has {count} words '#', and a binding to a "
                f"topic exchange may have {_MAX_HASHES}: leave some out"
            )

    def matches(self, key: str, properties: Properties) -> list[Binding]:
        """The bindings whose pattern matches ``key``."""
        return Search(_words(key)).run(self._root)

    def added(self, binding: Binding) -> None:
        """Take ``binding`` into account."""
        node = self._root
        for word in _words(binding.routing_key):
            child = node.next.get(word)
            if child is None:
                child = Node(self._node_count, word == "#")
                self._node_count += 1
                node.next[word] = child
            node = child
        node.bindings.append(binding)

    def removed(self, binding: Binding) -> None:
        """Forget ``binding`` and every node that nobody needs any more."""
        words = _words(binding.routing_key)
        path = [self._root]
        for word in words:
            path.append(path[-1].next[word])
        path[-1].bindings.remove(binding)
        for index in range(len(words), 0, -1):
            if path[index].next or path[index].bindings:
                return
            del path[index - 1].next[words[index - 1]]


def _words(key: str) -> list[str]:
    """The words of a key.  Behaviour: RabbitMQ 4.3: the empty key has none, not an empty one."""
    return key.split(".") if key else []
