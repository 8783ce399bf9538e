// sum, max: out[a,b] over r of x[a,r,b]; sumSquares: out[0] = sum of x[r]^2; expand: out[a,r,b] = x[a,b].
//
// Layout: the reduced run R stands between outer A and inner B; B = 1 is a reduction of rows.
// Strategy: B = 1: rows of up to 2,048 elements go vector by vector into four accumulators, longer ones in such chunks
// whose results are added in order; B > 1: columns are vector lanes and r runs outside. One output element has one
// owner and one order of additions, so results do not depend on threads. A few long columns (A small, R large) are cut
// into fixed chunks of rows whose partial results stand in the workspace. Bound: A (R + 1) B elements of memory.
// Measured, 40,000 rows of 100, f32, two threads, beside an addition of as many bytes (53 GB/s): sum 29 GB/s, expand
// 34, max 15 (joining the lanes of a row takes longer than its 100 numbers).
#include "../../native/copy_rows.h"
#include "../../native/largest.h"
#include "../../native/team.h"

namespace ag {
namespace AG_ISA {
namespace {

constexpr int64_t kChunk = 2048;
constexpr int64_t kChunksAtATime = 8; // a chunk alone is less work than taking a part of the job

template <class T, class F> static T sumOf(const T* x, int64_t n, F&& term) {
  constexpr int L = kLanes<T>;
  V<T> s[4] = {};
  int64_t k = 0;
  for (; k + 4 * L <= n; k += 4 * L)
    for (int j = 0; j < 4; ++j) s[j] += term(load(x + k + j * L));
  for (; k + L <= n; k += L) s[0] += term(load(x + k));
  if (k < n) s[1] += term(loadPart(x + k, static_cast<int>(n - k)));
  return sumLanes<T>((s[0] + s[1]) + (s[2] + s[3]));
}

struct Add {
  template <class T> static V<T> join(V<T> a, V<T> b) { return a + b; }
  template <class T> static T start() { return T(0); }

  // One chunk of a row, in four accumulators joined in a fixed tree.
  template <class T> static T chunk(const T* x, int64_t n) {
    return sumOf(x, n, [](V<T> v) AG_ALWAYS { return v; });
  }
};

struct AddSquares : Add {
  template <class T> static T chunk(const T* x, int64_t n) {
    return sumOf(x, n, [](V<T> v) AG_ALWAYS { return v * v; });
  }
};

struct Max {
  template <class T> static V<T> join(V<T> a, V<T> b) { return a > b ? a : b; }
  template <class T> static T start() { return -static_cast<T>(__builtin_inf()); }
  template <class T> static T chunk(const T* x, int64_t n) { return n > 0 ? largestOf(x, n) : start<T>(); }
};

// Rows r of x[., r, b] for b in [0, B), joined into out[b] in order.
template <class T, class F> static void columns(const T* x, int64_t rows, int64_t B, T* out) {
  constexpr int L = kLanes<T>;
  int64_t b = 0;
  for (; b + 4 * L <= B; b += 4 * L) {
    V<T> s[4];
    for (int j = 0; j < 4; ++j) s[j] = splat<T>(F::template start<T>());
    for (int64_t r = 0; r < rows; ++r)
      for (int j = 0; j < 4; ++j) s[j] = F::template join<T>(s[j], load(x + r * B + b + j * L));
    for (int j = 0; j < 4; ++j) store(out + b + j * L, s[j]);
  }
  for (; b < B; b += L) {
    const int n = static_cast<int>(B - b < L ? B - b : L);
    V<T> s = splat<T>(F::template start<T>());
    for (int64_t r = 0; r < rows; ++r) s = F::template join<T>(s, loadPart(x + r * B + b, n));
    storePart(out + b, s, n);
  }
}

template <class T, class F> static int reduce(const Call& c, int64_t A, int64_t R, int64_t B) {
  const T* x = in<T>(c, 0);
  T* out = ag::out<T>(c, 1);
  T* partial = static_cast<T*>(c.work);
  const int64_t chunks = R > kChunk ? (R + kChunk - 1) / kChunk : 1;
  T* part = chunks > 1 ? partial : out;
  blocks(c, A * chunks, chunks > 1 ? (B == 1 ? kChunksAtATime : 1) : (R * B > 4096 ? 1 : 4096 / (R * B + 1) + 1),
         static_cast<double>((R < kChunk ? R : kChunk) * B) * 0.3, [&](int64_t begin, int64_t end) {
           for (int64_t k = begin; k < end; ++k) {
             const int64_t a = k / chunks, first = k % chunks * kChunk;
             const int64_t rows = R - first < kChunk ? R - first : (chunks > 1 ? kChunk : R);
             const T* from = x + (a * R + first) * B;
             if (B == 1) part[k] = F::template chunk<T>(from, rows);
             else columns<T, F>(from, rows, B, part + k * B);
           }
         });
  if (chunks > 1)
    for (int64_t a = 0; a < A; ++a) columns<T, F>(partial + a * chunks * B, chunks, B, out + a * B);
  return 0;
}

template <class T> static int sum(const Call& c) { return reduce<T, Add>(c, c.ints[0], c.ints[1], c.ints[2]); }
template <class T> static int max(const Call& c) { return reduce<T, Max>(c, c.ints[0], c.ints[1], c.ints[2]); }
template <class T> static int sumSquares(const Call& c) { return reduce<T, AddSquares>(c, 1, c.ints[0], 1); }

// Rows are dealt out by the number of the output's, so that one long run of copies is shared as well.
template <class T> static int expand(const Call& c) {
  const int64_t A = c.ints[0], B = c.ints[1], R = c.ints[2];
  const T* x = in<T>(c, 0);
  T* out = ag::out<T>(c, 1);
  const bool past = pastCaches<T>(A * R, B);
  blocks(c, A * R, B > 16384 ? 1 : 16384 / (B + 1) + 1, static_cast<double>(B) * 0.2, [&](int64_t begin, int64_t end) {
    for (int64_t k = begin; k < end;) {
      const int64_t a = k / R, last = (a + 1) * R < end ? (a + 1) * R : end;
      if (B == 1) fillRow(out + k, x[a], last - k);
      else
        for (int64_t r = k; r < last; ++r) copyRow(out + r * B, x + a * B, B, past);
      k = last;
    }
    if (past) streamEnd();
  });
  return 0;
}

} // namespace

FAMILY(reduce, KERNEL(sum), KERNEL(sumSquares), KERNEL(max), KERNEL(expand))

} // namespace AG_ISA
} // namespace ag
