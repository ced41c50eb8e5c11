import numpy as np
import pytest

from gpu.plumb_line.edge_places import measure_run

BLUR = 0.9  # samples: an edge of a photo after the chain's smoothing


def upright_edge(place: float) -> np.ndarray:
    """A wall's edge between two columns of samples, 120 rows high."""
    steps = np.tanh((np.arange(40) - place) / (1.25 * BLUR))
    return np.repeat(100.0 + 40.0 * steps[None], 120, axis=0).astype(np.float32)


@pytest.mark.parametrize("looked_for", [19.6, 20.0, 20.3])
@pytest.mark.parametrize("aside", [-1.0, -0.6, -0.2, 0.15, 0.4, 0.75, 1.1])
def test_an_edge_is_found_where_it_is_wherever_it_is_looked_for(looked_for: float, aside: float) -> None:
    run = measure_run(upright_edge(20.0 + aside), np.array([[looked_for, 5.0], [looked_for, 115.0]]))

    assert run is not None
    # bows of less than a sample count, so no place may be drawn to the line where it is looked for
    np.testing.assert_allclose(run.places[:, 0], 20.0 + aside, atol=0.12)
