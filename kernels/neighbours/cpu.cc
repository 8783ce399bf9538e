// Neighbours by the direct method: every pair of atoms in every image that can reach, |r_j + S . cell - r_i|
// < rcut.
//
// Layout: wrapped positions one component after the other, so that eight (four, two) neighbours are one
// register; pairs come out sorted by centre, neighbour and offset. Strategy: wrapped positions in a compact
// cell find candidates, the images tried are those whose slab comes within reach of this centre; the distance
// of the positions as given decides. Counting looks at exact distances only in a thin shell around the
// cutoff. Two passes (count, fill) of the same search, centres shared by the team.
// Bound: 8 flop per atom, atom and image within reach, made for up to a few thousand atoms; larger systems
// want a cell list.
// Pitfalls: whether a pair at the cutoff is in must not depend on the instruction set, so exact distances are
// rounded after every product and sum; offsets come out in rising order only if the compact cell is the given
// one, else each pair's are sorted.
#include "../../native/simd.h"
#include "../../native/team.h"

namespace ag {
namespace AG_ISA {
namespace {

constexpr int kMostImages = 1024;
constexpr int kLane = kLanes<double>;

// Keeps the compiler from fusing a product into the sum behind it.
AG_INLINE double rounded(double x) {
#if defined(__SSE2__)
  __asm__("" : "+x"(x));
#elif defined(__aarch64__)
  __asm__("" : "+w"(x));
#endif
  return x;
}

// Bit l is set where a[l] < b.
AG_INLINE uint32_t below(V<double> a, double b) {
#if defined(__AVX512F__)
  return _mm512_cmp_pd_mask((__m512d)a, _mm512_set1_pd(b), _CMP_LT_OQ);
#elif defined(__AVX__)
  return static_cast<uint32_t>(_mm256_movemask_pd(_mm256_cmp_pd((__m256d)a, _mm256_set1_pd(b), _CMP_LT_OQ)));
#elif defined(__SSE2__)
  return static_cast<uint32_t>(_mm_movemask_pd(_mm_cmplt_pd((__m128d)a, _mm_set1_pd(b))));
#else
  uint32_t bits = 0;
  for (int l = 0; l < kLane; ++l) bits |= static_cast<uint32_t>(a[l] < b) << l;
  return bits;
#endif
}

// The images one centre looks at: ranges per axis, and (if they are few enough for the stack) a list in
// rising order.
struct Images {
  int64_t low[3], high[3], total;
  int32_t shift[kMostImages][3];
  double vector[kMostImages][3]; // image of the cell's origin, seen from the centre

  // Ranges from the centre's fractions; bounds: smallest and largest fraction of any atom, reach (-1: not
  // periodic).
  void look(const double* fraction, const double* bounds) {
    total = 1;
    for (int a = 0; a < 3; ++a) {
      const double reach = bounds[6 + a];
      low[a] = high[a] = 0;
      if (reach >= 0) {
        low[a] = static_cast<int64_t>(__builtin_ceil(fraction[a] - bounds[3 + a] - reach));
        high[a] = static_cast<int64_t>(__builtin_floor(fraction[a] - bounds[a] + reach));
      }
      total *= high[a] - low[a] + 1;
    }
  }

  template <class F> void each(F&& f) const {
    for (int64_t x = low[0]; x <= high[0]; ++x)
      for (int64_t y = low[1]; y <= high[1]; ++y)
        for (int64_t z = low[2]; z <= high[2]; ++z)
          f(static_cast<int32_t>(x), static_cast<int32_t>(y), static_cast<int32_t>(z));
  }

  void list(const double* cell, const double* centre, int64_t N) {
    int k = 0;
    each([&](int32_t x, int32_t y, int32_t z) {
      shift[k][0] = x, shift[k][1] = y, shift[k][2] = z;
      for (int b = 0; b < 3; ++b) vector[k][b] = x * cell[b] + y * cell[3 + b] + z * cell[6 + b] - centre[b * N];
      ++k;
    });
  }
};

// One neighbour in one image, by the positions as given.
struct Pair {
  int32_t shift[3];
  double vector[3], distance;
};

struct Search {
  const double *positions, *wrapped, *fraction, *cells, *compact, *bounds;
  const int32_t *offset, *frame, *framePtr, *basis;
  int64_t N;
  double rcut;
  bool inclusive;

  Search(const Call& c, bool inclusive_)
      : positions(in<double>(c, 0)), wrapped(in<double>(c, 1)), fraction(in<double>(c, 2)), cells(in<double>(c, 6)),
        compact(in<double>(c, 7)), bounds(in<double>(c, 9)), offset(in<int32_t>(c, 3)), frame(in<int32_t>(c, 4)),
        framePtr(in<int32_t>(c, 5)), basis(in<int32_t>(c, 8)), N(c.ints[0]), rcut(c.reals[0]), inclusive(inclusive_) {}

  void look(int64_t i, Images& images) const { images.look(fraction + 3 * i, bounds + 10 * frame[i]); }
  void list(int64_t i, Images& images) const { images.list(compact + 9 * frame[i], wrapped + i, N); }

  // Whether atom j in image s of the compact cell is a neighbour of i; its pair if so.
  bool exact(int64_t i, int64_t j, const int32_t* s, Pair& pair) const {
    const int32_t* m = basis + 9 * frame[i];
    const double* cell = cells + 9 * frame[i];
    int32_t* shift = pair.shift;
    for (int b = 0; b < 3; ++b)
      shift[b] = s[0] * m[b] + s[1] * m[3 + b] + s[2] * m[6 + b] - offset[3 * j + b] + offset[3 * i + b];
    if (i == j && shift[0] == 0 && shift[1] == 0 && shift[2] == 0) return false;
    double* v = pair.vector;
    for (int b = 0; b < 3; ++b) {
      const double moved =
          rounded(shift[0] * cell[b]) + rounded(shift[1] * cell[3 + b]) + rounded(shift[2] * cell[6 + b]);
      v[b] = positions[3 * j + b] - positions[3 * i + b] + moved;
    }
    pair.distance = __builtin_sqrt(rounded(v[0] * v[0]) + rounded(v[1] * v[1]) + rounded(v[2] * v[2]));
    return pair.distance < rcut || (inclusive && pair.distance == rcut);
  }

  // Squared distance of kLane wrapped atoms from j on, in one image, from the centre.
  AG_INLINE V<double> squares(const V<double> (&at)[3], const double* image) {
    const V<double> x = at[0] + image[0], y = at[1] + image[1], z = at[2] + image[2];
    return fma(x, x, fma(y, y, z * z));
  }

  template <class F> void eachBlock(int64_t i, F&& f) const {
    const int64_t end = framePtr[frame[i] + 1];
    for (int64_t j = framePtr[frame[i]]; j < end; j += kLane) {
      const int n = static_cast<int>(end - j < kLane ? end - j : kLane);
      const V<double> at[3] = {loadPart(wrapped + j, n), loadPart(wrapped + N + j, n),
                               loadPart(wrapped + 2 * N + j, n)};
      f(j, at, (1u << n) - 1);
    }
  }

  int32_t count(int64_t i, Images& images) const {
    const double slack = bounds[10 * frame[i] + 9], near = rcut > slack ? rcut - slack : 0, far = rcut + slack;
    Pair pair;
    int32_t found = 0;
    look(i, images);
    if (images.total > kMostImages) {
      every(i, images, [&](int64_t, const Pair&) { ++found; });
      return found;
    }
    list(i, images);
    const int total = static_cast<int>(images.total);
    eachBlock(i, [&](int64_t j, const V<double>(&at)[3], uint32_t lanes) {
      for (int k = 0; k < total; ++k) {
        const V<double> d2 = squares(at, images.vector[k]);
        const uint32_t sure = below(d2, near * near) & lanes;
        uint32_t shell = below(d2, far * far) & lanes & ~sure;
        found += __builtin_popcount(sure);
        for (; shell != 0; shell &= shell - 1) found += exact(i, j + __builtin_ctz(shell), images.shift[k], pair);
      }
    });
    return near > 0 ? found - 1 : found; // the centre itself is surely near
  }

  // Calls found(j, pair) for the neighbours of i in order of j and image.
  template <class F> void fill(int64_t i, Images& images, F&& found) const {
    const double far = rcut + bounds[10 * frame[i] + 9];
    Pair pair;
    look(i, images);
    if (images.total > kMostImages) return every(i, images, found);
    list(i, images);
    const int total = static_cast<int>(images.total);
    uint8_t hit[kMostImages];
    int16_t image[kMostImages];
    eachBlock(i, [&](int64_t j, const V<double>(&at)[3], uint32_t lanes) {
      uint32_t any = 0;
      int hits = 0;
      for (int k = 0; k < total; ++k) {
        const uint32_t bits = below(squares(at, images.vector[k]), far * far) & lanes;
        hit[hits] = static_cast<uint8_t>(bits), image[hits] = static_cast<int16_t>(k);
        hits += bits != 0;
        any |= bits;
      }
      for (; any != 0; any &= any - 1) {
        const int l = __builtin_ctz(any);
        for (int h = 0; h < hits; ++h)
          if ((hit[h] >> l & 1) && exact(i, j + l, images.shift[image[h]], pair)) found(j + l, pair);
      }
    });
  }

  // The same for tiny cells, whose images do not fit the stack.
  template <class F> void every(int64_t i, const Images& images, F&& found) const {
    Pair pair;
    for (int64_t j = framePtr[frame[i]]; j < framePtr[frame[i] + 1]; ++j)
      images.each([&](int32_t x, int32_t y, int32_t z) {
        const int32_t s[3] = {x, y, z};
        if (exact(i, j, s, pair)) found(j, pair);
      });
  }

  bool compactIsGiven(int64_t i) const {
    const int32_t* m = basis + 9 * frame[i];
    for (int k = 0; k < 9; ++k)
      if (m[k] != (k % 4 == 0)) return false;
    return true;
  }
};

template <class F> static void centres(const Call& c, const Search& search, F&& each) {
  // Two dozen images and a nanosecond per image and register of atoms, about.
  blocks(c, search.N, 16, 3.0 * static_cast<double>(search.N), [&](int64_t begin, int64_t end) {
    Images images;
    for (int64_t i = begin; i < end; ++i) each(i, images);
  });
}

static int neighbourCount(const Call& c) {
  const Search search(c, c.ints[2] != 0);
  int32_t* to = out<int32_t>(c, 10);
  centres(c, search, [&](int64_t i, Images& images) { to[i] = search.count(i, images); });
  return 0;
}

struct List {
  int32_t *neighbour, *shift;
  double *vector, *distance;

  void put(int64_t e, int64_t j, const Pair& pair) const {
    neighbour[e] = static_cast<int32_t>(j);
    for (int a = 0; a < 3; ++a) shift[3 * e + a] = pair.shift[a], vector[3 * e + a] = pair.vector[a];
    distance[e] = pair.distance;
  }

  // Puts a pair behind those from `first` on that have the same neighbour, in order of the offsets.
  void insert(int64_t first, int64_t e, int64_t j, const Pair& pair) const {
    for (; e > first && neighbour[e - 1] == j && after(e - 1, pair.shift); --e) {
      Pair before;
      for (int a = 0; a < 3; ++a) before.shift[a] = shift[3 * e - 3 + a], before.vector[a] = vector[3 * e - 3 + a];
      before.distance = distance[e - 1];
      put(e, j, before);
    }
    put(e, j, pair);
  }

  bool after(int64_t e, const int32_t* s) const {
    for (int a = 0; a < 3; ++a)
      if (shift[3 * e + a] != s[a]) return shift[3 * e + a] > s[a];
    return false;
  }
};

static int neighbourFill(const Call& c) {
  const Search search(c, c.ints[3] != 0);
  const int32_t* ptr = in<int32_t>(c, 10);
  const List list{out<int32_t>(c, 11), out<int32_t>(c, 12), out<double>(c, 13), out<double>(c, 14)};
  centres(c, search, [&](int64_t i, Images& images) {
    int64_t e = ptr[i];
    if (search.compactIsGiven(i)) search.fill(i, images, [&](int64_t j, const Pair& pair) { list.put(e++, j, pair); });
    else search.fill(i, images, [&](int64_t j, const Pair& pair) { list.insert(ptr[i], e++, j, pair); });
  });
  return 0;
}

} // namespace

// Distances are always f64: which pairs are neighbours must not depend on a model's precision.
FAMILY(neighbours, {"neighbourCount", nullptr, neighbourCount, nullptr},
       {"neighbourFill", nullptr, neighbourFill, nullptr})

} // namespace AG_ISA
} // namespace ag
