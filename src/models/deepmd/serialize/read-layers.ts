import { AtomgradError } from "../../../tensor/error.js";
import { type NetPrecision, netPrecisions, otherNames } from "../net-precision.js";
import type { Fields } from "./fields.js";
import { isArray, type NdArray } from "./tree.js";
import type { AttentionWeights, LayerWeights } from "./weights.js";

/** What is known of a net from the section that holds it. */
export interface NetShape {
  readonly input: number;
  readonly neuron: readonly number[];
  /** Width of the linear last layer; absent for embedding nets. */
  readonly output?: number;
}

/** The number type of a net. */
export function readPrecision(fields: Fields, key = "precision"): NetPrecision {
  const precision = fields.text(key, "default");
  const known = netPrecisions.find((name) => name === (otherNames[precision] ?? precision));
  if (known !== undefined) return known;
  throw new AtomgradError(
    "FORMAT",
    `${fields.file}: ${fields.at(key)}: models in ${precision.slice(0, 40)} are not supported; ${netPrecisions.slice(1).join(", ")} are`,
  );
}

/** The one net of a collection that all types share (`ndim` 0). */
export function readSharedNet(fields: Fields, shape: NetShape): LayerWeights[] {
  fields.version("NetworkCollection", [1]);
  const nets = fields.children("networks");
  if (fields.whole("ndim") !== 0 || nets.length !== 1) {
    throw fields.bad("networks", "separate nets for each type; one net shared by all types is needed");
  }
  return readNet(nets[0], shape);
}

/** The nets of a collection with one per type (`ndim` 1) or per pair of types (`ndim` 2). */
export function readNets(fields: Fields, ndim: 1 | 2, types: number, shape: NetShape): LayerWeights[][] {
  fields.version("NetworkCollection", [1]);
  const nets = fields.children("networks");
  const needed = types ** ndim;
  if (fields.whole("ndim") !== ndim || nets.length !== needed) {
    throw fields.bad(
      "networks",
      `${nets.length} nets with ndim ${fields.whole("ndim")}; ${needed} with ndim ${ndim} are needed`,
    );
  }
  return nets.map((net) => readNet(net, shape));
}

/** An embedding or fitting net; every layer must fit the widths its owner announces. */
export function readNet(fields: Fields, { input, neuron, output }: NetShape): LayerWeights[] {
  const widths = output === undefined ? [...neuron] : [...neuron, output];
  const layers = fields.children("layers");
  if (layers.length !== widths.length) {
    throw fields.bad("layers", `${layers.length} layers; ${widths.length} are needed`);
  }
  return layers.map((layer, k) => readLayer(layer, k === 0 ? input : widths[k - 1], widths[k]));
}

/** One layer of version 1 or 2 (2 adds `trainable`). */
export function readLayer(fields: Fields, input: number, output: number): LayerWeights {
  fields.version("Layer", [1, 2]);
  readPrecision(fields);
  const variables = fields.child("@variables");
  const hasBias = fields.flag("bias", variables.has("b"));
  const hasStep = fields.flag("use_timestep", variables.has("idt"));
  return {
    w: variables.array("w", [input, output]),
    b: hasBias ? row(variables, "b", output) : null,
    idt: hasStep ? row(variables, "idt", output) : null,
    resnet: fields.flag("resnet", false),
    activation: fields.has("activation_function") ? fields.text("activation_function") : "none",
    trainable: fields.flag("trainable", true),
  };
}

/** [size]; models that went through older versions have [1, size]. */
function row(fields: Fields, key: string, size: number): NdArray {
  const array = fields.value(key);
  const flat = isArray(array) && array.shape.length === 2 && array.shape[0] === 1;
  return flat ? { ...fields.array(key, [1, size]), shape: [size] } : fields.array(key, [size]);
}

/** One attention layer over neighbours: M = `width`, H = `hidden`. */
export function readAttention(fields: Fields, width: number, hidden: number): AttentionWeights {
  const attention = fields.child("attention_layer");
  if (attention.whole("num_heads", 1) !== 1) {
    throw attention.bad("num_heads", "attention with several heads is not supported");
  }
  const norm = fields.child("attn_layer_norm");
  norm.version("LayerNorm", [1]);
  const variables = norm.child("@variables");
  return {
    inProj: readLayer(attention.child("in_proj"), width, 3 * hidden),
    outProj: readLayer(attention.child("out_proj"), hidden, width),
    normWeight: variables.array("w", [width]),
    normBias: variables.array("b", [width]),
  };
}
