"""Takes a scored run apart beside champion, baseline and best ever of its judge, from sealed records only."""

from collections.abc import Iterator, Sequence

from infra.store.interface import ObjectStore
from tasks.adapters import run_store
from tasks.champion import reigning
from tasks.domain.analysis import Rival, analyse_scores
from tasks.domain.ledger import Board, LedgerEntry, board, canonical_name
from tasks.domain.score_schemas import Judge, ScoreAnalysis, Standing
from tasks.evidence import NotScored, Run, Scored, read_run, read_scored
from tasks.failures import step
from tasks.ledger import entries

BASELINE_FAMILY = "global_grid"
_SEED = 0  # of the bootstrap: equal scores give an equal analysis, to the byte


@step("find judge")
def find_judge(name: str) -> Judge:
    """Give the judge that scored a run last; nobody has to be asked for that.

    Raises:
        NotScored: Nobody did.
    """
    return judge_of_scores(name, entries(run_store()))


def judge_of_scores(name: str, ledger: Sequence[LedgerEntry]) -> Judge:
    """Give the judge of a run's newest scores; see ``find_judge``."""
    judges = [one.judge for one in ledger if (one.event, one.name) == ("scored", name) and one.judge]
    if not judges:
        raise NotScored(f"{name} was never scored; submit it first")
    return judges[-1]


@step("analyse scores")
def analyse(name: str, judge: Judge, baseline: str | None) -> ScoreAnalysis:
    """Analyse a scored run; the baseline, unless named, is the best ``global_grid`` of the judge."""
    store = run_store()
    ledger = entries(store)
    run = read_run(name, ledger, store)
    standing = standings(name, judge, ledger, store, baseline=baseline)
    return analysed(run, read_scored(run, judge, ledger, store), standing, ledger, store)


def analysed(
    run: Run,
    scored: Scored,
    rivals: dict[Standing, str],
    ledger: Sequence[LedgerEntry],
    store: ObjectStore,
) -> ScoreAnalysis:
    """Analyse a run's scores against those of its rivals.

    Raises:
        IncomparableScores: A rival was scored on other photos.
        EvidenceAltered: A record of one of them is not the one that was written.
    """
    judge = scored.record.judge
    return analyse_scores(
        scored.scores,
        name=run.manifest.name,
        judge=judge,
        csv_sha256=scored.record.csv_sha256,
        photos=run.photos,
        routes=run.routes,
        rivals=list(_rivals(rivals, judge, ledger, store)),
        seed=_SEED,
    )


def standings(
    name: str, judge: Judge, ledger: Sequence[LedgerEntry], store: ObjectStore, *, baseline: str | None
) -> dict[Standing, str]:
    """Name who a run is held against under its judge; the run itself is never among them."""
    current = board(ledger, judge)
    pointer = reigning(judge, store).pointer
    named: dict[Standing, str | None] = {
        "champion": pointer.name if pointer else None,
        "baseline": canonical_name(baseline, ledger) if baseline else global_grid(current),
        "best_ever": current.best_ever,
    }
    return {standing: other for standing, other in named.items() if other and other != name}


def global_grid(current: Board) -> str | None:
    """Name the best ``global_grid`` that the judge has scored, which a first champion must beat."""
    grids = (row.name for row in current.rows if row.mean is not None and row.family == BASELINE_FAMILY)
    return next(grids, None)  # rows are sorted, the best first


def _rivals(
    rivals: dict[Standing, str], judge: Judge, ledger: Sequence[LedgerEntry], store: ObjectStore
) -> Iterator[Rival]:
    for standing, name in rivals.items():
        scored = read_scored(read_run(name, ledger, store), judge, ledger, store)
        yield Rival(standing=standing, name=name, judge=judge, scores=scored.scores)
