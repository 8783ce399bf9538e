import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Result } from "./measure.js";

/** Compiled, this file lies in dist/bench. */
const folder = fileURLToPath(new URL("../../bench/reference/", import.meta.url));

const fileOf = ({ name, dtype, threads }: Pick<Result, "name" | "dtype" | "threads">): string =>
  `${folder}${name.replaceAll("/", "-")}-${dtype}-${threads}.json`;

interface Figures {
  readonly date: string;
  readonly results: readonly Result[];
}

/** Keeps measured rows as bench/reference/<name>.json. */
export function keepFigures(results: readonly Result[]): void {
  if (!results.some((r) => r.peer !== undefined)) return;
  mkdirSync(folder, { recursive: true });
  const figures: Figures = { date: new Date().toISOString().slice(0, 10), results };
  writeFileSync(fileOf(results[0]), `${JSON.stringify(figures, rounded, 2)}\n`);
}

/** What was measured on another day or machine, for rows whose peer is absent now. */
export function keptFigures(row: Pick<Result, "name" | "dtype" | "threads">): Figures | undefined {
  const file = fileOf(row);
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Figures) : undefined;
}

function rounded(_key: string, value: unknown): unknown {
  return typeof value === "number" && !Number.isInteger(value) ? Number(value.toPrecision(4)) : value;
}
