import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseDeepmdInput } from "../../src/models/deepmd/config/deepmd-input.js";
import { formatOutJson } from "../../src/models/deepmd/config/out-json.js";
import { AtomgradError } from "../../src/tensor/error.js";
import { RandomStream } from "../../src/tensor/philox.js";
import { root } from "../cli/bundle.js";
import { tinyInput } from "../cli/tiny-training.js";

export interface FuzzCounts {
  readonly inputs: number;
  readonly accepted: number;
  readonly refused: number;
  readonly misspelt: number;
}

type Node = Record<string, unknown> | unknown[];
/** A place in an input: the section and the key in it. */
type Place = readonly [Node, string];

const hostile: readonly unknown[] = [
  null, true, false, "", "x", "auto", "auto:", "auto:-1", "__proto__", [], {}, [[]], [null], 0, -0, -1, 0.5, 1e308,
  5e-324, 2 ** 31, 2 ** 53, -1e9, "NaN", "1e3", [1, "2"], { type: "se_atten" }, { type: "exp" }, "é\u0000", "a".repeat(5000),
  new Array(2000).fill(1), [-1], [0, 1], [[0, 1]],
]; // prettier-ignore
const longestMs = 2000;

/**
 * Changes valid inputs at random, as values, as keys and as text, and reads them. An input is either read, and then its
 * completed form reads back to the same, or refused in one AtomgradError of a few lines that names the file; a misspelt
 * key is named. Throws an Error, with the input, at the first thing that is not so.
 */
export function fuzzConfig(seed: number, inputs: number): FuzzCounts {
  const random = new RandomStream(seed, 1);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random.uniform() * list.length)];
  const seeds = validInputs();
  const counts = { inputs, accepted: 0, refused: 0, misspelt: 0 };
  for (let k = 0; k < inputs; k++) {
    const input = structuredClone(pick(seeds));
    const wrongKey = random.uniform() < 0.3 ? misspell(input, random, pick) : undefined;
    if (wrongKey === undefined)
      for (let n = Math.floor(3 * random.uniform()); n >= 0; n--) change(input, random, pick);
    const text = JSON.stringify(input);
    const given = wrongKey === undefined && random.uniform() < 0.3 ? garble(text, random, pick) : text;
    const refused = tryInput(given, wrongKey);
    if (refused) counts.refused++;
    else counts.accepted++;
    if (wrongKey !== undefined) counts.misspelt++;
  }
  return counts;
}

function validInputs(): Node[] {
  const read = (path: string): unknown => JSON.parse(readFileSync(join(root, path), "utf8"));
  const cases = read("test/fixtures/deepmd-config/cases.json") as Record<string, { input: Node }>;
  const example = read("examples/nbmotaw.json") as Node;
  return [tinyInput(), example, ...Object.values(cases).map(({ input }) => input)];
}

/** All places of an input, sections and values alike. */
function places(node: Node, found: Place[] = []): Place[] {
  for (const key of Object.keys(node)) {
    found.push([node, key]);
    const value = (node as Record<string, unknown>)[key];
    if (typeof value === "object" && value !== null) places(value as Node, found);
  }
  return found;
}

type Pick = <T>(list: readonly T[]) => T;

/** Replaces, removes or adds one thing. */
function change(input: Node, random: RandomStream, pick: Pick): void {
  const all = places(input);
  if (all.length === 0) return;
  const [section, key] = pick(all);
  const values = section as Record<string, unknown>;
  const what = random.uniform();
  if (what < 0.6) values[key] = structuredClone(pick(hostile));
  else if (what < 0.8) delete values[key];
  else if (what < 0.9)
    Object.defineProperty(values, pick(["constructor", "x", "type", "__proto__"]), {
      value: structuredClone(pick(hostile)),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  else
    values[key] = pick(
      all.map(([node, name]) => (node as Record<string, unknown>)[name]).filter((v) => typeof v !== "object"),
    );
}

/** Doubles a letter of one key of three letters or more; gives the new key. */
function misspell(input: Node, random: RandomStream, pick: Pick): string | undefined {
  // Of inputs of version 0 DeePMD-kit takes the keys it knows and leaves the others.
  if (!("model" in input)) return undefined;
  const named = places(input).filter(
    ([node, key]) => !Array.isArray(node) && key.length > 3 && !key.startsWith("_"),
  );
  const [section, key] = pick(named);
  const at = 1 + Math.floor(random.uniform() * (key.length - 1));
  const wrong = `${key.slice(0, at)}${key[at]}${key.slice(at)}`;
  const values = section as Record<string, unknown>;
  values[wrong] = values[key];
  delete values[key];
  return wrong;
}

/** Cuts, doubles or overwrites a piece of text. */
function garble(text: string, random: RandomStream, pick: Pick): string {
  const at = Math.floor(random.uniform() * text.length);
  const length = Math.floor(random.uniform() * 6);
  const inserted = pick([
    "",
    ",",
    "{",
    "}",
    "[",
    "]",
    '"',
    "NaN",
    "\n",
    "//",
    "\ud800",
    text.slice(at, at + 40),
    "1e999",
  ]);
  return text.slice(0, at) + inserted + text.slice(at + length);
}

/** Reads an input; true when it was refused. */
function tryInput(text: string, wrongKey: string | undefined): boolean {
  const started = performance.now();
  try {
    const { input } = parseDeepmdInput(text, "input.json");
    if (wrongKey !== undefined) throw new Error(`${wrongKey} was accepted`);
    const complete = formatOutJson(input);
    const again = formatOutJson(parseDeepmdInput(complete, "out.json").input);
    if (again !== complete) throw new Error("the completed input reads back to another one");
    return false;
  } catch (error) {
    const fault = faultOf(error, wrongKey);
    if (fault !== undefined) throw new Error(`${fault}\ninput: ${text}`, { cause: error });
    return true;
  } finally {
    const took = performance.now() - started;
    if (took > longestMs) throw new Error(`took ${took.toFixed(0)} ms\ninput: ${text}`);
  }
}

/** What is wrong with a refusal, if anything. */
function faultOf(error: unknown, wrongKey: string | undefined): string | undefined {
  if (!(error instanceof AtomgradError)) return `not an AtomgradError: ${String(error)}`;
  const { message } = error;
  if (message.length > 1500 || message.split("\n").length > 8) return `too long a message: ${message}`;
  if (!message.startsWith("input.json: ")) return `does not name the file: ${message}`;
  if (/undefined|\[object/.test(message)) return `a careless message: ${message}`;
  // A section without its type cannot tell which keys it may hold: then the type is named.
  if (wrongKey !== undefined && !message.includes(wrongKey) && !/\.type: is missing/.test(message))
    return `does not name ${wrongKey}: ${message}`;
  return undefined;
}
