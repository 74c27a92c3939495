"""A private Jupyter server for the browser tests and for the pictures.

`Jupyter` starts `jupyter lab` (or `jupyter notebook` 7) on 127.0.0.1 with folders of its own for
configuration, data, runtime files, IPython, home and progress, so that nothing of the person who runs the
tests is read or changed. Stopping it ends the server and its kernels by their process ids, and nothing else.

`Jupyter(isolated=True)` runs server and kernels in a network namespace that has loopback only (Linux,
`unshare`). Then the test process cannot reach the server either; `browser_command` is a program that starts
the browser inside that namespace.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat
import psutil
from nbformat.sign import NotebookNotary

ROOT = Path(__file__).resolve().parents[2]

THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}

# Every cell is in the page at all times, so pictures and tests reach all of them; learners have the default.
_TEST_SETTINGS: dict[str, dict[str, Any]] = {
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"},
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
}

# Brings loopback up in the new namespace, then becomes the server: the process id stays the same.
_LOOPBACK_UP = (
    "import fcntl, os, socket, struct, sys;"
    "fcntl.ioctl(socket.socket(), 0x8914, struct.pack('16sh14x', b'lo', 0x41));"  # SIOCSIFFLAGS: up
    "os.execv(sys.argv[1], sys.argv[1:])"
)


class ServerFailed(RuntimeError):
    """The server ended or was not ready in time; the message holds the end of its log."""


class Jupyter:
    """One private server and the folder that it serves. A context manager.

    `app` is "lab" or "notebook"; `theme` "light" or "dark". `env` is added to the environment of every
    kernel, `settings` to the settings overrides (`{plugin: {key: value}}`). `time_to_dead` is after how many
    seconds the server notices a killed kernel (Jupyter's own default is 3).
    """

    def __init__(
        self,
        *,
        app: str = "lab",
        theme: str = "light",
        env: Mapping[str, str] | None = None,
        settings: Mapping[str, Mapping[str, Any]] | None = None,
        isolated: bool = False,
        time_to_dead: float = 1.0,
    ) -> None:
        if app not in ("lab", "notebook"):
            raise ValueError(f"app is 'lab' or 'notebook', not {app!r}")
        self.app = app
        self.theme = theme
        self.isolated = isolated
        self.port = 0
        self._env = dict(env or {})
        self._settings = dict(settings or {})
        self._time_to_dead = time_to_dead
        self._base = Path(tempfile.mkdtemp(prefix="labkit-jupyter-"))
        self.folder = self._base / "work"
        self.folder.mkdir()
        self._process: subprocess.Popen[bytes] | None = None

    # -- life

    def start(self) -> Jupyter:
        """Start the server and return at once; `wait` tells when it listens."""
        self._write_settings()
        self.port = _free_port()
        with (self._base / "server.log").open("wb") as log:
            self._process = subprocess.Popen(
                self._command(),
                cwd=self.folder,
                env=self._server_env(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl+C reaches the tests alone, and they stop the server
                preexec_fn=_end_with_parent if sys.platform == "linux" else None,
            )
        return self

    def wait(self, timeout: float = 60.0) -> None:
        """Return as soon as the server listens; `ServerFailed` if it ended or is not there in time."""
        if self._process is None:
            raise ServerFailed("the server has not been started")
        deadline = time.monotonic() + timeout
        while self._process.poll() is None and time.monotonic() < deadline:
            if self._listens(self._process.pid):
                return
            time.sleep(0.02)
        raise ServerFailed(f"jupyter {self.app} did not start:\n{self.log()[-3000:]}")

    def stop(self) -> None:
        """End the server and its kernels, and remove its folder. Safe to call twice."""
        process, self._process = self._process, None
        if process is not None:
            own = _family(process.pid)
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            for left in own:
                if left.is_running():  # compares the start time too: never a stranger with the same id
                    left.kill()
            psutil.wait_procs(own, timeout=5)
        shutil.rmtree(self._base, ignore_errors=True)

    def __enter__(self) -> Jupyter:
        return self.start()

    def __exit__(self, *error: object) -> None:
        self.stop()

    # -- notebooks

    def place(
        self,
        source: Path | str | nbformat.NotebookNode,
        name: str | None = None,
        *,
        env: Mapping[str, str] | None = None,
        trusted: bool = False,
    ) -> str:
        """Put a notebook into the served folder under a new name and return that name.

        `source` is a path, a notebook object, or Python source for a notebook of one cell. The notebook gets
        a kernel with an empty LABKIT_HOME of its own, plus `env`. `trusted` signs it, as if it had been run
        on this machine.
        """
        stem = name or (source.stem if isinstance(source, Path) else "notebook")
        path = self.folder / f"{stem}.ipynb"
        number = 1
        while path.exists():
            number += 1
            path = self.folder / f"{stem}-{number}.ipynb"
        book = _notebook(source)
        book.metadata["kernelspec"] = self._kernel(path.stem, env or {})
        nbformat.write(book, path)
        if trusted:
            notary = NotebookNotary(data_dir=str(self._base / "data"))
            notary.sign(book)
            notary.store.close()
        return path.name

    def home(self, name: str) -> Path:
        """The LABKIT_HOME of the placed notebook `name`."""
        return self._base / "homes" / Path(name).stem

    def url(self, name: str, workspace: str) -> str:
        """The address that opens a placed notebook in a fresh workspace."""
        root = f"http://127.0.0.1:{self.port}"
        if self.app == "notebook":
            return f"{root}/notebooks/{name}"
        return f"{root}/lab/workspaces/{workspace}/tree/{name}?reset"

    # -- processes

    def kernel_process(self, kernel_id: str) -> psutil.Process:
        """The operating system's process of the kernel with this id."""
        if self._process is not None:
            for process in _family(self._process.pid):
                if any(kernel_id in part for part in process.cmdline()):
                    return process
        raise LookupError(f"no kernel process {kernel_id}")

    def kill_kernel(self, kernel_id: str) -> None:
        """SIGKILL for one kernel, as the kernel would die when memory runs out."""
        process = self.kernel_process(kernel_id)
        os.kill(process.pid, signal.SIGKILL)
        psutil.wait_procs([process], timeout=5)

    def browser_command(self, browser: str) -> str:
        """The program to start: `browser` itself, or a script that starts it in our network namespace."""
        if not self.isolated or self._process is None:
            return browser
        script = self._base / "browser-inside"
        script.write_text(
            "#!/bin/sh\nexec nsenter --user --net --preserve-credentials "
            f"--target {self._process.pid} -- '{browser}' \"$@\"\n"
        )
        script.chmod(0o755)
        return str(script)

    def log(self) -> str:
        """What server and kernels wrote so far."""
        path = self._base / "server.log"
        return path.read_text(errors="replace") if path.exists() else ""

    # -- inner parts

    def _listens(self, pid: int) -> bool:
        # Its runtime file is no sign: Jupyter writes it before it listens.
        if (
            self.isolated
        ):  # no way in from here, but the kernel's table of that namespace can be read; 0A: LISTEN
            table = Path(f"/proc/{pid}/net/tcp").read_text()
            return f"0100007F:{self.port:04X} 00000000:0000 0A" in table
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def _command(self) -> list[str]:
        # No token: the port is private to this run, and the page is opened by a script.
        command = [
            *(sys.executable, "-m", "jupyterlab" if self.app == "lab" else "notebook"),
            *("--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={self.port}"),
            *("--ServerApp.port_retries=0", "--IdentityProvider.token="),
            *(
                "--LabApp.news_url=None",
                "--LabApp.extension_manager=readonly",
                "--LabApp.expose_app_in_browser=True",
            ),
            *("--JupyterNotebookApp.expose_app_in_browser=True", "--ServerApp.terminals_enabled=False"),
            f"--KernelRestarter.time_to_dead={self._time_to_dead}",
        ]
        if self.isolated:
            return ["unshare", "-rn", sys.executable, "-c", _LOOPBACK_UP, *command]
        return command

    def _server_env(self) -> dict[str, str]:
        env = {k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER", "LABKIT_", "PYTEST_"))}
        for variable, folder in (
            ("JUPYTER_CONFIG_DIR", "config"),
            ("JUPYTER_DATA_DIR", "data"),
            ("JUPYTER_RUNTIME_DIR", "runtime"),
            ("IPYTHONDIR", "ipython"),
            ("HOME", "home"),
            ("LABKIT_HOME", "homes/server"),
        ):
            path = self._base / folder
            path.mkdir(parents=True, exist_ok=True)
            env[variable] = str(path)
        env["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), env.get("PYTHONPATH")]))
        env["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"
        return env

    def _write_settings(self) -> None:
        merged = json.loads(json.dumps(_TEST_SETTINGS))
        theme = {"theme": THEMES[self.theme], "adaptive-theme": False}
        for plugin, values in {"@jupyterlab/apputils-extension:themes": theme, **self._settings}.items():
            merged.setdefault(plugin, {}).update(values)
        target = self._base / "config" / "labconfig" / "default_setting_overrides.json"
        target.parent.mkdir(parents=True)
        target.write_text(json.dumps(merged))

    def _kernel(self, name: str, env: Mapping[str, str]) -> dict[str, str]:
        """Write a kernelspec of its own, the one way to give one notebook's kernel an environment."""
        home = self._base / "homes" / name
        home.mkdir(parents=True)
        spec = {
            "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
            "display_name": "Python 3 (ipykernel)",
            "language": "python",
            "metadata": {"debugger": True},
            "env": {"LABKIT_HOME": str(home), **self._env, **env},
        }
        identity = f"lab-{name}".lower().replace(" ", "-")
        folder = self._base / "data" / "kernels" / identity
        folder.mkdir(parents=True)
        (folder / "kernel.json").write_text(json.dumps(spec))
        return {"name": identity, "display_name": spec["display_name"], "language": "python"}


def _notebook(source: Path | str | nbformat.NotebookNode) -> nbformat.NotebookNode:
    if isinstance(source, Path):
        return nbformat.read(source, as_version=4)
    if isinstance(source, str):
        return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    return source.copy()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _family(pid: int) -> list[psutil.Process]:
    """The processes below `pid`, at any depth."""
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _end_with_parent() -> None:
    """In the child, before it becomes the server: SIGTERM comes when the test process dies."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)
