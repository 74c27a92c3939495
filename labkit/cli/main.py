"""The command line of `python3 -m labkit`."""

from __future__ import annotations

import argparse
import errno

from labkit.cli import project as projects
from labkit.cli.say import Trouble, complain, say, short

INTERRUPTED = 130


def run(arguments: list[str]) -> int:
    """Carry out the command; return the exit code: 0 done, 1 trouble, 2 wrong usage, 130 Ctrl+C."""
    own, extra = arguments, []
    if "--" in arguments:
        split = arguments.index("--")
        own, extra = arguments[:split], arguments[split + 1 :]
    options = parser().parse_args(own)
    try:
        return dispatch(options, extra)
    except Trouble as trouble:
        complain(str(trouble))
        return 1
    except KeyboardInterrupt:
        complain("\nStopped. Run the same command again when you like; it repairs what was left half done.")
        return INTERRUPTED
    except OSError as error:
        complain(str(_from_system(error)))
        return 1


def _from_system(error: OSError) -> Trouble:
    """Words for an error of the operating system that no step foresaw."""
    where = f" ({short(error.filename)})" if isinstance(error.filename, str) else ""
    remedies = {
        errno.ENOSPC: ("The disk is full", "free some space, then run the same command again."),
        errno.EROFS: ("This folder is read-only", "clone the lab into a folder of your own."),
        errno.EACCES: (
            "Permission denied",
            "see whether the lab's folder and your home folder belong to you.",
        ),
    }
    if error.errno in remedies:
        what, do = remedies[error.errno]
        return Trouble(f"{what}{where}.", do)
    return Trouble(
        f"The system refused: {error}.", "python3 -m labkit doctor shows what a helper needs to know."
    )


def parser() -> argparse.ArgumentParser:
    """All commands and options. Choices that need other modules are checked where they are used."""
    root = argparse.ArgumentParser(
        prog="python3 -m labkit",
        description="Set up the lab where needed, and open it in JupyterLab.",
        epilog="What follows -- is handed to JupyterLab as it is.",
    )
    root.add_argument(
        "--no-browser", action="store_true", help="print the address instead of opening a browser"
    )
    root.add_argument("--port", type=_port, help="the port on 127.0.0.1 (8888, or the next free one)")
    _add_venv(root)
    commands = root.add_subparsers(dest="command", metavar="COMMAND")

    prepare = commands.add_parser("prepare", help="set up and lay out my-lab/, without opening JupyterLab")
    _add_venv(prepare)

    test = commands.add_parser("test", help="check everything, or the stages named")
    test.add_argument(
        "stages", nargs="*", metavar="STAGE", help="format lint types imports unit notebooks ..."
    )
    test.add_argument("--long", action="store_true", help="run the random tests whole instead of a sample")
    test.add_argument(
        "--without",
        action="append",
        default=[],
        metavar="STAGE",
        help="leave a stage out; the summary says so",
    )
    _add_venv(test)

    reset = commands.add_parser("reset", help="lay a lesson out anew; the old file is kept beside it")
    reset.add_argument("lesson", help="its number or name: 01, or 01_session")

    commands.add_parser("doctor", help="show what a helper needs to know")
    return root


def _add_venv(to: argparse.ArgumentParser) -> None:
    to.add_argument(
        "--venv", action="store_true", default=argparse.SUPPRESS, help="make a .venv here, also inside conda"
    )


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 65535):
        raise argparse.ArgumentTypeError(f"a port is a number from 1 to 65535, and {text!r} is none")
    return int(text)


def dispatch(options: argparse.Namespace, extra: list[str]) -> int:
    """Run the chosen command. It imports what it needs, so that opening the lab waits for nothing else."""
    from labkit.cli import setup, workspace

    if options.command == "doctor":
        from labkit.cli import doctor

        return doctor.report()
    project = projects.find()
    if options.command == "reset":
        target, kept = workspace.reset(project, options.lesson)
        say(f"{short(target)} is as new. Your progress is untouched.")
        if kept:
            say(f"Your old file is kept beside it: {kept.name}")
            say("If it is open in JupyterLab: File, Reload Notebook from Disk.")
        return 0
    own_venv = getattr(options, "venv", False)
    if options.command == "test":
        from labkit.cli import checks

        for name in [*options.stages, *options.without]:
            if name not in checks.NAMES:
                raise Trouble(f"There is no test stage {name!r}.", f"choose from: {', '.join(checks.NAMES)}.")
        python = setup.choose(project, ("test",), own_venv=own_venv)
        return checks.run(project, python, options.stages, options.without, long=options.long)
    python = setup.choose(project, own_venv=own_venv)
    fresh = workspace.lay_out(project)
    if fresh:
        say(f"Laid out in {short(project.my_lab)}: {', '.join(fresh)}")
    for lesson in workspace.outdated(project):
        say(f"{lesson} has a newer version. Yours is untouched; to get it: python3 -m labkit reset {lesson}")
    if options.command == "prepare":
        say("The lab is set up.")
        return 0
    from labkit.cli import jupyter

    return jupyter.launch(project, python, options.port, browser=not options.no_browser, extra=extra)
