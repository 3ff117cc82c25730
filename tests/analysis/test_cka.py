import numpy as np
import pytest
import torch

from isogloss.analysis.cka import Cka


def _of(x, y, batch=None):
    cka = Cka()
    for start in range(0, x.shape[1], batch or x.shape[1]):
        stop = start + (batch or x.shape[1])
        cka.add(x[:, start:stop], y[:, start:stop])
    return cka


@pytest.fixture
def sides():
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(3, 90, 7, dtype=torch.float64, generator=generator) + 5
    mixing = torch.randn(3, 7, 4, dtype=torch.float64, generator=generator)
    y = x.square() @ mixing + torch.randn(3, 90, 4, dtype=torch.float64, generator=generator)
    return x, y


def _gram(x, y):
    """CKA from centred N x N kernels."""
    n = len(x)
    centring = np.eye(n) - 1 / n
    k, l = centring @ x @ x.T @ centring, centring @ y @ y.T @ centring  # noqa: E741
    return np.sum(k * l) / np.sqrt(np.sum(k * k) * np.sum(l * l))


def _hsic(k, l):  # noqa: E741
    n = len(k)
    k, l = k - np.diag(np.diag(k)), l - np.diag(np.diag(l))  # noqa: E741
    ones = np.ones(n)
    trace, sums = np.trace(k @ l), (ones @ k @ ones) * (ones @ l @ ones) / ((n - 1) * (n - 2))
    return (trace + sums - 2 / (n - 2) * (ones @ k @ l @ ones)) / (n * (n - 3))


def _debiased_gram(x, y):
    k, l = x @ x.T, y @ y.T  # noqa: E741
    return _hsic(k, l) / np.sqrt(_hsic(k, k) * _hsic(l, l))


def test_it_equals_the_form_with_kernels_of_examples(sides):
    x, y = sides
    cka = _of(x, y, batch=16)
    for layer in range(3):
        a, b = x[layer].numpy(), y[layer].numpy()
        assert cka.biased()[layer].item() == pytest.approx(_gram(a, b), rel=1e-10)
        assert cka.debiased()[layer].item() == pytest.approx(_debiased_gram(a, b), rel=1e-9)
    assert cka.examples == 90


@pytest.mark.parametrize("batch", [1, 7, 50])
def test_batches_make_no_difference(sides, batch):
    whole, parts = _of(*sides), _of(*sides, batch=batch)
    torch.testing.assert_close(parts.biased(), whole.biased(), rtol=1e-10, atol=0)
    torch.testing.assert_close(parts.debiased(), whole.debiased(), rtol=1e-10, atol=1e-12)


def test_a_large_mean_costs_no_digits(sides):
    x, y = sides
    far = _of(x + 1e4, y - 3e4, batch=16)
    torch.testing.assert_close(far.biased(), _of(x, y).biased(), rtol=1e-9, atol=0)
    torch.testing.assert_close(far.debiased(), _of(x, y).debiased(), rtol=1e-9, atol=1e-11)


def test_it_is_1_on_itself_and_on_a_rotated_scaled_and_shifted_copy(sides):
    x, _ = sides
    rotation = torch.linalg.qr(torch.randn(7, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(2)))[0]
    for copy in (x, -3 * x @ rotation + torch.arange(7.0)):
        cka = _of(x, copy, batch=32)
        for found in (cka.biased(), cka.debiased()):
            torch.testing.assert_close(found, torch.ones(3, dtype=torch.float64), rtol=1e-10, atol=0)


def test_it_is_symmetric_and_below_1_for_what_differs(sides):
    x, y = sides
    torch.testing.assert_close(_of(x, y).biased(), _of(y, x).biased())
    assert (_of(x, y).biased() < 0.99).all()


def test_only_the_debiased_one_is_near_0_on_independent_sides():
    generator = torch.Generator().manual_seed(3)
    x, y = (torch.randn(1, 100, 80, dtype=torch.float64, generator=generator) for _ in range(2))
    assert _of(x, y).biased().item() > 0.4
    assert abs(_of(x, y).debiased().item()) < 0.02


def test_float32_is_summed_in_float64(sides):
    x, y = sides
    narrow = _of(x.float(), y.float(), batch=8)
    assert narrow.biased().dtype == torch.float64
    torch.testing.assert_close(
        narrow.biased(), _of(x.float().double(), y.float().double()).biased(), rtol=1e-10, atol=0
    )


def test_what_has_no_cka_is_refused(sides):
    x, y = sides
    with pytest.raises(ValueError, match="needs 2 examples, not 1"):
        _of(x[:, :1], y[:, :1]).biased()
    with pytest.raises(ValueError, match="needs 4 examples, not 3"):
        _of(x[:, :3], y[:, :3]).debiased()
    with pytest.raises(ValueError, match="needs 2 examples, not 0"):
        Cka().biased()
    constant = x.clone()
    constant[1] = 0.1
    for sides_, name in (((constant.float(), y), "x"), ((y, constant), "y")):
        for estimate in ("biased", "debiased"):
            with pytest.raises(ValueError, match=rf"{name}: all examples are alike in layers \[1\]"):
                getattr(_of(*sides_, batch=16), estimate)()
    with pytest.raises(ValueError, match="of the same examples"):
        Cka().add(x, y[:, 1:])
    with pytest.raises(ValueError, match="of the same examples"):
        Cka().add(x[0], y[0])


def test_one_constant_column_among_others_is_no_fault(sides):
    x, y = sides
    wider = torch.cat([x, torch.full((3, 90, 1), 2.5, dtype=torch.float64)], dim=2)
    torch.testing.assert_close(_of(wider, y, batch=16).biased(), _of(x, y).biased(), rtol=1e-12, atol=0)


def test_too_few_differences_for_the_debiased_one_are_told():
    x = torch.zeros(1, 5, 2, dtype=torch.float64)
    x[0, 0, 0] = 1.0
    y = torch.randn(1, 5, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(4))
    assert _of(x, y).biased().isfinite().all()
    with pytest.raises(ValueError, match=r"x: too few different examples for a debiased CKA in layers \[0\]"):
        _of(x, y).debiased()
