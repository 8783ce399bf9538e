import { LineCounter, parseDocument } from "yaml";
import { AtomgradError } from "../../../tensor/error.js";
import { findJsonProblem, lineAndColumn } from "./json-position.js";

/** A value of a configuration file. */
export type Json = null | boolean | number | string | Json[] | JsonObject;
export interface JsonObject {
  [key: string]: Json;
}

const maxDepth = 64;
const maxJsonText = 1 << 22;
/** The YAML reader is slow and takes much memory. */
const maxYamlText = 1 << 19;

/**
 * Parses the text of a configuration, JSON or (by its ending .yaml, .yml) YAML, and drops every key that begins with an
 * underscore, which are comments.
 *
 * @throws AtomgradError FORMAT with line and column of a syntax error
 */
export function parseConfigText(text: string, name: string): Json {
  const isYaml = /\.ya?ml$/i.test(name);
  const limit = isYaml ? maxYamlText : maxJsonText;
  if (text.length > limit) {
    const remedy = isYaml ? "; write it as JSON" : "";
    throw new AtomgradError(
      "FORMAT",
      `${name}: ${text.length} characters are more than the ${limit} that are read${remedy}`,
    );
  }
  const value = isYaml ? parseYaml(text, name) : parseJson(text, name);
  return withoutComments(value, name, 0);
}

/** Whether a value is a section (not a list, not null). */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function parseJson(text: string, name: string): unknown {
  const body = text.replace(/^\ufeff/, "");
  try {
    return JSON.parse(body);
  } catch (error) {
    const problem = findJsonProblem(body);
    const found =
      problem === null
        ? (error as Error).message
        : `${lineAndColumn(body, problem.offset)}: ${problem.message}`;
    throw new AtomgradError("FORMAT", `${name}: not valid JSON: ${found}`, { cause: error });
  }
}

/**
 * Parses any YAML text with the general reader: slow, and greedy for memory, so only for short texts.
 *
 * @throws AtomgradError FORMAT with line and column of a syntax error, or when aliases multiply without bound
 */
export function parseYaml(text: string, name: string): unknown {
  const lines = new LineCounter();
  const bad = (what: string, cause?: unknown): AtomgradError =>
    new AtomgradError("FORMAT", `${name}: not valid YAML: ${what}`, { cause });
  try {
    const options = { lineCounter: lines, merge: true, prettyErrors: false, logLevel: "silent" } as const;
    const document = parseDocument(text, options);
    const error = document.errors[0];
    if (error === undefined) return document.toJS({ maxAliasCount: 1000 });
    const { line, col } = lines.linePos(error.pos[0]);
    throw bad(`line ${line}, column ${col}: ${error.message}`);
  } catch (error) {
    throw error instanceof AtomgradError ? error : bad((error as Error).message, error);
  }
}

function withoutComments(value: unknown, name: string, depth: number): Json {
  if (depth > maxDepth)
    throw new AtomgradError("FORMAT", `${name}: nested more than ${maxDepth} levels deep`);
  if (Array.isArray(value)) return value.map((item) => withoutComments(item, name, depth + 1));
  if (isObject(value)) {
    const kept = Object.entries(value).filter(([key]) => !key.startsWith("_"));
    return Object.fromEntries(kept.map(([key, item]) => [key, withoutComments(item, name, depth + 1)]));
  }
  if (value === null || ["boolean", "number", "string"].includes(typeof value)) return value as Json;
  throw new AtomgradError("FORMAT", `${name}: holds a value that is neither number, text, list nor section`);
}
