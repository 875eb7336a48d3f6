"""Lists: chosen by name, sorted, cut into pages, and cut down to columns.

What is sorted by is cheap to have; what is shown is made for one page only.  A list of any length
leaves others their turns of the loop.
Behaviour: RabbitMQ 4.3, "HTTP API", "Pagination" and "Sorting".  Control plane.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from heapq import merge
from itertools import islice
from typing import Any, Final, Generic, TypeVar, final

from starlette.responses import Response

from leveret.management.api import BadRequest, Call, encode, reply, reply_octets
from leveret.patterns import Pattern, compiled

_PAGE_SIZE: Final = 100
_MOST_PER_PAGE: Final = 500
_LONG: Final = "The list is too long for one answer: ask for pages (page=1) or for some columns"
_WRONG: Final = "Pagination parameters are invalid"
# How long to go on without leaving others their turn, and how many items to look at between.
_TURN_S: Final = 0.003
_STRIDE: Final = 16
# A list that is longer than this has to be asked for in pages, or in fewer columns.
MOST_OCTETS: Final = 128 * 1024 * 1024
# How many are sorted at once.
_RUN: Final = 1024

Thing = TypeVar("Thing")
Facts = dict[str, object]


@final
class Patience:
    """Knows when others are to have their turn of the loop."""

    def __init__(self) -> None:
        self._since = time.perf_counter()

    async def rest(self) -> None:
        """Let others have it, if it is time.  Call it every few items."""
        if time.perf_counter() - self._since > _TURN_S:
            await asyncio.sleep(0)
            self._since = time.perf_counter()


@final
class Wish:
    """What the query says about a list.  Raises BadRequest."""

    def __init__(self, call: Call) -> None:
        query = call.query
        self.is_paged: Final = "page" in query
        self.page: Final = self._number(query.get("page", "1")) if self.is_paged else 1
        size = query.get("page_size", str(_PAGE_SIZE)) if self.is_paged else str(_PAGE_SIZE)
        self.page_size: Final = self._number(size)
        if self.is_paged and not (self.page >= 1 and 1 <= self.page_size <= _MOST_PER_PAGE):
            raise BadRequest(
                f"Invalid pagination parameters: page number {self.page}, page size"
                f" {self.page_size}",
                "invalid_pagination_parameters",
            )
        self.name: Final = query.get("name", "") if self.is_paged else ""
        self.pattern: Pattern | None = None
        if self.name and query.get("use_regex") == "true":
            try:
                self.pattern = compiled(f"(?i){self.name}")
            except ValueError:
                raise BadRequest(_WRONG) from None
        self.sort: Final = [one for one in query.get("sort", "").split(",") if one]
        self.is_reversed: Final = query.get("sort_reverse") == "true"
        columns = query.get("columns", "")
        self.columns: Final = [one for one in columns.split(",") if one]

    @staticmethod
    def _number(text: str) -> int:
        if not text.isascii() or not text.isdecimal() or len(text) > 9:
            raise BadRequest(_WRONG)
        return int(text)

    def takes(self, name: str) -> bool:
        """Whether something called ``name`` is to be shown."""
        if self.pattern is None:
            return self.name.lower() in name.lower()
        return self.pattern.matches(name)


class Listing(Generic[Thing]):
    """How things of one kind are listed.

    ``keys`` gives some of the facts without making them all, and under "" the name that things are
    chosen by, if that is not one of the facts; ``facts`` makes all.  Things are sorted by ``order``
    where the query does not say otherwise.
    """

    def __init__(
        self,
        facts: Callable[[Thing], Facts],
        keys: dict[str, Callable[[Thing], Any]],
        order: Sequence[str],
    ) -> None:
        self._facts: Final = facts
        self._keys: Final = keys
        self._order: Final = order

    async def reply(self, call: Call, things: Iterable[Thing]) -> Response:
        """The answer that lists ``things`` as the query wants."""
        wish = Wish(call)
        patience = Patience()
        every = list(things)
        chosen = await self._chosen(every, wish, patience)
        if not wish.is_paged:
            in_order = await self._sorted(chosen, wish, len(chosen), patience)
            parts = await self._rendered(in_order, wish, patience)
            return await reply_octets(call, b"[" + b",".join(parts) + b"]")
        start = _start_of_page(len(chosen), wish)
        in_order = await self._sorted(chosen, wish, start + wish.page_size, patience)
        page = in_order[start:]
        parts = await self._rendered(page, wish, patience)
        head = {
            "filtered_count": len(chosen),
            "item_count": len(page),
            "page": wish.page,
            "page_count": -(-len(chosen) // wish.page_size),
            "page_size": wish.page_size,
            "total_count": len(every),
        }
        octets = encode(head)[:-1] + b',"items":[' + b",".join(parts) + b"]}"
        return await reply_octets(call, octets)

    async def _chosen(self, every: list[Thing], wish: Wish, patience: Patience) -> list[Thing]:
        if not wish.name:
            return every
        name = self._keys[""] if "" in self._keys else self._keys["name"]
        chosen: list[Thing] = []
        for index, thing in enumerate(every):
            if index % _STRIDE == 0:
                await patience.rest()
            if wish.takes(name(thing)):
                chosen.append(thing)
        return chosen

    async def _sorted(
        self, things: list[Thing], wish: Wish, most: int, patience: Patience
    ) -> list[Thing]:
        """The first ``most`` of ``things`` in the order that is wanted."""
        keyed = await self._keyed(things, wish, patience)
        try:
            in_order = await _first(keyed, most, wish.is_reversed, patience)
        except TypeError:
            # Values of one column are of several types, or missing.
            ranked = [(*map(_rank, values[:-1]), values[-1]) for values in keyed]
            in_order = await _first(ranked, most, wish.is_reversed, patience)
        return [things[values[-1]] for values in in_order]

    async def _keyed(
        self, things: list[Thing], wish: Wish, patience: Patience
    ) -> list[tuple[Any, ...]]:
        """Of each what it is sorted by, and last where it is."""
        columns = wish.sort or list(self._order)
        cheap = [self._keys.get(column) for column in columns]
        keyed: list[tuple[Any, ...]] = []
        for index, thing in enumerate(things):
            if index % _STRIDE == 0:
                await patience.rest()
            keyed.append((*self._values(thing, columns, cheap), index))
        return keyed

    def _values(
        self, thing: Thing, columns: list[str], cheap: list[Callable[[Thing], Any] | None]
    ) -> list[object]:
        if all(key is not None for key in cheap):
            return [key(thing) for key in cheap if key is not None]
        facts = self._facts(thing)
        return [dotted(facts, column) for column in columns]

    async def _rendered(self, things: list[Thing], wish: Wish, patience: Patience) -> list[bytes]:
        parts: list[bytes] = []
        columns = wish.columns
        size = 0
        is_cheap = columns != [] and all("." not in c and c in self._keys for c in columns)
        for thing in things:
            await patience.rest()
            if is_cheap:
                facts: Facts = {column: self._keys[column](thing) for column in columns}
            else:
                facts = cut_down(self._facts(thing), columns)
            parts.append(encode(facts))
            size += len(parts[-1])
            if size > MOST_OCTETS:
                raise BadRequest(_LONG, "answer_too_large")
        return parts


async def _first(
    keyed: list[tuple[Any, ...]], most: int, is_reversed: bool, patience: Patience
) -> list[tuple[Any, ...]]:
    """The first ``most`` in order, found by sorting pieces and merging them only that far."""
    runs: list[list[tuple[Any, ...]]] = []
    for at in range(0, len(keyed), _RUN):
        await patience.rest()
        runs.append(sorted(keyed[at : at + _RUN], reverse=is_reversed))
    found: list[tuple[Any, ...]] = []
    for values in islice(merge(*runs, reverse=is_reversed), most):
        if len(found) % _STRIDE == 0:
            await patience.rest()
        found.append(values)
    return found


def _start_of_page(count: int, wish: Wish) -> int:
    """Where the page begins.  Raises BadRequest when there is none of that number."""
    start = (wish.page - 1) * wish.page_size
    if start >= count and wish.page > 1:
        raise BadRequest(
            f"Page out of range, page: {wish.page} page size: {wish.page_size}, len: {count}",
            "page_out_of_range",
        )
    return start


def dotted(facts: object, column: str) -> object:
    """The value of ``message_stats.publish_details.rate`` in facts; None where it is missing."""
    for part in column.split("."):
        if not isinstance(facts, dict):
            return None
        facts = facts.get(part)
    return facts


def cut_down(facts: Facts, columns: list[str]) -> Facts:
    """Only those columns of ``facts``, which may be dotted; all of it where none is named."""
    if not columns:
        return facts
    kept: Facts = {}
    for column in columns:
        value = dotted(facts, column)
        if value is None:
            continue
        here: Any = kept
        *parents, last = column.split(".")
        for parent in parents:
            here = here.setdefault(parent, {})
            if not isinstance(here, dict):
                break
        if isinstance(here, dict):
            here[last] = value
    return kept


def _rank(value: object) -> tuple[int, Any]:
    """Values of different types have an order too: what is missing first, then by type."""
    if value is None:
        return 0, 0
    if isinstance(value, bool):
        return 2, value
    if isinstance(value, int | float):
        return 1, value
    if isinstance(value, str):
        return 3, value
    return 4, str(value)


async def reply_list(call: Call, items: list[Facts], *order: str) -> Response:
    """The answer that lists facts that are cheap to have, sorted by ``order``."""
    listing: Listing[Facts] = Listing(_same, {"": _name}, order)
    return await listing.reply(call, items)


def _same(facts: Facts) -> Facts:
    return facts


def _name(facts: Facts) -> str:
    return str(facts.get("name", ""))


async def reply_one(call: Call, facts: Facts) -> Response:
    """The answer that is one thing, cut down to the columns that are asked for."""
    columns = [one for one in call.query.get("columns", "").split(",") if one]
    return await reply(call, cut_down(facts, columns))
