"""leveret.cli.ctl.formats and leveret.cli.ctl.erlang"""

import csv
import io
import json

import pytest

from leveret.cli.ctl.command import Facts, Rows
from leveret.cli.ctl.erlang import States, Version, value_text
from leveret.cli.ctl.formats import FORMATS, show

ROWS = Rows(
    ["name", "arguments", "durable", "messages"],
    [
        ["plain", {}, True, 7],
        ['ü "q"', {"x-max-length": 10, "x-list": [1, "a", True]}, False, None],
    ],
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "true"),
        (7, "7"),
        (4.5e-07, "4.5e-7"),
        (1.5, "1.5"),
        ("text", "text"),
        ({}, "[]"),
        ({"a": 1, "b": "x", "c": {"d": None}}, '[{"a",1},{"b","x"},{"c",[{"d",undefined}]}]'),
        (["a", "b"], "[a, b]"),
        (States({"rabbit@here": "running"}), "[{rabbit@here, running}]"),
        (Version([0, 9, 1]), "{0,9,1}"),
    ],
)
def test_values_look_as_in_rabbitmqctl(value: object, text: str) -> None:
    assert value_text(value) == text


def test_a_table_has_tabs() -> None:
    assert show(ROWS, "table", True) == (
        "name\targuments\tdurable\tmessages\n"
        "plain\t[]\ttrue\t7\n"
        'ü "q"\t[{"x-max-length",10},{"x-list",[1,"a",true]}]\tfalse\t'
    )
    assert str(show(ROWS, "table", False)).startswith("plain\t")


def test_json_is_json_with_an_object_a_line() -> None:
    text = str(show(ROWS, "json", True))
    assert [one["messages"] for one in json.loads(text)] == [7, ""]
    assert text.splitlines()[1] == ('{"name":"plain","arguments":{},"durable":true,"messages":7}')
    assert show(Rows(["a"], []), "json", True) == "[]"


def test_csv_is_read_back() -> None:
    lines = list(csv.reader(io.StringIO(str(show(ROWS, "csv", True)))))
    assert lines[0] == ROWS.columns
    assert lines[2][0] == 'ü "q"'


def test_a_pretty_table_has_lines_of_one_length() -> None:
    lines = str(show(ROWS, "pretty_table", True)).splitlines()
    assert len(lines) == 7
    assert len({len(line) for line in lines}) == 1
    assert lines[1].startswith("│ name")


def test_erlang_terms() -> None:
    text = str(show(Rows(["name", "n", "arguments"], [["q", 1, {"a": "b"}]]), "erlang", True))
    assert text == '[[{name,<<"q">>},{n,1},{arguments,[{<<"a">>,<<"b">>}]}]]'


@pytest.mark.parametrize("formatter", [name for name in FORMATS if name not in ("json", "erlang")])
def test_no_rows_are_no_text(formatter: str) -> None:
    assert show(Rows(["a"], []), formatter, False) is None


def test_what_is_no_table_is_the_same_in_every_format_but_json() -> None:
    assert show("Success", "csv", True) == "Success"
    assert show("Success", "json", True) == '{"message":"Success"}'
    assert show(None, "table", True) is None
    assert show(None, "json", True) == '{"result":"ok"}'
    assert show(Facts({"a": 1}, "text"), "table", True) == "text"
    assert show(Facts({"a": 1}, "text"), "json", True) == '{"a":1}'
