const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/** The value of an IEEE 754 half-precision number given by its 16 bits. */
export function fromHalf(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >>> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/** The value of a bfloat16 number (the upper half of a float32) given by its 16 bits. */
export function fromBfloat16(brain: number): number {
  bits[0] = brain << 16;
  return float[0];
}

/** The 16 bits of the half-precision number nearest to `value` (ties to even). */
export function toHalf(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (size >= 65520) return sign | 0x7c00;
  const exponent = Math.max(-14, Math.floor(Math.log2(size)));
  const scaled = roundHalfEven(size / 2 ** (exponent - 10));
  if (scaled < 1024) return sign | scaled;
  return (sign | ((exponent + 15) << 10)) + (scaled - 1024);
}

function roundHalfEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  if (rest !== 0.5) return Math.round(value);
  return below % 2 === 0 ? below : below + 1;
}

/** The half-precision number nearest to `value` (ties to even), infinite beyond the largest of them, 65504. */
export function nearestHalf(value: number): number {
  return nearest(value, 10, -14, 65504);
}

/** The same of bfloat16. */
export function nearestBfloat16(value: number): number {
  return nearest(value, 7, -126, (2 - 2 ** -7) * 2 ** 127);
}

/** The nearest number with so many bits of fraction, an exponent of at least `least` (smaller ones are subnormal), and none above `most`. */
function nearest(value: number, fraction: number, least: number, most: number): number {
  const size = Math.abs(value);
  if (!(size > 0 && size < Infinity)) return value;
  const unit = 2 ** (Math.max(least, Math.floor(Math.log2(size))) - fraction);
  const rounded = roundHalfEven(size / unit) * unit;
  return Math.sign(value) * (rounded > most ? Infinity : rounded);
}
