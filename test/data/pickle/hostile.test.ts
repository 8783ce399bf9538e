import fc from "fast-check";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { PickleDict, readPickledRecord, readPickleFile } from "../../../src/data/pickle/index.js";
import type { PickleValue } from "../../../src/data/pickle/index.js";
import { memorySource } from "../../../src/data/read-file.js";
import { pygList, pygRecord } from "../../../src/data/records/pyg.js";
import { errorOf, expectOnlyAtomgradError } from "../expect-error.js";
import { joinBytes } from "../temporary-folder.js";
import { op, pickleOf } from "./assemble.js";

const record = (bytes: Uint8Array): PickleValue => readPickledRecord(memorySource(bytes, "bad.pkl"));
const weights = (bytes: Uint8Array): PickleValue => readPickleFile(memorySource(bytes, "bad.pkl"), "weights");

const calls: [module: string, name: string][] = [
  ["os", "system"],
  ["posix", "system"],
  ["nt", "system"],
  ["builtins", "eval"],
  ["builtins", "exec"],
  ["builtins", "getattr"],
  ["builtins", "__import__"],
  ["__builtin__", "compile"],
  ["subprocess", "Popen"],
  ["_posixsubprocess", "fork_exec"],
  ["importlib", "import_module"],
  ["runpy", "run_path"],
  ["shutil", "rmtree"],
  ["pickle", "loads"],
  ["operator", "attrgetter"],
  ["functools", "partial"],
  ["torch.hub", "load"],
  ["torch", "load"],
  ["torch.serialization", "load"],
  ["numpy", "load"],
  ["numpy.testing._private.utils", "runstring"],
  ["joblib", "load"],
];

describe("pickles that ask for something to be done", () => {
  it.each(calls)("refuses %s.%s by name", (module, name) => {
    const bytes = pickleOf(op.global(module, name), op.str("echo"), op.tuple1, op.reduce);
    const shown = `${module}.${name}`;
    for (const read of [record, weights]) {
      const { code, message } = errorOf(() => read(bytes));
      expect(code).toBe("FORMAT");
      expect(message).toContain("bad.pkl");
      expect(message).toMatch(new RegExp(`${shown.replaceAll(".", "\\.")}|builtins\\.${name}`));
    }
  });

  it("refuses calls hidden behind wrappers, batches, instances and states", () => {
    const target = op.global("torch.hub", "load");
    const hidden = [
      pickleOf(
        op.global("jax._src.array", "_reconstruct_array"),
        op.mark,
        target,
        op.emptyTuple,
        op.emptyTuple,
        op.emptyTuple,
        op.tuple,
        op.reduce,
      ),
      pickleOf(op.global("collections", "OrderedDict"), op.mark, target, op.tuple, op.reduce),
      pickleOf(
        op.global("torch_geometric.data.batch", "DynamicInheritanceGetter"),
        op.emptyTuple,
        op.newobj,
        op.emptyTuple,
        op.reduce,
      ),
      pickleOf(op.str("os.system"), op.str("echo"), op.tuple1, op.reduce),
      pickleOf(op.int(3), op.emptyDict, op.build),
    ];
    for (const bytes of hidden) {
      expect(errorOf(() => record(bytes)).code).toBe("FORMAT");
      expect(errorOf(() => weights(bytes)).code).toBe("FORMAT");
    }
  });

  it("keeps classes of other packages as placeholders in checkpoints only", () => {
    const bytes = pickleOf(
      op.global("someones.config", "Args"),
      op.emptyTuple,
      op.newobj,
      op.emptyDict,
      op.str("lr"),
      op.int(1),
      op.setItem,
      op.build,
    );
    expect(weights(bytes)).toMatchObject({
      type: { path: "someones.config.Args" },
      state: new Map([["lr", 1]]),
    });
    expect(errorOf(() => record(bytes)).message).toContain("someones.config.Args");
  });

  it("treats __proto__ and constructor as keys like any other", () => {
    const bytes = pickleOf(
      op.emptyDict,
      op.str("__proto__"),
      op.int(1),
      op.setItem,
      op.str("constructor"),
      op.int(2),
      op.setItem,
    );
    const value = record(bytes) as PickleDict;
    expect(value).toBeInstanceOf(PickleDict);
    expect([...value.entries]).toEqual([
      ["__proto__", 1],
      ["constructor", 2],
    ]);
    expect(pygRecord(value, "x").get("__proto__")).toBe(1);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });
});

describe("pickles that want too much", () => {
  it.each<[string, Uint8Array]>([
    [
      "announces 4 GB of bytes",
      joinBytes([op.proto, Uint8Array.of(0x42, 255, 255, 255, 255, 1, 2), op.stop]),
    ],
    [
      "announces 2^63 bytes of text",
      joinBytes([op.proto, Uint8Array.of(0x8d, 0, 0, 0, 0, 0, 0, 0, 128), op.stop]),
    ],
    ["nests marks", joinBytes([op.proto, new Uint8Array(10_000).fill(0x28), op.stop])],
    ["fills the stack", joinBytes([op.proto, new Uint8Array(2_000_000).fill(0x4e), op.stop])],
    [
      "makes millions of dicts",
      pickleOf(
        op.emptyList,
        ...Array<Uint8Array>(1_500).fill(
          joinBytes([op.mark, new Uint8Array(1_000).fill(0x7d), Uint8Array.of(0x65)]),
        ),
      ),
    ],
    ["asks for an integer of 4 GB", joinBytes([op.proto, Uint8Array.of(0x8b, 255, 255, 255, 127), op.stop])],
    ["has opcodes that find nothing", pickleOf(op.setItem)],
    ["reads a memo that is not there", pickleOf(op.get(7))],
    ["is no pickle", new TextEncoder().encode("hello, this is text")],
    ["is empty", new Uint8Array(0)],
  ])("a file that %s ends in an error within seconds of computing", (_, bytes) => {
    // Processor time, not the clock: the machine may be busy with other things.
    const before = process.cpuUsage();
    expect(errorOf(() => weights(bytes)).code).toBe("FORMAT");
    expect(errorOf(() => record(bytes)).code).toBe("FORMAT");
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1e6).toBeLessThan(5);
  });

  it("stops copying one list again and again", () => {
    const many = Array<Uint8Array>(4_000).fill(
      joinBytes([op.global("builtins", "list"), op.get(0), op.tuple1, op.reduce]),
    );
    const bytes = pickleOf(
      op.emptyList,
      op.put(0),
      op.mark,
      new Uint8Array(9_000).fill(0x4e),
      op.appends,
      ...many,
    );
    expect(errorOf(() => record(bytes)).message).toMatch(/more objects than fit/);
  });
});

describe("damaged pickles", () => {
  const path = join("..", "shared", "data", "pyg-pickles", "ani1x_pickle16_val.pkl");
  const present = existsSync(path);

  it.skipIf(!present)("cut short at every 7th byte give errors only (needs the shared data)", () => {
    const bytes = readFileSync(path);
    for (let length = 0; length < bytes.length; length += 7) {
      expect(errorOf(() => record(bytes.subarray(0, length))).code).toBe("FORMAT");
    }
  });

  it.skipIf(!present)("with changed bytes give errors or values (needs the shared data)", () => {
    const bytes = readFileSync(path);
    const change = fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 });
    const property = fc.property(change, (changes) => {
      const copy = Uint8Array.from(bytes);
      for (const [at, value] of changes) copy[at] = value;
      expectOnlyAtomgradError(() => {
        for (const found of pygList(record(copy), "x") ?? []) {
          for (const value of found.values()) (value as { bytes?: () => unknown } | null)?.bytes?.();
        }
      });
    });
    fc.assert(property, { numRuns: 1000, seed: 20260 });
  });
});
