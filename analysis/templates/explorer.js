// One explorer a series: choose axis, metric, weights and law; look at a run with pointer or keys.

const NEAR = 28; // pixels from which a pointer takes hold of a run
const HINT = "Point at a run, tap it, or walk through them with the arrow keys. A click keeps one.";
const KEYS = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, Home: -Infinity, End: Infinity };

class Explorer {
  constructor(root, data) {
    this.data = data;
    const axis = data.steps && data.rungs.length === 1 ? "steps" : "size";
    this.state = { axis, metric: 0, weights: 0, law: data.law ?? "" };
    this.focus = null; // the point looked at
    this.pinned = false;
    this.controls = h("div", { class: "controls" });
    this.plot = s("svg", { tabindex: 0, role: "application", "aria-roledescription": "chart" });
    this.panel = h("div", { class: "panel", "aria-live": "polite" });
    this.legend = h("p", { class: "legend" });
    this.notes = h("div", { class: "notes" });
    root.append(this.controls, h("div", { class: "stage" }, this.plot, this.legend, this.panel), this.notes);
    root.hidden = false;
    this.plot.addEventListener("pointermove", (event) => !this.pinned && this.look(this.nearest(event)));
    this.plot.addEventListener("pointerleave", () => !this.pinned && this.look(null));
    this.plot.addEventListener("click", (event) => {
      const point = this.nearest(event);
      this.pinned = point !== null;
      this.look(point);
    });
    this.plot.addEventListener("keydown", (event) => this.press(event));
    new ResizeObserver(() => this.draw()).observe(this.plot);
    this.choose({});
  }

  /** Take over what was chosen, and show it. */
  choose(change) {
    const { data, state } = this;
    const before = data.metrics[state.metric].weights[state.weights].name;
    Object.assign(state, change);
    const { weights } = data.metrics[state.metric];
    if ("metric" in change) state.weights = Math.max(weights.findIndex((item) => item.name === before), 0);
    this.points = pointsOf(data, state);
    this.focus = null;
    this.pinned = false;
    fillControls(this.controls, data, state, (change) => this.choose(change));
    this.draw();
    this.describe();
  }

  draw() {
    const { data, state, plot, points } = this;
    const width = plot.clientWidth, height = plot.clientHeight;
    if (!width || !points.length) return plot.replaceChildren();
    const curves = curvesOf(data, state, this.focus), law = lawOf(data, state);
    const { horizon } = weightsOf(data, state);
    const named = state.axis === "steps" && data.rungs.length <= FEW_RUNGS;
    const box = { left: 52, right: width - (named ? 48 : 10), top: 26, bottom: height - 42 };
    const predictions = law?.predictions?.filter((item) => state.axis === "size"
      ? item.steps === horizon || horizon === null : law.reads.length > 1) ?? [];
    const limit = law?.reads?.includes(state.axis) ? law.limit : null;
    const scales = scalesOf(points, curves, predictions, limit, box);
    const share = (rung) => rung / Math.max(data.rungs.length - 1, 1);
    const metric = data.metrics[state.metric].label;
    plot.setAttribute("viewBox", `0 0 ${width} ${height}`);
    plot.setAttribute("aria-label", `${metric} against ${data[state.axis]}, ${points.length} points. `
      + "Arrow keys go from run to run, Enter keeps one, Escape lets go.");
    plot.replaceChildren();
    drawAxes(plot, scales, box, { x: data[state.axis], y: metric });
    const inside = s("svg", { x: 0, y: box.top, width: box.right, height: box.bottom - box.top,
      viewBox: `0 ${box.top} ${box.right} ${box.bottom - box.top}` });
    if (law) drawLaw(inside, law, curves, limit, scales, box, share);
    plot.append(inside);
    for (const point of points) {
      point.at = [scales.x.place(point.x), scales.y.place(point.y)];
      plot.append(mark(point.kind, ...point.at, share(point.run.rung)));
    }
    for (const item of predictions) drawPrediction(plot, item, scales, state.axis);
    if (named) drawNames(plot, data.rungs, points, box, share);
    this.ring = s("g", { class: "focus" });
    this.scales = scales;
    plot.append(this.ring);
    this.showFocus();
    this.legend.replaceChildren(...legendOf(points, law, curves, predictions));
    this.notes.replaceChildren(...notesOf(data, state, points).map((text) => h("p", {}, text)));
  }

  nearest(event) {
    const { left, top } = this.plot.getBoundingClientRect();
    const distance = ({ at: [x, y] }) => Math.hypot(x - event.clientX + left, y - event.clientY + top);
    const near = this.points.filter((point) => point.at && distance(point) <= NEAR);
    return near.sort((a, b) => distance(a) - distance(b))[0] ?? null;
  }

  press(event) {
    if (event.key === "Escape") { this.pinned = false; return this.look(null); }
    if (event.key === "Enter") { this.pinned = this.focus !== null; return this.describe(); }
    if (!(event.key in KEYS) || !this.points.length) return;
    event.preventDefault();
    const here = this.points.indexOf(this.focus);
    const next = here < 0 && KEYS[event.key] === 1 ? 0 : here + KEYS[event.key];
    this.pinned = true;
    this.look(this.points[Math.min(Math.max(next, 0), this.points.length - 1)]);
  }

  look(point) {
    if (point === this.focus) return this.describe();
    const redraw = this.state.axis === "steps" && this.data.rungs.length > FEW_RUNGS
      && point?.run.rung !== this.focus?.run.rung;
    this.focus = point;
    if (redraw) this.draw(); else this.showFocus();
    this.describe();
  }

  /** A ring round the point looked at, its standard error, and its run's other points joined. */
  showFocus() {
    const { focus, ring, scales, points } = this;
    if (!ring) return;
    ring.replaceChildren();
    for (const drawn of this.plot.querySelectorAll("[data-rung]"))
      drawn.classList.toggle("near", focus !== null && drawn.dataset.rung === String(focus.run.rung));
    if (!focus) return;
    const own = points.filter((point) => point.place === focus.place);
    const joined = `M${own.map((point) => point.at.join(" ")).join("L")}`;
    if (own.length > 1) ring.append(s("path", { class: "run", d: joined }));
    const [low, high] = [focus.y - focus.error, focus.y + focus.error].map((y) => scales.y.place(y));
    if (focus.error && Number.isFinite(low)) ring.append(s("path", { d: `M${focus.at[0]} ${low}V${high}` }));
    ring.append(s("circle", { cx: focus.at[0], cy: focus.at[1], r: 8.5 }));
  }

  describe() {
    const { data, state, focus } = this;
    if (this.described === focus && focus) return;
    this.described = focus;
    if (!focus) return this.panel.replaceChildren(h("p", {}, HINT));
    const rows = detailsOf(data, state, focus).flatMap(([name, text]) => [h("dt", {}, name), h("dd", {}, text)]);
    this.panel.replaceChildren(h("dl", {}, ...rows));
  }
}

for (const root of document.querySelectorAll(".explorer")) {
  new Explorer(root, JSON.parse(root.querySelector("script").textContent));
}
