import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { openCpu } from "../../src/backends/cpu/cpu.js";
import {
  add,
  Module,
  mul,
  o3,
  RandomStream,
  readStateFile,
  relu,
  sigmoid,
  silu,
  type State,
  tanh,
  Tensor,
  tensor,
  writeStateFileSync,
} from "../../src/index.js";
import type { AnyModule } from "../../src/nn/module.js";
import { temporaryFolder } from "../data/temporary-folder.js";
import { expectNear, fixture } from "./fixture.js";

interface Numbers {
  readonly shape: number[];
  readonly data: number[];
}
/** A module of e3nn, what its state dict holds (name, shape, type) and what it computes (reference/equivariant/states.py). */
interface Case {
  readonly kind: string;
  readonly args: readonly never[];
  readonly options: Readonly<Record<string, unknown>>;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly dtype: "float64" | "float32" | "bfloat16";
  readonly held: readonly (readonly [name: string, shape: number[], dtype: string])[];
  readonly inputs: readonly Numbers[];
  readonly out: readonly Numbers[];
}
type Runs = AnyModule &
  Pick<Module, "loadState" | "exportState" | typeof Symbol.dispose> & {
    call(...inputs: Tensor[]): Tensor | Tensor[];
  };

const acts = { relu, silu, tanh, sigmoid };
type Act = keyof typeof acts;
const dtype = "f64" as const;
const { cases } = fixture<{ cases: Case[] }>("states.json");
const kept = process.env.ATOMGRAD_WRITTEN;
const folder = kept ?? temporaryFolder();
const answers = join("test", "fixtures", "equivariant", "states-read.json");
const peer = (existsSync(answers) ? JSON.parse(readFileSync(answers, "utf8")) : { sha256: "", out: [] }) as {
  sha256: string;
  out: Numbers[][];
};

/** The module of the same name in states.py. */
class Network extends Module<readonly [x: Tensor, y: Tensor, r: Tensor]> {
  private readonly linear = this.child(
    "linear",
    new o3.Linear("2x0e+1x1o", "3x0e+2x1o", { biases: true, dtype }),
  );
  private readonly gate = this.child("gate", new o3.Gate("1x0e", [tanh], "2x0e", [sigmoid], "2x1o"));
  private readonly product = this.child(
    "product",
    new o3.FullyConnectedTensorProduct(this.gate.irrepsOut, "1x0e+1x1o", "2x0e+1x1o+1x1e", {
      sharedWeights: false,
    }),
  );
  private readonly weights = this.child(
    "weights",
    new o3.FullyConnectedNet([3, 4, this.product.weightNumel], silu, { dtype }),
  );
  private readonly mix = this.child("blocks.0", new o3.Linear("2x0e+1x1o+1x1e", "2x0e+1x1o", { dtype }));
  private readonly norm = this.child("blocks.1", new o3.BatchNorm("2x0e+1x1o", { dtype }));
  private readonly factor = this.parameter("factor", tensor(Float64Array.of(1)));
  private readonly offset = this.buffer("offset", tensor(Float64Array.of(0)));

  protected forward(x: Tensor, y: Tensor, r: Tensor): Tensor {
    this.norm.training = false;
    const mixed = this.mix.call(
      this.product.call(this.gate.call(this.linear.call(x)), y, this.weights.call(r)),
    );
    return add(mul(this.norm.call(mixed), this.factor), this.offset);
  }
}

function make({ kind, args, options }: Case): Runs {
  const given = args as readonly unknown[];
  const functions = (names: unknown): (typeof relu)[] => (names as Act[]).map((name) => acts[name]);
  const settled = { ...options, dtype };
  let made: unknown;
  if (kind === "Network") made = new Network();
  else if (kind === "Gate") {
    const [scalars, actScalars, gates, actGates, gated] = given as string[];
    made = new o3.Gate(scalars, functions(actScalars), gates, functions(actGates), gated);
  } else if (kind === "Activation") made = new o3.Activation(args[0], functions(args[1]));
  else if (kind === "FullyConnectedNet") made = new o3.FullyConnectedNet(args[0], acts[args[1]], settled);
  else if (kind === "NormActivation") made = new o3.NormActivation(args[0], acts[args[1]], settled);
  else if (kind === "Dropout") made = new o3.Dropout(args[0], args[1], new RandomStream(0));
  else {
    const classes = o3 as unknown as Record<string, new (...given: unknown[]) => Runs>;
    made = new classes[kind](...given, settled);
  }
  if (made instanceof o3.BatchNorm || made instanceof o3.Dropout) made.training = false;
  return made as Runs;
}

const tensorOf = ({ shape, data }: Numbers): Tensor => tensor(Float64Array.from(data), shape);

function expectOutputs(module: Runs, c: Case, wanted: readonly Numbers[], tolerance: number): void {
  const out = [module.call(...c.inputs.map(tensorOf))].flat();
  expect(out.map((t) => t.shape)).toEqual(wanted.map((t) => t.shape));
  out.forEach((t, k) => expectNear(t.dataSync(), wanted[k].data, tolerance, c.kind));
}

beforeAll(() => openCpu());

const titled = cases.map(
  (c, n) => [n, c.kind, JSON.stringify([c.args, c.options, c.settings, c.dtype]), c] as const,
);

describe("state dicts that e3nn saved (fixtures/equivariant/states.pt)", () => {
  const path = join("test", "fixtures", "equivariant", "states.pt");

  it.each(titled)("case %i: %s %s is loaded, every name of it", async (n, _kind, _given, c) => {
    const state = readStateFile(path, { prefix: `case${n}.` });
    expect(Array.from(state, ([name, { shape }]) => [name, shape])).toEqual(
      c.held.map(([name, shape]) => [name, shape]),
    );
    using module = make(c);
    expect(module.loadState(state)).toEqual({ missing: [], unexpected: [] });
    expectOutputs(module, c, c.out, { float64: 1e-10, float32: 1e-5, bfloat16: 0.03 }[c.dtype]);
    const exported = await module.exportState();
    if (Object.keys(c.settings).length > 0) return;
    expect(Array.from(exported, ([name, { shape }]) => [name, shape])).toEqual(
      c.held.map(([name, shape]) => [name, shape]),
    );
    if (c.dtype === "float64")
      for (const [name, { data }] of exported) expectNear(data, state.get(name)!.data, 1e-14, name);
  });

  it("have a case of every module of o3", () => {
    const kinds = Object.entries(o3).flatMap(([name, value]) =>
      typeof value === "function" && (value as { prototype?: unknown }).prototype instanceof Module
        ? [name]
        : [],
    );
    expect(kinds.length).toBeGreaterThan(15);
    const without = kinds.filter((name) => !cases.some(({ kind }) => kind === name));
    expect(without, "a layer is part of its net").toEqual(["FullyConnectedLayer"]);
  });
});

describe("states written here are read by e3nn, strictly (fixtures/equivariant/states-read.json)", () => {
  const file = join(folder, "states.safetensors");
  const modules: Runs[] = [];

  beforeAll(async () => {
    const written: State = new Map();
    for (const [n, c] of cases.entries()) {
      const module = make(c);
      modules.push(module);
      const trained = [...module.stateEntries()].filter(([, entry]) => entry instanceof Tensor);
      module.loadState(new Map(trained.map(([name, { shape }], k) => [name, numbers(shape, k)])));
      for (const [name, array] of await module.exportState()) written.set(`case${n}.${name}`, array);
    }
    if (kept !== undefined) mkdirSync(kept, { recursive: true });
    writeStateFileSync(file, written);
  });

  it("the peer's answers are there, for the states that are written today", () => {
    expect(createHash("sha256").update(readFileSync(file)).digest("hex")).toBe(peer.sha256);
    expect(peer.out).toHaveLength(cases.length);
  });

  it.each(titled)("case %i: %s %s has the same outputs", (n, _kind, _given, c) => {
    expectOutputs(modules[n], c, peer.out[n], 1e-10);
  });
});

/** Different numbers between 0 and 1, for variances are positive, and the same on every machine. */
function numbers(shape: readonly number[], seed: number): { shape: readonly number[]; data: Float64Array } {
  const size = shape.reduce((product, extent) => product * extent, 1);
  return {
    shape,
    data: Float64Array.from({ length: size }, (_, k) => (((k + seed) * 37) % 97) / 128 + 0.125),
  };
}

describe("what follows from how a module was made", () => {
  const product = (): o3.FullTensorProduct => new o3.FullTensorProduct("1x1o", "1x1o");

  it("is no tensor: the module has nothing to train or free", () => {
    expect([product().parameters().size, product().buffers().size]).toEqual([0, 0]);
  });

  it("may be left out of a state", () => {
    using linear = new o3.Linear("1x0e", "2x0e", { dtype });
    linear.loadState(new Map([["weight", { shape: [2], data: Float64Array.of(3, 4) }]]));
    expect([...linear.weight!.dataSync()]).toEqual([3, 4]);
  });

  it("must be that of the module where a state has it", async () => {
    const state = await product().exportState();
    const name = "_compiled_main_left_right._w3j_1_1_1";
    const { shape, data } = state.get(name)!;
    const load = (array: { shape: readonly number[]; data: Float64Array }): unknown =>
      product().loadState(new Map([...state, [name, array]]));
    const values = Float64Array.from(data);
    expect(() => load({ shape, data: values.map((v) => v * 1.003) })).not.toThrow();
    expect(() => load({ shape, data: values.map((v) => -v) })).toThrow(
      /FullTensorProduct: "_compiled.*_w3j_1_1_1" has other values in the state than follow from how this module was made; make it as/,
    );
    expect(() => load({ shape, data: values.fill(NaN, 0, 1) })).toThrow(/other values/);
    expect(() => load({ shape: [9, 3], data: values })).toThrow(/has shape \[9,3\] \(27 values\) in the state, expected \[3,3,3\]/); // prettier-ignore
  });

  it("weights of the module saved do not go into one that holds none", async () => {
    using holds = new o3.Linear("1x0e", "2x0e", { dtype });
    const takes = new o3.Linear("1x0e", "2x0e", { internalWeights: false });
    const state = await holds.exportState();
    expect(() => takes.loadState(state)).toThrow(
      /"weight" has shape \[2\] \(2 values\) in the state, expected \[0\]/,
    );
  });
});
