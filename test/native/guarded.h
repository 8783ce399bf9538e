// A matrix at the very end of its memory: reading beyond the last element faults, writing into the gaps between rows
// shows.
#pragma once
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <vector>

template <class T> struct Guarded {
  T* data;
  int64_t rows, cols, stride;

  Guarded(int64_t rowCount, int64_t colCount, int64_t gap) : rows(rowCount), cols(colCount), stride(colCount + gap) {
    const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    // The last row ends at the page's end; packed scratch memory (one row) stays 64-byte aligned.
    elements = rows > 0 ? static_cast<size_t>((rows - 1) * stride + cols) : 0;
    const size_t bytes = elements * sizeof(T);
    mapped = (bytes + page - 1) / page * page + 2 * page;
    base = static_cast<char*>(mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    mprotect(base, page, PROT_NONE);
    mprotect(base + mapped - page, page, PROT_NONE);
    data = reinterpret_cast<T*>(base + mapped - page - bytes);
    for (size_t k = 0; k < elements; ++k) data[k] = guard();
  }
  ~Guarded() { munmap(base, mapped); }
  Guarded(const Guarded&) = delete;

  template <class F> void fill(F&& value) {
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t j = 0; j < cols; ++j) data[i * stride + j] = static_cast<T>(value());
  }
  std::vector<T> copy() const { return std::vector<T>(data, data + elements); }
  void put(const std::vector<T>& from) {
    for (size_t k = 0; k < elements; ++k) data[k] = from[k];
  }
  bool intact() const {
    for (int64_t i = 0; i + 1 < rows; ++i)
      for (int64_t j = cols; j < stride; ++j)
        if (data[i * stride + j] != guard()) return false;
    return true;
  }

private:
  static T guard() { return T(-12345); }
  char* base;
  size_t mapped, elements;
};
