"""Runbook page: take a scored run apart and show what got better and worse.

    find run > find judge > analyse scores > keep analysis > write report

It needs no portal: the judge is the one that scored the run last.
"""

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from tasks.analysis import analyse as analyse_scores
from tasks.analysis import find_judge
from tasks.domain.score_schemas import ScoreAnalysis
from tasks.failures import SENTENCES, log_sentences_only
from tasks.reports import keep_analysis, keep_report
from tasks.score_reporting import publish_analysis
from tasks.submission import find_run


@flow(name="analyse", flow_run_name="analyse {run}", persist_result=False)
def analyse(run: str, baseline: str | None = None) -> State[ScoreAnalysis]:
    """Analyse a run's scores by size, bucket, route and listing, against champion, baseline and best ever.

    Args:
        run: Name or alias of a run that the portal's judge has scored.
        baseline: Submission it is held against; default: the best global_grid that the judge has scored.
    """
    log_sentences_only()
    try:
        name = find_run(run)
        judge = find_judge(name)
        analysis = analyse_scores(name, judge, baseline)
        publish_analysis(analysis)
        keep_analysis(analysis)
        keep_report(analysis, None)
    except SENTENCES as error:
        return Failed(message=str(error))
    overall = analysis.groups[0].statistics
    return Completed(
        message=f"{name}: mean {overall.mean:.4f}, median {overall.median:.4f}, "
        f"{100 * overall.zero_rate:.1f} % zeros over {overall.photos} photos",
        data=analysis,
    )
