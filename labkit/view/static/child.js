// A widget inside a widget: the lab makes it, this page draws it where it belongs.
async function drawChild(model, id, place) {
  const manager = model.widget_manager;
  let child = null;
  for (let turn = 0; turn < 40 && !child; turn++) { // the news of a new widget may be a moment behind
    try { child = await manager.get_model(id); } catch { await new Promise((go) => setTimeout(go, 50)); }
  }
  if (!child) return null;
  const view = await manager.create_view(child);
  place.replaceChildren(view.el);
  return view;
}
