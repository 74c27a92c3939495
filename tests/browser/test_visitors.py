"""Programs from outside reach the lesson's server: their sessions appear by themselves, and harm nothing."""

from __future__ import annotations

import shutil
import smtplib
import subprocess
from collections.abc import Callable

import nbformat
from playwright.sync_api import Locator, expect

from .lab_page import LabPage

OpenLab = Callable[..., LabPage]

CELLS = (
    'import labkit; lab = labkit.open_lesson("01_session")\nprint(lab.address()[1])',
    "lab.console()",
    "lab.watch()",
    'import pathlib, time; print("at work")\nwhile not pathlib.Path("enough").exists(): time.sleep(0.05)',
)
SET_UP, CONSOLE, WATCH, BUSY = range(4)
SENDER, BOB = "alice@sender.example", "bob@receiver.example"
# All but the first, which is Python's own, come from Debian packages; a missing one is a failure, not a skip.
PROGRAMS = ("smtplib", "swaks", "curl", "openssl", "nc", "msmtp")

# Everything a session can carry that a page, a terminal or the reading order might obey.
HOSTILE = (
    b"Subject: <script>window.obeyed = 1</script>\r\n"
    b"X-Image: <img src=x onerror='window.obeyed = 1'>\r\n"
    b"X-Mark: safe \xe2\x80\xaetxt.exe \xe2\x80\x8f\r\n"
    b"X-Control: \x1b[2J\x07\x00 beep\r\n"
    b"\r\n"
    b"</pre><iframe srcdoc='<script>parent.obeyed = 1</script>'></iframe>\r\n"
    b"[link](javascript:window.obeyed=1) `code` &lt;b&gt; \xff\xfe\r\n"
)


def open_and_run(open_lab: OpenLab) -> tuple[LabPage, int]:
    """The lesson's server with a console and a watched server in the page, and its port."""
    code = [nbformat.v4.new_code_cell(source) for source in CELLS]
    lab = open_lab(nbformat.v4.new_notebook(cells=code))
    for cell in (SET_UP, CONSOLE, WATCH):
        lab.run_cell(cell)
    port = next(output["text"] for output in lab.outputs(SET_UP) if output["output_type"] == "stream")
    return lab, int(port)


def rows(widget: Locator, text: str) -> Locator:
    """Lines of the session shown that hold `text`."""
    return widget.locator(".lks-row", has_text=text)


def by_smtplib(port: int, message: bytes) -> None:
    with smtplib.SMTP("127.0.0.1", port, local_hostname="visitor.example", timeout=30) as smtp:
        smtp.sendmail(SENDER, [BOB], message)


def deliver(program: str, port: int, subject: str) -> None:
    """Let one of PROGRAMS deliver a message with this subject."""
    message = f"Subject: {subject}\n\nHello Bob.\n"
    if program == "smtplib":
        by_smtplib(port, message.encode().replace(b"\n", b"\r\n"))
        return
    assert shutil.which(program), f"{program} is not installed"
    typed = f"EHLO visitor.example\nMAIL FROM:<{SENDER}>\nRCPT TO:<{BOB}>\nDATA\n{message}.\nQUIT\n"
    arguments, stdin = {
        "swaks": (f"--server 127.0.0.1 --port {port} --from {SENDER} --to {BOB} --data -", message),
        "curl": (f"-sS smtp://127.0.0.1:{port} --mail-from {SENDER} --mail-rcpt {BOB} -T -", message),
        "openssl": (f"s_client -connect 127.0.0.1:{port} -starttls smtp -crlf -quiet", typed),
        "nc": (f"-C 127.0.0.1 {port}", typed),
        "msmtp": (f"--host=127.0.0.1 --port={port} --from={SENDER} {BOB}", message),
    }[program]
    command = [program, *arguments.split()]
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_program_appears_by_itself_also_after_a_busy_cell(open_lab: OpenLab) -> None:
    lab, port = open_and_run(open_lab)
    console, watch = lab.output(CONSOLE), lab.output(WATCH)
    for program in PROGRAMS:
        deliver(program, port, f"From {program}")
        for widget in (console, watch):
            expect(rows(widget, f"Subject: From {program}")).to_be_visible()
            expect(rows(widget, "queued as")).to_be_visible()
            assert not widget.get_by_role("textbox").is_visible()  # it is not the learner's session

    # A cell is at work: the programs are served at once, the page shows them right after the cell.
    lab.run_cell(BUSY, wait=False)
    expect(lab.output(BUSY)).to_contain_text("at work")
    for program in PROGRAMS:
        deliver(program, port, f"{program} in the meantime")
    assert lab.in_page("return kernel().status;") == "busy"
    assert not rows(watch, "in the meantime").count()
    (lab.server.folder / "enough").touch()
    lab.wait_idle()
    for widget in (watch, console):
        expect(rows(widget, f"Subject: {PROGRAMS[-1]} in the meantime")).to_be_visible(timeout=3_000)
    for number, program in enumerate(PROGRAMS, len(PROGRAMS) + 1):
        watch.get_by_role("tab", name=f"Visit {number}").click()
        expect(rows(watch, f"Subject: {program} in the meantime")).to_be_visible()


def test_a_visitor_does_not_disturb_the_learners_session(open_lab: OpenLab) -> None:
    lab, port = open_and_run(open_lab)
    console, watch = lab.output(CONSOLE), lab.output(WATCH)
    lab.focus_widget(CONSOLE)
    console.get_by_role("button", name="Connect to").click()
    expect(console.get_by_role("textbox")).to_be_focused()
    lab.keys("EHLO sender.example{Enter}")
    expect(rows(console, "STARTTLS").first).to_be_visible()
    lab.keys("half a li")
    deliver("swaks", port, "From swaks")
    expect(console.get_by_role("tab", name="new · Visitor 1")).to_be_visible()
    expect(rows(watch, "Subject: From swaks")).to_be_visible()
    assert not rows(console, "swaks").count()
    expect(console.get_by_role("textbox")).to_have_value("half a li")
    expect(console.get_by_role("textbox")).to_be_focused()
    lab.keys("{Shift+Home}QUIT{Enter}")
    expect(rows(console, "221")).to_be_visible()


def test_what_a_visitor_sends_is_shown_and_never_obeyed(open_lab: OpenLab) -> None:
    lab, port = open_and_run(open_lab)
    by_smtplib(port, HOSTILE)
    for widget in (lab.output(CONSOLE), lab.output(WATCH)):
        for shown in (
            "<script>window.obeyed = 1</script>",
            "<img src=x onerror='window.obeyed = 1'>",
            r"safe \u202etxt.exe \u200f",
            r"\x1b[2J\x07\x00 beep",
            "</pre><iframe srcdoc='<script>parent.obeyed = 1</script>'></iframe>",
            r"[link](javascript:window.obeyed=1) `code` &lt;b&gt; \xff\xfe",
        ):
            line = rows(widget, shown)
            expect(line).to_be_visible()
            line.click()
            number = (line.get_attribute("aria-label") or "").partition(",")[0]  # "Line 20"
            expect(widget.get_by_role("group", name="What just happened")).to_contain_text(number)
        assert widget.locator(".lk").locator("script, img, iframe, a[href]").count() == 0
    lab.save()
    lab.reload()  # the saved state of the widgets is drawn as harmlessly
    expect(rows(lab.output(WATCH), "<script>window.obeyed = 1</script>")).to_be_visible()
    assert lab.page.evaluate("window.obeyed ?? 'no'") == "no"
    everything = lab.page.evaluate("document.body.innerText")
    assert not set("\u202e\u200f\x1b\x07") & set(everything)


def test_what_a_visitor_sends_is_harmless_in_a_mailbox(open_lab: OpenLab) -> None:
    source = 'import labkit; lab = labkit.open_lesson("00_start_here")\nprint(lab.world.address()[1])\nlab.mail_program()'
    lab = open_lab(source)
    lab.run_all()
    port = next(output["text"] for output in lab.outputs(0) if output["output_type"] == "stream")
    by_smtplib(int(port), HOSTILE)
    bob = lab.output(0).get_by_role("group", name="Bob reads")
    lab.output(0).get_by_label("Subject").fill("<b onclick='window.obeyed = 1'>")
    lab.output(0).get_by_role("button", name="Send", exact=True).click()
    expect(bob.locator("summary").nth(1)).to_contain_text("<b onclick='window.obeyed = 1'>")
    expect(bob.locator("summary").nth(0)).to_contain_text("<script>window.obeyed = 1</script>")
    bob.locator("summary").nth(0).click()
    expect(bob.locator("pre").nth(0)).to_contain_text(r"\x1b[2J\x07\x00 beep")
    assert bob.locator("script, img, iframe, b").count() == 0
    assert lab.page.evaluate("window.obeyed ?? 'no'") == "no"
