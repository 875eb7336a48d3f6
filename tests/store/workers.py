"""A worker whose jobs are done when the test says so."""

from leveret.store.worker import Job, Worker


class FakeWorker(Worker):
    """``work`` performs what was submitted; what fails is told to the job as in the real one."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []

    def submit(self, job: Job) -> None:
        self.jobs.append(job)

    def work(self, count: int = 1_000) -> None:
        while self.jobs and count > 0:
            job = self.jobs.pop(0)
            count -= 1
            try:
                job.perform()
            except OSError as error:
                job.done(error)
            else:
                job.done(None)
