// doubleRows: out[r] = [x[r], x[r]] + addend[r]; foldRows, its adjoint: out[r] = x[r, :W] + x[r, W:] + addend[r]. The
// addends are optional. These are the residual of a layer twice as wide as its input (DeePMD's embedding nets) and its
// gradient.
//
// Layout: row-major, rows of W and of 2 W. Strategy: vectors over the row, blocks of rows with one owner. Bound: 5 W
// (doubleRows) or 4 W (foldRows) elements of memory a row, every element touched once. Measured in the caches (f32, two
// threads): 48 and 52 GB/s, 54 and 58 % of an addition of as many bytes.
#include "../../native/simd.h"
#include "../../native/team.h"

namespace ag {
namespace AG_ISA {
namespace {

// body(r, j, lanes) for the vectors of all rows of w elements, the last of a row partial.
template <class T, class F> static void rows(const Call& c, int64_t count, int64_t w, F&& body) {
  constexpr int L = kLanes<T>;
  const int64_t grain = w > 0 ? 8192 / w + 1 : 8192;
  blocks(c, count, grain, static_cast<double>(w) * 0.6, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r)
      for (int64_t j = 0; j < w; j += L) body(r, j, static_cast<int>(w - j < L ? w - j : L));
  });
}

template <class T> static int doubleRows(const Call& c) {
  const int64_t w = c.ints[1];
  const T *x = in<T>(c, 0), *addend = in<T>(c, 1);
  T* y = out<T>(c, 2);
  rows<T>(c, c.ints[0], w, [&](int64_t r, int64_t j, int n) AG_ALWAYS {
    const Tail<T> t = tailOf<T>(n);
    const V<T> v = loadTail(x + r * w + j, t);
    const int64_t left = 2 * r * w + j, right = left + w;
    storeTail(y + left, addend ? v + loadTail(addend + left, t) : v, t);
    storeTail(y + right, addend ? v + loadTail(addend + right, t) : v, t);
  });
  return 0;
}

template <class T> static int foldRows(const Call& c) {
  const int64_t w = c.ints[4];
  const T *x = in<T>(c, 0), *addend = in<T>(c, 1);
  T* y = out<T>(c, 2);
  rows<T>(c, c.ints[0], w, [&](int64_t r, int64_t j, int n) AG_ALWAYS {
    const Tail<T> t = tailOf<T>(n);
    const T* row = x + 2 * r * w + j;
    V<T> v = loadTail(row, t) + loadTail(row + w, t);
    if (addend) v += loadTail(addend + r * w + j, t);
    storeTail(y + r * w + j, v, t);
  });
  return 0;
}

} // namespace

FAMILY(doubled_rows, KERNEL(doubleRows), KERNEL(foldRows))

} // namespace AG_ISA
} // namespace ag
