// Softmax over rows of C numbers, its gradient and the gradient's derivative:
//   softmax           y = exp(x - m) / sum exp(x - m),  m the row's largest
//   softmaxVjp        y (g - sum g y)
//   softmaxCurvature  u g - u sum(g y) - g sum(u y)
//
// Layout: row-major [R,C]. Strategy: vector lanes along the row, the last one masked; a row stays in the first-level
// cache between its passes (largest; powers and their sum; scaling), so memory sees each operand once. Sums run in two
// accumulators of fixed roles. Rows are shared by the team in blocks of about 4,096 numbers. Bound: (2, 3, 4) R C
// elements of memory, and R C exponentials. Measured, 68,000 rows of 90, f32, two threads: value 15 GB/s (51 % of an
// addition of as many bytes: the exponentials), gradient 28 (97 %). Pitfall: a single row is one thread's work.
#include "../../native/largest.h"
#include "../../native/team.h"

namespace ag {
namespace AG_ISA {
namespace {

// f(k, get, put) for the vectors of a row: get(p) and put(p, v) touch only the row's lanes of p + k. Lanes beyond it
// read as 0.
template <class T, class F> AG_INLINE void eachVector(int64_t n, F&& f) {
  constexpr int L = kLanes<T>;
  int64_t k = 0;
  for (; k + L <= n; k += L) f([k](const T* p) { return load(p + k); }, [k](T* p, V<T> v) { store(p + k, v); });
  if (k == n) return;
  const Tail<T> t = tailOf<T>(static_cast<int>(n - k));
  f([k, t](const T* p) { return loadTail(p + k, t); }, [k, t](T* p, V<T> v) { storeTail(p + k, v, t); });
}

template <class T> static T dot(const T* x, const T* y, int64_t n) {
  V<T> s = {};
  eachVector<T>(n, [&](auto get, auto) { s = fma(get(x), get(y), s); });
  return sumLanes<T>(s);
}

// each(first element) for every row.
template <class T, class F> static int eachRow(const Call& c, double nsPerElement, F&& each) {
  const int64_t R = c.ints[0], C = c.ints[1];
  if (C == 0) return 0;
  const double scale = sizeof(T) == 4 ? 0.5 : 1;
  blocks(c, R, 1 + 4096 / C, static_cast<double>(C) * nsPerElement * scale, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) each(r * C, C);
  });
  return 0;
}

template <class T> static int softmax(const Call& c) {
  const T* x = in<T>(c, 0);
  T* y = out<T>(c, 1);
  return eachRow<T>(c, 1.5, [&](int64_t at, int64_t n) {
    constexpr int L = kLanes<T>;
    const V<T> m = splat(largestOf(x + at, n));
    V<T> s = {};
    int64_t k = 0;
    for (; k + L <= n; k += L) {
      const V<T> p = exp(load(x + at + k) - m);
      store(y + at + k, p);
      s += p;
    }
    if (k < n) {
      const Tail<T> t = tailOf<T>(static_cast<int>(n - k));
      storeTail(y + at + k, exp(loadTail(x + at + k, t) - m), t);
      s += loadTail(y + at + k, t); // lanes beyond the row as 0
    }
    const V<T> scale = splat(T(1) / sumLanes<T>(s));
    eachVector<T>(n, [&](auto get, auto put) { put(y + at, get(y + at) * scale); });
  });
}

template <class T> static int softmaxVjp(const Call& c) {
  const T *g = in<T>(c, 0), *y = in<T>(c, 1);
  T* to = out<T>(c, 2);
  return eachRow<T>(c, 0.5, [&](int64_t at, int64_t n) {
    const V<T> along = splat(dot(g + at, y + at, n));
    eachVector<T>(n, [&](auto get, auto put) { put(to + at, get(y + at) * (get(g + at) - along)); });
  });
}

template <class T> static int softmaxCurvature(const Call& c) {
  const T *u = in<T>(c, 0), *g = in<T>(c, 1), *y = in<T>(c, 2);
  T* to = out<T>(c, 3);
  return eachRow<T>(c, 0.7, [&](int64_t at, int64_t n) {
    const V<T> alongU = splat(dot(u + at, y + at, n)), alongG = splat(dot(g + at, y + at, n));
    eachVector<T>(n, [&](auto get, auto put) {
      const V<T> a = get(u + at), b = get(g + at);
      put(to + at, a * (b - alongG) - b * alongU);
    });
  });
}

} // namespace

FAMILY(softmax, KERNEL(softmax), KERNEL(softmaxVjp), KERNEL(softmaxCurvature))

} // namespace AG_ISA
} // namespace ag
