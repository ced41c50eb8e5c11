import pytest

from infra.kaggle.opening import open_kaggle
from infra.settings import SettingMissing, Settings


def test_without_credentials_both_kinds_are_named() -> None:
    with pytest.raises(SettingMissing) as refused:
        open_kaggle(Settings())
    assert "KAGGLE_API_TOKEN" in str(refused.value)
    assert "KAGGLE_USERNAME with KAGGLE_KEY" in str(refused.value)
