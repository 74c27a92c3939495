"""Starting JupyterLab: loopback only, token kept, a free port, a collapsed sidebar, a last sentence."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from labkit.cli import jupyter
from labkit.cli.project import Project
from labkit.cli.say import Trouble


@pytest.fixture
def busy_port() -> Iterator[int]:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        yield holder.getsockname()[1]


def test_a_busy_port_is_said_and_passed_over(busy_port: int, capsys: pytest.CaptureFixture[str]) -> None:
    chosen = jupyter.choose_port(busy_port)
    assert chosen != busy_port
    assert capsys.readouterr().out.startswith(f"Port {busy_port} is busy")


def test_no_port_at_all_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jupyter, "can_bind", lambda port: False)
    with pytest.raises(Trouble) as caught:
        jupyter.choose_port(8888)
    assert "127.0.0.1" in caught.value.what
    assert "--port" in caught.value.do


@pytest.mark.parametrize(
    ("variables", "platform", "seen"),
    [
        ({}, "linux", False),
        ({"DISPLAY": ":0"}, "linux", True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", True),
        ({}, "darwin", True),
        ({}, "win32", True),
    ],
)
def test_display(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], platform: str, seen: bool
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", platform)
    assert jupyter.has_display() is seen


def test_the_command_line(clone: Project) -> None:
    line = jupyter.command(
        clone, "/x/python", 8890, browser=True, extra=["--ServerApp.shutdown_no_activity_timeout=9"]
    )
    assert line[:4] == ["/x/python", "-P", "-m", "jupyterlab"]
    assert "--ServerApp.ip=127.0.0.1" in line
    assert "--ServerApp.port=8890" in line
    assert f"--ServerApp.root_dir={clone.my_lab}" in line
    assert "--LabApp.default_url=/lab/tree/00_start_here.ipynb" in line
    assert "--no-browser" not in line
    assert line[-1] == "--ServerApp.shutdown_no_activity_timeout=9"
    assert not [option for option in line if "token" in option.lower() or "password" in option.lower()]
    assert "--no-browser" in jupyter.command(clone, "/x/python", 8890, browser=False, extra=[])


def test_the_layout_starts_collapsed_and_then_belongs_to_the_learner(clone: Project) -> None:
    folder = jupyter.lay_out_layout(clone)
    assert folder is not None
    layout = json.loads((folder / jupyter.LAYOUT).read_text(encoding="utf-8"))
    assert layout["data"]["layout-restorer:data"]["left"]["collapsed"] is True
    assert layout["metadata"]["id"] == "default"
    (folder / jupyter.LAYOUT).write_text("as the learner left it", encoding="utf-8")
    jupyter.lay_out_layout(clone)
    assert (folder / jupyter.LAYOUT).read_text(encoding="utf-8") == "as the learner left it"


def test_a_layout_that_cannot_be_written_stops_nothing(clone: Project) -> None:
    clone.state.write_text("a file where the folder should be", encoding="utf-8")
    assert jupyter.lay_out_layout(clone) is None
    assert not [o for o in jupyter.command(clone, "python", 1, browser=True, extra=[]) if "workspaces" in o]


def launch(clone: Project, tmp_path: Path, server: str, grace: float = 60.0) -> subprocess.Popen[str]:
    """Run `jupyter.launch` in a process of its own; the program `server` stands for JupyterLab."""
    clone.my_lab.mkdir(exist_ok=True)
    fake = tmp_path / "fake_server.py"
    fake.write_text(textwrap.dedent(server), encoding="utf-8")
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from labkit.cli import jupyter\n"
        "from labkit.cli.project import Project\n"
        f"jupyter.GRACE = {grace}\n"
        f"jupyter.command = lambda *a, **k: [sys.executable, {str(fake)!r}]\n"
        f"project = Project(Path({str(clone.root)!r}))\n"
        "sys.exit(jupyter.launch(project, 'python', None, browser=False, extra=[]))"
    )
    return subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=Path(__file__).resolve().parents[2],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


POLITE = """
    import signal, sys, time
    signal.signal(signal.SIGTERM, lambda *_: (print("server closed", flush=True), sys.exit(0)))
    print("server is here", flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_one_ctrl_c_closes_the_server_and_says_so(
    clone: Project, tmp_path: Path, number: int, code: int
) -> None:
    process = launch(clone, tmp_path, POLITE)
    assert process.stdout is not None
    while "server is here" not in process.stdout.readline():
        pass
    os.killpg(process.pid, number)  # as a terminal does: to the whole group
    rest, _ = process.communicate(timeout=20)
    assert process.returncode == code
    assert rest.count("server closed") == 1
    assert "The lab is closed. Your notebooks are in" in rest
    assert "Traceback" not in rest


STUBBORN = POLITE.replace('(print("server closed", flush=True), sys.exit(0))', "None")


def test_a_server_that_hangs_while_closing_is_ended_after_a_while(clone: Project, tmp_path: Path) -> None:
    process = launch(clone, tmp_path, STUBBORN, grace=0.3)
    assert process.stdout is not None
    while "server is here" not in process.stdout.readline():
        pass
    os.kill(process.pid, signal.SIGINT)
    rest, _ = process.communicate(timeout=20)
    assert process.returncode == 130
    assert rest.splitlines()[0] == "Closing the lab ..."
    assert rest.splitlines()[-1].startswith("The lab is closed.")


def test_a_server_that_does_not_close_is_ended_at_the_third_ctrl_c(clone: Project, tmp_path: Path) -> None:
    process = launch(clone, tmp_path, STUBBORN)
    assert process.stdout is not None
    while "server is here" not in process.stdout.readline():
        pass
    for _ in range(3):
        os.kill(process.pid, signal.SIGINT)
        time.sleep(0.3)
    process.communicate(timeout=20)
    assert process.returncode == 130


def test_a_server_that_fails_at_once_leads_to_the_doctor(clone: Project, tmp_path: Path) -> None:
    process = launch(clone, tmp_path, "raise SystemExit(3)")
    text, _ = process.communicate(timeout=20)
    assert process.returncode == 3
    assert "python3 -m labkit doctor" in text
