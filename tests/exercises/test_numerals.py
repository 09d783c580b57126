"""A counterexample is the very input that was tried, and shows two values that differ."""

import ast
import inspect
import re

import numpy as np
import pytest
import torch

from qtutor.exercises.catalogue import EXERCISES
from qtutor.exercises.checker import runtime_cases, small_cases, wide_cases
from qtutor.exercises.numerals import describe_value, first_difference, index_text, numeral


def right(name):
    return EXERCISES[name].reference


def changed(name, numbers, place):
    """The right answer, but for one number more at a place where an answer has so many numbers."""

    def function(*given):
        answer = right(name)(*given)
        first = answer[0] if isinstance(answer, tuple) else answer
        if first.numel() == numbers:
            first[place] += 1
        return answer

    function.__signature__ = inspect.signature(right(name))
    return function


# --- inputs ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [0.65, 0.1, 1 / 3, 2.5, 1e-8, 16777216.0, 3.4e38, -0.375, 100.0])
def test_a_number_is_shown_in_digits_that_give_it_back(value):
    single = np.float32(value)
    assert np.float32(numeral(float(single), torch.float32)) == single
    assert float(numeral(value)) == value


def test_an_input_of_float32_is_as_short_as_numpy_has_it():
    inputs = [n * scale for n in np.arange(-511.5, 512, dtype=np.float32) for scale in np.float32([0.1, 0.3])]
    assert [numeral(v.item(), torch.float32) for v in inputs] == [str(v).removesuffix(".0") for v in inputs]


def test_only_a_trailing_zero_goes():
    pairs = [[1.0946176052093506, 100.0], [20.03, 0.0]]
    shown = describe_value(torch.tensor(pairs, dtype=torch.float64), False, whole=True)
    assert shown == "[[1.0946176052093506, 100], [20.03, 0]]"


@pytest.mark.parametrize("name", EXERCISES)
def test_every_input_that_is_written_out_is_the_one_that_was_tried(name):
    exercise = EXERCISES[name]
    for case, _ in [*small_cases(exercise)[::7], *wide_cases(exercise), *runtime_cases(exercise)]:
        for value in case.arguments:
            shown = describe_value(value, False, case.whole)
            if isinstance(value, torch.Tensor) and "tensor" not in shown:
                typed = torch.tensor(ast.literal_eval(shown), dtype=value.dtype)
                assert torch.equal(typed.reshape(-1), value.detach().reshape(-1))
            elif isinstance(value, float):
                assert float(shown) == value


def test_the_counterexample_of_a_single_value_is_its_shortest_float32(verdict):
    tried = torch.tensor(6.5) * torch.tensor(0.1)  # 0.65000004, not 0.65: the one is 7 steps, the other 6

    def one_value_missed(value, scale, zero_point):
        answer = right("1.B")(value, scale, zero_point)
        return torch.where(value == tried, answer - 1, answer)

    said = verdict("1.B", one_value_missed)
    shown = re.search(r"value=(\S+), scale=(\S+), zero_point=(\S+): expected (\S+) ", said).groups()
    assert shown[0] == "0.65000004"
    assert right("1.B")(torch.tensor([float(shown[0])]), float(shown[1]), int(shown[2])).item() == int(shown[3])


# --- the two values --------------------------------------------------------------------------------------------------


def test_expected_and_yours_have_as_many_digits_as_tell_them_apart(verdict):
    said = verdict("1.A", lambda q, scale, zero_point: (q.double() - zero_point) * (scale + 1e-8))
    expected, yours = re.search(r": expected (.*), yours (.*?)\. ", said).groups()
    assert expected != yours
    said = verdict("7.A", lambda x, scale, bit_width: right("7.A")(x, scale, bit_width) * (1 + 1e-6))
    expected, yours = re.search(r": expected (.*), yours (.*?)\. ", said).groups()
    assert expected != yours


def test_of_many_numbers_the_first_that_differs_is_shown_with_its_index(verdict):
    assert ", in place [1, 2] of the answer: expected " in verdict("8.A", changed("8.A", 12, (1, 2)))
    assert ", in place [7] of the answer: expected " in verdict("6.B", changed("6.B", 32, 7))
    said = verdict("7.B", changed("7.B", 32 * 64, (3, 5)))
    assert ", in place [0][3, 5] of the answer: expected " in said
    assert len(said) < 500


def test_of_many_thresholds_the_first_that_differs_is_shown(verdict):
    def one_off(mantissa, offset, shift, low, high):
        found = right("8.B")(mantissa, offset, shift, low, high)
        return found if len(found) < 15 else [*found[:5], found[5] + 1, *found[6:]]

    said = verdict("8.B", one_off)
    expected = right("8.B")(1299450748, -40974134135, 34, 0, 15)[5]
    assert f"low=0, high=15, in place [5] of the answer: expected {expected}, yours {expected + 1}. " in said


def test_another_number_of_numbers_is_no_place():
    assert first_difference((1, 2, 3), (1, 2)) == ()
    assert first_difference((1, float("nan")), (1, 2)) == (1,)


def test_a_place_in_a_row_of_numbers_is_found_in_its_tensor():
    exercise = EXERCISES["7.B"]
    (case,) = [case for case, _ in wide_cases(exercise) if case.tensors[0].shape == (32, 64)][:1]
    assert index_text(exercise, case, (0, 3 * 64 + 5)) == "[0][3, 5]"
    assert index_text(exercise, case, (1, 9)) == "[1][9]"
