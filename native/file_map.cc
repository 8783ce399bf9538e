#include "file_map.h"

#include <cstdint>
#if !defined(_WIN32)
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#endif

namespace ag {

#if defined(_WIN32)

Napi::Value mapFile(const Napi::CallbackInfo& info) { return info.Env().Undefined(); }

#else

namespace {

// Memory is reserved for the pages that are written to, not for all that could be.
#if defined(MAP_NORESERVE)
constexpr int kPrivate = MAP_PRIVATE | MAP_NORESERVE;
#else
constexpr int kPrivate = MAP_PRIVATE;
#endif

// Mappings start on a page, the numbers wherever the file's header ends: address and length of the mapping around them.
struct Pages {
  uintptr_t start;
  size_t bytes;
  Pages(uintptr_t data, size_t length) {
    const size_t within = data % static_cast<size_t>(sysconf(_SC_PAGESIZE));
    start = data - within;
    bytes = length + within;
  }
};

void unmap(napi_env, void* data, void* length) {
  const Pages pages(reinterpret_cast<uintptr_t>(data), reinterpret_cast<uintptr_t>(length));
  munmap(reinterpret_cast<void*>(pages.start), pages.bytes);
}

} // namespace

Napi::Value mapFile(const Napi::CallbackInfo& info) {
  const int descriptor = info[0].As<Napi::Number>().Int32Value();
  const auto offset = static_cast<uintptr_t>(info[1].As<Napi::Number>().Int64Value());
  const auto length = static_cast<size_t>(info[2].As<Napi::Number>().Int64Value());
  // The same division for the offset in the file as for the address: both are whole pages apart.
  const Pages inFile(offset, length);
  void* pages =
      mmap(nullptr, inFile.bytes, PROT_READ | PROT_WRITE, kPrivate, descriptor, static_cast<off_t>(inFile.start));
  if (pages == MAP_FAILED) return Napi::Number::New(info.Env(), errno);
  auto* data = static_cast<uint8_t*>(pages) + (offset - inFile.start);
  napi_value buffer;
  void* hint = reinterpret_cast<void*>(length);
  if (napi_create_external_arraybuffer(info.Env(), data, length, unmap, hint, &buffer) != napi_ok) {
    unmap(nullptr, data, hint);
    return info.Env().Undefined();
  }
  return Napi::Value(info.Env(), buffer);
}

#endif

} // namespace ag
