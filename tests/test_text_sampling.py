"""Drawing tokens, hearing text out of bytes, and reading briefs."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vesica.text.brief import LONGEST, subject
from vesica.text.sampling import Sampling, draw, log_softmax, repeats
from vesica.text.stream import Ear

PLAIN = Sampling(temperature=1, min_p=0, dry=0)


def rows() -> st.SearchStrategy[np.ndarray]:
    return st.lists(st.floats(-20, 20, width=32), min_size=2, max_size=40).map(lambda row: np.array(row, np.float32))


@given(row=rows(), seed=st.integers(0, 2**32))
def test_what_min_p_leaves_out_is_never_drawn(row: np.ndarray, seed: int) -> None:
    token = draw(row, [], Sampling(temperature=1, min_p=0.2, dry=0), np.random.default_rng(seed))
    assert row[token] >= row.max() + np.log(0.2) - 1e-5


@given(row=rows(), seed=st.integers(0, 2**32))
def test_the_same_seed_draws_the_same_token(row: np.ndarray, seed: int) -> None:
    first, second = (draw(row, [1, 2], Sampling(), np.random.default_rng(seed)) for _ in range(2))
    assert first == second


@given(row=rows())
def test_probabilities_sum_to_one(row: np.ndarray) -> None:
    assert np.isclose(np.exp(log_softmax(row)).sum(), 1)


def test_tokens_are_drawn_as_often_as_they_are_likely() -> None:
    generator = np.random.default_rng(1)
    row = np.log(np.array([0.5, 0.3, 0.2], np.float32))
    counts = np.bincount([draw(row, [], PLAIN, generator) for _ in range(4000)], minlength=3) / 4000
    assert np.abs(counts - [0.5, 0.3, 0.2]).max() < 0.04


def test_going_on_with_a_passage_that_stood_before_costs_more_the_longer_it_is() -> None:
    row, generator = np.zeros(10, np.float32), np.random.default_rng(0)
    history = [1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5]
    assert repeats(history) == {6: 5}
    drawn = [draw(row, history, Sampling(temperature=0.3, min_p=0), generator) for _ in range(300)]
    assert 6 not in drawn
    assert {6} < {draw(row, history, PLAIN, generator) for _ in range(300)}


@given(text=st.text(), cuts=st.lists(st.integers(1, 5)))
def test_bytes_cut_anywhere_are_heard_as_the_text_they_are(text: str, cuts: list[int]) -> None:
    ear, data, heard = Ear(["\0stop"]), text.replace("\0", "").encode("utf-8", "replace"), ""
    for cut in cuts:
        heard += ear.hear(data[:cut])
        assert "�" not in heard or "�" in text
        data = data[cut:]
    heard += ear.hear(data) + ear.hear(b"", last=True)
    assert heard == text.replace("\0", "").encode("utf-8", "replace").decode()


@given(before=st.text("abE"), size=st.integers(1, 4))
def test_a_stop_is_never_shown_not_even_half_of_it(before: str, size: int) -> None:
    data, ear, heard = (before + "END after").encode(), Ear(["END"]), ""
    for place in range(0, len(data), size):
        heard += ear.hear(data[place : place + size])
    assert heard == before[: (before + "END").index("END")]
    assert ear.stopped and ear.hear(b"more", last=True) == ""


@given(st.text(max_size=3000))
def test_a_subject_is_one_line_of_bounded_length(about: str) -> None:
    line = subject(about)
    assert len(line) <= LONGEST and "\n" not in line


def test_a_long_subject_is_cut_after_a_sentence() -> None:
    assert subject("The sea froze. " + "Nobody came. " * 8000).endswith("came.")
    assert subject("word " * 20000) == ("word " * 48).strip()[: len(subject("word " * 20000))]
