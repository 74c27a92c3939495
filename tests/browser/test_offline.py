"""Lesson 01 where there is no network at all but loopback: server, kernel and browser in a namespace of their own."""

from __future__ import annotations

import errno
import shutil

import nbformat
from playwright.sync_api import BrowserType, expect

from .chromium import installed_browser, launch_options
from .jupyter import Jupyter
from .lab_page import LabPage
from .learner import NOTEBOOKS, Learner

CONSOLE = "lab.console()"
# An address for documentation, RFC 5737.
WAY_OUT = "import socket; print(socket.socket().connect_ex(('192.0.2.1', 25)))"


def test_lesson_01_without_any_network(browser_type: BrowserType) -> None:
    missing = [tool for tool in ("unshare", "nsenter") if shutil.which(tool) is None]
    assert not missing, f"install util-linux: {missing} not found"
    executable = installed_browser() or browser_type.executable_path
    book = nbformat.read(NOTEBOOKS / "01_session.ipynb", as_version=4)
    book.cells.append(nbformat.v4.new_code_cell(WAY_OUT))
    with Jupyter(isolated=True) as server:
        browser = browser_type.launch(**launch_options(server.browser_command(executable)))
        lab = LabPage(browser.new_page(), server, server.place(book))
        lab.run_all()
        broken = [
            output["evalue"]
            for number in range(len(lab.cells()))
            for output in lab.outputs(number)
            if output["output_type"] == "error"
        ]
        assert broken == []
        learner = Learner(lab)
        expect(learner.output(WAY_OUT)).to_have_text(str(errno.ENETUNREACH))
        learner.connect(CONSOLE)
        learner.say(CONSOLE, "EHLO sender.example", "250")
        learner.say(CONSOLE, "QUIT", "221")
        expect(learner.output('lab.predict("first_word")')).to_contain_text("The server greets.")
        assert lab.watch.complaints == []
        lab.close()
        browser.close()
