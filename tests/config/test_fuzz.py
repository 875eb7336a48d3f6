"""leveret.config: whatever a file says, it is read or refused."""

import string
import tomllib

from hypothesis import given, settings
from hypothesis import strategies as st

from leveret.config.rabbitmq_conf import take_conf
from leveret.config.rabbitmq_keys import GROUPS, LISTS, ONE, SPECIAL
from leveret.config.settings import Settings
from leveret.config.table import TABLE
from leveret.config.toml_file import take_toml
from leveret.config.toml_text import write_value

KEYS = st.sampled_from([*ONE, *LISTS, *GROUPS, *SPECIAL]).flatmap(
    lambda key: st.sampled_from(["1", "name", "password", "pattern"]).map(
        lambda part: key.replace("$", part)
    )
)
VALUES = st.sampled_from(
    ["true", "false", "none", "0", "-1", "5672", "::1:5672", "infinity", "(", "/", "10MB"]
) | st.text(string.printable, max_size=20)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(KEYS, VALUES), max_size=6))
def test_any_values_of_known_keys_are_taken_or_refused_with_their_line(
    lines: list[tuple[str, str]],
) -> None:
    text = "\n".join([f"{key} = {value}" for key, value in lines])
    for fault in take_conf(Settings(), "f", text, {}):
        assert fault.origin.startswith("f:")


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"])) | st.text("[]{}=.'\"#\n ab1$()"))
def test_any_text_is_read_or_refused(text: str) -> None:
    take_conf(Settings(), "f", text, {})


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_toml_is_read_or_refused(octets: bytes) -> None:
    take_toml(Settings(), "f", octets)


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_is_written_as_toml_that_means_it(text: str) -> None:
    assert tomllib.loads(f"x = {write_value(text)}") == {"x": text}


def test_every_default_is_written_as_toml_that_means_it() -> None:
    for row in TABLE:
        value = row.plain(row.check(row.default), True)
        assert row.check(tomllib.loads(f"x = {write_value(value)}")["x"]) == row.check(row.default)
