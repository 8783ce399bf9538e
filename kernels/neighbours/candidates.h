// The atoms and images near a block of centres, in single precision around the block's origin: what each of its centres
// is tested against.
#pragma once
#include "space.h"

namespace ag {
namespace AG_ISA {
namespace {

constexpr int kMostCandidates = 4096;

struct Candidates {
  int count;
  alignas(64) float x[kMostCandidates + kWide], y[kMostCandidates + kWide], z[kMostCandidates + kWide];
  // Offset of the image in the given lattice, and the atom's number among the sorted ones.
  alignas(64) int32_t image[kMostCandidates][4];

  // The rest of the last register lies nowhere near.
  void close() {
    const V<float> away = splat(3e18f);
    store(x + count, away), store(y + count, away), store(z + count, away);
  }
};

// One image of a frame as seen from a block.
struct Image {
  double vector[3];
  int32_t offset[3];

  Image(const Block& block, int64_t sx, int64_t sy, int64_t sz) {
    const double X = static_cast<double>(sx), Y = static_cast<double>(sy), Z = static_cast<double>(sz);
    for (int b = 0; b < 3; ++b) {
      vector[b] = X * block.compact[b] + Y * block.compact[3 + b] + Z * block.compact[6 + b] - block.origin[b];
      offset[b] = static_cast<int32_t>(sx * block.basis[b] + sy * block.basis[3 + b] + sz * block.basis[6 + b]);
    }
  }
};

// Collects candidates and calls flush() whenever the list is full and at the end. Candidates come in order of atom and
// image where `sorted`, so that pairs found one list after the other are in order.
template <bool sorted, class Flush> class Collector {
public:
  Collector(const Space& s, const Block& block, Candidates& list, Flush&& flush)
      : s_(s), b_(block), list_(list), flush_(flush) {}

  void collect() {
    list_.count = 0;
    if (b_.grid[0] == 0) direct();
    else if (sorted) inBands();
    else cells(0, INT32_MAX);
    emit();
  }

private:
  void emit() {
    if (list_.count > 0) list_.close(), flush_();
    list_.count = 0;
  }

  inline AG_ALWAYS void push(int at, V<double> x, V<double> y, V<double> z, int l, int64_t id, const int32_t* offset) {
    list_.x[at] = static_cast<float>(x[l]), list_.y[at] = static_cast<float>(y[l]);
    list_.z[at] = static_cast<float>(z[l]);
    const Offsets image = {offset[0], offset[1], offset[2], static_cast<int32_t>(id)};
    std::memcpy(list_.image[at], &image, sizeof(image));
  }

  // Every atom in every image that may reach the block: atoms in order, images in order within.
  void direct() {
    int64_t low[3], high[3];
    for (int a = 0; a < 3; ++a) {
      const double reach = b_.bounds[6 + a];
      low[a] = high[a] = 0;
      if (!(b_.grid[3] >> a & 1)) continue;
      low[a] = static_cast<int64_t>(__builtin_ceil(b_.lowest[a] - b_.bounds[3 + a] - reach));
      high[a] = static_cast<int64_t>(__builtin_floor(b_.highest[a] - b_.bounds[a] + reach));
    }
    const double far = b_.far * b_.far;
    for (int64_t k = s_.framePtr[b_.frame]; k < s_.framePtr[b_.frame + 1]; ++k)
      for (int64_t sx = low[0]; sx <= high[0]; ++sx)
        for (int64_t sy = low[1]; sy <= high[1]; ++sy)
          for (int64_t sz = low[2]; sz <= high[2]; ++sz) {
            const Image image(b_, sx, sy, sz);
            double at[3], d2 = 0;
            for (int b = 0; b < 3; ++b) {
              at[b] = s_.place[b * s_.N + k] + image.vector[b];
              const double out = __builtin_fabs(at[b]) - b_.half[b];
              d2 += out > 0 ? out * out : 0;
            }
            if (!(d2 < far)) continue;
            if (list_.count == kMostCandidates) emit();
            const int n = list_.count++;
            list_.x[n] = static_cast<float>(at[0]), list_.y[n] = static_cast<float>(at[1]);
            list_.z[n] = static_cast<float>(at[2]);
            for (int b = 0; b < 3; ++b) list_.image[n][b] = image.offset[b];
            list_.image[n][3] = static_cast<int32_t>(k);
          }
  }

  // Bands of atom numbers, as many as it takes for each to fit the list.
  void inBands() {
    const int64_t end = s_.framePtr[b_.frame + 1];
    int64_t width = end;
    for (int64_t low = s_.framePtr[b_.frame]; low < end; low += width) {
      while (!cells(low, low + width)) width = (width + 1) / 2, list_.count = 0;
      sort();
      emit();
    }
  }

  // The atoms of the grid cells within reach whose numbers are in a band; false when they do not fit (then, unsorted,
  // the list is flushed instead).
  bool cells(int64_t low, int64_t high) {
    int64_t from[3], to[3];
    const int32_t* n = b_.grid;
    for (int a = 0; a < 3; ++a) {
      const double start = b_.bounds[a], width = b_.grid[3] >> a & 1 ? 1 : b_.bounds[3 + a] - start,
                   reach = b_.bounds[6 + a];
      const double scale = width > 0 ? n[a] / width : 0, zero = b_.grid[3] >> a & 1 ? 0 : start;
      from[a] = static_cast<int64_t>(__builtin_floor((b_.lowest[a] - reach - zero) * scale - 1e-9));
      to[a] = static_cast<int64_t>(__builtin_floor((b_.highest[a] + reach - zero) * scale + 1e-9));
      if (b_.grid[3] >> a & 1) continue;
      from[a] = from[a] < 0 ? 0 : from[a], to[a] = to[a] >= n[a] ? n[a] - 1 : to[a];
    }
    for (int64_t X = from[0]; X <= to[0]; ++X) {
      const int64_t sx = floorDiv(X, n[0]);
      for (int64_t Y = from[1]; Y <= to[1]; ++Y) {
        const int64_t sy = floorDiv(Y, n[1]);
        const int32_t* row = s_.cellPtr + n[4] + ((X - sx * n[0]) * n[1] + (Y - sy * n[1])) * n[2];
        for (int64_t Z = from[2]; Z <= to[2];) {
          const int64_t sz = floorDiv(Z, n[2]), last = (sz + 1) * n[2] - 1 < to[2] ? (sz + 1) * n[2] - 1 : to[2];
          if (!run(Image(b_, sx, sy, sz), row[Z - sz * n[2]], row[last - sz * n[2] + 1], low, high)) return false;
          Z = last + 1;
        }
      }
    }
    return true;
  }

  inline AG_ALWAYS int64_t floorDiv(int64_t a, int64_t n) { return a >= 0 ? a / n : -((-a + n - 1) / n); }

  // The atoms first .. end (sorted numbers) in one image.
  bool run(const Image& image, int64_t first, int64_t end, int64_t low, int64_t high) {
    const double *px = s_.place, *py = px + s_.N, *pz = py + s_.N;
    const V<double> zero = {};
    for (int64_t k = first; k < end; k += kLanes<double>) {
      const int lanes = end - k < kLanes<double> ? static_cast<int>(end - k) : kLanes<double>;
      const V<double> x = loadPart(px + k, lanes) + image.vector[0], y = loadPart(py + k, lanes) + image.vector[1],
                      z = loadPart(pz + k, lanes) + image.vector[2];
      V<double> ox = select<double>(x < 0, -x, x) - b_.half[0], oy = select<double>(y < 0, -y, y) - b_.half[1],
                oz = select<double>(z < 0, -z, z) - b_.half[2];
      ox = select<double>(ox > 0, ox, zero), oy = select<double>(oy > 0, oy, zero),
      oz = select<double>(oz > 0, oz, zero);
      uint32_t bits = below(fma(ox, ox, fma(oy, oy, oz * oz)), b_.far * b_.far) & ((1u << lanes) - 1);
      if (list_.count + kLanes < double >> kMostCandidates) {
        if (sorted) return false;
        emit();
      }
      int n = list_.count;
      for (; bits != 0; bits &= bits - 1) {
        const int l = __builtin_ctz(bits);
        if (sorted) {
          const int32_t atom = s_.info[4 * (k + l) + 3];
          if (atom < low || atom >= high) continue;
          key_[n] = static_cast<uint64_t>(atom - low) << 32 | static_cast<uint32_t>(n);
        }
        push(n++, x, y, z, l, k + l, image.offset);
      }
      list_.count = n;
    }
    return true;
  }

  // By atom; images of one atom keep their order. A radix sort of bytes.
  void sort() {
    const int n = list_.count;
    uint64_t most = 0, *from = key_, *to = spare_;
    bool done = true;
    for (int k = 0; k < n; ++k) most |= key_[k], done &= k == 0 || key_[k - 1] <= key_[k];
    if (done) return;
    for (int shift = 32; shift < 64 && most >> shift != 0; shift += 8) {
      int32_t start[256] = {};
      for (int k = 0; k < n; ++k) ++start[from[k] >> shift & 255];
      int32_t sum = 0;
      for (int d = 0; d < 256; ++d) {
        const int32_t here = start[d];
        start[d] = sum, sum += here;
      }
      for (int k = 0; k < n; ++k) to[start[from[k] >> shift & 255]++] = from[k];
      uint64_t* other = from;
      from = to, to = other;
    }
    permute(from);
  }

  void permute(const uint64_t* key) {
    const int n = list_.count;
    for (float* x : {list_.x, list_.y, list_.z}) {
      for (int k = 0; k < n; ++k) number_[k] = x[static_cast<uint32_t>(key[k])];
      std::memcpy(x, number_, static_cast<size_t>(n) * sizeof(float));
    }
    for (int k = 0; k < n; ++k) std::memcpy(image_[k], list_.image[static_cast<uint32_t>(key[k])], 16);
    std::memcpy(list_.image, image_, static_cast<size_t>(n) * 16);
  }

  const Space& s_;
  const Block& b_;
  Candidates& list_;
  Flush& flush_;
  uint64_t key_[sorted ? kMostCandidates : 1], spare_[sorted ? kMostCandidates : 1];
  alignas(64) int32_t image_[sorted ? kMostCandidates : 1][4];
  float number_[sorted ? kMostCandidates : 1];
};

} // namespace
} // namespace AG_ISA
} // namespace ag
