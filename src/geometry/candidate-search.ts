import { type AtomsInCells, countCandidates, listCandidates } from "../../kernels/neighbours/op.js";
import type { DeviceContext } from "../tensor/device.js";
import { keep, scope } from "../tensor/scope.js";
import { Tensor } from "../tensor/tensor.js";
import { CandidateArrays } from "./candidate-arrays.js";
import { type DecidedPairs, PairDecision } from "./candidate-decision.js";
import { assertCutoff, searchDevice } from "./neighbor-search.js";
import { type AtomsInCell, SearchArrays } from "./search-space.js";

/** Candidates that are read at a time: 64 MiB, half of what every WebGPU device binds. */
const mostCandidates = 2 ** 23;

/**
 * Neighbours of frames found on a device without f64, exactly those that f64 finds: the device looks for candidates
 * (`CandidateArrays` says why it misses none), the host decides which are neighbours. The device is asked twice: for the numbers
 * of candidates, then for the candidates themselves, part by part where they are many.
 *
 * Errors: SHAPE, VALUE as `neighborList`; DEVICE where a buffer is more than the device binds, with the size.
 */
export async function searchCandidates(
  frames: readonly AtomsInCell[],
  rcut: number,
  inclusive: boolean,
  device: DeviceContext,
  most = mostCandidates,
): Promise<DecidedPairs> {
  assertCutoff(rcut);
  const arrays = new SearchArrays(frames, rcut, searchDevice().name);
  const candidates = new CandidateArrays(arrays, rcut);
  const decision = new PairDecision(candidates, arrays.framePtr, rcut, inclusive);
  const N = arrays.atoms;
  if (N === 0) return decision.pairs();
  const atoms = upload(candidates, device);
  try {
    const counts = (await read(() => countCandidates(atoms, 0, N))) as Int32Array;
    for (const { from, ptr } of partsOf(counts, most)) {
      const E = ptr[ptr.length - 1];
      if (E === 0) continue;
      const list = () => listCandidates(atoms, from, Tensor.over(device, ptr, [ptr.length]), E);
      decision.add(from, ptr, (await read(list)) as Int32Array);
    }
  } finally {
    for (const t of Object.values(atoms)) t.dispose();
  }
  return decision.pairs();
}

/** The arrays on the device: tensors that live until they are disposed of, or none where one of them does not fit. */
function upload(
  { order, place, window, cellPtr, frame, plan }: CandidateArrays,
  device: DeviceContext,
): AtomsInCells & Record<string, Tensor> {
  const [N, F] = [order.length, plan.length / 7];
  return scope(() => {
    const atoms = {
      place: Tensor.over(device, place, [N, 4]),
      window: Tensor.over(device, window, [N, 7]),
      cellPtr: Tensor.over(device, cellPtr, [cellPtr.length]),
      frame: Tensor.over(device, frame, [F, 10]),
      plan: Tensor.over(device, plan, [F, 7]),
    };
    for (const t of Object.values(atoms)) keep(t);
    return atoms;
  });
}

/** Asks for the values of a tensor that is freed at once: reads see what is there when they are asked for. */
function read(make: () => Tensor): ReturnType<Tensor["data"]> {
  const asked: { values?: ReturnType<Tensor["data"]> } = {};
  scope(() => void (asked.values = make().data()));
  return asked.values!;
}

/** Runs of centres with at most so many candidates, or of one centre, and where the candidates of each begin. */
function* partsOf(counts: Int32Array, most: number): Generator<{ from: number; ptr: Int32Array }> {
  for (let from = 0; from < counts.length;) {
    let [to, sum] = [from, 0];
    do sum += counts[to++];
    while (to < counts.length && sum + counts[to] <= most);
    const ptr = new Int32Array(to - from + 1);
    for (let m = 0; m < to - from; m++) ptr[m + 1] = ptr[m] + counts[from + m];
    yield { from, ptr };
    from = to;
  }
}
