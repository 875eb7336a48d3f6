"""leveret.broker.topic"""

import time
from functools import cache
from itertools import compress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.fakes import classic

from leveret.broker.exchange import Binding
from leveret.broker.properties import NO_PROPERTIES
from leveret.broker.topic import TopicExchange
from leveret.broker.wishes import ExchangeWish
from leveret.errors import PreconditionFailed

QUEUE = classic()


def topic(*patterns: str) -> tuple[TopicExchange, list[Binding]]:
    made = TopicExchange(ExchangeWish("t", "topic", False, False, False, {}))
    bindings = [Binding(made, QUEUE, None, pattern, {}) for pattern in patterns]
    for binding in bindings:
        made.added(binding)
    return made, bindings


def matched(exchange: TopicExchange, key: str) -> list[str]:
    return sorted(b.routing_key for b in exchange.matches(key, NO_PROPERTIES))


def model(pattern: str, key: str) -> bool:
    """The definition, word by word."""
    wanted = pattern.split(".") if pattern else []
    words = key.split(".") if key else []

    @cache
    def agrees(i: int, j: int) -> bool:
        if i == len(wanted):
            return j == len(words)
        if wanted[i] == "#":
            return agrees(i + 1, j) or (j < len(words) and agrees(i, j + 1))
        return j < len(words) and wanted[i] in ("*", words[j]) and agrees(i + 1, j + 1)

    return agrees(0, 0)


@pytest.mark.parametrize(
    ("pattern", "key", "matches"),
    [
        ("#", "", True),
        ("#", "a", True),
        ("#", "a.b.c", True),
        ("*", "", False),
        ("*", "a", True),
        ("*", "a.b", False),
        ("", "", True),
        ("", "a", False),
        ("a.*.c", "a.b.c", True),
        ("a.*.c", "a.c", False),
        ("a.#.c", "a.c", True),
        ("a.#.c", "a.b.b.c", True),
        ("a.#.c", "a.b.c.d", False),
        ("#.#", "", True),
        ("*.#", "", False),
        ("#.*", "a", True),
        ("*.*", ".", True),
        ("a.", "a.", True),
        ("a.*", "a.", True),
        ("a", "*", False),
        ("*", "#", True),
        ("#.b", "a.#.b", True),
        ("ab", "a.b", False),
        ("a*", "ab", False),
    ],
)
def test_a_pattern_matches_word_by_word(pattern: str, key: str, matches: bool) -> None:
    assert model(pattern, key) is matches
    assert matched(topic(pattern)[0], key) == ([pattern] if matches else [])


PATTERNS = st.lists(st.sampled_from(["a", "b", "*", "#", ""]), max_size=7).map(".".join)
KEYS = st.lists(st.sampled_from(["a", "b", "c", "", "*", "#"]), max_size=7).map(".".join)


@given(st.lists(PATTERNS, max_size=12), KEYS)
@example(["#.#.#.a.#.#", "#.a.#", "#.*.#.*"], "a.a.b.a.b")
def test_the_trie_agrees_with_the_definition(patterns: list[str], key: str) -> None:
    expected = sorted(pattern for pattern in patterns if model(pattern, key))
    assert matched(topic(*patterns)[0], key) == expected


@given(st.lists(PATTERNS, max_size=12), st.data())
def test_what_is_removed_no_longer_matches(patterns: list[str], data: st.DataObject) -> None:
    exchange, bindings = topic(*patterns)
    gone = data.draw(st.lists(st.booleans(), min_size=len(patterns), max_size=len(patterns)))
    for binding in compress(bindings, gone):
        exchange.removed(binding)
    kept = [b for b, is_gone in zip(bindings, gone, strict=True) if not is_gone]
    key = data.draw(KEYS)
    expected = sorted(b.routing_key for b in kept if model(b.routing_key, key))
    assert matched(exchange, key) == expected


def test_bindings_may_come_and_go_many_times() -> None:
    exchange, _ = topic("a.b", "a.#")
    for _ in range(1000):
        (binding,) = [Binding(exchange, QUEUE, None, "a.b.c", {})]
        exchange.added(binding)
        exchange.removed(binding)
    assert matched(exchange, "a.b.c") == ["a.#"]
    assert matched(exchange, "a.b") == ["a.#", "a.b"]


# Keys of basic.publish have at most 255 octets, those in CC headers any number.
LONG_WORDS = st.tuples(st.sampled_from(["a.", "b.", "."]), st.integers(100, 700), KEYS)


@given(st.lists(PATTERNS, min_size=1, max_size=6), LONG_WORDS)
@example(["a.a", "#.b.b.a", "#.*.a"], ("a.", 257, "a"))
@example(["#.b", "#.c.*", "#.*.#", "*.#.b.#"], ("a.", 600, "b"))
def test_keys_of_hundreds_of_words_agree_too(
    patterns: list[str], long: tuple[str, int, str]
) -> None:
    word, count, rest = long
    key = word * count + rest
    expected = sorted(pattern for pattern in patterns if iterative_model(pattern, key))
    assert matched(topic(*patterns)[0], key) == expected


def iterative_model(pattern: str, key: str) -> bool:
    """The same definition without recursion: which parts of the pattern may be done so far."""
    wanted = pattern.split(".") if pattern else []
    reached = {0}

    def skip(places: set[int]) -> set[int]:
        grown = set(places)
        for place in range(len(wanted)):
            grown |= {place + 1} if place in grown and wanted[place] == "#" else set()
        return grown

    for word in key.split(".") if key else []:
        places = [p for p in skip(reached) if p < len(wanted)]
        fit = [p for p in places if wanted[p] in ("*", "#", word)]
        reached = {p if wanted[p] == "#" else p + 1 for p in fit}
    return len(wanted) in skip(reached)


@given(PATTERNS, KEYS)
def test_both_models_say_the_same(pattern: str, key: str) -> None:
    assert iterative_model(pattern, key) is model(pattern, key)


def seconds(exchange: TopicExchange, key: str) -> float:
    start = time.process_time()
    exchange.matches(key, NO_PROPERTIES)
    return time.process_time() - start


def test_the_worst_pattern_and_key_do_not_hold_the_broker_up() -> None:
    # The longest of both that fit into short strings.
    exchange, _ = topic(".".join("#" * 128), ".".join("#*" * 63) + ".b")
    assert seconds(exchange, ".".join("a" * 128)) < 0.1


def test_a_huge_key_does_not_hold_the_broker_up() -> None:
    # Of a CC header, as large as a frame allows.
    exchange, _ = topic("#.#.b", "#.*.#.b")
    assert seconds(exchange, "a." * 20_000) < 1


@pytest.mark.parametrize("pattern", ["#", "#.#", "a.#.b.#.c", "a#.b#.c#", "##.##.##", "*.*.*.*"])
def test_a_pattern_may_have_two_hashes(pattern: str) -> None:
    exchange, _ = topic()
    exchange.check(Binding(exchange, QUEUE, None, pattern, {}))


@pytest.mark.parametrize("pattern", ["#.#.#", "a.#.b.#.c.#", "#." * 63 + "#"])
def test_a_pattern_with_more_hashes_is_refused(pattern: str) -> None:
    exchange, _ = topic()
    with pytest.raises(PreconditionFailed, match="words '#', and a binding to a topic exchange"):
        exchange.check(Binding(exchange, QUEUE, None, pattern, {}))
