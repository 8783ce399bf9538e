// Environment rows of DeePMD edges and their first and second derivatives (spec deepmd 2.3, 2.4).
//   u = (r - rs)/(rc - rs),  sw = 1 | (1-u)^3 (1 + 3u + 6u^2) | 0,  s = sw/(r+p),  a = sw/(r+p)^2
//   out = ((s - m0)/d0, (a x - m1)/d1, (a y - m2)/d2, (a z - m3)/d3, sw, e/|e|),  e = (x/d1, y/d2, z/d3)
//   vjp      = ((g0 s' + a' gv.d + g4 sw')/r) d + a gv + (gu - (gu.e)e)/(|e| d)
//   jvp      the same matrix applied to a vector w; curvature = d(w . vjp)/d(edge), in closed form.
//
// Layout: one edge after the other, 8 numbers a row. Strategy: scalar arithmetic per edge, edges shared by the team; a
// row is a hundred flops, and there are a hundred times fewer of them than in the embedding net behind it. Bound:
// memory, 17 numbers an edge or 23 with derivatives. Measured, 1 M edges, f32, two threads: value 6.3 ms, gradient 8.5,
// Jacobian product 8.8, curvature 13 (10 to 15 Gflop/s, 19 to 26 % of the bound: roots and quotients one edge at a
// time). Pitfalls: length 0 gives 0 and derivatives of 0; the factored switch keeps its digits near the cutoff.
#include "../../native/simd.h"
#include "../../native/team.h"
#include "edge.h"

namespace ag {
namespace AG_ISA {
namespace {

template <class F> static int edges(const Call& c, const F& one) {
  blocks(c, c.ints[0], 512, 40, [&](int64_t begin, int64_t end) {
    for (int64_t e = begin; e < end; ++e) one(e);
  });
  return 0;
}

template <class T> static int envMatrix(const Call& c) { return edges(c, EnvMatrix<T>(c)); }
template <class T> static int envMatrixVjp(const Call& c) { return edges(c, EnvMatrixVjp<T>(c)); }
template <class T> static int envMatrixJvp(const Call& c) { return edges(c, EnvMatrixJvp<T>(c)); }
template <class T> static int envMatrixCurvature(const Call& c) { return edges(c, EnvMatrixCurvature<T>(c)); }

} // namespace

FAMILY(env_matrix, KERNEL(envMatrix), KERNEL(envMatrixVjp), KERNEL(envMatrixJvp), KERNEL(envMatrixCurvature))

} // namespace AG_ISA
} // namespace ag
