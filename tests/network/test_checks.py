"""Another argument than the one that is asked for gives a sentence with the way out, and no error from deep inside."""

import pytest
from brevitas import nn as qnn
from torch import nn

from qtutor.network.checks import require_evaluation


def test_a_part_of_brevitas_without_numbers_may_be_another_models_that_still_trains():
    model = nn.Sequential(qnn.QuantIdentity(bit_width=8)).eval()
    other = nn.Sequential(qnn.QuantIdentity(bit_width=8)).train()
    shared = [part for part in model.modules() if any(part is another for another in other.modules())]
    assert [part.training for part in shared] == [True]
    assert require_evaluation(model) is model


@pytest.mark.parametrize("layer", [nn.Dropout(), nn.BatchNorm1d(3), qnn.QuantIdentity(bit_width=8)])
def test_a_layer_that_trains_is_refused(layer):
    with pytest.raises(ValueError, match="0 is in training mode, where statistics still move: call model.eval"):
        require_evaluation(nn.Sequential(layer).eval().append(layer.train()))
