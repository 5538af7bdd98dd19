// The explorer's controls and its legend.

/** An HTML element. */
function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** A labelled select; `choose` gets the value of the option taken. */
function select(label, options, value, choose) {
  const element = h("select", {}, ...options.map((option) => h("option", { value: option.value }, option.text)));
  element.value = value;
  element.disabled = options.length < 2;
  element.addEventListener("change", () => choose(element.value));
  return h("label", {}, h("span", {}, label), element);
}

const LEGEND = {
  fitted: "run", held: "held-out run", out: "left out of the fits", predicted: "predicted, with interval",
};

/** The selects, as the state has them; `choose` gets what was changed. */
function fillControls(place, data, state, choose) {
  const { weights } = data.metrics[state.metric], active = document.activeElement?.dataset?.choice;
  const numbered = (items, text) => items.map((item, i) => ({ value: i, text: text(item) }));
  const axes = ["size", "steps"].filter((name) => data[name]);
  const laws = weights[state.weights].laws.map((law) => ({ value: law.name, text: law.title }));
  const none = [{ value: state.law, text: "none fitted to this" }];
  const choices = {
    axis: ["against", axes.map((name) => ({ value: name, text: data[name] })), String],
    metric: ["metric", numbered(data.metrics, (item) => item.label), Number],
    weights: ["weights", numbered(weights, (item) => item.name || "as given"), Number],
    law: ["law", laws.length ? [...laws, { value: "", text: "none" }] : none, String],
  };
  const held = Object.entries(choices).map(([name, [label, options, kind]]) => {
    const element = select(label, options, state[name], (value) => choose({ [name]: kind(value) }));
    element.lastChild.dataset.choice = name;
    return element;
  });
  const own = place.contains(document.activeElement);
  place.replaceChildren(...held);
  if (own) place.querySelector(`[data-choice="${active}"]`)?.focus();
}

/** What is drawn, each kind once. */
function legendOf(points, law, curves, predictions) {
  const drawn = (kind) => kind === "predicted" ? predictions.length : points.some((point) => point.kind === kind);
  const entry = (text, ...marks) =>
    h("span", {}, s("svg", { viewBox: "0 0 22 14", "aria-hidden": "true" }, ...marks), text);
  const entries = Object.keys(LEGEND).filter(drawn).map((kind) => entry(LEGEND[kind], mark(kind, 11, 7, 0.3)));
  if (curves.length) {
    const look = curves[0].rung === null ? "law" : "law of-rung";
    const band = curves.some((curve) => curve.low) && law.confidence;
    entries.push(entry(
      `${law.title}${band ? `, ${Math.round(100 * law.confidence)}% interval` : ""}`,
      ...(band ? [s("path", { class: `band ${look}`, d: "M0 2H22V12H0Z" })] : []),
      s("path", { class: `line ${look}`, d: "M0 7H22" }),
    ));
  }
  return entries;
}
