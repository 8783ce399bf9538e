import { groupsOf64, type Kernel, word } from "../tensor/backend.js";
import { typeCode } from "../tensor/dtype.js";
import { AtomgradError } from "../tensor/error.js";
import { sameShape, showShape } from "../tensor/shape.js";
import { Tensor } from "../tensor/tensor.js";
import { mustRecord, record, type Rule } from "./node.js";

/**
 * The sum of two gradients of one tensor: the only arithmetic the tape itself needs. It runs the body of the elementwise
 * family's `add` (layout: one dimension of n elements, stride 1 for both inputs), found by name like any kernel.
 */
const kernel: Kernel = {
  name: "add",
  intNames: ["rank", "n", "strideA", "strideB"],
  realNames: [],
  inputs: 2,
  outputs: 1,
  types: [undefined, undefined, undefined],
  reference: ({ ints: { n }, buffers: [a, b, out] }) => {
    for (let k = 0; k < n; k++) out![k] = a![k] + b![k];
  },
  wgsl: {
    code: `
@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;
struct Parameters { ints: array<vec4<i32>, 18>, reals: array<vec4<f32>, 8> }
@group(0) @binding(3) var<uniform> p: Parameters;
@compute @workgroup_size(64)
fn add(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let k = id.x + id.y * groups.x * 64u;
  if (k < u32(p.ints[0].y)) { out[k] = a[k] + b[k]; }
}`,
    groups: (ints) => groupsOf64(ints[1]),
  },
  cost: (ints) => ({ flop: ints[1], elements: 3 * ints[1] }),
  cache: [],
};

const rule: Rule = { name: "accumulate", vjp: (g) => [g, g] };

/** a + b for gradients of equal shape. */
export function accumulate(a: Tensor, b: Tensor): Tensor {
  if (!sameShape(a.shape, b.shape) || a.dtype !== b.dtype)
    throw new AtomgradError(
      "SHAPE",
      `grad: contributions of ${a.dtype}${showShape(a.shape)} and ${b.dtype}${showShape(b.shape)} to one tensor; a gradient rule returned a wrong shape`,
    );
  const out = Tensor.empty(a.device, a.dtype, a.shape, a.size);
  const { words } = a.device.backend;
  words[word.buffers] = a.storage.slot;
  words[word.buffers + 1] = b.storage.slot;
  words[word.buffers + 2] = out.storage.slot;
  words[word.buffers + 3] = word.end;
  words[word.work] = -1;
  words[word.ints] = 1;
  words[word.ints + 1] = a.size;
  words[word.ints + 2] = 1;
  words[word.ints + 3] = 1;
  a.device.backend.launch(kernel, typeCode[a.dtype]);
  return mustRecord([a, b]) ? record(rule, out, [a, b], [], undefined, false) : out;
}
