/** Words of a line: what stands between blanks, by far the most called function of the readers. */
export function wordsOf(line: string): string[] {
  const words: string[] = [];
  let start = -1;
  for (let k = 0; k < line.length; k++) {
    const code = line.charCodeAt(k);
    if (code > 127) return splitWords(line);
    if (code === 32 || (code >= 9 && code <= 13)) {
      if (start >= 0) words.push(line.slice(start, k));
      start = -1;
    } else if (start < 0) start = k;
  }
  if (start >= 0) words.push(line.slice(start));
  return words;
}

/** The same of a line with letters beyond ASCII, whose blanks may be others too. */
function splitWords(line: string): string[] {
  const trimmed = line.trim();
  return trimmed === "" ? [] : trimmed.split(/\s+/);
}

/**
 * A real number as programs write them: `1`, `-1.5e-3`, `1.`, Fortran's `1.0D-03`, Mathematica's `1.6*^-6`, `nan`,
 * `inf`. Null for anything else.
 */
export function parseReal(word: string): number | null {
  const value = Number(word);
  // Nearly all words: a digit, sign or point first, and not the base of another number system (0x, 0o, 0b) second.
  if (Number.isFinite(value) && isUsualStart(word.charCodeAt(0), word.charCodeAt(1))) return value;
  if (value === value && !/^[-+]?0[xXoObB]|^\s*$/.test(word)) {
    return Number.isFinite(value) || /^[-+]?\d/.test(word) || word.includes("nfinity") ? value : null;
  }
  const foreign = /^([-+]?(?:\d+\.?\d*|\.\d+))(?:[dD]|\*\^)([-+]?\d+)$/.exec(word);
  if (foreign !== null) return Number(`${foreign[1]}e${foreign[2]}`);
  if (/^[-+]?nan$/i.test(word)) return NaN;
  const infinite = /^([-+]?)inf(?:inity)?$/i.exec(word);
  return infinite === null ? null : infinite[1] === "-" ? -Infinity : Infinity;
}

function isUsualStart(first: number, second: number): boolean {
  const isDigitSignOrPoint = first >= 43 && first <= 57 && first !== 44 && first !== 47;
  return isDigitSignOrPoint && !(first === 48 && second > 57);
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
