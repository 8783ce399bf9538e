import type { ReferenceKernel } from "../../src/tensor/backend.js";
import type { TypedArray } from "../../src/tensor/dtype.js";

const axes = [0, 1, 2] as const;

/** Which image of the frame a grid cell of a window lies in, and its number among the cells of that image, along one axis. */
function imageOf(X: number, n: number): { image: number; cell: number } {
  const image = Math.floor(X / n);
  return { image, cell: X - image * n };
}

export const candidateReference: ReferenceKernel = ({ ints: { M, from }, buffers }) => {
  const [place, window, cellPtr, frame, plan, ptr, found] = buffers as TypedArray[];
  for (let m = 0; m < M; m++) {
    const k = from + m;
    const own = window.subarray(7 * k, 7 * k + 7);
    const vectors = frame.subarray(10 * own[6], 10 * own[6] + 10);
    const [nx, ny, nz, firstCell, farX, farY, farZ] = plan.subarray(7 * own[6]);
    let at = (ptr as TypedArray | undefined)?.[m] ?? 0;
    const look = (l: number, image: readonly number[]): void => {
      const d = axes.map((b) => {
        const moved = image[0] * vectors[b] + image[1] * vectors[3 + b] + image[2] * vectors[6 + b];
        return place[4 * l + b] + moved - place[4 * k + b];
      });
      const home = l === k && image.every((x) => x === 0);
      if (home || d[0] * d[0] + d[1] * d[1] + d[2] * d[2] > vectors[9]) return;
      const number =
        ((image[0] + farX) * (2 * farY + 1) + image[1] + farY) * (2 * farZ + 1) + image[2] + farZ;
      if (ptr !== undefined) found.set([l, number], 2 * at);
      at++;
    };
    for (let X = own[0]; X <= own[3]; X++)
      for (let Y = own[1]; Y <= own[4]; Y++)
        for (let Z = own[2]; Z <= own[5]; Z++) {
          const [x, y, z] = [imageOf(X, nx), imageOf(Y, ny), imageOf(Z, nz)];
          const cell = firstCell + (x.cell * ny + y.cell) * nz + z.cell;
          for (let l = cellPtr[cell]; l < cellPtr[cell + 1]; l++) look(l, [x.image, y.image, z.image]);
        }
    if (ptr === undefined) found[m] = at;
  }
};
