import { fittingInput } from "./tf-fitting.js";
import { type Named, netWidths, putNet, slotStatistics } from "./tf-layers.js";
import type { TfSource } from "./tf-source.js";

const block = "descriptor.sea";

/** The `se_e2_a` descriptor of a graph: its settings (as in an input); puts its weights. */
export function tfSeE2A(source: TfSource, to: Named, types: number): Record<string, unknown> {
  if (!source.has("filter_type_0/matrix_1_0") && source.has("filter_type_all/matrix_1"))
    throw source.bad("se_e2_a with a type embedding is not supported; se_e2_a without it and se_atten are");
  const oneSide = source.has("filter_type_all/matrix_1_0");
  const nets = [...source.arrays.keys()].filter((name) => /^filter_type_\w+\/matrix_1_\d+$/.test(name));
  if (nets.length === 0)
    throw source.bad("no embedding nets (filter_type_*/matrix_1_*); a compressed graph cannot be read");
  const [scope, suffix] = [nets[0].split("/")[0], `_${nets[0].split("_").at(-1)!}`];
  const neuron = netWidths(source, scope, suffix);
  for (let centre = 0; centre < (oneSide ? 1 : types); centre++)
    for (let neighbour = 0; neighbour < types; neighbour++) {
      const target = `${block}.filter_layers.networks.${oneSide ? neighbour : centre + types * neighbour}`;
      const from = oneSide ? "filter_type_all" : `filter_type_${centre}`;
      if (source.has(`${from}/matrix_1_${neighbour}`))
        putNet(source, to, target, from, `_${neighbour}`, neuron.length);
      else putNothing(to, target, neuron);
    }
  to.set(`${block}.mean`, slotStatistics(source, "descrpt_attr/t_avg"));
  to.set(`${block}.stddev`, slotStatistics(source, "descrpt_attr/t_std"));
  const script = source.section("descriptor");
  return {
    ...environmentSettings(source),
    type: "se_e2_a",
    neuron,
    axis_neuron: fittingInput(source, false) / neuron[neuron.length - 1],
    activation_function: script.activation_function ?? source.activationIn(`${scope}/`),
    resnet_dt: [...source.arrays.keys()].some((name) => /^filter_type_\w+\/idt_/.test(name)),
    type_one_side: oneSide,
    precision: source.array(`${scope}/matrix_1${suffix}`).dtype,
    trainable: script.trainable ?? true,
    exclude_types: script.exclude_types ?? [],
    set_davg_zero: script.set_davg_zero ?? false,
  };
}

/** An excluded pair has no net in the graph; its neighbours contribute nothing whatever stands here. */
function putNothing(to: Named, target: string, neuron: readonly number[]): void {
  neuron.forEach((width, l) => {
    const input = l === 0 ? 1 : neuron[l - 1];
    to.set(`${target}.layers.${l}.matrix`, { shape: [input, width], data: new Float64Array(input * width) });
    to.set(`${target}.layers.${l}.bias`, { shape: [width], data: new Float64Array(width) });
  });
}

/**
 * Radii and numbers of neighbours. The kernel has radii in float32; what else uses them (smooth attention) has them as the input
 * does.
 */
export function environmentSettings(source: TfSource): Record<string, unknown> {
  const node = source.node("ProdEnvMatA", "DescrptSeA", "DescrptNorot", "ProdEnvMatAMix")!;
  const [rcut, smooth, sel] = [
    node.reals.get("rcut_r"),
    node.reals.get("rcut_r_smth"),
    node.wholes.get("sel_a"),
  ];
  if (rcut === undefined || smooth === undefined || sel === undefined)
    throw source.bad(`the operation ${node.name} has no rcut_r, rcut_r_smth and sel_a; the graph is damaged`);
  const script = source.section("descriptor");
  const given = (key: string, rounded: number): number => {
    const value = script[key];
    return typeof value === "number" && Math.fround(value) === rounded ? value : rounded;
  };
  return { rcut: given("rcut", rcut), rcut_smth: given("rcut_smth", smooth), sel, env_protection: 0 };
}
