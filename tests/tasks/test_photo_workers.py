import multiprocessing
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from gpu.jpeg.rejection import PhotoRejected
from gpu.render import RenderJob
from tasks import photo_workers
from tasks.photo_workers import PhotoLost, PhotoWorkers, WorkersStopped, open_photo_workers
from tests.faulty_render import FAULTS, render_or_fail
from tests.photos import jpeg
from tests.waiting import wait_until


def job(photo: bytes) -> RenderJob:
    return RenderJob(
        photo=photo, mapping=None, interpolation="linear", border="reflect", quality=95, backend="opencv"
    )


def test_a_photo_comes_back_encoded(workers: PhotoWorkers) -> None:
    assert workers.render(job(jpeg())).jpeg == jpeg()


def test_a_damaged_photo_is_rejected_with_its_code_across_the_process_border(workers: PhotoWorkers) -> None:
    with pytest.raises(PhotoRejected) as rejected:
        workers.render(job(b"<html>"))
    assert rejected.value.code == "not_a_jpeg"


def test_a_photo_that_crashes_hangs_or_eats_memory_costs_itself_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photo_workers, "render_photo", render_or_fail)
    good = jpeg()
    photos = [good + (FAULTS[index % 5] if index % 3 == 0 else b"") for index in range(15)]
    with (
        open_photo_workers(processes=2, timeout_s=1.5, memory_mb=2048) as running,
        ThreadPoolExecutor(4) as threads,
    ):

        def verdict(photo: bytes) -> str:
            try:
                return "rendered" if running.render(job(photo)).jpeg == photo else "altered"
            except PhotoLost as lost:
                return lost.code

        verdicts = list(threads.map(verdict, photos))
    # a process that leaves with status 0 says nothing; its photo is missed when its time is up
    expected = {
        b"segfault": "crashed",
        b"exit": "timed_out",
        b"hang": "timed_out",
        b"memory": "out_of_memory",
        b"error": "render_failed",
    }
    assert verdicts == [expected[FAULTS[index % 5]] if index % 3 == 0 else "rendered" for index in range(15)]


def test_processes_that_die_between_photos_are_replaced() -> None:
    with open_photo_workers(processes=2, timeout_s=60, memory_mb=2048) as running:
        running.render(job(jpeg()))
        killed = multiprocessing.active_children()
        assert len(killed) >= 2
        for child in killed:
            child.kill()
        wait_until(lambda: not any(child.is_alive() for child in killed), within_s=30, what="their end")
        assert running.render(job(jpeg(seed=2))).jpeg == jpeg(seed=2)


def test_a_photo_under_way_when_the_workers_end_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photo_workers, "render_photo", render_or_fail)
    with ThreadPoolExecutor(1) as threads:
        with open_photo_workers(processes=1, timeout_s=300, memory_mb=2048) as running:
            running.render(job(jpeg()))
            waiting = threads.submit(running.render, job(jpeg() + b"hang"))
            time.sleep(0.5)  # under way or not yet begun: either way the outcome is the same
        with pytest.raises(WorkersStopped):
            waiting.result(timeout=30)
