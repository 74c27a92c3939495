// Commands for a terminal on this computer, with the port of this run filled in.
function render({ model, el }) {
  const ui = mount(model, el, "terminal");
  const list = h("div", { class: "lk-body" });
  add(ui.root, [h("div", { class: "lk-card" }, ui.life,
    h("div", { class: "lk-bar" }, h("h3", {}, "Other programs, the same server"), h("span", { class: "lk-route" }, model.get("address"))), list), ui.live]);
  for (const { name, what, command } of model.get("commands")) {
    const copy = h("button", { "aria-label": "Copy the command for " + name, onclick: async () => {
      try { await navigator.clipboard.writeText(command); copy.textContent = "Copied"; ui.say("Copied"); }
      catch { const range = document.createRange(); range.selectNodeContents(code); const chosen = getSelection(); chosen.removeAllRanges(); chosen.addRange(range); copy.textContent = "Selected: Ctrl+C"; }
      setTimeout(() => { copy.textContent = "Copy"; }, 2500);
    } }, "Copy");
    const code = h("pre", { class: "lk-wire", tabindex: "0", style: "white-space:pre-wrap;overflow-wrap:anywhere;margin:.3em 0 0;background:var(--lk-bg-3);color:var(--lk-fg);padding:.5em .7em;border-radius:7px" }, command);
    list.append(h("div", { style: "margin-bottom:.9em" }, h("div", { style: "display:flex;gap:.7em;align-items:baseline;flex-wrap:wrap" }, h("strong", {}, name), h("span", { class: "lk-muted" }, what), h("span", { style: "flex:1" }), copy), code));
  }
  return () => ui.close();
}
export default { render };
