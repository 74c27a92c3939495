"""What a notebook tells before anything runs, on a page that trusts it little, and after its kernel has gone."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser

import bleach  # JupyterLab itself brings it, by way of nbconvert
import nbformat
import pytest
from playwright.sync_api import expect

from .jupyter import ROOT, Jupyter
from .lab_page import LabPage
from .learner import NOTEBOOKS

OpenLab = Callable[..., LabPage]

PATHS = [NOTEBOOKS / f"{name}.ipynb" for name in ("00_start_here", "01_session", "03_extensions")]
NAMES = [path.stem for path in PATHS]

# github.com/gjtorikian/html-pipeline's list, as far as our notebooks use it; everything else is dropped.
_BLOCKS = {
    "blockquote",
    "br",
    "details",
    "div",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "p",
    "pre",
    "summary",
}
_LISTS = {"dd", "dl", "dt", "li", "ol", "table", "tbody", "td", "th", "thead", "tr", "ul"}
_INLINE = {"a", "b", "code", "em", "i", "img", "kbd", "s", "span", "strong", "sub", "sup"}
GITHUB_TAGS = frozenset(_BLOCKS | _LISTS | _INLINE)
GITHUB_ATTRIBUTES = {"*": ["title", "align", "colspan", "rowspan"], "a": ["href"], "img": ["src", "alt"]}


def sanitized(html: str) -> str:
    """Stored HTML as GitHub serves it: no style, no SVG, no picture with a data address."""
    return str(
        bleach.clean(
            html,
            tags=GITHUB_TAGS,
            attributes=GITHUB_ATTRIBUTES,
            protocols={"http", "https", "mailto"},
            strip=True,
        )
    )


def html_outputs(name: str) -> Iterator[tuple[str, str, str]]:
    """(code, text/plain, text/html) of every stored output that has both."""
    for cell in nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4).cells:
        for output in cell.get("outputs", []):
            if "text/html" in (data := output.get("data", {})):
                yield cell.source, data["text/plain"], data["text/html"]


class Words(HTMLParser):
    """The text of a page, and the cells of its table rows."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text, self.rows = "", []
        self.feed(html)

    def handle_starttag(self, tag: str, _attrs: object) -> None:
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_data(self, data: str) -> None:
        self.text += data + " "
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data


def words(text: str) -> set[str]:
    return set(re.findall(r"[A-Za-z]{4,}", text))


@pytest.mark.parametrize("name", NAMES)
def test_a_sanitized_copy_still_tells_the_story(name: str) -> None:
    recorded = 0
    for source, plain, html in html_outputs(name):
        clean = sanitized(html)
        for dropped in ("style=", "<svg", "data:", "<script"):
            assert dropped not in clean
        told = Words(clean)
        assert words(plain) - words(told.text) <= LEAD_OVER, source
        if is_session(plain):
            recorded += 1
            assert "the table below says the same" in clean  # what stands where the picture was
            check_table(plain, [row for row in told.rows if row[0].isdecimal()])
    assert recorded >= 1


# "The course:" and "message 1" lead over, in plain text only, to what is a table or a numbered list as HTML.
LEAD_OVER = {"course", "message"}


def is_session(plain: str) -> bool:
    """Whether this is a session in plain text: a heading, then the greeting."""
    return "\nS: 220" in plain


def check_table(plain: str, rows: list[list[str]]) -> None:
    """The table of a session tells all that its plain text does, without colour or picture."""
    _, *wire = plain.splitlines()
    assert len(rows) == len(wire)
    for number, (line, row) in enumerate(zip(wire, rows, strict=True), 1):
        assert row[0] == str(number)
        check_line(line, *row[1:])


def check_line(line: str, who: str, said: str, meaning: str, state: str) -> None:
    if line.startswith("("):
        assert said == "(closed the connection)"
        return
    side, text = (
        line[0],
        line[3:].replace("  [", " ["),
    )  # an odd line end, set off a little more in plain text
    assert who == {"C": "client", "S": "server"}[side]
    code = re.match(r"(\d{3})[ -]", text) if side == "S" else None
    if code is None:
        assert text in said
    else:
        assert text[4:] in said
        assert re.search(rf"[✓→◷✕] {code[1]}", said), said  # a sign of its own for each kind of reply
        assert words(meaning), f"{line!r} has no words beside its code"
    assert words(state)


@pytest.mark.parametrize("name", NAMES)
def test_untrusted_and_not_run_it_tells_the_story_in_both_themes(open_lab: OpenLab, name: str) -> None:
    lab = open_lab(NOTEBOOKS / f"{name}.ipynb")
    lab.open_sections()
    assert lab.page.locator(".lk").count() == 0  # nothing has run, nothing is live
    numbers = {cell.source: number for number, cell in enumerate(lab.cells())}
    for source, plain, _ in html_outputs(name):
        shown = lab.output(numbers[source])
        assert words(plain) - words(shown.inner_text()) <= LEAD_OVER
        if is_session(plain):
            picture = shown.get_by_role("img")
            expect(picture).to_be_visible()
            assert picture.evaluate("(img) => img.complete && img.naturalHeight > 100")
            check_table(plain, shown.locator("tbody tr").evaluate_all(CELLS_OF_ROWS))
    assert lab.axe(".jp-RenderedHTMLCommon.jp-OutputArea-output", themes=("light", "dark")) == []


CELLS_OF_ROWS = "(rows) => rows.map((row) => [...row.cells].map((cell) => cell.innerText.trim()))"


@pytest.fixture(scope="module")
def saving_server() -> Iterator[Jupyter]:
    """With the settings that the lab installs: the state of widgets is saved in the notebook."""
    overrides = json.loads((ROOT / "settings" / "overrides.json").read_text())
    with Jupyter(settings=overrides) as server:
        yield server


def test_a_saved_session_is_there_without_its_kernel(saving_server: Jupyter, open_lab: OpenLab) -> None:
    source = 'import labkit; lab = labkit.open_lesson("01_session")\nlab.console()'
    lab = open_lab(source, server=saving_server)
    lab.run_all()
    lab.focus_widget(0)
    lab.output(0).get_by_role("button", name="Connect to").click()
    expect(lab.output(0).get_by_role("textbox")).to_be_focused()
    lab.keys("EHLO sender.example{Enter}")
    expect(lab.output(0).locator(".lks-row", has_text="STARTTLS")).to_be_visible()
    lab.wait_idle()
    saved = saving_server.folder / lab.name
    for _ in range(50):
        lab.save()
        if "STARTTLS" in json.dumps(json.loads(saved.read_text())["metadata"].get("widgets", "")):
            break
        lab.page.wait_for_timeout(100)  # what is to be saved is made when the page has nothing else to do
    lab.shutdown_kernel()
    lab.reload(save=False)
    rows = lab.output(0).locator(".lks-row")
    expect(rows.filter(has_text="EHLO sender.example")).to_be_visible()
    expect(rows.filter(has_text="STARTTLS")).to_be_visible()
    expect(lab.output(0).locator(".lk-life")).to_contain_text("Choose Run > Run All Cells")
    assert "Error displaying widget" not in lab.page.inner_text("body")
