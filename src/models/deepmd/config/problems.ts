import { z } from "zod";
import { AtomgradError } from "../../../tensor/error.js";
import { isObject } from "./parse-text.js";
import { suggest } from "./suggest.js";

const mostLines = 5;

/** Checks `value` and gives it back with defaults, or throws `CONFIG` that names every path that is wrong. */
export function checkWith<T extends z.ZodType>(schema: T, value: unknown, name: string): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issues = [...result.error.issues].sort((a, b) => Number(isUnknownKey(b)) - Number(isUnknownKey(a)));
  const all = issues.flatMap(flatten);
  throw problemsError(
    name,
    all.slice(0, mostLines).map((issue) => describe(issue, schema, value)),
    all.length,
  );
}

/** The error for one or several problems, each a line "path: what". */
export function configError(name: string, lines: readonly string[]): AtomgradError {
  return problemsError(name, lines.slice(0, mostLines), lines.length);
}

function problemsError(name: string, lines: readonly string[], count: number): AtomgradError {
  const shortened = lines.map((line) => (line.length <= 260 ? line : `${line.slice(0, 257)}...`));
  const more = count > lines.length ? [`and ${count - lines.length} more`] : [];
  return new AtomgradError("CONFIG", `${name}: ${[...shortened, ...more].join("\n  ")}`);
}

/** "model.descriptor.neuron[1]". */
export function pathText(path: readonly PropertyKey[]): string {
  return path
    .map((part, k) =>
      typeof part === "number" ? `[${part}]` : `${k > 0 ? "." : ""}${String(part).slice(0, 60)}`,
    )
    .join("");
}

function isUnknownKey(issue: z.core.$ZodIssue): boolean {
  return issue.code === "unrecognized_keys";
}

interface Problem {
  readonly path: readonly PropertyKey[];
  /** Absent: the last part of the path is an unknown key. */
  readonly message?: string;
}

function flatten(issue: z.core.$ZodIssue): Problem[] {
  if (issue.code !== "unrecognized_keys") return [{ path: issue.path, message: issue.message }];
  return issue.keys.map((key) => ({ path: [...issue.path, key] }));
}

function describe({ path, message }: Problem, schema: z.ZodType, value: unknown): string {
  if (message !== undefined) return `${pathText(path)}: ${message}`;
  const known = knownKeys(schema, value, path.slice(0, -1));
  const near = suggest(String(path[path.length - 1]), known);
  const help = near === null ? `; allowed: ${known.join(", ")}` : `; did you mean "${near}"?`;
  return `${pathText(path)}: unknown key${help}`;
}

/** The keys a schema allows at a path, following the parts of `value` to choose among variants. */
function knownKeys(schema: z.core.$ZodType, value: unknown, path: readonly PropertyKey[]): string[] {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodNullable || schema instanceof z.ZodOptional) {
    return knownKeys(schema.unwrap(), value, path);
  }
  if (schema instanceof z.ZodDiscriminatedUnion) {
    const type = isObject(value) ? value.type : undefined;
    const fits = (option: z.core.$ZodType): boolean =>
      option instanceof z.ZodObject && z.safeParse(shapeOf(option).type, type).success;
    const option = schema.options.find(fits);
    return option === undefined ? [] : knownKeys(option, value, path);
  }
  if (!(schema instanceof z.ZodObject)) return [];
  if (path.length === 0) return Object.keys(schema.shape);
  const [key, ...rest] = path;
  const inner = isObject(value) ? value[key as string] : undefined;
  return knownKeys(shapeOf(schema)[key as string], inner, rest);
}

function shapeOf(schema: z.ZodObject): Readonly<Record<string, z.core.$ZodType>> {
  return schema.shape;
}
