// Products on ragged blocks: centre i owns rows ptr[i]..ptr[i+1] (n_i of them) of matrices [E,H], and an n_i x n_i
// matrix that starts at start[i] in an array [P]. With X_i the rows of x:
//   ragged_nt  C_i = X_i Y_i^T       ragged_nn  O_i = A_i V_i       ragged_tn  Z_i = A_i^T X_i
//
// Layout: row-major; E, P and the gaps of `start` may be larger than needed, what belongs to no centre is set to zero.
//
// Strategy: centres in at most 64 runs of equal sum of n_i^2, each run on one thread with its own scratch memory;
// inside, the serial matrix product of native/gemm/gemm.h. The sizes n_i are known here only, so that the product is
// cut to one whose scratch memory is known beforehand: C_i in panels of 64 columns, O_i and Z_i in sums of at most 192
// rows.
//
// Bound: 2 H flop per pair; the operands of one centre (n H + n^2 elements) stay in the second-level cache. Measured,
// 190 centres of 90 rows, H = 128, two threads: 178 to 220 Gflop/s in f32, 94 to 109 in f64; one large product has 310
// and 151.
#include <cstring>

#include "../../native/gemm/gemm.h"
#include "../../native/segment_runs.h"

namespace ag {
namespace AG_ISA {
namespace {

// op.ts holds the same numbers.
constexpr int64_t kRuns = 64;
constexpr int64_t kColumns = 64; // of one panel of C_i
constexpr int64_t kDepth = 192;  // rows of one partial sum of O_i or Z_i

struct Ragged {
  int64_t rows, width, centres, pairs;
  const int32_t *ptr, *start;

  int64_t size(int64_t i) const { return ptr[i + 1] - ptr[i]; }

  // Rows of centre i in two matrices, and its block: for the product before it to fetch.
  template <class T> Ahead rowsAhead(int64_t i, const T* x, const T* y) const {
    Ahead ahead;
    for (const T* one : {x, y}) ahead.add(one + ptr[i] * width, size(i) * width * static_cast<int64_t>(sizeof(T)));
    return ahead;
  }
  template <class T> void blockAhead(int64_t i, const T* blocks, Ahead& ahead) const {
    ahead.add(blocks + start[i], size(i) * size(i) * static_cast<int64_t>(sizeof(T)));
  }

  // 0, a fault of ptr, or 4 (i + 1): the matrix of centre i overlaps the next one or ends beyond P.
  int fault() const {
    const int found = segmentFault(ptr, centres, rows);
    if (found != 0) return found;
    if (start[0] != 0) return 4;
    for (int64_t i = 0; i < centres; ++i)
      if (start[i + 1] < start[i] + size(i) * size(i) || start[i + 1] > pairs) return 4 * static_cast<int>(i + 1);
    return 0;
  }

  // each(run, i, n, whether centre i + 1 is next) for every centre, those without rows included.
  template <class T, class Each> void forEach(const Call& c, Each&& each) const {
    const double nsPerPair = static_cast<double>(width) * (sizeof(T) == 4 ? 0.03 : 0.06) + 1;
    const auto before = [this](int64_t i) { return int64_t{start[i]}; };
    segmentRuns(c, centres, kRuns, nsPerPair, before, [&](int64_t run, int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) each(run, i, size(i), i + 1 < end);
    });
  }
};

template <class T> static void zero(T* begin, int64_t count) {
  if (count > 0) std::memset(begin, 0, static_cast<size_t>(count) * sizeof(T));
}

template <class T> static int ragged_nt(const Call& c) {
  const Ragged r = {c.ints[0], c.ints[1], c.ints[2], c.ints[3], in<int32_t>(c, 2), in<int32_t>(c, 3)};
  if (const int fault = r.fault()) return fault;
  const T *x = in<T>(c, 0), *y = in<T>(c, 1);
  T* out = ag::out<T>(c, 4);
  const size_t scratch = gemmSerialWorkspaceBytes<T>(kColumns, r.width);
  r.forEach<T>(c, [&](int64_t run, int64_t i, int64_t n, bool isNextOurs) {
    const int64_t row = r.ptr[i] * r.width;
    Ahead ahead = isNextOurs ? r.rowsAhead(i + 1, x, y) : Ahead();
    if (isNextOurs) r.blockAhead(i + 1, out, ahead);
    Gemm<T> g = {n, 0, r.width, x + row, r.width, false, nullptr, r.width, true, nullptr, n};
    g.work = static_cast<char*>(c.work) + static_cast<size_t>(run) * scratch;
    for (int64_t j = 0; j < n; j += kColumns) {
      g.n = n - j < kColumns ? n - j : kColumns;
      g.b = y + row + j * r.width;
      g.c = out + r.start[i] + j;
      gemmSerial(g, &ahead);
    }
    zero(out + r.start[i] + n * n, r.start[i + 1] - r.start[i] - n * n);
  });
  zero(out + r.start[r.centres], r.pairs - r.start[r.centres]);
  return 0;
}

// O_i = op(A_i) V_i
template <class T> static int timesRows(const Call& c, bool transposeA) {
  const Ragged r = {c.ints[1], c.ints[2], c.ints[3], c.ints[0], in<int32_t>(c, 2), in<int32_t>(c, 3)};
  if (const int fault = r.fault()) return fault;
  const T *a = in<T>(c, 0), *v = in<T>(c, 1);
  T* out = ag::out<T>(c, 4);
  const size_t scratch = gemmSerialWorkspaceBytes<T>(r.width, kDepth);
  r.forEach<T>(c, [&](int64_t run, int64_t i, int64_t n, bool isNextOurs) {
    const int64_t row = r.ptr[i] * r.width;
    Ahead ahead = isNextOurs ? r.rowsAhead<T>(i + 1, v, out) : Ahead();
    if (isNextOurs) r.blockAhead(i + 1, a, ahead);
    for (int64_t k = 0; k < n; k += kDepth) {
      const int64_t depth = n - k < kDepth ? n - k : kDepth;
      const T* first = a + r.start[i] + (transposeA ? k * n : k);
      Gemm<T> g = {n, r.width, depth, first, n, transposeA, v + row + k * r.width, r.width, false, out + row, r.width};
      g.epilogue.accumulate = k > 0;
      g.work = static_cast<char*>(c.work) + static_cast<size_t>(run) * scratch;
      gemmSerial(g, &ahead);
    }
  });
  const int64_t end = r.ptr[r.centres];
  zero(out + end * r.width, (r.rows - end) * r.width);
  return 0;
}

template <class T> static int ragged_nn(const Call& c) { return timesRows<T>(c, false); }
template <class T> static int ragged_tn(const Call& c) { return timesRows<T>(c, true); }

} // namespace

FAMILY(ragged_matmul, KERNEL(ragged_nt), KERNEL(ragged_nn), KERNEL(ragged_tn))

} // namespace AG_ISA
} // namespace ag
