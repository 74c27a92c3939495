// A short session as a list of lines: who, code, text; a lock from where TLS is up; remarks under a line.
function exchangeList(label, lines) {
  if (!lines.length) return h("p", { class: "lk-muted lkp-none" }, "Nothing came here.");
  return h("ol", { class: "lkp-lines", "aria-label": label }, lines.map((line) => h("li", { data: { who: line.who || "-", enc: line.enc ? "1" : "" } },
    line.who ? h("span", { class: "lkp-who" }, line.who + ":") : null,
    h("span", { class: "lkp-said" },
      line.enc && line.who ? h("span", { class: "lkp-lock", title: "under TLS" }, icon("lock"), h("span", { class: "lk-sr" }, "under TLS: ")) : null,
      line.code ? [codeChip(line.code, line.more), " "] : null,
      line.who ? h("span", { class: "lk-wire" }, line.t) : [line.enc && !line.who.length && line.t.startsWith("From") ? icon("lock") : null, h("em", {}, " " + line.t)],
      line.note ? h("span", { class: "lkp-note" }, line.note) : null))));
}
