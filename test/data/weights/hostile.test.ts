import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { deflateRawSync } from "node:zlib";
import { zipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { memorySource } from "../../../src/data/read-file.js";
import { withWeights } from "../../../src/data/weights/open.js";
import type { OpenWeights } from "../../../src/data/weights/open.js";
import { readZip } from "../../../src/data/zip.js";
import { errorOf } from "../expect-error.js";
import { op, pickleOf } from "../pickle/assemble.js";
import { joinBytes, put, temporaryFolder } from "../temporary-folder.js";

const folder = temporaryFolder();
const fixtures = join("test", "fixtures", "weights");
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

/** Opens a file and reads every number in it. */
function readAll(path: string): void {
  withWeights(path, (weights: OpenWeights) => {
    for (const { array } of weights.tensors) array?.bytes();
  });
}

function storageId(key: string, items: number): Uint8Array {
  const id = [
    op.mark,
    op.str("storage"),
    op.global("torch", "FloatStorage"),
    op.str(key),
    op.str("cpu"),
    op.int(items),
    op.tuple,
  ];
  return joinBytes([...id, text("Q")]);
}

function tensor(storage: Uint8Array, sizes: Uint8Array, strides: Uint8Array, offset = op.int(0)): Uint8Array {
  const hooks = [op.global("collections", "OrderedDict"), op.emptyTuple, op.reduce];
  const args = [op.mark, storage, offset, sizes, strides, Uint8Array.of(0x89), ...hooks, op.tuple];
  return joinBytes([op.global("torch._utils", "_rebuild_tensor_v2"), ...args, op.reduce]);
}

const sizes = (...values: Uint8Array[]): Uint8Array => joinBytes([op.mark, ...values, op.tuple]);
const int32 = (value: number): Uint8Array => {
  const bytes = new Uint8Array(5);
  bytes[0] = 0x4a;
  new DataView(bytes.buffer).setInt32(1, value, true);
  return bytes;
};

function torchFile(
  name: string,
  root: Uint8Array,
  storages: Record<string, Uint8Array> = { 0: new Uint8Array(24) },
): string {
  const files: Record<string, [Uint8Array, { level: 0 }]> = { "a/data.pkl": [pickleOf(root), { level: 0 }] };
  for (const [key, bytes] of Object.entries(storages)) files[`a/data/${key}`] = [bytes, { level: 0 }];
  return put(join(folder, name), zipSync(files));
}

/** A zip archive of one packed entry that announces any size. */
function packedZip(name: string, packed: Uint8Array, size: number, crc: number): Uint8Array {
  const fields = (at: number, length: number): Uint8Array => {
    const bytes = new Uint8Array(length);
    const view = new DataView(bytes.buffer);
    view.setUint16(at, 8, true);
    view.setUint32(at + 6, crc, true);
    view.setUint32(at + 10, packed.length, true);
    view.setUint32(at + 14, size, true);
    view.setUint16(at + 18, name.length, true);
    return bytes;
  };
  const local = joinBytes([text("PK\u0003\u0004"), fields(4, 26), text(name), packed]);
  const central = joinBytes([text("PK\u0001\u0002"), fields(6, 42), text(name)]);
  const end = new Uint8Array(22);
  end.set(text("PK\u0005\u0006"));
  const view = new DataView(end.buffer);
  view.setUint16(10, 1, true);
  view.setUint32(12, central.length, true);
  view.setUint32(16, local.length, true);
  return joinBytes([local, central, end]);
}

describe("hostile weight files", () => {
  const storage = storageId("0", 6);
  const bad: [string, string, RegExp][] = [
    [
      "a view beyond its storage",
      torchFile("view.pt", tensor(storage, sizes(op.int(3), op.int(3)), sizes(op.int(3), op.int(1)))),
      /needs 9 items.*has 6/,
    ],
    [
      "an offset beyond its storage",
      torchFile("offset.pt", tensor(storage, sizes(op.int(1)), sizes(op.int(1)), op.int(6))),
      /needs 7 items/,
    ],
    [
      "negative strides",
      torchFile("stride.pt", tensor(storage, sizes(op.int(2)), sizes(int32(-1)))),
      /whole number from 0 on/,
    ],
    [
      "one number repeated 10^9 times",
      torchFile("repeat.pt", tensor(storage, sizes(int32(1e9)), sizes(op.int(0)))),
      /repeats/,
    ],
    [
      "a storage that is missing",
      torchFile("missing.pt", tensor(storageId("7", 6), sizes(op.int(2)), sizes(op.int(1)))),
      /"7" is missing/,
    ],
    [
      "a storage with a path as its name",
      torchFile(
        "path.pt",
        tensor(storageId("../../../../etc/passwd", 6), sizes(op.int(2)), sizes(op.int(1))),
      ),
      /is missing/,
    ],
    [
      "a storage that is too short",
      torchFile("short.pt", tensor(storageId("0", 60), sizes(op.int(2)), sizes(op.int(1)))),
      /24 bytes instead of 240/,
    ],
    [
      "a call",
      torchFile("call.pt", joinBytes([op.global("os", "system"), op.str("true"), op.tuple1, op.reduce])),
      /os\.system/,
    ],
  ];
  it.each(bad)("with %s are refused", (_, path, says) => {
    const { code, message } = errorOf(() => readAll(path));
    expect(code).toBe("FORMAT");
    expect(message).toMatch(says);
    expect(message).toContain(path.slice(path.lastIndexOf("/") + 1));
  });

  it("names that climb out of the folder are only names", () => {
    const npy = readZip(memorySource(readFileSync(join(fixtures, "plain.npz")), "plain.npz")).get("n.npy")!;
    const bytes = new Uint8Array(npy.size);
    npy.open().read(bytes, 0);
    const path = put(
      join(folder, "climb.npz"),
      zipSync({ "../../climbed.npy": bytes, "/etc/climbed.npy": bytes }),
    );
    withWeights(path, ({ tensors }) =>
      expect(tensors.map(({ name }) => name)).toEqual(["../../climbed", "/etc/climbed"]),
    );
    expect(readdirSync(folder).filter((name) => name.includes("climbed"))).toEqual([]);
  });

  it("an entry that unpacks to a thousand times its size is refused before it is unpacked", () => {
    const zeros = new Uint8Array(70 * 2 ** 20);
    const path = put(join(folder, "bomb.npz"), packedZip("w.npy", deflateRawSync(zeros), zeros.length, 0));
    expect(errorOf(() => readAll(path)).message).toMatch(
      /unpacks from \d+ to 73400320 bytes, which is refused/,
    );
  });

  it("an entry that unpacks to more than it says is refused", () => {
    const zeros = new Uint8Array(1 << 20);
    const path = put(join(folder, "lie.npz"), packedZip("w.npy", deflateRawSync(zeros), 200, 0));
    expect(errorOf(() => readAll(path)).code).toBe("FORMAT");
  });

  it("headers of 4 GB on tiny files are refused", () => {
    const huge = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0x7b, 0x7d);
    expect(errorOf(() => readAll(put(join(folder, "huge.safetensors"), huge))).message).toMatch(
      /4294967295 bytes/,
    );
    const graph = Uint8Array.of(0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f, 1);
    expect(errorOf(() => readAll(put(join(folder, "huge.pb"), graph))).code).toBe("FORMAT");
  });

  it("overlapping tensors of a safetensors file are refused", () => {
    const header = text(
      '{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}',
    );
    const length = new Uint8Array(8);
    new DataView(length.buffer).setBigUint64(0, BigInt(header.length), true);
    const path = put(join(folder, "overlap.safetensors"), joinBytes([length, header, new Uint8Array(12)]));
    expect(errorOf(() => readAll(path)).message).toMatch(/"b" overlaps/);
  });

  it("a constant of a graph that is filled from one number stays within bounds", () => {
    const pbtxt = (size: number): string =>
      `node { name: "w" op: "Const" attr { key: "value" value { tensor { dtype: DT_FLOAT tensor_shape { dim { size: ${size} } } float_val: 1 } } } }`;
    expect(errorOf(() => readAll(put(join(folder, "fill.pbtxt"), pbtxt(1e9)))).message).toMatch(
      /"w".*only 4 bytes/,
    );
    readAll(put(join(folder, "small.pbtxt"), pbtxt(1000)));
  });

  it("deep text messages, unclosed texts and nonsense name their line", () => {
    const deep = errorOf(() => readAll(put(join(folder, "deep.pbtxt"), "node {\n".repeat(5000))));
    expect(deep.message).toMatch(/line \d+.*nested/);
    expect(errorOf(() => readAll(put(join(folder, "open.pbtxt"), 'node {\n  name: "x\n}'))).message).toMatch(
      /line 2/,
    );
    expect(errorOf(() => readAll(put(join(folder, "noise.pbtxt"), "\n\n%%%"))).message).toMatch(/line 3/);
  });

  it("a checkpoint without its data lists its tensors and says which file is missing", () => {
    const path = put(join(folder, "ckpt.index"), readFileSync(join(fixtures, "bundle", "ckpt.index")));
    withWeights(path, ({ tensors }) => expect(tensors.length).toBeGreaterThan(3));
    expect(errorOf(() => readAll(path)).message).toMatch(/ckpt\.data-00000-of-00001/);
  });

  it("a checkpoint whose data changed is refused by its checksum", () => {
    const index = put(join(folder, "c", "ckpt.index"), readFileSync(join(fixtures, "bundle", "ckpt.index")));
    const data = Uint8Array.from(readFileSync(join(fixtures, "bundle", "ckpt.data-00000-of-00001")));
    for (let k = 0; k < data.length; k++) data[k] ^= 1;
    put(join(folder, "c", "ckpt.data-00000-of-00001"), data);
    expect(errorOf(() => readAll(index)).message).toMatch(/checksum/);
  });
});
