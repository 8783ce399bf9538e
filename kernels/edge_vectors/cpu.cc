// edgeVectors: out[e] = x[source[e]] - x[i] (+ shift[e] . cell of the edge's frame) for the edges e of centre i.
// edgePull: its adjoint in x: out[i] = sum of g over edges from i as neighbour - sum over edges of i as centre.
//
// Layout: rows of three numbers; edges sorted by centre (ptr) and frames (edgePtr); `order` lists the edges by source.
// Strategy: one owner per centre, additions in the order of the edges: no atomics, the same bits for any thread count.
// Bound: memory, 10 elements an edge forward, 7 back. Measured, 1 M edges of 20,000 atoms in no order, f32, two
// threads: edgeVectors 3.0 ms (25 % of an addition of as many bytes), edgePull 3.9 ms (14 %): three numbers a row fill
// no register. Pitfalls: in f32 the differences of far-away positions lose digits; keep atoms near the origin or edges
// in f64.
#include "../../native/simd.h"
#include "../../native/team.h"

namespace ag {
namespace AG_ISA {
namespace {

static bool misfits(const int32_t* ptr, int64_t N, int64_t E) {
  for (int64_t n = 0; n < N; ++n)
    if (ptr[n + 1] < ptr[n]) return true;
  return ptr[0] != 0 || ptr[N] != E;
}

template <class F> static void atoms(const Call& c, int64_t N, int64_t E, F&& each) {
  blocks(c, N, 64, N ? static_cast<double>(E) / static_cast<double>(N) * 2 : 0, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) each(i);
  });
}

template <class T> static int edgeVectors(const Call& c) {
  const int64_t N = c.ints[0], B = c.ints[1], E = c.ints[2];
  const T *x = in<T>(c, 0), *cells = in<T>(c, 1), *shift = in<T>(c, 2);
  const int32_t *ptr = in<int32_t>(c, 3), *edgePtr = in<int32_t>(c, 4), *source = in<int32_t>(c, 5);
  T* to = out<T>(c, 8);
  if (misfits(ptr, N, E)) return 1;
  if (cells && misfits(edgePtr, B, E)) return 2;
  atoms(c, N, E, [&](int64_t i) {
    const T* at = x + 3 * i;
    for (int64_t e = ptr[i]; e < ptr[i + 1]; ++e)
      for (int b = 0; b < 3; ++b) to[3 * e + b] = x[3 * static_cast<int64_t>(source[e]) + b] - at[b];
  });
  if (!cells) return 0;
  blocks(c, E, 4096, 3, [&](int64_t begin, int64_t end) {
    int64_t f = 0, last = B; // the frame of the first edge, by bisection
    while (last - f > 1) {
      const int64_t middle = (f + last) / 2;
      (edgePtr[middle] <= begin ? f : last) = middle;
    }
    for (int64_t e = begin; e < end; ++e) {
      while (e >= edgePtr[f + 1]) ++f;
      const T *cell = cells + 9 * f, *s = shift + 3 * e;
      for (int b = 0; b < 3; ++b) to[3 * e + b] += s[0] * cell[b] + s[1] * cell[3 + b] + s[2] * cell[6 + b];
    }
  });
  return 0;
}

template <class T> static int edgePull(const Call& c) {
  const int64_t E = c.ints[0], N = c.ints[1];
  const T* g = in<T>(c, 0);
  const int32_t *ptr = in<int32_t>(c, 1), *order = in<int32_t>(c, 3), *sourcePtr = in<int32_t>(c, 4);
  T* to = out<T>(c, 5);
  if (misfits(ptr, N, E)) return 1;
  atoms(c, N, 2 * E, [&](int64_t i) {
    T near[3] = {0, 0, 0}, far[3] = {0, 0, 0};
    for (int64_t e = ptr[i]; e < ptr[i + 1]; ++e)
      for (int b = 0; b < 3; ++b) near[b] += g[3 * e + b];
    for (int64_t k = sourcePtr[i]; k < sourcePtr[i + 1]; ++k)
      for (int b = 0; b < 3; ++b) far[b] += g[3 * static_cast<int64_t>(order[k]) + b];
    for (int b = 0; b < 3; ++b) to[3 * i + b] = far[b] - near[b];
  });
  return 0;
}

} // namespace

FAMILY(edge_vectors, KERNEL(edgeVectors), KERNEL(edgePull))

} // namespace AG_ISA
} // namespace ag
