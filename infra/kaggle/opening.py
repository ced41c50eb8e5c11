"""Open the Kaggle account that settings name; nothing is asked of Kaggle yet."""

from typing import Literal

from infra.kaggle.api import KaggleApi
from infra.kaggle.connection import KaggleAccess
from infra.kaggle.mcp import KaggleMcp
from infra.kaggle.notebooks import Notebooks
from infra.settings import SettingMissing, Settings, SettingsInvalid

Transport = Literal["api", "mcp"]


def open_kaggle(settings: Settings) -> KaggleApi:
    """Open the account through Kaggle's API.

    Raises:
        SettingMissing: There is neither a token nor a user name with its key.
        SettingsInvalid: The API's URL is one that nothing may be sent to.
    """
    token = settings.kaggle_api_token
    if token is None and not (settings.kaggle_username and settings.kaggle_key):
        try:
            settings.require("kaggle_api_token")
        except SettingMissing as error:
            raise SettingMissing(f"{error}; KAGGLE_USERNAME with KAGGLE_KEY will do as well") from error
    try:
        access = KaggleAccess(
            token=token,
            username=settings.kaggle_username,
            key=settings.kaggle_key,
            url=settings.kaggle_api_url.get_secret_value(),
        )
    except ValueError as error:
        raise SettingsInvalid([f"CALIBGUARD_KAGGLE_API_URL cannot be used: {error}"]) from error
    return KaggleApi(access)


def open_notebooks(settings: Settings, transport: Transport) -> Notebooks:
    """Open the account the way that is asked for.

    Raises:
        SettingMissing: What that way needs is not set.
        SettingsInvalid: A URL is one that nothing may be sent to.
    """
    if transport == "api":
        return open_kaggle(settings)
    url, token = settings.require("kaggle_mcp_url"), settings.require("kaggle_api_token")
    try:
        return KaggleMcp(url.get_secret_value(), token)
    except ValueError as error:
        raise SettingsInvalid([f"KAGGLE_MCP_URL cannot be used: {error}"]) from error
