"""Pictures of a notebook's cells as JupyterLab shows them: per cell, theme and window width one PNG.

    python docs/pictures.py notebooks/01_session.ipynb --cells 3,5 --out shots --widths 720,900,1280
    python docs/pictures.py --code 'from labkit.view import ...; ...' --keys 'EHLO a.example{Enter}'
    python docs/pictures.py notebooks/01_session.ipynb --no-run     # as a fresh clone: untrusted, not run

One server and one page serve all variants; the notebook is a copy and runs once. Cells are counted from 0
over all cells, Markdown too. Behind each file name stands the width of the first `.lk` in it: breakpoints go
by that, not by the window.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import nbformat
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from browser.chromium import launch_options  # noqa: E402
from browser.jupyter import Jupyter  # noqa: E402
from browser.lab_page import LabPage  # noqa: E402


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def _names(text: str) -> list[str]:
    return text.split(",")


def _arguments() -> argparse.Namespace:
    about, _, usage = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(
        description=about, epilog=usage, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("notebook", nargs="?", type=Path, help="the notebook (or --code)")
    parser.add_argument("--code", action="append", help="Python source of a cell; again for more cells")
    parser.add_argument(
        "--cells", type=_numbers, help="cell numbers, e.g. 3,5 (default: every code cell with output)"
    )
    parser.add_argument(
        "--out", type=Path, default=Path("pictures"), help="folder for the PNGs (default: pictures)"
    )
    parser.add_argument("--themes", type=_names, default=["light", "dark"], help="default: light,dark")
    parser.add_argument("--widths", type=_numbers, default=[1280], help="window widths in px, default: 1280")
    parser.add_argument("--height", type=int, default=800, help="window height in px, default: 800")
    parser.add_argument("--projector", action="store_true", help="projector mode")
    parser.add_argument(
        "--keys", help="typed into the first of --cells after the run: text and {Enter}, {Tab 2}, ..."
    )
    parser.add_argument(
        "--no-run", action="store_true", help="the stored outputs, untrusted, instead of a run"
    )
    parser.add_argument("--whole", action="store_true", help="one picture of all cells instead")
    parser.add_argument(
        "--window", action="store_true", help="the window as it is, JupyterLab around it, instead"
    )
    parser.add_argument("--input", action="store_true", help="the cells' input too, not the output alone")
    parser.add_argument("--scale", type=float, default=1.0, help="device pixels per CSS pixel, default: 1")
    parser.add_argument(
        "--axe", action="store_true", help="also report what axe-core finds inside .lk, per theme"
    )
    parser.add_argument("--headed", action="store_true", help="show the browser")
    arguments = parser.parse_args()
    if (arguments.notebook is None) == (arguments.code is None):
        parser.error("name a notebook or give --code, one of them")
    return arguments


def main() -> int:
    """Take the pictures; 1 if a cell failed or the page complained."""
    arguments = _arguments()
    server = Jupyter()
    server.start()  # the browser starts while the server does
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(**launch_options(), headless=not arguments.headed)
            page = browser.new_page(device_scale_factor=arguments.scale)
            lab = LabPage(page, server, server.place(_source(arguments)), theme=arguments.themes[0])
            failed = _run(lab, arguments)
            _take(lab, arguments)
            failed += lab.watch.complaints
            browser.close()
    finally:
        server.stop()
    for complaint in failed:
        print(f"FAILED {complaint}", file=sys.stderr)
    return 1 if failed else 0


def _source(arguments: argparse.Namespace) -> Path | nbformat.NotebookNode:
    if arguments.notebook:
        return Path(arguments.notebook)
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code) for code in arguments.code])


def _run(lab: LabPage, arguments: argparse.Namespace) -> list[str]:
    """Run the cells and press the keys; errors of cells that are not marked as raising on purpose."""
    if not arguments.no_run:
        lab.run_all()
    count = len(lab.cells())
    if arguments.cells is None:
        arguments.cells = [n for n in range(count) if lab.outputs(n)]
    if wrong := [n for n in arguments.cells if not 0 <= n < count]:
        raise SystemExit(f"no cell {wrong}: the notebook has cells 0 to {count - 1}")
    if arguments.keys and arguments.cells:
        lab.focus_widget(arguments.cells[0])
        lab.keys(arguments.keys)
        lab.wait_idle()
        lab.settle()
    return [
        f"cell {n}: {output['ename']}: {output['evalue']}"
        for n in range(count)
        for output in lab.outputs(n)
        if output["output_type"] == "error"
    ]


def _take(lab: LabPage, arguments: argparse.Namespace) -> None:
    lab.set_projector(arguments.projector)
    stem = arguments.notebook.stem if arguments.notebook else "code"
    suffix = "-projector" if arguments.projector else ""
    for theme in arguments.themes:
        lab.set_theme(theme)
        for width in arguments.widths:
            lab.set_width(width, arguments.height)
            lab.settle()
            end = f"{theme}-{width}{suffix}.png"
            if arguments.whole:
                print(lab.picture_notebook(arguments.out / f"{stem}-all-{end}"))
                continue
            for n in arguments.cells:
                path = arguments.out / f"{stem}-{n:02}-{end}"
                if arguments.window:
                    lab.cell(n).scroll_into_view_if_needed()
                    path.parent.mkdir(parents=True, exist_ok=True)
                    lab.page.screenshot(path=path)
                else:
                    lab.picture(n, path, whole_cell=arguments.input)
                print(path, lab.widget_width(n) or "")
        if arguments.axe:
            print("\n".join(f"axe, {theme}: {line}" for line in lab.axe() or ["nothing found"]))


if __name__ == "__main__":
    sys.exit(main())
