"""Centred kernel alignment (CKA) of two representations, gathered batch by batch."""

from __future__ import annotations

import torch
from torch import Tensor

_ROUNDING = 1e-12  # of the mean square: what float32 inputs that should be equal may differ by, squared, and to spare


class Cka:
    """Linear CKA of two representations of the same examples, for several layers at once.

    With the columns of X [N, P] and Y [N, Q] centred (Kornblith, Norouzi, Lee & Hinton 2019):

        CKA = ‖XᵀY‖² / (‖XᵀX‖ ‖YᵀY‖)

    It does not change under rotation, scaling and shift of either side, and is 1 where one is such a copy of the
    other. Computed in feature space: P × Q sums in float64, whatever N, and never an N × N matrix. Not to be
    confused with impact, which is 1 − CKA.

    The biased estimate above grows with P / N even for independent sides; `debiased` is about 0 for these, and may
    fall slightly below.
    """

    def __init__(self) -> None:
        self._within_x, self._within_y, self._between = _Products(), _Products(), _Products()

    def add(self, x: Tensor, y: Tensor) -> None:
        """Take in some examples.

        Args:
            x: [layers, B, P], of any floating format.
            y: [layers, B, Q], the same examples in the same order.

        Raises:
            ValueError: the shapes do not fit.
        """
        if x.dim() != 3 or y.dim() != 3 or x.shape[:2] != y.shape[:2]:
            raise ValueError(f"[layers, examples, width] of the same examples, not {[*x.shape]} and {[*y.shape]}")
        x, y = x.double(), y.double()
        self._within_x.add(x, x)
        self._within_y.add(y, y)
        self._between.add(x, y)

    @property
    def examples(self) -> int:
        """How many examples were taken in, N."""
        return self._between.count

    def biased(self) -> Tensor:
        """Return CKA as printed above, float64 [layers].

        Raises:
            ValueError: fewer than 2 examples, or all examples are alike in a layer of one side.
        """
        self._check(2)
        norms = self._within_x.squared_norm() * self._within_y.squared_norm()
        return self._between.squared_norm() / norms.sqrt()

    def debiased(self) -> Tensor:
        """Return CKA with the unbiased estimate of HSIC (Song et al. 2012) in its three places, float64 [layers].

        Raises:
            ValueError: fewer than 4 examples, all examples are alike in a layer of one side, or so few differ that
                the estimate of a side's own HSIC is not positive.
        """
        self._check(4)
        own = []
        for side, products in (("x", self._within_x), ("y", self._within_y)):
            own.append(products.hsic())
            least = _ROUNDING * products.squared_norm() / self.examples**2
            if few := (own[-1] <= least).nonzero().flatten().tolist():
                raise ValueError(f"{side}: too few different examples for a debiased CKA in layers {few}")
        return self._between.hsic() / (own[0] * own[1]).sqrt()

    def _check(self, least: int) -> None:
        if self.examples < least:
            raise ValueError(f"CKA needs {least} examples, not {self.examples}")
        for side, products in (("x", self._within_x), ("y", self._within_y)):
            if alike := products.constant().nonzero().flatten().tolist():
                raise ValueError(f"{side}: all examples are alike in layers {alike}, where CKA is not defined")


class _Products:
    """Sums over examples from which HSIC of two linear kernels follows, whatever the examples' mean.

    Everything is summed about a point near the mean, that of the first batch, so that little cancels.
    With a = |x|², b = |y|² of an example. Layers first in every tensor.
    """

    def __init__(self) -> None:
        self.count = 0

    def add(self, x: Tensor, y: Tensor) -> None:
        if not self.count:
            self._x0, self._y0 = x.mean(dim=1, keepdim=True), y.mean(dim=1, keepdim=True)
            self._xy = x.new_zeros(len(x), x.shape[2], y.shape[2])
            self._sums = [x.new_zeros(())] * 7
        x, y = x - self._x0, y - self._y0
        self._xy.baddbmm_(x.mT, y)  # in place: the one large tensor
        a, b = x.square().sum(2), y.square().sum(2)  # [layers, B]
        more = (x.sum(1), y.sum(1), _weighted(a, y), _weighted(b, x), a.sum(1), b.sum(1), (a * b).sum(1))
        self._sums = [old + new for old, new in zip(self._sums, more, strict=True)]
        self.count += x.shape[1]

    def squared_norm(self) -> Tensor:
        """‖XᵀY‖² of the centred columns, [layers]."""
        x, y, *_ = self._sums
        # ‖XᵀY − n m kᵀ‖², multiplied out: no second tensor of that size.
        off = torch.einsum("lp,lpq,lq->l", x, self._xy, y) / self.count
        both = x.square().sum(1) * y.square().sum(1) / self.count**2
        norm: Tensor = torch.linalg.vector_norm(self._xy, dim=(1, 2))
        return norm.square() - 2 * off + both

    def hsic(self) -> Tensor:
        """HSIC₁ in feature space, [layers] (Song et al. 2012, for K = XXᵀ, L = YYᵀ)."""
        n = self.count
        x, y, ay, bx, a, b, ab = self._sums
        m, k = x / n, y / n  # the means that are still to be taken off
        mm, kk = m.square().sum(1), k.square().sum(1)
        mixed = torch.einsum("lp,lpq,lq->l", m, self._xy, k)
        ab = ab - 2 * (k * ay).sum(1) - 2 * (m * bx).sum(1) + kk * a + mm * b + 4 * mixed - 3 * n * mm * kk
        a, b = a - n * mm, b - n * kk
        return (self.squared_norm() - n / (n - 2) * ab + a * b / ((n - 1) * (n - 2))) / (n * (n - 3))

    def constant(self) -> Tensor:
        """Whether the examples of a layer are alike (for sums of a side with itself), [layers]."""
        x, _, _, _, a, *_ = self._sums
        spread = a - x.square().sum(1) / self.count
        size = (self._x0.squeeze(1) + x / self.count).square().sum(1) * self.count + spread
        return spread <= _ROUNDING * size


def _weighted(weights: Tensor, vectors: Tensor) -> Tensor:
    """Σ w v over examples, [layers, width]."""
    return torch.einsum("lb,lbw->lw", weights, vectors)
