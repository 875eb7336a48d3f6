"""Patterns over names of queues and exchanges, as policies and permissions have them.

RabbitMQ's are those of Perl, as its library PCRE reads them.  So are these, but for what would need
to try one way after the other: back references, atomic groups, possessive quantifiers, conditions
and recursion are refused.  What is left takes a time that grows slowly with pattern and name,
however somebody wrote it: no pattern holds the broker up.  Python's own ``re`` cannot promise that.

Other differences: PCRE looks at octets here, these at characters; properties (``\\p``) are refused.
"""

from typing import Final, final

from leveret.pattern_nodes import (
    END,
    END_OR_NEWLINE,
    LINE_END,
    LINE_START,
    NO_WORD,
    START,
    WORD,
    Characters,
    Choice,
    Edge,
    Look,
    Node,
    Repeat,
    Sequence,
    Subject,
)

MAX_PATTERN: Final = 1024
_MAX_DEPTH: Final = 32
_MAX_COUNT: Final = 65_535
_MAX_CODE: Final = 0x10FFFF

_Ranges = list[tuple[int, int]]

_DIGIT: Final[_Ranges] = [(48, 57)]
_WORDS: Final[_Ranges] = [(48, 57), (65, 90), (95, 95), (97, 122)]
_SPACE: Final[_Ranges] = [(9, 13), (32, 32)]
_HORIZONTAL: Final[_Ranges] = [(9, 9), (32, 32), (0xA0, 0xA0)]
_VERTICAL: Final[_Ranges] = [(10, 13), (0x85, 0x85), (0x2028, 0x2029)]
_NEWLINE: Final[_Ranges] = [(10, 10)]
_SETS: Final[dict[str, _Ranges]] = {
    "d": _DIGIT,
    "w": _WORDS,
    "s": _SPACE,
    "h": _HORIZONTAL,
    "v": _VERTICAL,
    "N": _NEWLINE,
}
_NAMED: Final[dict[str, _Ranges]] = {
    "alnum": [(48, 57), (65, 90), (97, 122)],
    "alpha": [(65, 90), (97, 122)],
    "ascii": [(0, 127)],
    "blank": [(9, 9), (32, 32)],
    "cntrl": [(0, 31), (127, 127)],
    "digit": _DIGIT,
    "graph": [(33, 126)],
    "lower": [(97, 122)],
    "print": [(32, 126)],
    "punct": [(33, 47), (58, 64), (91, 96), (123, 126)],
    "space": _SPACE,
    "upper": [(65, 90)],
    "word": _WORDS,
    "xdigit": [(48, 57), (65, 70), (97, 102)],
}
_EDGES: Final = {"A": START, "z": END, "Z": END_OR_NEWLINE, "b": WORD, "B": NO_WORD}
_CONTROLS: Final = {"n": 10, "t": 9, "r": 13, "f": 12, "e": 27, "a": 7}


@final
class Pattern:
    """A pattern that can be asked about names."""

    def __init__(self, text: str, root: Node) -> None:
        self.text: Final = text
        self._root: Final = root
        self._is_all: Final = text in (".*", "^.*", "")

    def matches(self, name: str) -> bool:
        """Whether the pattern is found anywhere in ``name``."""
        if self._is_all:
            return True
        subject = Subject(name)
        return self._root.ends(subject, subject.everywhere) != 0


def compiled(text: str) -> Pattern:
    """The pattern that ``text`` describes.  Raises ValueError with a sentence for the user."""
    if len(text) > MAX_PATTERN:
        raise ValueError(f"it has {len(text)} characters, at most {MAX_PATTERN} are allowed")
    return Pattern(text, _Reader(text).read())


@final
class _Reader:
    """Reads a pattern from left to right.  The flags are those in force at ``_at``."""

    def __init__(self, text: str) -> None:
        self._text: Final = text
        self._at = 0
        self._count = 0
        self._depth = 0
        self._ignores_case = False
        self._has_lines = False
        self._has_dot_all = False
        self._has_blanks = False

    def read(self) -> Node:
        """The whole pattern."""
        node = self._choice()
        if self._at < len(self._text):
            raise self._wrong("there is no ( for this )")
        return node

    # --- reading ---------------------------------------------------------------------------

    def _wrong(self, why: str) -> ValueError:
        return ValueError(f"{why}, at character {self._at + 1} of '{self._text}'")

    def _number(self) -> int:
        self._count += 1
        return self._count

    def _peek(self) -> str:
        return self._text[self._at] if self._at < len(self._text) else ""

    def _take(self, expected: str) -> bool:
        """Pass over ``expected`` if it stands here."""
        if not self._text.startswith(expected, self._at):
            return False
        self._at += len(expected)
        return True

    def _until(self, end: str) -> str:
        """What stands before the next ``end``; passes over both."""
        found = self._text.find(end, self._at)
        if found < 0:
            raise self._wrong(f"{end} is missing")
        part = self._text[self._at : found]
        self._at = found + len(end)
        return part

    # --- structure -------------------------------------------------------------------------

    def _choice(self) -> Node:
        """Alternatives, up to the end or the ) of the group; flags last as long."""
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise self._wrong(f"groups are nested more than {_MAX_DEPTH} deep")
        flags = (self._ignores_case, self._has_lines, self._has_dot_all, self._has_blanks)
        parts = [self._sequence()]
        while self._take("|"):
            parts.append(self._sequence())
        self._ignores_case, self._has_lines, self._has_dot_all, self._has_blanks = flags
        self._depth -= 1
        return parts[0] if len(parts) == 1 else Choice(self._number(), parts)

    def _sequence(self) -> Node:
        parts: list[Node] = []
        while True:
            if self._has_blanks:
                self._skip_blanks()
            if self._peek() in ("", "|", ")"):
                break
            if self._take("\\Q"):
                quoted = self._quoted()
                parts.extend(quoted[:-1])
                if quoted:
                    parts.append(self._repeated(quoted[-1]))
            elif not self._take("\\E"):
                part = self._part()
                if part is not None:
                    parts.append(self._repeated(part))
        return Sequence(self._number(), parts)

    def _skip_blanks(self) -> None:
        while self._peek() != "":
            if self._take("#"):
                while self._peek() not in ("", "\n"):
                    self._at += 1
            elif self._peek() in " \t\n\r\f\v":
                self._at += 1
            else:
                return

    def _quoted(self) -> list[Node]:
        end = self._text.find("\\E", self._at)
        quoted = self._text[self._at : end] if end >= 0 else self._text[self._at :]
        self._at += len(quoted) + (2 if end >= 0 else 0)
        return [self._literal(ord(character)) for character in quoted]

    def _part(self) -> Node | None:
        """What one quantifier would be about; None for a group that is none."""
        character = self._peek()
        if character in ("*", "+", "?"):
            raise self._wrong("there is nothing to repeat")
        self._at += 1
        if character == "(":
            return self._group()
        if character == "[":
            return self._bracket()
        if character == ".":
            if self._has_dot_all:
                return Characters(self._number(), [(0, _MAX_CODE)], False)
            return Characters(self._number(), _NEWLINE, True)
        if character == "^":
            return Edge(self._number(), LINE_START if self._has_lines else START)
        if character == "$":
            return Edge(self._number(), LINE_END if self._has_lines else END_OR_NEWLINE)
        if character == "\\":
            return self._escape()
        return self._literal(ord(character))

    def _repeated(self, part: Node) -> Node:
        if self._has_blanks:
            self._skip_blanks()
        counts = self._counts()
        if counts is None:
            return part
        low, high = counts
        # Lazy or greedy, what is found is the same.
        if not self._take("?") and self._peek() == "+":
            raise self._wrong("possessive quantifiers are not supported: use a plain one")
        if self._peek() in ("*", "+", "?"):
            raise self._wrong("there is nothing to repeat")
        return Repeat(self._number(), part, low, high)

    def _counts(self) -> tuple[int, int] | None:
        """The quantifier that stands here, if one does.  -1 for no upper bound."""
        if self._take("*"):
            return 0, -1
        if self._take("+"):
            return 1, -1
        if self._take("?"):
            return 0, 1
        end = self._text.find("}", self._at)
        if self._peek() != "{" or end < 0:
            return None
        low, comma, high = self._text[self._at + 1 : end].partition(",")
        if not _is_decimal(low) or (high and not _is_decimal(high)):
            return None
        counts = (int(low), (int(high) if high else -1) if comma else int(low))
        if counts[0] > _MAX_COUNT or counts[1] > _MAX_COUNT:
            raise self._wrong(f"a count is more than {_MAX_COUNT}")
        if 0 <= counts[1] < counts[0]:
            raise self._wrong("the counts of {} are out of order")
        self._at = end + 1
        return counts

    # --- groups ----------------------------------------------------------------------------

    def _group(self) -> Node | None:
        if self._take("*"):
            raise self._wrong("verbs are not supported")
        if not self._take("?"):
            return self._inside()
        if self._take("#"):
            self._until(")")
            return None
        for mark, is_ahead, is_negated in (
            ("=", True, False),
            ("!", True, True),
            ("<=", False, False),
            ("<!", False, True),
        ):
            if self._take(mark):
                return Look(self._number(), self._inside(), is_ahead, is_negated)
        if self._take(":") or self._take("|"):
            return self._inside()
        for mark, end in (("P<", ">"), ("<", ">"), ("'", "'")):
            if self._take(mark):
                self._until(end)
                return self._inside()
        return self._flags()

    def _inside(self) -> Node:
        node = self._choice()
        if not self._take(")"):
            raise self._wrong(") is missing")
        return node

    def _flags(self) -> Node | None:
        before = (self._ignores_case, self._has_lines, self._has_dot_all, self._has_blanks)
        is_on = True
        while self._peek() not in (")", ":"):
            flag = self._peek()
            if flag == "-":
                is_on = False
            elif flag == "i":
                self._ignores_case = is_on
            elif flag == "m":
                self._has_lines = is_on
            elif flag == "s":
                self._has_dot_all = is_on
            elif flag == "x":
                self._has_blanks = is_on
            else:
                raise self._wrong("this kind of group is not supported")
            self._at += 1
        if self._take(")"):
            return None
        self._take(":")
        node = self._inside()
        self._ignores_case, self._has_lines, self._has_dot_all, self._has_blanks = before
        return node

    # --- characters ------------------------------------------------------------------------

    def _literal(self, code: int) -> Node:
        return Characters(self._number(), self._cased([(code, code)]), False)

    def _cased(self, ranges: _Ranges) -> _Ranges:
        """With the letters of the other case, if case does not matter."""
        if not self._ignores_case:
            return ranges
        both = list(ranges)
        for low, high in ranges:
            if low == high:
                others = (chr(low).lower(), chr(low).upper())
                both.extend([(ord(other), ord(other)) for other in others if len(other) == 1])
            for first, last, shift in ((65, 90, 32), (97, 122, -32)):
                if low <= last and high >= first:
                    both.append((max(low, first) + shift, min(high, last) + shift))
        return both

    def _escape(self) -> Node:
        """What a backslash begins, outside of brackets."""
        character = self._peek()
        edge = _EDGES.get(character)
        if edge is not None:
            self._at += 1
            return Edge(self._number(), edge)
        ranges = self._set(character)
        if ranges is not None:
            self._at += 1
            return Characters(self._number(), ranges, character in "DWSHVN")
        if character.isdecimal() and character != "0":
            raise self._wrong("back references are not supported")
        return self._literal(self._code())

    def _set(self, character: str) -> _Ranges | None:
        known = _SETS.get(character)
        if known is None and character in ("D", "W", "S", "H", "V"):
            known = _SETS[character.lower()]
        return known

    def _code(self) -> int:
        """The character that the escape at hand stands for."""
        character = self._peek()
        if character == "":
            raise self._wrong("a backslash stands at the end")
        self._at += 1
        control = _CONTROLS.get(character)
        if control is not None:
            return control
        if character == "x":
            return self._hexadecimal()
        if character == "0":
            return self._octal()
        if character.isascii() and character.isalnum():
            self._at -= 1
            raise self._wrong(f"\\{character} is not supported")
        return ord(character)

    def _hexadecimal(self) -> int:
        if self._take("{"):
            digits = self._until("}")
        else:
            start = self._at
            while self._at < start + 2 and self._peek() in _HEXADECIMAL:
                self._at += 1
            digits = self._text[start : self._at]
        if any(digit not in _HEXADECIMAL for digit in digits) or len(digits) > 6:
            raise self._wrong("this is no hexadecimal number")
        code = int(digits or "0", 16)
        if code > _MAX_CODE:
            raise self._wrong("there is no such character")
        return code

    def _octal(self) -> int:
        start = self._at
        while self._at < start + 2 and self._peek() in _OCTAL:
            self._at += 1
        return int(self._text[start : self._at] or "0", 8)

    # --- brackets --------------------------------------------------------------------------

    def _bracket(self) -> Node:
        """The characters between [ and ]."""
        is_negated = self._take("^")
        ranges: _Ranges = []
        is_first = True
        while is_first or self._peek() != "]":
            is_first = False
            if self._peek() == "":
                raise self._wrong("] is missing")
            self._member(ranges)
        self._at += 1
        return Characters(self._number(), self._cased(ranges), is_negated)

    def _member(self, ranges: _Ranges) -> None:
        """One character, range or set."""
        if self._take("[:"):
            is_negated = self._take("^")
            name = self._until(":]")
            if name not in _NAMED:
                raise self._wrong(f"there is no class [:{name}:]")
            ranges.extend(_others(_NAMED[name]) if is_negated else _NAMED[name])
            return
        low = self._member_code(ranges)
        if low < 0:
            return
        has_range = self._peek() == "-" and self._text[self._at + 1 : self._at + 2] not in ("", "]")
        if not has_range:
            ranges.append((low, low))
            return
        self._at += 1
        high = self._member_code(ranges)
        if high < 0:
            # Not a range after all: PCRE takes the - for itself.
            ranges.extend([(low, low), (45, 45)])
            return
        if high < low:
            raise self._wrong("a range is out of order")
        ranges.append((low, high))

    def _member_code(self, ranges: _Ranges) -> int:
        """The code of one character; -1 for a set, which is added to ``ranges``."""
        character = self._peek()
        if character != "\\":
            self._at += 1
            return ord(character)
        self._at += 1
        character = self._peek()
        known = self._set(character) if character != "N" else None
        if known is not None:
            self._at += 1
            ranges.extend(_others(known) if character.isupper() else known)
            return -1
        if character == "b":
            self._at += 1
            return 8
        return self._code()


_HEXADECIMAL: Final = frozenset("0123456789abcdefABCDEF")
_OCTAL: Final = frozenset("01234567")


def _is_decimal(text: str) -> bool:
    return text.isascii() and text.isdecimal()


def _others(ranges: _Ranges) -> _Ranges:
    """All characters but those in ``ranges``, which are in order."""
    others: _Ranges = []
    next_code = 0
    for low, high in ranges:
        if next_code < low:
            others.append((next_code, low - 1))
        next_code = high + 1
    others.append((next_code, _MAX_CODE))
    return others
