import { basename, extname } from "node:path";
import { readBytes } from "../../../data/read-file.js";
import { withWeights } from "../../../data/weights/open.js";
import { type TfNode, tfGraphNodes } from "../../../data/weights/tf-nodes.js";
import { AtomgradError } from "../../../tensor/error.js";
import type { NamedArray } from "./named-weights.js";

const maxGraphBytes = 1 << 28;

/** Graphs of versions before 1.0 under the names of later ones. */
const renamed: readonly (readonly [RegExp, string])[] = [
  [/^DS_layer_type_/, "filter_type_"],
  [/^t_(avg|std)$/, "descrpt_attr/t_$1"],
  [/^t_(rcut|ntypes)$/, "descrpt_attr/$1"],
];

/** Operations that are activation functions, by the name an input gives them. */
const activations: Readonly<Record<string, string>> = {
  Tanh: "tanh",
  Relu: "relu",
  Relu6: "relu6",
  Softplus: "softplus",
  Sigmoid: "sigmoid",
  Gelu: "gelu",
  GeluCustom: "gelu",
};

/** A frozen TensorFlow graph of DeePMD-kit: its constants, the attributes of its descriptor, the script it was trained with. */
export class TfSource {
  /** The file's basename, for messages. */
  readonly file: string;
  readonly arrays: ReadonlyMap<string, NamedArray & { readonly dtype: string }>;
  /** The training script; null in graphs of early versions. */
  readonly script: Record<string, unknown> | null;
  private readonly nodes: readonly TfNode[];
  private readonly texts: ReadonlyMap<string, string>;

  /** Errors: FILE, FORMAT. */
  constructor(path: string) {
    this.file = basename(path);
    const isText = extname(path).toLowerCase() === ".pbtxt";
    this.nodes = tfGraphNodes(readBytes(path, maxGraphBytes), this.file, isText);
    this.arrays = withWeights(path, ({ tensors }) => {
      const kept = tensors.filter(({ name, array }) => array !== null && !name.startsWith("gradients/"));
      return new Map(
        kept.map(({ name, shape, dtype, array }) => [modern(name), { shape, dtype, data: array!.float64() }]),
      );
    });
    this.texts = new Map(this.nodes.flatMap(({ name, text }) => (text === null ? [] : [[name, text]])));
    this.script = this.readScript();
  }

  bad(what: string): AtomgradError {
    return new AtomgradError("FORMAT", `${this.file}: ${what}`);
  }

  text(name: string): string | undefined {
    return this.texts.get(name);
  }

  /** The first node of one of these operations. */
  node(...ops: readonly string[]): TfNode | undefined {
    return this.nodes.find(({ op }) => ops.includes(op));
  }

  has(name: string): boolean {
    return this.arrays.has(name);
  }

  array(name: string): NamedArray & { readonly dtype: string } {
    const found = this.arrays.get(name);
    if (found === undefined)
      throw this.bad(`the constant ${name} is missing; the graph is none of DeePMD-kit's, or compressed`);
    const at = found.data.findIndex((x) => !Number.isFinite(x));
    if (at >= 0)
      throw this.bad(
        `the constant ${name}: entry ${at} is ${found.data[at]}; the model is damaged or its training failed`,
      );
    return found;
  }

  /** A whole number; `fallback` where the graph has none. */
  whole(name: string, fallback: number): number {
    return this.arrays.get(name)?.data[0] ?? fallback;
  }

  /** A section of the script. */
  section(name: string): Record<string, unknown> {
    const model = this.script?.model as Record<string, unknown> | undefined;
    const found = name === "model" ? model : model?.[name];
    return typeof found === "object" && found !== null ? (found as Record<string, unknown>) : {};
  }

  /** The activation function of a scope, told by its operations; "linear" where there is none. */
  activationIn(scope: string): string {
    return this.activationWhere((name) => modern(name).startsWith(scope));
  }

  /** The activation function outside of all scopes: where early versions put the fitting net's. */
  activationAtTop(): string {
    return this.activationWhere((name) => !name.includes("/"));
  }

  private activationWhere(isThere: (name: string) => boolean): string {
    const node = this.nodes.find(({ name, op }) => isThere(name) && Object.hasOwn(activations, op));
    return node === undefined ? "linear" : activations[node.op];
  }

  private readScript(): Record<string, unknown> | null {
    const text = this.texts.get("train_attr/training_script");
    if (text === undefined) return null;
    try {
      return JSON.parse(text) as Record<string, unknown>;
    } catch (cause) {
      throw new AtomgradError(
        "FORMAT",
        `${this.file}: train_attr/training_script is not JSON; the file is damaged`,
        { cause },
      );
    }
  }
}

function modern(name: string): string {
  return renamed.reduce((text, [old, now]) => text.replace(old, now), name);
}
