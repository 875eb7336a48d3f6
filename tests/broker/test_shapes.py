"""leveret.broker.shapes"""

import pytest

from leveret.broker.shapes import Shape, type_of
from leveret.errors import Invalid
from leveret.tables import ARRAY, BOOL, DOUBLE, INT64, LONGSTR, MAX_DEPTH, TABLE


def refused(read: str, value: object, *arguments: object) -> str:
    """The sentence with which this reader refuses this value of the key ``k``."""
    with pytest.raises(Invalid) as caught:
        getattr(Shape("a[1]", {"k": value}), read)("k", *arguments)
    return caught.value.detail


def test_values_are_read() -> None:
    shape = Shape("", {"s": "x", "f": True, "t": ["a", "b"], "n": {"m": 1}, "l": [{}, {}]})
    assert (shape.text("s"), shape.name("s"), shape.flag("f", False)) == ("x", "x", True)
    assert (shape.tags("t"), shape.numbers("n")) == (["a", "b"], {"m": 1})
    assert [one.path for one in shape.shapes("l")] == ["l[0]", "l[1]"]


def test_what_is_missing_has_its_default() -> None:
    shape = Shape("", {})
    assert (shape.text("k", "d"), shape.flag("k", True), shape.tags("k")) == ("d", True, [])
    assert (shape.numbers("k"), shape.shapes("k"), shape.arguments("k")) == ({}, [], {})


def test_what_must_be_there_is_missed() -> None:
    with pytest.raises(Invalid, match=r"^a\[1\] has no 'k': it must be a string$"):
        Shape("a[1]", {}).text("k")


def test_tags_may_be_one_string() -> None:
    assert Shape("", {"k": "administrator, x,"}).tags("k") == ["administrator", "x"]


def test_an_object_may_be_pairs() -> None:
    assert Shape("", {"k": [["a", 1], ["b", 2]]}).pairs("k") == {"a": 1, "b": 2}
    assert Shape("", {"k": []}).pairs("k") == {}


def test_arguments_have_rabbitmqs_wire_types() -> None:
    value = {"i": 1, "d": 1.5, "s": "x", "b": True, "t": {"a": 1}, "l": [1, "x"]}
    table = Shape("", {"arguments": value}).arguments()
    assert {name: field.kind for name, field in table.items()} == {
        "i": INT64,
        "d": DOUBLE,
        "s": LONGSTR,
        "b": BOOL,
        "t": TABLE,
        "l": ARRAY,
    }
    assert Shape("", {"arguments": []}).arguments() == {}


@pytest.mark.parametrize(
    ("read", "value", "sentence"),
    [
        ("text", 1, "a[1].k must be a string, not a number"),
        ("text", None, "a[1].k must be a string, not null"),
        ("text", "\ud800", "a[1].k has half of a character in it"),
        ("name", "x" * 256, "a[1].k is longer than 255 octets"),
        ("name", "é" * 128, "a[1].k is longer than 255 octets"),
        ("tags", [1], "a[1].k[0] must be a string, not a number"),
        ("tags", {}, "a[1].k must be a list of strings, not an object"),
        ("tags", ["\ud800"], "a[1].k[0] has half of a character in it"),
        ("pairs", "x", "a[1].k must be an object, not a string"),
        ("pairs", [["a"]], "a[1].k must be an object, not a list"),
        ("numbers", {"m": True}, "a[1].k.m must be a whole number, not true"),
        ("shapes", {}, "a[1].k must be a list, not an object"),
        ("shapes", [1], "a[1].k[0] must be an object, not a number"),
        ("arguments", {"x": None}, "a[1].k.x must be a string, a number, true, false, a list or"),
        ("arguments", {"x": [{"y": None}]}, "a[1].k.x[0].y must be a string, a number"),
        ("arguments", {"x": 1 << 63}, "a[1].k.x does not fit 64 bits"),
        ("arguments", {"x" * 256: 1}, "a[1].k has a name that is longer than 255 octets"),
        ("arguments", {"x": "\ud800"}, "a[1].k.x has half of a character in it"),
        ("arguments", "x", "a[1].k must be an object, not a string"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(read: str, value: object, sentence: str) -> None:
    assert refused(read, value).startswith(sentence)


def test_a_flag_is_no_number() -> None:
    assert refused("flag", 1, True) == "a[1].k must be true or false, not a number"


@pytest.mark.parametrize("wrap", [lambda inner: {"x": inner}, lambda inner: [inner]])
def test_nesting_has_a_depth(wrap) -> None:  # type: ignore[no-untyped-def]
    value: object = 1
    for _ in range(100_000):
        value = wrap(value)
    assert f"nested deeper than {MAX_DEPTH}" in refused("arguments", {"x": value})


def test_types_are_called_as_json_calls_them() -> None:
    values = [None, True, False, 1, 1.5, "", [], {}]
    assert [type_of(value) for value in values] == [
        *("null", "true", "false", "a number", "a number", "a string", "a list", "an object")
    ]
