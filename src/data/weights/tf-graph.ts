import { AtomgradError } from "../../tensor/error.js";
import { joinBytes } from "../join-bytes.js";
import type { ByteSource } from "../read-file.js";
import { readPart } from "../slice-source.js";
import { protoFields, readVarint } from "./protobuf.js";
import type { ProtoField } from "./protobuf.js";
import { constantTensor, encodeIntegers } from "./tf-tensor.js";
import { tfType } from "./tf-types.js";
import type { WeightTensor } from "./weights.js";

const maxGraphBytes = 2 ** 31 - 1;

/** Fields of TensorProto that hold values, by number (tensor.proto). */
const valueFields: ReadonlyMap<number, string> = new Map([
  [5, "float_val"],
  [6, "double_val"],
  [7, "int_val"],
  [8, "string_val"],
  [9, "scomplex_val"],
  [10, "int64_val"],
  [11, "bool_val"],
  [12, "dcomplex_val"],
  [13, "half_val"],
  [16, "uint32_val"],
  [17, "uint64_val"],
  [18, "float8_val"],
]);

/**
 * The constants of a frozen TensorFlow graph (`.pb`, a binary GraphDef), named by their nodes.
 *
 * @throws AtomgradError FORMAT when the file is no GraphDef, or damaged
 */
export function tfGraphWeights(source: ByteSource): WeightTensor[] {
  const { name: file, size } = source;
  if (size > maxGraphBytes)
    throw new AtomgradError("FORMAT", `${file}: larger than a TensorFlow graph can be (2 GB)`);
  const found: WeightTensor[] = [];
  let nodes = 0;
  for (const field of protoFields(readPart(source, 0, size), file)) {
    if (field.number !== 1) continue;
    if (field.wire !== 2) throw notAGraph(file);
    nodes++;
    const constant = readNode(field.bytes, file);
    if (constant !== null) found.push(constant);
  }
  if (nodes === 0) throw notAGraph(file);
  return found;
}

function notAGraph(file: string): AtomgradError {
  return new AtomgradError(
    "FORMAT",
    `${file}: not a TensorFlow graph (no node in it); give the frozen .pb file`,
  );
}

function text(bytes: Uint8Array, file: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new AtomgradError("FORMAT", `${file}: not a TensorFlow graph (a name in it is not UTF-8)`);
  }
}

/** The constant of a node of kind Const; null for other nodes. */
function readNode(bytes: Uint8Array, file: string): WeightTensor | null {
  let name: string | null = null;
  let kind: string | null = null;
  let tensor: Uint8Array | null = null;
  for (const field of protoFields(bytes, file)) {
    if (field.number === 1) name = text(field.bytes, file);
    else if (field.number === 2) kind = text(field.bytes, file);
    else if (field.number === 5) tensor = valueOfAttribute(field.bytes, file) ?? tensor;
  }
  if (name === null || kind === null) throw notAGraph(file);
  if (kind !== "Const" || tensor === null) return null;
  return readTensor(name, tensor, file);
}

/** The tensor of the attribute "value" (map entry: 1 key, 2 AttrValue; AttrValue.tensor is 8). */
function valueOfAttribute(bytes: Uint8Array, file: string): Uint8Array | null {
  let key = "";
  let value: Uint8Array | null = null;
  for (const field of protoFields(bytes, file)) {
    if (field.number === 1) key = text(field.bytes, file);
    else if (field.number === 2) value = field.bytes;
  }
  if (key !== "value" || value === null) return null;
  for (const field of protoFields(value, file)) if (field.number === 8) return field.bytes;
  return null;
}

function readTensor(name: string, bytes: Uint8Array, file: string): WeightTensor | null {
  let code = 0;
  let shape: number[] = [];
  let content: Uint8Array | null = null;
  const values = new Map<string, ProtoField[]>();
  for (const field of protoFields(bytes, file)) {
    if (field.number === 1) code = Number(field.value);
    else if (field.number === 2) shape = readShape(field.bytes, file);
    else if (field.number === 4) content = field.bytes;
    else {
      const kind = valueFields.get(field.number);
      if (kind === undefined) continue;
      const known = values.get(kind);
      if (known === undefined) values.set(kind, [field]);
      else known.push(field);
    }
  }
  const type = tfType(code);
  if (type === undefined) return null;
  const listed = values.get(type.field) ?? [];
  const items =
    content !== null && content.length > 0 ? content : type.dtype === null ? content : encode(listed);
  return constantTensor({ name, type, shape, items: items ?? new Uint8Array(0) }, file);

  function encode(fields: readonly ProtoField[]): Uint8Array {
    if (["float_val", "double_val", "scomplex_val", "dcomplex_val", "float8_val"].includes(type!.field)) {
      return joinBytes(fields.map((field) => field.bytes));
    }
    return encodeIntegers(
      fields.flatMap((field) => integers(field, file)),
      type!.dtype!,
    );
  }
}

/** TensorShapeProto: repeated field 2, of which field 1 is the size. */
export function readShape(bytes: Uint8Array, file: string): number[] {
  const shape: number[] = [];
  for (const field of protoFields(bytes, file)) {
    if (field.number !== 2) continue;
    let size = 0;
    for (const part of protoFields(field.bytes, file)) {
      if (part.number === 1) size = Number(BigInt.asIntN(64, part.value));
    }
    shape.push(size);
    if (shape.length > 254)
      throw new AtomgradError("FORMAT", `${file}: a tensor of more than 254 dimensions`);
  }
  return shape;
}

/** One number, or many packed into bytes. */
function integers(field: ProtoField, file: string): bigint[] {
  if (field.wire !== 2) return [field.value];
  const found: bigint[] = [];
  for (let at = 0; at < field.bytes.length;) {
    const [value, next] = readVarint(field.bytes, at, file);
    found.push(value);
    at = next;
  }
  return found;
}
