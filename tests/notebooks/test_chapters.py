"""The chapters with empty exercises, with solutions, and with each wrong answer; and gates that are tried on bad ones."""

import ast
import copy
import inspect
import re
from pathlib import Path

import nbformat
import pytest
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpecManager
from nbclient import NotebookClient

from qtutor.exercises.catalogue import EXERCISES, PREDICTIONS, QUIZZES
from qtutor.exercises.choice import option_text

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = {path.stem: nbformat.read(path, as_version=4) for path in sorted(FOLDER.glob("[0-9][0-9]_*.ipynb"))}

NO_ANSWER = "○ {}  not attempted yet\n"


@pytest.fixture(params=NOTEBOOKS)
def notebook(request):
    """A chapter as it is committed, free to be changed."""
    return copy.deepcopy(NOTEBOOKS[request.param])


# --- reading a notebook ----------------------------------------------------------------------------------------------


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def tags(cell):
    return cell.metadata.get("tags", [])


def learners_cells(notebook):
    """The cells that a learner fills, by exercise."""
    found = [(tag.removeprefix("ex-"), cell) for cell in code_cells(notebook) for tag in tags(cell) if tag[:3] == "ex-"]
    return dict(found)


def printed(cell):
    return "".join(output.text for output in cell.outputs if output.output_type == "stream")


def verdicts(notebook):
    """What the cell that checks an exercise printed, by exercise; the welcome's demonstration is no exercise."""
    names = learners_cells(notebook)
    checks = ((re.match(r'check\("(\d\.[A-Z])", \w+\)$', cell.source), cell) for cell in code_cells(notebook))
    return {found[1]: printed(cell) for found, cell in checks if found and found[1] in names}


def calls(notebook, function):
    """The arguments of each call of a function that stands alone in a line of a cell."""
    trees = (ast.parse(cell.source) for cell in code_cells(notebook))
    statements = (node.value for tree in trees for node in tree.body if isinstance(node, ast.Expr))
    for call in statements:
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == function:
            yield [literal(value) for value in (*call.args, *(keyword.value for keyword in call.keywords))]


def literal(node):
    """The value that is written there, None where a name stands for it."""
    try:
        return ast.literal_eval(node)
    except ValueError:
        return None


def solution_lines(exercise):
    body = exercise.source.split('"""')[2].splitlines()
    return [line.strip() for line in body if line.strip()]


# --- gates: each returns what is wrong -------------------------------------------------------------------------------


def faults_of_the_learners_version(notebook):
    """What a committed notebook shows that it must not, or lacks."""
    faults, text = [], "\n".join(cell.source + str(cell.get("outputs", "")) for cell in notebook.cells)
    said = verdicts(notebook)
    for name, cell in learners_cells(notebook).items():
        if cell.source.strip() != EXERCISES[name].stub.strip():
            faults.append(f"{name}: the cell is not the stub")
        if said.get(name) != NO_ANSWER.format(name):
            faults.append(f"{name}: the stored verdict is {said.get(name)!r}")
        faults += [f"{name}: shows {line!r}" for line in solution_lines(EXERCISES[name]) if line in text]
    return faults


def faults_of_a_run(notebook):
    """What went wrong when a notebook was run with solutions."""
    said = verdicts(notebook)
    faults = [f"{name}: {said.get(name)!r}" for name in learners_cells(notebook) if said.get(name, "")[:1] != "✓"]
    for cell in code_cells(notebook):
        errors = [output.evalue for output in cell.outputs if output.output_type == "error"]
        if bool(errors) != ("raises-exception" in tags(cell)):
            faults.append(f"{cell.source[:40]!r}: {errors or 'raised nothing'}")
        if "○" in printed(cell):
            faults.append(f"{cell.source[:40]!r} leaves an exercise open")
    return faults


def faults_of_the_questions(notebook):
    """Predictions whose options have no reason, or quizzes that do not exist."""
    faults = []
    for name, _, options in calls(notebook, "predict"):
        known = PREDICTIONS[name].reasons if name in PREDICTIONS else []
        if sorted(known) != sorted(option_text(option) for option in options or []):
            faults.append(f"prediction {name}: {options} are not the options that have a reason, {list(known)}")
    return faults + [f"no quiz {number}" for (number,) in calls(notebook, "quiz") if number not in QUIZZES]


# --- running ---------------------------------------------------------------------------------------------------------


def run(notebook):
    """Run a notebook in a kernel of this very Python, whatever kernels the machine has besides; keep all outputs."""
    kernel = AsyncKernelManager(kernel_spec_manager=KernelSpecManager(kernel_dirs=[]))
    client = NotebookClient(
        notebook, km=kernel, timeout=120, allow_errors=True, resources={"metadata": {"path": str(FOLDER)}}
    )
    client.execute()
    return notebook


def renamed(wrong, exercise):
    """The source of a wrong answer, under the name that the chapter gives its function."""
    return inspect.getsource(wrong.function).replace(
        f"def {wrong.function.__name__}(", f"def {exercise.function_name}("
    )


def with_answers(notebook):
    """A notebook with every solution in place, and behind its end each wrong answer with its check."""
    answered, tries = copy.deepcopy(notebook), []
    for name, cell in learners_cells(answered).items():
        exercise = EXERCISES[name]
        cell.source = exercise.source
        for wrong in exercise.wrong:
            source = f'{renamed(wrong, exercise)}\n\ncheck("{name}", {exercise.function_name})'
            tries.append((f"✗ {name}  first differs at {wrong.shown}. {wrong.question}\n", source))
    answered.cells += [nbformat.v4.new_code_cell(source) for _, source in tries]
    return answered, [expected for expected, _ in tries]


@pytest.mark.parametrize("stem", [stem for stem in NOTEBOOKS if learners_cells(NOTEBOOKS[stem])])
def test_a_chapter_runs_with_solutions_and_shows_each_wrong_answer_its_counterexample(stem):
    answered, expected = with_answers(NOTEBOOKS[stem])
    run(answered)
    tries = answered.cells[len(answered.cells) - len(expected) :]
    assert [printed(cell) for cell in tries] == expected
    answered.cells = answered.cells[: -len(expected)]
    assert faults_of_a_run(answered) == []


# --- what is committed -----------------------------------------------------------------------------------------------


def test_the_learners_version_is_empty_and_says_so(notebook):
    assert faults_of_the_learners_version(notebook) == []


def test_every_option_of_a_prediction_has_its_reason_and_every_quiz_exists(notebook):
    assert faults_of_the_questions(notebook) == []


def test_every_exercise_prediction_and_quiz_stands_in_its_chapter():
    for stem, notebook in NOTEBOOKS.items():
        number = str(int(stem[:2]))
        assert list(learners_cells(notebook)) == [name for name in EXERCISES if name.startswith(f"{number}.")]
        assert [call[0] for call in calls(notebook, "predict")] == [
            p for p in PREDICTIONS if p.startswith(f"{number}.")
        ]
        assert [call[0] for call in calls(notebook, "quiz")] == [number]


# --- the gates refuse bad notebooks ----------------------------------------------------------------------------------


@pytest.fixture
def chapter():
    """A chapter of one exercise in the form of the others."""
    cell, stream = nbformat.v4.new_code_cell, nbformat.v4.new_output
    return nbformat.v4.new_notebook(
        cells=[
            cell("import torch\n\nfrom qtutor import check, predict, quiz"),
            cell('predict("2.2", "7 + 1 in 4 signed bits", options=[8, 7, -8])'),
            cell(EXERCISES["2.A"].stub, metadata={"tags": ["ex-2.A"]}),
            cell('check("2.A", saturate)', outputs=[stream("stream", name="stdout", text=NO_ANSWER.format("2.A"))]),
            cell('quiz("2")'),
        ]
    )


def test_a_good_chapter_passes_the_gates(chapter):
    assert faults_of_the_learners_version(chapter) + faults_of_the_questions(chapter) == []


def test_a_solution_left_in_a_notebook_is_found(chapter):
    chapter.cells[2].source = EXERCISES["2.A"].source
    faults = faults_of_the_learners_version(chapter)
    assert "2.A: the cell is not the stub" in faults
    assert "2.A: shows 'return torch.clamp(x, low, high)'" in faults


def test_a_solution_printed_by_another_cell_is_found(chapter):
    output = nbformat.v4.new_output("stream", name="stdout", text=EXERCISES["2.A"].source)
    chapter.cells.append(nbformat.v4.new_code_cell('solution("2.A")', outputs=[output]))
    assert "2.A: shows 'return torch.clamp(x, low, high)'" in faults_of_the_learners_version(chapter)


@pytest.mark.parametrize("text", ["✓ 2.A  agrees\n", ""])
def test_another_verdict_than_not_attempted_is_found(chapter, text):
    chapter.cells[3].outputs[0].text = text
    assert faults_of_the_learners_version(chapter) == [f"2.A: the stored verdict is {text!r}"]


def test_an_exercise_that_is_never_checked_is_found(chapter):
    del chapter.cells[3]
    assert faults_of_the_learners_version(chapter) == ["2.A: the stored verdict is None"]


def test_an_option_without_a_reason_is_found(chapter):
    chapter.cells[1].source = 'predict("2.2", "7 + 1 in 4 signed bits", options=[8, 7, 6])'
    assert faults_of_the_questions(chapter)[0].startswith("prediction 2.2: [8, 7, 6] are not the options")


def test_an_unknown_prediction_and_an_unknown_quiz_are_found(chapter):
    chapter.cells[1].source = 'predict("2.9", "?", options=[8])'
    chapter.cells[4].source = 'quiz("12")'
    assert len(faults_of_the_questions(chapter)) == 2


def test_a_run_with_a_wrong_answer_an_error_and_a_missing_error_is_refused(chapter):
    chapter.cells[2].source = "def saturate(x, bit_width, signed):\n    return x"
    chapter.cells.append(nbformat.v4.new_code_cell("1 / 0"))
    chapter.cells.append(nbformat.v4.new_code_cell("1 + 1", metadata={"tags": ["raises-exception"]}))
    faults = faults_of_a_run(run(chapter))
    assert faults[0].startswith(
        "2.A: '✗ 2.A  first differs at x=-1, bit_width=2, signed=False: expected 0 (00), yours -1"
    )
    assert faults[1:] == ["'1 / 0': ['division by zero']", "'1 + 1': raised nothing"]
