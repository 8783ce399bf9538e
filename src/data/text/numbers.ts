/** Words of a line. */
export function wordsOf(line: string): string[] {
  const trimmed = line.trim();
  return trimmed === "" ? [] : trimmed.split(/\s+/);
}

/**
 * A real number as programs write them: `1`, `-1.5e-3`, `1.`, Fortran's `1.0D-03`, Mathematica's `1.6*^-6`, `nan`,
 * `inf`. Null for anything else.
 */
export function parseReal(word: string): number | null {
  const value = Number(word);
  if (value === value && !/^[-+]?0[xXoObB]|^\s*$/.test(word)) {
    return Number.isFinite(value) || /^[-+]?\d/.test(word) || word.includes("nfinity") ? value : null;
  }
  const foreign = /^([-+]?(?:\d+\.?\d*|\.\d+))(?:[dD]|\*\^)([-+]?\d+)$/.exec(word);
  if (foreign !== null) return Number(`${foreign[1]}e${foreign[2]}`);
  if (/^[-+]?nan$/i.test(word)) return NaN;
  const infinite = /^([-+]?)inf(?:inity)?$/i.exec(word);
  return infinite === null ? null : infinite[1] === "-" ? -Infinity : Infinity;
}

/** A whole number of at most 15 digits, null for anything else. */
export function parseInteger(word: string): number | null {
  return /^[-+]?\d{1,15}$/.test(word) ? Number(word) : null;
}

/** The shortest decimal that reads back to the same float64, always recognisable as a real number. */
export function formatReal(value: number): string {
  if (Object.is(value, -0)) return "-0.0";
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  const text = String(value);
  return /[.e]/.test(text) ? text : `${text}.0`;
}

/** A word as it is shown in messages: quoted, cut. */
export function shown(word: string): string {
  return JSON.stringify(word.length > 40 ? `${word.slice(0, 40)}...` : word);
}
