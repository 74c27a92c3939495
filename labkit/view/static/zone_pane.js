// A text with numbered lines in which evidence is underlined: a text area over a picture of itself. The picture draws the underlines
// and the numbers; what is typed stays in the text area, whatever becomes of it. Used for zones, messages and sessions.
function textPane(paper, { onedit, onleave, say }) {
  let marks = [], notes = paper.notes, first = paper.first, original = paper.original.split("\n");
  const id = "lkz" + Math.random().toString(36).slice(2);
  const area = h("textarea", { class: "lkz-text", id, spellcheck: "false", autocomplete: "off", autocapitalize: "off", wrap: "soft", dir: "ltr", rows: "1",
    readonly: !paper.editable, "aria-label": paper.title + (paper.editable ? ", to edit" : ""), "aria-describedby": id + "n" });
  const back = h("div", { class: "lkz-back", "aria-hidden": "true" });
  const list = h("ul", { class: "lkz-notes", id: id + "n" });
  const scroll = h("div", { class: "lkz-scroll" }, h("div", { class: "lkz-stack" }, back, area));
  const node = h("div", { class: "lkz-pane" }, h("div", { class: "lkz-head" }, h("h4", {}, paper.title), paper.editable ? h("span", { class: "lk-muted" }, "edit me") : null), scroll, list);
  area.value = paper.text;

  function line(text, from, number, was) {
    const bad = notes.find((note) => note.line === number && note.level === "error"), odd = notes.find((note) => note.line === number);
    const row = h("div", { class: "lkz-line", data: { n: (paper.editable && text !== was ? "✎ " : "") + number, ...(bad ? { bad: "" } : odd ? { odd: "" } : {}) } });
    const cuts = [0, text.length];
    const here = marks.filter((mark) => mark.start < from + text.length && mark.end > from);
    for (const mark of here) for (const at of [mark.start - from, mark.end - from]) if (at > 0 && at < text.length) cuts.push(at);
    cuts.sort((a, b) => a - b);
    for (let at = 0; at + 1 < cuts.length; at++) {
      if (cuts[at] === cuts[at + 1]) continue;
      const part = text.slice(cuts[at], cuts[at + 1]), over = here.filter((mark) => mark.start - from <= cuts[at] && mark.end - from >= cuts[at + 1]);
      row.append(over.length ? h("span", { class: "lkz-mark", data: { ...(over.some((mark) => mark.now) ? { now: "" } : {}) } }, part) : part);
    }
    if (!text) row.append("\u200b");
    return row;
  }
  function draw() {
    let from = 0, lines = area.value.split("\n");
    // Lines that still stand where they stood are not marked as edited when others came in above.
    const shift = lines.length - original.length;
    let same = 0;
    while (same < lines.length && lines[same] === original[same]) same++;
    fill(back, lines.map((text, at) => {
      const row = line(text, from, at + first, at < same || original[at - shift] !== text ? original[at] : original[at - shift]);
      from += text.length + 1;
      return row;
    }));
  }
  function drawNotes() {
    fill(list, notes.map((note) => h("li", { data: { level: note.level } }, icon(note.level === "error" ? "cross" : "info"),
      h("button", { class: "lk-quiet", onclick: () => toLine(note.line) }, "line " + note.line), h("span", {}, prose(note.text)))));
    area.setAttribute("aria-invalid", String(notes.some((note) => note.level === "error")));
    list.hidden = !notes.length;
  }
  function toLine(number) {
    const lines = area.value.split("\n"), start = lines.slice(0, number - first).join("\n").length + (number > first ? 1 : 0);
    area.focus({ preventScroll: true });
    area.setSelectionRange(start, start + (lines[number - first] || "").length);
    const row = back.children[number - first];
    if (row) row.scrollIntoView({ block: "nearest" });
  }
  area.addEventListener("input", () => { marks = []; draw(); onedit(area.value); });
  area.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && onleave()) { event.preventDefault(); event.stopPropagation(); }
  });
  draw(); drawNotes();
  return {
    node, area, text: () => area.value,
    put(next, keep) { // `keep`: this very text area has sent it
      original = next.original.split("\n"); first = next.first;
      if (!keep && area.value !== next.text) {
        const at = area.selectionStart;
        area.value = next.text;
        if (document.activeElement === area) area.setSelectionRange(at, at);
      }
      if (area.value !== next.text) return;
      const told = JSON.stringify(notes);
      notes = next.notes;
      if (JSON.stringify(notes) !== told) drawNotes();
      marks = [];
      draw();
    },
    mark(next) { marks = next; draw(); },
    reach(mark) {
      area.focus({ preventScroll: true });
      area.setSelectionRange(mark.start, mark.end);
      const found = back.querySelector(".lkz-mark[data-now]");
      if (found) found.scrollIntoView({ block: "nearest" });
      say(mark.label + ": " + area.value.slice(mark.start, Math.min(mark.end, mark.start + 200)));
    },
  };
}
