"""The course's real data: 1,797 scans of handwritten digits, 8 by 8 pixels, that scikit-learn ships."""

import torch
from torch import Tensor


def load_digits() -> tuple[Tensor, Tensor]:
    """Return (scans, labels): the handwritten digits of scikit-learn, without a download.

    returns   scans: uint8 [1797, 8, 8], grey levels 0 (paper) … 16 (ink); labels: int64 [1797], 0 … 9
    raises    ImportError where scikit-learn is not installed
    source    E. Alpaydin, C. Kaynak: Optical Recognition of Handwritten Digits, UCI repository, 1998;
              `sklearn.datasets.load_digits`

    >>> scans, labels = load_digits()
    >>> scans.shape, scans.dtype, int(scans.max()), labels[:3].tolist()
    (torch.Size([1797, 8, 8]), torch.uint8, 16, [0, 1, 2])
    """
    from sklearn.datasets import load_digits as sklearn_digits  # here: only chapters with data pay its second

    digits = sklearn_digits()
    return torch.from_numpy(digits.images).to(torch.uint8), torch.from_numpy(digits.target).to(torch.int64)
