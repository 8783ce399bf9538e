import { shown } from "./schema-parts.js";
import { isObject } from "./parse-text.js";
import type { Json, JsonObject } from "./parse-text.js";
import { configError } from "./problems.js";
import { suggest } from "./suggest.js";

interface Refusal {
  readonly path: string;
  /** Whether the value asks for the missing thing; any value but false, null, 0 and the empty ones by default. */
  readonly when?: (value: Json) => boolean;
  readonly says: string;
}

const given = (): boolean => true;
const isNot =
  (...usual: readonly Json[]): ((value: Json) => boolean) =>
  (value) =>
    !usual.includes(value);

const elsewhere = "use DeePMD-kit for it";
const multiTask = `multi-task training is not supported; train one model on one set of data, or ${elsewhere}`;
const pairTable = `short-range pair tables are not supported; leave this key out, or ${elsewhere}`;
const notYet = "is not supported yet";

const refusals: readonly Refusal[] = [
  { path: "model.model_dict", when: given, says: multiTask },
  { path: "model.shared_dict", when: given, says: multiTask },
  { path: "loss_dict", when: given, says: multiTask },
  { path: "training.data_dict", when: given, says: multiTask },
  { path: "training.model_prob", when: given, says: multiTask },
  { path: "nvnmd", when: given, says: `training for NVNMD hardware is not supported; ${elsewhere}` },
  { path: "model.spin", when: given, says: `models with spin are not supported; ${elsewhere}` },
  {
    path: "model.modifier",
    when: given,
    says: `modified (long-range) models are not supported; ${elsewhere}`,
  },
  { path: "model.compress", when: given, says: "compressed models are not supported; train the plain model" },
  { path: "model.finetune_head", when: given, says: multiTask },
  { path: "model.use_srtab", when: given, says: pairTable },
  { path: "model.smin_alpha", when: given, says: pairTable },
  { path: "model.sw_rmin", when: given, says: pairTable },
  { path: "model.sw_rmax", when: given, says: pairTable },
  {
    path: "model.bridging_method",
    when: isNot("None"),
    says: `bridging potentials are not supported; ${elsewhere}`,
  },
  {
    path: "model.descriptor.lmax",
    when: isNot(1, null),
    says: "only the classic se_atten with lmax 1 is supported; leave lmax out",
  },
  { path: "model.fitting_net.dim_case_embd", says: multiTask },
  {
    path: "model.fitting_net.layer_name",
    says: "layers shared by name exist only in DeePMD-kit's TensorFlow backend; leave it out",
  },
  {
    path: "model.fitting_net.use_aparam_as_mask",
    says: "atom parameters as a mask are not supported; set it to false",
  },
  { path: "loss.start_pref_h", says: "losses on the Hessian are not supported; set it to 0" },
  { path: "loss.limit_pref_h", says: "losses on the Hessian are not supported; set it to 0" },
  { path: "loss.start_pref_gf", says: "losses on generalised forces are not supported; set it to 0" },
  { path: "loss.limit_pref_gf", says: "losses on generalised forces are not supported; set it to 0" },
  {
    path: "loss.numb_generalized_coord",
    says: "losses on generalised forces are not supported; set it to 0",
  },
  {
    path: "loss.enable_atom_ener_coeff",
    says: "coefficients of atomic energies are not supported; set it to false",
  },
  {
    path: "training.mixed_precision",
    says: 'TensorFlow\'s mixed precision is not supported; set "precision" of the descriptor and the fitting net to "float32"',
  },
  {
    path: "training.acc_freq",
    when: isNot(1),
    says: "adding up gradients over steps exists only in DeePMD-kit's Paddle backend; set it to 1 and use a larger batch_size",
  },
  { path: "training.zero_stage", says: "sharding the optimiser over ranks is not supported; set it to 0" },
  {
    path: "training.training_data.min_pair_dist",
    says: `dropping frames by pair distance ${notYet}; set it to 0`,
  },
  {
    path: "validating.full_validation",
    says: `validation on the full set ${notYet}; set it to false and use "validation_data"`,
  },
];

interface Variants {
  readonly path: string;
  readonly what: string;
  /** Canonical types, with the aliases that are shown in brackets. */
  readonly supported: Readonly<Record<string, string>>;
  /** Types that DeePMD-kit has and we do not: no typing mistake. */
  readonly foreign: readonly string[];
}

const variants: readonly Variants[] = [
  {
    path: "model.type",
    what: "model type",
    supported: { standard: "" },
    foreign: ["dpa4", "DPA4", "SeZM", "sezm", "frozen", "pairtab", "pairwise_dprc", "linear_ener", "multi"],
  },
  {
    path: "model.descriptor.type",
    what: "descriptor",
    supported: { se_atten: " (dpa1)", se_atten_v2: "", se_e2_a: " (se_a)" },
    foreign: [
      ...[
        "loc_frame",
        "dpa4c",
        "DPA4C",
        "dpa4",
        "DPA4",
        "SeZM",
        "sezm",
        "se_e3",
        "se_at",
        "se_a_3be",
        "se_t",
        "se_a_tpe",
      ],
      ...[
        "se_a_ebd",
        "se_e2_r",
        "se_r",
        "hybrid",
        "se_e3_tebd",
        "dpa2",
        "dpa3",
        "se_a_ebd_v2",
        "se_a_tpe_v2",
        "se_a_mask",
      ],
    ],
  },
  {
    path: "model.fitting_net.type",
    what: "fitting net",
    supported: { ener: "" },
    foreign: ["dpa4_ener", "sezm_ener", "dos", "population", "property", "polar", "dipole", "direct_force"],
  },
  {
    path: "learning_rate.type",
    what: "learning rate",
    supported: { exp: "", cosine: "", wsd: "" },
    foreign: [],
  },
  {
    path: "loss.type",
    what: "loss",
    supported: { ener: "" },
    foreign: ["ener_hess", "dens", "ener_spin", "dos", "population", "property", "tensor"],
  },
  {
    path: "optimizer.type",
    what: "optimizer",
    supported: { Adam: "", AdamW: "" },
    foreign: ["LKF", "AdaMuon", "HybridMuon"],
  },
];

/**
 * Refuses, in one sentence each, what DeePMD-kit has and this package has not, before the schema calls it unknown.
 *
 * @throws AtomgradError CONFIG with the path, what is not supported and what to do
 */
export function refuseUnsupported(input: JsonObject, name: string): void {
  const lines = refusals
    .filter(({ path, when }) => {
      const value = at(input, path);
      return value !== undefined && (when ?? asksForIt)(value);
    })
    .map(({ path, says }) => `${path}: ${says}`);
  for (const variant of variants) {
    if (isObject(at(input, variant.path.replace(/\.?type$/, ""))))
      lines.push(...checkType(at(input, variant.path), variant));
  }
  if (lines.length > 0) throw configError(name, [...new Set(lines)]);
}

function asksForIt(value: Json): boolean {
  return value !== false && value !== null && value !== 0 && !(Array.isArray(value) && value.length === 0);
}

function checkType(found: Json | undefined, { path, what, supported, foreign }: Variants): string[] {
  const names = Object.keys(supported);
  if (typeof found === "string" && names.includes(found)) return [];
  const allowed = Object.entries(supported)
    .map(([type, aliases]) => type + aliases)
    .join(", ");
  if (found === undefined)
    return path === "model.descriptor.type" ? [`${path}: is missing; allowed: ${allowed}`] : [];
  if (typeof found === "string" && foreign.includes(found)) {
    return [
      `${path}: the ${what} ${shown(found)} of DeePMD-kit is not supported by this package; supported: ${allowed}`,
    ];
  }
  const near = typeof found === "string" ? suggest(found, [...names, "dpa1", "se_a"]) : null;
  return [
    `${path}: found ${shown(found)}; allowed: ${allowed}${near === null ? "" : `; did you mean "${near}"?`}`,
  ];
}

function at(input: JsonObject, path: string): Json | undefined {
  let value: Json | undefined = input;
  for (const key of path.split("."))
    value = isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
  return value;
}
