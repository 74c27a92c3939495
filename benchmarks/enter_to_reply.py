"""From Enter to the reply in the page, against a bare anywidget round trip: ``python benchmarks/enter_to_reply.py``.

A real JupyterLab in Chromium holds lesson 01's console and a widget of ten lines whose Python sends every line
back. Both get NOOP and Enter by the keyboard, alternating. The clock in the page runs from the key press until the
answer is in the DOM, and until the frame with it has been painted. Milliseconds: median, and the smallest in
brackets. Goal: the console takes at most 30 ms longer.
"""

from __future__ import annotations

import argparse
import statistics

from shared import cells, machine, notebook_page, shown

ECHO = '''
import anywidget

class Echo(anywidget.AnyWidget):
    """The shortest round trip there is: a line out, the same line back."""

    _esm = """
    export default { render({ model, el }) {
      el.innerHTML = `<input aria-label="bare"><ul></ul>`;
      const [input, list] = el.children;
      model.on("msg:custom", (message) => {
        const item = document.createElement("li");
        item.textContent = message.line;
        list.append(item);
      });
      input.addEventListener("keydown", (event) => {
        if (event.key === "Enter") { model.send({ line: input.value }); input.value = ""; }
      });
    } };
    """

    def __init__(self):
        super().__init__()
        self.on_msg(lambda _, message, buffers: self.send(message))

Echo()
'''
CONSOLE = 'import labkit; lab = labkit.open_lesson("01_session"); lab.console()'
ANSWERS = {"bare": "ul > li", "console": '.lks-row[data-s="S"][data-role="reply"]'}

# The next Enter starts the clock; one answer more in this output stops it.
ARM = """
const output = nb.widgets[arg.cell].node.querySelector('.jp-Cell-outputArea');
const count = () => output.querySelectorAll(arg.answer).length, before = count();
window.lapse = new Promise((done) => {
  let pressed = 0;
  document.addEventListener('keydown', function press(event) {
    if (event.key !== 'Enter') return;
    document.removeEventListener('keydown', press, true);
    pressed = performance.now();
  }, true);
  const observer = new MutationObserver(() => {
    if (!pressed || count() === before) return;
    observer.disconnect();
    const there = performance.now();
    requestAnimationFrame(() => {
      const channel = new MessageChannel();  // its turn comes when the frame has been painted
      channel.port1.onmessage = () => done([there - pressed, performance.now() - pressed]);
      channel.port2.postMessage(0);
    });
  });
  observer.observe(output, {subtree: true, childList: true});
});
"""


def main(rounds: int) -> None:
    """Alternate, and print medians and the difference."""
    times: dict[str, list[list[float]]] = {name: [] for name in ANSWERS}
    with notebook_page(cells(ECHO, CONSOLE)) as lab:
        lab.run_all()
        console = lab.output(1)
        console.get_by_role("button", name="Connect to").click()
        console.locator(".lks-row").first.wait_for()
        fields = (lab.output(0).get_by_label("bare"), console.get_by_label("A line to send to the server"))
        for number in range(rounds + 3):
            for cell, (name, field) in enumerate(zip(ANSWERS, fields, strict=True)):
                field.focus()
                lab.page.keyboard.type("NOOP")
                lab.in_page(ARM, {"cell": cell, "answer": ANSWERS[name]})
                lab.page.keyboard.press("Enter")
                lapse = lab.page.evaluate("window.lapse")
                if number >= 3:  # the first ones warm both sides up
                    times[name].append(lapse)
    for moment, what in enumerate(("in the DOM", "painted")):
        bare, own = ([lapse[moment] for lapse in times[name]] for name in ("bare", "console"))
        more = statistics.median(own) - statistics.median(bare)
        print(
            f"Enter to reply {what}: bare anywidget {shown(bare)} ms, console {shown(own)} ms, "
            f"{more:.0f} ({min(own) - min(bare):.0f}) ms more (goal 30), ratio {1 + more / statistics.median(bare):.2f}"
        )
    print(machine())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=60)
    main(parser.parse_args().rounds)
