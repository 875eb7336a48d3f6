"""leveret.broker.compat"""

import pytest

from leveret.broker.compat import STRICT, Compat
from leveret.errors import Withdrawn


def test_by_default_nothing_is_refused() -> None:
    compat = Compat()
    compat.check_transient(False, False)
    compat.check_master_locator()
    assert compat.has_global_prefetch


def test_strict_refuses_all_that_is_deprecated() -> None:
    compat = Compat(STRICT)
    with pytest.raises(Withdrawn):
        compat.check_transient(False, False)
    with pytest.raises(Withdrawn):
        compat.check_master_locator()
    assert not compat.has_global_prefetch
    compat.check_transient(True, False)
    compat.check_transient(False, True)


def test_one_feature_may_be_denied() -> None:
    assert not Compat(denied=["global_qos"]).has_global_prefetch
    compat = Compat(denied=["transient_nonexcl_queues"])
    assert compat.has_global_prefetch
    compat.check_master_locator()
    with pytest.raises(Withdrawn, match="transient_nonexcl_queues"):
        compat.check_transient(False, False)
    with pytest.raises(Withdrawn, match="queue_master_locator"):
        Compat(denied=["queue_master_locator"]).check_master_locator()
