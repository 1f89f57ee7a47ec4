"""The embedding encoder against published figures, and the laws its rows must keep."""

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vesica.weights.minilm import PACK, _packs, _tokenizer, embed

# Cosines that the makers of the model print in their documentation (sbert.net, "Semantic Textual Similarity" and the
# quick start), computed there with PyTorch.
PUBLISHED = [
    ("The cat sits outside", "The dog plays in the garden", 0.2838),
    ("A man is playing guitar", "A woman watches TV", -0.0327),
    ("The new movie is awesome", "The new movie is so great", 0.8939),
    ("The weather is lovely today.", "It's so sunny outside!", 0.6660),
    ("The weather is lovely today.", "He drove to the stadium.", 0.1046),
    ("It's so sunny outside!", "He drove to the stadium.", 0.1411),
]


@pytest.mark.parametrize(("one", "other", "cosine"), PUBLISHED)
def test_cosines_are_those_its_makers_print(one: str, other: str, cosine: float) -> None:
    first, second = embed([one, other])
    assert float(first @ second) == pytest.approx(cosine, abs=1e-4)


def test_related_sentences_are_nearer_than_unrelated_ones() -> None:
    trios = [
        ("the sea at night", "waves under a dark sky", "the tax office opens at nine"),
        ("a melancholy waltz for piano", "a slow, sad dance in three-four time", "how to change a bicycle tyre"),
        ("She had lost her brother in the war.", "Her brother never came home from the front.", "The soup needs salt."),
    ]
    for text, near, far in trios:
        rows = embed([text, near, far])
        assert rows[0] @ rows[1] > rows[0] @ rows[2] + 0.1


@settings(max_examples=20, deadline=None)
@given(texts=st.lists(st.text(max_size=40), max_size=6))
def test_every_text_gets_one_row_of_length_one(texts: list[str]) -> None:
    rows = embed(texts)
    assert rows.shape == (len(texts), 384) and rows.dtype == np.float32
    assert np.linalg.norm(rows, axis=1) == pytest.approx(np.ones(len(texts)), abs=2e-5)


@settings(max_examples=15, deadline=None)
@given(text=st.text(max_size=40), others=st.lists(st.text(max_size=200), max_size=5), place=st.integers(0, 5))
def test_a_row_does_not_depend_on_what_is_embedded_with_it(text: str, others: list[str], place: int) -> None:
    place = min(place, len(others))
    together = embed([*others[:place], text, *others[place:]])[place]
    assert np.abs(together - embed([text])[0]).max() < 1e-6


def test_a_row_does_not_depend_on_where_packs_are_cut() -> None:
    texts = [f"{number} boats " * (35 + number) for number in range(40)]
    assert sum(len(line.ids) for line in _tokenizer().encode_batch(texts)) > 2 * PACK
    rows = embed(texts)
    for place in (0, 17, 39):
        assert rows[place].tobytes() == embed([texts[place]])[0].tobytes()


def test_one_thread_and_two_give_the_same_bytes() -> None:
    script = (
        "from vesica.weights.minilm import embed; print(embed(['the sea ' * k for k in range(1, 9)]).tobytes().hex())"
    )
    told = [
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "OPENBLAS_NUM_THREADS": threads, "OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads},
            capture_output=True,
            check=True,
        ).stdout
        for threads in ("1", "2")
    ]
    assert told[0] == told[1] and len(told[0]) > 8 * 384 * 8


@given(lengths=st.lists(st.integers(1, PACK + 5), min_size=1, max_size=30))
def test_packs_cover_all_texts_in_order_and_stay_small(lengths: list[int]) -> None:
    ranges = list(_packs(lengths))
    assert [place for first, last in ranges for place in range(first, last)] == list(range(len(lengths)))
    assert all(last - first == 1 or sum(lengths[first:last]) <= PACK for first, last in ranges)


def test_no_text_gives_no_row_and_an_empty_text_gives_one() -> None:
    assert embed([]).shape == (0, 384)
    assert embed([""]).shape == (1, 384)


def test_only_the_first_256_tokens_are_read() -> None:
    short, long, longer = embed(["sea " * 254, "sea " * 254 + "tax " * 100, "sea " * 253 + "tax"])
    assert np.abs(short - long).max() < 1e-6
    assert np.abs(short - longer).max() > 1e-4


def test_half_a_surrogate_pair_and_a_nul_are_read_as_other_text() -> None:
    assert np.isfinite(embed(["broken \ud83d pair", "nul \0 inside", "\x07\ufffe"])).all()


def test_one_text_in_place_of_a_list_is_refused() -> None:
    with pytest.raises(TypeError, match="list of texts"):
        embed("one text")
