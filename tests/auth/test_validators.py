"""leveret.auth.validators"""

import pytest

from leveret.auth.validators import validator
from leveret.errors import PreconditionFailed


def refusal(kind: str, password: str | None) -> str:
    rule = validator(kind, 5, "^[a-z]{2}")
    try:
        rule.check("alice", password)
    except PreconditionFailed as refused:
        return refused.detail
    return ""


@pytest.mark.parametrize("password", [None, "", "x", "long enough"])
def test_without_a_rule_every_password_will_do(password: str | None) -> None:
    assert refusal("accept_everything", password) == ""


@pytest.mark.parametrize("password", [None, "", "1234"])
def test_a_short_password_is_refused(password: str | None) -> None:
    assert refusal("min_length", password) == "minimum required password length is 5"


def test_the_length_is_that_of_the_octets() -> None:
    assert refusal("min_length", "äöu") == ""
    assert refusal("min_length", "äö") != ""


@pytest.mark.parametrize("password", [None, "", "A1", "1ab"])
def test_a_password_that_the_pattern_is_not_found_in_is_refused(password: str | None) -> None:
    wanted = "provided password does not match the validator regular expression"
    assert refusal("regexp", password) == wanted


def test_a_password_that_fits_is_fine() -> None:
    assert (refusal("min_length", "12345"), refusal("regexp", "ab1")) == ("", "")


def test_a_bad_pattern_is_refused() -> None:
    with pytest.raises(ValueError, match="is wrong"):
        validator("regexp", 0, "(")
