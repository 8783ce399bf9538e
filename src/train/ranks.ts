import { loadMpiAddon, type MpiAddon } from "../backends/mpi/addon.js";
import { type Tensor, tensor } from "../tensor/tensor.js";

/** The processes that train together, as one of them sees them. All must make the same calls in the same order. */
export interface Ranks {
  /** This process's number; 0 leads: it alone writes files and prints. */
  readonly rank: number;
  readonly size: number;
  /** Means over the processes of tensors that each has in the same shapes; the same bits everywhere and in every run. */
  mean(tensors: readonly Tensor[]): readonly Tensor[];
  /** Whether it is so in any of them. */
  any(here: boolean): boolean;
  /** Ends all of them. */
  abort(status: number): void;
}

const alone: Ranks = {
  rank: 0,
  size: 1,
  mean: (tensors) => tensors,
  any: (here) => here,
  abort: (status) => process.exit(status),
};

/** How mpirun of Open MPI, MPICH and Intel MPI, and MVAPICH2 tell a process the number of processes. */
const sizeVariables = ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MV2_COMM_WORLD_SIZE"];

let opened: Ranks | undefined;

/** The job that `mpirun` started this process in, or this process alone. Errors: DEVICE where the MPI addon is missing. */
export function openRanks(): Ranks {
  const isOneOfMany = sizeVariables.some((name) => Number(process.env[name]) > 1);
  opened ??= isOneOfMany ? new MpiRanks(loadMpiAddon()) : alone;
  return opened;
}

class MpiRanks implements Ranks {
  readonly rank: number;
  readonly size: number;

  constructor(private readonly addon: MpiAddon) {
    const { rank, size } = addon.open();
    this.rank = rank;
    this.size = size;
  }

  mean(tensors: readonly Tensor[]): readonly Tensor[] {
    const all = new Float64Array(tensors.reduce((total, t) => total + t.size, 0));
    let at = 0;
    for (const t of tensors) {
      all.set(t.dataSync(), at);
      at += t.size;
    }
    this.addon.sum(all);
    at = 0;
    return tensors.map((t) => {
      const values = all.subarray(at, (at += t.size)).map((value) => value / this.size);
      return tensor(values, t.shape, { dtype: t.dtype });
    });
  }

  any(here: boolean): boolean {
    const count = Float64Array.of(here ? 1 : 0);
    this.addon.sum(count);
    return count[0] > 0;
  }

  abort(status: number): void {
    this.addon.abort(status);
  }
}
