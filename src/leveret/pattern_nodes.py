"""The parts of a pattern, each a function from places in a text to places in it.

A set of places is a whole number: bit 0 stands for the place before the first character, bit 1 for
the one after it.  A part turns the places where it may begin into those where it may end.  As a set
holds every way to get there at once, nothing is ever tried again, and no pattern takes long.
"""

from abc import ABC, abstractmethod
from typing import Final, final

_WORD_RANGES: Final = ((48, 57), (65, 90), (95, 95), (97, 122))


@final
class Subject:
    """A text that a pattern is asked about, and what its parts found out about it already."""

    def __init__(self, text: str) -> None:
        self.text: Final = text
        self.everywhere: Final = (1 << (len(text) + 1)) - 1
        # By the number of the part: where its characters are, or where it holds.
        self.masks: Final[dict[int, int]] = {}
        # By part and place: whether what lies ahead there is as wanted.
        self.looks: Final[dict[tuple[int, int], bool]] = {}


class Node(ABC):
    """One part.  ``number`` is its own within the pattern."""

    def __init__(self, number: int) -> None:
        self.number: Final = number

    @abstractmethod
    def ends(self, subject: Subject, places: int) -> int:
        """Where it may end if it begins at one of ``places``."""


@final
class Characters(Node):
    """One character within some ranges of code points, or outside of them all."""

    def __init__(self, number: int, ranges: list[tuple[int, int]], is_negated: bool) -> None:
        super().__init__(number)
        self._ranges: Final = ranges
        self._is_negated: Final = is_negated

    def mask(self, subject: Subject) -> int:
        """The places before such a character."""
        known = subject.masks.get(self.number)
        if known is not None:
            return known
        mask = 0
        bit = 1
        for character in subject.text:
            if self._accepts(ord(character)):
                mask |= bit
            bit <<= 1
        subject.masks[self.number] = mask
        return mask

    def _accepts(self, code: int) -> bool:
        for low, high in self._ranges:
            if low <= code <= high:
                return not self._is_negated
        return self._is_negated

    def ends(self, subject: Subject, places: int) -> int:
        """One further."""
        return (places & self.mask(subject)) << 1


@final
class Sequence(Node):
    """One part after the other."""

    def __init__(self, number: int, parts: list[Node]) -> None:
        super().__init__(number)
        self._parts: Final = parts

    def ends(self, subject: Subject, places: int) -> int:
        """Where the last one ends."""
        for part in self._parts:
            if places == 0:
                return 0
            places = part.ends(subject, places)
        return places


@final
class Choice(Node):
    """Any one of the parts."""

    def __init__(self, number: int, parts: list[Node]) -> None:
        super().__init__(number)
        self._parts: Final = parts

    def ends(self, subject: Subject, places: int) -> int:
        """Where any of them ends."""
        found = 0
        for part in self._parts:
            found |= part.ends(subject, places)
        return found


@final
class Repeat(Node):
    """A part ``low`` to ``high`` times, high -1 for as often as you like."""

    def __init__(self, number: int, part: Node, low: int, high: int) -> None:
        super().__init__(number)
        self._part: Final = part
        self._low: Final = low
        self._high: Final = high

    def ends(self, subject: Subject, places: int) -> int:
        """Where it ends after any allowed number of times."""
        part = self._part
        for _ in range(self._low):
            after = part.ends(subject, places)
            # Nothing moves on any more, and nothing would the next time.
            if after == places:
                break
            places = after
        if self._high < 0 and isinstance(part, Characters):
            # The carry of the addition runs along the characters as the repetition would.
            mask = part.mask(subject)
            return places | (((places & mask) + mask) ^ mask)
        found = places
        count = self._low
        while places and (self._high < 0 or count < self._high):
            places = part.ends(subject, places) & ~found
            found |= places
            count += 1
        return found


@final
class Edge(Node):
    """A place of a ``kind``: one of those below, written as in patterns."""

    def __init__(self, number: int, kind: str) -> None:
        super().__init__(number)
        self._kind: Final = kind

    def ends(self, subject: Subject, places: int) -> int:
        """The same places, if they are of the kind."""
        mask = subject.masks.get(self.number)
        if mask is None:
            mask = _edges(subject, self._kind)
            subject.masks[self.number] = mask
        return places & mask


START: Final = "\\A"
END: Final = "\\z"
END_OR_NEWLINE: Final = "$"
LINE_START: Final = "(?m)^"
LINE_END: Final = "(?m)$"
WORD: Final = "\\b"
NO_WORD: Final = "\\B"


def _edges(subject: Subject, kind: str) -> int:
    text = subject.text
    end = 1 << len(text)
    if kind == START:
        return 1
    if kind == END:
        return end
    if kind == END_OR_NEWLINE:
        return end | (end >> 1) if text.endswith("\n") else end
    mask = 0
    for place in range(len(text) + 1):
        before = text[place - 1] if place > 0 else ""
        after = text[place] if place < len(text) else ""
        if kind == LINE_START:
            holds = place == 0 or before == "\n"
        elif kind == LINE_END:
            holds = place == len(text) or after == "\n"
        else:
            holds = (_is_word(before) != _is_word(after)) == (kind == WORD)
        if holds:
            mask |= 1 << place
    return mask


def _is_word(character: str) -> bool:
    if not character:
        return False
    code = ord(character)
    return any(low <= code <= high for low, high in _WORD_RANGES)


@final
class Look(Node):
    """A place with, or if ``is_negated`` without, ``part`` ahead of it or behind it."""

    def __init__(self, number: int, part: Node, is_ahead: bool, is_negated: bool) -> None:
        super().__init__(number)
        self._part: Final = part
        self._is_ahead: Final = is_ahead
        self._is_negated: Final = is_negated

    def ends(self, subject: Subject, places: int) -> int:
        """The same places, if that is so."""
        if not self._is_ahead:
            behind = self._part.ends(subject, subject.everywhere)
            return places & ~behind if self._is_negated else places & behind
        found = 0
        rest = places
        while rest:
            place = rest & -rest
            rest ^= place
            if self._holds(subject, place):
                found |= place
        return found

    def _holds(self, subject: Subject, place: int) -> bool:
        key = (self.number, place)
        known = subject.looks.get(key)
        if known is None:
            known = (self._part.ends(subject, place) != 0) != self._is_negated
            subject.looks[key] = known
        return known
