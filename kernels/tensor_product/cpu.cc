// Tensor products of irreps (spec equivariant 4.1): every connection mode of e3nn, alone or fused with gathering and
// summing,
//   out[n] = sum over edges e with target[e] = n of T(x[source[e]], y[e], w[e]),
// with T trilinear in sparse couplings. Four kernels are the partial derivatives of sum over e of g[target[e]] . T(...)
// with respect to g, x, y and w; each has the other three operands as inputs, so that first, second and higher
// derivatives are these kernels again, and per-edge outputs are never stored.
//
// Layout: features as e3nn's ([mul, 2l+1] an entry); plan: layout.h; one row of weights for all edges or one an edge.
// Without maps a row is its own edge. Strategy: rows are transposed to components x copies in cache (paths.h); the row
// that owns a sum walks its edges in order, shared weights are summed per block and blocks in order: no atomics, the
// same bits for any thread count. Many rows are written past the caches. Bound: memory for channel-wise products (uvu
// 32x(0e+1o+2e), l <= 2, f32: 7.1 kB an edge unfused), weights for dense ones. Measured, value and all gradients of
// 20,000 such edges on two threads: 20 ms edge by edge, 56 % of the bound at 30 GB/s (value 5.6 ms, all derivatives
// together (joint.h) 14 ms); gathered from and summed into 1,000 nodes the bound is a third of that. Bringing rows in,
// component by component apart, is a third of the arithmetic. Pitfall: an index -1 leads nowhere: such an edge adds
// nothing and gets derivatives 0.
#include <cstring>

#include "../../native/team.h"
#include "joint.h"
#include "paths.h"

namespace ag {
namespace AG_ISA {
namespace {

constexpr int64_t kBlocks = 64; // as in op.ts

// Sizes and operands of one call; which buffer is the output depends on the kernel.
template <class T> struct Product {
  int64_t N, E, M, A, B, D, W;
  bool sharedWeights;
  const T *x, *y, *w, *g;
  const T* coefficient = nullptr;
  const Plan* plan = nullptr;
  const int32_t *source = nullptr, *sourceOrder = nullptr, *sourcePtr = nullptr;
  const int32_t *target = nullptr, *targetOrder = nullptr, *targetPtr = nullptr;
  T *to = nullptr, *work = nullptr;

  // `first` is the position of the plan among the buffers.
  void maps(const Call& c, int first) {
    plan = reinterpret_cast<const Plan*>(in<int32_t>(c, first));
    coefficient = in<T>(c, first + 1);
    source = in<int32_t>(c, first + 2);
    sourceOrder = in<int32_t>(c, first + 3);
    sourcePtr = in<int32_t>(c, first + 4);
    target = in<int32_t>(c, first + 5);
    targetOrder = in<int32_t>(c, first + 6);
    targetPtr = in<int32_t>(c, first + 7);
    to = out<T>(c, first + 8);
    work = static_cast<T*>(c.work);
  }
  int64_t scratch() const { return 2 * plan->width1 + plan->width3 + (plan->mostTerms + 15) / 16 * 16; }
  Edge<T> open(int64_t block) const {
    T* at = work + block * scratch();
    std::memset(at, 0, static_cast<size_t>(scratch()) * sizeof(T));
    T* couplings = at + plan->width1 + plan->width3;
    return {plan, coefficient, couplings, at, nullptr, nullptr, at + plan->width1};
  }
  int64_t rowOf(const int32_t* index, int64_t e) const { return index ? index[e] : e; }
  // The operands of edge e that are rows of edges.
  void bind(Edge<T>& edge, int64_t e) const {
    edge.y = y ? y + e * B : nullptr;
    edge.w = w ? w + (sharedWeights ? 0 : e * W) : nullptr;
  }
  bool loadFirst(Edge<T>& edge, int64_t e) const {
    const int64_t row = rowOf(source, e);
    if (row < 0) return false;
    loadRow(edge.x, x + row * A, plan->entry1(), plan->entries1);
    return true;
  }
  bool loadOutput(Edge<T>& edge, int64_t e) const {
    const int64_t row = rowOf(target, e);
    if (row < 0) return false;
    loadRow(edge.g, g + row * D, plan->entry3(), plan->entries3);
    return true;
  }
};

// Walks `rows` rows in blocks; body(edge, row) has scratch of its own.
template <class T, class F> static void rowsOf(const Call& c, const Product<T>& p, int64_t rows, F&& body) {
  const int64_t grain = (rows + kBlocks - 1) / kBlocks;
  const double perRow = static_cast<double>(p.E) / static_cast<double>(rows ? rows : 1);
  const double ns = perRow * static_cast<double>(p.A + p.D + p.plan->terms);
  blocks(c, rows, grain, ns, [&](int64_t begin, int64_t end) {
    Edge<T> edge = p.open(begin / grain);
    for (int64_t row = begin; row < end; ++row) body(edge, row, begin / grain);
    streamEnd();
  });
}

template <class F> static void edgesOf(const int32_t* order, const int32_t* ptr, int64_t row, F&& body) {
  if (!ptr) return body(row);
  for (int64_t k = ptr[row]; k < ptr[row + 1]; ++k) body(order[k]);
}

template <class T> static int tensorProduct(const Call& c) {
  const int32_t* n = c.ints;
  Product<T> p{n[0],        n[2],        n[10],       n[1],   n[3], n[11], n[5], n[4] == 1 && n[2] != 1,
               in<T>(c, 0), in<T>(c, 1), in<T>(c, 2), nullptr};
  p.maps(c, 3);
  const bool past = streams<T>(p.M, p.D, p.plan->entry3(), p.plan->entries3);
  rowsOf(c, p, p.M, [&](Edge<T>& edge, int64_t row, int64_t) {
    std::memset(edge.g, 0, static_cast<size_t>(p.plan->width3) * sizeof(T));
    edgesOf(p.targetOrder, p.targetPtr, row, [&](int64_t e) {
      if (!p.loadFirst(edge, e)) return;
      p.bind(edge, e);
      for (int32_t k = 0; k < p.plan->paths; ++k) toOutput(edge, p.plan->path()[k]);
    });
    storeRow(p.to + row * p.D, edge.g, p.plan->entry3(), p.plan->entries3, past);
  });
  return 0;
}

template <class T> static int tensorProductX(const Call& c) {
  const int32_t* n = c.ints;
  Product<T> p{n[9],    n[0],        n[4],        n[11],      n[1], n[5], n[3], n[2] == 1 && n[0] != 1,
               nullptr, in<T>(c, 0), in<T>(c, 1), in<T>(c, 2)};
  p.maps(c, 3);
  const bool past = streams<T>(p.N, p.A, p.plan->entry1(), p.plan->entries1);
  rowsOf(c, p, p.N, [&](Edge<T>& edge, int64_t row, int64_t) {
    std::memset(edge.x, 0, static_cast<size_t>(p.plan->width1) * sizeof(T));
    edgesOf(p.sourceOrder, p.sourcePtr, row, [&](int64_t e) {
      if (!p.loadOutput(edge, e)) return;
      p.bind(edge, e);
      for (int32_t k = 0; k < p.plan->paths; ++k) toFirst(edge, p.plan->path()[k]);
    });
    storeRow(p.to + row * p.A, edge.x, p.plan->entry1(), p.plan->entries1, past);
  });
  return 0;
}

template <class T> static int tensorProductY(const Call& c) {
  const int32_t* n = c.ints;
  Product<T> p{n[0],        n[8],    n[4],        n[1],       n[11], n[5], n[3], n[2] == 1 && n[8] != 1,
               in<T>(c, 0), nullptr, in<T>(c, 1), in<T>(c, 2)};
  p.maps(c, 3);
  rowsOf(c, p, p.E, [&](Edge<T>& edge, int64_t e, int64_t) {
    T* to = p.to + e * p.B;
    for (int64_t j = 0; j < p.B; ++j) to[j] = 0;
    if (!p.loadFirst(edge, e) || !p.loadOutput(edge, e)) return;
    p.bind(edge, e);
    for (int32_t k = 0; k < p.plan->paths; ++k) toSecond(edge, p.plan->path()[k], to);
  });
  return 0;
}

template <class T> static int tensorProductW(const Call& c) {
  const int32_t* n = c.ints;
  const int64_t rows = n[10];
  Product<T> p{n[0],        n[2],        n[4],    n[1],       n[3], n[5], n[11], rows == 1 && n[2] != 1,
               in<T>(c, 0), in<T>(c, 1), nullptr, in<T>(c, 2)};
  p.maps(c, 3);
  T* partial = p.work + kBlocks * p.scratch();
  const int64_t held = p.sharedWeights ? kBlocks * p.W : 0;
  for (int64_t k = 0; k < held; ++k) partial[k] = 0;
  rowsOf(c, p, p.E, [&](Edge<T>& edge, int64_t e, int64_t block) {
    T* to = p.sharedWeights ? partial + block * p.W : p.to + e * p.W;
    if (!p.sharedWeights) std::memset(to, 0, static_cast<size_t>(p.W) * sizeof(T));
    if (!p.loadFirst(edge, e) || !p.loadOutput(edge, e)) return;
    p.bind(edge, e);
    for (int32_t k = 0; k < p.plan->paths; ++k) toWeights(edge, p.plan->path()[k], to);
  });
  if (p.sharedWeights)
    for (int64_t k = 0; k < p.W; ++k) {
      T sum = 0;
      for (int64_t b = 0; b < kBlocks; ++b) sum += partial[b * p.W + k];
      p.to[k] = sum;
    }
  return 0;
}

// The derivatives with respect to y, w (a row an edge) and, where its rows are those of edges, x: all in one pass over
// the operands.
template <class T> static int tensorProductJoint(const Call& c) {
  const int32_t* n = c.ints;
  Product<T> p{n[0], n[2], n[6], n[1], n[3], n[7], n[5], false, in<T>(c, 0), in<T>(c, 1), in<T>(c, 2), in<T>(c, 3)};
  p.maps(c, 4);
  T *toX = n[13] > 0 ? p.to : nullptr, *toY = out<T>(c, 13), *toW = out<T>(c, 14);
  const bool inLanes = p.B <= kMostComponents, whole = inLanes && writesWeights<T>(*p.plan, p.W, false);
  const bool pastX = streams<T>(p.E, p.A, p.plan->entry1(), p.plan->entries1);
  const bool pastW = whole && p.W % kLanes<T> == 0 && writesWeights<T>(*p.plan, p.W, true) &&
                     p.E * p.W * static_cast<int64_t>(sizeof(T)) >= kStreamBytes;
  rowsOf(c, p, p.E, [&](Edge<T>& edge, int64_t e, int64_t) {
    Edge<T> back = edge;
    back.x = edge.couplings + (p.plan->mostTerms + 15) / 16 * 16;
    const size_t bytes = sizeof(T);
    if (toX) std::memset(back.x, 0, static_cast<size_t>(p.plan->width1) * bytes);
    std::memset(toY + e * p.B, 0, static_cast<size_t>(p.B) * bytes);
    const bool present = p.loadFirst(edge, e) && p.loadOutput(edge, e);
    if (toW && !(present && whole)) std::memset(toW + e * p.W, 0, static_cast<size_t>(p.W) * bytes);
    if (present) {
      p.bind(edge, e);
      p.bind(back, e);
      V<T> sums[kMostComponents];
      for (int64_t j = 0; inLanes && j < p.B; ++j) sums[j] = V<T>{};
      const Derivatives<T> to = {toX ? back.x : nullptr, sums, toW ? toW + e * p.W : nullptr, pastW};
      for (int32_t k = 0; k < p.plan->paths; ++k) {
        const Path& path = p.plan->path()[k];
        if (inLanes && jointly(edge, path, to)) continue;
        if (toX) toFirst(back, path);
        toSecond(edge, path, toY + e * p.B);
        if (p.w) toWeights(edge, path, toW + e * p.W);
      }
      if (inLanes) addLanes(toY + e * p.B, sums, p.B);
    }
    if (toX) storeRow(toX + e * p.A, back.x, p.plan->entry1(), p.plan->entries1, pastX);
  });
  return 0;
}

} // namespace

FAMILY(tensor_product, KERNEL(tensorProduct), KERNEL(tensorProductX), KERNEL(tensorProductY), KERNEL(tensorProductW),
       KERNEL(tensorProductJoint))

} // namespace AG_ISA
} // namespace ag
