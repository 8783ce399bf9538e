// What the kernels of CPU and CUDA do with one edge; formulas in cpu.cc. Include it behind native/simd.h or
// native/cuda/call.cuh.
#pragma once
#include "../../native/host_device.h"

namespace ag {
namespace AG_ISA {
namespace {

template <class T> struct Vec {
  T x, y, z;
};
template <class T> HOST_DEVICE Vec<T> operator+(Vec<T> a, Vec<T> b) { return {a.x + b.x, a.y + b.y, a.z + b.z}; }
template <class T> HOST_DEVICE Vec<T> operator-(Vec<T> a, Vec<T> b) { return {a.x - b.x, a.y - b.y, a.z - b.z}; }
template <class T> HOST_DEVICE Vec<T> operator*(T s, Vec<T> a) { return {s * a.x, s * a.y, s * a.z}; }
template <class T> HOST_DEVICE Vec<T> operator*(Vec<T> a, Vec<T> b) { return {a.x * b.x, a.y * b.y, a.z * b.z}; }
template <class T> HOST_DEVICE T dot(Vec<T> a, Vec<T> b) { return a.x * b.x + a.y * b.y + a.z * b.z; }
template <class T> HOST_DEVICE Vec<T> read(const T* p) { return {p[0], p[1], p[2]}; }
template <class T> HOST_DEVICE void write(T* p, Vec<T> v) { p[0] = v.x, p[1] = v.y, p[2] = v.z; }

// One edge with everything the four kernels share. f[k], k-th derivative in r.
template <class T> struct Edge {
  Vec<T> d, unit, inverse; // displacement; e/|e|; 1/(d1,d2,d3)
  T r, n, inverse0;
  T sw[3], s[3], a[3];
  bool empty;
};

template <class T> struct Geometry {
  const T *edge, *mean, *stddev;
  const int32_t* type;
  T smooth, cut, width, protection;

  Geometry(const Call& c, int first)
      : edge(in<T>(c, first)), mean(in<T>(c, first + 2)), stddev(in<T>(c, first + 3)), type(in<int32_t>(c, first + 1)),
        smooth(static_cast<T>(c.reals[1])), cut(static_cast<T>(c.reals[0])),
        width(static_cast<T>(c.reals[0] - c.reals[1])), protection(static_cast<T>(c.reals[2])) {}

  HOST_DEVICE Edge<T> at(int64_t e) const {
    Edge<T> o;
    const T* deviation = stddev + 4 * type[e];
    o.d = read(edge + 3 * e);
    o.inverse0 = 1 / deviation[0];
    o.inverse = {1 / deviation[1], 1 / deviation[2], 1 / deviation[3]};
    o.r = root(dot(o.d, o.d));
    o.empty = o.r == 0;
    const Vec<T> scaled = o.d * o.inverse;
    o.n = o.empty ? T(1) : root(dot(scaled, scaled));
    o.unit = (1 / o.n) * scaled;
    const T u = (o.r - smooth) / width, v = 1 - u;
    if (o.r < smooth) {
      o.sw[0] = 1, o.sw[1] = o.sw[2] = 0;
    } else if (o.r >= cut) {
      o.sw[0] = o.sw[1] = o.sw[2] = 0;
    } else {
      o.sw[0] = v * v * v * (1 + u * (3 + 6 * u));
      o.sw[1] = -30 * u * u * v * v / width;
      o.sw[2] = -60 * u * v * (1 - 2 * u) / (width * width);
    }
    const T q = o.empty ? T(0) : 1 / (o.r + protection);
    o.s[0] = o.sw[0] * q;
    o.s[1] = (o.sw[1] - o.s[0]) * q;
    o.s[2] = (o.sw[2] - 2 * o.s[1]) * q;
    o.a[0] = o.s[0] * q;
    o.a[1] = (o.s[1] - o.a[0]) * q;
    o.a[2] = (o.s[2] - 2 * o.a[1]) * q;
    if (o.empty) o.r = 1;
    return o;
  }
};

// The row of an edge.
template <class T> struct EnvMatrix {
  Geometry<T> geometry;
  T* to;

  explicit EnvMatrix(const Call& c) : geometry(c, 0), to(out<T>(c, 4)) {}

  HOST_DEVICE void operator()(int64_t e) const {
    const Edge<T> o = geometry.at(e);
    const T* m = geometry.mean + 4 * geometry.type[e];
    T* row = to + 8 * e;
    row[0] = (o.s[0] - m[0]) * o.inverse0;
    write(row + 1, (o.a[0] * o.d - read(m + 1)) * o.inverse);
    row[4] = o.sw[0];
    write(row + 5, o.unit);
  }
};

// Its gradient, from that of the row.
template <class T> struct EnvMatrixVjp {
  Geometry<T> geometry;
  const T* gradient;
  T* to;

  explicit EnvMatrixVjp(const Call& c) : geometry(c, 1), gradient(in<T>(c, 0)), to(out<T>(c, 5)) {}

  HOST_DEVICE void operator()(int64_t e) const {
    const Edge<T> o = geometry.at(e);
    if (o.empty) return write(to + 3 * e, Vec<T>{0, 0, 0});
    const T* g = gradient + 8 * e;
    const Vec<T> gv = read(g + 1) * o.inverse, gu = read(g + 5);
    const T slope = g[0] * o.inverse0 * o.s[1] + o.a[1] * dot(gv, o.d) + g[4] * o.sw[1];
    const Vec<T> turn = (1 / o.n) * ((gu - dot(gu, o.unit) * o.unit) * o.inverse);
    write(to + 3 * e, (slope / o.r) * o.d + o.a[0] * gv + turn);
  }
};

// How the row changes when the edge does.
template <class T> struct EnvMatrixJvp {
  Geometry<T> geometry;
  const T* motion;
  T* to;

  explicit EnvMatrixJvp(const Call& c) : geometry(c, 1), motion(in<T>(c, 0)), to(out<T>(c, 5)) {}

  HOST_DEVICE void operator()(int64_t e) const {
    const Edge<T> o = geometry.at(e);
    T* row = to + 8 * e;
    if (o.empty) {
      for (int k = 0; k < 8; ++k) row[k] = 0;
      return;
    }
    const Vec<T> w = read(motion + 3 * e), q = w * o.inverse;
    const T wr = dot(w, o.d) / o.r;
    row[0] = o.s[1] * wr * o.inverse0;
    write(row + 1, ((o.a[1] * wr) * o.d + o.a[0] * w) * o.inverse);
    row[4] = o.sw[1] * wr;
    write(row + 5, (1 / o.n) * (q - dot(q, o.unit) * o.unit));
  }
};

// How the gradient changes when the edge does.
template <class T> struct EnvMatrixCurvature {
  Geometry<T> geometry;
  const T* motion;
  const T* gradient;
  T* to;

  explicit EnvMatrixCurvature(const Call& c)
      : geometry(c, 2), motion(in<T>(c, 0)), gradient(in<T>(c, 1)), to(out<T>(c, 6)) {}

  HOST_DEVICE void operator()(int64_t e) const {
    const Edge<T> o = geometry.at(e);
    if (o.empty) return write(to + 3 * e, Vec<T>{0, 0, 0});
    const T* g = gradient + 8 * e;
    const Vec<T> w = read(motion + 3 * e), q = w * o.inverse, gv = read(g + 1) * o.inverse, gu = read(g + 5);
    const T g0 = g[0] * o.inverse0, g4 = g[4], gd = dot(gv, o.d), wd = dot(w, o.d);
    const T first = g0 * o.s[1] + g4 * o.sw[1] + o.a[1] * gd;
    const T slope = (g0 * o.s[2] + g4 * o.sw[2] + o.a[2] * gd - first / o.r) / o.r;
    const T bend = o.a[1] / o.r;
    const Vec<T> stretch = wd * ((slope / o.r) * o.d + bend * gv) + (first / o.r) * w + (bend * dot(gv, w)) * o.d;
    const T alpha = dot(gu, o.unit), beta = dot(q, o.unit), gamma = dot(gu, q);
    const Vec<T> turn = beta * gu + alpha * q + (gamma - 3 * alpha * beta) * o.unit;
    write(to + 3 * e, stretch - (1 / (o.n * o.n)) * (turn * o.inverse));
  }
};

} // namespace
} // namespace AG_ISA
} // namespace ag
