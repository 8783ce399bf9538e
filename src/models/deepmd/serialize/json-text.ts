import { isRealKey } from "../real-keys.js";

/** JSON in which real settings have a point, as Python's writer gives it: TorchScript refuses 0 where 0.0 is meant. */
export function jsonText(value: unknown, real = false): string {
  if (typeof value === "number" && real && Number.isInteger(value) && !/e/.test(String(value)))
    return `${Object.is(value, -0) ? "-0" : value}.0`;
  if (Array.isArray(value)) return `[${value.map((item) => jsonText(item, real)).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  const pairs = entries.map(
    ([key, item]) => `${JSON.stringify(key)}:${jsonText(item, real || isRealKey(key))}`,
  );
  return `{${pairs.join(",")}}`;
}
