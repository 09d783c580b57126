"""What several tests share."""

import pytest

import qtutor


@pytest.fixture
def lib():
    """The package under test. tests/test_mutants.py gives the same tests copies with a planted bug, which they must catch."""
    return qtutor
