// Questions with options, as native radio buttons: they have labels, keys and a name for screen readers by themselves.
// The reasons come from Python in `items`; this file only looks them up and shows them. Nothing is told by colour alone.

// What stands under each question, below them all, and whether the button is offered: a look-up in the state.
export function said({ items, counts, chosen, revealed, wait_for_reveal }) {
  const shown = revealed || !wait_for_reveal;
  const under = items.map((item, number) => (chosen[number] < 0 ? "" : (shown ? item.reasons : item.noted)[chosen[number]]));
  const answered = chosen.filter((index) => index >= 0).length;
  const right = items.filter((item, number) => item.right === chosen[number]).length;
  const below = wait_for_reveal || answered === 0 ? "" : counts[answered][right];
  return { under, below, offer: answered > 0 && !shown && items[0].known };
}

function element(tag, properties, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

// A line that a screen reader speaks when it changes.
function live(className) {
  const line = element("p", { className });
  line.setAttribute("role", "status");
  return line;
}

function render({ model, el }) {
  const root = element("div", { className: "qtutor-choice" });
  // JupyterLab takes arrow keys and letters for its own commands, on their way down (the attribute) or up (the event).
  root.dataset.lmSuppressShortcuts = "true";
  root.addEventListener("keydown", (event) => event.stopPropagation());

  const change = (name, value) => {
    model.set(name, value);
    model.save_changes();
    update();
  };
  const group = `qtutor-${Math.random().toString(36).slice(2)}`;
  const questions = model.get("items").map((item, number) => {
    const inputs = item.options.map((_, index) => element("input", { type: "radio", name: `${group}-${number}`, value: index }));
    inputs.forEach((input, index) => {
      input.addEventListener("change", () => {
        change("chosen", model.get("chosen").map((old, other) => (other === number ? index : old)));
      });
    });
    const labels = item.options.map((option, index) => element("label", {}, inputs[index], ` ${option}`));
    const reason = live("qtutor-reason");
    root.append(element("fieldset", {}, element("legend", { textContent: item.question }), ...labels, reason));
    return { inputs, reason };
  });
  const button = element("button", { type: "button", textContent: "I have seen the next cell: was I right?" });
  button.addEventListener("click", () => {
    change("revealed", true);
    root.querySelector("input:checked")?.focus(); // the button goes, and whoever types must not be lost with it
  });
  const summary = live("qtutor-summary");
  root.append(button, summary);

  function update() {
    const state = Object.fromEntries(
      ["items", "counts", "chosen", "revealed", "wait_for_reveal"].map((name) => [name, model.get(name)]),
    );
    const { under, below, offer } = said(state);
    questions.forEach(({ inputs, reason }, number) => {
      inputs.forEach((input, index) => { input.checked = index === state.chosen[number]; });
      if (reason.textContent !== under[number]) reason.textContent = under[number];
    });
    if (summary.textContent !== below) summary.textContent = below;
    button.hidden = !offer;
  }

  const events = ["change:chosen", "change:revealed"];
  events.forEach((event) => model.on(event, update));
  update();
  el.append(root);
  return () => events.forEach((event) => model.off(event, update));
}

export default { render };
