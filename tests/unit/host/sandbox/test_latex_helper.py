from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from visualprm_eval.core.errors import GradingError
from visualprm_eval.host.sandbox import latex_helper
from visualprm_eval.host.sandbox.audit_hook import RefusedError, watched
from visualprm_eval.host.sandbox.latex_helper import COMMAND, check_latex, close, same_latex
from visualprm_eval.host.sandbox.latex_process import _looking_ahead

LATEX = "latex2sympy2_extended.latex2sympy2"
STUB = """
import os
from pathlib import Path

def latex2sympy(text):
    if text == "power":
        9**9**9
    if text == "die":
        os.abort()
    if text == "write":
        Path(PLACE).write_text("7")
        return 7
    if text == "program":
        os.system("touch " + PLACE)
        return 7
    if text == "process":
        return os.getpid()
    return {"keys": int("SECRET_KEY" in os.environ), "group": os.getpgrp()}.get(text, text)
"""


@pytest.fixture
def ours(tmp_path, monkeypatch):
    """A module that stands for latex2sympy and does what a text says."""
    (tmp_path / "our_latex.py").write_text(STUB.replace("PLACE", repr(str(tmp_path / "written"))))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("SECRET_KEY", "sk-secret")
    monkeypatch.setattr(latex_helper, "LATEX_LIMIT_S", 2)
    close()
    same_latex.cache_clear()
    yield "our_latex"
    close()
    same_latex.cache_clear()


def helper_pid():
    return latex_helper._helper._process.pid


def gone(pid, *, heirs=False):
    """Whether a process ends soon, and leaves nothing behind; of what its parent left to others it may."""
    file, deadline = Path(f"/proc/{pid}/stat"), time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            state = file.read_text().rpartition(") ")[2][0]
        except OSError:
            return True
        if heirs and state == "Z":
            return True
        time.sleep(0.05)
    return False


def test_values():
    close()
    equal = [("\\frac{14}{2}", "7"), ("3\\times 4", "12"), ("0.5", "\\frac{1}{2}"), ("so \\boxed{7}. ", "7")]
    other = [(text, "7") for text in ("8", "", "x", "9^{9^{9^{9}}}", "It is 7. So", "7 #", "\ud800", "\\sqrt{49}")]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda pair: same_latex(*pair, LATEX), [*equal, *other] * 3))
    assert found == [*[True] * len(equal), *[False] * len(other)] * 3
    check_latex()
    close()


def test_looking_at_the_words_first_changes_nothing(monkeypatch):
    """What has a word that no rule has is no formula for the parser either; everything else is left to it."""
    from latex2sympy2_extended import latex2sympy2 as library

    parts = [
        *"17x+-=(){}^_.,:;?!#'\"%&|<>",
        " is ",
        "so ",
        "\\frac",
        "\\sqrt",
        "\\boxed{7}",
        "\\text{cm}",
        "{2}",
        "\\pi",
        "\n",
    ]
    random.seed(0)
    texts = ["".join(random.choices(parts, k=random.randint(1, 5))) for _ in range(400)]

    def result(text):
        try:
            return str(library.latex2sympy(text))
        except Exception:  # noqa: BLE001 - whatever it raises
            return None

    before = [result(text) for text in texts]
    create = library._Latex2Sympy.create_parser
    refused = []

    def looking(self, text):
        try:
            return _looking_ahead(create)(self, text)
        except Exception:
            refused.append(text)
            raise

    monkeypatch.setattr(library._Latex2Sympy, "create_parser", looking)
    assert [result(text) for text in texts] == before
    assert len(refused) > 50
    assert len(texts) - before.count(None) > 50


def test_limits(ours, tmp_path):
    assert same_latex("7", "7.0", ours)
    first = helper_pid()
    assert not same_latex("write", "7", ours)
    assert not same_latex("program", "7", ours)
    assert not (tmp_path / "written").exists()
    assert same_latex("keys", "0", ours)
    assert same_latex("group", str(os.getpgrp()), ours), "it ends with the group of its parent"
    assert same_latex("process", str(first), ours)
    for number in (signal.SIGINT, signal.SIGTERM):  # As a terminal sends it to all of a group.
        os.kill(first, number)
    assert same_latex("7", "7.00", ours)
    start = time.monotonic()
    assert not same_latex("power", "7", ours)
    assert time.monotonic() - start < 15
    assert gone(first)
    assert same_latex("7", "7.000", ours), "another one stands in"
    second = helper_pid()
    assert second != first
    os.kill(second, signal.SIGKILL)
    assert same_latex("7", "7.0000", ours), "whoever is killed from outside is asked again"
    assert not same_latex("die", "7", ours)
    check_latex()
    close()
    assert gone(second)


def test_a_comparison_is_made_once(ours, monkeypatch):
    assert same_latex("7", "7.0", ours)
    monkeypatch.setattr(latex_helper._helper, "ask", lambda what: pytest.fail("asked again"))
    assert same_latex("7", "7.0", ours)


def test_a_module_that_is_not_there(ours):
    for _ in range(2):
        with pytest.raises(GradingError, match=r"no_latex.* can be imported") as error:
            same_latex("7", "7.0", "no_latex")
        assert "ModuleNotFoundError" in str(error.value)
    with pytest.raises(GradingError, match="did not start"):
        check_latex()
    check_latex()
    assert same_latex("7", "7.0", ours)


def test_it_ends_with_its_parent(ours):
    code = (
        "import os, signal\nfrom visualprm_eval.host.sandbox import latex_helper\n"
        f"assert latex_helper.same_latex('7', '7.0', {ours!r})\n"
        "if os.fork() == 0:\n"  # It has its parent's end of the channel, and would keep it open.
        f"    assert latex_helper.same_latex('7', '7.00', {ours!r})\n"
        "    signal.pause()\n"
        "print(latex_helper._helper._process.pid, flush=True)\nos.kill(os.getpid(), signal.SIGKILL)\n"
    )
    path = os.pathsep.join(sys.path)
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": path},
        start_new_session=True,
    ) as parent:
        pid = int(parent.stdout.readline())
        try:
            assert gone(pid, heirs=True)
        finally:
            os.killpg(parent.pid, signal.SIGKILL)


def test_it_starts_while_programs_are_refused(ours, tmp_path):
    with watched([tmp_path]) as refusals:
        assert same_latex("7", "7.0", ours)
        assert not refusals.notes
        for command in ([*COMMAND[:-1], "print(7)"], [*COMMAND, "more"], ["/bin/true", *COMMAND[1:]]):
            with pytest.raises(RefusedError):
                subprocess.run(command, check=False)
        with pytest.raises(RefusedError):
            subprocess.run(COMMAND, executable="/bin/true", check=False)
