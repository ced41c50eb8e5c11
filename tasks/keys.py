"""Where things lie in the object store.

submissions/<name>.zip            the artifact; create-only
runs/<name>/plan.json             what a run is going to do; claims the name; create-only
runs/<name>/table.json            the coefficients that were in force; create-only
runs/<name>/contact_sheet.jpg     originals beside corrected photos; create-only
runs/<name>/manifest.json         written last: its presence means that the run is complete
renders/<shard digest>/<id>.jpg   rendered photos, as a folder
renders/<shard digest>/shard.json written after the photos: the shard is finished
inputs/<sha256>.jpg               originals of remote batches; create-only
batches/<batch>/<attempt>/        what a rented machine is told and says, see ``BatchKeys``; no evidence
agents/<sha256>.zip               the agent's code; create-only
remote/<name>/                    what was rented, and what became of it, see ``infra.remote.records``
fingerprints/<digest>.json        decoded photos in numbers, by the digest of their files
fits/<version>/<digest>.json      what was found on a training pair, by the digest of its two files
candidates/<name>/<method>.json   tables of a refit; candidate.json, written last, tells how it fared
candidates/<name>/<method>.build.json  how a table build found the table beside it; written last
scores/<judge>/<name>/<request>/  scored.csv, summary.json, then scored.json, which binds both to the zip
analyses/<name>/<digest>.json     a scored submission taken apart; one for each set of rivals
decisions/<name>/<digest>.json    what gates decided, with all the evidence
reports/<name>/<digest>.html      the same for people
champions/<judge>.json            which submission is champion; the one object that moves
diagnoses/<stamp>_<method>_<variant>_<digest>.json  proxy figures on training pairs; no gate reads them
ledger/<time>_<event>_<name>_<digest>.json  one entry, which seals the objects it rests on

All but the champion, the heartbeats and logs of batches, and the leases of ``flights/`` (see
``infra.portal.client.step_record``) and of ``remote/`` are create-only.
"""

import hashlib
from dataclasses import dataclass

from tasks.domain.ledger import LedgerEntry
from tasks.domain.score_schemas import Judge

LEDGER = "ledger/"
"""What the keys of all ledger entries begin with."""
CHAMPIONS = "champions/"
"""What the keys of all champion pointers begin with."""


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


def input_key(sha256: str) -> str:
    """Key of an original that rented machines may read, by its digest."""
    return f"inputs/{sha256}.jpg"


def agent_key(sha256: str) -> str:
    """Key of the zip of the agent's code, by its digest."""
    return f"agents/{sha256}.zip"


@dataclass(frozen=True, slots=True)
class BatchKeys:
    """Keys of one attempt at a batch, below ``batches/<batch>/<attempt>/``.

    spec.json                  what the agent is told; holds URLs, so it goes when the batch ends
    start.py                   what a machine without the agent starts with; goes with it
    control                    exists: go on
    heartbeat.json, log.txt    replaced while the agent lives
    photos/<shard>/<id>.jpg    rendered photos, not yet believed
    shards/<shard>.json        written after a shard's photos
    output.tar                 what a training left, instead of photos and shards
    manifest.json              written last
    taken                      written by this machine, when it has taken what holds
    """

    digest: str
    attempt: int

    @property
    def prefix(self) -> str:
        """What all of them begin with."""
        return f"batches/{self.digest}/{self.attempt}/"

    @property
    def spec(self) -> str:
        """Key of the specification."""
        return f"{self.prefix}spec.json"

    @property
    def start(self) -> str:
        """Key of the script that fetches the agent and starts it."""
        return f"{self.prefix}start.py"

    @property
    def control(self) -> str:
        """Key of the object whose absence stops the agent."""
        return f"{self.prefix}control"

    @property
    def heartbeat(self) -> str:
        """Key of the sign of life."""
        return f"{self.prefix}heartbeat.json"

    @property
    def log(self) -> str:
        """Key of the log."""
        return f"{self.prefix}log.txt"

    @property
    def manifest(self) -> str:
        """Key of the agent's last word."""
        return f"{self.prefix}manifest.json"

    @property
    def taken(self) -> str:
        """Key of the mark that nothing more will be taken."""
        return f"{self.prefix}taken"

    @property
    def output(self) -> str:
        """Key of what a training left."""
        return f"{self.prefix}output.tar"

    def record(self, shard_digest: str) -> str:
        """Key of what the agent says of a shard."""
        return f"{self.prefix}shards/{shard_digest}.json"

    def photo(self, shard_digest: str, photo_id: str) -> str:
        """Key of a rendered photo as the agent stored it."""
        return f"{self.prefix}photos/{shard_digest}/{photo_id}.jpg"


def fingerprint_key(digest: str) -> str:
    """Key of the fingerprint of a set of photos, by the digest over their files."""
    return f"fingerprints/{digest}.json"


def candidate_key(name: str) -> str:
    """Key of the record that completes a refit."""
    return f"candidates/{name}/candidate.json"


def candidate_table_key(name: str, method: str) -> str:
    """Key of the table that a refit made for a method."""
    return f"candidates/{name}/{method}.json"


def build_key(name: str, method: str) -> str:
    """Key of the record of a table build, which completes it."""
    return f"candidates/{name}/{method}.build.json"


def fit_key(digest: str, version: str) -> str:
    """Key of what a version of the pair fit found, by the digest over an original and its target."""
    return f"fits/{version}/{digest}.json"


def score_prefix(judge: Judge, run: str, request_id: str) -> str:
    """What the keys of everything one score request gave begin with."""
    return f"scores/{judge.key}/{run}/{request_id}/"


def analysis_key(run: str, digest: str) -> str:
    """Key of an analysis of a scored run, by the digest of its document."""
    return f"analyses/{run}/{digest[:16]}.json"


def decision_key(run: str, digest: str) -> str:
    """Key of a decision on a run, by the digest of its document."""
    return f"decisions/{run}/{digest[:16]}.json"


def report_key(run: str, digest: str) -> str:
    """Key of a report on a run, by the digest of the page."""
    return f"reports/{run}/{digest[:16]}.html"


def champion_key(judge: Judge) -> str:
    """Key of the pointer to the champion under a judge."""
    return f"{CHAMPIONS}{judge.key}.json"


def diagnosis_key(name: str, digest: str) -> str:
    """Key of a diagnosis by its name (``diagnosis_name``) and the digest of its document."""
    return f"diagnoses/{name}_{digest[:16]}.json"


def ledger_key(entry: LedgerEntry, document: bytes) -> str:
    """Key of a ledger entry, by time, event, name and the digest of its document."""
    stamp = "".join(sign for sign in entry.at if sign.isalnum())
    digest = hashlib.sha256(document).hexdigest()[:16]
    return f"{LEDGER}{stamp}_{entry.event}_{entry.name}_{digest}.json"
