"""A kernel of its own for tests that run cells in ways in which learners do, and people who write tests do not."""

from __future__ import annotations

import os
import queue
import re
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import psutil
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

DROPPED = "dropped by ipykernel"
ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 10.0
DEAF = 5
"""Questions answered without a word of being idle: half a message lies on the line, and no later one can be read."""


@dataclass
class Outcome:
    """How the execution of one cell ended."""

    source: str
    interrupted: bool
    text: str = ""
    complaints: str = ""
    """What came on stderr."""
    error: str = ""
    message: str = ""
    traceback: str = ""


class Hangs(AssertionError):
    """A cell did not come back."""


class Kernel:
    """One kernel, its files in `folder`, with the lab's extension loaded as the package's installation does it."""

    def __init__(self, folder: Path) -> None:
        profile = folder / "ipython" / "profile_default"
        profile.mkdir(parents=True)
        settings = (ROOT / "settings" / "ipython_kernel_config.py").read_text()
        # IPython's history opens and closes files whenever it likes; a count of what is open would waver.
        no_history = "c.HistoryManager.enabled = False\n"
        (profile / "ipython_kernel_config.py").write_text(settings + no_history)
        self.deaf = False
        """Whether an interrupt struck the kernel while it was publishing: it answers, and shows nothing any more."""
        self._garbled = False
        self._env = {**os.environ, "IPYTHONDIR": str(folder / "ipython"), "LABKIT_HOME": str(folder / "home"),
                     "PYTHONPATH": str(ROOT), "PYDEVD_DISABLE_FILE_VALIDATION": "1"}  # fmt: skip
        self._folder = folder

    def __enter__(self) -> Self:
        self._manager = KernelManager()
        self._manager.kernel_spec.argv[0] = sys.executable
        self._manager.start_kernel(env=self._env, cwd=str(self._folder))
        self.client: BlockingKernelClient = self._manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)
        return self

    def __exit__(self, *_error: object) -> None:
        self.client.stop_channels()
        self._manager.shutdown_kernel(now=True)

    def restart(self) -> None:
        """A new process with the same files, as a learner's Restart does it."""
        self.__exit__()
        self.__enter__()
        self.deaf = self._garbled = False

    @property
    def process(self) -> psutil.Process:
        """The kernel's process."""
        return psutil.Process(self._manager.provisioner.pid)

    def run(self, source: str, *, interrupt_after: float | None = None, patience: float = 60.0) -> Outcome:
        """Run one cell; interrupt it some seconds after it was sent. Raises `Hangs` when it does not end.

        An interrupt that strikes before or after the cell's own code makes ipykernel drop the request: there is
        no reply, or no word of being idle again. Without a reply that is an outcome too, the error `DROPPED`.
        """
        outcome = Outcome(source, interrupt_after is not None)
        sent = self.client.execute(source)
        if interrupt_after is not None:
            time.sleep(interrupt_after)
            self._manager.interrupt_kernel()
        deadline = time.monotonic() + patience
        replied = idle = False
        # Replies come in order: after one to a later question there is none to the cell. A question may be
        # dropped as well, so there is a new one every second. An interrupt of the cell before may strike late, and take
        # the word of being idle from this one: a cell that was left alone is asked about after a while.
        questions: set[str] = set()
        answers, self._garbled = 0, False
        ask = time.monotonic() + (0.0 if outcome.interrupted else PATIENCE)
        while not (replied and idle):
            now = time.monotonic()
            if now > deadline:
                raise Hangs(f"no end within {patience:g} s (reply {replied}, idle {idle}): {source}")
            if now >= ask:
                questions.add(self.client.kernel_info())
                ask = now + 1.0
            answered = self._reply()
            if answered in questions and not replied:
                outcome.error = outcome.error or DROPPED
            answers += answered in questions
            if answers == DEAF or (self._garbled and now > deadline - patience + PATIENCE):
                self.deaf = True
                return outcome
            replied = replied or answered == sent or answered in questions
            idle = self._output(sent, questions, outcome) or idle
        return outcome

    def _reply(self) -> str:
        """The id of the request that the next reply answers, if one is there."""
        try:
            reply = self.client.get_shell_msg(timeout=0.02)
        except queue.Empty:
            return ""
        except ValueError:  # what an interrupt left of a message
            self._garbled = True
            return ""
        return str(reply["parent_header"].get("msg_id"))

    def _output(self, sent: str, questions: set[str], outcome: Outcome) -> bool:
        """Take one message about the cell; whether it, or one about a later question, says: idle again."""
        try:
            message = self.client.get_iopub_msg(timeout=0.02)
        except queue.Empty:
            return False
        except ValueError:
            self._garbled = True
            return False
        kind, content = message["msg_type"], message["content"]
        about = message["parent_header"].get("msg_id")
        if kind == "status":
            return content["execution_state"] == "idle" and (about == sent or about in questions)
        if about != sent:
            return False
        if kind == "error":
            outcome.error, outcome.message = content["ename"], content["evalue"]
            outcome.traceback = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(content["traceback"]))
        elif kind == "stream" and content["name"] == "stderr":
            outcome.complaints += content["text"]
        elif kind == "stream":
            outcome.text += content["text"]
        elif kind in ("execute_result", "display_data"):
            outcome.text += content["data"].get("text/plain", "")
        return False
