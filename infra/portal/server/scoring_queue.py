"""Score jobs one after the other, in the order of their acceptance, each with all worker processes.

A job that ends has its answer recorded, then its zip removed. A job that a stop or a crash interrupts has
neither and is done again from the start at the next start. A photo that takes its worker down is tried once
more on a fresh one; then the job fails, because a portal's trouble must not look like a score of 0.
"""

import logging
import multiprocessing
import queue
import threading
import time
from collections.abc import Mapping
from concurrent.futures import TimeoutError as PhotoTimeout
from dataclasses import asdict, dataclass

from pebble import ProcessExpired, ProcessFuture, ProcessPool

from infra.errors import AdapterError, PortalError, SubmissionZipRefused
from infra.portal.judge import JudgeIdentity
from infra.portal.server.job_records import JobRecords, ScoringJob
from infra.portal.server.photo_scoring import PhotoJob, PhotoScore, score_photo
from infra.portal.server.submission_reader import read_submission
from infra.portal.server.target_set import TargetSet
from infra.portal.server.uploads import Uploads

# Not forked: this process has threads.
_SPAWN = multiprocessing.get_context("spawn")
_TRIES = 2
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Scoring:
    """How photos are scored."""

    targets: TargetSet
    judge: JudgeIdentity
    scorer: str
    processes: int
    photo_timeout_s: float


class ScoringQueue:
    """Jobs that wait, and the one that runs."""

    def __init__(self, scoring: Scoring, *, records: JobRecords, uploads: Uploads) -> None:
        self._scoring = scoring
        self._records = records
        self._uploads = uploads
        self._waiting: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._futures: list[ProcessFuture[PhotoScore]] = []
        self._progress: Mapping[str, int] = {}
        self._pool = ProcessPool(max_workers=scoring.processes, context=_SPAWN)
        self._thread = threading.Thread(target=self._work, name="scoring queue", daemon=True)

    def start(self) -> None:
        """Take up the jobs that earlier runs left, and begin."""
        for request_id in self._records.unfinished():
            self.add(request_id)
        self._thread.start()

    def add(self, request_id: str) -> None:
        """Have a recorded job scored; one that is scored already is passed over."""
        self._waiting.put(request_id)

    def stop(self) -> None:
        """End the workers; the job at hand stays unfinished."""
        self._stopping.set()
        self._waiting.put(None)
        self._cancel()  # the pool's own stop leaves whoever waits for a photo waiting
        self._thread.join()
        self._pool.stop()  # type: ignore[no-untyped-call]  # the library annotates all but this
        self._pool.join()

    def progress(self, request_id: str) -> tuple[int, int] | None:
        """Return how many photos of how many are scored, None for a job that waits."""
        done = self._progress.get(request_id)
        return None if done is None else (done, len(self._scoring.targets.photos))

    def _work(self) -> None:
        while (request_id := self._waiting.get()) is not None and not self._stopping.is_set():
            job = self._records.find(request_id)
            if job is None or self._records.answer(request_id) is not None:
                continue
            try:
                answer = self._answer(job)
                if self._stopping.is_set():
                    return
                self._records.finish(request_id, answer)
                self._uploads.discard(job.s3_key)
            except Exception:  # the edge of the thread: one job's trouble must not end the others
                _LOG.exception("job %s is left unfinished; it is done again at the next start", request_id)
            self._progress = {}

    def _answer(self, job: ScoringJob) -> dict[str, object]:
        """Score a job: the answer that clients get, whatever came of it."""
        began = time.monotonic()
        head = {"request_id": job.request_id, "judge": asdict(self._scoring.judge)}
        try:
            scores = self._scores(job)
        except AdapterError as error:
            return {**head, "status": "FAILED", "detail": str(error)}
        except Exception as error:
            if not self._stopping.is_set():
                _LOG.exception("job %s failed", job.request_id)
            return {
                **head,
                "status": "FAILED",
                "detail": f"the portal's scorer broke: {type(error).__name__}",
            }
        elapsed = time.monotonic() - began
        return {**head, "status": "COMPLETED", "success": True, **_result(scores, elapsed_s=elapsed)}

    def _scores(self, job: ScoringJob) -> list[PhotoScore]:
        archive = self._uploads.path_of(job.s3_key)
        if archive is None:
            raise SubmissionZipRefused("the upload is no longer on the portal's disk; upload it again")
        photos = self._scoring.targets.photos
        self._progress = {job.request_id: 0}
        files = read_submission(archive, wanted=[f"{photo_id}.jpg" for photo_id in photos])
        jobs = [
            PhotoJob(photo_id, self._scoring.scorer, archive, files[f"{photo_id}.jpg"], photo)
            for photo_id, photo in photos.items()
        ]
        futures = [self._scheduled(photo_job) for photo_job in jobs]
        try:
            return self._collected(job, jobs, futures)
        finally:
            self._cancel()

    def _collected(
        self, job: ScoringJob, jobs: list[PhotoJob], futures: list["ProcessFuture[PhotoScore]"]
    ) -> list[PhotoScore]:
        scores = []
        for photo_job, future in zip(jobs, futures, strict=True):
            scores.append(self._score(photo_job, future))
            self._progress = {job.request_id: len(scores)}
        return scores

    def _score(self, photo_job: PhotoJob, future: "ProcessFuture[PhotoScore]") -> PhotoScore:
        for attempt in range(1, _TRIES + 1):
            try:
                return future.result()
            except (ProcessExpired, PhotoTimeout) as error:
                if attempt == _TRIES:
                    raise PortalError(_lost(photo_job, error)) from error
                future = self._scheduled(photo_job)
        raise AssertionError("unreachable")

    def _scheduled(self, photo_job: PhotoJob) -> "ProcessFuture[PhotoScore]":
        future: ProcessFuture[PhotoScore] = self._pool.schedule(
            score_photo, args=[photo_job], timeout=self._scoring.photo_timeout_s
        )
        self._futures.append(future)
        if self._stopping.is_set():  # ``stop`` may have cancelled before this one was known
            future.cancel()  # type: ignore[no-untyped-call]
        return future

    def _cancel(self) -> None:
        for future in tuple(self._futures):
            future.cancel()  # type: ignore[no-untyped-call]
        if not self._stopping.is_set():
            self._futures.clear()


def _lost(photo_job: PhotoJob, error: Exception) -> str:
    what = "took too long" if isinstance(error, PhotoTimeout) else "crashed"
    return f"scoring {photo_job.photo_id!r} {what}, twice; nothing was scored, submit again"


def _result(scores: list[PhotoScore], *, elapsed_s: float) -> dict[str, object]:
    """Write scores as the protocol has them; the average is that of the rounded scores in the CSV."""
    rounded = [round(score.score, 2) for score in scores]
    rows = "".join(f"{score.photo_id},{points:.2f}\n" for score, points in zip(scores, rounded, strict=True))
    return {
        "csv": f"image_id,score\n{rows}",
        "summary": {
            "total_images": len(scores),
            "scored": len(scores),
            "missing": 0,
            "hard_fails": sum(score.hard_fail for score in scores),
            "avg_score": round(sum(rounded) / len(rounded) / 100, 6),
            "elapsed": round(elapsed_s, 3),
            "per_image": [{"image_id": score.photo_id, "metrics": dict(score.metrics)} for score in scores],
        },
    }
