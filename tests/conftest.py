"""What several tests share."""

import pytest
import torch

import qtutor


@pytest.fixture(autouse=True)
def same_numbers_in_any_order():
    """Random weights are the same whichever tests ran before: with some, one lies so near a tie that float32 decides it."""
    torch.manual_seed(0)


@pytest.fixture
def lib():
    """The package under test. tests/test_mutants.py gives the same tests copies with a planted bug, which they must catch."""
    return qtutor
