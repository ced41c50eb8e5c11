import pickle

from gpu.jpeg.rejection import PhotoRejected


def test_verdict_survives_the_way_out_of_a_worker_process() -> None:
    sent = PhotoRejected("cmyk", "expected RGB, found CMYK")
    received = pickle.loads(pickle.dumps(sent))  # noqa: S301 - our own bytes
    assert (received.code, str(received)) == ("cmyk", "expected RGB, found CMYK")
