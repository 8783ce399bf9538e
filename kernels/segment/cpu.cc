// segmentSum: out[n,f] = sum of x[e,f] over e in [ptr[n], ptr[n+1]); segmentExpand: its adjoint.
// gather: out[e,f] = x[index[e],f] (0 where the index is -1); gatherSum: its adjoint by sorted positions.
//
// Layout: rows of F contiguous numbers. Strategy: one owner per output row and additions in the order of the rows,
// columns as vector lanes: no atomics, the same bits for any thread count. gatherSum cuts rows with many sources
// (tables of types) into chunks of 1,024 whose sums stand in the workspace and are added in order. Bound: (E + N) F
// elements of memory.
#include "../../native/simd.h"
#include "../../native/team.h"

namespace ag {
namespace AG_ISA {
namespace {

constexpr int64_t kGatherChunk = 1024;

static int64_t rowsPerBlock(int64_t F) { return F > 2048 ? 1 : 2048 / (F + 1) + 1; }

static bool misfits(const int32_t* ptr, int64_t N, int64_t E) {
  for (int64_t n = 0; n < N; ++n)
    if (ptr[n + 1] < ptr[n]) return true;
  return ptr[0] != 0 || ptr[N] != E;
}

// to[f] = sum over k in [first, last), in order, of row(k)[f], for W registers of columns.
template <int W, class T, class Row> static inline void addStrip(T* to, int64_t first, int64_t last, Row&& row) {
  constexpr int L = kLanes<T>;
  V<T> sum[W];
  for (int w = 0; w < W; ++w) sum[w] = splat<T>(T(0));
  for (int64_t k = first; k < last; ++k) {
    const T* x = row(k);
    for (int w = 0; w < W; ++w) sum[w] += load(x + w * L);
  }
  for (int w = 0; w < W; ++w) store(to + w * L, sum[w]);
}

// The same for all F columns: in wide strips, because memory is fast along a row only.
template <class T, class Row> static inline void addRows(T* to, int64_t F, int64_t first, int64_t last, Row&& row) {
  constexpr int L = kLanes<T>;
  int64_t f = 0;
  const auto from = [&](int64_t k) { return row(k) + f; };
  for (; f + 8 * L <= F; f += 8 * L) addStrip<8>(to + f, first, last, from);
  for (; f + 2 * L <= F; f += 2 * L) addStrip<2>(to + f, first, last, from);
  for (; f < F; f += L) {
    const int n = static_cast<int>(F - f < L ? F - f : L);
    V<T> a = splat<T>(T(0));
    for (int64_t k = first; k < last; ++k) a += loadPart(row(k) + f, n);
    storePart(to + f, a, n);
  }
}

// Columns of one number: no lanes to fill, so the sum runs along the rows.
template <class T> static inline T addColumn(const T* x, int64_t first, int64_t last) {
  T total = 0;
  for (int64_t k = first; k < last; ++k) total += x[k];
  return total;
}

template <class T> static int segmentSum(const Call& c) {
  const int64_t E = c.ints[0], F = c.ints[1], N = c.ints[2];
  const T* x = in<T>(c, 0);
  const int32_t* ptr = in<int32_t>(c, 1);
  T* to = out<T>(c, 2);
  if (misfits(ptr, N, E)) return 1;
  blocks(c, N, 16, N ? static_cast<double>(E) / N * F * 0.3 : 0, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) {
      if (F == 1) to[n] = addColumn(x, ptr[n], ptr[n + 1]);
      else addRows(to + n * F, F, ptr[n], ptr[n + 1], [&](int64_t e) { return x + e * F; });
    }
  });
  return 0;
}

template <class T> static int segmentExpand(const Call& c) {
  const int64_t N = c.ints[0], F = c.ints[1], E = c.ints[2];
  const T* y = in<T>(c, 0);
  const int32_t* ptr = in<int32_t>(c, 1);
  T* to = out<T>(c, 2);
  if (misfits(ptr, N, E)) return 1;
  blocks(c, N, 16, N ? static_cast<double>(E) / N * F * 0.3 : 0, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n)
      for (int64_t e = ptr[n]; e < ptr[n + 1]; ++e)
        for (int64_t f = 0; f < F; ++f) to[e * F + f] = y[n * F + f];
  });
  return 0;
}

template <class T> static int gather(const Call& c) {
  const int64_t F = c.ints[1], E = c.ints[2];
  const T* x = in<T>(c, 0);
  const int32_t* index = in<int32_t>(c, 1);
  T* to = out<T>(c, 4);
  blocks(c, E, rowsPerBlock(F), static_cast<double>(F) * 0.3 + 2, [&](int64_t begin, int64_t end) {
    for (int64_t e = begin; e < end; ++e) {
      if (index[e] < 0)
        for (int64_t f = 0; f < F; ++f) to[e * F + f] = 0;
      else
        for (int64_t f = 0; f < F; ++f) to[e * F + f] = x[index[e] * F + f];
    }
  });
  return 0;
}

template <class T> static int gatherSum(const Call& c) {
  const int64_t E = c.ints[0], F = c.ints[1], R = c.ints[3];
  const T* x = in<T>(c, 0);
  const int32_t* order = in<int32_t>(c, 2);
  const int32_t* ptr = in<int32_t>(c, 3);
  T* to = out<T>(c, 4);
  T* partial = static_cast<T*>(c.work);
  const int64_t most = E / kGatherChunk + 1;
  const double ns = R ? static_cast<double>(E) / R * F * 0.5 + 4 : 0;
  const auto source = [&](int64_t k) { return x + order[k] * F; };
  const auto sum = [&](T* at, int64_t first, int64_t last) {
    if (F > 1) return addRows(at, F, first, last, source);
    T total = 0;
    for (int64_t k = first; k < last; ++k) total += x[order[k]];
    *at = total;
  };
  // Rows with many sources: chunk by chunk into the workspace first.
  blocks(c, R * most, ns > 20000 ? 1 : 64 * most, ns / static_cast<double>(most), [&](int64_t begin, int64_t end) {
    for (int64_t k = begin; k < end; ++k) {
      const int64_t r = k / most, first = ptr[r] + k % most * kGatherChunk;
      if (ptr[r + 1] - ptr[r] <= kGatherChunk || first >= ptr[r + 1]) continue;
      const int64_t last = first + kGatherChunk;
      sum(partial + k * F, first, last < ptr[r + 1] ? last : ptr[r + 1]);
    }
  });
  blocks(c, R, ns > 20000 ? 1 : 64, ns, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const int64_t count = ptr[r + 1] - ptr[r];
      if (count <= kGatherChunk) sum(to + r * F, ptr[r], ptr[r + 1]);
      else
        addRows(to + r * F, F, 0, (count + kGatherChunk - 1) / kGatherChunk,
                [&](int64_t k) { return partial + (r * most + k) * F; });
    }
  });
  return 0;
}

} // namespace

FAMILY(segment, KERNEL(segmentSum), KERNEL(segmentExpand), KERNEL_ANY(gather), KERNEL(gatherSum))

} // namespace AG_ISA
} // namespace ag
