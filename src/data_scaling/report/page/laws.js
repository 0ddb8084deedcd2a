// The laws of the listed points, evaluated at any size. The formulas are those of
// PowerLaws and ExpansionLaws in Python; tests compare rankings and intervals.

// One end of the intervals that come from the likelihood ratio: the largest, or the
// least, of a few falling powers, as lines in log k. It has one sign at all sizes.
function makeEnd(arrays, name, side) {
  const sign = arrays[`${name}_sign`], start = arrays[`${name}_start`];
  const alpha = arrays[`${name}_alpha`], logEnd = arrays[`${name}_log`];
  return (i, psi, half, L) => {
    if (!sign || sign[i] === 0) return psi + side * half;
    const wants = sign[i] * side;
    let best = -Infinity;
    for (let j = start[i]; j < start[i + 1]; j++) best = Math.max(best, wants * (logEnd[j] - alpha[j] * L));
    const end = sign[i] * Math.exp(wants * best);
    return side * Math.max(side * end, side * psi);
  };
}

function makeLaws(run) {
  const table = run.arrays.law, width = table.width, n = table.length / width;
  const quantile = run.arrays.quantile, { kind, reference, powers } = run.law;
  const laws = {
    n, psi: new Float64Array(n), low: new Float64Array(n), high: new Float64Array(n),
    evaluate(k) {
      const one = at(k), L = Math.log(k / reference);
      for (let i = 0; i < n; i++) {
        const [psi, std] = one(i), half = std * quantile[i];
        laws.psi[i] = psi;
        laws.low[i] = lowEnd(i, psi, half, L);
        laws.high[i] = highEnd(i, psi, half, L);
      }
    },
    // Whether the interval leaves 0 out, so that the sign of psi is known.
    isSure: (i) => laws.low[i] > 0 || laws.high[i] < 0,
    // Mean, the ends of its interval, and the standard deviation of one draw.
    of(i, k) {
      const [psi, std] = at(k)(i), half = std * quantile[i], L = Math.log(k / reference);
      return { psi, low: lowEnd(i, psi, half, L), high: highEnd(i, psi, half, L), noise: noise(i, k) };
    },
    parameters: (i) => (kind === "power" ? listPower(i) : listExpansion(i)),
    exponent(i, k) {
      const step = 1e-4, [near] = at(k)(i), [far] = at(k * (1 + step))(i);
      return -Math.log(far / near) / Math.log1p(step);
    },
  };
  const result = [0, 0];
  const lowEnd = makeEnd(run.arrays, "low", -1), highEnd = makeEnd(run.arrays, "high", 1);
  const at = kind === "power" ? atPower : atExpansion;

  function atExpansion(k) {
    const m = powers.length, terms = powers.map((p) => (k / reference) ** -p);
    const weights = [];
    for (let a = 0; a < m; a++) for (let b = a; b < m; b++) weights.push((a === b ? 1 : 2) * terms[a] * terms[b]);
    return (i) => {
      let psi = 0, variance = 0, from = i * width;
      for (let a = 0; a < m; a++) psi += table[from + a] * terms[a];
      from += m;
      for (let a = 0; a < weights.length; a++) variance += table[from + a] * weights[a];
      result[0] = psi;
      result[1] = Math.sqrt(Math.max(variance, 0));
      return result;
    };
  }

  function atPower(k) {
    const L = Math.log(k / reference);
    return (i) => {
      const from = i * width, u = table[from];
      const psi = u === 0 ? 0 : u * Math.exp(-table[from + 1] * L);
      const variance = table[from + 2] - 2 * L * table[from + 3] + L * L * table[from + 4];
      result[0] = psi;
      result[1] = u === 0 ? 0 : Math.abs(psi) * Math.sqrt(Math.max(variance, 0));
      return result;
    };
  }

  function noise(i, k) {
    const from = i * width + (kind === "power" ? 5 : width - 2);
    const beta = table[from + 1];
    return table[from] * Math.exp(-0.5 * (Number.isFinite(beta) ? beta : 0) * Math.log(k / reference));
  }

  const around = (name, value, half) => ({ name, value, low: value - half, high: value + half });

  function listExpansion(i) {
    const m = powers.length, rows = [];
    let diagonal = i * width + m;
    for (let a = 0; a < m; a++) {
      const half = quantile[i] * Math.sqrt(Math.max(table[diagonal], 0));
      const term = powers[a] === 1 ? "k₀/k" : Number.isInteger(powers[a]) ? `(k₀/k)${superscript(powers[a])}` : `(k₀/k)^${powers[a]}`;
      rows.push({ ...around(`factor of ${term}`, table[i * width + a], half), isSigned: true });
      diagonal += m - a;
    }
    const k = formatCount(reference);
    rows.push({ name: `noise at k₀ = ${k}`, value: table[i * width + width - 2] });
    rows.push({ name: "noise exponent β", value: table[i * width + width - 1] });
    return rows;
  }

  function listPower(i) {
    const [, alpha, , , aa, noiseAt, beta, vSigma, vBeta] = table.subarray(i * width, (i + 1) * width);
    const q = quantile[i], { psi: c, low, high } = laws.of(i, 1), sigma = noiseAt * reference ** (beta / 2);
    const spread = q * Math.sqrt(Math.max(vSigma, 0));
    return [
      { name: "c, which is ψ at k = 1", value: c, low, high, isSigned: true },
      around("exponent α", alpha, q * Math.sqrt(Math.max(aa, 0))),
      // By ratio, as a scale is never below 0.
      { name: "σ of one draw at k = 1", value: sigma, low: sigma * Math.exp(-spread), high: sigma * Math.exp(spread) },
      around("exponent β of the variance", beta, q * Math.sqrt(Math.max(vBeta, 0))),
    ];
  }
  return laws;
}

// Places of all points by psi: order[0] is the most valuable. Equal points keep the
// order of the pool; points without a law have no place, and stand in unranked.
function makeRanking(laws) {
  const start = [], unranked = [];
  laws.evaluate(Math.E);
  for (let i = 0; i < laws.n; i++) (Number.isFinite(laws.psi[i]) ? start : unranked).push(i);
  const order = Uint32Array.from(start), rank = new Uint32Array(laws.n);
  return {
    order, rank, unranked,
    update() {
      const psi = laws.psi;
      order.sort((a, b) => psi[b] - psi[a] || a - b);
      for (let place = 0; place < order.length; place++) rank[order[place]] = place + 1;
    },
  };
}
