// Attention weights between the edges of a centre with first and second derivatives; formulas in cpu.cc, of one pair in
// pairs.cuh.
//
// Layout: matrices row-major, one after the other in [P]; what belongs to none becomes 0. Strategy: a warp per row of a
// matrix passes over it once for the largest argument and once for each sum that needs the one before, a row staying in
// the cache; four blocks share the rows of a centre, four more behind the last clear the rest, for sizes are known on
// the device alone. Gradients of an edge's switch and direction are sums over its row, taken in passing, and over its
// column: those by a thread per edge in a second launch, neighbours on neighbouring columns, from the sums of all rows,
// which stand in the workspace. Nothing of size [P] is kept between the launches. Pointers are not checked here:
// reading them back would stop the stream. Bound: memory, 2 P, 3 P and 5 P elements (4 P and 7 P with gradients of
// edges). Not measured: has not run on hardware.
#include "../../native/cuda/lanes.cuh"
#include "pairs.cuh"

namespace ag {
namespace cuda {
namespace {

constexpr int kShares = 4;

// A row of a centre's matrix, by one warp; the last rows of a block may be missing.
struct Row {
  Centre centre;
  int j;

  __device__ bool there() const { return j < centre.n; }
  __device__ int64_t edge() const { return centre.first + j; }
  __device__ int64_t at(int k) const { return centre.pair + int64_t{j} * centre.n + k; }

  template <class F> __device__ void each(F f) const {
    for (int k = laneOfWarp(); there() && k < centre.n; k += kLanes) f(k);
  }
  template <class T, class F> __device__ T sum(F f) const {
    T total = 0;
    each([&](int k) { total += f(k); });
    return joinLanes(total, [](T a, T b) { return a + b; });
  }
  template <class T, class F> __device__ T most(T least, F f) const {
    T largest = least;
    each([&](int k) {
      const T y = f(k);
      largest = y > largest ? y : largest;
    });
    return joinLanes(largest, [](T a, T b) { return a > b ? a : b; });
  }
};

// f(row) for all rows of all centres; elements of `to` and `also` that belong to no centre become 0.
template <class T, class F> int eachRow(const Call& c, const Inputs<T>& x, T* to, T* also, F f) {
  return eachBlock(c, int64_t{kShares} * (x.N + 1), [=] __device__(int64_t item) {
    const int i = static_cast<int>(item / kShares), share = static_cast<int>(item % kShares);
    int64_t begin = x.start[i], end = x.P;
    if (i < x.N) {
      const Centre centre(x, i);
      for (int j = share * kBlockRows; j < centre.n; j += kShares * kBlockRows) f(Row{centre, j + warpOfBlock()});
      begin += int64_t{centre.n} * centre.n;
      end = x.start[i + 1];
    }
    for (int64_t k = begin + share * kThreads + threadIdx.x; k < end; k += kShares * kThreads) {
      to[k] = 0;
      if (also) also[k] = 0;
    }
  });
}

template <class T> __device__ RowSums<T> softmaxOf(const Inputs<T>& x, const Row& row) {
  const int pad = row.centre.pad;
  RowSums<T> s;
  s.largest = row.most(pad > 0 ? T(0) : -T(INFINITY), [&](int k) { return Pair<T>(x, row.centre, row.j, k).y; });
  s.total = row.sum<T>([&](int k) { return exp(Pair<T>(x, row.centre, row.j, k).y - s.largest); });
  if (pad > 0) s.total += static_cast<T>(pad) * exp(-s.largest);
  s.along = s.drift = s.along2 = 0;
  return s;
}

template <class T> int gatedSoftmax(const Call& c) {
  const Inputs<T> x(c, 0);
  T* to = out<T>(c, 6);
  return eachRow<T>(c, x, to, nullptr, [=] __device__(const Row& row) {
    const RowSums<T> s = softmaxOf(x, row);
    row.each([&](int k) {
      const Pair<T> p(x, row.centre, row.j, k);
      to[row.at(k)] = weightOf(p, s) * p.w * p.d;
    });
  });
}

// Gradients of an edge: a pair gives those of its gate and its cosine times the other edge.
template <class T> struct EdgeGradient {
  T sw = 0, unit[3] = {0, 0, 0};

  __device__ void add(const T* switches, const T* units, int64_t edge, T ofGate, T ofCosine) {
    if (switches) sw += ofGate * switches[edge];
    if (units)
      for (int a = 0; a < 3; ++a) unit[a] += ofCosine * units[3 * edge + a];
  }
  __device__ void join() {
    const auto plus = [](T a, T b) { return a + b; };
    sw = joinLanes(sw, plus);
    for (int a = 0; a < 3; ++a) unit[a] = joinLanes(unit[a], plus);
  }
};

// Where the gradients of edges and the sums of their rows stand; no gradients are wanted where there is no `sw`.
template <class T> struct EdgeOutputs {
  T *sw, *unit;
  RowSums<T>* sums;

  // By a warp, for its row.
  __device__ void put(const Row& row, EdgeGradient<T> g, const RowSums<T>& s) const {
    g.join();
    if (!row.there() || laneOfWarp() != 0) return;
    sw[row.edge()] = g.sw, sums[row.edge()] = s;
    for (int a = 0; a < 3; ++a) unit[3 * row.edge() + a] = g.unit[a];
  }
};

// Adds the sums over columns: f(centre, k, j, sums of row k, sum) adds the pair (k, j) to those of edge j.
template <class T, class F> int eachColumn(const Call& c, const Inputs<T>& x, const EdgeOutputs<T>& to, F f) {
  return each(c, x.E, [=] __device__(int64_t e) {
    if (e >= x.ptr[x.N]) {
      to.sw[e] = to.unit[3 * e] = to.unit[3 * e + 1] = to.unit[3 * e + 2] = 0;
      return;
    }
    int i = 0, end = x.N;
    while (end - i > 1) {
      const int middle = (i + end) / 2;
      (x.ptr[middle] <= e ? i : end) = middle;
    }
    const Centre centre(x, i);
    EdgeGradient<T> sum;
    for (int k = 0; k < centre.n; ++k) f(centre, k, static_cast<int>(e - centre.first), to.sums[centre.first + k], sum);
    to.sw[e] += sum.sw;
    for (int a = 0; a < 3; ++a) to.unit[3 * e + a] += sum.unit[a];
  });
}

template <class T> int vjp(const Call& c, bool gates) {
  const Inputs<T> x(c, 1);
  const T* g = in<T>(c, 0);
  T* to = out<T>(c, 7);
  const T *switches = x.smooth ? x.sw : nullptr, *units = x.dotr ? x.unit : nullptr;
  const EdgeOutputs<T> edges{gates ? out<T>(c, 8) : nullptr, gates ? out<T>(c, 9) : nullptr,
                             static_cast<RowSums<T>*>(c.work)};
  const int failed = eachRow<T>(c, x, to, nullptr, [=] __device__(const Row& row) {
    RowSums<T> s = softmaxOf(x, row);
    s.along = row.sum<T>([&](int k) {
      const Pair<T> p(x, row.centre, row.j, k);
      return weightOf(p, s) * g[row.at(k)] * p.w * p.d;
    });
    EdgeGradient<T> sum;
    row.each([&](int k) {
      const Pair<T> p(x, row.centre, row.j, k);
      const Slope<T> slope(p, g[row.at(k)], s);
      to[row.at(k)] = x.scale * slope.y * p.w;
      sum.add(switches, units, row.centre.first + k, slope.w, slope.d);
    });
    if (edges.sw) edges.put(row, sum, s);
  });
  if (failed != 0 || !gates) return failed;
  return eachColumn(c, x, edges,
                    [=] __device__(const Centre& centre, int k, int j, const RowSums<T>& s, EdgeGradient<T>& sum) {
                      const Slope<T> slope(Pair<T>(x, centre, k, j), g[centre.pair + int64_t{k} * centre.n + j], s);
                      sum.add(switches, units, centre.first + k, slope.w, slope.d);
                    });
}
template <class T> int gatedSoftmaxVjp(const Call& c) { return vjp<T>(c, true); }
template <class T> int gatedSoftmaxLogitsVjp(const Call& c) { return vjp<T>(c, false); }

// All that the second derivative needs of a pair.
template <class T> struct Second {
  Pair<T> pair;
  T g;
  Slope<T> slope;
  Change<T> change;
  __device__ Second(const Inputs<T>& x, const Changes<T>& by, const T* gs, const Centre& c, int j, int k,
                    const RowSums<T>& s)
      : pair(x, c, j, k), g(gs[c.pair + int64_t{j} * c.n + k]), slope(pair, g, s), change(x, by, pair, c, j, k) {}
};

template <class T> int vjpVjp(const Call& c, bool gates) {
  const Inputs<T> x(c, 4);
  const Changes<T> by{in<T>(c, 0), in<T>(c, 1), in<T>(c, 2)};
  const T* g = in<T>(c, 3);
  T *toG = out<T>(c, 10), *to = out<T>(c, 11);
  const T *switches = x.smooth ? x.sw : nullptr, *units = x.dotr ? x.unit : nullptr;
  const T *movedSwitches = x.smooth ? by.sw : nullptr, *movedUnits = x.dotr ? by.unit : nullptr;
  const EdgeOutputs<T> edges{gates ? out<T>(c, 12) : nullptr, gates ? out<T>(c, 13) : nullptr,
                             static_cast<RowSums<T>*>(c.work)};
  const int failed = eachRow<T>(c, x, to, toG, [=] __device__(const Row& row) {
    RowSums<T> s = softmaxOf(x, row);
    const auto at = [&](int k) { return Second<T>(x, by, g, row.centre, row.j, k, s); };
    T along = 0, drift = 0;
    row.each([&](int k) {
      const Second<T> p = at(k);
      along += p.slope.b * p.slope.ofB, drift += p.slope.b * p.change.y;
    });
    s.along = joinLanes(along, [](T a, T b) { return a + b; });
    s.drift = joinLanes(drift, [](T a, T b) { return a + b; });
    s.along2 = row.sum<T>([&](int k) {
      const Second<T> p = at(k);
      return p.slope.b * ((p.change.y - s.drift) * p.slope.ofB + p.g * p.change.factor);
    });
    EdgeGradient<T> sum;
    row.each([&](int k) {
      const Second<T> p = at(k);
      const Bend<T> bend(p.pair, p.slope, p.change, p.g, s, x.scale);
      toG[row.at(k)] = bend.g, to[row.at(k)] = bend.logit;
      sum.add(switches, units, row.centre.first + k, bend.w, bend.d);
      sum.add(movedSwitches, movedUnits, row.centre.first + k, p.slope.w, p.slope.d);
    });
    if (edges.sw) edges.put(row, sum, s);
  });
  if (failed != 0 || !gates) return failed;
  return eachColumn(c, x, edges,
                    [=] __device__(const Centre& centre, int k, int j, const RowSums<T>& s, EdgeGradient<T>& sum) {
                      const Second<T> p(x, by, g, centre, k, j, s);
                      const Bend<T> bend(p.pair, p.slope, p.change, p.g, s, x.scale);
                      sum.add(switches, units, centre.first + k, bend.w, bend.d);
                      sum.add(movedSwitches, movedUnits, centre.first + k, p.slope.w, p.slope.d);
                    });
}
template <class T> int gatedSoftmaxVjpVjp(const Call& c) { return vjpVjp<T>(c, true); }
template <class T> int gatedSoftmaxPairVjpVjp(const Call& c) { return vjpVjp<T>(c, false); }

} // namespace

CUDA_FAMILY(gated_softmax, CUDA_KERNEL(gatedSoftmax), CUDA_KERNEL(gatedSoftmaxVjp), CUDA_KERNEL(gatedSoftmaxLogitsVjp),
            CUDA_KERNEL(gatedSoftmaxVjpVjp), CUDA_KERNEL(gatedSoftmaxPairVjpVjp))

} // namespace cuda
} // namespace ag
