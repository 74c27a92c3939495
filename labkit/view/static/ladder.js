// The ladder: one numbered row per line of a session, the state strip above it, the explanation beside it.
// Used by the console (with a composer below) and by replays and watched sessions (without).
const WINDOW = 400; // rows kept in the page at once; the others fold into a button, so 10,000 lines stay usable
const LOOPS = ["RSET", "EHLO", "HELO", "MAIL"]; // the ways back that a learner takes; the rest is in the list of what may be said
const MEANING = { "2": "done", "3": "go on", "4": "try later", "5": "refused" };

// What asks the page for sizes waits for the next frame, when they are known. Asked for between two changes, each answer
// costs a layout of the whole page: measured, five sixths of the work that a reply made here.
function onFrame(act) {
  let due = false;
  return () => { if (!due) { due = true; requestAnimationFrame(() => { due = false; act(); }); } };
}

// What nobody sees waits until what is to be seen has been painted.
function later(act) {
  let due = false;
  return () => { if (!due) { due = true; setTimeout(() => { due = false; act(); }, 100); } };
}

// Filled anew only when it says something else: new nodes cost style, layout and paint, even if they look the same.
function fillChanged(node, sign, kids) {
  if (node.lkSign === sign) return;
  node.lkSign = sign;
  fill(node, kids());
}

function rowLabel(row) {
  const who = row.s === "C" ? "client" : "server";
  const state = row.code ? ", " + (MEANING[String(row.code)[0]] || "unknown reply") : "";
  return "Line " + row.n + ", " + who + ": " + (row.code ? row.code + " " : "") + (row.t || "(nothing)") + state;
}
function rowNode(row, parts) {
  const node = h("div", { class: "lks-row", role: "option", id: parts.prefix + row.n, "aria-selected": "false", "aria-label": rowLabel(row),
    data: { n: row.n, s: row.s, role: row.role } });
  if (row.tx) node.dataset.tx = "";
  if (row.enc) node.dataset.enc = "";
  if (row.bad) node.dataset.bad = "";
  const odd = row.end !== "CR LF";
  add(node, [
    h("span", { class: "lks-n" }, String(row.n)),
    h("div", { class: "lks-line" },
      h("div", { class: "lks-text" },
        h("span", { class: "lks-who" }, row.s + ":"),
        row.code ? codeChip(row.code, row.cont) : null,
        h("span", { class: "lk-wire" }, row.t, row.more ? h("span", { class: "lk-muted" }, " … " + row.more.toLocaleString("en") + " more characters") : null,
          h("span", { class: "lks-eol", data: odd ? { odd: "" } : {} }, row.end))),
      h("div", { class: "lks-arrow" })),
  ]);
  return node;
}

function ladder(parts) {
  // parts: {title names, onSelect(n), prefix}
  const rows = [];
  let low = 0, selected = 0, follow = true, seen = Infinity; // the last line that is shown, while a session is shown step by step
  const byNumber = new Map();
  const list = h("div", { class: "lks-rows", tabindex: "0", "aria-label": "The session, line by line" });
  const heads = h("div", { class: "lks-heads" });
  const box = h("div", { class: "lks-ladder" }, heads, list);

  const nodeOf = (n) => list.querySelector('[data-n="' + n + '"]');
  function fold(from, to, where) {
    const count = to - from;
    if (count <= 0) return null;
    return h("button", { class: "lks-fold", onclick: () => { low = where === "up" ? Math.max(0, low - WINDOW + 50) : low + WINDOW - 50; paint(); } },
      "Show " + Math.min(count, WINDOW - 50).toLocaleString("en") + " of " + count.toLocaleString("en") + (where === "up" ? " earlier lines" : " later lines"));
  }
  function extras(row, index) {
    const out = [];
    const before = index > 0 ? rows[index - 1] : null;
    if (before && !before.enc && row.enc) out.push(h("div", { class: "lks-band" }, icon("lock"), " TLS handshake done: from here on an eavesdropper reads nothing, and the server has forgotten what was said before"));
    return out;
  }
  function append(row, index) {
    add(list, [extras(row, index)]);
    list.append(row.role === "closed" ? endNode(row) : rowNode(row, parts));
  }
  function endNode(row) {
    const node = rowNode(row, parts);
    node.querySelector(".lks-arrow").remove();
    node.querySelector(".lks-text").replaceWith(h("div", { class: "lks-ended" }, row.s === "S" ? "The server closed the connection." : "The client closed the connection."));
    node.setAttribute("aria-label", "Line " + row.n + ": the " + (row.s === "S" ? "server" : "client") + " closed the connection");
    return node;
  }
  function paint() {
    fill(list);
    const end = Math.min(rows.length, low + WINDOW);
    add(list, [fold(0, low, "up")]);
    for (let i = low; i < end; i++) append(rows[i], i);
    add(list, [fold(end, rows.length, "down")]);
    if (!rows.length && parts.empty) list.append(parts.empty());
    mark();
  }
  function mark() {
    for (const node of list.querySelectorAll('[aria-selected="true"]')) node.setAttribute("aria-selected", "false");
    for (const node of list.querySelectorAll("[data-linked]")) delete node.dataset.linked;
    const row = byNumber.get(selected);
    list.setAttribute("role", rows.length ? "listbox" : "group"); // a listbox must not be empty
    for (const node of list.children) {
      if (!node.dataset.n) continue;
      node.toggleAttribute("data-future", Number(node.dataset.n) > selected && selected > 0);
      node.hidden = Number(node.dataset.n) > seen;
    }
    if (!row) { list.removeAttribute("aria-activedescendant"); return; }
    const node = nodeOf(selected);
    if (node) { node.setAttribute("aria-selected", "true"); list.setAttribute("aria-activedescendant", node.id); }
    for (const other of [row.ans, row.by]) if (other) { const link = nodeOf(other); if (link) link.dataset.linked = ""; }
  }
  const reveal = onFrame(() => {
    const node = nodeOf(selected);
    if (!node) return;
    const top = node.offsetTop - heads.offsetHeight, bottom = node.offsetTop + node.offsetHeight;
    if (top < box.scrollTop) box.scrollTop = Math.max(0, top - 4);
    else if (bottom > box.scrollTop + box.clientHeight) box.scrollTop = bottom - box.clientHeight + 6;
  });
  function select(n, quiet) {
    if (!rows.length) { selected = 0; return; }
    const last = rows[rows.length - 1].n;
    selected = Math.max(rows[0].n, Math.min(last, n));
    if (selected > seen) seen = selected;
    follow = selected === last;
    const index = rows.findIndex((row) => row.n === selected);
    if (index < low || index >= low + WINDOW) { low = Math.max(0, Math.min(index - WINDOW / 2, rows.length - WINDOW)); paint(); } else mark();
    reveal();
    if (!quiet) parts.onSelect(selected);
  }
  const step = (by) => {
    const index = rows.findIndex((row) => row.n === selected);
    const next = rows[Math.max(0, Math.min(rows.length - 1, index + by))];
    if (next) select(next.n);
  };
  list.addEventListener("click", (event) => { const node = event.target.closest(".lks-row"); if (node) { select(Number(node.dataset.n)); list.focus({ preventScroll: true }); } });
  list.addEventListener("keydown", (event) => {
    if (event.key === " " || event.key === "Enter") { event.preventDefault(); step(1); return; }
    const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -1e9, End: 1e9 };
    if (event.altKey || event.ctrlKey || event.metaKey || event.target !== list) return;
    if (event.key in moves) { event.preventDefault(); event.stopPropagation(); step(moves[event.key]); }
  });
  // What to look at when something has happened: the last line that was said, not that the line went quiet after it.
  function newest() {
    for (let i = rows.length - 1; i > 0; i--) if (rows[i].role !== "closed" || rows[i].before !== "closed") return rows[i];
    return rows[rows.length - 1];
  }
  function reset(newRows) {
    rows.length = 0; byNumber.clear(); selected = 0; follow = true;
    for (const row of newRows) { rows.push(row); byNumber.set(row.n, row); }
    low = Math.max(0, rows.length - WINDOW);
    paint();
  }
  function update(changed) {
    let fresh = false;
    for (const row of changed) {
      const known = byNumber.get(row.n);
      if (known) {
        Object.assign(known, row);
        const node = nodeOf(row.n);
        if (node) node.replaceWith(row.role === "closed" ? endNode(known) : rowNode(known, parts));
      } else {
        if (!rows.length) fill(list);
        rows.push(row); byNumber.set(row.n, row); fresh = true;
        if (rows.length - low <= WINDOW) append(row, rows.length - 1);
      }
    }
    if (rows.length - low > WINDOW) { if (follow) low = rows.length - Math.floor(WINDOW / 2); paint(); }
    const followed = fresh && follow;
    if (followed) { select(newest().n, true); follow = true; } else mark();
    return followed;
  }
  // Shows a line only once it is reached, as in a recorded run; or all of them again.
  function veil(on) { seen = on ? 0 : Infinity; mark(); }
  new ResizeObserver(reveal).observe(box);
  paint();
  return { box, newest, veil, list, heads, rows, reset, update, select, step, row: (n) => byNumber.get(n), get selected() { return selected; } };
}

function stateStrip(states, edges) {
  const items = new Map();
  const track = h("ol", { class: "lks-track", "aria-label": "Where the session is" });
  for (const { id, label } of states) { const item = h("li", {}, label); items.set(id, item); track.append(item); }
  const loops = document.createElementNS(SVG, "svg");
  loops.setAttribute("class", "lks-loops"); loops.setAttribute("aria-hidden", "true");
  const names = h("div", { "aria-hidden": "true" });
  const box = h("div", { class: "lks-trackbox" }, loops, names, track);
  let state = "";
  const drawLoops = onFrame(() => {
    const here = states.findIndex((entry) => entry.id === state);
    const width = track.clientWidth;
    if (!width) return; // out of sight for a moment
    loops.replaceChildren();
    names.replaceChildren();
    if (here < 0) return;
    const back = new Map(); // where the table leads back to from here, and by which commands
    for (const [from, verb, , to] of edges) {
      const target = states.findIndex((entry) => entry.id === to);
      if (from === state && target >= 0 && target < here && LOOPS.includes(verb)) back.set(target, [...(back.get(target) || []), verb]);
    }
    const unit = width / states.length, middle = (index) => unit * (index + 0.5), base = parseFloat(getComputedStyle(track).paddingTop) || 20;
    for (const [target, verbs] of back) {
      const from = middle(here) - 4, to = middle(target) + 4, high = base * 0.32;
      const path = document.createElementNS(SVG, "path");
      path.setAttribute("d", "M" + from + " " + (base - 1) + " C " + (from - 8) + " " + high + ", " + (from - 20) + " " + high + ", " + (from - 30) + " " + high +
        " H " + (to + 30) + " C " + (to + 20) + " " + high + ", " + (to + 8) + " " + high + ", " + to + " " + (base - 2) + " m -3 -7 l 3 7 l 7 -3");
      loops.append(path);
      const name = h("span", { class: "lks-loopname" }, [...new Set(verbs)].sort((a, b) => LOOPS.indexOf(a) - LOOPS.indexOf(b)).slice(0, 3).join(", "));
      name.style.left = to + Math.max(unit * 0.5, 60) + "px";
      names.append(name);
    }
  });
  const observer = new ResizeObserver(drawLoops);
  observer.observe(track);
  return {
    node: box, close: () => observer.disconnect(),
    show(id) {
      if (id === state) return;
      state = id;
      const here = states.findIndex((entry) => entry.id === id);
      states.forEach((entry, index) => {
        const item = items.get(entry.id);
        item.dataset.at = index < here ? "past" : index === here ? "here" : "ahead";
        if (index === here) item.setAttribute("aria-current", "step"); else item.removeAttribute("aria-current");
      });
      drawLoops();
    },
  };
}

// What a line is, did and wants, in one short paragraph; the rules and the pieces of the line open on demand.
function whyPanel() {
  const node = h("div", { class: "lks-why", tabindex: "0", role: "group", "aria-label": "What just happened" });
  let scrolled = false; // setting scrollTop costs a layout even where nothing was scrolled
  let pieces = false;   // once opened, the pieces are open for the next line too
  node.addEventListener("scroll", () => { scrolled = node.scrollTop > 0; });
  const headline = (row, text) => {
    if (!row.code) return h("p", { class: "lks-headline" }, h("strong", {}, prose(text)));
    const said = text.startsWith(row.code) ? text.slice(row.code.length).replace(/^: /, " ") : " " + text;
    return h("p", { class: "lks-headline" }, codeChip(row.code, row.cont), h("strong", {}, prose(said)));
  };
  const rule = ({ ref, text }) => h("details", {}, h("summary", {}, ref.replace(" section ", " §")), h("p", {}, prose(text)));
  const parts = (list) => h("details", { open: pieces, ontoggle: (event) => { pieces = event.target.open; } }, h("summary", {}, "Piece by piece"),
    h("dl", { class: "lks-parts" }, list.map(([token, meaning]) => [h("dt", {}, token), h("dd", {}, prose(meaning))])));
  return {
    node,
    show(row, known, newest) {
      if (!row) return;
      const title = h("h4", {}, newest ? "What just happened" : "Line " + row.n);
      if (!known) { fill(node, title, h("p", { class: "lk-muted" }, "Asking the lab about this line …")); return; }
      const said = [known.happened, known.effect].filter(Boolean).join(" ");
      fill(node, title, headline(row, known.headline || ""),
        said ? h("p", {}, prose(said)) : null,
        known.who_acts || known.next_step ? h("p", { class: "lks-next" }, known.who_acts ? [h("span", { class: "lk-muted" }, "Who acts: "), h("strong", {}, prose(known.who_acts)), ". "] : null, prose(known.next_step || "")) : null,
        h("div", { class: "lks-more" }, (known.parts || []).length ? parts(known.parts) : null, (known.rules || []).filter((one) => one.text).map(rule)));
      if (scrolled) node.scrollTop = 0;
    },
    intro(...kids) { fill(node, h("h4", {}, "What just happened"), kids); },
  };
}
