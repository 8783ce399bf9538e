import { AtomgradError } from "../../tensor/error.js";
import { decodeText } from "../read-file.js";
import { type ProtoField, protoFields, readVarint } from "./protobuf.js";
import { parseTextFormat, type TextMessage, type TextValue } from "./text-format.js";

/** A node of a TensorFlow graph without its numbers: what kind of operation it is, and its plain attributes. */
export interface TfNode {
  readonly name: string;
  readonly op: string;
  /** Attributes that are one real number (float32, widened), by name. */
  readonly reals: ReadonlyMap<string, number>;
  /** Attributes that are lists of whole numbers, by name. */
  readonly wholes: ReadonlyMap<string, readonly number[]>;
  /** The text of a constant that holds one. */
  readonly text: string | null;
}

/**
 * All nodes of a graph, binary (`.pb`) or text (`.pbtxt`).
 *
 * @throws AtomgradError FORMAT
 */
export function tfGraphNodes(bytes: Uint8Array, file: string, isText: boolean): TfNode[] {
  if (isText) {
    const graph = parseTextFormat(decodeText(bytes, file), file);
    return messages(graph, "node").map(textNode);
  }
  const nodes: TfNode[] = [];
  for (const field of protoFields(bytes, file))
    if (field.number === 1 && field.wire === 2) nodes.push(binaryNode(field.bytes, file));
  return nodes;
}

/** NodeDef: 1 name, 2 op, 5 attr (map entry: 1 key, 2 AttrValue). */
function binaryNode(bytes: Uint8Array, file: string): TfNode {
  let [name, op] = ["", ""];
  let text: string | null = null;
  const reals = new Map<string, number>();
  const wholes = new Map<string, readonly number[]>();
  for (const field of protoFields(bytes, file)) {
    if (field.number === 1) name = utf8(field.bytes);
    else if (field.number === 2) op = utf8(field.bytes);
    if (field.number !== 5) continue;
    const entry = [...protoFields(field.bytes, file)];
    const key = entry.find((part) => part.number === 1);
    const value = entry.find((part) => part.number === 2);
    if (key === undefined || value === undefined) continue;
    for (const part of protoFields(value.bytes, file)) {
      // AttrValue: 1 list, 4 f, 8 tensor.
      if (part.number === 4) reals.set(utf8(key.bytes), float32(part.bytes, file));
      else if (part.number === 1) wholes.set(utf8(key.bytes), listOfWholes(part.bytes, file));
      else if (part.number === 8) text = tensorText(part.bytes, file) ?? text;
    }
  }
  return { name, op, reals, wholes, text };
}

/** AttrValue.ListValue: 3 i, packed or one by one. */
function listOfWholes(bytes: Uint8Array, file: string): number[] {
  const found: number[] = [];
  for (const field of protoFields(bytes, file))
    if (field.number === 3) found.push(...wholeNumbers(field, file));
  return found;
}

function wholeNumbers(field: ProtoField, file: string): number[] {
  if (field.wire !== 2) return [Number(field.value)];
  const found: number[] = [];
  for (let at = 0; at < field.bytes.length;) {
    const [value, next] = readVarint(field.bytes, at, file);
    found.push(Number(BigInt.asIntN(64, value)));
    at = next;
  }
  return found;
}

/** TensorProto.string_val, 8. */
function tensorText(bytes: Uint8Array, file: string): string | null {
  for (const field of protoFields(bytes, file))
    if (field.number === 8 && field.wire === 2) return utf8(field.bytes);
  return null;
}

function float32(bytes: Uint8Array, file: string): number {
  if (bytes.length !== 4)
    throw new AtomgradError(
      "FORMAT",
      `${file}: an attribute of ${bytes.length} bytes where a number is needed`,
    );
  return new DataView(bytes.buffer, bytes.byteOffset, 4).getFloat32(0, true);
}

function utf8(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

function textNode(node: TextMessage): TfNode {
  const reals = new Map<string, number>();
  const wholes = new Map<string, readonly number[]>();
  let text: string | null = null;
  for (const attribute of messages(node, "attr")) {
    const key = word(attribute, "key");
    for (const value of messages(attribute, "value")) {
      const real = word(value, "f");
      if (real !== "") reals.set(key, Math.fround(Number(real)));
      for (const list of messages(value, "list"))
        wholes.set(
          key,
          values(list, "i").map((item) => Number(item)),
        );
      for (const tensor of messages(value, "tensor")) {
        const [found] = values(tensor, "string_val");
        if (found instanceof Uint8Array) text = utf8(found);
      }
    }
  }
  return { name: word(node, "name"), op: word(node, "op"), reals, wholes, text };
}

function values(message: TextMessage, field: string): TextValue[] {
  return message.fields.filter(([name]) => name === field).map(([, value]) => value);
}

function messages(message: TextMessage, field: string): TextMessage[] {
  return values(message, field).filter((value) => typeof value === "object" && "fields" in value);
}

function word(message: TextMessage, field: string): string {
  const [value] = values(message, field);
  if (value instanceof Uint8Array) return utf8(value);
  return typeof value === "string" ? value : "";
}
