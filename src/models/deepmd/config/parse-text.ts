import { LineCounter, parseDocument } from "yaml";
import { AtomgradError } from "../../../tensor/error.js";
import { findJsonProblem, lineAndColumn } from "./json-position.js";

/** A value of a configuration file. */
export type Json = null | boolean | number | string | Json[] | JsonObject;
export interface JsonObject {
  [key: string]: Json;
}

const maxDepth = 64;

/**
 * Parses the text of a configuration, JSON or (by its ending .yaml, .yml) YAML, and drops every key that begins with an
 * underscore, which are comments.
 *
 * @throws AtomgradError FORMAT with line and column of a syntax error
 */
export function parseConfigText(text: string, name: string): Json {
  const value = /\.ya?ml$/i.test(name) ? parseYaml(text, name) : parseJson(text, name);
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

function parseYaml(text: string, name: string): unknown {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    merge: true,
    prettyErrors: false,
    logLevel: "silent",
  });
  const error = document.errors[0];
  if (error !== undefined) {
    const { line, col } = lines.linePos(error.pos[0]);
    throw new AtomgradError(
      "FORMAT",
      `${name}: not valid YAML: line ${line}, column ${col}: ${error.message}`,
    );
  }
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (cause) {
    throw new AtomgradError("FORMAT", `${name}: not valid YAML: ${(cause as Error).message}`, { cause });
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
