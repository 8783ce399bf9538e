// tensorProduct and its three partial derivatives; formulas in cpu.cc, plan in plan.ts.
//
// Layout: rows of entries as e3nn has them, the plan as layout.h has it. Strategy: a thread owns one number of the
// result: it walks the edges of its row in order and the paths that reach it, neighbouring threads in neighbouring
// components. Weights shared by all edges have a block each, which joins its edges in a fixed tree. Nothing of the size
// of edges x output is stored. Bound: arithmetic; every component of a copy reads the terms of its path again, from the
// cache. Not measured: has not run on hardware.
#include "../../native/cuda/call.cuh"

namespace ag {
namespace cuda {
namespace {

enum Pairs { kAll, kDiagonal, kUpper };
enum Target { kFirst, kSecond, kPair, kSingle, kDense };

struct Path {
  int32_t pairs, target, weights, mul[3], dim[3], offset[3], first, count, padded1, padded3;

  // Copies of the second input that copy u of the first meets: from `begin` to before `end`.
  __device__ int begin(int u) const { return pairs == kDiagonal ? u : pairs == kUpper ? u + 1 : 0; }
  __device__ int end(int u) const { return pairs == kDiagonal ? u + 1 : mul[1]; }
  // The number of a pair in the order of the weights.
  __device__ int number(int u, int v) const {
    if (pairs == kDiagonal) return u;
    return u * mul[1] + v - (pairs == kUpper ? (u + 1) * (u + 2) / 2 : 0);
  }
  __device__ int targetOf(int u, int v) const {
    return target == kFirst ? u : target == kSecond ? v : target == kPair ? number(u, v) : 0;
  }
  // Number of pairs.
  __device__ int meetings() const {
    if (pairs == kDiagonal) return mul[0];
    if (pairs == kAll) return mul[0] * mul[1];
    const int met = mul[0] < mul[1] ? mul[0] : mul[1];
    return met * (mul[1] - 1) - met * (met - 1) / 2;
  }
  // Whether component c of a row lies in the path's entry of operand `side`, and where.
  __device__ bool place(int side, int64_t c, int* copy, int* component) const {
    const int64_t k = c - offset[side];
    if (k < 0 || k >= int64_t{mul[side]} * dim[side]) return false;
    *copy = static_cast<int>(k / dim[side]);
    *component = static_cast<int>(k % dim[side]);
    return true;
  }
};
struct Index {
  int32_t i, j, k;
};

// Sizes and operands of one call; which buffer is the output depends on the kernel.
template <class T> struct Product {
  int64_t N, E, M, A, B, D, W;
  bool sharedWeights;
  const T *x, *y, *w, *g;
  const int32_t* plan = nullptr;
  const T* coefficient = nullptr;
  const int32_t *source = nullptr, *sourceOrder = nullptr, *sourcePtr = nullptr;
  const int32_t *target = nullptr, *targetOrder = nullptr, *targetPtr = nullptr;
  T* to = nullptr;

  Product<T> over(const Call& c) const {
    Product<T> p = *this;
    p.plan = in<int32_t>(c, 3);
    p.coefficient = in<T>(c, 4);
    p.source = in<int32_t>(c, 5), p.sourceOrder = in<int32_t>(c, 6), p.sourcePtr = in<int32_t>(c, 7);
    p.target = in<int32_t>(c, 8), p.targetOrder = in<int32_t>(c, 9), p.targetPtr = in<int32_t>(c, 10);
    p.to = out<T>(c, 11);
    return p;
  }

  __device__ int paths() const { return plan[0]; }
  __device__ const Path* path() const { return reinterpret_cast<const Path*>(plan + 8 + 4 * (plan[1] + plan[2])); }
  __device__ const Index* index() const { return reinterpret_cast<const Index*>(path() + plan[0]); }
  __device__ int64_t rowOf(const int32_t* map, int64_t e) const { return map ? map[e] : e; }
  __device__ const T* weightsOf(int64_t e) const { return w + (sharedWeights ? 0 : e * W); }

  // What the pair (u, v) meets in component k of the output, weights included.
  __device__ T answer(const Path& p, int u, int v, int k, int64_t e, int64_t row) const {
    const int number = p.number(u, v);
    const T* at = g + row * D + p.offset[2] + k;
    if (p.target != kDense) {
      const T value = at[p.targetOf(u, v) * p.dim[2]];
      return p.weights < 0 ? value : value * weightsOf(e)[p.weights + number];
    }
    const T* weight = weightsOf(e) + p.weights + int64_t{number} * p.mul[2];
    T sum = 0;
    for (int t = 0; t < p.mul[2]; ++t) sum += weight[t] * at[t * p.dim[2]];
    return sum;
  }
};

// Component k of what the pair (u, v) couples to.
template <class T>
__device__ T coupled(const Product<T>& c, const Path& p, int u, int v, int k, int64_t e, int64_t row) {
  const T *x = c.x + row * c.A + p.offset[0] + u * p.dim[0], *y = c.y + e * c.B + p.offset[1] + v * p.dim[1];
  T sum = 0;
  for (int n = p.first; n < p.first + p.count; ++n) {
    const Index at = c.index()[n];
    if (at.k == k) sum += c.coefficient[n] * x[at.i] * y[at.j];
  }
  return sum;
}

// Component k of copy t that a path adds to the output of edge e.
template <class T> __device__ T outputOf(const Product<T>& c, const Path& p, int t, int k, int64_t e, int64_t row) {
  T sum = 0;
  const int uBegin = p.target == kFirst ? t : 0, uEnd = p.target == kFirst ? t + 1 : p.mul[0];
  for (int u = uBegin; u < uEnd; ++u) {
    int begin = p.begin(u), end = p.end(u);
    if (p.target == kSecond || p.target == kPair) {
      const int v = p.target == kSecond ? t : begin + t - p.number(u, begin);
      if (v < begin || v >= end) continue;
      begin = v;
      end = v + 1;
    }
    for (int v = begin; v < end; ++v) {
      const int number = p.number(u, v);
      T weight = 1;
      if (p.target == kDense) weight = c.weightsOf(e)[p.weights + int64_t{number} * p.mul[2] + t];
      else if (p.weights >= 0) weight = c.weightsOf(e)[p.weights + number];
      sum += weight * coupled(c, p, u, v, k, e, row);
    }
  }
  return sum;
}

template <class T> int tensorProduct(const Call& call) {
  const int32_t* n = call.ints;
  const Product<T> c = Product<T>{n[0], n[2],      n[10],          n[1],           n[3],           n[11],
                                  n[5], n[4] == 1, in<T>(call, 0), in<T>(call, 1), in<T>(call, 2), nullptr}
                           .over(call);
  return each(call, c.M * c.D, [=] __device__(int64_t item) {
    const int64_t row = item / c.D;
    const int64_t begin = c.targetPtr ? c.targetPtr[row] : row, end = c.targetPtr ? c.targetPtr[row + 1] : row + 1;
    T sum = 0;
    for (int64_t at = begin; at < end; ++at) {
      const int64_t e = c.targetOrder ? c.targetOrder[at] : at, from = c.rowOf(c.source, e);
      if (from < 0) continue;
      for (int k = 0; k < c.paths(); ++k) {
        const Path p = c.path()[k];
        int t, component;
        if (p.place(2, item % c.D, &t, &component)) sum += outputOf(c, p, t, component, e, from);
      }
    }
    c.to[item] = sum;
  });
}

template <class T> int tensorProductX(const Call& call) {
  const int32_t* n = call.ints;
  const Product<T> c = Product<T>{n[9], n[0],      n[4],    n[11],          n[1],           n[5],
                                  n[3], n[2] == 1, nullptr, in<T>(call, 0), in<T>(call, 1), in<T>(call, 2)}
                           .over(call);
  return each(call, c.N * c.A, [=] __device__(int64_t item) {
    const int64_t row = item / c.A;
    const int64_t begin = c.sourcePtr ? c.sourcePtr[row] : row, end = c.sourcePtr ? c.sourcePtr[row + 1] : row + 1;
    T sum = 0;
    for (int64_t at = begin; at < end; ++at) {
      const int64_t e = c.sourceOrder ? c.sourceOrder[at] : at, to = c.rowOf(c.target, e);
      if (to < 0) continue;
      for (int k = 0; k < c.paths(); ++k) {
        const Path p = c.path()[k];
        int u, component;
        if (!p.place(0, item % c.A, &u, &component)) continue;
        for (int v = p.begin(u); v < p.end(u); ++v)
          for (int j = p.first; j < p.first + p.count; ++j) {
            const Index term = c.index()[j];
            if (term.i != component) continue;
            const T y = c.y[e * c.B + p.offset[1] + v * p.dim[1] + term.j];
            sum += c.coefficient[j] * y * c.answer(p, u, v, term.k, e, to);
          }
      }
    }
    c.to[item] = sum;
  });
}

template <class T> int tensorProductY(const Call& call) {
  const int32_t* n = call.ints;
  const Product<T> c = Product<T>{n[0], n[8],      n[4],           n[1],    n[11],          n[5],
                                  n[3], n[2] == 1, in<T>(call, 0), nullptr, in<T>(call, 1), in<T>(call, 2)}
                           .over(call);
  return each(call, c.E * c.B, [=] __device__(int64_t item) {
    const int64_t e = item / c.B, from = c.rowOf(c.source, e), to = c.rowOf(c.target, e);
    T sum = 0;
    for (int k = 0; k < (from < 0 || to < 0 ? 0 : c.paths()); ++k) {
      const Path p = c.path()[k];
      int v, component;
      if (!p.place(1, item % c.B, &v, &component)) continue;
      for (int u = 0; u < p.mul[0]; ++u) {
        if (v < p.begin(u) || v >= p.end(u)) continue;
        for (int j = p.first; j < p.first + p.count; ++j) {
          const Index term = c.index()[j];
          if (term.j != component) continue;
          const T x = c.x[from * c.A + p.offset[0] + u * p.dim[0] + term.i];
          sum += c.coefficient[j] * x * c.answer(p, u, v, term.k, e, to);
        }
      }
    }
    c.to[item] = sum;
  });
}

// The derivative in weight `index` of edge e.
template <class T> __device__ T weightSlope(const Product<T>& c, int64_t index, int64_t e) {
  const int64_t from = c.rowOf(c.source, e), to = c.rowOf(c.target, e);
  T sum = 0;
  if (from < 0 || to < 0) return sum;
  for (int k = 0; k < c.paths(); ++k) {
    const Path p = c.path()[k];
    const int copies = p.target == kDense ? p.mul[2] : 1;
    const int64_t place = index - p.weights;
    if (p.weights < 0 || place < 0 || place >= int64_t{p.meetings()} * copies) continue;
    const int number = static_cast<int>(place / copies);
    int u = p.pairs == kDiagonal ? number : p.pairs == kAll ? number / p.mul[1] : 0;
    if (p.pairs == kUpper)
      while (p.number(u + 1, u + 2) <= number) ++u;
    const int v = p.begin(u) + number - p.number(u, p.begin(u));
    const int t = p.target == kDense ? static_cast<int>(place % copies) : p.targetOf(u, v);
    const T* g = c.g + to * c.D + p.offset[2] + t * p.dim[2];
    for (int component = 0; component < p.dim[2]; ++component)
      sum += coupled(c, p, u, v, component, e, from) * g[component];
  }
  return sum;
}

template <class T> int tensorProductW(const Call& call) {
  const int32_t* n = call.ints;
  const int64_t V = n[10];
  const Product<T> c = Product<T>{n[0],  n[2],   n[4],           n[1],           n[3],    n[5],
                                  n[11], V == 1, in<T>(call, 0), in<T>(call, 1), nullptr, in<T>(call, 2)}
                           .over(call);
  if (V != 1 || c.E == 1)
    return each(call, V * c.W, [=] __device__(int64_t k) { c.to[k] = weightSlope(c, k % c.W, k / c.W); });
  return eachBlock(call, c.W, [=] __device__(int64_t k) {
    T sum = 0;
    for (int64_t e = threadIdx.x; e < c.E; e += kThreads) sum += weightSlope(c, k, e);
    sum = joinBlock(sum, [](T a, T b) { return a + b; });
    if (threadIdx.x == 0) c.to[k] = sum;
  });
}

} // namespace

CUDA_FAMILY(tensor_product, CUDA_KERNEL(tensorProduct), CUDA_KERNEL(tensorProductX), CUDA_KERNEL(tensorProductY),
            CUDA_KERNEL(tensorProductW))

} // namespace cuda
} // namespace ag
