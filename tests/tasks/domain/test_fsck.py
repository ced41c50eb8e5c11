from collections.abc import Mapping

import pytest

from tasks.domain.fsck import Digest, Finding, Seal, broken_seals, worst_first

WHOLE = Digest(size=3, crc32=7, sha256="a" * 64)
OTHER = Digest(size=3, crc32=7, sha256="b" * 64)


def seal(key: str, *, holder: str = "ledger/entry", of: Digest = WHOLE) -> Seal:
    return Seal(key, holder, of.sha256, of.size, of.crc32)


def kinds(
    inventory: Mapping[str, Digest], *seals: Seal, suspects: tuple[str, ...] = (), gone: tuple[str, ...] = ()
) -> list[tuple[str, str]]:
    findings = broken_seals(inventory, seals, suspects=suspects, may_be_gone=gone.__contains__)
    return [(finding.key, finding.kind) for finding in findings]


def test_an_object_that_fits_its_seal_is_no_finding() -> None:
    assert kinds({"a": WHOLE}, seal("a"), Seal("a", "ledger/entry", WHOLE.sha256)) == []


@pytest.mark.parametrize(
    "found", [OTHER, Digest(4, WHOLE.crc32, WHOLE.sha256), Digest(WHOLE.size, 8, WHOLE.sha256)]
)
def test_an_object_of_another_digest_size_or_checksum_is_altered(found: Digest) -> None:
    assert kinds({"a": found}, seal("a")) == [("a", "altered")]


def test_a_missing_object_is_told_with_the_key_that_its_bytes_lie_under() -> None:
    (finding,) = broken_seals({"b": WHOLE}, [seal("a")], suspects=(), may_be_gone=lambda key: False)
    assert (finding.key, finding.kind) == ("a", "missing")
    assert "its bytes lie under 'b'" in finding.sentence


def test_two_objects_that_were_swapped_are_misplaced() -> None:
    swapped = {"a": OTHER, "b": WHOLE}
    assert kinds(swapped, seal("a"), seal("b", of=OTHER)) == [("a", "misplaced"), ("b", "misplaced")]


def test_an_object_that_may_be_gone_must_be_right_while_it_is_there() -> None:
    assert kinds({}, seal("a"), gone=("a",)) == []
    assert kinds({"a": OTHER}, seal("a"), gone=("a",)) == [("a", "altered")]


def test_what_a_broken_object_seals_is_not_judged() -> None:
    chain = [seal("manifest"), seal("zip", holder="manifest")]
    assert kinds({"manifest": WHOLE, "zip": OTHER}, *chain) == [("zip", "altered")]
    assert kinds({"manifest": OTHER, "zip": OTHER}, *chain) == [("manifest", "altered")]
    assert kinds({"manifest": WHOLE, "zip": OTHER}, *chain, suspects=("manifest",)) == []


def test_an_object_with_many_seals_is_one_finding_and_one_whole_holder_is_enough() -> None:
    seals = [seal("a", holder="ledger/first"), seal("a", holder="ledger/second")]
    assert kinds({"a": OTHER}, *seals) == [("a", "altered")]
    assert kinds({"a": OTHER}, *seals, suspects=("ledger/first",)) == [("a", "altered")]


def test_findings_are_sorted_by_kind_and_then_by_key() -> None:
    unsealed, missing, lost = (
        Finding(key=key, kind=kind, sentence="")
        for key, kind in (("a", "unsealed"), ("c", "missing"), ("b", "missing"))
    )
    assert worst_first([unsealed, missing, lost]) == (lost, missing, unsealed)
