"""What the node takes of its machine, and may take."""

import resource

from leveret.management.machine import limit_of


def test_what_has_no_limit_is_told_as_very_much() -> None:
    """And not as -1, as the system tells it; the time of the processor is seldom limited."""
    assert limit_of(resource.RLIMIT_CPU) > 1_000
    assert limit_of(resource.RLIMIT_NOFILE) >= 64
