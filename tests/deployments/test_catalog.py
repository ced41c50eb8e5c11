import pytest
from prefect.flows import Flow, load_flow_from_entrypoint

from deployments.catalog import RENDER, Deployment, catalog, remote_catalog
from tasks.domain.methods.method import RouteOptions
from tasks.domain.methods.registry import find_method


def test_the_catalog_holds_the_deployments_of_the_runbook() -> None:
    assert {entry.name for entry in catalog() if entry.entrypoint == RENDER} == {
        "safe",
        "balanced",
        "aggressive",
        "global-grid",
        "dim-bucket",
        "zero-guard-v1",
        "zero-guard-v2",
        "zero-guard-v3",
        "hough-proxy",
        "laplacian-proxy",
        "nelder",
        "shoot-atlas",
    }


def test_the_catalog_leads_from_a_run_to_a_champion() -> None:
    names = {f"{entry.entrypoint.rpartition('.')[2]}/{entry.name}" for entry in catalog()}
    assert names >= {
        "submit/portal",
        "analyse/scored",
        "promote/gate",
        "fallback/deadline",
        "pipeline/safe",
        "refit/nightly",
    }


def test_pools_of_rented_machines_are_in_the_catalog_where_they_are_wanted_only() -> None:
    wanted = {entry.name: entry for entry in remote_catalog(["kaggle"])}
    assert wanted.keys() == {"kaggle", "safe-kaggle"}
    assert (wanted["kaggle"].pool, wanted["safe-kaggle"].pool) == ("kaggle", None)
    assert wanted["safe-kaggle"].parameters["pools"] == ["render-batch/kaggle"]
    assert not {"kaggle", "akash"} & {entry.name for entry in catalog()}


ALL = [*catalog(), *remote_catalog(["kaggle", "akash"])]


@pytest.mark.parametrize("entry", ALL, ids=lambda entry: entry.name)
def test_every_deployment_names_a_flow_and_parameters_that_it_has(entry: Deployment) -> None:
    flow: Flow[..., object] = load_flow_from_entrypoint(entry.entrypoint)
    assert entry.parameters.keys() <= flow.parameters.properties.keys()
    if entry.parameters.keys() >= set(flow.parameters.required):  # the rest is asked of the user
        flow.validate_parameters(dict(entry.parameters))


@pytest.mark.parametrize(
    "entry", [entry for entry in catalog() if entry.entrypoint == RENDER], ids=lambda entry: entry.name
)
def test_every_render_deployment_names_a_method_and_a_variant_that_exist(entry: Deployment) -> None:
    method = find_method(str(entry.parameters["method"]))
    variant = str(entry.parameters["variant"])
    assert method.variant(RouteOptions(variant=variant)) == variant
