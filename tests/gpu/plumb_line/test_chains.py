import numpy as np
import pytest

from gpu.plumb_line.chains import Chains, find_chains
from tests.straight_lines import SIZE, WIDE, distorted, draw, grid_of_lines, letterboxed

NONE = np.zeros(3)


def one_line(*ends: tuple[float, float]) -> np.ndarray:
    return np.array([ends])


def test_places_lie_within_a_tenth_of_a_pixel_of_the_bowed_edges() -> None:
    chains = find_chains(draw(grid_of_lines(), WIDE))

    assert len(chains.sigma) >= 20
    line = grid_of_lines()[0]
    edge = distorted(line[0] + np.linspace(0, 1, 4000)[:, None] * (line[1] - line[0]), WIDE)
    top = [places[seen] for places, seen in zip(chains.places, chains.seen, strict=True)]
    nearest = [
        np.hypot(*(places[:, None] - edge[None]).transpose(2, 0, 1)).min(axis=1) * SIZE.half_diagonal
        for places in top
        if abs(places[:, 1].mean() + 0.45) < 0.03 and np.ptp(places[:, 0]) > 0.8
    ]
    assert nearest
    # a bar of 9 px has an edge on either side: where they lie may be off by a constant, their shape may not
    assert max(np.ptp(distances) for distances in nearest) < 0.2  # px, at half the resolution


def test_the_frame_of_the_photo_is_no_evidence() -> None:
    framed = draw(np.zeros((0, 2, 2)), NONE, border=12)

    assert len(find_chains(framed).sigma) == 0
    assert len(find_chains(framed, frame_share=0.0).sigma) >= 4


def test_bars_over_a_photo_are_no_evidence() -> None:
    photo = draw(grid_of_lines(), WIDE)

    boxed = find_chains(letterboxed(photo, bar=90))  # px of 800

    assert len(boxed.sigma) >= 10
    farthest = np.abs(boxed.places[..., 1]).max() * SIZE.half_diagonal
    assert farthest < 400 - 90 - 0.014 * 1200 + 1.0
    assert len(find_chains(letterboxed(draw(np.zeros((0, 2, 2)), NONE), bar=90)).sigma) == 0


def test_a_broken_edge_is_one_chain() -> None:
    whole = one_line((-0.6, -0.3), (0.6, -0.3))[0]
    broken = np.array([[whole[0], [-0.03, -0.3]], [[0.03, -0.3], whole[1]]])

    lengths = find_chains(draw(broken, NONE)).lengths

    assert len(lengths) == 2  # the two sides of the bar
    assert (
        lengths.min() > 1.05
    )  # half diagonals: from the first place to the last, each the mean of a 12th of 1.2


def test_a_wide_gap_is_not_bridged() -> None:
    apart = np.array([[[-0.7, -0.3], [-0.15, -0.3]], [[0.15, -0.3], [0.7, -0.3]]])

    assert find_chains(draw(apart, NONE)).lengths.max() < 0.6


def test_a_short_edge_is_dropped() -> None:
    assert len(find_chains(draw(one_line((0.0, 0.2), (0.1, 0.2)), NONE)).sigma) == 0


def test_where_a_white_wall_meets_a_white_ceiling_there_is_a_line() -> None:
    rows, columns = np.mgrid[:1367, :2048]
    room = np.where(rows - 0.1 * columns < 300.4, 212.0, 203.0)
    sensor = np.random.default_rng(1).normal(0.0, 1.5, room.shape)

    [length] = find_chains(np.clip(room + sensor, 0, 255).astype(np.uint8)).lengths

    assert length > 1.4  # half diagonals; the whole edge has 1.67


def test_a_wiggly_edge_is_dropped() -> None:
    u = np.linspace(-0.6, 0.6, 61)
    wiggly = np.stack([u, 0.2 + 0.004 * np.sin(40 * u)], axis=1)  # 3 px at periods of 113 px
    pieces = np.stack([wiggly[:-1], wiggly[1:]], axis=1)

    assert len(find_chains(draw(pieces, NONE)).sigma) == 0
    pieces[..., 1] = 0.2
    assert len(find_chains(draw(pieces, NONE)).sigma) == 2


@pytest.mark.parametrize("shape", [(800, 1200), (16, 16), (64, 1200), (1, 9000), (1, 1)])
def test_a_flat_photo_of_any_shape_has_no_chains(shape: tuple[int, int]) -> None:
    chains = find_chains(np.full(shape, 128, np.uint8))

    assert (chains.places.shape[0], chains.lengths.size) == (0, 0)


def test_no_more_than_64_chains_are_kept_and_the_longest_first() -> None:
    many = np.array([[[-0.75, v], [0.75 - abs(v), v]] for v in np.linspace(-0.5, 0.5, 44)])

    lengths = find_chains(draw(many, NONE)).lengths

    assert len(lengths) == 64
    assert np.all(np.diff(lengths) <= 0.0)


def test_equal_photos_have_equal_chains() -> None:
    photo = draw(grid_of_lines(), WIDE)
    one, other = (find_chains(photo.copy()) for _ in range(2))

    assert _bytes(one) == _bytes(other)


def _bytes(chains: Chains) -> tuple[bytes, ...]:
    return chains.places.tobytes(), chains.seen.tobytes(), chains.sigma.tobytes()
