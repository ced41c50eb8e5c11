"""Any sequence of operations on the local store does what it does to a dictionary."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from infra.errors import ObjectExists, ObjectMissing, RangeOutsideObject, VersionConflict
from infra.store.local import LocalStore

KEYS = st.sampled_from(["a", "b/c", "b/d", "b-x", "e/f/g", "e/f/h", "ä"])
BODIES = st.binary(max_size=12)


class StoreMachine(RuleBasedStateMachine):
    """The model is ``bodies``; ``versions`` holds every version that was ever current."""

    make_folder: Callable[[], Path]

    def __init__(self) -> None:
        super().__init__()
        self.bodies: dict[str, bytes] = {}
        self.versions: dict[str, list[str]] = {}

    @initialize()
    def open_empty(self) -> None:
        self.folder = type(self).make_folder()
        self.store = LocalStore(self.folder)

    def noted(self, key: str, body: bytes, version: str) -> None:
        if self.bodies.get(key) != body:
            self.bodies[key] = body
            assert version not in self.versions.setdefault(key, [])
            self.versions[key].append(version)

    @rule(key=KEYS, body=BODIES, cut=st.integers(0, 12), streamed=st.booleans())
    def create(self, key: str, body: bytes, cut: int, streamed: bool) -> None:
        if self.bodies.get(key, body) != body:
            with pytest.raises(ObjectExists):
                self.store.create(key, body)
        elif streamed:
            self.noted(key, body, self.store.create_stream(key, [body[:cut], body[cut:]])[0].version)
        else:
            self.noted(key, body, self.store.create(key, body).version)

    @rule(key=KEYS, body=BODIES)
    def swap(self, key: str, body: bytes) -> None:
        found = self.store.head(key)
        stored = self.store.swap(key, body, expected=found.version if found else None)
        self.bodies.pop(key, None)
        self.noted(key, body, stored.version)

    @rule(key=KEYS, body=BODIES, age=st.integers(2, 5))
    def swap_stale(self, key: str, body: bytes, age: int) -> None:
        known = self.versions.get(key, [])
        if len(known) >= age and self.bodies.get(key) != body:
            with pytest.raises(VersionConflict):
                self.store.swap(key, body, expected=known[-age])
            with pytest.raises(VersionConflict):
                self.store.delete(key, expected=known[-age]) if key in self.bodies else self.store.swap(
                    key, body, expected=known[-1]
                )

    @rule(key=KEYS)
    def delete(self, key: str) -> None:
        self.store.delete(key)
        self.bodies.pop(key, None)

    @rule(key=KEYS, start=st.integers(0, 14), length=st.integers(0, 14))
    def read_range(self, key: str, start: int, length: int) -> None:
        body = self.bodies.get(key)
        if body is None or start + length > len(body):
            with pytest.raises(ObjectMissing if body is None else RangeOutsideObject):
                self.store.read_range(key, start=start, length=length)
        else:
            assert self.store.read_range(key, start=start, length=length) == body[start : start + length]

    @rule(written=BODIES)
    def crash_and_reopen(self, written: bytes) -> None:
        temporary = self.folder / ".store" / "tmp"
        temporary.mkdir(parents=True, exist_ok=True)
        (temporary / "killed").write_bytes(written)
        self.store = LocalStore(self.folder)

    @rule(prefix=st.sampled_from(["b", "b/", "e/f", "z"]))
    def list_some(self, prefix: str) -> None:
        assert [stored.key for stored in self.store.list(prefix)] == [
            key for key in sorted(self.bodies, key=str.encode) if key.startswith(prefix)
        ]

    @invariant()
    def objects_are_those_of_the_model(self) -> None:
        listed = {stored.key: stored for stored in self.store.list("")}
        assert {key: self.store.read(key) for key in listed} == self.bodies
        assert all(stored.version == self.versions[key][-1] for key, stored in listed.items())


def test_store_behaves_as_a_dictionary(quick_folder_factory: Callable[[], Path]) -> None:
    class Machine(StoreMachine):
        make_folder = staticmethod(quick_folder_factory)

    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=100,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
