"""leveret.cli.ctl.words"""

import pytest

from leveret.cli.ctl.command import BadCall, Call, Command
from leveret.cli.ctl.words import split


def nothing(call: Call) -> None:
    """A command that does nothing."""


COMMANDS = {
    "list": Command("list", "[<column> ...]", nothing, "", ["online"]),
    "limits": Command("limits", "<name> [<kind>]", nothing, "", ["user=", "vhost="]),
}


def test_options_stand_anywhere() -> None:
    found = split(["-q", "list", "a", "-p", "v1", "b", "--online", "--timeout=5", "c"], COMMANDS)
    assert (found.command, found.arguments) == ("list", ["a", "b", "c"])
    assert found.general == {"quiet": True, "vhost": "v1", "timeout": "5"}
    assert found.own == {"online": True}


def test_before_the_command_user_is_who_asks_and_behind_it_whom_it_is_about() -> None:
    found = split(["--user", "admin", "limits", "--user", "anna"], COMMANDS)
    assert found.general == {"user": "admin"}
    assert found.own == {"user": "anna"}
    assert split(["list", "--user", "admin"], COMMANDS).general == {"user": "admin"}


def test_two_dashes_end_the_options() -> None:
    assert split(["list", "--", "-q", "--x"], COMMANDS).arguments == ["-q", "--x"]
    assert split(["--", "list", "-q"], COMMANDS).command == "list"


def test_a_dash_alone_and_an_empty_word_are_arguments() -> None:
    assert split(["list", "-", ""], COMMANDS).arguments == ["-", ""]


def test_unknown_options_are_kept_for_the_complaint() -> None:
    assert split(["list", "--odd=1", "-x"], COMMANDS).unknown == ["--odd=1", "-x"]


def test_an_option_without_its_value_is_refused() -> None:
    with pytest.raises(BadCall, match="-p needs a value"):
        split(["list", "-p"], COMMANDS)


@pytest.mark.parametrize(
    ("name", "count", "wrong"),
    [
        ("limits", 0, "not enough"),
        ("limits", 1, ""),
        ("limits", 2, ""),
        ("limits", 3, "too many"),
        ("list", 0, ""),
        ("list", 99, ""),
    ],
)
def test_a_command_knows_how_many_arguments_it_takes(name: str, count: int, wrong: str) -> None:
    assert COMMANDS[name].judge(["x"] * count).startswith(wrong)
    assert bool(COMMANDS[name].judge(["x"] * count)) == bool(wrong)
