"""Pictures as tensors: float32 [1, 3, height, width], sRGB in 0..1, on threads that each compute alone."""

from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from vesica.image.pictures import Picture


@contextmanager
def one_thread_each() -> Iterator[Executor]:
    """A pool as wide as torch's, each of whose threads computes alone, so that sums don't depend on their number."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            try:
                yield pool
            except BaseException:
                pool.shutdown(cancel_futures=True)  # what is not begun need not be done
                raise
    finally:
        torch.set_num_threads(threads)


def scaled(x: Tensor, height: int, width: int) -> Tensor:
    """``x`` [n, channels, any, any] at another size: bicubic, antialiased where it shrinks."""
    if x.shape[-2:] == (height, width):
        return x
    return F.interpolate(x, (height, width), mode="bicubic", align_corners=False, antialias=height < x.shape[-2])


def to_tensor(picture: Picture) -> Tensor:
    """float32 [1, 3, height, width] of 0..1, of uint8 [height, width, 3]."""
    return torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255


def to_picture(x: Tensor) -> Picture:
    """uint8 [height, width, 3] of a tensor in 0..1."""
    return (x[0].permute(1, 2, 0) * 255).round().to(torch.uint8).numpy()


def reflected(size: int, pad: int) -> Tensor:
    """Indices that reflect a side of ``size`` pixels ``pad`` beyond both ends, however small it is."""
    return mirrored(size, -pad, size + pad)


def mirrored(size: int, first: int, last: int) -> Tensor:
    """Indices ``first`` up to ``last`` along a side of ``size`` pixels, 2 or more, reflected where outside."""
    period = 2 * (size - 1)
    place = torch.arange(first, last) % period
    return torch.minimum(place, period - place)
