"""The language model through both doors."""

import itertools
from pathlib import Path

import numpy as np
import pytest

from vesica.errors import VesicaError
from vesica.text import model
from vesica.text.likelihood import likelihoods
from vesica.text.llama_c import LlamaC
from vesica.text.llama_server import LlamaServer
from vesica.text.model import GOLDEN, MODEL, Door, needs_logits, open_model, open_path, takes
from vesica.text.sampling import Sampling, log_softmax
from vesica.text.stream import written
from vesica.weights.cards import locate

WORDS = "The keeper lit the lamp and looked out"


@pytest.fixture(scope="module")
def c() -> LlamaC:
    door, note = open_model()
    assert isinstance(door, LlamaC) and note == ""
    return door


@pytest.fixture(scope="module")
def server() -> LlamaServer:
    """What is opened where the golden test fails."""
    door, note = open_path(locate(MODEL), 2, (GOLDEN[0], b"another"))
    assert isinstance(door, LlamaServer) and "server interface" in note
    return door


@pytest.fixture(params=["c", "server"])
def door(request: pytest.FixtureRequest) -> Door:
    found: Door = request.getfixturevalue(request.param)
    return found


def told(door: Door, *, seed: int, tokens: int = 12, **more: object) -> str:
    return "".join(piece for _, piece in takes(door, WORDS, Sampling(), seeds=[seed], tokens=tokens, **more))


class TestEachDoor:
    def test_the_same_seed_writes_the_same_text(self, door: Door) -> None:
        assert told(door, seed=3) == told(door, seed=3) != ""

    def test_a_stop_ends_the_text_and_is_not_shown(self, door: Door) -> None:
        whole = told(door, seed=3)
        word = whole.split()[2]
        assert told(door, seed=3, stop=[word]) == whole[: whole.index(word)]

    def test_a_grammar_holds(self, door: Door) -> None:
        assert told(door, seed=1, grammar='root ::= " yes" | " no"').strip() in {"yes", "no"}

    def test_text_comes_piece_by_piece_and_can_be_left(self, door: Door) -> None:
        pieces = takes(door, WORDS, Sampling(), seeds=[1], tokens=200)
        assert len(list(itertools.islice(pieces, 3))) == 3
        pieces.close()
        assert told(door, seed=3) == told(door, seed=3)


def test_takes_written_together_are_those_written_alone(c: LlamaC) -> None:
    together = written(c, WORDS, Sampling(), seeds=[1, 2, 3], tokens=10)
    assert together == [written(c, WORDS, Sampling(), seeds=[seed], tokens=10)[0] for seed in (1, 2, 3)]


def test_a_saved_text_goes_on_as_if_it_had_never_left(c: LlamaC) -> None:
    c.clear()
    tokens = c.tokens(WORDS)
    c.read(tokens, 0)
    state = c.save(0)
    right = c.read(c.tokens(" to sea"), 0, at=len(tokens))
    c.clear()
    c.restore(state, 5)
    again = c.read(c.tokens(" to sea"), 5, at=len(tokens))
    assert right.tobytes() == again.tobytes()
    with pytest.raises(VesicaError, match="not of this model"):
        c.restore(b"nonsense", 5)


def test_a_copied_text_leaves_its_source_as_it_was(c: LlamaC) -> None:
    c.clear()
    tokens = c.tokens(WORDS)
    c.read(tokens, 0)
    c.copy(0, 1)
    c.read(c.tokens(" through the window"), 1, at=len(tokens))
    after = c.step([(c.tokens(" to")[0], len(tokens), 0, True)])[0]
    c.clear()
    assert np.abs(after - c.read([*tokens, c.tokens(" to")[0]], 0)).max() < 0.2


def test_a_texts_likelihood_is_the_mean_over_its_tokens(c: LlamaC) -> None:
    start, text = c.tokens(WORDS), c.tokens(" to sea")
    slowly = []
    for place, token in enumerate(text):
        c.clear()
        slowly.append(log_softmax(c.read([*start, *text[:place]], 0))[token])
    assert likelihoods(c, start, [text, c.tokens(" at once")])[0] == pytest.approx(np.mean(slowly), abs=0.05)


def test_text_that_makes_sense_is_likelier(c: LlamaC) -> None:
    sense, nonsense = likelihoods(c, c.tokens(WORDS), [c.tokens(" to sea."), c.tokens(" purple invoice of.")])
    assert sense > nonsense + 2


def test_verse_says_what_it_needs_of_a_door(c: LlamaC, server: LlamaServer) -> None:
    assert needs_logits(c, "A poem") is c
    with pytest.raises(VesicaError, match="A poem needs"):
        needs_logits(server, "A poem")


def test_a_library_that_can_not_be_reached_falls_back(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object, **__: object) -> LlamaC:
        raise OSError("no such file")

    monkeypatch.setattr(model, "LlamaC", gone)
    monkeypatch.setattr(model, "LlamaServer", lambda path, threads: "server")
    assert open_path(locate(MODEL), 1, GOLDEN) == (
        "server",
        "llama.cpp's C interface can't be reached (no such file); writing goes on through the server interface, "
        "without titles and verse.",
    )


@pytest.mark.parametrize("data", [b"", b"not a model", b"GGUF" + bytes(200)])
def test_what_is_no_model_is_refused_in_one_sentence(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "bad.gguf").write_bytes(data)
    with pytest.raises(VesicaError, match=r"bad\.gguf"):
        open_path(tmp_path / "bad.gguf", 1, GOLDEN)


def test_a_broken_grammar_is_refused(c: LlamaC) -> None:
    with pytest.raises(VesicaError, match="not GBNF"), c.grammar("root ::= ("):
        pass
