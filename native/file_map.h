// A part of a file as memory.
#pragma once
#include <napi.h>

namespace ag {

// mapFile(descriptor, offset, bytes): the bytes of an open file from `offset` on as an ArrayBuffer, nothing read until
// it is touched. Writing to it changes the memory alone, never the file (copy on write). The descriptor may be closed
// afterwards; the pages go with the ArrayBuffer. The file must stay as long as it is: touching pages beyond its end
// kills the process (SIGBUS). A system's error number where it refuses; undefined where a runtime allows no memory of
// others (Electron) or the system has no mmap.
Napi::Value mapFile(const Napi::CallbackInfo& info);

} // namespace ag
