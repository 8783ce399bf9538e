import { AtomgradError } from "../../tensor/error.js";
import { decodeText } from "../read-file.js";
import type { ByteSource } from "../read-file.js";
import { readPart } from "../slice-source.js";
import { parseTextFormat } from "./text-format.js";
import type { TextMessage, TextValue } from "./text-format.js";
import { constantTensor, encodeIntegers, encodeReals } from "./tf-tensor.js";
import { tfType } from "./tf-types.js";
import type { TfType } from "./tf-types.js";
import type { WeightTensor } from "./weights.js";

const maxTextBytes = 1 << 27;

/**
 * The constants of a TensorFlow graph in text form (`.pbtxt`), named by their nodes.
 *
 * @throws AtomgradError FORMAT, with the line where the text cannot be understood
 */
export function tfGraphTextWeights(source: ByteSource): WeightTensor[] {
  const { name: file, size } = source;
  if (size > maxTextBytes)
    throw new AtomgradError("FORMAT", `${file}: ${size} bytes of text are too many; give the .pb`);
  const graph = parseTextFormat(decodeText(readPart(source, 0, size), file), file);
  const nodes = messages(graph, "node");
  if (nodes.length === 0)
    throw new AtomgradError("FORMAT", `${file}: not a TensorFlow graph (no node in it)`);
  return nodes.flatMap((node) => constantOf(node, file) ?? []);
}

function constantOf(node: TextMessage, file: string): WeightTensor | null {
  if (textField(node, "op") !== "Const") return null;
  const name = textField(node, "name") ?? "";
  for (const attribute of messages(node, "attr")) {
    if (textField(attribute, "key") !== "value") continue;
    for (const value of messages(attribute, "value")) {
      for (const tensor of messages(value, "tensor")) return readTensor(name, tensor, file);
    }
  }
  return null;
}

function readTensor(name: string, tensor: TextMessage, file: string): WeightTensor | null {
  const type = tfType(textField(tensor, "dtype") ?? "");
  if (type === undefined) return null;
  const shape = messages(tensor, "tensor_shape").flatMap((part) =>
    messages(part, "dim").map((dim) => Number(textField(dim, "size") ?? "0")),
  );
  const content = tensor.fields.find(([field]) => field === "tensor_content")?.[1];
  const items =
    content instanceof Uint8Array && content.length > 0
      ? content
      : encodeValues(tensor, type, (word) => numberError(word, name, file));
  return constantTensor({ name, type, shape, items }, file);
}

function numberError(word: string, name: string, file: string): AtomgradError {
  const label = JSON.stringify(name.slice(0, 120));
  return new AtomgradError(
    "FORMAT",
    `${file}: constant ${label} holds "${word.slice(0, 40)}", which is no number`,
  );
}

function encodeValues(tensor: TextMessage, type: TfType, bad: (word: string) => AtomgradError): Uint8Array {
  const { dtype, field } = type;
  if (dtype === null) return new Uint8Array(0);
  const words = tensor.fields.flatMap(([name, value]) =>
    name === field && typeof value === "string" ? [value] : [],
  );
  switch (field) {
    case "float_val":
    case "scomplex_val":
      return encodeReals(
        words.map((word) => real(word, bad)),
        4,
      );
    case "double_val":
    case "dcomplex_val":
      return encodeReals(
        words.map((word) => real(word, bad)),
        8,
      );
    case "float8_val":
      return (
        tensor.fields.map(([, value]) => value).find((value) => value instanceof Uint8Array) ??
        new Uint8Array(0)
      );
    default:
      return encodeIntegers(
        words.map((word) => integer(word, bad)),
        dtype,
      );
  }
}

function real(word: string, bad: (word: string) => AtomgradError): number {
  const plain = word.replace(/\s/g, "").toLowerCase();
  if (/^[-+]?inf(?:inity)?f?$/.test(plain)) return plain.startsWith("-") ? -Infinity : Infinity;
  if (/^[-+]?nanf?$/.test(plain)) return NaN;
  const value = Number(plain.replace(/f$/, ""));
  if (plain === "" || Number.isNaN(value)) throw bad(word);
  return value;
}

/** Whole numbers and truth values; half_val holds bit patterns. */
function integer(word: string, bad: (word: string) => AtomgradError): bigint {
  if (word === "true" || word === "false") return word === "true" ? 1n : 0n;
  if (/^[-+]?\d+$/.test(word)) return BigInt(word);
  if (/^0[xX][0-9a-fA-F]+$/.test(word)) return BigInt(word);
  throw bad(word);
}

function messages(message: TextMessage, field: string): TextMessage[] {
  return message.fields.flatMap(([name, value]) => (name === field && isMessage(value) ? [value] : []));
}

function isMessage(value: TextValue): value is TextMessage {
  return typeof value === "object" && !(value instanceof Uint8Array);
}

function textField(message: TextMessage, field: string): string | undefined {
  const value = message.fields.find(([name]) => name === field)?.[1];
  if (value instanceof Uint8Array) return new TextDecoder().decode(value);
  return typeof value === "string" ? value : undefined;
}
