/** Keys whose numbers are real: Python prints 6 as 6.0 there. */
export type IsReal = (key: string) => boolean;

/** A value as Python's `repr` prints it, so that `ast.literal_eval` reads it back. */
export function pythonText(value: unknown, isReal: IsReal, key = ""): string {
  if (value === null || value === undefined) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "number") return pythonNumber(value, isReal(key));
  if (typeof value === "string") return pythonString(value);
  if (Array.isArray(value)) return `[${value.map((item) => pythonText(item, isReal, key)).join(", ")}]`;
  const entries = Object.entries(value as Record<string, unknown>);
  return `{${entries.map(([name, item]) => `${pythonString(name)}: ${pythonText(item, isReal, name)}`).join(", ")}}`;
}

function pythonNumber(value: number, real: boolean): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  const size = Math.abs(value);
  // Python changes to exponents below 1e-4 and from 1e16 on, and writes at least two digits of them.
  const text =
    value !== 0 && (size < 1e-4 || size >= 1e16)
      ? value.toExponential().replace(/e([+-])(\d)$/, "e$10$2")
      : String(value);
  return real && /^-?\d+$/.test(text) ? `${text}.0` : text;
}

function pythonString(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escapes: Record<string, string> = { "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t" };
  const body = [...text].map((c) => escapes[c] ?? (c === quote ? `\\${c}` : c)).join("");
  return `${quote}${body}${quote}`;
}
