from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from gpu.jpeg.rejection import PhotoRejected


def refuse() -> None:
    raise PhotoRejected("cmyk", "expected RGB, found CMYK")


def test_verdict_survives_the_way_out_of_a_worker_process() -> None:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        verdict = pool.submit(refuse).exception()
    assert isinstance(verdict, PhotoRejected)
    assert (verdict.code, str(verdict)) == ("cmyk", "expected RGB, found CMYK")
