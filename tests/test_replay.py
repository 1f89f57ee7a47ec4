"""Replay: each engine is as repeatable as it says, and whatever was changed since is found and named."""

import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from test_worker import stranger  # noqa: F401
from vesica import engines
from vesica.knobs import build
from vesica.ledger.assets import Assets
from vesica.media import craft
from vesica.replay import Replayed, replay
from vesica.weights.cards import digest, locate
from vesica.work import Offered, Partner, Turn
from vesica.worker import Made, Worker

OURS = {engine.name: engine for engine in engines.OURS}


@dataclass(frozen=True)
class Small:
    """A quick call of an engine, a knob turned otherwise, and one of its models."""

    params: Mapping[str, Any]
    knob: Mapping[str, Any]
    inputs: tuple[str, ...] = ()
    model: str = ""


SMALL = {
    "image.field": Small({"words": "a red sea", "width": 96, "height": 64}, {"turbulence": 0.2}, model="minilm"),
    "image.dream": Small({"steps": 2, "octaves": 1}, {"rate": 0.1}, ("picture",), model="efficientnet-lite0"),
    "image.style": Small(
        {"style": "great_wave", "steps": 8}, {"content": 9.0}, ("picture",), model="efficientnet-lite0"
    ),
    "video.dream": Small(
        {"seconds": 0.2, "fps": 10, "size": 64}, {"turn": 40.0}, ("picture",), model="efficientnet-lite0"
    ),
    "music.chorale": Small({"words": "a calm sea", "phrases": 2}, {"ornament": 0.0}, model="minilm"),
    "text.write": Small(
        {"about": "a calm sea", "sentences": 1, "tries": 1}, {"temperature": 2.0}, model="smollm2-135m-instruct"
    ),
}


def test_every_engine_of_ours_is_proved_here() -> None:
    assert SMALL.keys() == OURS.keys()


@pytest.mark.parametrize("name", [name for name, engine in OURS.items() if engine.only_with])
def test_a_turn_names_only_models_that_took_part(name: str, worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    knobs, calls = SMALL[name].params, list[str]()
    monkeypatch.setattr("vesica.weights.minilm._encoder", lambda: calls.append("minilm"))
    for words in ("", "  "):
        params = {**knobs, "words": words}
        made = worker.run(name, params, {}, seed=7, threads=1)
        assert made.runtime["models"] == {}
        OURS[name].load()(params=build(OURS[name].load_params(), params), seed=7)
    assert calls == []
    with pytest.raises((TypeError, AttributeError)):  # what it is asked for words
        OURS[name].load()(params=build(OURS[name].load_params(), knobs), seed=7)
    assert calls == ["minilm"]


@dataclass(frozen=True)
class Taken:
    """A machine turn as a ledger keeps it, with its assets."""

    turn: Turn
    act: Offered
    assets: Assets


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    with Worker() as running:
        yield running


def taken(folder: Path, name: str, made: Made, inputs: Mapping[str, bytes], seed: int) -> Taken:
    assets = Assets(folder)
    kept = {key: assets.put(data, "image/png") for key, data in inputs.items()}
    act = Offered(assets.put(made.data, made.type), SMALL[name].params, kept)
    partner = Partner("engine", name, OURS[name].version, made.runtime)
    return Taken(Turn("0" * 64, "sea", "main", (), partner, act, seed, "2026-01-01T00:00:00Z"), act, assets)


@pytest.fixture(scope="module")
def takes(tmp_path_factory: pytest.TempPathFactory, worker: Worker) -> Callable[[str], Taken]:
    """A take of each engine, made when it is first asked for, on one thread."""
    made: dict[str, Taken] = {}

    def take(name: str) -> Taken:
        if name not in made:
            inputs = {key: picture() for key in SMALL[name].inputs}
            answer = worker.run(name, SMALL[name].params, inputs, seed=7, threads=1)
            made[name] = taken(tmp_path_factory.mktemp("assets"), name, answer, inputs, 7)
        return made[name]

    return take


def picture() -> bytes:
    import numpy as np

    patches = np.random.default_rng(1).integers(0, 255, (8, 8, 3)).astype(np.uint8)
    return craft("image").write(np.kron(patches, np.ones((8, 8, 1), np.uint8)))[0]


def again(taken: Taken, worker: Worker) -> Replayed:
    (one,) = replay([taken.turn], taken.assets, worker)
    return one


@pytest.mark.parametrize("name", OURS)
class TestEveryEngine:
    def test_a_replay_gives_the_same_bytes_and_says_so(
        self, name: str, takes: Callable[[str], Taken], worker: Worker
    ) -> None:
        one = again(takes(name), worker)
        assert (one.verdict, one.difference) == ("equal", 0.0)

    def test_a_fresh_process_on_two_threads_stays_within_what_the_engine_declares(
        self, name: str, takes: Callable[[str], Taken]
    ) -> None:
        before = takes(name)
        given = {key: before.assets.get(asset) for key, asset in (before.act.inputs or {}).items()}
        with Worker() as fresh:
            made = fresh.run(name, SMALL[name].params, given, seed=7, threads=2)
        assert before.act.content
        kept = before.assets.get(before.act.content)
        hand = craft(OURS[name].makes)
        measured = hand.difference(hand.read(kept), hand.read(made.data))
        assert measured <= OURS[name].tolerance
        if OURS[name].replay == "exact" or not OURS[name].tolerance:
            assert made.data == kept

    def test_another_seed_in_the_record_is_different_and_its_cause_is_looked_for_in_the_record(
        self, name: str, takes: Callable[[str], Taken], worker: Worker
    ) -> None:
        before = takes(name)
        one = again(replace(before, turn=replace(before.turn, seed=8)), worker)
        assert one.verdict == "different" and (one.difference or 0) > 0
        assert "knobs, seed or inputs are not those" in one.sentence

    def test_another_knob_in_the_record_is_different(
        self, name: str, takes: Callable[[str], Taken], worker: Worker
    ) -> None:
        before = takes(name)
        act = replace(before.act, params={**SMALL[name].params, **SMALL[name].knob})
        one = again(replace(before, turn=replace(before.turn, act=act)), worker)
        assert one.verdict == "different" and (one.difference or 0) > 0

    def test_a_model_with_one_other_byte_is_different_and_is_named(
        self, name: str, takes: Callable[[str], Taken], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before, model = takes(name), SMALL[name].model
        flip(model, tmp_path, monkeypatch)
        with Worker() as fresh:
            one = again(before, fresh)
        assert one.verdict == "different"
        assert f"{model} was {before.turn.partner.runtime['models'][model][:12]} and is {digest(model)[:12]}" in (
            one.sentence
        )


def test_close_is_said_only_where_something_it_ran_on_has_changed(
    takes: Callable[[str], Taken], worker: Worker
) -> None:
    """A knob turned so little that the picture stays within the tolerance stands for what another machine rounds."""
    before = takes("image.dream")
    turn = replace(before.turn, act=replace(before.act, params={**SMALL["image.dream"].params, "rate": 0.0079}))
    one = again(replace(before, turn=turn), worker)
    assert one.verdict == "different" and 0 < (one.difference or 0) < OURS["image.dream"].tolerance
    tools = {**turn.partner.runtime["tools"], "torch": "2.0"}
    for runtime in ({"tools": tools}, {"processor": "another"}):
        partner = replace(turn.partner, runtime={**turn.partner.runtime, **runtime})
        one = again(replace(before, turn=replace(turn, partner=partner)), worker)
        assert one.verdict == "close" and "was " in one.sentence
    models = {"efficientnet-lite0": "0" * 64}
    partner = replace(turn.partner, runtime={**turn.partner.runtime, "tools": tools, "models": models})
    assert again(replace(before, turn=replace(turn, partner=partner)), worker).verdict == "different"


def flip(model: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a copy of a model's package, with one byte of the model flipped, before the installed one."""
    path = locate(model)
    root = next(parent for parent in path.parents if parent.parent.name == "site-packages")
    for source in root.rglob("*"):
        target = folder / root.name / source.relative_to(root)
        if source.is_dir():
            target.mkdir(parents=True, exist_ok=True)
        elif source != path:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(source)
    changed = folder / root.name / path.relative_to(root)
    shutil.copyfile(path, changed)
    with changed.open("r+b") as file:
        place = path.stat().st_size // 2
        file.seek(place)
        (byte,) = file.read(1)
        file.seek(place)
        file.write(bytes([byte ^ 0x40]))
    if model == "efficientnet-lite0":  # what was converted before is not read again
        monkeypatch.setenv("VESICA_CACHE", str(folder / "cache"))
    monkeypatch.setenv("PYTHONPATH", ":".join(filter(None, [str(folder), *sys.path])))
    monkeypatch.syspath_prepend(str(folder))


def test_a_converted_model_that_was_changed_in_the_cache_is_converted_anew(
    tmp_path: Path, takes: Callable[[str], Taken], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = takes("image.dream")
    monkeypatch.setenv("VESICA_CACHE", str(tmp_path))
    with Worker() as worker:
        assert again(before, worker).verdict == "equal"
    (converted,) = tmp_path.glob("*.safetensors")
    whole = converted.read_bytes()
    converted.write_bytes(whole[:-100_001] + bytes([whole[-100_001] ^ 0x40]) + whole[-100_000:])
    with Worker() as worker:
        assert again(before, worker).verdict == "equal"
    assert converted.read_bytes() == whole


def test_what_can_t_be_repeated_is_never_run_by_surprise(
    stranger: Path,  # noqa: F811
    tmp_path: Path,
) -> None:
    source = (stranger / "strangers.py").read_text()
    ran = tmp_path / "it ran"
    (stranger / "strangers.py").write_text(
        source
        + f"\n\ndef outside(*, params, seed, progress):\n    open({str(ran)!r}, 'w').close()\n    return 'new'\n\n\n"
        "OUTSIDE = Engine('test.outside', '1', 'text', 'strangers:outside', 'strangers:NoParams', 'recorded', 'x')\n"
    )
    points = stranger / "strangers-1.0.dist-info" / "entry_points.txt"
    points.write_text(points.read_text() + "outside = strangers:OUTSIDE\n")
    engines.engines.cache_clear()
    assets = Assets(tmp_path / "assets")
    act = Offered(assets.put(b"what it said", "text/plain"), {}, {})
    turn = Turn("0" * 64, "sea", "main", (), Partner("engine", "test.outside", "1"), act, 1, "2026-01-01T00:00:00Z")
    with Worker() as worker:
        (one,) = replay([turn], assets, worker)
        assert one.verdict == "recorded" and not ran.exists()
        worker.run("test.outside", {}, {}, seed=1, threads=1)
    assert ran.exists(), "the engine of this test would have shown itself"
