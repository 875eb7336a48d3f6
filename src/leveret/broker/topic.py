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
from leveret.tables import Table

# A key has at most 255 octets, so at most 256 words.
_WORDS: Final = 257


@final
class Node:
    """One place in the trie: the words that may come next and the bindings that end here."""

    def __init__(self, number: int) -> None:
        self.number: Final = number
        self.next: Final[dict[str, Node]] = {}
        self.bindings: Final[list[Binding]] = []


@final
class Search:
    """One walk through the trie.  Remembers where it was, so that many ``#`` stay harmless.

    Without that, keys and patterns made for it would take exponential time.
    """

    def __init__(self, words: list[str]) -> None:
        self._words: Final = words
        self._been: Final[set[int]] = set()
        self.found: Final[list[Binding]] = []

    def walk(self, node: Node, index: int) -> None:
        """Match the words from ``index`` on below ``node``.  At most 257 calls deep per word."""
        place = node.number * _WORDS + index
        if place in self._been:
            return
        self._been.add(place)
        many = node.next.get("#")
        if many is not None:
            for skipped in range(index, len(self._words) + 1):
                self.walk(many, skipped)
        if index == len(self._words):
            self.found.extend(node.bindings)
            return
        word = node.next.get(self._words[index])
        # A word of a message may itself be a star or a hash: it is no wildcard there.
        if word is not None and self._words[index] not in ("*", "#"):
            self.walk(word, index + 1)
        one = node.next.get("*")
        if one is not None:
            self.walk(one, index + 1)


@final
class TopicExchange(Exchange):
    """A binding matches when its pattern does."""

    def __init__(
        self,
        name: str,
        is_durable: bool,
        is_auto_delete: bool,
        is_internal: bool,
        arguments: Table,
    ) -> None:
        super().__init__(name, "topic", is_durable, is_auto_delete, is_internal, arguments)
        self._root: Final = Node(0)
        self._node_count = 1

    def matches(self, key: str, properties: Properties) -> list[Binding]:
        """The bindings whose pattern matches ``key``."""
        search = Search(_words(key))
        search.walk(self._root, 0)
        return search.found

    def added(self, binding: Binding) -> None:
        """Take ``binding`` into account."""
        node = self._root
        for word in _words(binding.routing_key):
            child = node.next.get(word)
            if child is None:
                child = Node(self._node_count)
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
