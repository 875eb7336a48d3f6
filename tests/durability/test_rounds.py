"""A broker killed under load keeps what it promised.  ``LEVERET_ROUNDS=200`` for the whole."""

import os
from pathlib import Path

from tests.durability.rounds import Rounds

ROUNDS = int(os.environ.get("LEVERET_ROUNDS", "5"))


def test_what_was_confirmed_survives_kill_9(tmp_path: Path) -> None:
    rounds = Rounds(str(tmp_path / "data"), seed=ROUNDS)
    rounds.run(ROUNDS)
    assert rounds.ledger.counts["confirmed"] > 0
