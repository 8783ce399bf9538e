import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { parseDeepmdInput } from "../../src/models/deepmd/config/deepmd-input.js";
import { formatOutJson } from "../../src/models/deepmd/config/out-json.js";
import { AtomgradError } from "../../src/tensor/error.js";
import { errorOf, expectOnlyAtomgradError } from "../data/expect-error.js";

type Section = Record<string, unknown>;
interface Case {
  input: Section;
  out: Record<string, Section>;
}
const fixture = join(import.meta.dirname, "../fixtures/deepmd-config/cases.json");
const cases = JSON.parse(readFileSync(fixture, "utf8")) as Record<string, Case>;

function parse(input: unknown, name = "input.json"): ReturnType<typeof parseDeepmdInput> {
  return parseDeepmdInput(JSON.stringify(input), name);
}

/** A small valid input with one value replaced (undefined: removed) at a path. */
function minimal(path = "", value?: unknown): Section {
  const input: Section = {
    model: {
      type_map: ["O", "H"],
      descriptor: { type: "se_atten", sel: 20 },
      fitting_net: { neuron: [8] },
    },
    learning_rate: { start_lr: 0.001 },
    loss: {},
    training: { training_data: { systems: ["a"] }, numb_steps: 10 },
  };
  if (path === "") return input;
  const keys = path.split(".");
  const last = keys.pop()!;
  let section = input;
  for (const key of keys) section = (section[key] ??= {}) as Section;
  if (value === undefined) delete section[last];
  else section[last] = value;
  return input;
}

describe("inputs of DeePMD-kit", () => {
  it.each(Object.entries(cases))(
    "%s: gives the same complete input as DeePMD-kit 3.2",
    (_, { input, out }) => {
      const ours = JSON.parse(formatOutJson(parse(input).input)) as Record<string, Section>;
      for (const [name, section] of Object.entries(out)) {
        if (name === "validating" && Object.keys(section).length === 0) continue;
        if (name === "learning_rate" && section.stop_lr !== null) {
          expect((ours[name].stop_lr as number) / (section.stop_lr as number)).toBeCloseTo(1, 14);
          section.stop_lr = ours[name].stop_lr;
        }
        expect(ours[name]).toEqual(section);
      }
    },
  );

  it("writes the out.json of `dp train`", () => {
    const folder = join(import.meta.dirname, "../fixtures/deepmd/cli");
    const theirs = JSON.parse(readFileSync(join(folder, "out.json"), "utf8")) as Record<string, Section>;
    const text = readFileSync(join(folder, "input.json"), "utf8");
    const ours = JSON.parse(formatOutJson(parseDeepmdInput(text, "input.json").input)) as Record<
      string,
      Section
    >;
    if (Object.keys(theirs.validating).length === 0) delete theirs.validating;
    expect(ours).toMatchObject(theirs);
  });

  it("reads its own out.json back", () => {
    for (const { input } of Object.values(cases)) {
      const { input: first } = parse(input);
      expect(parseDeepmdInput(formatOutJson(first), "out.json").input).toEqual(first);
    }
  });

  it("reads the same from YAML", () => {
    const { input } = cases.attention;
    expect(parseDeepmdInput(stringify(input), "input.yaml").input).toEqual(parse(input).input);
    const nitrogen = "model: {type_map: [H, N, Y, NO], descriptor: {type: dpa1, sel: 5}, fitting_net: {}}";
    const rest = "learning_rate: {start_lr: 1e-3}\ntraining: {training_data: {systems: a}, numb_steps: 1}";
    expect(parseDeepmdInput(`${nitrogen}\n${rest}\n`, "i.yml").input.model.type_map).toEqual([
      "H",
      "N",
      "Y",
      "NO",
    ]);
  });

  it("fills in what the model code needs", () => {
    const v2 = parse(minimal("model.descriptor", { type: "se_atten_v2", sel: 5 })).input.model.descriptor;
    expect(v2).toMatchObject({ tebd_input_mode: "strip", smooth_type_embedding: true, set_davg_zero: false });
    const strip = { type: "se_atten", sel: 5, stripped_type_embedding: true, smooth_type_embdding: true };
    const old = parse(minimal("model.descriptor", strip)).input.model.descriptor;
    expect(old).toMatchObject({ tebd_input_mode: "strip", smooth_type_embedding: true, set_davg_zero: true });
    expect(parse(minimal()).input.learning_rate.stop_lr).toBe(5e-8);
    expect(parse(minimal()).input.model.descriptor).toMatchObject({
      temperature: null,
      seed: null,
      ln_eps: null,
    });
    expect(parse(minimal("loss")).input.loss.start_pref_f).toBe(1000);
  });

  it("says what was converted and what has no effect", () => {
    expect(parse(minimal()).notes).toEqual([]);
    expect(parse(cases.version1.input).notes.join()).toMatch(/training\.systems/);
    expect(parse(cases.version0.input).notes.join()).toMatch(/0\.x/);
    expect(parse(minimal("training.profiling", true)).notes).toEqual([
      "training.profiling has no effect here",
    ]);
  });
});

describe("wrong inputs", () => {
  const wrong: [string, unknown, RegExp][] = [
    ["model.descriptor.sell", 3, /^input\.json: model\.descriptor\.sell: unknown key; did you mean "sel"\?$/],
    ["model.descriptor.smooth_type_embeding", true, /did you mean "smooth_type_embedding"\?$/],
    ["model.fitting_net.neurons", [1], /model\.fitting_net\.neurons: unknown key; did you mean "neuron"\?/],
    ["training.stat_file", " ", /training\.stat_file: found " "; allowed: a path or null/],
    ["training.stat_file_mode", "read", /training\.stat_file: is missing; stat_file_mode "read" needs it/],
    ["training.zzzzzz", 1, /training\.zzzzzz: unknown key; allowed: training_data, validation_data/],
    ["training.training_data.system", ["a"], /training_data\.system: unknown key; did you mean "systems"\?/],
    ["modle", {}, /modle: unknown key; did you mean "model"\?/],
    ["learning_rate.decay_step", 3, /learning_rate\.decay_step: unknown key; did you mean "decay_steps"\?/],
    ["model.descriptor.rcut", "6", /model\.descriptor\.rcut: found "6"; allowed: a number above 0$/],
    ["model.descriptor.rcut", 0.4, /rcut_smth: found 0\.5; allowed: a number below rcut \(0\.4\)/],
    ["model.descriptor.neuron", [25, "50"], /neuron\[1\]: found "50"; allowed: a whole number of at least 1/],
    ["model.descriptor.neuron", 25, /neuron: found 25; allowed: a list of whole numbers/],
    ["model.descriptor.neuron", [], /neuron: found \[\]; allowed: at least one width/],
    [
      "model.descriptor.axis_neuron",
      50,
      /axis_neuron: found 50; allowed: at most the last entry of neuron \(40\)/,
    ],
    ["model.descriptor.sel", 0, /sel: found 0; allowed: the number of neighbours, a list/],
    ["model.descriptor.sel", "automatic", /sel: found "automatic"; allowed:.*"auto:factor"/],
    ["model.descriptor.attn_dotr", "yes", /attn_dotr: found "yes"; allowed: true or false/],
    [
      "model.descriptor.activation_function",
      "tahn",
      /activation_function: found "tahn"; allowed: "tanh", "relu"/,
    ],
    [
      "model.descriptor.exclude_types",
      [[0, 2]],
      /exclude_types: names a type that does not exist; .* 0 to 1/,
    ],
    ["model.descriptor.exclude_types", [0, 1], /exclude_types\[0\]: found 0; allowed: a pair/],
    [
      "model.descriptor.type",
      "se_aten",
      /descriptor\.type: found "se_aten"; allowed: .*; did you mean "se_atten"\?/,
    ],
    ["model.descriptor.type", undefined, /descriptor\.type: is missing; allowed: se_atten \(dpa1\)/],
    ["model.descriptor", undefined, /model\.descriptor: is missing; allowed: a section/],
    ["model.descriptor", 7, /model\.descriptor: found 7; allowed: a section/],
    ["model", undefined, /model: is missing; allowed: a section/],
    ["training", [], /training: found \[\]; allowed: a section/],
    ["training.training_data", undefined, /training_data: is missing; allowed: a section/],
    ["training.training_data.systems", undefined, /systems: is missing; allowed: a folder, or a list/],
    [
      "training.training_data.batch_size",
      "auto-32",
      /batch_size: found "auto-32"; allowed: a number, a list/,
    ],
    ["training.numb_steps", undefined, /training\.numb_steps: is missing; give it, or numb_epoch/],
    ["training.stop_batch", 4, /training: "numb_steps" and "stop_batch" mean the same; keep one/],
    ["training.numb_epoch", 4, /numb_steps and numb_epoch exclude each other/],
    ["training.systems", ["a"], /both "systems" \(version 1\) and "training_data"/],
    ["learning_rate.start_lr", -1, /start_lr: found -1; allowed: a number above 0/],
    [
      "learning_rate.type",
      "exponential",
      /learning_rate\.type: found "exponential"; allowed: exp, cosine, wsd/,
    ],
    ["learning_rate", { start_lr: 1, stop_lr: 1, stop_lr_ratio: 1 }, /stop_lr and stop_lr_ratio exclude/],
    ["learning_rate", { warmup_steps: 1, warmup_ratio: 0.5 }, /warmup_steps and warmup_ratio exclude/],
    ["learning_rate.warmup_steps", 10, /warmup_steps: found 10; allowed: less than numb_steps \(10\)/],
    ["model.type_map", ["O", "O"], /type_map: "O" stands there twice/],
    ["model.type_map", undefined, /type_map: is missing; list the names/],
    ["model.fitting_net.default_fparam", [1], /default_fparam: 1 numbers; numb_fparam asks for 0/],
    ["model.fitting_net.trainable", [true], /trainable: 1 entries; 2 are needed/],
    ["model.fitting_net.atom_ener", [1, 2, 3], /atom_ener: 3 entries for 2 types/],
    ["model.preset_out_bias", { energy: [1] }, /preset_out_bias\.energy: 1 entries; 2 are needed/],
    ["loss.start_pref_e", "a", /loss\.start_pref_e: found "a"; allowed: a number of at least 0|at least 0/],
  ];

  it.each(wrong)("%s = %j", (path, value, says) => {
    const error = errorOf(() => parse(minimal(path, value)));
    expect(error.code).toBe("CONFIG");
    expect(error.message).toMatch(says);
    expect(error.message).toMatch(/^input\.json: /);
  });

  it("shows several problems, unknown keys first, in few lines", () => {
    const descriptor = {
      type: "dpa1",
      sell: 1,
      rcut: "a",
      attn: 0,
      attn_layer: -1,
      ln_eps: 0,
      neuron: ["x"],
    };
    const { message } = errorOf(() => parse(minimal("model.descriptor", descriptor)));
    expect(message.split("\n").length).toBe(6);
    expect(message.split("\n")[0]).toMatch(/sell: unknown key/);
    expect(message).toMatch(/and 1 more$/);
  });

  it("needs one section", () => {
    for (const text of ["3", "[]", "null", '"x"']) {
      expect(errorOf(() => parseDeepmdInput(text, "input.json")).message).toMatch(/must hold one section/);
    }
  });
});

describe("what DeePMD-kit has and this package has not", () => {
  const refused: [string, unknown, RegExp][] = [
    [
      "model.descriptor",
      { type: "dpa2" },
      /descriptor "dpa2" of DeePMD-kit is not supported.*; supported: se_atten \(dpa1\)/,
    ],
    ["model.descriptor", { type: "hybrid", list: [] }, /descriptor "hybrid" of DeePMD-kit is not supported/],
    ["model.descriptor", { type: "se_r" }, /descriptor "se_r" of DeePMD-kit/],
    ["model.fitting_net.type", "dipole", /fitting net "dipole" of DeePMD-kit is not supported/],
    ["model.type", "pairtab", /model type "pairtab" of DeePMD-kit is not supported/],
    ["model.spin", {}, /models with spin are not supported/],
    ["model.model_dict", {}, /multi-task training is not supported/],
    ["model.use_srtab", "x", /pair tables are not supported/],
    ["model.descriptor.lmax", 2, /lmax: only the classic/],
    ["model.fitting_net.layer_name", ["a"], /layer_name: layers shared by name/],
    ["loss.type", "ener_hess", /loss "ener_hess" of DeePMD-kit/],
    ["loss.start_pref_h", 1, /losses on the Hessian/],
    [
      "training.opt_type",
      "LKF",
      /optimizer\.type: the optimizer "LKF" of DeePMD-kit is not supported.*Adam, AdamW/,
    ],
    ["training.mixed_precision", { compute_prec: "float16" }, /mixed precision is not supported/],
    ["nvnmd", {}, /NVNMD hardware/],
    ["validating.full_validation", true, /validation on the full set is not supported yet/],
  ];

  it.each(refused)("%s = %j", (path, value, says) => {
    const error = errorOf(() => parse(minimal(path, value)));
    expect(error.message).toMatch(says);
    expect(error.message.split("\n").length).toBe(1);
  });

  it("takes nets of half precision by every name, and says how they are computed", () => {
    const brain = parse(minimal("model.fitting_net.precision", "bfloat16"));
    expect(brain.input.model.fitting_net.precision).toBe("bfloat16");
    expect(brain.notes).toEqual(["bfloat16 nets: weights are rounded to bfloat16, sums are float32"]);
    for (const [name, wanted] of Object.entries({ half: "float16", single: "float32", double: "float64" })) {
      const { input } = parse(minimal("model.descriptor.precision", name));
      expect(input.model.descriptor.precision).toBe(wanted);
    }
    expect(() => parse(minimal("model.descriptor.precision", "float8"))).toThrow(
      /precision: found "float8"; allowed: "default", "float16", "float32", "float64", "bfloat16"/,
    );
  });

  it("takes the harmless values of the same keys", () => {
    const harmless: [string, unknown][] = [
      ["model.descriptor.attn_mask", false],
      ["model.descriptor.lmax", 1],
      ["model.bridging_method", "None"],
      ["loss.start_pref_h", 0],
      ["training.training_data.min_pair_dist", 0],
      ["validating.full_validation", false],
    ];
    for (const [path, value] of harmless) expect(() => parse(minimal(path, value))).not.toThrow();
  });
});

describe("syntax", () => {
  const broken: [string, RegExp][] = [
    ['{\n  "a": 1,\n  "b": 2,\n}', /line 3, column 9: a comma stands before "}"; remove it/],
    ['{"a": [1, 2,]}', /line 1, column 12: a comma stands before "\]"/],
    ['{\n  "a": 1\n  "b": 2\n}', /line 3, column 3: "," or "}" is expected, found "b"/],
    ['{"a" 1}', /line 1, column 6: ":" after the key is expected, found 1/],
    ["{a: 1}", /line 1, column 2: a key in double quotes or "}" is expected, found a/],
    ["{'a': 1}", /line 1, column 2: single quotes are not JSON/],
    ['{"a": 1 // why\n}', /line 1, column 9: comments are not JSON; .*"_comment"/],
    ['{"a": NaN}', /column 7: NaN is not a JSON number/],
    ['{"a": True}', /column 7: True is Python; JSON says true/],
    ['{"a": 01}', /column 7: a value is expected, found 01/],
    ['{"a": "x\ny"}', /column 7: a text is not closed/],
    ['{"a": [1, 2', /column 12: the text ends, but the "\[" of line 1, column 7 is not closed/],
    ['{"a": 1}}', /column 9: nothing more is expected, found }/],
    ["", /the text is empty/],
    ["[1 2]", /column 4: "," or "\]" is expected, found 2/],
    ['{"a": 1]', /column 8: "," or "}" is expected, found \]/],
  ];

  it.each(broken)("%j", (text, says) => {
    const error = errorOf(() => parseDeepmdInput(text, "input.json"));
    expect(error.code).toBe("FORMAT");
    expect(error.message).toMatch(says);
    expect(error.message).toMatch(/^input\.json: not valid JSON: line \d+, column \d+: /);
  });

  it("finds a problem in everything that is not JSON", () => {
    const text = JSON.stringify(cases.attention.input);
    fc.assert(
      fc.property(
        fc.nat(text.length - 1),
        fc.string({ maxLength: 3 }),
        fc.nat(3),
        (at, inserted, removed) => {
          const changed = text.slice(0, at) + inserted + text.slice(at + removed);
          try {
            parseDeepmdInput(changed, "input.json");
          } catch (error) {
            expect(error).toBeInstanceOf(AtomgradError);
            const { message } = error as AtomgradError;
            if (message.includes("not valid JSON")) expect(message).toMatch(/line \d+, column \d+: \S/);
          }
        },
      ),
      { numRuns: 1000 },
    );
  });

  it("accepts a byte order mark", () => {
    expect(() => parseDeepmdInput(`\ufeff${JSON.stringify(minimal())}`, "input.json")).not.toThrow();
  });

  it("names the line of a YAML error and stops YAML that grows without bound", () => {
    expect(errorOf(() => parseDeepmdInput("model:\n  a: [1\n  b: 2\n", "i.yaml")).message).toMatch(
      /i\.yaml: not valid YAML: line \d/,
    );
    const bomb = ["a: &a [x, x, x, x, x, x, x, x, x, x]"];
    for (let k = 1; k < 12; k++)
      bomb.push(`b${k}: &b${k} [${new Array(10).fill(k === 1 ? "*a" : `*b${k - 1}`).join()}]`);
    expect(errorOf(() => parseDeepmdInput(bomb.join("\n"), "i.yaml")).message).toMatch(/not valid YAML/);
    expect(errorOf(() => parseDeepmdInput("a: &a\n  b: *a\n", "i.yaml")).code).toBe("FORMAT");
  });

  it("stops deep nesting", () => {
    const deep = "[".repeat(50000) + "]".repeat(50000);
    expect(errorOf(() => parseDeepmdInput(deep, "input.json")).message).toMatch(/nested more than 64 levels/);
    expect(errorOf(() => parseDeepmdInput("[".repeat(50000), "input.json")).message).toMatch(/not closed/);
    expectOnlyAtomgradError(() => parseDeepmdInput(deep, "input.yaml"));
  });

  it("is not fooled by names of the language", () => {
    const input = { ...minimal(), constructor: { type: 1 } };
    expect(errorOf(() => parse(input)).message).toMatch(/constructor: unknown key/);
    const text = JSON.stringify(minimal()).replace('"loss"', '"__proto__":{"x":1},"loss"');
    expect(() => parseDeepmdInput(text, "input.json")).not.toThrow();
  });
});
