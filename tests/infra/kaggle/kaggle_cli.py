"""The unmodified ``kaggle`` command line, told only that the local environment is at the first argument."""

import sys

from kagglesdk import kaggle_env

kaggle_env._env_to_endpoint[kaggle_env.KaggleEnv.LOCAL] = sys.argv.pop(1)

from kaggle.cli import main  # noqa: E402  its import makes the first request

main()
