"""A training run against a fake Akash and a real S3 store: settings, and what its leases run here."""

import sys
import uuid
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from infra.settings import PrivateUrl, Settings
from infra.store.s3_connection import S3Credentials
from tests.akash_cases import IMAGE
from tests.fake_akash.service import API_KEY, FakeAkash

ROOT: Final = Path(__file__).parent.parent
COMMANDS: Final = {"calibguard-training": (sys.executable, "-m", "tasks.agent.training", "--idle")}
ENVIRONMENT: Final = {"CALIBGUARD_STATUS_PORT": "{port}", "PYTHONPATH": str(ROOT)}


def settings_for(
    akash: FakeAkash, s3: S3Credentials, folder: Path, *, script_url: str = "", **changes: object
) -> Settings:
    return Settings(
        **{  # type: ignore[arg-type]
            "state_dir": folder / "state",
            "store_url": f"s3://tests/{uuid.uuid4().hex}",
            "s3_endpoint_url": PrivateUrl(s3.endpoint_url or ""),
            "s3_access_key_id": s3.access_key_id,
            "s3_secret_access_key": s3.secret_access_key,
            "akash_url": PrivateUrl(akash.url),
            "akash_api_key": SecretStr(API_KEY),
            "akash_image": IMAGE,
            "akash_train_script_url": PrivateUrl(script_url) if script_url else None,
            **changes,
        }
    )


def as_environment(settings: Settings) -> dict[str, str]:
    """The same settings as variables of another process."""
    values = {
        "CALIBGUARD_STATE_DIR": str(settings.state_dir),
        "CALIBGUARD_STORE_URL": settings.store_url,
        "CALIBGUARD_S3_ACCESS_KEY_ID": settings.s3_access_key_id,
        "CALIBGUARD_AKASH_IMAGE": settings.akash_image,
    }
    secrets = {
        "CALIBGUARD_S3_ENDPOINT_URL": settings.s3_endpoint_url,
        "CALIBGUARD_S3_SECRET_ACCESS_KEY": settings.s3_secret_access_key,
        "CALIBGUARD_AKASH_URL": settings.akash_url,
        "AKASH_API_KEY": settings.akash_api_key,
        "AKASH_TRAIN_SCRIPT_URL": settings.akash_train_script_url,
    }
    shown = {name: secret.get_secret_value() for name, secret in secrets.items() if secret is not None}
    return {**{name: value for name, value in values.items() if value}, **shown}
