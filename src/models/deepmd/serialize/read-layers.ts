import { AtomgradError } from "../../../tensor/error.js";
import type { Fields } from "./fields.js";
import type { AttentionWeights, LayerWeights } from "./weights.js";

/** What is known of a net from the section that holds it. */
export interface NetShape {
  readonly input: number;
  readonly neuron: readonly number[];
  /** Width of the linear last layer; absent for embedding nets. */
  readonly output?: number;
}

/** Refuses half precision, which no backend of this package computes in. */
export function readPrecision(fields: Fields, key = "precision"): "default" | "float32" | "float64" {
  const precision = fields.text(key, "default");
  if (precision === "default" || precision === "float32" || precision === "float64") return precision;
  throw new AtomgradError(
    "FORMAT",
    `${fields.file}: ${fields.at(key)}: models in ${precision.slice(0, 40)} are not supported; float32 and float64 are`,
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
    b: hasBias ? variables.array("b", [output]) : null,
    idt: hasStep ? variables.array("idt", [output]) : null,
    resnet: fields.flag("resnet", false),
    activation: fields.has("activation_function") ? fields.text("activation_function") : "none",
    trainable: fields.flag("trainable", true),
  };
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
