import { AtomgradError } from "../../tensor/error.js";
import type { ModelConfig, SeAttenConfig, SeE2AConfig } from "./config/schema-model.js";
import type { FittingSettings } from "./energy-fitting.js";
import type { DescriptorSettings } from "./descriptor-settings.js";
import type { NeighbourSettings } from "./settings.js";
import type { SeAttenSettings } from "./se-atten/settings.js";

/** LayerNorm's epsilon where `ln_eps` is not given; models with TensorFlow's rules always give it. */
const normEps = 1e-5;

/** The settings of a model's descriptor, `sel` resolved to numbers. Errors: CONFIG. */
export function descriptorSettings(model: ModelConfig): DescriptorSettings {
  const { descriptor } = model;
  const { sel } = descriptor;
  if (typeof sel === "string")
    throw new AtomgradError(
      "CONFIG",
      `model.descriptor.sel is "${sel}"; it must be resolved to a number first`,
    );
  if (descriptor.type !== "se_e2_a") return seAttenSettings(model, descriptor, sel);
  const common = neighbourSettings(model, descriptor);
  const list = sel as readonly number[];
  if (list.length !== common.typeCount)
    throw new AtomgradError(
      "CONFIG",
      `model.descriptor.sel has ${list.length} numbers; se_e2_a needs one for each of the ${common.typeCount} types`,
    );
  return { kind: "se_e2_a", ...common, sel: list };
}

function neighbourSettings(model: ModelConfig, descriptor: SeAttenConfig | SeE2AConfig): NeighbourSettings {
  const typeMap = model.type_map;
  if (typeMap === null)
    throw new AtomgradError("CONFIG", 'model.type_map is missing; name the types, such as ["O", "H"]');
  return {
    typeCount: typeMap.length,
    typeMap,
    rules: model.rules,
    rcut: descriptor.rcut,
    rcutSmooth: descriptor.rcut_smth,
    protection: descriptor.env_protection,
    excludeTypes: descriptor.exclude_types,
    removedPairs: model.pair_exclude_types,
    silentTypes: model.atom_exclude_types,
    neuron: descriptor.neuron,
    axisNeuron: descriptor.axis_neuron,
    activation: descriptor.activation_function,
    resnetDt: descriptor.resnet_dt,
    typeOneSide: descriptor.type_one_side,
    setDavgZero: descriptor.set_davg_zero,
  };
}

function seAttenSettings(
  model: ModelConfig,
  descriptor: SeAttenConfig,
  sel: number | readonly number[],
): SeAttenSettings {
  return {
    kind: "se_atten",
    ...neighbourSettings(model, descriptor),
    sel: typeof sel === "number" ? sel : sel.reduce((a, b) => a + b, 0),
    tebdDim: descriptor.tebd_dim,
    typeNet: {
      neuron: model.type_embedding?.neuron ?? [descriptor.tebd_dim],
      activation: model.type_embedding?.activation_function ?? "linear",
      resnetDt: model.type_embedding?.resnet_dt ?? false,
    },
    tebdBias: descriptor.use_tebd_bias,
    econf: descriptor.use_econf_tebd,
    stripMode: descriptor.tebd_input_mode === "strip",
    smooth: descriptor.smooth_type_embedding,
    concatOutputTebd: descriptor.concat_output_tebd,
    attentionLayers: descriptor.attn_layer,
    attentionWidth: descriptor.attn,
    dotr: descriptor.attn_dotr,
    maskSelf: descriptor.attn_mask,
    normalize: descriptor.normalize,
    scalingFactor: descriptor.scaling_factor,
    temperature: descriptor.temperature,
    trainableNorm: descriptor.trainable_ln,
    normEps: descriptor.ln_eps ?? normEps,
  };
}

/** The settings of the fitting net. Errors: CONFIG for what it does not have. */
export function fittingSettings(model: ModelConfig): FittingSettings {
  const { fitting_net: fitting } = model;
  if (fitting.dim_case_embd > 0)
    throw new AtomgradError(
      "CONFIG",
      "model.fitting_net.dim_case_embd is not computed by this version; leave it out",
    );
  const typeCount = model.type_map?.length ?? 0;
  const energies = fitting.atom_ener;
  const any = energies.some((energy) => energy !== null);
  return {
    typeCount,
    rules: model.rules,
    neuron: fitting.neuron,
    activation: fitting.activation_function,
    resnetDt: fitting.resnet_dt,
    sharedNet: model.descriptor.type !== "se_e2_a",
    parameters: {
      fparam: fitting.numb_fparam,
      aparam: fitting.numb_aparam,
      defaultFparam: fitting.default_fparam,
    },
    // A list that is too short counts as given beyond its end, as in DeePMD-kit.
    withoutVacuum: Array.from({ length: typeCount }, (_, t) => any && energies[t] !== null),
  };
}
