// The neighbours of one centre, found by one thread.
#pragma once
#include "frames.cuh"

namespace ag {
namespace cuda {
namespace {

struct Space {
  Frames frames;
  const double *place, *given;
  const int32_t *info, *order, *cellPtr;
  int64_t N;
  double rcut;
  bool inclusive;

  // The kernels of both passes begin with the same inputs.
  Space(const Call& c, bool inclusive_)
      : frames{in<int32_t>(c, 5), in<double>(c, 6), in<int32_t>(c, 7), c.ints[2]}, place(in<double>(c, 0)),
        given(in<double>(c, 1)), info(in<int32_t>(c, 2)), order(in<int32_t>(c, 3)), cellPtr(in<int32_t>(c, 4)),
        N(c.ints[0]), rcut(c.reals[0]), inclusive(inclusive_) {}

  // r_l + t . cell - r_k of positions as given, and its length.
  __device__ double vector(const Frame& f, int64_t k, int64_t l, const int32_t* t, double* v) const {
    const double shift[3] = {static_cast<double>(t[0]), static_cast<double>(t[1]), static_cast<double>(t[2])};
    double square = 0;
    for (int b = 0; b < 3; ++b) {
      v[b] = given[4 * l + b] - given[4 * k + b] + times(shift, f.cell(), b);
      square += product(v[b], v[b]);
    }
    return sqrt(square);
  }
  __device__ bool within(double distance) const { return distance < rcut || (inclusive && distance == rcut); }
};

// Calls visit(l, offset) for every neighbour of the centre k, both numbers of sorted atoms, in no useful order but
// always the same.
template <class Visit> class Visitor {
public:
  __device__ Visitor(const Space& s, int64_t k, Visit& visit)
      : s_(s), f_(s.frames.frame(s.frames.ofAtom(k))), k_(k), visit_(visit) {
    const double far = s.rcut + f_.slack(), near = s.rcut - f_.slack();
    far2_ = far * far * (1 + 1e-12), near2_ = near > 0 ? near * near * (1 - 1e-12) : 0;
    for (int b = 0; b < 3; ++b) centre_[b] = s.place[b * s.N + k];
    for (int a = 0; a < 3; ++a) fraction_[a] = times(centre_, f_.inverse(), a);
  }

  __device__ void run() {
    if (f_.hasGrid()) cells();
    else direct();
  }

private:
  struct Image {
    double vector[3];
    int32_t offset[3];
    bool home;
    __device__ Image(const Frame& f, const double* centre, int x, int y, int z) : home(x == 0 && y == 0 && z == 0) {
      for (int b = 0; b < 3; ++b) {
        vector[b] = x * f.compact()[b] + y * f.compact()[3 + b] + z * f.compact()[6 + b] - centre[b];
        offset[b] = x * f.basis()[b] + y * f.basis()[3 + b] + z * f.basis()[6 + b];
      }
    }
  };

  // Wrapped positions tell whether a pair is surely out or surely in; in the thin shell between, those as given decide.
  __device__ void look(int64_t l, const Image& image) {
    double square = 0;
    for (int b = 0; b < 3; ++b) {
      const double x = s_.place[b * s_.N + l] + image.vector[b];
      square += x * x;
    }
    if (square > far2_ || (image.home && l == k_)) return;
    int32_t t[3];
    for (int b = 0; b < 3; ++b) t[b] = image.offset[b] - s_.info[4 * l + b] + s_.info[4 * k_ + b];
    double v[3];
    if (square < near2_ || s_.within(s_.vector(f_, k_, l, t, v))) visit_(l, t);
  }

  // No grid: every atom in every image that may be near.
  __device__ void direct() {
    int low[3] = {0, 0, 0}, high[3] = {0, 0, 0};
    for (int a = 0; a < 3; ++a) {
      if (!f_.wraps(a)) continue;
      low[a] = static_cast<int>(ceil(fraction_[a] - f_.high(a) - f_.reach(a) - 1e-9));
      high[a] = static_cast<int>(floor(fraction_[a] - f_.low(a) + f_.reach(a) + 1e-9));
    }
    const int frame = s_.frames.ofAtom(k_);
    const int64_t first = s_.frames.ptr[frame], end = s_.frames.ptr[frame + 1];
    for (int64_t l = first; l < end; ++l)
      for (int x = low[0]; x <= high[0]; ++x)
        for (int y = low[1]; y <= high[1]; ++y)
          for (int z = low[2]; z <= high[2]; ++z) look(l, Image(f_, centre_, x, y, z));
  }

  static __device__ int floorDiv(int a, int n) { return a >= 0 ? a / n : -((-a + n - 1) / n); }

  // The atoms of the grid cells within reach, a run of cells in one image at a time.
  __device__ void cells() {
    int from[3], to[3];
    for (int a = 0; a < 3; ++a) {
      const double zero = f_.zero(a), scale = f_.scale(a);
      from[a] = static_cast<int>(floor((fraction_[a] - f_.reach(a) - zero) * scale - 1e-9));
      to[a] = static_cast<int>(floor((fraction_[a] + f_.reach(a) - zero) * scale + 1e-9));
      if (f_.wraps(a)) continue;
      from[a] = from[a] < 0 ? 0 : from[a];
      to[a] = to[a] >= f_.cells(a) ? f_.cells(a) - 1 : to[a];
    }
    const int nx = f_.cells(0), ny = f_.cells(1), nz = f_.cells(2);
    for (int X = from[0]; X <= to[0]; ++X) {
      const int x = floorDiv(X, nx);
      for (int Y = from[1]; Y <= to[1]; ++Y) {
        const int y = floorDiv(Y, ny);
        const int32_t* row = s_.cellPtr + f_.firstCell() + ((X - x * nx) * ny + (Y - y * ny)) * nz;
        for (int Z = from[2]; Z <= to[2];) {
          const int z = floorDiv(Z, nz), last = (z + 1) * nz - 1 < to[2] ? (z + 1) * nz - 1 : to[2];
          const int32_t first = row[Z - z * nz], end = row[last - z * nz + 1];
          Z = last + 1;
          if (first == end) continue;
          const Image image(f_, centre_, x, y, z);
          for (int64_t l = first; l < end; ++l) look(l, image);
        }
      }
    }
  }

  const Space& s_;
  const Frame f_;
  const int64_t k_;
  Visit& visit_;
  double far2_, near2_, centre_[3], fraction_[3];
};

template <class Visit> __device__ void eachNeighbour(const Space& s, int64_t k, Visit visit) {
  Visitor<Visit>(s, k, visit).run();
}

} // namespace
} // namespace cuda
} // namespace ag
