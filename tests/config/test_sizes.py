"""leveret.config.sizes"""

import pytest

from leveret.config.sizes import read_size, read_time_ms


@pytest.mark.parametrize(
    ("text", "octets"),
    [
        ("0", 0),
        ("131072", 131072),
        ("64k", 65536),
        ("64kiB", 65536),
        ("64Ki", 65536),
        ("64KIB", 65536),
        ("64kB", 64000),
        ("50MB", 50_000_000),
        ("50M", 52_428_800),
        ("1 GiB", 1_073_741_824),
        ("2gb", 2_000_000_000),
        ("1T", 1_099_511_627_776),
        ("1PB", 1_000_000_000_000_000),
    ],
)
def test_a_size_has_rabbitmqs_units(text: str, octets: int) -> None:
    assert read_size(text) == octets


@pytest.mark.parametrize("text", ["", "MB", "-1", "1.5GB", "1 octet", "1kk", "1" * 19])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        read_size(text)


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        *[("250ms", 250), ("30s", 30_000), ("1.5 s", 1500), ("5m", 300_000), ("5min", 300_000)],
        *[("1h", 3_600_000), ("2d", 172_800_000), ("0s", 0)],
    ],
)
def test_a_time_has_a_unit(text: str, milliseconds: int) -> None:
    assert read_time_ms(text) == milliseconds


@pytest.mark.parametrize("text", ["", "30", "s", "-1s", "1 week", "0.5ms", "1e3s"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        read_time_ms(text)
