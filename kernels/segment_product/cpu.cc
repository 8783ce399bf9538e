// Products between the rows of a segment (ptr[s] <= e < ptr[s+1]) and a matrix per segment; B is small:
//   segment_outer    out[s,a,b] = sum over e of x[e,a] y[e,b]       the moments G^T R of DeePMD, A = 100, B = 4
//   segment_apply    out[e,b]   = sum over a of x[e,a] z[s,a,b]
//   segment_apply_t  out[e,a]   = sum over b of y[e,b] z[s,a,b] + addend[e,a], which may be absent
//
// Layout: row-major; rows behind the last segment belong to none: they count for nothing and their sums are 0.
// Strategy: vector lanes run over a in blocks of 128 columns, up to 8 b's stand in registers; the matrix of a segment
// is kept as [b][a] on the stack and turned once per segment. x is read row by row, once (B <= 8, A <= 128). Segments
// are dealt out in at most 64 runs of about equal numbers of rows; each output has one owner that adds in the order of
// the rows. Bound: E (A + B) + N A B elements of memory. Measured, 17,000 rows, A = 100, B = 4, two threads, in GB/s
// (and of an addition of as many bytes): outer 35 to 41 in f32 (66 to 77 %), 49 in f64 (88 %); apply 30 to 35 (56 to 65
// %), 45 (81
// %); apply_t 31 (56 %), 36 (66 %). Pitfall: one segment is one thread's
// work. For a single huge segment use the matrix product (matmul, transposeA).
#include <cstring>

#include "../../native/segment_runs.h"
#include "../../native/simd.h"

namespace ag {
namespace AG_ISA {
namespace {

constexpr int64_t kRuns = 64;
constexpr int64_t kColumns = 128;
constexpr int64_t kDepth = 8; // b's of one pass

// Registers: sums of several rows or vectors at once, the operands beside them.
#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int kSums = 16;
#else
constexpr int kSums = 8;
#endif

// 16 bytes of a register.
template <class T> struct Quarter;
template <> struct Quarter<float> {
  typedef float vector __attribute__((vector_size(16)));
};
template <> struct Quarter<double> {
  typedef double vector __attribute__((vector_size(16)));
};

// The bits of sumLanes, in vector additions down to 16 bytes: apply has one such sum per 100 products.
template <class T> AG_INLINE T sumQuickly(V<T> v) {
  typename Quarter<T>::vector q[AG_VECTOR_BYTES / 16];
  std::memcpy(q, &v, sizeof(v));
  for (int w = AG_VECTOR_BYTES / 32; w > 0; w /= 2)
    for (int k = 0; k < w; ++k) q[k] += q[k + w];
  if constexpr (sizeof(T) == 4) return (q[0][0] + q[0][2]) + (q[0][1] + q[0][3]);
  return q[0][0] + q[0][1];
}

template <int N> struct Count {
  static constexpr int value = N;
};

// f(Count<n>) for 1 <= n <= 8.
template <class F> static void withCount(int64_t n, F&& f) {
  switch (n) {
  case 1:
    return f(Count<1>());
  case 2:
    return f(Count<2>());
  case 3:
    return f(Count<3>());
  case 4:
    return f(Count<4>());
  case 5:
    return f(Count<5>());
  case 6:
    return f(Count<6>());
  case 7:
    return f(Count<7>());
  case 8:
    return f(Count<8>());
  }
}

// A window of the matrix [A,B] of a segment, turned: [b][a], zeros up to a whole vector.
template <class T> struct Turned {
  alignas(64) T data[kDepth * kColumns];

  const T* row(int b) const { return data + b * kColumns; }
  T* row(int b) { return data + b * kColumns; }

  void read(const T* z, int64_t columns, int64_t depth, int64_t stride) {
    const int64_t padded = (columns + kLanes<T> - 1) / kLanes<T> * kLanes<T>;
    for (int64_t b = 0; b < depth; ++b) {
      for (int64_t a = 0; a < columns; ++a) row(b)[a] = z[a * stride + b];
      for (int64_t a = columns; a < padded; ++a) row(b)[a] = T(0);
    }
  }
  void write(T* z, int64_t columns, int64_t depth, int64_t stride) const {
    for (int64_t a = 0; a < columns; ++a)
      for (int64_t b = 0; b < depth; ++b) z[a * stride + b] = row(b)[a];
  }
};

// Rows of two matrices, a window of columns of each.
template <class T> struct Rows {
  const T* x;
  int64_t xStride;
  const T* y;
  int64_t yStride;
  int64_t count, columns;
};

template <class T, int W, int D>
AG_INLINE void addOuter(const Rows<T>& r, int64_t rows, int64_t a, Tail<T> t, Turned<T>& sums) {
  constexpr int L = kLanes<T>;
  V<T> s[W][D];
  for (int w = 0; w < W; ++w)
    for (int b = 0; b < D; ++b) s[w][b] = load(sums.row(b) + a + w * L);
  for (int64_t e = 0; e < rows; ++e) {
    const T *x = r.x + e * r.xStride + a, *y = r.y + e * r.yStride;
    V<T> v[W];
    for (int w = 0; w < W - 1; ++w) v[w] = load(x + w * L);
    v[W - 1] = loadTail(x + (W - 1) * L, t);
    for (int b = 0; b < D; ++b) {
      const V<T> factor = splat(y[b]);
      for (int w = 0; w < W; ++w) s[w][b] = fma(v[w], factor, s[w][b]);
    }
  }
  for (int w = 0; w < W; ++w)
    for (int b = 0; b < D; ++b) store(sums.row(b) + a + w * L, s[w][b]);
}

// sums[b][a] = sum over the rows of x[e,a] y[e,b]. A few rows at a time pass by all columns, so that x streams.
template <class T, int D> static void outer(Rows<T> r, Turned<T>& sums) {
  constexpr int L = kLanes<T>, W = kSums / D > 2 ? 2 : 1;
  constexpr int64_t kAtOnce = 8;
  for (int b = 0; b < D; ++b) std::memset(sums.row(b), 0, sizeof(T) * kColumns);
  const Tail<T> full = tailOf<T>(L);
  for (; r.count > 0; r.count -= kAtOnce, r.x += kAtOnce * r.xStride, r.y += kAtOnce * r.yStride) {
    const int64_t rows = r.count < kAtOnce ? r.count : kAtOnce;
    int64_t a = 0;
    for (; a + W * L <= r.columns; a += W * L) addOuter<T, W, D>(r, rows, a, full, sums);
    for (; a < r.columns; a += L)
      addOuter<T, 1, D>(r, rows, a, tailOf<T>(static_cast<int>(r.columns - a < L ? r.columns - a : L)), sums);
  }
}

template <class T, int R, int D>
AG_INLINE void applyRows(const Rows<T>& r, const Turned<T>& z, bool add, T* out, int64_t stride) {
  constexpr int L = kLanes<T>;
  V<T> s[R][D] = {};
  const auto step = [&](int64_t a, auto&& get) {
    V<T> v[R];
    for (int e = 0; e < R; ++e) v[e] = get(r.x + e * r.xStride + a);
    for (int b = 0; b < D; ++b) {
      const V<T> factor = load(z.row(b) + a);
      for (int e = 0; e < R; ++e) s[e][b] = fma(v[e], factor, s[e][b]);
    }
  };
  int64_t a = 0;
  for (; a + L <= r.columns; a += L) step(a, [](const T* p) { return load(p); });
  if (a < r.columns) {
    const Tail<T> t = tailOf<T>(static_cast<int>(r.columns - a));
    step(a, [t](const T* p) { return loadTail(p, t); });
  }
  for (int e = 0; e < R; ++e)
    for (int b = 0; b < D; ++b) out[e * stride + b] = (add ? out[e * stride + b] : T(0)) + sumQuickly<T>(s[e][b]);
}

// out[e,b] (+)= sum over the columns of x[e,a] z[b][a].
template <class T, int D> static void apply(Rows<T> r, const Turned<T>& z, bool add, T* out, int64_t stride) {
  constexpr int R = kSums / D > 4 ? 4 : kSums / D;
  for (; r.count >= R; r.count -= R, r.x += R * r.xStride, out += R * stride)
    applyRows<T, R, D>(r, z, add, out, stride);
  for (; r.count > 0; --r.count, r.x += r.xStride, out += stride) applyRows<T, 1, D>(r, z, add, out, stride);
}

// out[e,a] = sum over b of y[e,b] z[b][a] + before[e,a], which may be absent, or out itself.
template <class T, int D>
static void applyTransposed(const Rows<T>& r, const Turned<T>& z, const T* before, T* out, int64_t stride) {
  constexpr int L = kLanes<T>;
  for (int64_t e = 0; e < r.count; ++e, out += stride, before += before ? stride : 0) {
    const T* y = r.y + e * r.yStride;
    V<T> factor[D];
    for (int b = 0; b < D; ++b) factor[b] = splat(y[b]);
    const auto at = [&](int64_t a, V<T> s) {
      for (int b = 0; b < D; ++b) s = fma(factor[b], load(z.row(b) + a), s);
      return s;
    };
    int64_t a = 0;
    for (; a + L <= r.columns; a += L) store(out + a, at(a, before ? load(before + a) : V<T>{}));
    if (a < r.columns) {
      const Tail<T> t = tailOf<T>(static_cast<int>(r.columns - a));
      storeTail(out + a, at(a, before ? loadTail(before + a, t) : V<T>{}), t);
    }
  }
}

// each(s, a, columns, b, depth) for every segment and window of its matrix: columns at most 128, depth at most 8.
template <class T, class Each>
static void forWindows(const Call& c, const int32_t* ptr, int64_t segments, int64_t A, int64_t B, Each&& each) {
  const double nsPerRow = static_cast<double>(A) * static_cast<double>(2 + B) * (sizeof(T) == 4 ? 0.04 : 0.08) + 1;
  const auto before = [ptr](int64_t s) { return ptr[s] + s; };
  segmentRuns(c, segments, kRuns, nsPerRow, before, [&](int64_t, int64_t begin, int64_t end) {
    for (int64_t s = begin; s < end; ++s)
      for (int64_t a = 0; a < A; a += kColumns)
        for (int64_t b = 0; b < B; b += kDepth)
          each(s, a, A - a < kColumns ? A - a : kColumns, b, B - b < kDepth ? B - b : kDepth);
  });
}

template <class T> static void zero(T* begin, int64_t count) {
  if (count > 0) std::memset(begin, 0, static_cast<size_t>(count) * sizeof(T));
}

template <class T> static int segment_outer(const Call& c) {
  const int64_t E = c.ints[0], A = c.ints[1], B = c.ints[2], N = c.ints[3];
  const T *x = in<T>(c, 0), *y = in<T>(c, 1);
  const int32_t* ptr = in<int32_t>(c, 2);
  T* out = ag::out<T>(c, 3);
  if (const int fault = segmentFault(ptr, N, E)) return fault;
  forWindows<T>(c, ptr, N, A, B, [&](int64_t s, int64_t a, int64_t columns, int64_t b, int64_t depth) {
    const Rows<T> r = {x + ptr[s] * A + a, A, y + ptr[s] * B + b, B, ptr[s + 1] - ptr[s], columns};
    Turned<T> sums;
    withCount(depth, [&](auto d) { outer<T, decltype(d)::value>(r, sums); });
    sums.write(out + (s * A + a) * B + b, columns, depth, B);
  });
  return 0;
}

template <class T> static int segment_apply(const Call& c) {
  const int64_t E = c.ints[0], A = c.ints[1], N = c.ints[2], B = c.ints[3];
  const T *x = in<T>(c, 0), *z = in<T>(c, 1);
  const int32_t* ptr = in<int32_t>(c, 2);
  T* out = ag::out<T>(c, 3);
  if (const int fault = segmentFault(ptr, N, E)) return fault;
  forWindows<T>(c, ptr, N, A, B, [&](int64_t s, int64_t a, int64_t columns, int64_t b, int64_t depth) {
    const Rows<T> r = {x + ptr[s] * A + a, A, nullptr, 0, ptr[s + 1] - ptr[s], columns};
    Turned<T> turned;
    turned.read(z + (s * A + a) * B + b, columns, depth, B);
    withCount(depth, [&](auto d) { apply<T, decltype(d)::value>(r, turned, a > 0, out + ptr[s] * B + b, B); });
  });
  const int64_t done = A > 0 ? ptr[N] : 0;
  zero(out + done * B, (E - done) * B);
  return 0;
}

template <class T> static int segment_apply_t(const Call& c) {
  const int64_t E = c.ints[0], B = c.ints[1], N = c.ints[2], A = c.ints[3];
  const T *y = in<T>(c, 0), *z = in<T>(c, 1);
  const int32_t* ptr = in<int32_t>(c, 2);
  const T* addend = in<T>(c, 3);
  T* out = ag::out<T>(c, 4);
  if (const int fault = segmentFault(ptr, N, E)) return fault;
  forWindows<T>(c, ptr, N, A, B, [&](int64_t s, int64_t a, int64_t columns, int64_t b, int64_t depth) {
    const Rows<T> r = {nullptr, 0, y + ptr[s] * B + b, B, ptr[s + 1] - ptr[s], columns};
    Turned<T> turned;
    turned.read(z + (s * A + a) * B + b, columns, depth, B);
    T* to = out + ptr[s] * A + a;
    const T* before = b > 0 ? to : addend ? addend + ptr[s] * A + a : nullptr;
    withCount(depth, [&](auto d) { applyTransposed<T, decltype(d)::value>(r, turned, before, to, A); });
  });
  const int64_t done = B > 0 ? ptr[N] : 0;
  if (addend && E > done)
    std::memcpy(out + done * A, addend + done * A, static_cast<size_t>((E - done) * A) * sizeof(T));
  else zero(out + done * A, (E - done) * A);
  return 0;
}

} // namespace

FAMILY(segment_product, KERNEL(segment_outer), KERNEL(segment_apply), KERNEL(segment_apply_t))

} // namespace AG_ISA
} // namespace ag
