import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { withWeights } from "../../../src/data/weights/open.js";
import { reportTensors } from "../../../src/data/weights/weights.js";
import type { TensorReport } from "../../../src/data/weights/weights.js";
import { inspectWeights } from "../../../src/models/inspect-weights.js";

const folder = join("test", "fixtures", "weights");

interface Report {
  readonly files: Record<string, TensorReport[]>;
}

const reports = ["torch.json", "tensorflow.json"].map(
  (name) => JSON.parse(readFileSync(join(folder, name), "utf8")) as Report,
);
const files = reports.flatMap(({ files }) => Object.entries(files));

const formats: Record<string, string> = {
  "script.pt": "torchscript",
  "model.safetensors": "safetensors",
  "plain2.pkl": "torch",
  "plain4.pkl": "torch",
  "plain5.pkl": "torch",
  "bundle/ckpt.index": "tf-checkpoint",
};

function formatOf(file: string): string {
  if (Object.hasOwn(formats, file)) return formats[file];
  const byExtension: Record<string, string> = {
    pt: "torch",
    pkl: "numpy-pickle",
    npz: "npz",
    pb: "tf-graph",
    pbtxt: "tf-graph-text",
  };
  return byExtension[file.slice(file.lastIndexOf(".") + 1)];
}

const byName = (a: TensorReport, b: TensorReport): number => (a.name < b.name ? -1 : 1);

describe("weight files written by PyTorch, NumPy, safetensors, TensorFlow, Haiku and JAX", () => {
  it.each(files)("%s holds what its writer says: names, shapes, types, hashes", (file, expected) => {
    withWeights(join(folder, file), (weights) => {
      expect(weights.format).toBe(formatOf(file));
      expect(reportTensors(weights.tensors, true).sort(byName)).toEqual([...expected].sort(byName));
      expect(reportTensors(weights.tensors, false)[0]).not.toHaveProperty("sha256");
    });
  });
});

describe("real weight files of the shared data", () => {
  const shared = join("..", "shared", "data");
  const present = existsSync(shared);

  it.skipIf(!present)("Haiku's pickle and its npz agree (needs the shared data)", () => {
    const of = (name: string): TensorReport[] =>
      withWeights(join(shared, "weights-dimenetpp", name), ({ tensors }) => reportTensors(tensors, true));
    const pickled = of("CG_water_GNN.pkl");
    const zipped = of("CG_water_GNN.npz").map(({ name, ...rest }) => ({
      name: name.replaceAll("|", "/"),
      ...rest,
    }));
    expect(pickled).toHaveLength(146);
    expect(pickled.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0)).toBe(121542);
    expect(pickled.sort(byName)).toEqual(zipped.sort(byName));
  });

  type Summary = { constants: number; sha256: string };
  const known = JSON.parse(readFileSync(join(folder, "shared.json"), "utf8")) as Record<
    string,
    TensorReport[] | Summary
  >;
  it.skipIf(!present).each(Object.entries(known))(
    "%s holds what its peer says (needs the shared data)",
    async (file, expected) => {
      const report = (await inspectWeights(join(shared, "weights-deepmd", file), { hash: true }))!;
      if (Array.isArray(expected)) {
        // state_dict() leaves out buffers that are not persistent; the file holds them as attributes.
        const kept = report.tensors.filter(({ name }) => !name.endsWith(".emask.type_mask"));
        expect([...kept].sort(byName)).toEqual([...expected].sort(byName));
        return;
      }
      const lines = report.tensors.map(({ name, shape, dtype, sha256 }) =>
        JSON.stringify([name, shape, dtype, sha256 ?? null]),
      );
      const sha256 = createHash("sha256").update(lines.sort().join("\n")).digest("hex");
      expect({ constants: lines.length, sha256 }).toEqual(expected);
    },
  );

  it.skipIf(!present)("says null of files that hold structures (needs the shared data)", async () => {
    for (const file of [
      "ani1-s01/ani_gdb_s01_part.h5",
      "pyg-pickles/ani1x_pickle16_val.pkl",
      "oc20-is2re/batch_3.pt",
      "qm9-100/qm9_100.extxyz",
    ]) {
      expect(await inspectWeights(join(shared, file))).toBeNull();
    }
  });
});
