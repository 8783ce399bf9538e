// The derivatives of y = tanh(x W + b), from y. With d = g (1 - y^2), the gradient of the argument:
//   tanhProductVjp        x' = d W^T + residual
//   tanhProductGradients  x' = d W^T + residual, W' = x^T d, b' = the sum of the rows of d
//   tanhProductVjpVjp     of tanhProductVjp along v, with s = v W: g' = s (1 - y^2), y' = -2 y g s, W' = v^T d
// and the same of a layer twice as wide as its input with its residual, out = y + [x, x]:
//   doubledTanh           y and out
//   doubledTanhVjp, doubledTanhGradients   x' has the halves of g besides; y may have a gradient of its own, which
//   counts
//                                          in d
//   doubledTanhVjpVjp     g' has [v, v] besides
//
// Layout: row-major; g, y [E,N], x, v [E,K], W [K,N].
//
// Strategy: at most 64 parts of the rows, each its own block of scratch rows, which stays in the second-level cache
// between the elementwise pass and the products on either side of it, so that nothing of the size of d or s is written
// to memory. While tiles are computed they fetch what the next elementwise pass reads and writes (native/gemm/sweep.h):
// a core reads memory about as long as it computes, and did one after the other. W is packed once for all. Sums over
// the rows (W', b') are kept by each part and added in the order of the parts; the parts depend on the sizes alone, so
// the bits do not depend on the threads.
//
// Bound: 2 E N K flop a product; memory is g and y once in and (VjpVjp) g' and y' once out. Measured, 17,000 rows, 50
// to 100, two threads: 120 to 150 Gflop/s in f32 and 52 (doubledTanh, which has 27 MB to write) to 71 in f64; one large
// product has 310 and 151.
#include "../../native/gemm/gemm.h"

namespace ag {
namespace AG_ISA {
namespace {

constexpr int64_t kBlockRows = 84;
constexpr int64_t kFewestBlocks = 2;
constexpr int64_t kMostParts = 64; // op.ts holds the same numbers

template <class T> constexpr int64_t size = sizeof(T);

struct Parts {
  int64_t rows, high, count; // rows of all and of a part

  explicit Parts(int64_t all) : rows(all) {
    const int64_t blocks = (all + kMostParts * kBlockRows - 1) / (kMostParts * kBlockRows);
    high = kBlockRows * (blocks < kFewestBlocks ? kFewestBlocks : blocks);
    count = (all + high - 1) / high;
  }

  // The block of the part that begins at row r, if there is one, in arrays of n columns.
  template <class T, class... More>
  Ahead ahead(int64_t part, int64_t r, int64_t n, const T* array, More... more) const {
    Ahead soon;
    const int64_t end = (part + 1) * high < rows ? (part + 1) * high : rows;
    const int64_t count = end - r < kBlockRows ? end - r : kBlockRows;
    if (count > 0)
      for (const T* one : {array, static_cast<const T*>(more)...})
        if (one) soon.add(one + r * n, count * n * size<T>);
    return soon;
  }

  // body(part, first row, rows, whether the block is the first of its part)
  template <class F> void run(const Call& c, double nsPerRow, F&& body) const {
    blocks(c, count, 1, nsPerRow * static_cast<double>(high), [&](int64_t part, int64_t) {
      const int64_t begin = part * high, end = begin + high < rows ? begin + high : rows;
      for (int64_t r = begin; r < end; r += kBlockRows)
        body(part, r, end - r < kBlockRows ? end - r : kBlockRows, r == begin);
    });
  }
};

// The scratch memory: W packed, then for each part a block of rows and, where the kernel sums over rows, W' and b'.
template <class T> struct Scratch {
  T* packed;
  T* first;
  int64_t block, matrix, apart; // elements; apart: between two parts

  // W as [depth,width].
  Scratch(const Call& c, int64_t depth, int64_t width, int64_t n, int64_t matrixSize, int64_t row)
      : packed(static_cast<T*>(c.work)), first(packed + ceilTo(depth * ceilTo(width, 16), 16)),
        block(ceilTo(kBlockRows * n, 16)), matrix(ceilTo(matrixSize, 16)), apart(block + matrix + ceilTo(row, 16)) {}

  T* rowsOf(int64_t part) const { return first + part * apart; }
  T* matrixOf(int64_t part) const { return rowsOf(part) + block; }
  T* rowOf(int64_t part) const { return matrixOf(part) + matrix; }
};

// c = a op(W) (+ residual) for all rows; blocks take their windows of it.
template <class T> struct Product {
  Gemm<T> whole;
  const T* packed;

  Product(const Call& c, const Gemm<T>& gemm, T* panels) : whole(gemm), packed(nullptr) {
    if (gemmWay(whole) != GemmWay::kTiles || whole.m == 0) return;
    packed = panels;
    blocks(c, panelsOf<T>(whole.n), 1, static_cast<double>(2 * kLanes<T> * whole.k) * 0.5,
           [&](int64_t begin, int64_t end) {
             pack(whole.b, whole.ldb, whole.transposeB, whole.n, whole.k, begin, end, panels);
           });
  }

  void run(const T* a, T* to, const T* residual, int64_t rows, Ahead& ahead) const {
    Gemm<T> g = whole;
    g.m = rows;
    g.a = a;
    g.c = to;
    g.epilogue.residual = residual;
    g.epilogue.residualStride = g.n;
    if (!packed) return gemmSerial(g);
    Sweep<T> sweep(g, false, packed);
    sweep.ahead = &ahead;
    sweep.intoC(0, rows, 0, sweep.panels());
  }
};

// sums[K,N] (+)= a^T b over the rows of a block.
template <class T>
static void addOuter(const T* a, int64_t k, const T* b, int64_t n, int64_t rows, T* sums, bool isFirst, Ahead& ahead) {
  const Gemm<T> g = {k, n, rows, a, k, true, b, n, false, sums, n};
  Sweep<T> sweep(g, false, nullptr);
  sweep.ahead = &ahead;
  sweep.tiles(0, k, 0, sweep.panels(), 0, rows, [&](TileJob<T>& job, int64_t i, int height, const Panel<T>& panel) {
    job.add = !isFirst;
    job.out = sums + i * n + panel.col;
    job.outRow = n;
    job.c = job.out;
    job.cRow = n;
    runTile(job, height, panel.width);
  });
}

// sum[N] (+)= the rows of a block.
template <class T> static void addRows(const T* x, int64_t n, int64_t rows, T* sum, bool isFirst) {
  for (int64_t j = 0; j < n; j += kLanes<T>) {
    const Tail<T> t = tailOf<T>(static_cast<int>(n - j < kLanes<T> ? n - j : kLanes<T>));
    V<T> total = isFirst ? V<T>{} : loadTail(sum + j, t);
    for (int64_t r = 0; r < rows; ++r) total += loadTail(x + r * n + j, t);
    storeTail(sum + j, total, t);
  }
}

// out = the sum over the parts of what each holds at `of`, in their order.
template <class T, class Of> static void addParts(const Call& c, const Parts& parts, int64_t size, T* to, Of&& of) {
  blocks(c, size, 1024, static_cast<double>(parts.count + 1) * 0.3, [&](int64_t begin, int64_t end) {
    for (int64_t k = begin; k < end; k += kLanes<T>) {
      const Tail<T> t = tailOf<T>(static_cast<int>(end - k < kLanes<T> ? end - k : kLanes<T>));
      V<T> total = {};
      for (int64_t p = 0; p < parts.count; ++p) total += loadTail(of(p) + k, t);
      storeTail(to + k, total, t);
    }
  });
}

// body(k, tail) for the vectors of `count` elements.
template <class T, class F> AG_INLINE void vectors(int64_t count, F&& body) {
  constexpr int L = kLanes<T>;
  int64_t k = 0;
  for (; k + L <= count; k += L) body(k, tailOf<T>(L));
  if (k < count) body(k, tailOf<T>(static_cast<int>(count - k)));
}

// d = (g + more) (1 - y^2); `more` may be absent.
template <class T> static void slopes(const T* g, const T* more, const T* y, int64_t count, T* d) {
  vectors<T>(count, [&](int64_t k, Tail<T> t) AG_ALWAYS {
    const V<T> value = loadTail(y + k, t);
    const V<T> all = more ? loadTail(g + k, t) + loadTail(more + k, t) : loadTail(g + k, t);
    storeTail(d + k, all * (T(1) - value * value), t);
  });
}

// body(r, j, tail) for the vectors of rows of k elements.
template <class T, class F> AG_INLINE void eachRow(int64_t rows, int64_t k, F&& body) {
  constexpr int L = kLanes<T>;
  for (int64_t r = 0; r < rows; ++r) {
    int64_t j = 0;
    for (; j + L <= k; j += L) body(r, j, tailOf<T>(L));
    if (j < k) body(r, j, tailOf<T>(static_cast<int>(k - j)));
  }
}

// x[k] = the halves of g[2k] + addend, by rows; the addend may be absent.
template <class T> static void fold(const T* g, const T* addend, int64_t rows, int64_t k, T* x) {
  eachRow<T>(rows, k, [&](int64_t r, int64_t j, Tail<T> t) AG_ALWAYS {
    const T* row = g + 2 * r * k + j;
    V<T> sum = loadTail(row, t) + loadTail(row + k, t);
    if (addend) sum += loadTail(addend + r * k + j, t);
    storeTail(x + r * k + j, sum, t);
  });
}

// to[2k] = from + [x, x], by rows.
template <class T> static void addTwice(const T* x, const T* from, int64_t rows, int64_t k, T* to) {
  eachRow<T>(rows, k, [&](int64_t r, int64_t j, Tail<T> t) AG_ALWAYS {
    const V<T> v = loadTail(x + r * k + j, t);
    const int64_t left = 2 * r * k + j, right = left + k;
    storeTail(to + left, loadTail(from + left, t) + v, t);
    storeTail(to + right, loadTail(from + right, t) + v, t);
  });
}

// What a product of a row costs, and what is done to its elements.
template <class T> static double nsPerRow(int64_t n, int64_t k, int products) {
  return static_cast<double>(n) * (static_cast<double>(products * k) * (sizeof(T) == 4 ? 0.02 : 0.04) + 0.6);
}

template <class T> static int doubledTanh(const Call& c) {
  const int64_t rows = c.ints[0], k = c.ints[1], n = c.ints[2];
  const T *x = in<T>(c, 0), *w = in<T>(c, 1), *bias = in<T>(c, 2);
  T *y = out<T>(c, 3), *to = out<T>(c, 4);
  const Parts parts(rows);
  const Scratch<T> scratch(c, k, n, n, 0, 0);
  const Epilogue<T> epilogue = {T(1), bias, kActTanh, nullptr, 0, false};
  const Product<T> product(c, {rows, n, k, x, k, false, w, n, false, y, n, epilogue}, scratch.packed);
  parts.run(c, nsPerRow<T>(n, k, 1) + 2.0 * static_cast<double>(n), [&](int64_t, int64_t r, int64_t high, bool) {
    Ahead ahead;
    ahead.add(to + r * n, high * n * size<T>);
    product.run(x + r * k, y + r * n, nullptr, high, ahead);
    addTwice(x + r * k, y + r * n, high, k, to + r * n);
  });
  return 0;
}

template <class T, bool doubled> static int vjp(const Call& c) {
  const int64_t rows = c.ints[0], n = c.ints[1], k = c.ints[2];
  const T *g = in<T>(c, 0), *y = in<T>(c, 1), *w = in<T>(c, 2), *residual = in<T>(c, 3);
  T* x = out<T>(c, 4);
  const Parts parts(rows);
  const Scratch<T> scratch(c, n, k, n, 0, doubled ? kBlockRows * k : 0);
  const Product<T> product(c, {rows, k, n, nullptr, n, false, w, n, true, x, k}, scratch.packed);
  parts.run(c, nsPerRow<T>(n, k, 1), [&](int64_t part, int64_t r, int64_t high, bool) {
    T* d = scratch.rowsOf(part);
    slopes<T>(g + r * n, nullptr, y + r * n, high * n, d);
    const T* addend = residual ? residual + r * k : nullptr;
    if (doubled) {
      T* halves = scratch.rowOf(part);
      fold(g + r * n, addend, high, k, halves);
      addend = halves;
    }
    Ahead ahead = parts.ahead(part, r + high, n, g, y);
    product.run(d, x + r * k, addend, high, ahead);
  });
  return 0;
}

template <class T> static int tanhProductVjp(const Call& c) { return vjp<T, false>(c); }
template <class T> static int doubledTanhVjp(const Call& c) { return vjp<T, true>(c); }

template <class T, bool doubled> static int gradients(const Call& c) {
  const int64_t rows = c.ints[0], n = c.ints[1], k = c.ints[2];
  constexpr int first = doubled ? 1 : 0;
  const T *g = in<T>(c, 0), *more = doubled ? in<T>(c, 1) : nullptr;
  const T *y = in<T>(c, 1 + first), *w = in<T>(c, 2 + first), *x = in<T>(c, 3 + first), *residual = in<T>(c, 4 + first);
  T *dx = out<T>(c, 5 + first), *dw = out<T>(c, 6 + first), *db = out<T>(c, 7 + first);
  const Parts parts(rows);
  const int64_t halvesAt = ceilTo(n, 16);
  const Scratch<T> scratch(c, n, k, n, k * n, doubled ? halvesAt + kBlockRows * k : n);
  const Product<T> product(c, {rows, k, n, nullptr, n, false, w, n, true, dx, k}, scratch.packed);
  parts.run(c, nsPerRow<T>(n, k, 2), [&](int64_t part, int64_t r, int64_t high, bool isFirst) {
    T* d = scratch.rowsOf(part);
    slopes<T>(g + r * n, more ? more + r * n : nullptr, y + r * n, high * n, d);
    addRows(d, n, high, scratch.rowOf(part), isFirst);
    // What the next block needs, shared by both products so that neither waits for it.
    Ahead ahead = parts.ahead(part, r + high, n, g, more), rest = parts.ahead(part, r + high, n, y);
    addOuter(x + r * k, k, d, n, high, scratch.matrixOf(part), isFirst, ahead);
    const T* addend = residual ? residual + r * k : nullptr;
    if (doubled) {
      T* halves = scratch.rowOf(part) + halvesAt;
      fold(g + r * n, addend, high, k, halves);
      addend = halves;
    }
    product.run(d, dx + r * k, addend, high, rest);
  });
  addParts(c, parts, k * n, dw, [&](int64_t part) { return scratch.matrixOf(part); });
  addParts(c, parts, n, db, [&](int64_t part) { return scratch.rowOf(part); });
  return 0;
}

template <class T> static int tanhProductGradients(const Call& c) { return gradients<T, false>(c); }
template <class T> static int doubledTanhGradients(const Call& c) { return gradients<T, true>(c); }

// Where rows of tanhProductVjpVjp lie; the addends may be absent.
template <class T> struct Bends {
  const T *g, *y, *gSoFar, *ySoFar;
  T *dg, *dy;
};

// s becomes d; `residual` is what g' has besides.
template <class T> AG_INLINE void bendAt(const Bends<T>& b, int64_t at, Tail<T> t, V<T> residual, T* s) {
  const V<T> g = loadTail(b.g + at, t), y = loadTail(b.y + at, t), along = loadTail(s, t);
  const V<T> slope = T(1) - y * y;
  V<T> dg = along * slope, dy = -(along * (g * (y + y)));
  if (b.gSoFar) dg += loadTail(b.gSoFar + at, t);
  if (b.ySoFar) dy += loadTail(b.ySoFar + at, t);
  storeTail(b.dg + at, dg + residual, t);
  storeTail(b.dy + at, dy, t);
  storeTail(s, g * slope, t);
}
template <class T> static void bend(const Bends<T>& b, int64_t from, int64_t count, T* s) {
  vectors<T>(count, [&](int64_t k, Tail<T> t) AG_ALWAYS { bendAt(b, from + k, t, V<T>{}, s + k); });
}
template <class T> static void bendTwice(const Bends<T>& b, const T* v, int64_t row, int64_t rows, int64_t k, T* s) {
  eachRow<T>(rows, k, [&](int64_t r, int64_t j, Tail<T> t) AG_ALWAYS {
    const V<T> residual = loadTail(v + r * k + j, t);
    const int64_t left = 2 * r * k + j, right = left + k;
    bendAt(b, 2 * row * k + left, t, residual, s + left);
    bendAt(b, 2 * row * k + right, t, residual, s + right);
  });
}

template <class T, bool doubled> static int vjpVjp(const Call& c) {
  const int64_t rows = c.ints[0], k = c.ints[1], n = c.ints[2];
  const T *v = in<T>(c, 0), *w = in<T>(c, 1);
  const Bends<T> arrays = {in<T>(c, 2), in<T>(c, 3), in<T>(c, 4), in<T>(c, 5), out<T>(c, 6), out<T>(c, 7)};
  T* dw = out<T>(c, 8);
  const Parts parts(rows);
  const Scratch<T> scratch(c, k, n, n, k * n, 0);
  const Product<T> product(c, {rows, n, k, v, k, false, w, n, false, nullptr, n}, scratch.packed);
  parts.run(c, nsPerRow<T>(n, k, 2), [&](int64_t part, int64_t r, int64_t high, bool isFirst) {
    T* s = scratch.rowsOf(part);
    Ahead ahead = parts.ahead(part, r, n, arrays.g, arrays.y, arrays.gSoFar, arrays.ySoFar);
    product.run(v + r * k, s, nullptr, high, ahead);
    if (doubled) bendTwice(arrays, v + r * k, r, high, k, s);
    else bend(arrays, r * n, high * n, s);
    Ahead results = parts.ahead(part, r + high, n, arrays.dg, arrays.dy);
    addOuter(v + r * k, k, s, n, high, scratch.matrixOf(part), isFirst, results);
  });
  addParts(c, parts, k * n, dw, [&](int64_t part) { return scratch.matrixOf(part); });
  return 0;
}

template <class T> static int tanhProductVjpVjp(const Call& c) { return vjpVjp<T, false>(c); }
template <class T> static int doubledTanhVjpVjp(const Call& c) { return vjpVjp<T, true>(c); }

} // namespace

FAMILY(tanh_product, KERNEL(tanhProductVjp), KERNEL(tanhProductGradients), KERNEL(tanhProductVjpVjp),
       KERNEL(doubledTanh), KERNEL(doubledTanhVjp), KERNEL(doubledTanhGradients), KERNEL(doubledTanhVjpVjp))

} // namespace AG_ISA
} // namespace ag
