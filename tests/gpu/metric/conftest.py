from dataclasses import replace

import cv2
import numpy as np
import pytest

from gpu.metric.pixels import Pixels
from gpu.metric.profile import PROFILES, MetricProfile

PORTAL = PROFILES["portal"]


@pytest.fixture
def portal() -> MetricProfile:
    return PORTAL


@pytest.fixture
def full_size_only() -> MetricProfile:
    """The profile with edges at one scale, where results can be counted by hand."""
    return replace(PORTAL, name="full_size_only", edge_scales=(1.0,))


@pytest.fixture
def room() -> Pixels:
    """A wall, a window, a floor with boards, and some grain: lines of many directions."""
    picture = np.full((240, 320, 3), (200, 210, 205), np.uint8)
    cv2.rectangle(picture, (40, 30), (130, 120), (250, 220, 180), -1)
    cv2.rectangle(picture, (180, 60), (290, 170), (60, 80, 120), -1)
    for start in range(0, 321, 40):
        cv2.line(picture, (160, 170), (2 * start - 160, 239), (40, 60, 90), 2)
    grain = np.random.default_rng(5).integers(-4, 5, picture.shape)
    return np.asarray(picture + grain, np.uint8)
