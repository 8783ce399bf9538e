import { RandomStream } from "../../tensor/philox.js";
import { sizeOf, type Shape } from "../../tensor/shape.js";
import type { ModelConfig } from "./config/deepmd-input.js";
import { qualifiesForResidual } from "./dense.js";
import type { Weights } from "./parameters.js";
import { seAttenConfig, seAttenSettings } from "./se-atten/from-config.js";
import { configurationWidth } from "./se-atten/electron-configuration.js";
import type { EnergyBias } from "./statistics.js";
import type { EnvironmentStatistics } from "./se-atten/descriptor.js";

const streams = { descriptor: 101, fitting: 102 } as const;

/** Draws weights as DeePMD-kit does (spec 2.6): matrices N(0, 1/sqrt(in + out)), biases N(0, 1), time steps N(0.1, 0.001). */
class WeightDrawer {
  readonly weights: Weights = new Map();
  private random: RandomStream;

  constructor(seed: number, stream: number) {
    this.random = new RandomStream(seed, stream);
  }

  start(seed: number, stream: number): void {
    this.random = new RandomStream(seed, stream);
  }

  normal(name: string, shape: Shape, mean: number, deviation: number): void {
    const data = Float64Array.from({ length: sizeOf(shape) }, () => mean + deviation * this.random.normal());
    this.weights.set(name, { shape, data });
  }

  constant(name: string, shape: Shape, value: number): void {
    this.weights.set(name, { shape, data: new Float64Array(sizeOf(shape)).fill(value) });
  }

  layer(
    prefix: string,
    input: number,
    output: number,
    options: { bias?: boolean; idt?: boolean } = {},
  ): void {
    this.normal(`${prefix}.matrix`, [input, output], 0, 1 / Math.sqrt(input + output));
    if (options.bias !== false) this.normal(`${prefix}.bias`, [output], 0, 1);
    if (options.idt === true) this.normal(`${prefix}.idt`, [output], 0.1, 0.001);
  }

  /** Layers input -> widths[0] -> widths[1] ... */
  chain(prefix: string, input: number, widths: readonly number[], resnetDt: boolean): void {
    widths.forEach((output, l) => {
      const from = l === 0 ? input : widths[l - 1];
      this.layer(`${prefix}.${l}`, from, output, { idt: resnetDt && qualifiesForResidual(from, output) });
    });
  }
}

/** First weights of a `se_atten` energy model. `seed` is used where a section names none. */
export function initialWeights(
  model: ModelConfig,
  statistics: EnvironmentStatistics,
  energy: EnergyBias,
  seed: number,
): Weights {
  const s = seAttenSettings(model);
  const draw = new WeightDrawer(seAttenConfig(model).seed ?? seed, streams.descriptor);
  const typeInput = s.econf ? configurationWidth : s.typeCount;
  const embedding = "descriptor.type_embedding.embedding.embedding_net.layers.0";
  draw.layer(embedding, typeInput, s.tebdDim, { bias: s.tebdBias });
  const typesWidth = s.typeOneSide ? s.tebdDim : 2 * s.tebdDim;
  const block = "descriptor.se_atten";
  draw.chain(
    `${block}.filter_layers.networks.0.layers`,
    s.stripMode ? 1 : 1 + typesWidth,
    s.neuron,
    s.resnetDt,
  );
  if (s.stripMode)
    draw.chain(`${block}.filter_layers_strip.networks.0.layers`, typesWidth, s.neuron, s.resnetDt);
  const width = s.neuron[s.neuron.length - 1];
  for (let k = 0; k < s.attentionLayers; k++) {
    const layer = `${block}.dpa1_attention.attention_layers.${k}`;
    draw.layer(`${layer}.attention_layer.in_proj`, width, 3 * s.attentionWidth);
    draw.layer(`${layer}.attention_layer.out_proj`, s.attentionWidth, width);
    draw.constant(`${layer}.attn_layer_norm.matrix`, [width], 1);
    draw.constant(`${layer}.attn_layer_norm.bias`, [width], 0);
  }
  const fitting = model.fitting_net;
  draw.start(fitting.seed ?? seed, streams.fitting);
  const input = width * s.axisNeuron + (s.concatOutputTebd ? s.tebdDim : 0);
  const net = "fitting_net.filter_layers.networks.0.layers";
  draw.chain(net, input, fitting.neuron, fitting.resnet_dt);
  draw.layer(`${net}.${fitting.neuron.length}`, fitting.neuron[fitting.neuron.length - 1] ?? input, 1);
  const { weights } = draw;
  weights.set(`${block}.mean`, { shape: [s.typeCount, 4], data: statistics.mean });
  weights.set(`${block}.stddev`, { shape: [s.typeCount, 4], data: statistics.stddev });
  weights.set("fitting_net.bias_atom_e", { shape: [s.typeCount], data: new Float64Array(s.typeCount) });
  weights.set("out_bias", { shape: [s.typeCount], data: energy.bias });
  weights.set("out_std", {
    shape: [s.typeCount],
    data: new Float64Array(s.typeCount).fill(energy.deviation),
  });
  return weights;
}
