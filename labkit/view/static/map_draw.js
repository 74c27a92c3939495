// The picture of the map: stations in their regions, the ways between them, and letters that stand or move.
// It draws what it is told (`show`), and knows nothing of hops that are still to come.
const TONES = { 2: "check", 4: "clock", 5: "cross" };
const SLIDE = 240; // milliseconds that a letter is on its way

function svgNode(tag, props) {
  const node = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(props)) node.setAttribute(key, value);
  return node;
}
const GLYPHS = {
  host: "M3 3.5h14v5H3zM3 11.5h14v5H3zM6 6h.1M6 14h.1M9.5 6H14M9.5 14H14",
  person: "M10 9.2a3.2 3.2 0 1 0-.01 0M3.6 17.2c.5-3.6 3-5.4 6.4-5.4s5.9 1.8 6.4 5.4",
};
function glyph(name) {
  const svg = svgNode("svg", { viewBox: "0 0 20 20", "aria-hidden": "true", class: "lkw-glyph" });
  svg.append(svgNode("path", { d: GLYPHS[name], fill: "none", stroke: "currentColor", "stroke-width": "1.7", "stroke-linecap": "round", "stroke-linejoin": "round" }));
  return svg;
}
function letterNode(letter) {
  const svg = svgNode("svg", { viewBox: "0 0 34 24", "aria-hidden": "true" });
  svg.append(svgNode("rect", { x: 1, y: 1, width: 32, height: 22, rx: 3, class: "lkw-paper" }), svgNode("path", { d: "M2 3l15 11L32 3", class: "lkw-flap" }));
  if (letter.notice) svg.append(svgNode("path", { d: "M12 18.5H24M12 18.5l4-3.2M12 18.5l4 3.2", class: "lkw-flap" })); // it goes back
  return h("div", { class: "lkw-letter", data: { tone: letter.tone, ...(letter.notice ? { notice: "" } : {}) } }, svg, letter.label ? h("b", {}, letter.label) : null);
}

function mailMap(facts, { onHop, onHost }) {
  const edges = svgNode("svg", { class: "lkw-edges", "aria-hidden": "true" });
  const chips = h("div", { class: "lkw-chips" });
  const letters = h("div", { class: "lkw-letters", "aria-hidden": "true" });
  const stations = new Map();
  const regions = facts.regions.map((region) => h("div", { class: "lkw-region", role: "group", "aria-label": region.name, style: "flex-grow:" + region.columns.length },
    h("div", { class: "lkw-domain" }, region.name, h("span", { class: "lkw-job" }, " one administration (ADMD)")),
    h("div", { class: "lkw-columns" }, region.columns.map((column) => h("div", { class: "lkw-column" }, column.map(station))))));
  const stage = h("div", { class: "lkw-stage" }, edges, regions, chips, letters);
  const columns = facts.regions.map((region) => region.columns.length);
  let shown = { marks: new Map(), stamps: new Map(), letters: [] }, paths = new Map();

  function station(one) {
    const status = h("div", { class: "lkw-status" });
    const jobs = one.jobs.map(([name, meaning]) => h("span", { class: "lkw-job", title: meaning }, name));
    const inside = [glyph(one.person ? "person" : "host"), h("b", {}, one.label), h("div", { class: "lkw-line" }, jobs, one.person ? null : h("span", { class: "lkw-port" }, "port " + one.ports.join(", "))), status];
    const node = h(one.person ? "div" : "button", { class: "lkw-station", title: one.id, data: { id: one.id, ...(one.person ? { person: "" } : {}) }, ...(one.person ? {} : { onclick: () => onHost(one.id) }) }, inside);
    stations.set(one.id, { node, status, one });
    return node;
  }

  // ---- where things are
  const em = () => parseFloat(getComputedStyle(stage).fontSize) || 14;
  function mode() {
    const room = stage.clientWidth / em(), all = columns.reduce((sum, count) => sum + count, 0);
    if (room >= all * 7.4 + (all - columns.length) * 4.6 + (columns.length - 1) * 6.2 + columns.length * 2.2) return "wide";
    return room >= Math.max(...columns) * 11.4 + 5.4 ? "wrap" : "tall";
  }
  function box(node) {
    const outer = stage.getBoundingClientRect(), one = node.getBoundingClientRect();
    const left = one.left - outer.left, top = one.top - outer.top;
    return { left, top, right: left + one.width, bottom: top + one.height, x: left + one.width / 2, y: top + one.height / 2 };
  }
  const corner = (id) => { const b = box(stations.get(id).node); return { x: b.right - 0.1 * em(), y: b.bottom + 0.15 * em() }; };
  const rounded = (points, r) => points.map(([x, y], i) => {
    if (i === 0) return "M" + x + " " + y;
    if (i === points.length - 1) return "L" + x + " " + y;
    const [px, py] = points[i - 1], [nx, ny] = points[i + 1];
    const a = Math.min(r, Math.hypot(x - px, y - py) / 2), b = Math.min(r, Math.hypot(nx - x, ny - y) / 2);
    const from = [x + Math.sign(px - x) * a, y + Math.sign(py - y) * a], to = [x + Math.sign(nx - x) * b, y + Math.sign(ny - y) * b];
    return "L" + from.join(" ") + "Q" + x + " " + y + " " + to.join(" ");
  }).join("");
  // The line from one station to another, and where on it its mark stands.
  function way(from, to, lane) {
    const a = box(stations.get(from).node), b = box(stations.get(to).node), u = em(), tip = 2;
    const here = stations.get(from).node.closest(".lkw-region"), there = stations.get(to).node.closest(".lkw-region");
    const now = stage.dataset.mode;
    if (now === "wrap" && here !== there) {
      const down = b.top > a.bottom, region = box(there);
      const gutter = down ? (box(here).bottom + region.top) / 2 : (box(here).top + region.bottom) / 2;
      if (!down) { const x = b.x + 1.6 * u; return { d: rounded([[a.x, a.top], [a.x, gutter], [x, gutter], [x, b.bottom + tip]], 12), mark: [(a.x + x) / 2, gutter], under: false }; }
      const left = region.left + (0.9 + 0.55 * lane) * u;
      return { d: rounded([[a.x, a.bottom], [a.x, gutter - lane * 0.5 * u], [left, gutter - lane * 0.5 * u], [left, b.y], [b.left - tip, b.y]], 12), mark: [(left + b.left) / 2 + 0.1 * u, b.y], under: false };
    }
    if (now === "tall" || b.top > a.bottom + 2.4 * u || a.top > b.bottom + 2.4 * u) {
      const up = b.y < a.y, [y1, y2] = up ? [a.top, b.bottom + tip] : [a.bottom, b.top - tip], bend = Math.max(18, Math.abs(y2 - y1) / 2) * (up ? -1 : 1);
      const [x1, x2] = up ? [a.right - 1.4 * u, b.right - 1.4 * u] : [a.x, b.x];
      return { d: "M" + x1 + " " + y1 + "C" + x1 + " " + (y1 + bend) + " " + x2 + " " + (y2 - bend) + " " + x2 + " " + y2, beside: true };
    }
    if (b.x < a.x) { // back: underneath
      const deep = Math.max(a.bottom, b.bottom) + 2.7 * u, x1 = a.x - 0.8 * u, x2 = b.x + 0.3 * u;
      return { d: "M" + x1 + " " + a.bottom + "C" + x1 + " " + deep + " " + x2 + " " + deep + " " + x2 + " " + (b.bottom + tip), under: true };
    }
    const bend = Math.min(60, (b.left - a.right) / 2);
    return { d: "M" + a.right + " " + a.y + "C" + (a.right + bend) + " " + a.y + " " + (b.left - bend) + " " + b.y + " " + (b.left - tip) + " " + b.y };
  }

  // ---- drawing
  const redraw = onNextFrame(() => {
    const now = mode();
    if (stage.dataset.mode !== now) stage.dataset.mode = now;
    edges.replaceChildren(); chips.replaceChildren(); paths = new Map();
    const lanes = new Map();
    const keys = new Set([...facts.ways.map((pair) => pair.join(">")), ...shown.marks.keys()]);
    for (const key of keys) {
      const [from, to] = key.split(">"), mark = shown.marks.get(key);
      if (!stations.has(from) || !stations.has(to)) continue;
      const lane = lanes.get(from) || 0; lanes.set(from, lane + (now === "wrap" ? 1 : 0));
      const line = way(from, to, lane);
      const path = svgNode("path", { d: line.d, class: "lkw-way" });
      if (mark) path.dataset.tone = mark.tone;
      edges.append(path); paths.set(key, path);
      if (!mark) continue;
      const length = path.getTotalLength(), end = path.getPointAtLength(length), before = path.getPointAtLength(Math.max(0, length - 6));
      const turn = Math.atan2(end.y - before.y, end.x - before.x) * 180 / Math.PI;
      const head = svgNode("path", { d: "M-10 -5.5L0 0L-10 5.5z", transform: "translate(" + end.x + " " + end.y + ") rotate(" + turn + ")", class: "lkw-head" });
      head.dataset.tone = mark.tone; edges.append(head);
      const middle = path.getPointAtLength(length / 2), [x, y] = line.mark || [middle.x, middle.y];
      chips.append(chip(mark, x, y, line.under ? "under" : line.beside ? "on" : "over"));
    }
    for (const [id, mark] of shown.stamps) {
      if (!stations.has(id)) continue;
      const b = box(stations.get(id).node);
      chips.append(chip(mark, b.x, b.top, "on"));
    }
    place();
  });
  function chip(mark, x, y, where) {
    return h("button", { class: "lk-chip lkw-chip", tabindex: "-1", title: mark.text, "aria-label": mark.text, data: { kind: mark.tone, where }, style: "left:" + x + "px;top:" + y + "px", onclick: () => onHop(mark.n) },
      icon(TONES[mark.tone]), mark.mark, mark.count > 1 ? h("span", { class: "lkw-times" }, "×" + mark.count.toLocaleString("en")) : null);
  }
  function place() { // letters that stand; several at one place lie in a small fan
    const piles = new Map();
    letters.replaceChildren(...shown.letters.slice(-12).filter((letter) => stations.has(letter.at)).map((letter) => {
      const node = letterNode(letter), spot = corner(letter.at), high = piles.get(letter.at) || 0;
      piles.set(letter.at, high + 1);
      node.style.transform = "translate(" + (spot.x - high * 14) + "px," + (spot.y + high * 3) + "px) translate(-50%,-50%)";
      node.dataset.key = letter.key;
      return node;
    }));
  }
  for (const [id, { node, one }] of stations) if (!one.person) node.setAttribute("aria-label", one.label + ": open its log, queue and mailboxes");

  return {
    stage,
    draw(next) { shown = next; redraw(); },
    now(state) { // how each station stands at this moment
      for (const [id, { node, status, one }] of stations) {
        const host = state && state.hosts[id], count = state && state.boxes[id];
        node.toggleAttribute("data-waits", Boolean(host && host.waiting));
        const lines = [];
        if (host && host.waiting) lines.push(h("span", { data: { tone: "4" } }, icon("clock"), host.waiting.toLocaleString("en") + (host.waiting === 1 ? " waits" : " wait") + (host.next ? ", next try " + host.next : "")));
        if (host && host.down) lines.push(h("span", { data: { tone: "5" } }, icon("cross"), "is down"));
        if (host) for (const fault of host.faults) lines.push(h("span", { data: { tone: "4" } }, icon("flag"), fault));
        if (one.person && typeof count === "number") lines.push(h("span", {}, count === 1 ? "1 letter" : count.toLocaleString("en") + " letters"));
        fill(status, lines);
      }
      redraw();
    },
    // One letter along one way; `back` when it is turned away half-way.
    async slide(letter, from, to, back) {
      const path = paths.get(from + ">" + to);
      if (!path || !stations.has(from)) return;
      const node = letterNode(letter), length = path.getTotalLength(), steps = 10, start = corner(from), frames = [start];
      for (let i = 0; i <= steps; i++) frames.push(path.getPointAtLength(length * (back ? 0.62 * (1 - Math.abs(2 * i / steps - 1)) : i / steps)));
      frames.push(back ? start : corner(to));
      for (const still of letters.children) if (still.dataset.key === letter.key) still.remove();
      letters.append(node);
      await node.animate(frames.map((point) => ({ transform: "translate(" + point.x + "px," + point.y + "px) translate(-50%,-50%)" })), { duration: SLIDE, easing: "ease-in-out", fill: "forwards" }).finished.catch(() => {});
      node.remove();
    },
    watch() { const observer = new ResizeObserver(redraw); observer.observe(stage); for (const { node } of stations.values()) observer.observe(node); return () => observer.disconnect(); },
  };
}
function onNextFrame(act) {
  let due = false;
  return () => { if (!due) { due = true; requestAnimationFrame(() => { due = false; act(); }); } };
}
