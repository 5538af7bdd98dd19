// Axes: from numbers to pixels, and ticks that are where they say and no denser than can be read.

const SUFFIXES = [[1e12, "T"], [1e9, "B"], [1e6, "M"], [1e3, "k"], [1, ""]];

/** 12345 as "12.3k"; `digits` are significant ones. */
function short(number, digits = 3) {
  if (number === 0) return "0";
  const [unit, suffix] = SUFFIXES.find(([size]) => Math.abs(number) >= size * (1 - 1e-9)) ?? [1, ""];
  return Number((number / unit).toPrecision(digits)) + suffix;
}

/** A whole number in full, with separators. */
function whole(number) {
  return number === null ? "unknown" : number.toLocaleString("en", { maximumFractionDigits: 20 });
}

/** "0.1399 ± 0.0026": the error to two digits, the value to as many places. */
function withError(value, error) {
  if (!error) return String(Number(value.toPrecision(5)));
  const places = Math.min(Math.max(1 - Math.floor(Math.log10(error)), 0), 20);
  return `${value.toFixed(places)} ± ${error.toFixed(places)}`;
}

/** Round ticks between two numbers, about `room` of them. */
function evenTicks(low, high, room) {
  const rough = (high - low) / Math.max(room, 2);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].find((factor) => factor * power >= rough * (1 - 1e-9)) * power;
  const first = Math.ceil(low / step - 1e-9);
  const count = Math.floor(high / step + 1e-9) - first + 1;
  const greatest = Math.max(Math.abs(low), Math.abs(high));
  const digits = Math.floor(Math.log10(greatest)) - Math.floor(Math.log10(step)) + 2;
  return Array.from({ length: count }, (_, i) => {
    const value = Number(((first + i) * step).toPrecision(12));
    return { value, label: short(value, Math.min(Math.max(digits, 1), 15)) };
  });
}

/** `multiples` of every ten's power between two numbers, or of every so many powers. */
function decadeTicks(low, high, multiples, every = 1) {
  const ticks = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++) {
    for (const multiple of power % every ? [] : multiples) {
      const value = Number(`${multiple}e${power}`);
      if (value >= low && value <= high) ticks.push({ value, label: short(value) });
    }
  }
  return ticks;
}

/** Ticks of a logarithmic axis, about `room`; even ones where the numbers are within a few times. */
function logTicks(low, high, room) {
  const decades = Math.log10(high / low);
  if (decades < 0.8) return evenTicks(low, high, room).filter((tick) => tick.value > 0);
  const found = [[1, 2, 5], [1, 3], [1]].map((multiples) => decadeTicks(low, high, multiples));
  const fitting = found.find((ticks) => ticks.length > 1 && ticks.length <= room + 1);
  return fitting ?? decadeTicks(low, high, [1], Math.ceil(decades / room));
}

/** Numbers to pixels from `start` to `end`, with ticks `spacing` pixels apart or more. */
function axis(low, high, start, end, spacing, logarithmic) {
  const turn = logarithmic ? Math.log : (number) => number;
  const room = Math.max(2, Math.floor(Math.abs(end - start) / spacing));
  const scale = (end - start) / (turn(high) - turn(low));
  return {
    place: (number) => start + (turn(number) - turn(low)) * scale,
    ticks: (logarithmic ? logTicks : evenTicks)(low, high, room),
  };
}

/** The numbers' range with a share of it, as it will be drawn, on both sides. */
function padded(numbers, share, logarithmic) {
  let low = Math.min(...numbers), high = Math.max(...numbers);
  if (logarithmic) {
    const room = low === high ? 1.3 : (high / low) ** share;
    return [low / room, high * room];
  }
  const room = low === high ? Math.abs(low) || 1 : (high - low) * share;
  return [low - room, high + room];
}
