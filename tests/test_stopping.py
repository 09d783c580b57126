"""A real kernel outlives exit() and quit() in a learner's function, whoever calls that."""

import time

import pytest
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager

CHECK = """
from qtutor import check
def saturate(x, bit_width, signed):
    {how}()
check("2.A", saturate)
"""
CHECKED = (
    "✗ 2.A  at x=0, bit_width=2, signed=False your function calls exit, which would end the notebook's kernel:"
    " return instead.\n"
)
EXPLORE = """
from qtutor import saturation_explorer
def wrap(x, bit_width, signed):
    {how}()
print(saturation_explorer(wrap=wrap).message)
"""
EXPLORED = "wrap(x, 2, False) raised SystemExit. Until then the last picture stays.\n"


def printed(cells: list[str]) -> list[str]:
    """What cells print, run one after the other by a kernel of this very Python, which must be alive afterwards."""
    manager = KernelManager(kernel_spec_manager=KernelSpecManager(kernel_dirs=[]))
    manager.start_kernel()
    client = manager.client()
    client.start_channels()
    said: list[dict] = []
    try:
        client.wait_for_ready(timeout=60)
        for cell in cells:
            client.execute_interactive(cell, timeout=120, output_hook=lambda message: said.append(message["content"]))
            time.sleep(2)  # a kernel that was told to stop does so a second later
        assert manager.is_alive()
        return [content["text"] for content in said if "text" in content]
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


@pytest.mark.parametrize("how", ["exit", "quit"])
@pytest.mark.parametrize(("cell", "said"), [(CHECK, CHECKED), (EXPLORE, EXPLORED)], ids=["a check", "an explorer"])
def test_a_kernel_outlives_exit_in_a_learners_function(cell: str, said: str, how: str) -> None:
    assert printed([cell.format(how=how), "print(6 * 7)"]) == [said, "42\n"]
