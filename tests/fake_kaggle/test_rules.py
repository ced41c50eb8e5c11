"""The fake's own rules: where it is more lenient than Kaggle, the tests of our client prove nothing."""

import json
from pathlib import Path

import httpx
import pytest

from tests.fake_kaggle.faults import Fault, seeded_faults
from tests.fake_kaggle.running import running_fake_kaggle
from tests.fake_kaggle.service import KEY, TOKEN, USERNAME, FakeKaggle
from tests.waiting import ENDLESS, wait_until

_SOME = {"userName": "owner", "kernelSlug": "some-kernel"}


def asked(kaggle: FakeKaggle, method: str, prefix: str = "/v1", **members: object) -> httpx.Response:
    url = f"{kaggle.url}{prefix}/kernels.KernelsApiService/{method}"
    headers = {"Authorization": f"Bearer {TOKEN}"}
    return httpx.post(url, json=members, headers=headers, trust_env=False)


def pushed(
    kaggle: FakeKaggle, source: str = "pass", title: str = "some kernel", **more: object
) -> dict[str, object]:
    members = {"newTitle": title, "text": source, **more}
    answer: dict[str, object] = asked(kaggle, "SaveKernel", "/v1", **members).json()
    return answer


def ended(kaggle: FakeKaggle) -> None:
    wait_until(lambda: not kaggle.kernels_alive(), within_s=30, what="the end")


def test_both_prefixes_lead_to_the_same_kernels(tmp_path: Path) -> None:
    with running_fake_kaggle(tmp_path) as kaggle:
        pushed(kaggle)
        for prefix in ("/v1", "/api/v1"):
            answer = asked(kaggle, "GetKernel", prefix, userName="owner", kernelSlug="some-kernel")
            assert answer.json()["metadata"]["ref"] == "owner/some-kernel"
        assert (
            asked(kaggle, "GetKernel", "/v2", userName="owner", kernelSlug="some-kernel").status_code == 404
        )


@pytest.mark.parametrize("auth", [None, (USERNAME, "wrong"), ("other", KEY)])
def test_others_are_not_let_in(tmp_path: Path, auth: tuple[str, str] | None) -> None:
    with running_fake_kaggle(tmp_path) as kaggle:
        url = f"{kaggle.url}/v1/kernels.KernelsApiService/ListKernels"
        assert httpx.post(url, json={}, auth=auth, trust_env=False).status_code == 401


def test_the_slug_is_made_of_the_title_and_a_second_push_runs_beside_the_first(tmp_path: Path) -> None:
    with running_fake_kaggle(tmp_path) as kaggle:
        first = pushed(kaggle, ENDLESS, "Some: kernel!", slug="owner/another-name")
        second = pushed(kaggle, ENDLESS, "some kernel")
        assert (first["ref"], first["versionNumber"]) == ("/code/owner/some-kernel", 1)
        assert (second["ref"], second["versionNumber"]) == ("/code/owner/some-kernel", 2)
        assert kaggle.kernels_alive() == ["some-kernel"] * 2
        assert "between 5 and 50" in str(pushed(kaggle, title="four")["error"])


def test_versions_have_a_v_and_unknown_slugs_are_forbidden(tmp_path: Path) -> None:
    with running_fake_kaggle(tmp_path) as kaggle:
        pushed(kaggle)
        for label, slug, status in (
            ("v1", "some-kernel", 200),
            ("1", "some-kernel", 404),
            ("v1", "other", 403),
        ):
            known = {"userName": "owner", "kernelSlug": slug, "versionLabel": label}
            assert asked(kaggle, "GetKernelSessionStatus", **known).status_code == status


def test_a_retired_accelerator_becomes_t4_and_an_unknown_one_any(tmp_path: Path) -> None:
    with running_fake_kaggle(tmp_path) as kaggle:
        pushed(kaggle, machineShape="NvidiaTeslaP100")
        pushed(kaggle, title="another kernel", machineShape="NvidiaH9000")
        shapes = {kernel.slug: kernel.shape for kernel in kaggle.kernels.kernels.values()}
        assert shapes == {"some-kernel": "NvidiaTeslaT4", "another-kernel": "Gpu"}


def test_the_script_sees_what_a_kernel_sees(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "photo.jpg").write_bytes(b"photo")
    source = """
import json, os, pathlib, sys
inputs = pathlib.Path("../input")
print(json.dumps([sorted(str(p.relative_to(inputs)) for p in inputs.glob("**/photo.jpg")),
    sorted(n for n in os.environ if "KAGGLE" in n or n == "ROOT"), os.environ["ROOT"], os.getcwd()]))
for place in ("photo-set", "datasets/anna/photo-set"):
    assert (inputs / place / "photo.jpg").read_bytes() == b"photo"
"""
    inputs = {"anna/photo-set": tmp_path / "set"}
    with running_fake_kaggle(tmp_path / "k", inputs=inputs, environment={"ROOT": "{kaggle}"}) as kaggle:
        assert "invalidDatasetSources" in pushed(kaggle, datasetDataSources=["anna/nothing"])
        pushed(kaggle, source, datasetDataSources=["anna/photo-set"])
        ended(kaggle)
        session = kaggle.sessions()[0]
    assert session.state == "COMPLETE", session.log
    _, names, root, working = json.loads(str(session.log[0]["data"]))
    assert names == ["KAGGLE_CONTAINER_NAME", "KAGGLE_KERNEL_RUN_TYPE", "ROOT"]
    assert working == f"{root}/working"


def test_output_is_empty_until_the_end(tmp_path: Path) -> None:
    with running_fake_kaggle(tmp_path) as kaggle:
        pushed(kaggle, f"open('a', 'w').close()\n{ENDLESS}")
        wait_until(lambda: (kaggle.sessions()[0].working / "a").exists(), within_s=30, what="a file")
        assert asked(kaggle, "ListKernelSessionOutput", "/v1", **_SOME).json() == {}
        assert asked(kaggle, "CancelKernelSession", kernelSessionId=kaggle.sessions()[0].id).json() == {}
        told = asked(kaggle, "ListKernelSessionOutput", "/v1", **_SOME).json()
        assert ([file["fileName"] for file in told["files"]], told["log"]) == (["a"], "[]")
        assert asked(kaggle, "GetKernelSessionStatus", "/v1", **_SOME).json() == {
            "status": "CANCEL_ACKNOWLEDGED"
        }


def test_faults_are_the_same_ones_from_an_equal_seed_and_used_up(tmp_path: Path) -> None:
    drawn = seeded_faults(7, methods=["ListKernels"], count=10)
    assert drawn == seeded_faults(7, methods=["ListKernels"], count=10)
    with running_fake_kaggle(tmp_path, faults=[Fault("ListKernels", "429_html", retry_after_s=3)]) as kaggle:
        refused = asked(kaggle, "ListKernels")
        assert (refused.status_code, refused.headers["Retry-After"]) == (429, "3")
        assert asked(kaggle, "ListKernels").status_code == 200
        assert kaggle.journal.calls() == ["ListKernels"] * 2


def test_nothing_runs_on_when_the_fake_ends(tmp_path: Path) -> None:
    with running_fake_kaggle(tmp_path) as kaggle:
        pushed(kaggle, ENDLESS)
        wait_until(lambda: kaggle.sessions()[0].state == "RUNNING", within_s=30, what="the start")
    assert kaggle.kernels_alive() == []
