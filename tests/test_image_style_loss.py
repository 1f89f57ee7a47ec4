"""Mean and covariance of maps, and the distance between them."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from vesica.image.style_loss import FLAT, Statistics, content_loss, layer_loss, statistics, style_loss


def drawn(seed: int, *shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


seeds = st.integers(0, 2**31)


@given(seed=seeds, channels=st.integers(1, 6), side=st.integers(2, 7))
@settings(max_examples=40, deadline=None)
def test_statistics_are_numpys(seed: int, channels: int, side: int) -> None:
    features = drawn(seed, 2, channels, side, side + 1)
    found = statistics(features)
    for one in range(2):
        flat = features[one].flatten(1)
        torch.testing.assert_close(found.mean[one], flat.mean(1))
        torch.testing.assert_close(found.covariance[one], torch.cov(flat, correction=0).reshape(channels, channels))


@given(seed=seeds)
@settings(max_examples=40, deadline=None)
def test_statistics_do_not_know_where_things_stand(seed: int) -> None:
    features = drawn(seed, 1, 4, 6, 6)
    order = torch.randperm(36, generator=torch.Generator().manual_seed(seed))
    moved = features.flatten(2)[..., order].reshape(features.shape)
    torch.testing.assert_close(statistics(moved).covariance, statistics(features).covariance)


@given(seed=seeds, gain=st.floats(0.1, 10))
@settings(max_examples=40, deadline=None)
def test_the_loss_does_not_depend_on_the_size_of_a_networks_numbers(seed: int, gain: float) -> None:
    one, other = drawn(seed, 1, 4, 6, 6), drawn(seed + 1, 1, 4, 6, 6)
    usual = layer_loss(statistics(one), statistics(other))
    torch.testing.assert_close(
        layer_loss(statistics(one * gain), statistics(other * gain)), usual, rtol=1e-3, atol=1e-5
    )
    torch.testing.assert_close(content_loss(one * gain, other * gain), content_loss(one, other), rtol=1e-3, atol=1e-6)


@given(seed=seeds)
@settings(max_examples=40, deadline=None)
def test_a_picture_is_at_no_distance_from_itself_and_at_some_from_others(seed: int) -> None:
    features = drawn(seed, 1, 4, 6, 6)
    found = {"a": statistics(features), "b": statistics(features[:, :2])}
    assert style_loss(found, found).item() == 0
    assert content_loss(features, features).item() == 0
    others = {"a": statistics(drawn(seed + 1, 1, 4, 6, 6)), "b": found["b"]}
    assert style_loss(found, others).item() > 0


def test_a_batch_is_judged_one_by_one() -> None:
    features, aims = drawn(1, 3, 4, 6, 6), drawn(2, 3, 4, 6, 6)
    together = layer_loss(statistics(features), statistics(aims))
    for one in range(3):
        torch.testing.assert_close(
            together[one], layer_loss(statistics(features[one : one + 1]), statistics(aims[one : one + 1]))[0]
        )


@given(seed=seeds)
@settings(max_examples=40, deadline=None)
def test_a_plain_style_does_not_drown_the_others(seed: int) -> None:
    plain = Statistics(torch.full((1, 4), 0.5), torch.zeros(1, 4, 4))
    assert layer_loss(statistics(drawn(seed, 1, 4, 6, 6)), plain).item() < 1 / FLAT**2 + 2


def test_a_flat_map_is_no_fault_and_has_a_slope() -> None:
    flat = torch.full((1, 3, 4, 4), 0.5, requires_grad=True)
    none = Statistics(torch.zeros(1, 3), torch.zeros(1, 3, 3))
    (slope,) = torch.autograd.grad(layer_loss(statistics(flat), none).sum(), flat)
    assert torch.isfinite(slope).all()
