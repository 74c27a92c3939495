"""Start JupyterLab on the learner's copy: on 127.0.0.1 only, with its token, the sidebar collapsed."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import FrameType

from labkit.cli.project import Project
from labkit.cli.say import Trouble, complain, say, short
from labkit.cli.workspace import FIRST

HOST = "127.0.0.1"
PORT = 8888
GRACE = 10.0  # seconds for the server and its kernels to end after Ctrl+C
# JupyterLab's own name for the file that holds the layout of the workspace `default`.
LAYOUT = "default-37a8.jupyterlab-workspace"


def can_bind(port: int) -> bool:
    """Whether this process can listen on `port` of 127.0.0.1."""
    with socket.socket() as probe:
        if os.name == "posix":  # as the server does: a port in TIME_WAIT is free
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def choose_port(wanted: int) -> int:
    """`wanted` if it is free, else the next free port, said aloud. Raises Trouble when there is none."""
    for port in range(wanted, min(wanted + 50, 65536)):
        if can_bind(port):
            if port != wanted:
                say(f"Port {wanted} is busy (another JupyterLab, perhaps); using {port}.")
            return port
    raise Trouble(
        f"No port from {wanted} on can be opened on {HOST}.",
        "give another one with --port, for example: python3 -m labkit --port 9999",
    )


def has_display() -> bool:
    """Whether a browser window can appear: always on macOS and Windows, elsewhere if there is a display."""
    if sys.platform in ("darwin", "win32"):
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))


def lay_out_layout(project: Project) -> Path | None:
    """The folder with JupyterLab's layout, at first with a collapsed sidebar, later as the learner left it.

    None when it cannot be written: JupyterLab then keeps its layout where it always does.
    """
    folder = project.state / "workspaces"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / LAYOUT).exists():
            shutil.copyfile(project.root / "settings" / LAYOUT, folder / LAYOUT)
    except OSError:
        return None
    return folder


def command(project: Project, python: str, port: int, *, browser: bool, extra: list[str]) -> list[str]:
    """The command line of JupyterLab. -P keeps the learner's files from shadowing the server's modules."""
    options = [
        f"--ServerApp.root_dir={project.my_lab}",
        f"--ServerApp.ip={HOST}",
        f"--ServerApp.port={port}",
        f"--LabApp.default_url=/lab/tree/{FIRST}",
        "--LabApp.extension_manager=readonly",
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--ServerApp.log_level=ERROR",
        "--LabApp.log_level=ERROR",
    ]
    layout = lay_out_layout(project)
    if layout:
        options.append(f"--LabApp.workspaces_dir={layout}")
    if not browser:
        options.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options.append("--allow-root")
    return [python, "-P", "-m", "jupyterlab", *options, *extra]


def launch(project: Project, python: str, port: int | None, *, browser: bool, extra: list[str]) -> int:
    """Run JupyterLab until it ends; return the exit code: 130 after Ctrl+C, else JupyterLab's own."""
    chosen = choose_port(PORT if port is None else port)
    if browser and not has_display():
        browser = False
        say("There is no display here, so no browser opens by itself.")
    if browser:
        say("Opening JupyterLab in your browser. Keep this window open; Ctrl+C in it closes the lab.")
    else:
        say("Starting JupyterLab. Open the address it prints below (http://127.0.0.1...) in a browser.")
        say("Keep this window open; Ctrl+C in it closes the lab.")
    arguments = command(project, python, chosen, browser=browser, extra=extra)
    return _until_it_ends(project, arguments)


def _until_it_ends(project: Project, arguments: list[str]) -> int:
    """Run the server in a session of its own, so that Ctrl+C reaches it once, as a request to shut down."""
    asked: list[int] = []
    servers: list[subprocess.Popen[bytes]] = []

    def kill() -> None:
        for server in servers:
            server.kill()

    # A server that is asked to stop while it answers a request can wait for ever for an idle thread of its own
    # (anyio's); its kernels are gone by then.
    patience = threading.Timer(GRACE, kill)
    patience.daemon = True

    def pass_on() -> None:
        for server in servers:
            server.terminate()

    def ask_to_stop(number: int, _frame: FrameType | None) -> None:
        asked.append(number)
        if len(asked) == 1:
            say("Closing the lab ...")
            patience.start()
            pass_on()
        elif len(asked) > 2:
            kill()

    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), ask_to_stop)
    began = time.monotonic()
    server = subprocess.Popen(
        arguments, cwd=project.my_lab, stdin=subprocess.DEVNULL, start_new_session=os.name == "posix"
    )
    servers.append(server)
    if asked:  # while it was being started
        pass_on()
    code = server.wait()
    patience.cancel()
    if asked:
        say(f"The lab is closed. Your notebooks are in {short(project.my_lab)}; the same command opens them.")
        return 128 + asked[0]
    if code and time.monotonic() - began < 20:
        complain(
            "JupyterLab stopped right after its start; its last lines above say why.\n"
            "What to do: python3 -m labkit doctor shows what a helper needs to know."
        )
    return code if code >= 0 else 128 - code
