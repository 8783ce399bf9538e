import { o3, scope, type Tensor, tensor } from "../../src/index.js";
import { writeFileAtomicSync } from "../../src/data/atomic-write.js";

/** The colours of matplotlib's "bwr" on [-1, 1], blue to white to red: [..., 3] in [0, 1]. */
export function bwr(values: ArrayLike<number>): Float64Array {
  const out = new Float64Array(3 * values.length);
  for (let k = 0; k < values.length; k++) {
    const t = Math.min(1, Math.max(0, (values[k] + 1) / 2));
    out.set(t < 0.5 ? [2 * t, 2 * t, 1] : [1, 2 - 2 * t, 2 - 2 * t], 3 * k);
  }
  return out;
}

const hex = (rgb: ArrayLike<number>): string =>
  `#${Array.from(rgb, (c) =>
    Math.round(255 * c)
      .toString(16)
      .padStart(2, "0"),
  ).join("")}`;

/** A matrix as squares of colour. */
function heatMap(matrix: Tensor): string {
  const [rows, width] = matrix.shape;
  const colours = bwr(matrix.dataSync());
  const cells = Array.from({ length: rows * width }, (_, k) => {
    const colour = hex(colours.subarray(3 * k, 3 * k + 3));
    if (colour === "#ffffff") return "";
    return `<rect x="${k % width}" y="${Math.floor(k / width)}" width="1" height="1" fill="${colour}"/>`;
  });
  return `<svg viewBox="-0.2 -0.2 ${width + 0.4} ${rows + 0.4}" width="520" shape-rendering="crispEdges"><rect width="${width}" height="${rows}" fill="#fff" stroke="#888" stroke-width="0.1"/>${cells.join("")}</svg>`;
}

const [polar, azimuthal] = [18, 36];

interface Face {
  readonly points: string;
  readonly depth: number;
  readonly value: number;
}

/** One harmonic as a surface of radius |Y| around the origin, seen from above and the front; red is positive. */
function surface(values: Float64Array, directions: Float64Array): string {
  const at = (i: number, j: number): number => i * azimuthal + (j % azimuthal);
  const corner = (k: number): { x: number; y: number; depth: number } => {
    const [x, y, z] = [0, 1, 2].map((axis) => directions[3 * k + axis] * Math.abs(values[k]));
    const [c, s] = [Math.cos(0.6), Math.sin(0.6)];
    const forward = z * c - x * s;
    return {
      x: x * c + z * s,
      y: -(y * Math.cos(0.45) - forward * Math.sin(0.45)),
      depth: y * Math.sin(0.45) + forward * Math.cos(0.45),
    };
  };
  const faces: Face[] = [];
  for (let i = 0; i < polar; i++)
    for (let j = 0; j < azimuthal; j++) {
      const corners = [at(i, j), at(i, j + 1), at(i + 1, j + 1), at(i + 1, j)];
      const seen = corners.map(corner);
      faces.push({
        points: seen.map((p) => `${p.x.toFixed(2)},${p.y.toFixed(2)}`).join(" "),
        depth: seen.reduce((sum, p) => sum + p.depth, 0),
        value: corners.reduce((sum, k) => sum + values[k], 0) / 4,
      });
    }
  faces.sort((a, b) => a.depth - b.depth);
  const largest = Math.max(...values.map(Math.abs));
  const polygons = faces.map(({ points, value }) => {
    const colour = hex(bwr([value / largest]));
    return `<polygon points="${points}" fill="${colour}" stroke="#0003" stroke-width="0.01"/>`;
  });
  const r = 1.05 * largest;
  return `<svg viewBox="${-r} ${-r} ${2 * r} ${2 * r}" width="120">${polygons.join("")}</svg>`;
}

/** Pictures of the real harmonics up to degree 2, a row a degree. */
function harmonics(): string {
  const points = (polar + 1) * azimuthal;
  const directions = Float64Array.from({ length: 3 * points }, (_, at) => {
    const k = Math.floor(at / 3);
    const [beta, alpha] = [
      (Math.floor(k / azimuthal) * Math.PI) / polar,
      ((k % azimuthal) * 2 * Math.PI) / azimuthal,
    ];
    return o3.anglesToXyz(alpha, beta)[at % 3];
  });
  const options = { normalize: true, normalization: "component" } as const;
  const rows = [0, 1, 2].map((l) => {
    const Y = scope(() => o3.sphericalHarmonics(l, tensor(directions, [points, 3]), options).dataSync());
    const pictures = Array.from({ length: 2 * l + 1 }, (_, m) => {
      const values = Float64Array.from({ length: points }, (_, k) => Y[k * (2 * l + 1) + m]);
      return `<figure>${surface(values, directions)}<figcaption>l = ${l}, m = ${m - l}</figcaption></figure>`;
    });
    return `<div class="row">${pictures.join("")}</div>`;
  });
  return rows.join("\n");
}

/** A page of its own with the matrix D as a heat map and the harmonics as surfaces. */
export function writePage(path: string, D: Tensor): void {
  const style =
    "body{font:15px sans-serif;margin:2em auto;max-width:60em;color:#222}.row{display:flex;justify-content:center}figure{margin:.3em;text-align:center}figcaption{font-size:.8em;color:#666}";
  const page = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>A tensor field network</title><style>${style}</style></head>
<body><h1>A tensor field network</h1>
<h2>How 10x0e+5x1o+2x2e turns</h2>
<p>The matrix D of a rotation with inversion: ten scalars that stay, five vectors, two tensors of degree 2. Blue is -1, white 0, red 1.</p>
${heatMap(D)}
<h2>The harmonics 1x0e+1x1o+1x2e</h2>
<p>Real spherical harmonics; the distance from the centre is the size, red is positive. The polar axis is y (upwards).</p>
${harmonics()}
</body></html>
`;
  writeFileAtomicSync(path, page);
}
