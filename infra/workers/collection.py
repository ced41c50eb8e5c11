"""The door by which Prefect finds our worker types."""

from infra.workers.akash import AkashWorker
from infra.workers.kaggle import KaggleWorker

WORKERS = (AkashWorker, KaggleWorker)
