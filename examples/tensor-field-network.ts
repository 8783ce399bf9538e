/*
 * A tensor field network: one equivariant convolution, step by step, with two derivatives.
 *
 *     npm run example:tfn                        explains itself, draws pictures, trains on the eight tetris shapes
 *     npm run example:tfn -- IN_DIR OUT_DIR      the same convolution on given inputs; every result goes to OUT_DIR
 *
 * The program is the one of e3nn's guide to convolutions; docs/tensor-field-network.md walks through it.
 */
import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { reportError } from "../src/cli/report-error.js";
import {
  div,
  gather,
  grad,
  indexMap,
  mul,
  neg,
  o3,
  openCpu,
  radiusGraph,
  relu,
  requireGrad,
  safeSqrt,
  scatterSum,
  scope,
  silu,
  square,
  sub,
  sum,
  type Tensor,
  tensor,
} from "../src/index.js";
import { RandomStream } from "../src/tensor/philox.js";
import { type Given, readGiven, type Result, writeResults } from "./tensor-field-network/files.js";
import { bwr, writePage } from "./tensor-field-network/pictures.js";
import { trainOnTetris } from "./tensor-field-network/tetris.js";

type Print = (line: string) => void;

const size = ({ shape }: Tensor): string => `torch.Size([${shape.join(", ")}])`;

/** How a feature of these irreps changes under a rotation and inversion: the matrix D, and it in colours. */
function representation({ irreps: text, rot }: Given, print: Print): Record<string, Result> {
  const irreps = new o3.Irreps(text);
  print(irreps.toString());
  const D = o3.dFromMatrix(irreps, rot);
  print(size(D));
  return { D, heatmap_rgb: { shape: [...D.shape, 3], data: bwr(D.dataSync()) } };
}

/** f'_i = z^(-1/2) sum over neighbours j of f_j (x)_{h(|x_ij|)} Y(x_ij / |x_ij|), with everything it passes through. */
function convolution(given: Given, print: Print) {
  const [irrepsInput, irrepsOutput] = [new o3.Irreps(given.irrepsInput), new o3.Irreps(given.irrepsOutput)];
  const { pos, fIn, numBasis, maxRadius } = given;
  const nodes = pos.shape[0];

  const { source, target } = radiusGraph(pos.dataSync(), maxRadius, { maxNumNeighbors: nodes - 1 });
  const [src, dst] = [indexMap(source, nodes), indexMap(target, nodes)];
  const edgeVec = sub(gather(pos, dst), gather(pos, src));
  const numNeighbors = source.length / nodes;
  print(size(fIn));

  const irrepsSh = o3.Irreps.sphericalHarmonics(given.lmax);
  print(irrepsSh.toString());
  const sh = o3.sphericalHarmonics(irrepsSh, edgeVec, { normalize: true, normalization: "component" });
  print(`${size(edgeVec)} ${size(sh)}`);

  const tp = new o3.FullyConnectedTensorProduct(irrepsInput, irrepsSh, irrepsOutput, {
    sharedWeights: false,
  });
  print(tp.toString());
  print(o3.showInstructions(tp.instructions));
  print(new o3.FullTensorProduct(irrepsInput, irrepsSh).toString());
  for (const [in1, in2, out] of given.products) {
    using product = new o3.FullyConnectedTensorProduct(in1, in2, out);
    print(product.toString());
  }

  const length = safeSqrt(sum(square(edgeVec), { axis: 1 }));
  const basis = { start: 0, end: maxRadius, number: numBasis, basis: "smooth_finite", cutoff: true } as const;
  const embedding = mul(o3.softOneHotLinspace(length, basis), Math.sqrt(numBasis));
  print(size(embedding));

  const activation = given.activation === "silu" ? silu : relu;
  const widths = [numBasis, given.hidden, tp.weightNumel];
  const fc = new o3.FullyConnectedNet(widths, activation, { dtype: "f64", random: new RandomStream(1) });
  given.setWeights?.(fc);
  print(fc.toString());
  const layers = [...fc.parameters().values()];
  for (const layer of layers) print(size(layer));
  const weight = fc.call(embedding);
  print(size(weight));

  const summand = tp.call(gather(fIn, src), sh, weight);
  print(size(summand));
  // Without edges there is nothing to divide.
  const fOut = div(scatterSum(summand, dst), Math.sqrt(numNeighbors > 0 ? numNeighbors : 1));
  print(size(fOut));
  const values = { edge_vec: edgeVec, sh, edge_length_embedding: embedding, summand, f_out: fOut };
  return { edges: { edge_src: source, edge_dst: target }, values, layers, fOut };
}

/** Gradients of L = sum f_out^2, as a potential's forces are, and of F = sum (dL/dpos)^2, as training on forces needs them. */
function derivatives(fOut: Tensor, variables: Readonly<Record<string, Tensor>>): Record<string, Tensor> {
  const names = Object.keys(variables);
  const all = Object.values(variables);
  const zeroed = (found: (Tensor | undefined)[]): Tensor[] => found.map((g, k) => g ?? mul(all[k], 0));
  const L = zeroed(grad(sum(square(fOut)), all, { createGraph: true, allowUnused: true }));
  const F = sum(square(L[0]));
  const second = F.requiresGrad
    ? zeroed(grad(F, all, { allowUnused: true }))
    : zeroed(all.map(() => undefined));
  const named = (what: string, found: Tensor[]) =>
    names.map((name, k) => [`${what}_d${name}`, found[k]] as const);
  return Object.fromEntries([...named("dL", L), ...named("dF", second)]);
}

/** The article's program on given inputs: every intermediate, two derivatives and what it prints. */
export function runArticle(given: Given, print: Print): Record<string, Result> {
  const pictures = representation(given, print);
  const variables = { ...given, pos: requireGrad(given.pos), fIn: requireGrad(given.fIn) };
  const { edges, values, layers, fOut } = convolution(variables, print);
  const index = (data: Int32Array): Result => ({ shape: [data.length], data });
  return {
    ...pictures,
    edge_src: index(edges.edge_src),
    edge_dst: index(edges.edge_dst),
    ...values,
    ...derivatives(fOut, { pos: given.pos, f_in: given.fIn, layer0: layers[0], layer1: layers[1] }),
  };
}

/** The article's own numbers: a random rotation with inversion, 100 random points with random features. */
function ownInputs(): Given {
  const random = new RandomStream(0);
  const irrepsInput = "10x0e + 10x1e";
  const nodes = 100;
  return {
    irreps: "10x0e + 5x1o + 2x2e",
    irrepsInput,
    irrepsOutput: "20x0e + 10x1e",
    lmax: 2,
    maxRadius: 1.8,
    numBasis: 10,
    hidden: 16,
    activation: "relu",
    products: [
      ["10x0e", "3x1o", "4x0o"],
      ["10x0e", "3x1o", "4x1o"],
    ],
    rot: neg(o3.randMatrix(random)),
    pos: tensor(
      Float64Array.from({ length: 3 * nodes }, () => random.normal()),
      [nodes, 3],
    ),
    fIn: new o3.Irreps(irrepsInput).randn([nodes, -1], random, { dtype: "f64" }),
  };
}

function explain(): void {
  const print: Print = (line) => console.log(line);
  const results = scope(() => runArticle(ownInputs(), print));
  const page = join(
    dirname(fileURLToPath(import.meta.url)),
    "..",
    "..",
    "build",
    "tensor-field-network.html",
  );
  mkdirSync(dirname(page), { recursive: true });
  writePage(page, results.D as Tensor);
  print(`\nthe matrix D and the harmonics are drawn in ${page}`);
  for (const result of Object.values(results)) if ("dispose" in result) result.dispose();
  trainOnTetris(print);
}

function main(args: readonly string[]): void {
  openCpu();
  if (args.length === 0) return explain();
  const printed: string[] = [];
  const given = readGiven(args);
  scope(() =>
    writeResults(
      args[1],
      runArticle(given, (line) => printed.push(line)),
      printed,
    ),
  );
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    main(process.argv.slice(2));
  } catch (error) {
    process.exitCode = reportError(error);
  }
}
