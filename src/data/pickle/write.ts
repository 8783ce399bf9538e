import { AtomgradError } from "../../tensor/error.js";
import { joinBytes } from "../join-bytes.js";
import { StridedArray } from "../strided-array.js";
import type { ArrayDType } from "../strided-array.js";
import { PickleBytes, PickleDict, PickleFloat, PickleGlobal, PickleTuple } from "./values.js";
import type { PickleValue } from "./values.js";

const storages: Partial<Record<ArrayDType, string>> = {
  float32: "FloatStorage",
  float64: "DoubleStorage",
  float16: "HalfStorage",
  bfloat16: "BFloat16Storage",
  int64: "LongStorage",
  int32: "IntStorage",
  int16: "ShortStorage",
  int8: "CharStorage",
  uint8: "ByteStorage",
  bool: "BoolStorage",
  complex64: "ComplexFloatStorage",
  complex128: "ComplexDoubleStorage",
};

const magic = [0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e];
const maxText = 1 << 30;

/** Writes pickles of tensors and containers as Python and PyTorch do: protocol 4, storages as legacy streams. */
export class PickleWriter {
  private readonly pieces: Uint8Array[] = [Uint8Array.of(0x80, 4)];
  private memoSize = 0;

  /** The pickle; nothing may be written afterwards. */
  finish(): Uint8Array {
    this.put(0x2e);
    return joinBytes(this.pieces);
  }

  put(...bytes: number[]): void {
    this.pieces.push(Uint8Array.from(bytes));
  }

  /** Keeps the topmost object for later reference. */
  memoize(): number {
    this.put(0x94);
    return this.memoSize++;
  }

  recall(entry: number): void {
    if (entry < 256) this.put(0x68, entry);
    else this.putNumber(0x6a, 4, entry);
  }

  global(module: string, name: string): void {
    this.text(module);
    this.text(name);
    this.put(0x93);
  }

  text(value: string): void {
    const bytes = new TextEncoder().encode(value);
    if (bytes.length < 256) this.put(0x8c, bytes.length);
    else if (bytes.length <= maxText) this.putNumber(0x58, 4, bytes.length);
    else throw new AtomgradError("VALUE", "pickle: a text of more than a gigabyte");
    this.pieces.push(bytes);
  }

  /** Any value a record may hold; others are an error that names `label`. */
  value(value: PickleValue, label: string): void {
    if (value === null) this.put(0x4e);
    else if (typeof value === "boolean") this.put(value ? 0x88 : 0x89);
    else if (typeof value === "number" || typeof value === "bigint") this.integer(BigInt(value));
    else if (typeof value === "string") this.text(value);
    else if (value instanceof PickleFloat) this.float(value.value);
    else if (value instanceof StridedArray) this.tensor(value, label);
    else if (value instanceof PickleBytes) this.bytes(value.read());
    else if (value instanceof PickleTuple) this.items(0x28, value.items, 0x74, label);
    else if (value instanceof PickleGlobal) this.global(value.module, value.name);
    else if (value instanceof PickleDict) this.dict(value.entries, label);
    else if (Array.isArray(value)) {
      this.put(0x5d);
      this.items(0x28, value, 0x65, label);
    } else throw new AtomgradError("VALUE", `${label}: an object that cannot be written into a record`);
  }

  dict(entries: ReadonlyMap<PickleValue, PickleValue>, label: string): void {
    this.put(0x7d, 0x28);
    for (const [key, item] of entries) {
      this.value(key, label);
      this.value(item, typeof key === "string" ? `${label}: ${key}` : label);
    }
    this.put(0x75);
  }

  private items(mark: number, items: readonly PickleValue[], end: number, label: string): void {
    this.put(mark);
    for (const item of items) this.value(item, label);
    this.put(end);
  }

  private putNumber(opcode: number, width: 4 | 8, value: number): void {
    const bytes = new Uint8Array(1 + width);
    const view = new DataView(bytes.buffer);
    bytes[0] = opcode;
    if (width === 4) view.setUint32(1, value, true);
    else view.setBigUint64(1, BigInt(value), true);
    this.pieces.push(bytes);
  }

  private integer(value: bigint): void {
    if (value >= 0n && value < 256n) return this.put(0x4b, Number(value));
    if (BigInt.asIntN(32, value) === value) return this.putNumber(0x4a, 4, Number(BigInt.asUintN(32, value)));
    const bytes: number[] = [];
    let width = 8;
    while (BigInt.asIntN(8 * width, value) !== value) width++;
    for (let k = 0; k < width; k++) bytes.push(Number((value >> BigInt(8 * k)) & 255n));
    this.put(0x8a, width, ...bytes);
  }

  private float(value: number): void {
    const bytes = new Uint8Array(9);
    bytes[0] = 0x47;
    new DataView(bytes.buffer).setFloat64(1, value, false);
    this.pieces.push(bytes);
  }

  private bytes(value: Uint8Array): void {
    if (value.length < 256) this.put(0x43, value.length);
    else if (value.length < 2 ** 32) this.putNumber(0x42, 4, value.length);
    else this.putNumber(0x8e, 8, value.length);
    this.pieces.push(value);
  }

  /** `torch._utils._rebuild_tensor_v2(storage, 0, shape, strides, False, OrderedDict())`. */
  private tensor(array: StridedArray, label: string): void {
    const storage = storages[array.dtype];
    if (storage === undefined)
      throw new AtomgradError("DTYPE", `${label}: ${array.dtype} has no storage in PyTorch's records`);
    const sizes = new PickleTuple(array.shape);
    const strides = new PickleTuple(stridesOf(array.shape));
    this.global("torch._utils", "_rebuild_tensor_v2");
    this.put(0x28);
    this.global("torch.storage", "_load_from_bytes");
    this.bytes(storageStream(storage, array.count, array.bytes()));
    this.put(0x85, 0x52, 0x4b, 0);
    this.value(sizes, label);
    this.value(strides, label);
    this.put(0x89);
    this.global("collections", "OrderedDict");
    this.put(0x29, 0x52, 0x74, 0x52);
  }
}

/** Strides of a C-order tensor as PyTorch gives them. */
function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let axis = shape.length - 2; axis >= 0; axis--)
    strides[axis] = strides[axis + 1] * Math.max(1, shape[axis + 1]);
  return strides;
}

/** A storage as torch.save wrote it before version 1.6: what `torch.storage._load_from_bytes` takes. */
function storageStream(storage: string, items: number, data: Uint8Array): Uint8Array {
  const text = (value: string): Uint8Array => new TextEncoder().encode(value);
  const int = (value: number): Uint8Array => {
    const bytes = new Uint8Array(5);
    bytes[0] = 0x4a;
    new DataView(bytes.buffer).setInt32(1, value, true);
    return bytes;
  };
  const word = (value: string): Uint8Array => {
    const bytes = text(value);
    return joinBytes([Uint8Array.of(0x58, bytes.length, 0, 0, 0), bytes]);
  };
  const start = Uint8Array.of(0x80, 2);
  const stop = text(".");
  const sizes = ["short", 2, "int", 4, "long", 4].map((part) =>
    typeof part === "string" ? word(part) : int(part),
  );
  const facts = [
    word("protocol_version"),
    int(1001),
    word("little_endian"),
    Uint8Array.of(0x88),
    word("type_sizes"),
  ];
  const count = new Uint8Array(8);
  new DataView(count.buffer).setBigUint64(0, BigInt(items), true);
  return joinBytes([
    Uint8Array.from(magic),
    ...[start, int(1001), stop],
    ...[start, text("}("), ...facts, text("}("), ...sizes, text("uu"), stop],
    ...[
      start,
      text("("),
      word("storage"),
      text(`ctorch\n${storage}\n`),
      word("0"),
      word("cpu"),
      int(items),
      text("NtQ"),
      stop,
    ],
    ...[start, text("]"), word("0"), text("a"), stop],
    count,
    data,
  ]);
}
