// What a reader chose, out of the explorer's data: points, curves, and what is said of them.

const FEW_RUNGS = 12; // up to so many rungs, each has its curve; beyond, only the one looked at

/** What is measured of the metric and weights chosen: one point a run, or one a run and step. */
function pointsOf(data, state) {
  const { points, left_out, horizon } = weightsOf(data, state);
  const law = lawOf(data, state);
  const every = points.run.map((place, i) => {
    const run = data.runs[place];
    const out = !run.fitted || left_out.includes(i);
    const held = !out && law?.reads?.includes(state.axis) && !law.rungs.includes(run.rung);
    const x = state.axis === "size" ? run.size : points.steps[i];
    const kind = out ? "out" : held ? "held" : "fitted";
    const [steps, y, error] = [points.steps[i], points.value[i], points.error[i]];
    return { place, run, x, kind, steps, y, error };
  });
  const drawn = state.axis === "size" ? [...lastOf(every, horizon).values()] : every;
  return drawn
    .filter((point) => point.x !== null && point.x > 0 && point.y !== null)
    .sort((a, b) => a.x - b.x || a.place - b.place);
}

/** Each run's point at the horizon that all share, else its last. */
function lastOf(points, horizon) {
  const last = new Map();
  for (const point of points) {
    const before = last.get(point.place);
    if (!before || (before.steps !== horizon && point.steps > before.steps) || point.steps === horizon)
      last.set(point.place, point);
  }
  return last;
}

/** The curves of the law chosen, on the axis chosen: {rung or null, x, y, low, high}. */
function curvesOf(data, state, focus) {
  const law = lawOf(data, state);
  if (!law) return [];
  if (state.axis === "size") return law.over_size ? [{ rung: null, ...law.over_size }] : [];
  const found = Object.entries({ ...law.along_steps, ...law.over_steps });
  return found
    .map(([rung, curve]) => ({ rung: Number(rung), ...curve }))
    .filter(({ rung }) => found.length <= FEW_RUNGS || rung === focus?.run.rung);
}

/** What there is of the metric and weights chosen. */
function weightsOf(data, state) {
  return data.metrics[state.metric].weights[state.weights];
}

/** The law chosen, as fitted to the metric and weights that are shown. */
function lawOf(data, state) {
  return weightsOf(data, state).laws.find((item) => item.name === state.law);
}

/** Why a fitted law has no curve on the axis chosen. */
function noCurve(data, state, law) {
  const others = law.reads.filter((name) => name !== state.axis);
  if (!law.reads.includes(state.axis)) return `It reads ${law.reads.join(", ")}, and has no curve here.`;
  return others.length === 1 && others[0] === "steps"
    ? "The runs end at different steps, so it has no curve over size alone."
    : `It reads ${others.join(" and ")} too, so it has no curve here.`;
}

/** Sentences below the plot: what the law is, or why there is none. */
function notesOf(data, state, points) {
  const law = lawOf(data, state), notes = [];
  const { laws, no_laws, name } = weightsOf(data, state);
  if (!laws.length) {
    const asked = [data.metrics[state.metric].label, name && `${name} weights`].filter(Boolean);
    notes.push(`No law was fitted to ${asked.join(" of ")}${no_laws && `: ${no_laws}`}.`);
  } else if (law && state.axis === "steps" && Object.keys(law.along_steps).length) {
    notes.push(`${law.formula}, fitted along the steps of each rung by itself: a run tells its rung’s.`);
  } else if (law?.unsupported !== undefined) {
    notes.push(`The ${law.title} was not fitted: ${law.unsupported}.`);
  } else if (law) {
    notes.push(`${law.formula}, fitted to ${law.rungs.length} of ${data.rungs.length} rungs: ${law.text}.`);
    const why = Object.entries(law.not_identified).map(([key, reason]) => `${key} (${reason})`);
    if (why.length) notes.push(`Not identified by these rungs: ${why.join("; ")}.`);
    if (!law[`over_${state.axis}`]) notes.push(noCurve(data, state, law));
  }
  const curves = Object.keys({ ...law?.over_steps, ...law?.along_steps }).length;
  if (state.axis === "steps" && curves > FEW_RUNGS) notes.push("The curve drawn is that of the run looked at.");
  const shown = new Set(points.map((point) => point.place)).size;
  const absent = data.runs.length - shown;
  if (absent) notes.push(`${absent} of ${data.runs.length} runs have no such value; “Runs” below says why.`);
  if (points.some((point) => point.y <= 0))
    notes.push("The vertical axis is linear: some values are not positive.");
  return notes;
}

/** The panel's rows of a point: [name, text]. */
function detailsOf(data, state, point) {
  const law = lawOf(data, state), run = point.run;
  const metric = data.metrics[state.metric];
  const own = (item) => item.rung === run.rung && item.steps === point.steps;
  const predicted = law?.predictions?.find(own);
  const interval = predicted && `[${short(predicted.low, 4)}, ${short(predicted.high, 4)}]`;
  return [
    [metric.label, withError(point.y, point.error)],
    ["predicted", predicted && `${short(predicted.value, 4)} ${interval}: ${predicted.verdict}`],
    ["law of this rung", state.axis === "steps" && law?.along_steps?.[run.rung]?.text],
    ["run", run.id],
    ["rung", data.rungs[run.rung]],
    ["seed", run.seed !== null && String(run.seed)],
    [data.size, run.size !== null && whole(run.size)],
    ["all parameters", run.parameters !== null && run.parameters !== run.size && whole(run.parameters)],
    [data.steps ?? "steps", point.steps > 0 && whole(point.steps)],
    ["learning rate", run.rate !== null && String(run.rate)],
    ["status", run.status],
    ["in the fits", { held: "held out, to test the law", out: "left out", fitted: "yes" }[point.kind]],
    ["left out", run.why],
  ].filter(([, text]) => text);
}
