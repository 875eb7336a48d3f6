"""leveret.identity.pool"""

import asyncio
import threading

import pytest

from leveret.identity.pool import MAX_ERRANDS, Errand, Pool


class Walk(Errand):
    """Waits for ``gate`` in its thread, then says that it is done."""

    def __init__(self, gate: threading.Event | None = None, fails: bool = False) -> None:
        self.gate = gate
        self.fails = fails
        self.ran_in = ""
        self.done_in = ""
        self.is_done = asyncio.Event()

    def run(self) -> None:
        if self.gate is not None:
            self.gate.wait(10)
        if self.fails:
            raise RuntimeError("lost")
        self.ran_in = threading.current_thread().name

    def done(self) -> None:
        self.done_in = threading.current_thread().name
        self.is_done.set()


@pytest.mark.asyncio
async def test_an_errand_runs_elsewhere_and_is_done_here() -> None:
    pool, walk = Pool(), Walk()
    pool.ask(walk)
    assert not walk.is_done.is_set()
    await walk.is_done.wait()
    pool.close()
    assert walk.ran_in.startswith("leveret-identity")
    assert walk.done_in == threading.current_thread().name


@pytest.mark.asyncio
async def test_an_errand_that_fails_is_done_all_the_same(
    caplog: pytest.LogCaptureFixture,
) -> None:
    pool, walk = Pool(), Walk(fails=True)
    pool.ask(walk)
    await walk.is_done.wait()
    pool.close()
    assert walk.ran_in == ""
    assert "this is a bug in the broker" in caplog.text


@pytest.mark.asyncio
async def test_what_is_too_much_is_done_without_being_run() -> None:
    pool, gate = Pool(), threading.Event()
    walks = [Walk(gate) for _ in range(MAX_ERRANDS)]
    for walk in walks:
        pool.ask(walk)
    late = Walk()
    pool.ask(late)
    await late.is_done.wait()
    assert late.ran_in == ""
    gate.set()
    for walk in walks:
        await walk.is_done.wait()
    again = Walk()
    pool.ask(again)
    await again.is_done.wait()
    assert again.ran_in != ""
    pool.close()


def test_an_errand_that_comes_home_to_no_loop_hurts_nobody() -> None:
    pool, gate = Pool(), threading.Event()
    walks: list[Walk] = []

    async def leave() -> None:
        walks.append(Walk(gate))
        pool.ask(walks[0])

    asyncio.run(leave())
    gate.set()
    threads = [t for t in threading.enumerate() if t.name.startswith("leveret-identity")]
    pool.close()
    for thread in threads:
        thread.join(10)
    assert walks[0].done_in == ""


def test_a_pool_that_was_never_asked_has_no_threads() -> None:
    pool = Pool()
    pool.close()
    assert [t.name for t in threading.enumerate() if t.name.startswith("leveret-identity")] == []
