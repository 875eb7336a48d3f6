"""The Celery application of test_celery.py: default settings but for what the test is about."""

import os
import time

from celery import Celery, Task

app = Celery(
    "celery_tasks",
    broker=os.environ["AMQP_URL"],
    backend=os.environ.get("CELERY_BACKEND", "rpc://"),
)
if "CELERY_QUEUE_TYPE" in os.environ:
    app.conf.task_default_queue_type = os.environ["CELERY_QUEUE_TYPE"]
    # As Celery's manual wants it, so that what is for later waits in the broker.
    app.conf.task_default_exchange_type = "topic"


@app.task
def add(x: int, y: int) -> int:
    return x + y


@app.task
def total(numbers: list[int]) -> int:
    return sum(numbers)


@app.task
def fail(message: str) -> None:
    raise ValueError(message)


@app.task(bind=True)
def third_time_lucky(self: Task, countdown: float = 0) -> int:
    """The number of retries it took."""
    if self.request.retries < 2:
        raise self.retry(countdown=countdown, max_retries=5)
    return int(self.request.retries)


@app.task(acks_late=True)
def careful(x: int) -> int:
    """Acknowledged when it is done, not when it begins."""
    return x


@app.task(acks_late=True, reject_on_worker_lost=True)
def once_more(mark: str) -> str:
    """Kills its own process the first time, and lives the second time."""
    if not os.path.exists(mark):
        with open(mark, "w"):
            pass
        os.kill(os.getpid(), 9)
    return "done"


@app.task
def nap(seconds: float) -> str:
    time.sleep(seconds)
    return "awake"


@app.task
def wait_for(path: str) -> str:
    """Return when there is such a file."""
    while not os.path.exists(path):
        time.sleep(0.01)
    return "opened"
