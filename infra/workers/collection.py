"""The door by which Prefect finds our worker types."""

from infra.workers.kaggle import KaggleWorker

__all__ = ["KaggleWorker"]
