// A few candidates at a time as seen from a centre: vectors in rows, as they are read and written, and the squares of
// their lengths.
#pragma once
#include "../neighbours/lanes.h"

namespace ag {
namespace AG_ISA {
namespace {

// What candidates are looked up in (kernels/verlet/op.ts says what a word is). `home`: the place of no offset, which
// stands in the middle.
struct Places {
  const double *given, *moved;
  uint32_t bits, below, home;

  Places(const double* given_, const double* moved_, int32_t bits_, int32_t places)
      : given(given_), moved(moved_), bits(static_cast<uint32_t>(bits_)),
        below(static_cast<uint32_t>((uint64_t{1} << bits) - 1)), home(static_cast<uint32_t>(places) / 2) {}
};

#if defined(__AVX512F__)

constexpr int kGroup = 8;

AG_INLINE V<double> rounded(V<double> x) {
  __asm__("" : "+v"(x));
  return x;
}

AG_INLINE V<double> twoRows(const double* p, const double* q) {
  const __m512d low = _mm512_maskz_broadcast_f64x4(0xff, _mm256_loadu_pd(p));
  return (V<double>)_mm512_mask_broadcast_f64x4(low, 0xf0, _mm256_loadu_pd(q));
}

// r_j - r_i + S . cell of eight words, two rows of four in each register, rounded after every sum. Where there are
// fewer, the rest is the first atom where it is.
struct Group {
  __m256i words, atoms;
  alignas(32) uint32_t place[8], all[8]; // times four; the words of a part
  bool home;
  V<double> pair[4];

  AG_ALWAYS inline Group(const uint32_t* from, int n, const Places& p, V<double> centre) {
    const __m256i zero = _mm256_set1_epi32(static_cast<int>(p.home << p.bits));
    words = _mm256_mask_loadu_epi32(zero, static_cast<__mmask8>((1u << n) - 1), from);
    if (n < kGroup) _mm256_store_si256(reinterpret_cast<__m256i*>(all), words);
    const uint32_t* word = n < kGroup ? all : from;
    const auto atom = [&](int k) { return p.given + size_t{4} * (word[k] & p.below); };
    for (int q = 0; q < 4; ++q) pair[q] = twoRows(atom(2 * q), atom(2 * q + 1)) - centre;
    atoms = _mm256_and_si256(words, _mm256_set1_epi32(static_cast<int>(p.below)));
    const __m256i places = _mm256_srl_epi32(words, _mm_cvtsi32_si128(static_cast<int>(p.bits)));
    home = _mm256_cmpneq_epi32_mask(places, _mm256_set1_epi32(static_cast<int>(p.home))) == 0;
    if (home) {
      const double* none = p.moved + size_t{4} * p.home;
      for (int q = 0; q < 4; ++q) pair[q] += twoRows(none, none);
    } else {
      _mm256_store_si256(reinterpret_cast<__m256i*>(place), _mm256_slli_epi32(places, 2));
      for (int q = 0; q < 4; ++q) pair[q] += twoRows(p.moved + place[2 * q], p.moved + place[2 * q + 1]);
    }
  }

  AG_ALWAYS static inline V<double> centreOf(const double* row) { return twoRows(row, row); }

  AG_ALWAYS inline V<double> squares() const {
    const V<double> xz = AG_SHUFFLE(double, pair[0], pair[1], 0, 8, 2, 10, 4, 12, 6, 14),
                    y = AG_SHUFFLE(double, pair[0], pair[1], 1, 9, 3, 11, 5, 13, 7, 15),
                    xz2 = AG_SHUFFLE(double, pair[2], pair[3], 0, 8, 2, 10, 4, 12, 6, 14),
                    y2 = AG_SHUFFLE(double, pair[2], pair[3], 1, 9, 3, 11, 5, 13, 7, 15);
    const V<double> X = AG_SHUFFLE(double, xz, xz2, 0, 4, 1, 5, 8, 12, 9, 13),
                    Y = AG_SHUFFLE(double, y, y2, 0, 4, 1, 5, 8, 12, 9, 13),
                    Z = AG_SHUFFLE(double, xz, xz2, 2, 6, 3, 7, 10, 14, 11, 15);
    return rounded(X * X) + rounded(Y * Y) + rounded(Z * Z);
  }

  // Keeps those of the first n words whose square is less; may write a whole group.
  AG_ALWAYS inline int keep(int n, double far2, uint32_t* to) const {
    const uint32_t near = below(squares(), far2) & ((1u << n) - 1);
    const __m256i kept = _mm256_maskz_compress_epi32(static_cast<__mmask8>(near), words);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), kept);
    return __builtin_popcount(near);
  }

  // The first n pairs; where `whole` they are eight, and one row more may be written behind the vectors.
  template <bool whole> AG_ALWAYS inline void put(int n, int32_t i, const int32_t* offset, int32_t* neighbour,
                                                  int32_t* centre, int32_t* shift, double* vector,
                                                  double* distance) const {
    const __mmask8 all = static_cast<__mmask8>(whole ? 0xff : (1u << n) - 1);
    _mm256_mask_storeu_epi32(neighbour, all, atoms);
    _mm256_mask_storeu_epi32(centre, all, _mm256_set1_epi32(i));
    __m512i low = {}, high = {};
    if (!home) {
      const __m512i first = _mm512_setr_epi32(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 16, 17, 18, 20),
                    last = _mm512_setr_epi32(5, 6, 8, 9, 10, 12, 13, 14, 0, 0, 0, 0, 0, 0, 0, 0);
      const __m512i a = fourOffsets(place, offset), b = fourOffsets(place + 4, offset);
      low = _mm512_permutex2var_epi32(a, first, b), high = _mm512_maskz_permutexvar_epi32(0xff, last, b);
    }
    const uint32_t threes = (1u << 3 * n) - 1;
    _mm512_mask_storeu_epi32(shift, static_cast<__mmask16>(whole ? 0xffff : threes), low);
    _mm512_mask_storeu_epi32(shift + 16, static_cast<__mmask16>(whole ? 0xff : threes >> 16), high);
    for (int q = 0; q < 4; ++q) {
      const V<double> rows = AG_SHUFFLE(double, pair[q], pair[q], 0, 1, 2, 4, 5, 6, 3, 7);
      if (whole) store(vector + 6 * q, rows);
      else _mm512_mask_storeu_pd(vector + 6 * q, static_cast<__mmask8>(threes >> 6 * q & 63), (__m512d)rows);
    }
    _mm512_mask_storeu_pd(distance, all, _mm512_maskz_sqrt_pd(0xff, (__m512d)squares()));
  }

private:
  AG_ALWAYS static inline __m512i fourOffsets(const uint32_t* place, const int32_t* offset) {
    const auto row = [&](int k) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(offset + place[k])); };
    __m512i rows = _mm512_maskz_broadcast_i32x4(0xffff, row(0));
    rows = _mm512_mask_broadcast_i32x4(rows, 0x00f0, row(1));
    rows = _mm512_mask_broadcast_i32x4(rows, 0x0f00, row(2));
    return _mm512_mask_broadcast_i32x4(rows, 0xf000, row(3));
  }
};

#else

constexpr int kGroup = 4;

// The same four at a time.
struct Group {
  uint32_t words[4];
  size_t place[4];
  Row row[4];
  uint32_t below;

  AG_ALWAYS inline Group(const uint32_t* from, int n, const Places& p, Row centre) : below(p.below) {
    for (int q = 0; q < 4; ++q) {
      words[q] = q < n ? from[q] : 0;
      place[q] = size_t{4} * static_cast<size_t>(uint64_t{words[q]} >> p.bits);
      row[q] = wideRow(p.given + size_t{4} * (words[q] & below)) - centre + wideRow(p.moved + place[q]);
    }
  }

  AG_ALWAYS static inline Row centreOf(const double* row) { return wideRow(row); }

  AG_ALWAYS inline Row squares() const {
    Row x = row[0], y = row[1], z = row[2], w = row[3];
    transpose(x, y, z, w);
    return rounded(x * x) + rounded(y * y) + rounded(z * z);
  }

  AG_ALWAYS inline int keep(int n, double far2, uint32_t* to) const {
    const Row square = squares();
    int kept = 0;
    for (int q = 0; q < n; ++q) to[kept] = words[q], kept += square[q] < far2;
    return kept;
  }

  template <bool whole> AG_ALWAYS inline void put(int n, int32_t i, const int32_t* offset, int32_t* neighbour,
                                                  int32_t* centre, int32_t* shift, double* vector,
                                                  double* distance) const {
    const Row d = root(squares());
    for (int q = 0; q < (whole ? 4 : n); ++q) {
      neighbour[q] = static_cast<int32_t>(words[q] & below), centre[q] = i;
      putRow<whole>(shift + 3 * q, wideOffsets(offset + place[q]));
      putRow<whole>(vector + 3 * q, row[q]);
      if (!whole) distance[q] = d[q];
    }
    if (whole) std::memcpy(distance, &d, sizeof(d));
  }
};

#endif

} // namespace
} // namespace AG_ISA
} // namespace ag
