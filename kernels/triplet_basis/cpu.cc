// The basis of triplets from that of edges and that of angles: out[t,l,n] = radial[index[t],l,n] angular[t,l], and its
// derivatives (a form in three operands, whose partial derivatives are these kernels again):
//   tripletRadial   out[e,l,n] = sum over triplets t of edge e of g[t,l,n] angular[t,l], in the order of `order`
//   tripletAngular  out[t,l] = sum over n of g[t,l,n] radial[index[t],l,n]
//   tripletJoint    both, with one look at g
//
// Rows of radial and out have F = L R numbers, R too few to fill a register. So a batch of rows of angles is spread out
// to rows of F first, by stores of whole registers that overwrite each other's excess; the rest is products of rows.
// Sums over n are taken from products in L1. Strategy: batches of kBatch triplets, in the order of memory or, for sums
// over edges, of the edge's list, whose rows are fetched ahead of time; nothing of the size of the triplets is stored
// but the results. Bound: memory, F numbers a triplet. Measured, 130,000 triplets of 9,000 edges with 7 x 6 functions,
// f32, two threads: the product 1.3 ms (56 % of 30 GB/s), both derivatives together 4.3 ms (17 %: rows of g, 168 bytes,
// lie scattered).
#include <cstring>

#include "../../native/simd.h"
#include "../../native/team.h"

namespace ag {
namespace AG_ISA {
namespace {

constexpr int64_t kGrain = 256;
constexpr int kBatch = 8;
constexpr int64_t kMostColumns = 512, kAhead = 16;

// Rows of F columns in batches, with room for a register's excess.
template <class T> struct Batch {
  int64_t stride;
  T at[kBatch * (kMostColumns + 2 * kLanes<T>)];
  explicit Batch(int64_t F) : stride((F + kLanes<T> - 1) / kLanes<T> * kLanes<T> + kLanes<T>) {}
  T* row(int k) { return at + k * stride; }
};

// y[l] repeated R times for each l.
template <class T> AG_INLINE void spread(T* to, const T* y, int64_t L, int64_t R) {
  for (int64_t l = 0; l < L; ++l) {
    const V<T> value = splat(y[l]);
    for (int64_t n = 0; n < R; n += kLanes<T>) store(to + l * R + n, value);
  }
}

// body(f, n) for registers of F columns, n lanes of each.
template <class T, class Body> AG_INLINE void registers(int64_t F, Body&& body) {
  int64_t f = 0;
  for (; f + kLanes<T> <= F; f += kLanes<T>) body(f, kLanes<T>);
  if (f < F) body(f, static_cast<int>(F - f));
}

// Sums of R neighbours.
template <class T> AG_INLINE void gatherSums(T* to, const T* from, int64_t L, int64_t R) {
  if (R == 6) {
    for (int64_t l = 0; l < L; ++l, from += 6)
      to[l] = ((from[0] + from[1]) + (from[2] + from[3])) + (from[4] + from[5]);
    return;
  }
  for (int64_t l = 0; l < L; ++l) {
    T sum = 0;
    for (int64_t n = 0; n < R; ++n) sum += from[l * R + n];
    to[l] = sum;
  }
}

struct Sizes {
  int64_t F, L, R;
  Sizes(int64_t columns, int64_t degrees) : F(columns), L(degrees), R(columns / (degrees ? degrees : 1)) {}
};

// body(first triplet of a batch, triplets in it)
template <class Body> static void batches(const Call& c, int64_t N, const Sizes& s, Body&& body) {
  blocks(c, N, kGrain, static_cast<double>(s.F) / 4, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; t += kBatch) body(t, static_cast<int>(end - t < kBatch ? end - t : kBatch));
  });
}

template <class T> static int tripletProduct(const Call& c) {
  const Sizes s(c.ints[1], c.ints[3]);
  const T *radial = in<T>(c, 0), *angular = in<T>(c, 1);
  const int32_t* index = in<int32_t>(c, 2);
  T* to = out<T>(c, 5);
  batches(c, c.ints[2], s, [&](int64_t first, int count) {
    Batch<T> y(s.F);
    for (int k = 0; k < count; ++k) spread(y.row(k), angular + (first + k) * s.L, s.L, s.R);
    for (int k = 0; k < count; ++k) {
      const T *row = radial + index[first + k] * s.F, *by = y.row(k);
      T* product = to + (first + k) * s.F;
      registers<T>(s.F, [&](int64_t f, int n) { storePart(product + f, load(by + f) * loadPart(row + f, n), n); });
    }
  });
  return 0;
}

// Walks the triplets of edges; with kAngular the other derivative is formed in passing.
template <class T, bool kAngular> static void overEdges(const Call& c, int64_t N, int64_t E, const Sizes& s, const T* g,
                                                        const T* angular, const T* radial, const int32_t* order,
                                                        const int32_t* ptr, T* toRadial, T* toAngular) {
  const double perRow = static_cast<double>(N) / static_cast<double>(E ? E : 1);
  blocks(c, E, 16, perRow * static_cast<double>(s.F) / 2, [&](int64_t begin, int64_t end) {
    Batch<T> y(s.F), product(s.F);
    for (int64_t e = begin; e < end; ++e) {
      T* sum = toRadial + e * s.F;
      std::memset(sum, 0, static_cast<size_t>(s.F) * sizeof(T));
      for (int32_t from = ptr[e]; from < ptr[e + 1]; from += kBatch) {
        const int count = ptr[e + 1] - from < kBatch ? ptr[e + 1] - from : kBatch;
        for (int k = 0; k < count; ++k) {
          spread(y.row(k), angular + order[from + k] * s.L, s.L, s.R);
          const int64_t next = order[from + k + kAhead < N ? from + k + kAhead : N - 1];
          for (int64_t f = 0; f < s.F; f += 64 / static_cast<int64_t>(sizeof(T)))
            __builtin_prefetch(g + next * s.F + f);
          __builtin_prefetch(g + next * s.F + s.F - 1); // rows begin anywhere in a line
          if (kAngular) __builtin_prefetch(toAngular + next * s.L, 1);
          __builtin_prefetch(angular + next * s.L);
        }
        registers<T>(s.F, [&](int64_t f, int n) {
          V<T> total = loadPart(sum + f, n);
          const V<T> row = kAngular ? loadPart(radial + e * s.F + f, n) : V<T>{};
          for (int k = 0; k < count; ++k) {
            const V<T> h = loadPart(g + order[from + k] * s.F + f, n);
            total = fma(load(y.row(k) + f), h, total);
            if (kAngular) store(product.row(k) + f, h * row);
          }
          storePart(sum + f, total, n);
        });
        if (kAngular)
          for (int k = 0; k < count; ++k) gatherSums(toAngular + order[from + k] * s.L, product.row(k), s.L, s.R);
      }
    }
  });
}

template <class T> static int tripletRadial(const Call& c) {
  const Sizes s(c.ints[1], c.ints[2]);
  overEdges<T, false>(c, c.ints[0], c.ints[3], s, in<T>(c, 0), in<T>(c, 1), nullptr, in<int32_t>(c, 3),
                      in<int32_t>(c, 4), out<T>(c, 5), nullptr);
  return 0;
}

template <class T> static int tripletJoint(const Call& c) {
  const Sizes s(c.ints[1], c.ints[2]);
  overEdges<T, true>(c, c.ints[0], c.ints[3], s, in<T>(c, 0), in<T>(c, 1), in<T>(c, 2), in<int32_t>(c, 4),
                     in<int32_t>(c, 5), out<T>(c, 6), out<T>(c, 7));
  return 0;
}

template <class T> static int tripletAngular(const Call& c) {
  const Sizes s(c.ints[1], c.ints[3]);
  const T *g = in<T>(c, 0), *radial = in<T>(c, 1);
  const int32_t* index = in<int32_t>(c, 2);
  T* to = out<T>(c, 5);
  batches(c, c.ints[0], s, [&](int64_t first, int count) {
    Batch<T> product(s.F);
    for (int k = 0; k < count; ++k) {
      const T *h = g + (first + k) * s.F, *row = radial + index[first + k] * s.F;
      registers<T>(s.F,
                   [&](int64_t f, int n) { store(product.row(k) + f, loadPart(h + f, n) * loadPart(row + f, n)); });
    }
    for (int k = 0; k < count; ++k) gatherSums(to + (first + k) * s.L, product.row(k), s.L, s.R);
  });
  return 0;
}

} // namespace

FAMILY(triplet_basis, KERNEL(tripletProduct), KERNEL(tripletRadial), KERNEL(tripletAngular), KERNEL(tripletJoint))

} // namespace AG_ISA
} // namespace ag
