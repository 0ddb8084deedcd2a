// Numbers as people read them.

const MINUS = "\u2212";
const SUPERSCRIPT = "⁰¹²³⁴⁵⁶⁷⁸⁹";

function formatCount(n) {
  return Math.round(n).toLocaleString("en-US");
}

// The power of ten, a multiple of three, that suits a magnitude best.
function choosePower(magnitude) {
  if (!(magnitude > 0) || !Number.isFinite(magnitude)) return 0;
  return 3 * Math.floor(Math.log10(magnitude) / 3 + 1e-9);
}

function superscript(power) {
  const digits = String(Math.abs(power)).split("").map((d) => SUPERSCRIPT[d]).join("");
  return (power < 0 ? "⁻" : "") + digits;
}

function formatUnit(power, unit) {
  return power ? `10${superscript(power)} ${unit}` : unit;
}

// A value in units of a power of ten, with three digits or so and a sign.
function formatScaled(value, power) {
  if (!Number.isFinite(value)) return "–";
  const scaled = value / 10 ** power;
  const size = Math.abs(scaled);
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : 2;
  const shown = size.toFixed(digits);
  return (Number(shown) === 0 ? "" : scaled < 0 ? MINUS : "+") + shown;
}

function formatInterval(low, high, power) {
  if (!Number.isFinite(low) || !Number.isFinite(high)) return "–";
  return `${formatScaled(low, power)} to ${formatScaled(high, power)}`;
}

// A number on its own, with three digits.
function formatNumber(value) {
  if (!Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  const sign = value < 0 ? MINUS : "";
  if (size === 0) return "0";
  if (size >= 1e5 || size < 1e-3) {
    const power = Math.floor(Math.log10(size));
    return `${sign}${(size / 10 ** power).toFixed(2)}·10${superscript(power)}`;
  }
  if (size >= 1000) return sign + formatCount(size);
  return sign + size.toPrecision(3);
}
