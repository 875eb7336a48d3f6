"""The Celery application of test_celery.py: default settings, results over rpc://."""

import os

from celery import Celery, Task

app = Celery("celery_tasks", broker=os.environ["AMQP_URL"], backend="rpc://")


@app.task
def add(x: int, y: int) -> int:
    return x + y


@app.task
def fail(message: str) -> None:
    raise ValueError(message)


@app.task(bind=True)
def third_time_lucky(self: Task) -> int:
    """The number of retries it took."""
    if self.request.retries < 2:
        raise self.retry(countdown=0, max_retries=5)
    return int(self.request.retries)
