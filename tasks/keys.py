"""Where things lie in the object store.

submissions/<name>.zip            the artifact; create-only
runs/<name>/plan.json             what a run is going to do; claims the name; create-only
runs/<name>/table.json            the coefficients that were in force; create-only
runs/<name>/contact_sheet.jpg     originals beside corrected photos; create-only
runs/<name>/manifest.json         written last: its presence means that the run is complete
renders/<shard digest>/<id>.jpg   rendered photos, as a folder
renders/<shard digest>/shard.json written after the photos: the shard is finished
"""


def submission_key(run: str) -> str:
    """Key of the submission zip of a run."""
    return f"submissions/{run}.zip"


def plan_key(run: str) -> str:
    """Key of the plan that claims a run's name."""
    return f"runs/{run}/plan.json"


def table_key(run: str) -> str:
    """Key of the coefficients that a run applied."""
    return f"runs/{run}/table.json"


def contact_sheet_key(run: str) -> str:
    """Key of the contact sheet of a run."""
    return f"runs/{run}/contact_sheet.jpg"


def manifest_key(run: str) -> str:
    """Key of the manifest that completes a run."""
    return f"runs/{run}/manifest.json"


def shard_prefix(shard_digest: str) -> str:
    """What the keys of all objects of a shard begin with."""
    return f"renders/{shard_digest}/"


def photo_key(shard_digest: str, photo_id: str) -> str:
    """Key of one rendered photo."""
    return f"renders/{shard_digest}/{photo_id}.jpg"


def shard_key(shard_digest: str) -> str:
    """Key of the record that completes a shard."""
    return f"renders/{shard_digest}/shard.json"
